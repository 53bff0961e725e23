# shellcheck shell=bash
# stop_list.sh - the file by which an operator stops glideins: at their start, and while they run.
#
# It lies beside the main area, is never cached, and is no secret and not signed: all it can do is end
# glideins. One that cannot be had changes nothing. A line is
#
#   factory | entry NAME | frontend NAME   [now]   [# why]
#
# Without `now` a glidein that has jobs finishes them and takes no more; with it, jobs get what time they
# get when the batch system ends a glidein. A glidein that starts leaves at once, either way.
#
# Needs:     log.sh clock.sh config.sh fetch.sh report.sh options.sh area.sh (AREA)
# Reads:     WORK, the key GLIDEIN_Stop_Interval (seconds between two looks)
# Sets:      STOP_LIST_HOW (retire or now), STOP_LIST_WHAT (whom the line names), STOP_LIST_WHY

: "${STOP_LIST_INTERVAL_S:=900}" # where GLIDEIN_Stop_Interval says nothing
: "${STOP_LIST_WAIT_STEPS:=5}"   # of 20 ms, that what is large waits for the first look, on a node far away

# Its name is known before anything of an area is; where an area names another, that one is looked at later.
STOP_LIST_NAME=stop.lst

# stop_list_queue - queue the list to be brought with whatever is brought next
stop_list_queue() {
  [[ -n ${AREA["main.url"]:-} ]] || return 0
  fetch_queue "${AREA["main.url"]}/${AREA["main.stop_list"]:-$STOP_LIST_NAME}" "$WORK/.glidein/stop.lst" - 65536 nocache optional
}

# stop_list_looked - note that the first look is over, for stop_list_wait
stop_list_looked() { : >"$WORK/.glidein/stop.looked"; }

# stop_list_wait - a job that brings much waits here for the first look. Where the web server is near, that
#   is over at once; far away, what comes after STOP_LIST_WAIT_STEPS is little, and the job is ended when
#   the list turns out to name us.
stop_list_wait() {
  local step
  for ((step = 0; step < STOP_LIST_WAIT_STEPS; step++)); do
    [[ ! -e $WORK/.glidein/stop.looked ]] || return 0
    clock_pause 0.02
  done
}

# stop_list_names_us - does the list that was brought last name our factory, entry or Frontend? Of several
#   lines that do, one with `now` counts.
#   Returns:  0 and sets the variables above;  1 no
stop_list_names_us() {
  local what name rest client how
  config_get GLIDECLIENT_Name ''
  client=$REPLY
  STOP_LIST_HOW='' STOP_LIST_WHAT='' STOP_LIST_WHY=''
  [[ -f $WORK/.glidein/stop.lst ]] || return 1
  while read -r what rest || [[ -n $what ]]; do
    case $what in
      factory) what='the whole factory' ;;
      entry | frontend)
        read -r name rest <<<"$rest"
        case $what in
          entry) [[ -n $name && $name == "${OPTION[entry]:-}" ]] || continue ;;
          *) [[ -n $name ]] && [[ $name == "$client" || $name == "${client%%.*}" ]] || continue ;;
        esac
        what+=" $name"
        ;;
      *) continue ;;
    esac
    how=retire
    [[ ! $rest =~ ^now([[:space:]]|$) ]] || how='now' rest=${rest#now}
    [[ $STOP_LIST_HOW != now ]] && [[ -z $STOP_LIST_HOW || $how == now ]] || continue
    rest=${rest#"${rest%%[!#[:space:]]*}"}
    STOP_LIST_HOW=$how STOP_LIST_WHAT=$what STOP_LIST_WHY=${rest//[^[:print:]]/?}
  done <"$WORK/.glidein/stop.lst"
  [[ -n $STOP_LIST_HOW ]]
}

# stop_list_told WHEN - say in log and report what the list says of us; WHEN is start or run
stop_list_told() {
  log_warn "the stop list says: $STOP_LIST_WHAT is to leave${STOP_LIST_WHY:+, because: $STOP_LIST_WHY} how=$STOP_LIST_HOW"
  report_fact stop_list.what "$STOP_LIST_WHAT"
  report_fact stop_list.why "$STOP_LIST_WHY"
  report_fact stop_list.how "$STOP_LIST_HOW"
  report_fact stop_list.when "$1"
}

# stop_list_watch PID - a job: look now and then; SIGUSR1 to PID when the list names us, and again when
#   it comes to say `now`. The list stays for PID to read.
stop_list_watch() {
  local every how=''
  config_get GLIDEIN_Stop_Interval "$STOP_LIST_INTERVAL_S"
  every=$REPLY
  [[ $every =~ ^[1-9][0-9]{0,5}$ ]] || {
    log_warn "GLIDEIN_Stop_Interval: expected seconds, got '$every'; every $STOP_LIST_INTERVAL_S"
    every=$STOP_LIST_INTERVAL_S
  }
  while clock_pause "$every"; do
    # What is not there any more (404) names nobody; what does not come leaves the old one.
    stop_list_queue
    fetch_run 2>/dev/null || continue
    stop_list_names_us && [[ $STOP_LIST_HOW != "$how" && $how != now ]] || continue
    how=$STOP_LIST_HOW
    kill -USR1 "$1"
    [[ $how != now ]] || return 0
  done
}
