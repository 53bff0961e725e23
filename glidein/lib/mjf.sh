# shellcheck shell=bash
# mjf.sh - machine/job features (HSF-TN-2016-02): what the site says of node and job, one value a file.
#
# MACHINEFEATURES and JOBFEATURES name a folder, or a URL below which the values are. A shutdown may
# be announced at any time, and be called off.
#
# Needs:     log.sh clock.sh job.sh config.sh report.sh knob.sh vars.sh batch.sh
# Commands:  curl or wget where they are URLs; mkdir (coreutils)
# Reads:     WORK, MACHINEFEATURES, JOBFEATURES; RESOURCES_ROOT (a folder that stands for /, for
#            tests); MJF_ASK_S, MJF_PREEMPT_S
# Sets:      MJF_END (seconds of the epoch; empty: no end is known), MJF_END_FROM, MJF_SHUTDOWN (when a
#            shutdown is announced for; empty: none), MJF_PREEMPT (True when that is near)

: "${MJF_ASK_S:=10}"       # seconds in which a site's web server must answer
: "${MJF_PREEMPT_S:=1800}" # seconds before a shutdown from which on jobs are told to leave

MJF_END='' MJF_END_FROM='' MJF_SHUTDOWN='' MJF_PREEMPT=False
declare -gA _MJF_FOUND=() # value by attribute

# Attribute below MJF_, kind (machine or job), name
_MJF_VALUES='
MACHINE_TOTAL_CPU machine total_cpu
MACHINE_HS06 machine hs06
MACHINE_SHUTDOWNTIME machine shutdowntime
MACHINE_GRACE_SECS machine grace_secs
JOB_ALLOCATED_CPU job allocated_cpu
JOB_HS06_JOB job hs06_job
JOB_SHUTDOWNTIME_JOB job shutdowntime_job
JOB_GRACE_SECS_JOB job grace_secs_job
JOB_JOBSTART_SECS job jobstart_secs
JOB_ID job job_id
JOB_WALL_LIMIT_SECS job wall_limit_secs
JOB_CPU_LIMIT_SECS job cpu_limit_secs
JOB_MAX_RSS_BYTES job max_rss_bytes
JOB_MAX_SWAP_BYTES job max_swap_bytes
JOB_SCRATCH_LIMIT_BYTES job scratch_limit_bytes
'

# mjf_look - read all values; set the variables above and the keys SiteWMS_WN_Draining and
#   SiteWMS_WN_Preempt
mjf_look() {
  local attribute kind name
  _MJF_FOUND=()
  MJF_END='' MJF_END_FROM='' MJF_PREEMPT=False
  _mjf_fetch
  while read -r attribute kind name; do
    [[ -n $name ]] && _mjf_read "$kind" "$name" || continue
    _MJF_FOUND[$attribute]=$REPLY
  done <<<"$_MJF_VALUES"
  if [[ ${_MJF_FOUND[JOB_WALL_LIMIT_SECS]-} =~ ^[1-9][0-9]{0,8}$ ]]; then
    batch_start
    [[ ! ${_MJF_FOUND[JOB_JOBSTART_SECS]-} =~ ^[1-9][0-9]{8,11}$ ]] || REPLY=${_MJF_FOUND[JOB_JOBSTART_SECS]}
    MJF_END=$((REPLY + _MJF_FOUND[JOB_WALL_LIMIT_SECS])) MJF_END_FROM='mjf(wall_limit_secs)'
  fi
  _mjf_shutdown
  if [[ -n $MJF_SHUTDOWN ]]; then
    log_warn "the site will shut this node down at $MJF_SHUTDOWN"
    [[ -n $MJF_END ]] && ((MJF_END <= MJF_SHUTDOWN)) || MJF_END=$MJF_SHUTDOWN MJF_END_FROM='mjf(shutdowntime)'
    config_set SiteWMS_WN_Draining True
    ! _mjf_soon || { MJF_PREEMPT=True && config_set SiteWMS_WN_Preempt True; }
  fi
  [[ -z $MJF_END ]] || report_fact mjf.end "$MJF_END"
  [[ -z $MJF_END ]] || report_fact mjf.end_source "$MJF_END_FROM"
  return 0
}

# mjf_configure - the values as attributes MJF_...; those that are not there are not advertised
mjf_configure() {
  local attribute kind name value
  ((${#_MJF_FOUND[@]})) || return 0
  knob_title 'machine/job features of the site'
  while read -r attribute kind name; do
    [[ -n $attribute && -n ${_MJF_FOUND[$attribute]-} ]] || continue
    value=${_MJF_FOUND[$attribute]}
    if [[ ! $value =~ ^-?[0-9]{1,18}(\.[0-9]{1,9})?$ ]]; then
      knob_string "$value"
      value=$REPLY
    fi
    knob_set "MJF_$attribute" "$value" "$kind feature of the site: $name" || return 1
    vars_advertise "MJF_$attribute"
  done <<<"$_MJF_VALUES"
}

# mjf_look_again - has the announcement of a shutdown changed? Sets MJF_SHUTDOWN and, to True or
#   False, MJF_PREEMPT.
#   Returns:  0  something changed: announced, called off, another time, or it is near now
#             1  all as it was
mjf_look_again() {
  local shutdown=$MJF_SHUTDOWN preempt=$MJF_PREEMPT
  [[ -n ${MACHINEFEATURES:-}${JOBFEATURES:-} || -d ${RESOURCES_ROOT:-}/etc/machinefeatures || -d ${RESOURCES_ROOT:-}/etc/jobfeatures ]] || return 1
  _mjf_fetch shutdowntime shutdowntime_job
  _mjf_shutdown
  MJF_PREEMPT=False
  ! _mjf_soon || MJF_PREEMPT=True
  [[ $MJF_SHUTDOWN != "$shutdown" || $MJF_PREEMPT != "$preempt" ]]
}

# _mjf_soon - is the shutdown near?
_mjf_soon() {
  [[ -n $MJF_SHUTDOWN ]] || return 1
  clock_epoch
  ((MJF_SHUTDOWN - REPLY < MJF_PREEMPT_S))
}

# _mjf_shutdown - set MJF_SHUTDOWN to the earlier of the announced times. A text that is no time is an
#   error of the site's: it announces nothing.
_mjf_shutdown() {
  local pair
  MJF_SHUTDOWN=
  for pair in 'machine shutdowntime' 'job shutdowntime_job'; do
    _mjf_read "${pair% *}" "${pair#* }" || continue
    [[ $REPLY =~ ^[1-9][0-9]{0,11}$ ]] || log_fail 1 "not a time of shutdown: ${pair#* }='$REPLY'" || continue
    [[ -n $MJF_SHUTDOWN ]] && ((MJF_SHUTDOWN <= REPLY)) || MJF_SHUTDOWN=$REPLY
  done
}

# _mjf_place KIND - set REPLY to the folder with the values of a kind; 1: there is none
_mjf_place() {
  local place=${JOBFEATURES:-} default=${RESOURCES_ROOT:-}/etc/jobfeatures # in a virtual machine
  if [[ $1 == machine ]]; then
    place=${MACHINEFEATURES:-} default=${RESOURCES_ROOT:-}/etc/machinefeatures
  fi
  case $place in
    '') REPLY=$default ;;
    http://* | https://*) REPLY=$WORK/.glidein/mjf.$1 ;;
    *) REPLY=$place ;;
  esac
  [[ -d $REPLY ]]
}

# _mjf_read KIND NAME - set REPLY to the first line of a value; 1: it is not there, or is no text
_mjf_read() {
  local line=
  _mjf_place "$1" || return 1
  { IFS= read -r -n 256 line <"$REPLY/$2"; } 2>/dev/null
  line=${line//[[:cntrl:]\\]/}
  line=${line#"${line%%[! ]*}"}
  REPLY=${line%"${line##*[! ]}"}
  [[ -n $REPLY ]]
}

# _mjf_fetch [NAME...] - where the features are URLs, bring the values (these, or all) into the work
#   directory. What the server has not is gone; where it does not answer, what we knew stays.
_mjf_fetch() {
  local kind url folder name attribute k code
  local -a names
  for kind in machine job; do
    if [[ $kind == machine ]]; then url=${MACHINEFEATURES:-}; else url=${JOBFEATURES:-}; fi
    [[ $url =~ ^https?://[^[:space:][:cntrl:]\"\<\>]+$ ]] || continue
    folder=$WORK/.glidein/mjf.$kind
    [[ -d $folder ]] || mkdir -p -- "$folder" || continue
    names=()
    while read -r attribute k name; do
      [[ $k == "$kind" ]] && [[ $# == 0 || " $* " == *" $name "* ]] && names+=("$name")
    done <<<"$_MJF_VALUES"
    job_limited $((MJF_ASK_S + 5)) _mjf_download "${url%/}" "$folder" "${names[@]}" >"$folder/said" 2>/dev/null
    while read -r code name; do
      case $code in
        200) knob_file "$folder/$name.new" && printf '%s\n' "$REPLY" >"$folder/$name" ;;
        404 | 410) : >"$folder/$name" ;;
        *) log_debug "$url/$name: answer $code" ;;
      esac
    done <"$folder/said"
  done
}

# _mjf_download URL FOLDER NAME... - a job: bring URL/NAME to FOLDER/NAME.new; prints "CODE NAME" of each
_mjf_download() {
  local url=$1 folder=$2 name
  local -a words=()
  shift 2
  if type -P curl >/dev/null; then
    words=(-q --silent --noproxy '*' --max-filesize 4096)
    for name; do
      ((${#words[@]} == 4)) || words+=(--next -q --silent --noproxy '*' --max-filesize 4096)
      words+=(--max-time "$MJF_ASK_S" --write-out "%{http_code} $name\n" -o "$folder/$name.new" "$url/$name")
    done
    exec curl "${words[@]}"
  fi
  for name; do
    wget --quiet --no-proxy --tries=1 --timeout="$MJF_ASK_S" -O "$folder/$name.new" "$url/$name"
    case $? in
      0) printf '200 %s\n' "$name" ;;
      8) printf '404 %s\n' "$name" ;; # the server answered, with an error
      *) printf '000 %s\n' "$name" ;;
    esac
  done
}
