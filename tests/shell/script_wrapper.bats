#!/usr/bin/env bats
# worker_api/script_wrapper.sh, as the startd starts it; and periodic.sh, which tells the startd to.
# shellcheck disable=SC2016,SC1090  # what is quoted is for those scripts

bats_require_minimum_version 1.5.0

setup() {
  load helper
  API=${LIB%/lib}/worker_api
  mkdir -p 'a work/main' 'a work/client' 'a work/.gwms.d/bin'
  cd 'a work' || exit
  cp "$API"/*.source .
  cp "$API/error_augment.sh" "$API/error_gen.sh" "$API/script_wrapper.sh" main
  printf 'A 1\nERROR_GEN_PATH %s\n' "$PWD/main/error_gen.sh" >glidein_config
}

# periodic NAME - a periodic script, from standard input
periodic() {
  { echo '#!/bin/bash' && cat; } >"client/$1"
  chmod +x "client/$1"
}

# turn NAME [PREFIX] - one turn of the startd
turn() { main/script_wrapper.sh glidein_config client "GLIDEIN_PS_${3:-1}" "client/$1" "${2:-GLIDEIN_PS_}" </dev/null; }

told() { tac glidein_config | grep -m1 "^$1 " | cut -d ' ' -f 2-; }

@test "script_wrapper: passes on what the script says, then tells how it went" {
  periodic p <<<'echo "X = 1"; echo noise >&2'
  run -0 --separate-stderr turn p
  [[ ${lines[0]} == 'X = 1' && ${lines[1]} == 'OK = True' && ${lines[2]} == "LAST = \"$PWD/client/p\"" && ${lines[3]} =~ ^LAST_END\ =\ [0-9]+$ && ${lines[4]} == - && ${#lines[@]} == 5 ]]
  [[ $(told GLIDEIN_PS_OK) == True && $(told GLIDEIN_PS_LAST) == "\"$PWD/client/p\"" && -z $(told GLIDEIN_PS_FAILING_LIST) && $(told A) == 1 ]]
}

@test "script_wrapper: the script's surroundings are those of a periodic run" {
  periodic p <<<'echo "$#|$1|$2|$GLIDEIN_PERIODIC_SCRIPT|$start_dir|$(umask)|$(cat)|${PATH%%:*}|$(cat ../glidein_config | head -1)|$PWD"; touch left'
  run -0 --separate-stderr turn p
  [[ ${lines[0]} == "2|$PWD/glidein_config|client|true|$PWD|0022||$PWD/.gwms.d/bin|A 1|$PWD/tmp."???? ]]
  [[ -z $(ls -d tmp.* 2>/dev/null) ]]
}

@test "script_wrapper: a failure is told, remembered, and over with the next success" {
  periodic p <<<'"$(grep "^ERROR_GEN_PATH " "$1" | cut -d " " -f 2-)" -error p Network "cannot \"reach\" it"; exit 4'
  periodic q <<<'exit 0'
  run -1 --separate-stderr turn p
  [[ $output == *'OK = False'*"FAILED_LAST = \"GLIDEIN_PS_1:$PWD/client/p\""*'FAILED_LAST_REASON = "Error running'*'FAILED_LAST_END = '*$'\n-' && $stderr == *'cannot "reach" it'* ]]
  [[ $(told GLIDEIN_PS_FAILING_LIST) == GLIDEIN_PS_1 && $(told GLIDEIN_PS_OK) == False ]]
  run -0 --separate-stderr turn q GLIDEIN_PS_ 2
  [[ $output == *'OK = False'* ]] # another one still fails
  periodic p <<<'exit 0'
  run -0 --separate-stderr turn p
  [[ $output == *'OK = True'* && -z $(told GLIDEIN_PS_FAILING_LIST) && $(told GLIDEIN_PS_FAILED_LIST) == GLIDEIN_PS_1 ]]
  [[ $(grep -c '<OSGTestResult id="client/p"' otr_outlist.list) == 2 && -z $(cut -d ' ' -f 1 glidein_config | sort | uniq -d) ]]
}

@test "script_wrapper: where the startd puts no prefix, ours are named in full" {
  periodic p <<<'echo "MINE = 1"'
  run -0 --separate-stderr turn p NOPREFIX
  [[ $output == $'MINE = 1\nGLIDEIN_PS_OK = True\nGLIDEIN_PS_LAST = '* ]]
}

@test "script_wrapper: what cannot be run is a failure, never an empty success" {
  run -1 --separate-stderr turn nothere
  [[ $output == *'OK = False'* && $(told GLIDEIN_PS_FAILED_LAST_REASON) == *'not a program'* ]]
  rm add_config_line.source
  run -1 --separate-stderr turn nothere
  [[ $output == $'OK = False\n-' ]]
}

@test "script_wrapper: many at once, and nothing of the lists is lost" {
  local i pids=()
  periodic bad <<<'exit 1'
  for i in {1..8}; do
    turn bad GLIDEIN_PS_ "$i" >/dev/null 2>&1 &
    pids+=("$!")
  done
  for i in "${pids[@]}"; do wait "$i" || [[ $? == 1 ]]; done
  turn bad >/dev/null 2>&1 || [[ $? == 1 ]]
  [[ $(told GLIDEIN_PS_OK) == False && $(grep -c '<OSGTestResult ' otr_outlist.list) == 9 && $(told A) == 1 ]]
}

@test "script_wrapper: every text makes a line of a ClassAd" {
  periodic 'p' <<<'kill -9 $$'
  run -1 --separate-stderr main/script_wrapper.sh glidein_config client 'N"\1' client/p
  [[ $output == *'FAILED_LAST = "N\"\\1:'* && $(grep -c . <<<"$output") == 7 ]]
}

@test "periodic: what the startd is told, once per script, and appended to its configuration" {
  for module in log config periodic; do source "$LIB/$module.sh"; done
  WORK=$PWD
  echo 'A = 1' >condor_config
  periodic_configure
  [[ $(<condor_config) == 'A = 1' ]]
  periodic_add "$WORK/client/p" client 60 GLIDEIN_PS_
  periodic_add "$WORK/client/q" client_group 1800 NOPREFIX
  periodic_configure
  [[ $(grep -v '^#' condor_config) == 'A = 1

STARTD_CRON_JOBLIST = $(STARTD_CRON_JOBLIST) GLIDEIN_PS_1
STARTD_CRON_GLIDEIN_PS_1_MODE = Periodic
STARTD_CRON_GLIDEIN_PS_1_KILL = True
STARTD_CRON_GLIDEIN_PS_1_PERIOD = 60s
STARTD_CRON_GLIDEIN_PS_1_EXECUTABLE = $(LOCAL_DIR)/main/script_wrapper.sh
STARTD_CRON_GLIDEIN_PS_1_ARGS = glidein_config client GLIDEIN_PS_1 client/p GLIDEIN_PS_
STARTD_CRON_GLIDEIN_PS_1_CWD = $(LOCAL_DIR)
STARTD_CRON_GLIDEIN_PS_1_SLOTS = 1
STARTD_CRON_GLIDEIN_PS_1_JOB_LOAD = 0.01
STARTD_CRON_GLIDEIN_PS_1_PREFIX = GLIDEIN_PS_
STARTD_CRON_JOBLIST = $(STARTD_CRON_JOBLIST) GLIDEIN_PS_2
STARTD_CRON_GLIDEIN_PS_2_MODE = Periodic
STARTD_CRON_GLIDEIN_PS_2_KILL = True
STARTD_CRON_GLIDEIN_PS_2_PERIOD = 1800s
STARTD_CRON_GLIDEIN_PS_2_EXECUTABLE = $(LOCAL_DIR)/main/script_wrapper.sh
STARTD_CRON_GLIDEIN_PS_2_ARGS = glidein_config client_group GLIDEIN_PS_2 client/q NOPREFIX
STARTD_CRON_GLIDEIN_PS_2_CWD = $(LOCAL_DIR)
STARTD_CRON_GLIDEIN_PS_2_SLOTS = 1
STARTD_CRON_GLIDEIN_PS_2_JOB_LOAD = 0.01' ]]
  run -1 periodic_add "$WORK/client/a b" client 60 GLIDEIN_PS_
}
