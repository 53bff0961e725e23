# shellcheck shell=bash
# livelog.sh - while a glidein runs, its log lines are sent to a web server that wants them: what is known
# then outlives a kill -9, save for the last few seconds.
#
# A job reads the log as it grows and sends what is new, at most LIVELOG_BATCH_BYTES at a time, every
# LIVELOG_EVERY_S seconds, as the body of one request: URL/UUID/<number>.log, with the token in a header that
# curl reads from a file. Nobody waits for it: when the server is slow or gone, what is not sent is bounded by
# LIVELOG_BEHIND_BYTES and the rest is left out, with a line that says so; a server that refuses is asked less
# and less often. What scripts write to standard output comes along: script.sh adds it.
#
# A receiver: web/live-log.conf.
#
# Needs:     log.sh clock.sh job.sh config.sh report.sh
# Commands:  curl, tail, head, stat, mkfifo (coreutils), tee
# Reads:     WORK, START_DIR, the keys GLIDEIN_Live_Log_URL, GLIDEIN_Live_Log_Token (a file, also below the folder
#            that we were started in), GLIDEIN_Live_Log_Method (PUT or POST)
# Sets:      LIVELOG_FILE (empty where nobody wants it)

: "${LIVELOG_EVERY_S:=3}"
: "${LIVELOG_BATCH_BYTES:=65536}"
: "${LIVELOG_BEHIND_BYTES:=1048576}" # what is further behind is left out
: "${LIVELOG_REQUEST_S:=10}"         # seconds a request may take
: "${LIVELOG_TOTAL_BYTES:=33554432}" # sent by one glidein at most
: "${LIVELOG_END_S:=5}"              # seconds that the end of the glidein waits for the rest to be sent

LIVELOG_FILE=''

# livelog_start - from here on what goes to standard error goes into a file as well, and is sent from there.
#   Returns:  0, also where no URL is given, or it cannot be used: a log is no reason to fail
livelog_start() {
  local url token method
  config_get GLIDEIN_Live_Log_URL ''
  url=${REPLY%/}
  [[ -n $url ]] || return 0
  [[ $url =~ ^https?://[^[:space:][:cntrl:]\"\\]+$ ]] || log_fail 0 "GLIDEIN_Live_Log_URL: not a URL: '$url'" || return 0
  type -P curl >/dev/null || log_fail 0 'no live log: there is no curl' || return 0
  config_get GLIDEIN_Live_Log_Method PUT
  method=${REPLY^^}
  [[ $method == PUT || $method == POST ]] || method=PUT
  config_get GLIDEIN_Live_Log_Token ''
  token=$REPLY
  [[ -z $token || $token == /* ]] || token=$START_DIR/$token
  config_get GLIDEIN_UUID unknown
  _livelog_header "$token" || return 0
  LIVELOG_FILE=$WORK/.glidein/live.log
  : >"$LIVELOG_FILE" && mkfifo "$WORK/.glidein/live.pipe" || return 0
  # tee goes on when we are killed, and ends when nobody writes any more.
  (trap '' TERM INT HUP QUIT USR1 && exec tee -a "$LIVELOG_FILE") <"$WORK/.glidein/live.pipe" >&2 &
  _LIVELOG_TEE=$!
  exec {_LIVELOG_STDERR}>&2 2>"$WORK/.glidein/live.pipe"
  # No job of ours: those are ended before the report is made, and the rest of the log is to be sent.
  set -m # a process group of its own, with what it starts
  (
    set +m
    trap '' TERM INT HUP QUIT PIPE USR1
    trap - EXIT
    _livelog_send "$url/$REPLY" "$method"
  ) </dev/null >/dev/null 2>&1 {_LIVELOG_STDERR}>&- &
  _LIVELOG_SENDER=$!
  set +m
  disown "$_LIVELOG_TEE" "$_LIVELOG_SENDER"
  log_info "live log: $url/$REPLY"
}

# livelog_end - send the rest, in a moment or not at all, and let standard error be what it was
livelog_end() {
  [[ -n $LIVELOG_FILE ]] || return 0
  exec 2>&"$_LIVELOG_STDERR" {_LIVELOG_STDERR}>&-
  : >"$WORK/.glidein/live.end"
  local step
  for ((step = 0; step < LIVELOG_END_S * 10; step++)); do
    kill -0 "$_LIVELOG_SENDER" 2>/dev/null || break
    clock_pause 0.1
  done
  kill -KILL -- "-$_LIVELOG_SENDER" 2>/dev/null # with the request that it waits for
  # What we wrote is in the pipe; others may still hold it. A busy node takes its time.
  for ((step = 0; step < 40; step++)); do
    kill -0 "$_LIVELOG_TEE" 2>/dev/null || break
    clock_pause 0.05
  done
  kill -KILL "$_LIVELOG_TEE" 2>/dev/null
  LIVELOG_FILE=''
}

# _livelog_header TOKEN - write the header with the token where curl reads it; 1: it cannot be read
_livelog_header() {
  local text=''
  _LIVELOG_HEADER=$WORK/.glidein/live.header
  if [[ -n $1 ]]; then
    { IFS= read -r text <"$1"; } 2>/dev/null || [[ -n $text ]] \
      || log_fail 1 "no live log: cannot read GLIDEIN_Live_Log_Token: $1" || return $?
    [[ $text =~ ^[A-Za-z0-9._~+/=-]+$ ]] || log_fail 1 "no live log: this is no token: $1" || return $?
    text="Authorization: Bearer $text"
  fi
  (umask 077 && printf '%s\n' "${text:-X-Glidein: live log}" >"$_LIVELOG_HEADER") || return 1
}

# livelog_facts - put into the report how much was sent, and how often that failed
livelog_facts() {
  local bytes requests failures answer
  [[ -n $LIVELOG_FILE ]] || return 0
  { read -r bytes requests failures answer <"$WORK/.glidein/live.state"; } 2>/dev/null || return 0
  report_fact livelog.sent_bytes "$bytes"
  report_fact livelog.requests "$requests"
  report_fact livelog.failures "$failures"
  [[ $failures == 0 ]] || report_fact livelog.last_failure "$answer"
}

# _livelog_send URL METHOD - the job: send what is new, until livelog_end says that it is all
_livelog_send() {
  local sent=0 total=0 number=0 size name part=$WORK/.glidein/live.part last='' bytes note='' answer='' wait
  local requests=0 failures=0 behind=0
  while :; do
    # The end is near, or came without a word: SIGKILL.
    [[ ! -e $WORK/.glidein/live.end ]] && kill -0 "$$" 2>/dev/null || last=1
    size=$(exec stat -c %s -- "$LIVELOG_FILE" 2>/dev/null) || return 0
    if ((size - sent > LIVELOG_BEHIND_BYTES)); then
      ((behind += size - sent - LIVELOG_BATCH_BYTES))
      sent=$((size - LIVELOG_BATCH_BYTES))
      printf -v note '... %d bytes left out ...\n' "$behind" # until a request with it got through
    fi
    bytes=$((size - sent > LIVELOG_BATCH_BYTES ? LIVELOG_BATCH_BYTES : size - sent))
    if ((total + bytes > LIVELOG_TOTAL_BYTES)); then
      printf -v note '... the live log ends here, after %d bytes ...\n' "$total"
      bytes=0 last=1
    fi
    wait=$LIVELOG_EVERY_S
    if ((bytes > 0)) || [[ -n $note ]]; then
      { printf '%s' "$note" && tail -c "+$((sent + 1))" -- "$LIVELOG_FILE" | head -c "$bytes"; } >"$part"
      printf -v name '%06d' "$((number + 1))"
      ((++requests))
      if answer=$(exec curl --disable --silent --show-error --fail --request "$2" --header "@$_LIVELOG_HEADER" \
        --header 'Content-Type: text/plain' --max-time "$LIVELOG_REQUEST_S" --connect-timeout "$LIVELOG_REQUEST_S" \
        --output /dev/null --data-binary "@$part" -- "$1/$name.log" 2>&1); then
        ((++number, total += bytes, sent += bytes, behind = failures = 0))
        note=''
        printf '%d %d %d\n' "$total" "$requests" "$((requests - number))" >"$WORK/.glidein/live.state"
        ((sent >= size)) || [[ $bytes == 0 ]] || continue
      else
        ((++failures > 4)) && failures=4
        wait=$((LIVELOG_EVERY_S << failures))
        printf '%d %d %d %s\n' "$total" "$requests" "$((requests - number))" "${answer//$'\n'/ }" >"$WORK/.glidein/live.state"
      fi
    fi
    [[ -z $last ]] || return 0
    _livelog_wait "$wait"
  done
}

# _livelog_wait SECONDS - or until the end is near
_livelog_wait() {
  local left=$1
  while ((left-- > 0)); do
    clock_pause 1
    [[ ! -e $WORK/.glidein/live.end ]] && kill -0 "$$" 2>/dev/null || return 0
  done
}
