#!/usr/bin/env bats
# hooks.sh: what is run, copied or said when a list is over or the glidein ends.
# shellcheck disable=SC2016,SC1090  # what is quoted is for those scripts

bats_require_minimum_version 1.5.0

setup() {
  load helper
  export LC_ALL=C
  for module in log clock job config report interface cvmfs containers hooks; do source "$LIB/$module.sh"; done
  WORK="$PWD/a work"
  mkdir -p "$WORK/main/lib/python" "$WORK/client" "$WORK/.gwms.d/lib" "$WORK/.gwms.d/exec"/{prejob,cleanup}
  cp "${LIB%/lib}/worker_api/add_config_line.source" "$WORK"
  declare -gA OPTION=() AREA=(["main.folder"]="$WORK/main" ["client.folder"]="$WORK/client")
  config_set KEY value
  config_write
}

# hook NAME - a clean-up script, from standard input
hook() { cat >"$WORK/.gwms.d/exec/cleanup/$1"; }

@test "hooks_after_list: main at opens PATH and copies libraries, as main after does; nothing else" {
  echo module >"$WORK/main/lib/python/m.py"
  hooks_after_list main file_list
  [[ -z ${INTERFACE_PATH:-} && ! -e $WORK/.gwms.d/lib/python ]]
  hooks_after_list main at_file_list
  [[ $INTERFACE_PATH == "$WORK/.gwms.d/bin" && $(<"$WORK/.gwms.d/lib/python/m.py") == module ]]
  echo newer >"$WORK/main/lib/python/m.py"
  hooks_after_list main after_file_list
  [[ $(<"$WORK/.gwms.d/lib/python/m.py") == newer ]]
}

@test "hooks_after_list: setup_prejob.sh of a client becomes a hook to be sourced" {
  echo 'A=1' >"$WORK/client/setup_prejob.sh"
  chmod +x "$WORK/client/setup_prejob.sh"
  hooks_after_list client preentry_file_list
  [[ $(<"$WORK/.gwms.d/exec/prejob/setup_prejob.sh") == 'A=1' && ! -x $WORK/.gwms.d/exec/prejob/setup_prejob.sh ]]
  hooks_after_list client_group file_list
}

@test "hooks_cleanup: programs are run with glidein_config, others sourced, in order; *.ignore is not" {
  hook 1.sh <<<'echo "sourced $(gconfig_get KEY) $PWD"'
  hook 2 <<<'#!/bin/sh
echo "ran $#: $1"; grep "^KEY " "$1"'
  chmod +x "$WORK/.gwms.d/exec/cleanup/2"
  hook 3.sh.ignore <<<'echo never'
  hook 4.txt <<<'echo never'
  hook 5.source <<<'echo last'
  run -0 --separate-stderr hooks_cleanup
  [[ $output == "sourced value $WORK/.gwms.d/exec/cleanup"$'\n'"ran 1: $WORK/glidein_config"$'\nKEY value\nlast' ]]
}

@test "hooks_cleanup: one that fails or hangs hinders neither the next nor the end, and is reported" {
  hook 1.sh <<<'exit 3'
  hook 2.sh <<<'trap "" TERM; while :; do sleep 0.1; done'
  hook 3.sh <<<'echo here; cd /; set -e; false'
  hook 4.sh <<<'log_info() { echo hijacked; }; echo there'
  HOOKS_LIMIT_S=1 hooks_cleanup >out 2>err || false
  [[ $(<out) == $'here\nthere' && ${REPORT["cleanup.1.sh"]} == status=3 && ${REPORT["cleanup.2.sh"]} == status=124 ]]
  grep -q 'clean-up script 1.sh: status=3' err
}

@test "hooks_cleanup: signals that we ignore at the end reach it" {
  hook 1.sh <<<'kill -TERM $BASHPID; echo survived'
  trap '' TERM INT QUIT HUP
  hooks_cleanup >out 2>err || false
  [[ ! -s out && ${REPORT["cleanup.1.sh"]} == status=143 ]]
}

@test "hooks_cleanup: none, or no work directory, is fine" {
  run -0 hooks_cleanup
  WORK=$PWD/nothere run -0 hooks_cleanup
  WORK='' run -0 hooks_cleanup
  [[ -z $output ]]
}

@test "hooks_message: what was left in exit_message, bounded" {
  run -0 hooks_message
  [[ -z $output ]]
  { echo 'good bye' && head -c 100000 /dev/zero | tr '\0' x; } >"$WORK/exit_message"
  run -0 hooks_message
  [[ ${lines[0]} == '=== Exit messages left by periodic scripts ===' && ${lines[1]} == 'good bye' && ${#output} -lt 66000 ]]
}
