#!/bin/bash
# test_script.sh - run scripts of communities as a glidein would, without a factory or HTCondor.
#
# Usage:  test_script.sh WORK SECTION KEY=VALUE... -- FILE...
#
# WORK is an empty folder, which becomes the work directory; KEY=VALUE are facts to begin with. Each
# FILE is copied into the folder of SECTION and run in its turn; the first that fails ends it. For
# `glidein-factory test-script`, which says what came of it, WORK/.glidein/test/<number> gets:
#
#   status, ms        its exit status, and how long it took
#   out, err          what it printed
#   config.before, config.after, vars.before, vars.after   glidein_config and the list of variables
#   result.xml        what it said of itself, as error_augment.sh completes it
#   again             with TEST_SCRIPT_PERIOD set, what the startd would take from it on its next turn
#
# Returns:  0;  1  a script failed;  2  usage
set -uo pipefail

here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd) || exit 2
# shellcheck source=/dev/null
source "$here/glidein_startup.sh"

# test_script_facts - what a glidein knows of itself before any script
test_script_facts() {
  local pair
  for pair in factory=test name=test entry=test clientname=test.main clientgroup=main schedd=schedd@test \
    proxy=None slotslayout=partitionable cluster=1 subcluster=0 descript=description.cfg \
    descriptentry=description.cfg sign=none signentry=none clientweb=http://test clientsign=none \
    clientdescript=description.cfg clientdescriptgroup=description.cfg clientsigngroup=none dir=. v=std; do
    OPTION[${pair%%=*}]=${pair#*=}
  done
  glidein_facts
  config_set CONDOR_DIR "$WORK/main/condor"
  config_set CONDOR_VARS_FILE "$WORK/main/condor_vars.lst"
  printf '# VarName Type Default CondorName Req Export UserName\n' >"$WORK/main/condor_vars.lst"
}

# test_script_snap FOLDER WHEN - keep copies of what scripts change
test_script_snap() {
  cp -- "$WORK/glidein_config" "$1/config.$2" 2>/dev/null || : >"$1/config.$2"
  cp -- "$WORK/main/condor_vars.lst" "$1/vars.$2" 2>/dev/null || : >"$1/vars.$2"
}

# test_script_one NUMBER SECTION FILE - copy it, run it, keep what came of it
test_script_one() {
  local folder=$WORK/.glidein/test/$1 place logs status=0 file=$3
  place=$WORK/$2
  [[ $2 != client_group ]] || place=$WORK/client_group_main
  config_get GLIDEIN_UUID ''
  logs=$WORK/logs/$REPLY/$REPLY
  mkdir -p -- "$folder" "$place" && cp -- "$file" "$place/" && chmod u+x -- "$place/${file##*/}" || return 2
  config_write || return 1
  test_script_snap "$folder" before
  : >"$logs.out"
  : >"$logs.err"
  script_run "$place/${file##*/}" "$2" 2>"$folder/log" >/dev/null || status=1
  test_script_snap "$folder" after
  mv -- "$logs.out" "$folder/out"
  mv -- "$logs.err" "$folder/err"
  cp -- "$WORK/otrx_output.xml" "$folder/result.xml" 2>/dev/null
  REPLY=${REPORT["scripts.$2/${file##*/}"]-status=1 ms=0}
  printf '%s\n' "${REPLY%% *}" >"$folder/status"
  printf '%s\n' "${REPLY##* }" >"$folder/ms"
  if ((status == 0)) && [[ -n ${TEST_SCRIPT_PERIOD:-} ]]; then
    "$WORK/main/script_wrapper.sh" glidein_config "$2" GLIDEIN_PS_1 "${place#"$WORK"/}/${file##*/}" NOPREFIX \
      >"$folder/again" 2>>"$folder/log" </dev/null || status=1
  fi
  return "$status"
}

test_script_main() {
  local section number=0
  (($# > 3)) && [[ -d $1 ]] || return 2
  # shellcheck disable=SC2153  # no misspelling: this is where WORK comes from
  WORK=$(cd -- "$1" && pwd) section=$2
  shift 2
  glidein_environment
  trap 'job_end_all; script_sweep' EXIT
  trap 'exit 1' TERM INT HUP QUIT
  mkdir -p -- "$WORK/.glidein/objects" "$WORK/main" "$WORK/entry_test" "$WORK/client" "$WORK/client_group_main" \
    "$WORK/condor_config.d" "$WORK/tmp" || return 1
  test_script_facts || return 1
  while [[ $1 != -- ]]; do
    config_set "${1%%=*}" "${1#*=}" || return 2
    shift
  done
  shift
  glidein_load || return 1
  cd -- "$WORK" || return 1
  interface_place || return 1
  for file; do
    test_script_one $((++number)) "$section" "$file" || return $?
  done
}

if [[ ${BASH_SOURCE[0]} == "$0" ]]; then
  test_script_main "$@"
  exit
fi
