#!/usr/bin/env bats
# script.sh with its modules: foreign scripts, each a process of its own; area.sh is played.
# shellcheck disable=SC2016,SC1090,SC2329  # what is quoted is for those scripts

bats_require_minimum_version 1.5.0

setup() {
  load helper
  export LC_ALL=C
  umask 077 # as in the glidein
  for module in log clock job config phase report interface cvmfs containers hooks periodic wrapper script; do source "$LIB/$module.sh"; done
  source "${LIB%/lib}/worker_api/error_augment.sh"
  GLIDEIN_LIB=$LIB
  WORK="$PWD/a work"
  mkdir -p "$WORK/main" "$WORK/.glidein"
  cd "$WORK" || exit
  declare -gA AREA=(["main.folder"]="$WORK/main") OPTION=()
  declare -ga AREA_ROW_SECTION=() AREA_ROW_OUT=() AREA_ROW_TYPE=() AREA_ROW_LIST=() AREA_ROW_PERIOD=() AREA_ROW_PREFIX=()
  AREA_LISTS=('main file_list' 'main at_file_list' 'client file_list')
}

area_row_wanted() { return 0; }
area_place_row() { REPLY=$WORK/main/${AREA_ROW_OUT[$1]}; }
area_apis() { REPLY=''; }
area_note() { :; }

# foreign NAME - a script of the main area, in its list, from standard input
foreign() {
  { echo '#!/bin/bash' && cat; } >"$WORK/main/$1"
  chmod +x "$WORK/main/$1"
  AREA_ROW_SECTION+=(main) AREA_ROW_OUT+=("$1") AREA_ROW_TYPE+=(exec) AREA_ROW_LIST+=('main file_list')
  AREA_ROW_PERIOD+=(0) AREA_ROW_PREFIX+=(GLIDEIN_PS_)
}

@test "script_run: calls it as the reference does" {
  foreign s <<<'printf "%s|" "$#" "$1" "$2" "$PWD" "$(umask)" "$(cat)"'
  run -0 --separate-stderr script_run "$WORK/main/s" main <<<'not for scripts'
  [[ $output == "2|glidein_config|main|$WORK|0022||" ]]
}

@test "script_run: the configuration is there, and what the script adds is known afterwards" {
  foreign s <<<'grep -q "^KEY a value$" "$1" && echo "ADDED by it" >>"$1" && echo "KEY other" >>"$1"'
  config_set KEY 'a value'
  script_run "$WORK/main/s" main
  config_get ADDED && [[ $REPLY == 'by it' ]]
  config_get KEY && [[ $REPLY == other ]]
}

@test "script_run: its exit status decides, and is reported by name" {
  foreign s <<<'exit 7'
  run -1 script_run "$WORK/main/s" main
  [[ $output == *'main/s: status=7'* ]]
  script_run "$WORK/main/s" main || [[ ${REPORT["scripts.main/s"]} == 'status=7 ms='* ]]
}

@test "script_run: takes too long and is ended with its children" {
  foreign s <<<'sleep 86397 & sleep 86397'
  SCRIPT_LIMIT_S=1 run -1 script_run "$WORK/main/s" main
  [[ $output == *status=124* ]]
  run ! pgrep -x -f 'sleep 86397'
}

@test "script_run: cannot touch our functions, variables or traps" {
  foreign s <<<'log_info() { echo hijacked; }; export -f log_info; WORK=/; trap "" TERM; kill -0 $PPID; exit 0'
  script_run "$WORK/main/s" main
  run -0 log_info still
  [[ $output == *still* && $output != *hijacked* && $WORK != / ]]
}

@test "script_run: what cannot be executed is a failed script" {
  foreign s <<<:
  chmod -x "$WORK/main/s"
  run -1 script_run "$WORK/main/s" main
  [[ $output == *status=126* ]]
}

@test "script_run: a script that removes the configuration has failed" {
  foreign s <<<'rm -f "$1"'
  run -1 script_run "$WORK/main/s" main
}

@test "script_run_area: runs scripts in their order, no other types, until one fails" {
  foreign one <<<'echo one'
  foreign data <<<'echo data'
  AREA_ROW_TYPE[1]=regular
  foreign two <<<'echo two; exit 1'
  foreign three <<<'echo three'
  run -1 --separate-stderr script_run_area
  [[ $output == $'one\ntwo' ]]
}

@test "script_run_area: each sees what the ones before it added" {
  foreign one <<<'echo "KEY 1" >>"$1"'
  foreign two <<<'grep "^KEY " "$1"; echo "KEY 2" >>"$1"'
  foreign three <<<'grep "^KEY " "$1"'
  run -0 --separate-stderr script_run_area
  [[ $output == $'KEY 1\nKEY 2' ]]
}

@test "script_run_area: a condition that an earlier script made true counts, and the file comes late" {
  area_row_wanted() { (($1 == 0)) || { config_get WANTED '' && [[ $REPLY == 1 ]]; }; }
  foreign one <<<'echo "WANTED 1" >>"$1"'
  foreign late <<<'echo late ran'
  run -0 --separate-stderr script_run_area
  [[ $output == 'late ran' ]]
}

# lives PID - is it there, and not only waiting to be collected by a parent that may never do it?
lives() {
  local stat
  { read -r stat <"/proc/$1/stat"; } 2>/dev/null && [[ ${stat##*) } != [ZX]* ]]
}

# What a failed test left running would hold bats up for ten minutes.
teardown() {
  PATH=/usr/bin:/bin
  [[ ! -s $BATS_TEST_TMPDIR/a\ work/pids ]] || xargs kill -9 <"$BATS_TEST_TMPDIR/a work/pids" 2>/dev/null || :
}

# listed TYPE [PERIOD [LIST]] - how the script that foreign made last is listed
listed() {
  local i=$((${#AREA_ROW_OUT[@]} - 1))
  AREA_ROW_TYPE[i]=$1 AREA_ROW_PERIOD[i]=${2:-0} AREA_ROW_LIST[i]=${3:-main file_list}
  AREA_ROW_SECTION[i]=${AREA_ROW_LIST[i]% *}
}

@test "script_run: the environment is what scripts know" {
  config_set GLIDEIN_UUID u-1
  config_set GLIDEIN_Name gfactory
  START_DIR=$PWD/start X509_USER_PROXY=proxy.pem OPTION[dir]=AUTO TMPDIR=/nowhere LC_ALL=C
  export X509_USER_PROXY TMPDIR LC_ALL
  foreign s <<<'echo "$GLIDEIN_Name|$GLIDEIN_UUID|$X509_USER_PROXY|${TMPDIR-unset}|$LANG|${LC_ALL-unset}|${GWMS_PATH-unset}"'
  run -0 --separate-stderr script_run "$WORK/main/s" main
  [[ $output == "gfactory|u-1|$START_DIR/proxy.pem|unset|C|unset|unset" ]]
}

@test "script_run: our descriptors are not the script's, and what it closes is its own" {
  foreign s <<<'ls /proc/self/fd | tr "\n" " "; exec <&- >&- 2>&-; kill -9 $PPID 2>/dev/null; exit 0'
  foreign t <<<'echo second'
  exec {REPORT_FD}>/dev/null
  SCRIPT_DRAIN_MS=2000
  script_run "$WORK/main/t" main >out 2>err
  script_run "$WORK/main/t" main >out 2>err
  [[ $(<out) == second ]]
  foreign u <<<'ls -l /proc/self/fd | grep -c -e otr_outlist -e report || :'
  script_run "$WORK/main/u" main >out 2>err
  [[ $(<out) == 0 ]]
}

@test "script_run: a script that kills its parent, or exits by a signal, has failed, and only it" {
  foreign s <<<'kill -9 $$'
  run -1 script_run "$WORK/main/s" main
  [[ $output == *'status=137'* ]]
  foreign t <<<'kill -9 $PPID; sleep 5'
  run -1 script_run "$WORK/main/t" main
}

@test "script_run: what it prints is passed on, bytes as they are, up to a bound" {
  foreign s <<<'printf "a\0b\xff\n"; printf "e\n" >&2; head -c 300000 /dev/zero | tr "\0" x; head -c 3000000 /dev/urandom >&2; echo end >&2'
  config_set GLIDEIN_UUID u
  mkdir -p logs/u
  SCRIPT_LOG_BYTES=100000 script_run "$WORK/main/s" main >out 2>err
  cmp out logs/u/u.out
  rm -r logs
  SCRIPT_LOG_BYTES=100000 script_run "$WORK/main/s" main >out2 2>/dev/null
  [[ $(stat -c %s out2) == 100000 ]]
  [[ $(head -c 5 out | od -An -c | tr -d ' ') == 'a\0b377\n' && $(stat -c %s out) == 100000 ]]
  grep -aq 'standard out has over 100000 bytes' err
  (($(stat -c %s err) < 110000))
}

@test "script_run: what it starts may stay, holds nothing up, and ends with the glidein" {
  local before=$SECONDS pid
  config_set GLIDEIN_UUID "u-$$-stay"
  foreign s <<<'sleep 600 & echo $! >>pids; setsid sh -c "echo \$\$ >>pids; exec sleep 600" & nohup sleep 600 >/dev/null 2>&1 & echo $! >>pids
    until [[ $(wc -l <pids) == 3 ]]; do sleep 0.01; done'
  SCRIPT_LIMIT_S=120 script_run "$WORK/main/s" main
  ((SECONDS - before < 60))
  while read -r pid; do lives "$pid"; done <pids
  job_end_all
  script_sweep
  while read -r pid; do run ! lives "$pid"; done <pids
}

@test "script_run: a script that waits for all its children does not wait for ours" {
  foreign s <<<'wait; python3 -c "import os
try: os.wait()
except ChildProcessError: print(\"none\")"'
  SCRIPT_LIMIT_S=30 script_run "$WORK/main/s" main >out
  [[ $(<out) == none ]]
}

@test "script_run: its limit is its own, its list's, or everybody's" {
  config_set GLIDEIN_Script_Limit 1
  config_set GLIDEIN_Script_Limit_client_preentry 2
  config_set GLIDEIN_Script_Limit_my_check_sh 30
  config_set GLIDEIN_Script_Limit_client soon
  script_limit my-check.sh 'client preentry_file_list' && [[ $REPLY == 30 ]]
  script_limit other 'client preentry_file_list' && [[ $REPLY == 2 ]]
  script_limit other 'main file_list' && [[ $REPLY == 1 ]]
  run -0 script_limit other 'client file_list'
  [[ $output == *"GLIDEIN_Script_Limit_client: not a number of seconds: 'soon'"* ]]
  foreign s <<<'sleep 86392'
  run -1 script_run "$WORK/main/s" main 'main file_list'
  [[ $output == *'it took over 1 seconds and was ended'* ]]
}

@test "script_run: one that ignores signals is ended all the same" {
  foreign s <<<'trap "" TERM INT HUP; while :; do sleep 0.1; done'
  SCRIPT_LIMIT_S=1 run -1 script_run "$WORK/main/s" main
  [[ $output == *status=124* ]]
}

@test "script_run: who failed, and why, is in the facts and in the XML" {
  foreign s <<<'"$(grep "^ERROR_GEN_PATH " "$1" | cut -d " " -f 2-)" -error s WN_Resource "no /cvmfs here" path /cvmfs; exit 1'
  config_set ERROR_GEN_PATH "${LIB%/lib}/worker_api/error_gen.sh"
  script_run "$WORK/main/s" main 2>err || [[ $? == 1 ]]
  [[ $(<err) == *"=== Validation error in $WORK/main/s ==="*'no /cvmfs here'* ]]
  config_get GLIDEIN_LAST_SCRIPT && [[ $REPLY == main/s ]]
  config_get GLIDEIN_FAILURE_REASON && [[ $REPLY == *'main/s'* ]]
  grep -q 'name="failure".*WN_Resource' otrx_output.xml
  [[ $(grep -c '<OSGTestResult id="main/s"' otr_outlist.list) == 1 ]]
}

@test "script_run: many leave one list of results, in order, read-only for them" {
  foreign one <<<'exit 0'
  foreign two <<<'{ : >otr_outlist.list; } 2>/dev/null; rm -f otrb_output.xml; exit 0'
  script_run "$WORK/main/one" main && script_run "$WORK/main/two" main
  [[ $(grep -o 'id="[a-z/]*"' otr_outlist.list | tr '\n' ' ') == *'id="main/two" ' && $(stat -c %A otr_outlist.list) != *w* ]]
}

@test "script_run: glidein_config of odd bytes, or a key twice, is in order for the next" {
  config_set KEY 1
  foreign s <<<'printf "KEY 2\n\0\377bin\nKEY 3\n1x y\n" >>"$1"'
  foreign t <<<'grep -a "^KEY " "$1"; grep -ac "^1x y" "$1"'
  script_run "$WORK/main/s" main
  script_run "$WORK/main/t" main >out
  [[ $(<out) == $'KEY 3\n1' ]]
}

@test "script_run: a glidein_config that is gone, huge, or another's is a failed script, and ours is kept" {
  local what
  config_set GLIDEIN_UUID ours
  for what in 'rm "$1"' 'rm "$1"; mkdir "$1"' 'head -c 6000000 /dev/zero | tr "\0" x >>"$1"' ': >"$1"' 'echo "GLIDEIN_UUID another" >>"$1"' 'rm "$1"; mkfifo "$1"'; do
    foreign s <<<"$what"
    SCRIPT_LIMIT_S=20 run -1 script_run "$WORK/main/s" main
    [[ $output == *'script main/s: it broke glidein_config'* ]]
    rm -rf glidein_config
  done
  config_get GLIDEIN_UUID && [[ $REPLY == ours ]]
}

@test "script_run: one that fills the disk is named, and the clean-up still works" {
  needs root unshare
  foreign s <<<'head -c 100000000 /dev/zero >big 2>/dev/null; exit 0'
  cp -r "$WORK" "$BATS_TEST_TMPDIR/kept"
  run -1 unshare --mount bash -uc '
    for m in log clock job config phase report interface hooks periodic wrapper script; do source "$LIB/$m.sh"; done
    source "$LIB/../worker_api/error_augment.sh"
    mount -t tmpfs -o size=1m none "$1" && cp -r "$2/." "$1" && cd "$1" && WORK=$1 || exit 9
    declare -A OPTION=()
    config_set GLIDEIN_UUID u
    script_run "$WORK/main/s" main
    status=$?
    rm big && config_write && grep -q "^GLIDEIN_LAST_SCRIPT main/s" glidein_config || exit 8
    exit "$status"' full "$WORK" "$BATS_TEST_TMPDIR/kept"
  [[ $output == *"script main/s: no room is left in $WORK after it"* ]]
}

@test "script_run: exec:s runs through singularity_wrapper.sh where main has it" {
  foreign s <<<'echo "inside $*"'
  { echo '#!/bin/sh' && echo 'echo "container $2 $3"; exec "$@"'; } >main/singularity_wrapper.sh
  chmod +x main/singularity_wrapper.sh
  run -0 --separate-stderr script_run "$WORK/main/s" client 'client file_list' exec:s
  [[ $output == $'container glidein_config client\ninside glidein_config client' ]]
}

@test "script_run_area: PATH begins with .gwms.d/bin after the list main at" {
  foreign before <<<'echo "${GWMS_PATH-none}"'
  foreign after <<<'echo "$GWMS_PATH ${PATH%%:*}"; command -v gconfig.py gwms-python condor_chirp'
  listed exec 0 'client file_list'
  run -0 --separate-stderr script_run_area
  [[ $output == "none"$'\n'"$WORK/.gwms.d/bin $WORK/.gwms.d/bin"$'\n'"$WORK/.gwms.d/bin/gconfig.py"$'\n'"$WORK/.gwms.d/bin/gwms-python"$'\n'"$WORK/.gwms.d/bin/condor_chirp" ]]
}

@test "script_run_area: clean-up scripts are kept, not run; the last script of main is neither" {
  AREA["main.last_script"]=condor_startup.sh
  config_set GLIDEIN_CLEANUP_SCRIPT tidy.sh
  foreign tidy.sh <<<'echo "tidied $1"'
  foreign cvmfs_umount.sh <<<'echo unmounted'
  foreign condor_startup.sh <<<'echo never'
  run -0 --separate-stderr script_run_area
  [[ -z $output ]]
  script_run_area 2>/dev/null
  run -0 --separate-stderr hooks_cleanup
  [[ $output == $'unmounted\n'"tidied $WORK/glidein_config" ]]
}

@test "script_run_area: a periodic script is run once, then left to the startd" {
  foreign p <<<'echo ran'
  listed exec 60
  AREA_ROW_PREFIX[0]=MJF_
  script_run_area >out 2>/dev/null
  [[ $(<out) == ran && $(grep -c . condor_config_startd_cron_include) == 10 ]]
  grep -qx 'STARTD_CRON_GLIDEIN_PS_1_ARGS = glidein_config main GLIDEIN_PS_1 main/p MJF_' condor_config_startd_cron_include
  grep -qx 'STARTD_CRON_GLIDEIN_PS_1_PERIOD = 60s' condor_config_startd_cron_include
  config_get GLIDEIN_condor_config_startd_cron_include && [[ $REPLY == condor_config_startd_cron_include ]]
}

@test "script_run_area: what scripts find by name is all there" {
  local key
  foreign s <<<'for key in ADD_CONFIG_LINE_SOURCE GET_ID_SELECTORS_SOURCE LOGGING_UTILS_SOURCE GLIDEIN_PATHS_SOURCE B64UUENCODE_SOURCE ERROR_GEN_PATH WRAPPER_LIST; do
    [[ -f $(grep -m1 "^$key " "$1" | cut -d " " -f 2-) ]] || echo "no $key"; done; ls -d .gwms.d/exec/* logs/*/shards/creating main/script_wrapper.sh main/error_augment.sh; grep -e INITIALIZED -e ADVERTISE_ONLY "$1"'
  config_set GLIDEIN_UUID u
  run -0 --separate-stderr script_run_area
  [[ $output == ".gwms.d/exec/cleanup
.gwms.d/exec/postjob
.gwms.d/exec/prejob
.gwms.d/exec/setup
.gwms.d/exec/setup_singularity
logs/u/shards/creating
main/error_augment.sh
main/script_wrapper.sh
GLIDEIN_INITIALIZED 0
GLIDEIN_ADVERTISE_ONLY 0
GLIDEIN_LOG_INITIALIZED 1" ]]
  script_run_area >/dev/null 2>&1
  config_get GLIDEIN_INITIALIZED && [[ $REPLY == 1 ]]
}

@test "script_run_area: no rows at all is fine" {
  run -0 script_run_area
}
