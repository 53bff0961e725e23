# shellcheck shell=bash
# script.sh - work through the lists of the areas: each file in its turn, scripts run with a time limit.
#
# A script is called as `<path> glidein_config <section>` in the work directory, with empty standard
# input; its exit status decides. It is foreign code: a process of its own, never sourced. What it
# prints is passed on up to a bound; what it starts may stay until the glidein ends.
#
# Needs:     log.sh clock.sh job.sh config.sh area.sh report.sh interface.sh hooks.sh periodic.sh wrapper.sh;
#            error_augment of worker_api/
# Commands:  head tee (coreutils; stdbuf where it works), cat where a script prints over its bound, chmod tail
# Reads:     SCRIPT_LIMIT_S, SCRIPT_LOG_BYTES; GLIDEIN_Script_Limit* of the configuration; WORK
# Sets:      PHASE_EXIT, where not a script was what failed

: "${SCRIPT_LIMIT_S:=600}"       # seconds a script may take
: "${SCRIPT_LOG_BYTES:=1048576}" # bytes of a script's standard output, and of its standard error, that are kept
: "${SCRIPT_DRAIN_MS:=500}"      # milliseconds to wait for the end of its output; what it started may hold it open

SCRIPT_COUNT=0   # scripts run so far
_SCRIPT_LIST_FD= # otr_outlist.list, which is read-only for all others

# script_run_area - work through all lists, in their order: place, note, unpack, run.
#   Returns:  0  all scripts said yes
#             1  one failed or took too long, and the log names it; or a file could not be had (PHASE_EXIT)
script_run_area() {
  local item i
  interface_place || return 1
  config_ahead_end
  for item in "${AREA_LISTS[@]}"; do
    for i in ${AREA_ROW_OUT[@]+"${!AREA_ROW_OUT[@]}"}; do
      [[ ${AREA_ROW_LIST[i]} == "$item" ]] || continue
      case ${AREA_ROW_TYPE[i]} in library | api | condor) continue ;; esac
      area_row_wanted "$i" || continue
      area_place_row "$i" || {
        : "${PHASE_EXIT:=20}"
        return 1
      }
      _script_turn "$i" "$REPLY" "$item" || return 1
    done
    hooks_after_list "${item% *}" "${item#* }" || return 1
  done
  config_set GLIDEIN_INITIALIZED 1
  ((SCRIPT_COUNT == 0)) || _script_end_lines
}

# _script_turn INDEX PATH LIST - what is to be done with a file that is in its place now
_script_turn() {
  local type=${AREA_ROW_TYPE[$1]} section=${AREA_ROW_SECTION[$1]} name=${AREA_ROW_OUT[$1]} period=$((10#${AREA_ROW_PERIOD[$1]}))
  case $type in
    wrapper) wrapper_add "$2" ;;
    exec | exec:s)
      if [[ $section == main && $name == "${AREA["main.last_script"]:-}" ]]; then
        : # what it does, we do ourselves
      elif hooks_is_cleanup "$name"; then
        hooks_keep "$2" || return 1
      else
        script_run "$2" "$section" "$3" "$type" || return 1
        ((period == 0)) || periodic_add "$2" "$section" "$period" "${AREA_ROW_PREFIX[$1]}" || return 1
      fi
      area_note "$1" "$2"
      ;;
  esac
}

# script_run PATH SECTION [LIST [TYPE]] - run one script under the interface of worker_api.
#   Returns:  0
#             1  its exit status was not 0, it was ended after its time, it broke glidein_config, or
#                it left no room on the disk
script_run() {
  local path=$1 section=$2 name=${1##*/} status started epoch ms limit
  config_write || return 1
  script_limit "$name" "${3:-$section}"
  limit=$REPLY
  ((++SCRIPT_COUNT))
  error_augment_init 2>/dev/null
  clock_epoch
  epoch=$REPLY
  clock_ms
  started=$REPLY
  _script_head
  job_limited "$limit" _script_job "$SCRIPT_COUNT" "$path" "$section" "${4:-exec}"
  status=$?
  clock_ms
  ms=$((REPLY - started))
  report_fact "scripts.$section/$name" "status=$status ms=$ms"
  _script_result "$status" "$section/$name" "$path glidein_config" "$epoch"
  if ((status != 0)); then
    printf '=== Validation error in %s ===\n' "$path" >&2
    error_augment_detail
    [[ -z $REPLY ]] || printf '%s\n' "$REPLY" >&2
    _script_blame "$section/$name" "status=$status" "$limit" "$status"
    return 1
  fi
  if ! config_load; then
    _script_blame "$section/$name" 'it broke glidein_config' "$limit" 0
    return 1
  fi
  if ! { printf '%65536s' '' >"$WORK/.glidein/room"; } 2>/dev/null; then
    _script_blame "$section/$name" "no room is left in $WORK after it" "$limit" 0
    return 1
  fi
  log_info "script $section/$name: ok ms=$ms"
}

# _script_blame SCRIPT WHY LIMIT STATUS - say which script ended this glidein, and why
_script_blame() {
  local why=$2
  [[ $4 != 124 ]] || why+=": it took over $3 seconds and was ended"
  report_fact end.script "$1"
  config_set GLIDEIN_LAST_SCRIPT "$1"
  config_set GLIDEIN_FAILURE_REASON "Glidein failed while running $1: $why"
  log_error "script $1: $why"
}

# script_limit NAME LIST - set REPLY to the seconds a script may take: GLIDEIN_Script_Limit_<NAME>, else
#   _<LIST>, else GLIDEIN_Script_Limit, else SCRIPT_LIMIT_S. LIST is a section and the key of its list in
#   the description; `_file_list` is left out, other characters than letters and digits are `_`.
script_limit() {
  local key list=${2% file_list}
  list=${list%_file_list}
  for key in "_$1" "_$list" ''; do
    config_get "GLIDEIN_Script_Limit${key//[!A-Za-z0-9]/_}" ''
    [[ ! $REPLY =~ ^[0-9]{1,6}$ ]] || { REPLY=$((10#$REPLY)) && return 0; }
    [[ -z $REPLY ]] || log_warn "GLIDEIN_Script_Limit${key//[!A-Za-z0-9]/_}: not a number of seconds: '$REPLY'"
  done
  REPLY=$SCRIPT_LIMIT_S
}

# _script_job NUMBER PATH SECTION TYPE - the job: the script, and what bounds its output. The script is a
#   child that has no children yet: some wait for all of theirs.
_script_job() {
  local out err status mark=$WORK/.glidein/script.$1 logs waited=0 words=("$2" glidein_config "$3")
  config_get GLIDEIN_UUID unknown
  logs=$WORK/logs/$REPLY/$REPLY
  [[ -d ${logs%/*} ]] || logs=/dev/null
  [[ $4 != exec:s || ! -x $WORK/main/singularity_wrapper.sh ]] || words=("$WORK/main/singularity_wrapper.sh" "${words[@]}")
  exec {out}> >(_script_pass "$mark.out" "$logs" out "$3/${2##*/}")
  exec {err}> >(exec {out}>&- && _script_pass "$mark.err" "$logs" err "$3/${2##*/}" >&2)
  { (_script_exec "${words[@]}") >&"$out"; } 2>&"$err"
  status=$?
  exec {out}>&- {err}>&-
  until [[ -e $mark.out && -e $mark.err ]] || ((waited >= SCRIPT_DRAIN_MS)); do
    clock_pause 0.005
    ((waited += 5))
  done
  return "$status"
}

# _script_exec COMMAND... - become the script
_script_exec() {
  local fd
  # The descriptors that are ours; only the lock of the work directory is to be held by all.
  for fd in "${out:-}" "${err:-}" "$_SCRIPT_LIST_FD" "${REPORT_FD:-}" "${_CLOCK_FD:-}" "${_LIVELOG_STDERR:-}"; do
    [[ ! $fd =~ ^[0-9]+$ ]] || exec {fd}>&-
  done
  interface_environment
  cd -- "$WORK" && exec "$@"
}

# _script_head - set _SCRIPT_HEAD to a head that passes on at once what it reads, where this node has one: what a
#   script said is to be known also of a glidein that is killed outright, or sends a live log
_script_head() {
  [[ -z ${_SCRIPT_HEAD+x} ]] || return 0
  _SCRIPT_HEAD=(head)
  [[ $(printf x | (exec stdbuf -o0 head -c 1) 2>/dev/null) != x ]] || _SCRIPT_HEAD=(stdbuf -o0 head)
}

# _script_pass MARK LOGS STREAM SCRIPT - pass on what comes in, and keep it in LOGS.STREAM, up to
#   SCRIPT_LOG_BYTES; drop the rest. MARK is there when all came.
_script_pass() {
  local rest
  local -a also=()
  trap '' TERM INT HUP QUIT # the script may be ended so, and what it said last is wanted
  [[ $2 == /dev/null ]] || also=("$2.$3")
  # Standard error gets there by itself.
  [[ $3 != out || -z ${LIVELOG_FILE:-} ]] || also+=("$LIVELOG_FILE")
  if ((${#also[@]} == 0)); then
    "${_SCRIPT_HEAD[@]}" -c "$SCRIPT_LOG_BYTES"
  else
    "${_SCRIPT_HEAD[@]}" -c "$SCRIPT_LOG_BYTES" | tee -a -- "${also[@]}"
  fi
  if IFS= read -r -d '' -n 1 rest || [[ -n $rest ]]; then
    log_warn "script $4: standard $3 has over $SCRIPT_LOG_BYTES bytes: the rest is dropped"
    cat >/dev/null
  fi
  : >"$1"
}

# _script_result STATUS ID COMMAND STARTED - add what the script said of itself, and what we know, to
#   otr_outlist.list
_script_result() {
  local now
  clock_epoch
  now=$REPLY
  error_augment_process "$1" "$2" "$WORK" "$3" "$4" "$now" 2>/dev/null || return 0
  if [[ -z $_SCRIPT_LIST_FD ]]; then
    { exec {_SCRIPT_LIST_FD}>>"$WORK/otr_outlist.list"; } 2>/dev/null || return 0
    chmod a-w -- "$WORK/otr_outlist.list"
  fi
  { printf '%s\n' "${REPLY#*$'\n'}" >&"$_SCRIPT_LIST_FD"; } 2>/dev/null || :
}

# _script_end_lines - what we print next begins a line, whatever the scripts printed last
_script_end_lines() {
  local logs last
  config_get GLIDEIN_UUID unknown
  logs=$WORK/logs/$REPLY/$REPLY
  last=$(tail -c 1 -- "$logs.out" 2>/dev/null) && [[ -z $last ]] || printf '\n'
  last=$(tail -c 1 -- "$logs.err" 2>/dev/null) && [[ -z $last ]] || printf '\n' >&2
}

# script_sweep - end what scripts left running, in whatever session or group: it all has our UUID
script_sweep() {
  local step path pid entry uuid found
  ((SCRIPT_COUNT > 0)) || return 0
  config_get GLIDEIN_UUID ''
  uuid=$REPLY
  [[ -n $uuid ]] || return 0
  for ((step = 0; step < 40; step++)); do
    found=
    for path in /proc/[1-9]*; do
      pid=${path#/proc/}
      [[ -O $path && $pid != "$$" && $pid != "${BASHPID:-}" ]] || continue
      while IFS= read -r -d '' entry; do
        [[ $entry == "GLIDEIN_UUID=$uuid" ]] || continue
        found+=" $pid"
        break
      done 2>/dev/null <"$path/environ" || :
    done
    [[ -n $found ]] || return 0
    ((step > 0)) || log_info "left by scripts:$found"
    for pid in $found; do
      if ((step == 0)); then
        kill -TERM "$pid" 2>/dev/null || :
      elif ((step >= 10)); then
        kill -KILL "$pid" 2>/dev/null || :
      fi
    done
    clock_pause 0.1
  done
  log_warn "cannot end processes that scripts left:$found"
}
