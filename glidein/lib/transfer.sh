# shellcheck shell=bash
# transfer.sh - carry out HTTP requests, each once: with one curl for all, or a wget for each.
#
# It decides nothing: fetch.sh says what to ask for and through which cache, and judges what
# came. Nothing outside our arguments has a say: proxy variables, ~/.curlrc and ~/.wgetrc are
# ignored, only http and https are spoken, also after a redirect.
#
#   transfer_begin; transfer_add …; transfer_add …; transfer_run FOLDER
#
# Needs:     log.sh clock.sh
# Commands:  curl or wget (GNU, or busybox's); wc (coreutils) with wget
# Reads:     FETCH_CONNECT_S FETCH_STALL_S FETCH_TOTAL_S FETCH_PARALLEL FETCH_REDIRECTS (fetch.sh)
# Sets:      TRANSFER_TOOL and, per ID of transfer_add, the results:
#            TRANSFER_KIND     how it ended:
#                ok       an answer of 2xx, whole as far as HTTP can tell
#                connect  no connection: name, route, refused, or too slow to be made
#                broken   a connection, but no whole answer: cut, reset, stalled, out of time
#                status   an answer with another HTTP status
#                norange  the server does not resume where we asked it to
#                large    more bytes than allowed; what is over was not stored
#                refused  a redirect too many or to another protocol, TLS, a malformed answer
#                local    this node could not store it
#                tool     curl or wget itself failed
#            TRANSFER_STATUS   HTTP status, 0 for none
#            TRANSFER_BYTES    bytes that came in this request
#            TRANSFER_MS       milliseconds it took
#            TRANSFER_SAID     what the tool had to say, one line
#            TRANSFER_DATE     "SERVER NODE": the answer's Date and this node's clock when it came, both
#                              seconds of the epoch; only of a nocache request that no cache answered

declare -ga TRANSFER_KIND=() TRANSFER_STATUS=() TRANSFER_BYTES=() TRANSFER_MS=() TRANSFER_SAID=()
declare -ga TRANSFER_DATE=()
declare -ga _TRANSFER_IDS=() _TRANSFER_URL=() _TRANSFER_FILE=() _TRANSFER_MAX=()
declare -ga _TRANSFER_VIA=() _TRANSFER_NOCACHE=() _TRANSFER_OFFSET=()
declare -ga _TRANSFER_EXIT=() _TRANSFER_SIZE=()
declare -ga _TRANSFER_PIDS=() # what runs now
_TRANSFER_BEFORE=             # while one is being started: the last pid before it
: "${TRANSFER_TOOL:=}"        # curl, wget or busybox (its wget); empty: not looked for yet

# transfer_tool - find out, once, what this node can fetch with; a tool that does not execute
#   (wrong libraries, say) is none.  Returns 1 when there is nothing.
transfer_tool() {
  local said
  [[ -z $TRANSFER_TOOL ]] || return 0
  if said=$(exec curl --disable --version 2>&1) && [[ $said =~ curl\ ([0-9]+)\.([0-9]+) ]]; then
    TRANSFER_TOOL=curl
    _TRANSFER_VERSION=$((BASH_REMATCH[1] * 1000 + BASH_REMATCH[2]))
    log_debug "tool=${said%% (*}"
    return 0
  fi
  [[ -z $(type -P curl) ]] || log_warn "curl does not work here: ${said%%$'\n'*}"
  transfer_tool_wget
}

# transfer_tool_wget - as transfer_tool, but look for wget only
transfer_tool_wget() {
  local said
  TRANSFER_TOOL=
  said=$(exec wget --version 2>&1) || : # busybox's has no such option, and says who it is
  case $said in
    'GNU Wget'*) TRANSFER_TOOL=wget ;;
    *[Bb]usy[Bb]ox*) TRANSFER_TOOL=busybox ;;
    *) log_fail 1 "neither curl nor wget works here, PATH=$PATH: ${said%%$'\n'*}" || return $? ;;
  esac
  log_debug "tool=${said%%$'\n'*}"
}

# transfer_begin - forget all requests and results
transfer_begin() {
  _TRANSFER_IDS=() _TRANSFER_URL=() _TRANSFER_FILE=() _TRANSFER_MAX=()
  _TRANSFER_VIA=() _TRANSFER_NOCACHE=() _TRANSFER_OFFSET=()
  TRANSFER_KIND=() TRANSFER_STATUS=() TRANSFER_BYTES=() TRANSFER_MS=() TRANSFER_SAID=()
  TRANSFER_DATE=()
}

# transfer_add ID URL FILE MAX VIA NOCACHE OFFSET
#   ID: an index, of results too. VIA: URL of a web cache, or "direct". NOCACHE: 1 asks caches on
#   the way not to answer by themselves. OFFSET: go on after that many bytes, which FILE holds.
transfer_add() {
  _TRANSFER_IDS+=("$1")
  _TRANSFER_URL[$1]=$2 _TRANSFER_FILE[$1]=$3 _TRANSFER_MAX[$1]=$4
  _TRANSFER_VIA[$1]=$5 _TRANSFER_NOCACHE[$1]=$6 _TRANSFER_OFFSET[$1]=$7
  TRANSFER_KIND[$1]=tool TRANSFER_STATUS[$1]=0 TRANSFER_BYTES[$1]=0 TRANSFER_MS[$1]=0
  TRANSFER_SAID[$1]='' TRANSFER_DATE[$1]=''
}

# transfer_run FOLDER - carry out what was added; FOLDER, of ours, takes the tool's notes
transfer_run() {
  local id
  case $TRANSFER_TOOL in
    curl) _transfer_curl "$1" ;;
    *) _transfer_wget "$1" ;;
  esac && return 0
  for id in "${_TRANSFER_IDS[@]}"; do
    TRANSFER_KIND[id]=local TRANSFER_SAID[id]="cannot write to $1, is the disk full?"
  done
}

# transfer_stop - end what runs, for a caller's trap
transfer_stop() {
  # A signal can come between the fork and the line that notes the pid: $! knows it already.
  [[ -z $_TRANSFER_BEFORE || ${!:-0} == "$_TRANSFER_BEFORE" ]] || _TRANSFER_PIDS+=("$!")
  _TRANSFER_BEFORE=
  ((${#_TRANSFER_PIDS[@]})) || return 0
  kill -TERM "${_TRANSFER_PIDS[@]}" 2>/dev/null
  wait "${_TRANSFER_PIDS[@]}" 2>/dev/null
  _TRANSFER_PIDS=()
}

# --- curl ------------------------------------------------------------------------------------
#
# 7.66 and later fetch in parallel; 7.36 and later (next) take one process for all, over kept
# connections; before, a process per request. What a transfer ended with is told by the write-out
# from 7.75 on, before by the line "curl: (CODE) …", which goes to the same stream.

_transfer_curl() {
  local folder=$1 id ids
  if ((_TRANSFER_VERSION >= 7036)); then
    _transfer_curl_batch "$folder" "${_TRANSFER_IDS[@]}"
  else
    ids=("${_TRANSFER_IDS[@]}")
    for id in "${ids[@]}"; do
      _transfer_curl_batch "$folder" "$id"
    done
  fi
}

# _transfer_curl_batch FOLDER ID... - one curl for all of these
_transfer_curl_batch() {
  local folder=$1 id next='' limit=0 started status
  shift
  {
    for id; do
      _transfer_curl_config "$folder" "$id" "$next"
      next=next
      ((_TRANSFER_MAX[id] <= limit)) || limit=${_TRANSFER_MAX[id]}
    done
    printf '# all\n' # had a line before it found no room, this one would not either
  } >"$folder/config" || return 1
  clock_epoch
  started=$REPLY
  _TRANSFER_PROXY='' _TRANSFER_NOTHING=''
  _transfer_start "$limit" "$folder/said" curl --disable --config "$folder/config"
  _transfer_wait "$!"
  status=$?
  _TRANSFER_PIDS=()
  _transfer_curl_read "$folder/said" "$status" "$@"
  for id; do
    ((_TRANSFER_NOCACHE[id])) && _transfer_date "$id" "$folder/headers.$id" "$started"
  done
  return 0
}

# _transfer_curl_config FOLDER ID NEXT - print the lines of one request. Options are per request:
#   `next` forgets them.
_transfer_curl_config() {
  local folder=$1 id=$2 tail=''
  [[ -z $3 ]] || printf 'next\n'
  if [[ -z $3 ]] && ((_TRANSFER_VERSION >= 7066)); then
    printf 'parallel\nparallel-max = %d\n' "$FETCH_PARALLEL"
    ((_TRANSFER_VERSION == 7066)) || printf 'no-progress-meter\n' # silent does not do, in parallel
    # Else all wait for the first answer, to learn whether one connection could carry them all.
    ((_TRANSFER_VERSION < 7068)) || printf 'parallel-immediate\n'
  fi
  ((_TRANSFER_VERSION < 7075)) || tail=' %{exitcode} %{errormsg}'
  _transfer_quote "${_TRANSFER_URL[id]}"
  printf 'url = %s\n' "$REPLY"
  _transfer_quote "${_TRANSFER_FILE[id]}"
  printf 'output = %s\n' "$REPLY"
  printf 'write-out = "\\n@%d %%{http_code} %%{size_download} %%{time_total}%s\\n"\n' \
    "$id" "$tail"
  # Without fail, curl stores the error page and is content.
  printf '%s\n' silent show-error fail globoff location 'stderr = "-"' \
    'proto = "=http,https"' 'proto-redir = "=http,https"' 'speed-limit = 100'
  printf 'max-redirs = %d\nconnect-timeout = %d\nspeed-time = %d\nmax-time = %d\nmax-filesize = %d\n' \
    "$FETCH_REDIRECTS" "$FETCH_CONNECT_S" "$FETCH_STALL_S" "$FETCH_TOTAL_S" \
    "${_TRANSFER_MAX[id]}"
  if [[ ${_TRANSFER_VIA[id]} == direct ]]; then
    printf 'noproxy = "*"\n'
  else
    _transfer_quote "${_TRANSFER_VIA[id]}"
    printf 'proxy = %s\nnoproxy = ""\n' "$REPLY"
  fi
  if ((_TRANSFER_NOCACHE[id])); then
    _transfer_quote "$folder/headers.$id"
    printf 'header = "Cache-Control: no-cache"\nheader = "Pragma: no-cache"\ndump-header = %s\n' "$REPLY"
  fi
  ((_TRANSFER_OFFSET[id] == 0)) || printf 'continue-at = %d\n' "${_TRANSFER_OFFSET[id]}"
}

# _transfer_quote TEXT - set REPLY to TEXT as curl's configuration wants it
_transfer_quote() {
  REPLY=${1//\\/\\\\}
  REPLY=${REPLY//\"/\\\"}
  REPLY=\"${REPLY//$'\n'/\\n}\"
}

# _transfer_curl_read FILE STATUS ID... - take results from curl's words; STATUS is its exit status
_transfer_curl_read() {
  local file=$1 status=$2 line id='' code said='' before=''
  local -A heard=()
  shift 2
  while IFS= read -r line; do
    if [[ $line =~ ^@([0-9]+)\ ([0-9]+)\ ([0-9]+)[0-9.]*\ ([0-9]+)[.,]([0-9]{3})[0-9]*(\ ([0-9]+)\ ?(.*))?$ ]]; then
      id=${BASH_REMATCH[1]} heard[$id]=1 code=${BASH_REMATCH[7]:-0}
      TRANSFER_STATUS[id]=$((10#${BASH_REMATCH[2]}))
      TRANSFER_BYTES[id]=${BASH_REMATCH[3]}
      TRANSFER_MS[id]=$((10#${BASH_REMATCH[4]}${BASH_REMATCH[5]}))
      said=${BASH_REMATCH[8]:-}
      if ((_TRANSFER_VERSION < 7075)) && [[ -n $before ]]; then
        code=${before%% *} said=${before#* }
      fi
      before=''
      _transfer_curl_kind "$id" "$code" "$said"
    elif ((_TRANSFER_VERSION < 7075)) && [[ $line =~ (^|[[:space:]])curl:\ \(([0-9]+)\)\ (.*)$ ]]; then
      # 7.66 turned the order around: complaint first, then the write-out.
      if ((_TRANSFER_VERSION >= 7066)); then
        before="${BASH_REMATCH[2]} ${BASH_REMATCH[3]}"
      elif [[ -n $id ]]; then
        _transfer_curl_kind "$id" "${BASH_REMATCH[2]}" "${BASH_REMATCH[3]}"
      fi
    elif [[ -n $line ]]; then
      said=$line
    fi
  done 2>/dev/null <"$file"
  for id; do
    [[ ! ${heard[$id]+x} ]] || continue
    TRANSFER_SAID[id]="curl ended with status $status${said:+: $said}"
    # It could not even write down what happened: where there is no room for that, there is none.
    ((status != 23)) || TRANSFER_KIND[id]=local TRANSFER_SAID[id]+=', is the disk full?'
  done
}

# _transfer_curl_kind ID CODE SAID - what curl's exit code means to us
_transfer_curl_kind() {
  local id=$1 code=$2 said=$3 kind
  [[ $said != *HTTP/0.9* ]] || code=52 # what came is no answer
  case $code in
    0) kind=ok ;;
    5 | 6 | 7 | 97) kind=connect ;;
    28) case $said in
      *esolving\ timed\ out* | *onnection\ time*) kind=connect ;;
      *) kind=broken ;;
    esac ;;
    16 | 18 | 35 | 52 | 55 | 56 | 61 | 92 | 95) kind=broken ;;
    22) kind=status said="HTTP status ${TRANSFER_STATUS[id]}" ;;
    33 | 36) kind=norange ;;
    63) kind=large ;;
    # The limit on a file's size (ulimit) makes writing fail too.
    23) kind=local ;;
    1 | 3 | 8 | 47 | 5[1348] | 60 | 77 | 8[23] | 9[01]) kind=refused ;;
    *) kind=tool ;;
  esac
  ((TRANSFER_STATUS[id] != 416)) || kind=norange
  if [[ $kind == local ]] && _transfer_full "$id"; then kind=large; fi
  if [[ $kind == ok ]] && ((TRANSFER_STATUS[id] < 200 || TRANSFER_STATUS[id] > 299)); then
    kind=status said="HTTP status ${TRANSFER_STATUS[id]}"
  fi
  # curl makes no file for an empty answer before 7.42
  [[ $kind != ok || -e ${_TRANSFER_FILE[id]} ]] || printf '' >"${_TRANSFER_FILE[id]}" || kind=local
  TRANSFER_KIND[id]=$kind
  [[ $kind == ok ]] || TRANSFER_SAID[id]="$said${code:+ (curl $code)}"
}

# _transfer_full ID - 0 when more bytes came than were allowed. Exactly as many is what a whole file
#   has, on a disk that has no room for it.
_transfer_full() { ((_TRANSFER_OFFSET[$1] + TRANSFER_BYTES[$1] > _TRANSFER_MAX[$1])); }

# --- wget ------------------------------------------------------------------------------------

# _transfer_wget FOLDER - a process per request, FETCH_PARALLEL at a time
_transfer_wget() {
  local folder=$1 id group=() i files=() started
  _TRANSFER_NOTHING=$folder/wgetrc
  printf '' >"$_TRANSFER_NOTHING" || return 1
  clock_epoch
  started=$REPLY
  for ((i = 0; i < ${#_TRANSFER_IDS[@]}; i += FETCH_PARALLEL)); do
    group=("${_TRANSFER_IDS[@]:i:FETCH_PARALLEL}")
    _transfer_wget_group "$folder" "${group[@]}"
  done
  for id in "${_TRANSFER_IDS[@]}"; do
    [[ ! -e ${_TRANSFER_FILE[id]} ]] || files+=("$id")
  done
  _transfer_sizes ${files[@]+"${files[@]}"}
  for id in "${_TRANSFER_IDS[@]}"; do
    _transfer_wget_read "$id" "$folder/said.$id" "${_TRANSFER_SIZE[id]:-0}"
    ((_TRANSFER_NOCACHE[id])) && _transfer_date "$id" "$folder/said.$id" "$started"
  done
  return 0
}

# _transfer_wget_group FOLDER ID... - start a wget for each, wait for all
_transfer_wget_group() {
  local folder=$1 id pids=() i command started
  shift
  clock_ms
  started=$REPLY
  for id; do
    if [[ $TRANSFER_TOOL == wget ]]; then
      command=(wget --no-verbose --server-response --tries=1 --no-cookies
        "--max-redirect=$FETCH_REDIRECTS" "--dns-timeout=$FETCH_CONNECT_S"
        "--connect-timeout=$FETCH_CONNECT_S" "--read-timeout=$FETCH_STALL_S"
        "--output-document=${_TRANSFER_FILE[id]}")
      [[ ${_TRANSFER_VIA[id]} != direct ]] || command+=(--no-proxy)
      ((_TRANSFER_OFFSET[id] == 0)) || command+=(--continue)
    else
      command=(wget -S -T "$FETCH_STALL_S" -O "${_TRANSFER_FILE[id]}")
      [[ ${_TRANSFER_VIA[id]} != direct ]] || command+=(-Y off)
      ((_TRANSFER_OFFSET[id] == 0)) || command+=(-c)
    fi
    ((_TRANSFER_NOCACHE[id] == 0)) \
      || command+=(--header 'Cache-Control: no-cache' --header 'Pragma: no-cache')
    _TRANSFER_PROXY=${_TRANSFER_VIA[id]#direct}
    _transfer_start "${_TRANSFER_MAX[id]}" "$folder/said.$id" \
      "${command[@]}" "${_TRANSFER_URL[id]}"
    pids+=("$id:$!")
  done
  for i in "${pids[@]}"; do
    _transfer_patience "${i#*:}" $((started + FETCH_TOTAL_S * 1000))
    _TRANSFER_EXIT[${i%%:*}]=$?
    clock_ms
    TRANSFER_MS[${i%%:*}]=$((REPLY - started))
  done
  _TRANSFER_PIDS=()
}

# _transfer_patience PID UNTIL - wait for PID, at UNTIL (clock_ms) end it; returns its exit status.
#   wget knows no limit for the whole.
_transfer_patience() {
  local step=0
  while kill -0 "$1" 2>/dev/null; do
    clock_ms
    ((REPLY < $2)) || kill -TERM "$1" 2>/dev/null
    if ((step++ < 30)); then clock_pause 0.01; else clock_pause 0.1; fi
  done
  _transfer_wait "$1"
}

# _transfer_wget_read ID SAID BYTES - results from wget's words and the BYTES that are there now
_transfer_wget_read() {
  local id=$1 bytes=$3 line said='' kind code=${_TRANSFER_EXIT[$1]} status=0 elsewhere=''
  while IFS= read -r line; do
    if [[ $line =~ ^\ *HTTP/[0-9.]+\ ([0-9]{3}) ]]; then
      status=${BASH_REMATCH[1]}
    elif [[ $line =~ ^\ *[Ll]ocation:\ *([A-Za-z0-9+.-]+): ]]; then
      [[ ${BASH_REMATCH[1]} == http || ${BASH_REMATCH[1]} == https ]] \
        || elsewhere="redirect to protocol ${BASH_REMATCH[1]}"
    elif [[ -n $line && $line != ' '* ]]; then
      said=$line
    fi
  done 2>/dev/null <"$2"
  TRANSFER_STATUS[id]=$((10#$status))
  TRANSFER_BYTES[id]=$((bytes > _TRANSFER_OFFSET[id] ? bytes - _TRANSFER_OFFSET[id] : bytes))
  case $code in
    0) kind=ok ;;
    143) kind=broken said="over $FETCH_TOTAL_S s" ;;
    126 | 127 | 13[0-9]) kind=tool said="ended with status $code: $said" ;;
    5) kind=refused ;;
    *) if ((status == 416)); then
      kind=norange
    elif ((status >= 400)); then
      kind=status said="HTTP status $status"
    elif ((status >= 300)) || [[ $said == *redirect* ]]; then
      kind=refused
    elif [[ $said == *'No space left'* || $said == *'Disk quota'* ]]; then
      kind=local # also of a file whose every byte came, and is as large as it may be
    elif ((bytes >= _TRANSFER_MAX[id])); then
      kind=large
    elif ((code == 3)); then
      kind=local said=${said:-cannot write, is the disk full?}
    elif ((status == 0)) && [[ $said != *prematurely* && $said != *'getting response'* && $said != *[Nn]'o data'* ]]; then
      kind=connect
    else
      kind=broken
    fi ;;
  esac
  [[ $kind != ok ]] || ((status)) || kind=broken said='no HTTP answer'
  ((bytes <= _TRANSFER_MAX[id])) || kind=large
  [[ -z $elsewhere ]] || kind=refused said=$elsewhere
  TRANSFER_KIND[id]=$kind
  [[ $kind == ok ]] || TRANSFER_SAID[id]="${said##*wget: } (wget $code)"
}

# _transfer_sizes ID... - set _TRANSFER_SIZE for files that are there, with one process
_transfer_sizes() {
  local id files=() said
  _TRANSFER_SIZE=()
  (($#)) || return 0
  for id; do files+=("${_TRANSFER_FILE[id]}"); done
  said=$(exec wc -c -- "${files[@]}" 2>/dev/null)
  for id; do # a line each, in order, and a total; a name holds no line break (fetch_queue)
    said=${said#"${said%%[0-9]*}"}
    _TRANSFER_SIZE[id]=${said%%[!0-9]*}
    said=${said#*$'\n'}
  done
}

# --- both ------------------------------------------------------------------------------------

# _transfer_start LIMIT SAID COMMAND... - run COMMAND in the background, its words into file SAID.
#   No file it writes gets larger than LIMIT bytes: what makes endless data end, where curl does
#   not do it itself (before 8.4) or wget never does.
_transfer_start() {
  local blocks=$((($1 > 262144 ? $1 : 262144) / 1024 + 1)) said=$2
  shift 2
  [[ $SHELLOPTS != *posix* ]] || ((blocks *= 2)) # there a block has 512 bytes
  _TRANSFER_BEFORE=${!:-0}
  {
    trap '' XFSZ # a write beyond the limit shall fail, not kill
    ulimit -S -f "$blocks" 2>/dev/null
    unset http_proxy HTTP_PROXY https_proxy HTTPS_PROXY all_proxy ALL_PROXY no_proxy NO_PROXY
    [[ -z $_TRANSFER_PROXY ]] \
      || export http_proxy=$_TRANSFER_PROXY https_proxy=$_TRANSFER_PROXY
    export LC_ALL=C WGETRC="$_TRANSFER_NOTHING"
    exec "$@"
  } </dev/null >"$said" 2>&1 &
  _TRANSFER_PIDS+=("$!")
  _TRANSFER_BEFORE=
}

# _transfer_wait PID - wait to the end, also when a trap of the caller runs meanwhile; returns
#   the exit status
_transfer_wait() {
  local status
  while :; do
    wait "$1" 2>/dev/null
    status=$?
    ((status > 128)) && kill -0 "$1" 2>/dev/null || return "$status"
  done
}

# _transfer_date ID HEADERS STARTED - set TRANSFER_DATE from a file with the answer's headers
_transfer_date() {
  local line date='' age=0
  [[ -r $2 ]] || return 0
  while IFS= read -r line; do
    line=${line%$'\r'}
    line=${line#"${line%%[![:blank:]]*}"}
    case $line in
      HTTP/*) date='' age=0 ;; # the next answer, after a redirect
      [Dd]ate:*) date=${line#*:} ;;
      [Aa]ge:*) age=${line#*:} ;;
    esac
  done <"$2"
  [[ $age =~ ^[[:blank:]]*0*$ ]] && _transfer_epoch "$date" || return 0
  TRANSFER_DATE[$1]="$REPLY $(($3 + TRANSFER_MS[$1] / 1000))"
}

# _transfer_epoch DATE - set REPLY to seconds of the epoch; DATE as HTTP has it: Sun, 06 Nov 1994
#   08:49:37 GMT.  Returns 1 for anything else.
_transfer_epoch() {
  local months=xxJanFebMarAprMayJunJulAugSepOctNovDec month year day
  [[ $1 =~ ([0-9]{2})\ ([A-Z][a-z]{2})\ ([0-9]{4})\ ([0-9]{2}):([0-9]{2}):([0-9]{2})\ GMT ]] || return 1
  month=${months%%"${BASH_REMATCH[2]}"*}
  [[ $month != "$months" ]] || return 1
  month=$(((${#month} + 1) / 3)) year=$((10#${BASH_REMATCH[3]})) day=$((10#${BASH_REMATCH[1]}))
  # A year that begins in March has its odd day at the end.
  ((month > 2)) || ((year -= 1, month += 12))
  day=$((365 * year + year / 4 - year / 100 + year / 400 + (153 * (month - 3) + 2) / 5 + day - 719469))
  REPLY=$((day * 86400 + 10#${BASH_REMATCH[4]} * 3600 + 10#${BASH_REMATCH[5]} * 60 + 10#${BASH_REMATCH[6]}))
}
