#!/usr/bin/env bats
# stop_list.sh: whom a list names, what becomes of them, and the looks while a glidein runs.
# shellcheck disable=SC2329,SC2034,SC2153  # what stop_list.sh calls and reads

bats_require_minimum_version 1.5.0

setup() {
  load helper
  for module in log clock config stop_list; do
    # shellcheck source=/dev/null
    source "$LIB/$module.sh"
  done
  WORK=$PWD/work
  mkdir -p "$WORK/.glidein"
  declare -gA OPTION=([entry]=Here) AREA=(["main.url"]=http://web)
  config_set GLIDECLIENT_Name vo.main
  FACTS=()
}

report_fact() { FACTS+=("$1=$2"); }

# says TEXT - write the list
says() { printf '%b' "$1" >"$WORK/.glidein/stop.lst"; }

@test "stop_list: the factory, our entry and our Frontend, nothing else" {
  for text in 'factory\n' 'entry Here' '# why\n\nentry Here\n' 'frontend vo' 'frontend vo.main  since Monday\n'; do
    says "$text"
    stop_list_names_us
    [[ -n $STOP_LIST_WHAT && $STOP_LIST_HOW == retire ]]
  done
  for text in '' '# factory\n' 'entry There\n' 'entry\n' 'frontend v\n' 'frontend vo.other\n' 'Factory\n' '<html>factory</html>\n' 'entry *\n' 'frontend *\n' 'frontend\n'; do
    says "$text"
    run -1 stop_list_names_us
  done
}

@test "stop_list: no list stops nobody" {
  run -1 stop_list_names_us
}

@test "stop_list: now, and why" {
  says 'entry Here now # firmware\n'
  stop_list_names_us && [[ "$STOP_LIST_WHAT/$STOP_LIST_HOW/$STOP_LIST_WHY" == 'entry Here/now/firmware' ]]
  says 'factory now'
  stop_list_names_us && [[ "$STOP_LIST_WHAT/$STOP_LIST_HOW/$STOP_LIST_WHY" == 'the whole factory/now/' ]]
  says 'frontend vo # nowhere near now\n'
  stop_list_names_us && [[ "$STOP_LIST_WHAT/$STOP_LIST_HOW/$STOP_LIST_WHY" == 'frontend vo/retire/nowhere near now' ]]
  says 'entry Here nowadays\n'
  stop_list_names_us && [[ $STOP_LIST_HOW == retire ]]
}

@test "stop_list: of several lines, now counts; else the first" {
  says 'frontend vo # slow\nentry Here now # fast\nfactory # all\n'
  stop_list_names_us && [[ "$STOP_LIST_HOW/$STOP_LIST_WHY" == now/fast ]]
  says 'frontend vo # slow\nfactory # all\n'
  stop_list_names_us && [[ "$STOP_LIST_HOW/$STOP_LIST_WHY" == retire/slow ]]
}

@test "stop_list: what it says is in the report" {
  says 'entry Here now # firmware\n'
  stop_list_names_us && stop_list_told run
  [[ "${FACTS[*]}" == 'stop_list.what=entry Here stop_list.why=firmware stop_list.how=now stop_list.when=run' ]]
}

@test "stop_list: while running, a signal for each step, and none for a list that does not come" {
  LOOKS=('' 'FAIL' 'entry Here\n' 'entry Here\n' 'entry Here now\n' 'factory now\n')
  clock_pause() { echo "pause $1" >>log; }
  fetch_queue() { echo "$1 ${*:4}" >>log; }
  fetch_run() {
    local look=${LOOKS[0]}
    LOOKS=("${LOOKS[@]:1}")
    [[ $look != FAIL ]] || return 1
    says "$look"
  }
  kill() { echo "kill $*" >>log; }
  config_set GLIDEIN_Stop_Interval 30
  stop_list_watch 77
  [[ $(grep -c '^pause 30$' log) == 5 && $(grep -c kill log) == 2 && $(tail -1 log) == 'kill -USR1 77' ]]
  grep -qx 'http://web/stop.lst 65536 nocache optional' log
}

@test "stop_list: an interval that is no number is told, and the usual one taken" {
  clock_pause() { echo "$1" && exit 7; }
  config_set GLIDEIN_Stop_Interval often
  run -7 stop_list_watch 77
  [[ $output == *"expected seconds, got 'often'"* && $output == *900 ]]
}

@test "stop_list: what is large waits for the first look, but not for ever" {
  SECONDS=0
  stop_list_wait
  stop_list_looked
  stop_list_wait
  [[ $SECONDS -lt 10 ]]
}
