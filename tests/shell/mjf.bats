#!/usr/bin/env bats
# mjf.sh alone: machine/job features from folders and from a web server, and what changes in them.

# shellcheck disable=SC2153  # MJF_PREEMPT is one of its variables
bats_require_minimum_version 1.5.0

setup() {
  load helper
  local module
  for module in log clock job config phase report knob vars batch mjf; do
    # shellcheck source=/dev/null
    source "$LIB/$module.sh"
  done
  WORK=$PWD/work RESOURCES_ROOT=$PWD/root
  mkdir -p "$WORK/.glidein" machine job root
  MACHINEFEATURES=$PWD/machine JOBFEATURES=$PWD/job
  clock_epoch
  NOW=$REPLY SECONDS=0
}

teardown() {
  PATH=/usr/bin:/bin
  job_end_all || :
}

# value KEY - print a key of the store
value() { config_get "$1" '' && printf '%s' "$REPLY"; }

@test "nothing is there: nothing is claimed" {
  unset MACHINEFEATURES JOBFEATURES
  mjf_look || false
  [[ -z $MJF_END && -z $MJF_SHUTDOWN && -z $(value SiteWMS_WN_Draining) ]]
  run -1 mjf_look_again
}

@test "values: numbers stay numbers, texts become strings; what is missing is not advertised" {
  echo 16 >machine/total_cpu
  echo 10.5 >machine/hs06
  printf '17"; START = True' >job/job_id
  knob_begin test
  VARS_ADVERTISED=
  mjf_look || false
  mjf_configure || false
  grep -qx 'MJF_MACHINE_TOTAL_CPU = 16' <<<"$KNOB_TEXT"
  grep -qx 'MJF_MACHINE_HS06 = 10.5' <<<"$KNOB_TEXT"
  grep -qxF 'MJF_JOB_ID = "17\"; START = True"' <<<"$KNOB_TEXT"
  [[ $VARS_ADVERTISED == ' MJF_MACHINE_TOTAL_CPU MJF_MACHINE_HS06 MJF_JOB_ID' ]]
}

@test "end: the wall limit from the job's start, or an earlier shutdown" {
  echo $((NOW - 100)) >job/jobstart_secs
  echo 1000 >job/wall_limit_secs
  mjf_look || false
  [[ $MJF_END == $((NOW + 900)) && $MJF_END_FROM == 'mjf(wall_limit_secs)' ]]
  echo $((NOW + 800)) >machine/shutdowntime
  echo $((NOW + 850)) >job/shutdowntime_job
  mjf_look || false
  [[ $MJF_END == $((NOW + 800)) && $MJF_END_FROM == 'mjf(shutdowntime)' ]]
}

@test "shutdown: announced, jobs stay away; near, they leave" {
  echo $((NOW + 9000)) >job/shutdowntime_job
  mjf_look || false
  [[ $(value SiteWMS_WN_Draining) == True && -z $(value SiteWMS_WN_Preempt) && $MJF_PREEMPT == False ]]
  echo $((NOW + 900)) >job/shutdowntime_job
  mjf_look || false
  [[ $(value SiteWMS_WN_Preempt) == True && $MJF_PREEMPT == True ]]
}

@test "shutdown: a time that is none announces nothing, and is said" {
  echo soon >job/shutdowntime_job
  run -0 mjf_look
  [[ $output == *"not a time of shutdown: shutdowntime_job='soon'"* ]]
  mjf_look 2>/dev/null || false
  [[ -z $MJF_SHUTDOWN ]]
}

@test "look again: only a change counts: announced, near, called off" {
  mjf_look || false
  run -1 mjf_look_again
  echo $((NOW + 9000)) >machine/shutdowntime
  mjf_look_again || false
  [[ $MJF_SHUTDOWN == $((NOW + 9000)) && $MJF_PREEMPT == False ]]
  run -1 mjf_look_again
  MJF_PREEMPT_S=9999
  mjf_look_again || false
  [[ $MJF_PREEMPT == True ]]
  rm machine/shutdowntime
  mjf_look_again || false
  [[ -z $MJF_SHUTDOWN && $MJF_PREEMPT == False ]]
}

@test "a virtual machine has them in /etc" {
  unset MACHINEFEATURES JOBFEATURES
  mkdir -p root/etc/machinefeatures
  echo $((NOW + 9000)) >root/etc/machinefeatures/shutdowntime
  mjf_look || false
  [[ $MJF_SHUTDOWN == $((NOW + 9000)) ]]
}

# web TOOL - features at a URL; the server's answers are in the folder `web`: a file for a value, none for
#   404, and nothing at all while `down` exists
web() {
  MACHINEFEATURES=http://site.example.org/machine JOBFEATURES=http://site.example.org/job/
  mkdir web
  case $1 in
    curl)
      stub curl <<END
echo x >>$PWD/calls
while ((\$#)); do
  case \$1 in
    --write-out) out=\$2; shift ;;
    -o) file=\$2; shift ;;
    --max-time | --max-filesize | --noproxy) shift ;;
    http*)
      name=\${1##*/}
      if [[ -e $PWD/down ]]; then code=000; elif [[ -e $PWD/web/\$name ]]; then cp $PWD/web/\$name "\$file"; code=200; else echo '<html>' >"\$file"; code=404; fi
      out=\${out//'%{http_code}'/\$code}
      printf '%b' "\$out" ;;
  esac
  shift
done
END
      ;;
    wget)
      stub wget <<END
for url; do :; done
while [[ \$1 != -O ]]; do shift; done
[[ ! -e $PWD/down ]] || exit 4
cp $PWD/web/\${url##*/} "\$2" 2>/dev/null || exit 8
END
      # a PATH without the machine's own curl
      only_tools cp mkdir rm
      ;;
  esac
}

@test "a web server: values come; what it has not is gone; while it is silent, what we knew stays" {
  local tool
  for tool in curl wget; do
    web "$tool"
    echo $((NOW + 9000)) >web/shutdowntime_job
    echo 4 >web/total_cpu
    mjf_look || false
    [[ $MJF_SHUTDOWN == $((NOW + 9000)) && ${_MJF_FOUND[MACHINE_TOTAL_CPU]} == 4 ]]
    : >down
    run -1 mjf_look_again
    rm down web/shutdowntime_job
    mjf_look_again || false
    [[ -z $MJF_SHUTDOWN ]]
    rm -r web "$WORK"/.glidein/mjf.*
  done
}

@test "a web server: one program for all values of a kind" {
  web curl
  mjf_look || false
  [[ $(wc -l <calls) == 2 ]]
}
