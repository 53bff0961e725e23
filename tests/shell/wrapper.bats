#!/usr/bin/env bats
# wrapper.sh: the job wrapper, run by every sh there is, around jobs that can and cannot be executed.
# shellcheck disable=SC2016,SC1090  # what is quoted is for the wrapper

bats_require_minimum_version 1.5.0

setup() {
  load helper
  for module in log config wrapper; do source "$LIB/$module.sh"; done
  declare -gA VARS_VALUE=()
  WORK="$PWD/a work"
  mkdir -p "$WORK/client"
  : >"$WORK/wrapper_list.lst"
  : >"$WORK/condor_config"
  export _CONDOR_WRAPPER_ERROR_FILE=$PWD/failed
}

# fragment NAME - a file of type wrapper, from standard input
fragment() {
  cat >"$WORK/client/$1"
  wrapper_add "$WORK/client/$1"
}

# shells - the shells of this machine that may be sh
shells() {
  printf '%s\n' 'bash --posix' bash
  ! type -P dash >/dev/null || echo dash
  ! type -P busybox >/dev/null || echo 'busybox sh'
}

@test "wrapper_configure: nothing where nobody wants one" {
  wrapper_configure
  [[ ! -e $WORK/condor_job_wrapper.sh && ! -s $WORK/condor_config ]]
}

@test "wrapper_configure: the files in their order, then the job with its arguments" {
  printf 'export ONE=1' | fragment one.sh # no end of line
  fragment two.sh <<<'export TWO="$ONE two"'
  wrapper_configure
  [[ -x $WORK/condor_job_wrapper.sh && $(head -1 "$WORK/condor_job_wrapper.sh") == '#!/bin/sh' ]]
  grep -qx 'USER_JOB_WRAPPER = $(LOCAL_DIR)/condor_job_wrapper.sh' "$WORK/condor_config"
  while read -r shell; do
    # shellcheck disable=SC2086
    run -0 $shell "$WORK/condor_job_wrapper.sh" sh -c 'echo "$TWO|$1|$2"' job 'a  b' '*'
    [[ $output == '1 two|a  b|*' && ! -e failed ]]
  done < <(shells)
}

@test "wrapper_configure: a job's exit status is its own" {
  fragment one.sh <<<':'
  wrapper_configure
  run -7 "$WORK/condor_job_wrapper.sh" sh -c 'exit 7'
  [[ ! -e failed ]]
}

@test "wrapper_configure: a job that cannot be executed is told to HTCondor and to the job" {
  fragment one.sh <<<':'
  wrapper_configure
  stub condor_chirp <<<'printf "%s|" "$@" >>"$HOME/chirped"'
  echo text >not_a_program
  while read -r shell; do
    rm -f failed home/chirped
    # shellcheck disable=SC2086
    run -127 $shell "$WORK/condor_job_wrapper.sh" ./nothere argument
    [[ $(<failed) == *'cannot execute the job (status 127): ./nothere argument'* && $(<home/chirped) == 'set_job_attr|JobWrapperFailure|'* ]]
    rm -f failed
    # shellcheck disable=SC2086
    run -126 $shell "$WORK/condor_job_wrapper.sh" ./not_a_program
    [[ -s failed ]]
  done < <(shells)
}

@test "wrapper_configure: GLIDEIN_WRAPPER_EXEC, from the configuration or a list of variables" {
  config_set GLIDEIN_WRAPPER_EXEC 'env ADDED=yes "$@"'
  wrapper_configure
  run -0 "$WORK/condor_job_wrapper.sh" sh -c 'echo $ADDED'
  [[ $output == yes ]]
  CONFIG=() CONFIG_KEYS=()
  VARS_VALUE[GLIDEIN_WRAPPER_EXEC]='"$@" more'
  wrapper_configure
  run -0 "$WORK/condor_job_wrapper.sh" echo job
  [[ $output == 'job more' ]]
}

@test "wrapper_configure: scripts may add to the list, also by a name in the work directory" {
  echo 'echo added' >"$WORK/client/late.sh"
  printf '\nclient/late.sh \n' >>"$WORK/wrapper_list.lst"
  wrapper_configure
  run -0 "$WORK/condor_job_wrapper.sh" true
  [[ $output == added ]]
}

@test "wrapper_configure: a listed file that is not there is an error, by name" {
  echo "$WORK/client/gone.sh" >>"$WORK/wrapper_list.lst"
  run -1 wrapper_configure
  [[ $output == *"cannot read the wrapper $WORK/client/gone.sh"* ]]
}
