#!/usr/bin/env bats
# script.sh with its modules: foreign scripts, each a process of its own; area.sh is played.
# shellcheck disable=SC2016,SC1090,SC2329  # what is quoted is for those scripts

bats_require_minimum_version 1.5.0

setup() {
  load helper
  export LC_ALL=C
  umask 077 # as in the glidein
  for module in log clock job config phase report interface hooks periodic wrapper script; do source "$LIB/$module.sh"; done
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

@test "script_run_area: no rows at all is fine" {
  run -0 script_run_area
}
