#!/bin/bash
# glidein_startup.sh - turn this batch slot into an HTCondor execute node.
#
# Usage:  glidein_startup.sh OPTION...       start a glidein; the factory passes the options
#         glidein_startup.sh --check         look at this node, print a table, exit; more is
#                                            looked at with -dir, -web, -param_GLIDEIN_Collector
#         source glidein_startup.sh          define the functions, run nothing
#
# For people:
#   --help, --version
#   --check      run the node checks that need no factory
#   --dry-run    everything up to, not including, the launch of HTCondor
#   --shell      stop before the launch and open a shell in the prepared environment
#   --keep       leave the work directory
#   --json       the report on stdout as JSON, all else on stderr
# From the factory (required ones marked *):
#   -name* -factory* -entry*            which glidein, factory and entry this is
#   -web* -sign* -descript*             main area: URL, hash of its signature file, description
#   -signentry* -descriptentry*         the same for the entry's area, at URL/entry_NAME
#   -signtype sha1|sha256               what kind of hash those are (default sha1)
#   -clientweb -clientsign -clientsigntype -clientdescript -clientgroup
#   -clientwebgroup -clientsigngroup -clientdescriptgroup     the Frontend's areas: all or none
#   -clientname -schedd -cluster -subcluster -submitcredid    who asked, who submitted
#   -proxy URL,...|OSG|None             web caches, tried in order before the origin
#   -dir .|Condor|OSG|TMPDIR|AUTO|PATH  where the work directory goes (default .)
#   -slotslayout partitionable|fixed    -v std|nodebug|fast|check|checkdebug|debug|dbg
#   -multiglidein N -multirestart I     several glideins in one job; which of them this is
#   -param_NAME VALUE                   a parameter, its value escaped (see protocol)
#
# Exit status (orchestrator/exits.py holds the same table):
#   0  the glidein ended as it should: idle, retired, drained
#   1  a bug in this script
#   2  bad usage: the message names the option
#   3  the operator's stop list told it to leave
#  10  prepare: no work directory
#  20  fetch: a file could not be downloaded
#  30  verify: a file is not the one that was signed, or is unsafe
#  40  check: this node failed a check
#  50  condor: HTCondor could not be unpacked or does not execute here
#  60  configure: HTCondor's configuration could not be written
#  61  configure: a script of the areas failed
#  70  run: HTCondor could not start
#  71  run: HTCondor crashed
#  72  run: HTCondor was killed
#  73  run: the pool never saw this glidein
#  80  report: the report could not be written
#  90  clean: something of this glidein is left on the node
#  N9  the phase with code N0 was stopped by a signal

# shellcheck disable=SC2128  # of another shell
if [ -z "${BASH_VERSION:-}" ]; then
  echo "$0: this shell is not bash; run it as: bash $0" >&2
  exit 2
fi
set +o posix # a site's POSIXLY_CORRECT would forbid half of bash
unset POSIXLY_CORRECT

GLIDEIN_VERSION=0.1.0

# In a checkout these lines read lib/. glidein/bundle.sh puts each file in its place.
GLIDEIN_LIB=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/lib" && pwd)
source "$GLIDEIN_LIB/log.sh"
source "$GLIDEIN_LIB/clock.sh"
source "$GLIDEIN_LIB/job.sh"
source "$GLIDEIN_LIB/config.sh"
source "$GLIDEIN_LIB/options.sh"
source "$GLIDEIN_LIB/phase.sh"
source "$GLIDEIN_LIB/workdir.sh"
source "$GLIDEIN_LIB/backoff.sh"
source "$GLIDEIN_LIB/verify.sh"
source "$GLIDEIN_LIB/transfer.sh"
source "$GLIDEIN_LIB/fetch.sh"
source "$GLIDEIN_LIB/cache.sh"
source "$GLIDEIN_LIB/area.sh"
source "$GLIDEIN_LIB/stop_list.sh"
source "$GLIDEIN_LIB/script.sh"
source "$GLIDEIN_LIB/report.sh"
source "$GLIDEIN_LIB/livelog.sh"
# The node checks travel along too, for --check; the area's own version replaces them.
source "$GLIDEIN_LIB/cgroup.sh"
source "$GLIDEIN_LIB/hints.sh"
source "$GLIDEIN_LIB/gpus.sh"
source "$GLIDEIN_LIB/resources.sh"
source "$GLIDEIN_LIB/cvmfs.sh"
source "$GLIDEIN_LIB/check.sh"
source "$GLIDEIN_LIB/check_web.sh"

main() {
  set -uo pipefail # no -e: bash switches it off inside `if f` and `f || ...` anyway
  glidein_environment
  options_read "$@" || exit
  [[ ! ${OPTION[help]+x} ]] || glidein_help
  [[ ! ${OPTION[version]+x} ]] || { printf 'glidein_startup.sh %s\n' "$GLIDEIN_VERSION" && exit 0; }
  [[ ! ${OPTION[check]+x} ]] || glidein_check_only
  config_get GLIDEIN_MULTIGLIDEIN "${OPTION[multiglidein]:-1}"
  [[ ! $REPLY =~ ^[1-9][0-9]{0,2}$ || $REPLY == 1 || ${OPTION[multirestart]+x} ]] || glidein_several "$REPLY" "$@"

  trap glidein_end EXIT
  trap : PIPE # nobody reads what we say any more: no reason to leave a mess
  for signal in TERM INT QUIT HUP; do
    clock_trap "phase_signal $signal" "$signal"
  done

  phase_run prepare 10 glidein_prepare
  phase_run fetch 20 glidein_fetch
  phase_run verify 30 glidein_verify
  phase_run check 40 glidein_check
  phase_run condor 50 glidein_condor
  phase_run configure 60 glidein_configure
  [[ ! ${OPTION["dry-run"]+x} ]] || glidein_leave 0 dry_run
  [[ ! ${OPTION[shell]+x} ]] || glidein_shell
  phase_run run 70 glidein_run
}

# glidein_environment - from here on the same shell everywhere, whatever the site did to it
glidein_environment() {
  IFS=$' \t\n'
  umask 077
  export LC_ALL=C LANG=C
  unset BASH_ENV ENV CDPATH GLOBIGNORE GREP_OPTIONS TAR_OPTIONS GZIP
  set +aefntvxC # SHELLOPTS in the environment may have set any of them
  export -n SHELLOPTS BASHOPTS
  shopt -u nullglob failglob dotglob nocasematch nocaseglob
  unset BASH_COMPAT
  shopt -u compat31 compat32 compat40 compat41 compat42 compat43 compat44 2>/dev/null # BASHOPTS, too
  case :${PATH:=}: in
    *:/usr/bin:*) ;;
    *) PATH=${PATH:+$PATH:}/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin ;;
  esac
  export PATH
  # A closed descriptor would be given to the next file we open. bash calls a copy of one to itself
  # no error, closed or not; and whether standard error is closed is told by itself alone.
  { : 9<&0; } 2>/dev/null || exec </dev/null
  { : 9>&1; } 2>/dev/null || exec >/dev/null
  : 9>&2 || exec 2>/dev/null
  [[ ${PWD:-} == /* && $PWD -ef . ]] || PWD=$(pwd)
  START_DIR=$PWD
  clock_ms
  GLIDEIN_STARTED_MS=$REPLY
  exec {REPORT_FD}>&1
}

# glidein_help - print the head of this file
glidein_help() {
  local line shown=0
  while IFS= read -r line; do
    case $line in
      '# Usage:'*) shown=1 ;;
      '#'*) ;;
      *) ((shown == 0)) || break ;;
    esac
    ((shown == 0)) || printf '%s\n' "${line#\#}"
  done <"${BASH_SOURCE[0]}"
  exit 0
}

# glidein_check_only - --check: the node checks, a table, an exit code
glidein_check_only() {
  local status=0
  config_set GLIDEIN_Check_Only 1
  if [[ ${OPTION[dir]+x} ]]; then
    workdir_place "${OPTION[dir]}" || exit 40
    WORK=$REPLY
  fi
  trap 'fetch_stop; job_end_all' EXIT
  clock_trap 'exit 49' TERM INT QUIT HUP
  cvmfs_path
  resources_detect || status=40
  check_node || status=40
  if [[ ${OPTION[json]+x} ]]; then report_print; else check_table; fi
  exit "$status"
}

# glidein_several N ARGUMENT... - -multiglidein N: N glideins side by side in this one slot, each with a
#   part of what it has, a work directory of its own, and a log and a report of its own: files in the
#   folder we were started in, which are passed on whole as each ends. The exit code is the largest of theirs.
glidein_several() {
  local n=$1 i pids=('') status worst=0 left=$1 file
  shift
  # shellcheck disable=SC2154  # pids is the one above, when the signal comes
  trap 'kill -TERM ${pids[@]+"${pids[@]:1}"} 2>/dev/null' TERM INT QUIT HUP
  for ((i = 1; i <= n; i++)); do
    file=$START_DIR/glidein_$i.$$
    if { : >"$file.out" && : >"$file.err"; } 2>/dev/null; then
      "$BASH" "${BASH_SOURCE[0]}" "$@" -multirestart "$i" >"$file.out" 2>"$file.err" &
    else # a full disk, say: better mixed than not at all
      "$BASH" "${BASH_SOURCE[0]}" "$@" -multirestart "$i" &
    fi
    pids+=("$!")
  done
  while ((left > 0)); do
    for ((i = 1; i <= n; i++)); do
      [[ -n ${pids[i]} ]] && ! kill -0 "${pids[i]}" 2>/dev/null || continue
      job_wait "${pids[i]}"
      status=$?
      pids[i]='' left=$((left - 1)) file=$START_DIR/glidein_$i.$$
      log_info "glidein $i of $n ended: code=$status"
      ((status <= worst)) || worst=$status
      [[ ! -f $file.out ]] || cat -- "$file.out"
      [[ ! -f $file.err ]] || cat -- "$file.err" >&2
      rm -f -- "$file.out" "$file.err"
    done
    ((left == 0)) || clock_pause 0.5
  done
  exit "$worst"
}

# --- prepare ---------------------------------------------------------------------------------

glidein_prepare() {
  local place
  case ${OPTION[v]} in debug | dbg | checkdebug) GLIDEIN_LOG_LEVEL=debug ;; esac
  [[ ! ${OPTION[json]+x} ]] || exec 1>&2
  log_info "glidein_startup.sh version=$GLIDEIN_VERSION entry=${OPTION[entry]} factory=${OPTION[factory]} pid=$$ bash=$BASH_VERSION"
  cvmfs_path
  workdir_place "${OPTION[dir]}" || return 1
  place=$REPLY
  backoff_wait "${OPTION[factory]}"
  report_fact backoff.failures "$BACKOFF_FAILURES"
  report_fact backoff.waited_s "$BACKOFF_WAITED_S"
  workdir_make "$place" || return 1
  workdir_sweep "$place"
  report_fact node.swept "$WORKDIR_SWEPT"
  cd -- "$WORK" || return 1
  FETCH_LOG=$WORK/.glidein/fetch.tsv
  glidein_facts || return 1
  livelog_start
  cache_open || :
  fetch_init "${OPTION[proxy]}"
}

# glidein_facts - what the options say, under the names that scripts and configuration know
glidein_facts() {
  local key uuid
  { read -r uuid </proc/sys/kernel/random/uuid; } 2>/dev/null || uuid=${HOSTNAME:-nohost}.$$.$GLIDEIN_STARTED_MS
  config_set GLIDEIN_UUID "$uuid"
  config_set GLIDEIN_Factory "${OPTION[factory]}"
  config_set GLIDEIN_Name "${OPTION[name]}"
  config_set GLIDEIN_Entry_Name "${OPTION[entry]}"
  config_set GLIDECLIENT_Name "${OPTION[clientname]:-}"
  config_set GLIDECLIENT_Group "${OPTION[clientgroup]:-}"
  config_set GLIDEIN_CredentialIdentifier "${OPTION[submitcredid]:-}"
  config_set CONDORG_CLUSTER "${OPTION[cluster]:-}"
  config_set CONDORG_SUBCLUSTER "${OPTION[subcluster]:-}"
  config_set CONDORG_SCHEDD "${OPTION[schedd]:-}"
  config_set GLIDEIN_STARTUP_PID "$$"
  config_set GLIDEIN_START_DIR_ORIG "$START_DIR"
  config_set GLIDEIN_WORKSPACE_ORIG "$WORK"
  config_set GLIDEIN_WORK_DIR "$WORK/main"
  config_set GLIDEIN_ENTRY_WORK_DIR "$WORK/entry_${OPTION[entry]}"
  config_set TMP_DIR "$WORK/tmp"
  config_set GLIDEIN_LOCAL_TMP_DIR "$WORK/tmp"
  config_set PROXY_URL "${OPTION[proxy]}"
  config_set DESCRIPTION_FILE "${OPTION[descript]}"
  config_set DESCRIPTION_ENTRY_FILE "${OPTION[descriptentry]}"
  config_set GLIDEIN_Signature "${OPTION[sign]}"
  config_set GLIDEIN_Entry_Signature "${OPTION[signentry]}"
  config_set SLOTS_LAYOUT "${OPTION[slotslayout]}"
  case ${OPTION[v]} in # 2 is a rehearsal: HTCondor joins its pool, takes no job, and ends
    nodebug) config_set DEBUG_MODE 0 ;;
    check | checkdebug) config_set DEBUG_MODE 2 ;;
    *) config_set DEBUG_MODE 1 ;;
  esac
  if [[ ${OPTION[clientweb]+x} ]]; then
    config_set GLIDECLIENT_WORK_DIR "$WORK/client"
    config_set GLIDECLIENT_DESCRIPTION_FILE "${OPTION[clientdescript]}"
    config_set GLIDECLIENT_Signature "${OPTION[clientsign]}"
    config_set GLIDECLIENT_GROUP_WORK_DIR "$WORK/client_group_${OPTION[clientgroup]}"
    config_set GLIDECLIENT_DESCRIPTION_GROUP_FILE "${OPTION[clientdescriptgroup]}"
    config_set GLIDECLIENT_Group_Signature "${OPTION[clientsigngroup]}"
  fi
  for key in uuid=GLIDEIN_UUID factory=GLIDEIN_Factory name=GLIDEIN_Name entry=GLIDEIN_Entry_Name client=GLIDECLIENT_Name; do
    config_get "${key#*=}" ''
    report_fact "glidein.${key%%=*}" "$REPLY"
  done
  [[ ! ${OPTION[multirestart]+x} ]] || report_fact glidein.number "${OPTION[multirestart]}"
  report_fact glidein.version "$GLIDEIN_VERSION"
  report_fact glidein.bash "$BASH_VERSION"
  report_fact node.host "${HOSTNAME:-unknown}"
}

# --- fetch, verify ---------------------------------------------------------------------------

glidein_fetch() {
  local type=${OPTION[signtype]} status
  area_declare main "${OPTION[web]}" "${OPTION[descript]}" "$type:${OPTION[sign]}" "$WORK/main" || return 1
  area_early_start || return 1
  area_declare entry "${OPTION[web]}/entry_${OPTION[entry]}" "${OPTION[descriptentry]}" \
    "$type:${OPTION[signentry]}" "$WORK/entry_${OPTION[entry]}" || return 1
  if [[ ${OPTION[clientweb]+x} ]]; then
    type=${OPTION[clientsigntype]}
    area_declare client "${OPTION[clientweb]}" "${OPTION[clientdescript]}" "$type:${OPTION[clientsign]}" "$WORK/client" || return 1
    area_declare client_group "${OPTION[clientwebgroup]}" "${OPTION[clientdescriptgroup]}" \
      "$type:${OPTION[clientsigngroup]}" "$WORK/client_group_${OPTION[clientgroup]}" || return 1
  fi
  area_fetch
  status=$?
  if ((status == 4)); then
    stop_list_told start
    glidein_leave 3 stop_list
  fi
  return "$status"
}

glidein_verify() {
  area_verify && config_write && glidein_load && GLIDEIN_LOADED=1
}

# glidein_has FUNCTION - is there this function of the fetched half, with all that it needs?
glidein_has() { [[ -n ${GLIDEIN_LOADED:-} ]] && declare -F "$1" >/dev/null; }

# glidein_load - read the fetched half: from the checkout we run from, else from the main area
glidein_load() {
  local module
  if [[ -n ${GLIDEIN_LIB:-} ]]; then
    for module in cgroup hints gpus resources containment containers cvmfs check condor knob expand vars places system \
      expiry batch mjf credentials lifetime collectors security resource_slots slots policy \
      configure startd failure interface hooks periodic wrapper activity; do
      # shellcheck source=/dev/null
      source "$GLIDEIN_LIB/$module.sh" || return 1
    done
    # shellcheck source=/dev/null
    source "${GLIDEIN_LIB%/*}/worker_api/error_augment.sh"
    return $?
  fi
  area_libraries
  [[ -n $REPLY ]] || log_fail 1 "area main lists no library" || return $?
  while IFS= read -r module; do
    # shellcheck source=/dev/null
    [[ -z $module ]] || source "$module" || log_fail 1 "cannot load $module" || return $?
  done <<<"$REPLY"
  area_api error_augment.sh
  # shellcheck source=/dev/null
  source "$REPLY" || log_fail 1 "cannot load error_augment.sh of area main"
}

# --- check, condor, configure ----------------------------------------------------------------

glidein_check() {
  resources_detect && check_node
}

glidein_condor() {
  local status
  condor_find
  status=$?
  CONDOR_DIR=$REPLY
  case $status in
    0) report_fact condor.source "$CONDOR_DIR" ;;
    1)
      CONDOR_DIR=$WORK/main/condor
      glidein_condor_tarball || return 1
      ;;
    *) return 1 ;;
  esac
  config_set CONDOR_DIR "$CONDOR_DIR"
  condor_version "$CONDOR_DIR" || log_fail 1 "HTCondor in $CONDOR_DIR does not execute here" || return $?
  report_fact condor.version "$REPLY"
  log_info "HTCondor version=$REPLY folder=$CONDOR_DIR"
}

# glidein_condor_tarball - choose the tarball for this machine, have it, unpack it
glidein_condor_tarball() {
  local i list=$WORK/.glidein/condor.lst name tarball
  for i in ${AREA_ROW_OUT[@]+"${!AREA_ROW_OUT[@]}"}; do
    [[ ${AREA_ROW_TYPE[i]} == condor ]] && area_row_wanted "$i" || continue
    printf '%s %s\n' "${AREA_ROW_OUT[i]}" "${AREA_ROW_IN[i]}"
  done >"$list"
  condor_choose "$list" || return 1
  name=${REPLY#* }
  report_fact condor.tarball "$name"
  if area_early "$name"; then
    tarball=$REPLY
  else
    PHASE_EXIT=20
    area_have main "$name" || return 1
    tarball=${AREA["main.objects"]}/$name
    PHASE_EXIT=30
    job_run verify_archive "$tarball" "$AREA_MAX_UNPACKED" || return 1
    PHASE_EXIT=
  fi
  job_run condor_unpack "$tarball" "$CONDOR_DIR" || return 1
  rm -f -- "$tarball" "${AREA["main.objects"]}/$name"
}

glidein_configure() {
  if ! script_run_area; then
    : "${PHASE_EXIT:=61}"
    config_write
    return 1
  fi
  config_get CONDOR_DIR ''
  if [[ $REPLY != "$CONDOR_DIR" ]]; then # a file of the areas, or a script, brought another one
    CONDOR_DIR=$REPLY
    condor_version "$CONDOR_DIR" || log_fail 1 "HTCondor in $CONDOR_DIR does not execute here" || return $?
    report_fact condor.version "$REPLY"
    report_fact condor.source "$CONDOR_DIR"
  fi
  containment_configure
  configure_condor "$CONDOR_DIR" && periodic_configure && wrapper_configure && config_write
}

# glidein_shell - --shell: a person looks around in what the launch would find
glidein_shell() {
  local shell=${SHELL:-}
  case ${shell##*/} in
    bash | zsh | ksh | mksh | fish | tcsh | csh | dash | sh) ;;
    *) shell=$BASH ;; # accounts of batch jobs often have nologin
  esac
  log_info "work directory $WORK; leave the shell to clean up"
  CONDOR_CONFIG=$WORK/condor_config PATH=$CONDOR_DIR/bin:$CONDOR_DIR/sbin:$PATH \
    GLIDEIN_CONFIG=$WORK/glidein_config "$shell" -i
  glidein_leave 0 shell
}

# glidein_leave STATUS CAUSE - end early, on purpose
glidein_leave() {
  report_fact end.cause "$2"
  phase_leave "$1" "$2"
}

# --- run -------------------------------------------------------------------------------------

# glidein_run - HTCondor runs until it is idle, retires or is told to stop
glidein_run() {
  local signal cause
  for signal in TERM INT QUIT HUP; do
    # shellcheck disable=SC2064  # the name is wanted now, not when the signal comes
    trap "PHASE_SIGNAL=$signal" "$signal"
  done
  trap 'GLIDEIN_STOPPED=new' USR1
  clock_epoch
  GLIDEIN_CONDOR_STARTED=$REPLY
  glidein_say "Last script starting" "$REPLY" "after validating for $SECONDS"
  glidein_say "Condor starting" "$REPLY"
  startd_launch || return 1
  clock_ms
  report_fact run.launch_ms "$((REPLY - GLIDEIN_STARTED_MS))"
  job_start stop_list_watch "$$"
  glidein_wait_for_startd
  startd_cause
  cause=$REPLY
  startd_jobs
  report_fact run.jobs "$REPLY"
  if [[ -n $STARTD_JOB_TIME ]]; then
    report_fact run.job_core_ms "${STARTD_JOB_TIME% *}"
    report_fact run.good_core_ms "${STARTD_JOB_TIME#* }"
  fi
  report_fact end.cause "$cause"
  clock_epoch
  glidein_say "Condor ended" "$REPLY" "after $((REPLY - GLIDEIN_CONDOR_STARTED))"
  log_info "HTCondor ended: cause=$cause"
  case $cause in
    idle | retired | drained | checked) ;;
    told_to_stop)
      if [[ -n $PHASE_SIGNAL ]]; then PHASE_EXIT=79; elif [[ -n ${GLIDEIN_STOPPED:-} ]]; then PHASE_EXIT=3; fi
      [[ -z $PHASE_EXIT ]]
      ;;
    crashed) PHASE_EXIT=71 && return 1 ;;
    killed) PHASE_EXIT=72 && return 1 ;;
    never_registered) PHASE_EXIT=73 && return 1 ;;
    *) return 1 ;;
  esac
}

# glidein_wait_for_startd - until HTCondor has ended. A first signal lets it say good-bye, a second
#   one makes it fast; the stop list lets it finish its jobs, or not.
glidein_wait_for_startd() {
  local how=graceful
  until startd_wait; do
    if [[ -n $PHASE_SIGNAL ]]; then
      log_warn "got SIG$PHASE_SIGNAL: stopping HTCondor, $how"
      startd_stop "$how"
      how=fast
    elif [[ ${GLIDEIN_STOPPED:-} == new ]]; then
      GLIDEIN_STOPPED=told
      stop_list_names_us || continue
      stop_list_told run
      if [[ $STOP_LIST_HOW == now ]]; then startd_stop graceful; else startd_stop peaceful; fi
    fi
  done
}

# --- the end ---------------------------------------------------------------------------------

# glidein_end - the EXIT trap: whatever happened, end all processes, report, leave nothing
glidein_end() {
  local status=$?
  set +u # a slip on the way out must not keep us from cleaning up
  trap '' TERM INT QUIT HUP USR1
  trap - EXIT
  if ((status > 99)); then
    log_error "the shell could not go on: status=$status; no more processes or memory for us?"
    status=$PHASE_CODE
  else
    glidein_failed "$status"
  fi
  glidein_end_processes
  case $status in
    0 | 2 | 3 | ?9 | 1) ;;
    *) backoff_note "${OPTION[factory]}" failed ;;
  esac
  # A rehearsal or a stop proves nothing; a run to its end does.
  [[ $status != 0 || $PHASE_NAME != run ]] || backoff_note "${OPTION[factory]}" fine
  report_fact end.code "$status"
  report_fact end.phase "$PHASE_NAME"
  report_fact end.signal "$PHASE_SIGNAL"
  clock_ms
  report_fact end.ms "$((REPLY - GLIDEIN_STARTED_MS))"
  livelog_facts
  phase_last report glidein_report || { ((status != 0)) || status=80; }
  clock_epoch
  [[ -z ${GLIDEIN_CONDOR_STARTED:-} ]] \
    || glidein_say "Last script ended" "$REPLY" "with code $status after $((REPLY - GLIDEIN_CONDOR_STARTED))"
  if glidein_has hooks_message; then hooks_message; fi
  glidein_say "Glidein ending" "$REPLY" "with code $status after $SECONDS"
  if [[ ! ${OPTION[json]+x} ]] && glidein_has activity_print; then activity_print "$status"; fi
  livelog_end
  if [[ ${OPTION[keep]+x} ]]; then
    log_info "kept: ${WORK:-nothing}"
  else
    phase_last clean glidein_clean || { ((status != 0)) || status=90; }
  fi
  exit "$status"
}

# glidein_failed STATUS - tell those who asked for it that this glidein failed. It is not worth more than
#   a minute or two, and nothing to one that is told to leave.
glidein_failed() {
  case $1 in 0 | 1 | 2 | 3 | ?9 | 2? | 3?) return 0 ;; esac
  glidein_has failure_wanted && failure_wanted "$1" || return 0
  FAILURE_STOPPED=
  trap 'FAILURE_STOPPED=1' TERM INT QUIT HUP
  if [[ -z ${CONDOR_DIR:-} && $PHASE_NAME == check ]]; then
    glidein_condor || :
  fi
  [[ -n $FAILURE_STOPPED ]] || failure_report "$1" || log_warn "nobody was told of the failure"
  trap '' TERM INT QUIT HUP USR1
}

# glidein_report - the JSON on stdout, HTCondor's logs on stderr; returns 1 when stdout took nothing
glidein_report() {
  local status=0
  report_print || status=1
  if glidein_has startd_logs; then
    startd_logs
    # shellcheck disable=SC2086  # a list of paths of ours, one a line
    IFS=$'\n' && report_logs $REPLY
    IFS=$' \t\n'
  fi
  return "$status"
}

# glidein_clean - leave nothing but what the next glidein may use; returns 1 when something is left
glidein_clean() {
  cache_trim || : # another glidein is at it, or there is no cache
  if glidein_has places_clean; then places_clean; fi
  if glidein_has containment_clean; then containment_clean; fi
  workdir_remove
}

# glidein_end_processes - HTCondor first, since it has to say good-bye; then scripts that wait for this
#   moment, which may need what earlier ones left running; then every job of ours, and that
glidein_end_processes() {
  if [[ -n ${STARTD_PID:-} ]]; then startd_stop fast; fi
  if glidein_has hooks_cleanup; then hooks_cleanup; fi
  job_end_all
  script_sweep
}

# glidein_say WHAT EPOCH [MORE] - a line of the form that the reference's log tools look for
glidein_say() {
  local date
  [[ ! ${OPTION[json]+x} ]] || return 0
  printf -v date '%(%a %b %e %H:%M:%S %Z %Y)T' "$2"
  printf '=== %s %s (%s)%s ===\n' "$1" "$date" "$2" "${3:+ $3}"
}

is_sourced() { [[ ${FUNCNAME[1]:-} == source ]]; }
is_sourced || main "$@"
