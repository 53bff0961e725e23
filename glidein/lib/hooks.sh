# shellcheck shell=bash
# hooks.sh - what scripts leave to be run later: before each job, and at the glidein's end.
#
# Below .gwms.d/exec: prejob is for the job wrapper, cleanup is run here.
#
# Needs:     log.sh clock.sh job.sh config.sh area.sh report.sh interface.sh containers.sh
# Commands:  cp chmod head (coreutils), bash
# Reads:     WORK, HOOKS_LIMIT_S
# Sets:      INTERFACE_PATH

: "${HOOKS_LIMIT_S:=60}"          # seconds that a clean-up script may take
: "${HOOKS_MESSAGE_BYTES:=65536}" # bytes of exit_message that are shown

# hooks_after_list SECTION KEY - a list is worked through: what the reference then does
hooks_after_list() {
  local folder=${AREA["$1.folder"]:-} brought
  case "$1 $2" in
    'main at_file_list' | 'main after_file_list')
      INTERFACE_PATH=$WORK/.gwms.d/bin
      brought=("$folder"/lib/*/*)
      # What is there from the start is in both places.
      [[ ${brought[*]} == "$folder/lib/python/gconfig.py" || ! -e ${brought[0]} ]] \
        || cp -R -- "$folder/lib/." "$WORK/.gwms.d/lib/" || return 1
      [[ $2 != at_file_list ]] || containers_setup
      ;;
    client*)
      [[ -f $folder/setup_prejob.sh ]] || return 0
      # It is to be sourced: a program would be run.
      cp -- "$folder/setup_prejob.sh" "$WORK/.gwms.d/exec/prejob/setup_prejob.sh" \
        && chmod a-x,a+r -- "$WORK/.gwms.d/exec/prejob/setup_prejob.sh"
      ;;
  esac
}

# hooks_is_cleanup NAME - is this script for the end: is it named by GLIDEIN_CLEANUP_SCRIPT, or cvmfs_umount.sh?
hooks_is_cleanup() {
  [[ $1 != cvmfs_umount.sh ]] || return 0
  config_get GLIDEIN_CLEANUP_SCRIPT ''
  [[ -n $REPLY && $REPLY == "$1" ]]
}

# hooks_keep PATH - keep a script for the end instead of running it
hooks_keep() {
  cp -- "$1" "$WORK/.gwms.d/exec/cleanup/" && chmod a+x -- "$WORK/.gwms.d/exec/cleanup/${1##*/}" \
    || log_fail 1 "cannot keep ${1##*/} for the end"
}

# hooks_cleanup - run all that lies in .gwms.d/exec/cleanup, in the order of its names: programs with the
#   path of glidein_config, other *.sh and *.source in a shell of their own. None decides anything.
hooks_cleanup() {
  local file status
  [[ -n ${WORK:-} && -d $WORK/.gwms.d/exec/cleanup ]] || return 0
  for file in "$WORK/.gwms.d/exec/cleanup"/*; do
    [[ -f $file && $file != *.ignore ]] || continue
    [[ -x $file || $file == *.sh || $file == *.source ]] || continue
    job_limited "$HOOKS_LIMIT_S" _hooks_exec "$file"
    status=$?
    report_fact "cleanup.${file##*/}" "status=$status"
    ((status == 0)) || log_warn "clean-up script ${file##*/}: status=$status"
  done
}

_hooks_exec() {
  trap - TERM INT QUIT HUP USR1 PIPE # we ignore them at the end, it need not
  interface_environment
  cd -- "$WORK/.gwms.d/exec/cleanup" || return 1
  if [[ -x $1 ]]; then
    exec "$1" "$WORK/glidein_config"
  fi
  # shellcheck disable=SC2016  # for that shell to expand
  glidein_config=$WORK/glidein_config exec "$BASH" -c \
    'glidein_config=$1 && . "$2" && . "$3"' "$1" "$WORK/glidein_config" "$WORK/add_config_line.source" "$1"
}

# hooks_message - show on standard error what scripts and jobs left in exit_message
hooks_message() {
  [[ -n ${WORK:-} && -s $WORK/exit_message && -f $WORK/exit_message ]] || return 0
  printf '=== Exit messages left by periodic scripts ===\n' >&2
  head -c "$HOOKS_MESSAGE_BYTES" -- "$WORK/exit_message" >&2
  printf '\n' >&2
}
