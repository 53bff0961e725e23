# shellcheck shell=bash
# wrapper.sh - the job wrapper: what runs just before each job, put together from the wrapper files.
#
# It is one script for sh: the files that wrapper_list.lst names, one after the other, then
# `exec $GLIDEIN_WRAPPER_EXEC`, which is the job. Where that fails, HTCondor and the job are told.
#
# Needs:     log.sh config.sh vars.sh
# Commands:  chmod (coreutils)
# Reads:     WORK; VARS_VALUE, where a list of variables gave GLIDEIN_WRAPPER_EXEC a default

# shellcheck disable=SC2016  # for the job's shell to expand
_WRAPPER_HEAD='#!/bin/sh
# Run by HTCondor just before a job (USER_JOB_WRAPPER). For any sh: images may have nothing else.
if [ -n "$BASH_VERSION" ]; then
  set +o posix
fi
'
# Where the job cannot be executed, bash goes on after exec, if told to; other shells end at once, and
# run the trap, which bash has forgotten by then.
# shellcheck disable=SC2016
_WRAPPER_FAILED='
wrapper_failed_to_run() {
  glidein_wrapper_status=$?
  trap - EXIT
  glidein_wrapper_said="cannot execute the job (status $glidein_wrapper_status): $*"
  echo "job wrapper: $glidein_wrapper_said" >&2
  if [ -n "$_CONDOR_WRAPPER_ERROR_FILE" ]; then
    echo "$glidein_wrapper_said" >>"$_CONDOR_WRAPPER_ERROR_FILE"
  fi
  for glidein_wrapper_chirp in condor_chirp ../../.gwms.d/bin/condor_chirp; do
    command -v "$glidein_wrapper_chirp" >/dev/null 2>&1 || continue
    "$glidein_wrapper_chirp" set_job_attr JobWrapperFailure "\"cannot execute the job\"" >/dev/null 2>&1
    break
  done
  exit "$glidein_wrapper_status"
}
trap '\''wrapper_failed_to_run "$@"'\'' EXIT
if [ -n "$BASH_VERSION" ]; then
  shopt -s execfail
fi
'

# wrapper_add PATH - a file of type wrapper: note it in wrapper_list.lst
wrapper_add() {
  { printf '%s\n' "$1" >>"$WORK/wrapper_list.lst"; } 2>/dev/null || log_fail 1 "cannot write $WORK/wrapper_list.lst"
}

# wrapper_configure - put the wrapper together and add USER_JOB_WRAPPER to $WORK/condor_config; nothing
#   where nobody wants one. Scripts may have changed the list.
#   Returns:  0;  1 a file cannot be read or written
wrapper_configure() {
  local list path run text=$_WRAPPER_HEAD content count=0
  config_get WRAPPER_LIST "$WORK/wrapper_list.lst"
  list=$REPLY
  config_get GLIDEIN_WRAPPER_EXEC "${VARS_VALUE[GLIDEIN_WRAPPER_EXEC]-}"
  run=$REPLY
  [[ -f $list ]] || list=/dev/null
  while IFS= read -r path || [[ -n $path ]]; do
    path=${path%"${path##*[![:space:]]}"}
    [[ -n $path ]] || continue
    [[ $path == /* ]] || path=$WORK/$path
    content=
    { IFS= read -r -d '' content <"$path"; } 2>/dev/null || :
    [[ -n $content ]] || log_fail 1 "cannot read the wrapper $path, listed in $list" || return $?
    text+=$'\n'"# --- ${path#"$WORK"/} ---"$'\n'"$content"$'\n'
    ((++count))
  done <"$list"
  ((count > 0)) || [[ -n $run ]] || return 0
  text+="$_WRAPPER_FAILED
exec ${run:-\"\$@\"}
wrapper_failed_to_run \"\$@\"
"
  { printf '%s' "$text" >"$WORK/condor_job_wrapper.sh"; } 2>/dev/null \
    && chmod 0755 -- "$WORK/condor_job_wrapper.sh" \
    && { printf '\n# --- job wrapper ---\n# %s files of %s\nUSER_JOB_WRAPPER = $(LOCAL_DIR)/condor_job_wrapper.sh\n' \
      "$count" "${list##*/}" >>"$WORK/condor_config"; } 2>/dev/null \
    || log_fail 1 "cannot write the job wrapper in $WORK" || return $?
  log_info "job wrapper: files=$count exec=${run:-\"\$@\"}"
}
