# shellcheck shell=bash
# fetch.sh - bring files to this node and prove that they are the right ones.
#
# Files are queued, then brought together, as many at once as the tool can. A file reaches DEST by
# a rename, after its hash matched; one that fails leaves DEST as it was. What is on the way lies
# beside DEST in a folder .fetch.<pid>, gone whatever happens.
#
# Where a file comes from: each web cache in turn, then the origin. That is one round; there are
# FETCH_TRIES rounds, with growing, jittered waits between. Only what may pass is tried again:
# connections, cut or stalled answers, HTTP 5xx, 408, 429. A cache that cannot be reached is not
# asked again; nor is one that keeps failing.
#
# An answer that cannot be right (wrong hash, too large, a page of HTML, 404 …) is doubted: the
# cache is asked once more, not to answer by itself; then the origin, without the cache. What the
# origin says is final.
#
# http_proxy and its kin are not used: the caller says which caches to use, and a node's
# environment must not change that without a word. fetch_init logs when they are set.
#
# Needs:     log.sh clock.sh verify.sh transfer.sh
# Commands:  mkdir mv rm (coreutils); those of verify.sh and transfer.sh
# Reads:     OSG_SQUID_LOCATION; the settings below
# Sets:      FETCH_FAILED  DESTs that did not come
#            FETCH_DATE    "SERVER NODE", both seconds of the epoch: a server's clock and ours at one
#                          moment, from an answer that no cache gave (of a nocache request)
#            FETCH_DATE_SKEW_S  how many seconds this node is ahead of it

: "${FETCH_TRIES:=3}"            # rounds through caches and origin
: "${FETCH_BACKOFF_S:=2}"        # wait before the second round; doubles each round, +- half
: "${FETCH_CONNECT_S:=10}"       # to make a connection
: "${FETCH_STALL_S:=30}"         # without (curl: under 100 bytes/s of) data
: "${FETCH_TOTAL_S:=900}"        # for one request
: "${FETCH_PARALLEL:=8}"         # requests at once
: "${FETCH_REDIRECTS:=5}"        # followed per request
: "${FETCH_RESUME_MIN:=1048576}" # bytes; what broke off after fewer is begun anew
: "${FETCH_CACHE_FAULTS:=5}"     # answers in a row a cache may owe us before it is given up
: "${FETCH_LOG:=}"               # file; gets a line per request: url, via (direct, or the cache's URL),
#                                  HTTP status or 0, bytes, seconds, attempt (* asked past the caches),
#                                  ok or what was wrong; separated by tabs

declare -ga FETCH_FAILED=() FETCH_CACHES=()
declare -ga _FETCH_URL=() _FETCH_DEST=() _FETCH_HASH=() _FETCH_MAX=() _FETCH_NOCACHE=() _FETCH_OPTIONAL=()
declare -gA _FETCH_BY_DEST=() _FETCH_FAULTS=()
FETCH_DATE='' FETCH_DATE_SKEW_S=''

# fetch_init CACHES
#   Say which web caches to use: None (or nothing), OSG (what OSG_SQUID_LOCATION names, if
#   anything), or URLs in the order to try them: http://a:3128,http://b:3128. A cache without a
#   port is asked at 3128.
#   Returns:  0;  3  CACHES is not understood, or this node has neither curl nor wget that works
fetch_init() {
  local rest=$1 cache
  FETCH_CACHES=() _FETCH_FAULTS=()
  fetch_reset
  if [[ $rest == OSG ]]; then
    rest=${OSG_SQUID_LOCATION:-}
    [[ $rest != UNAVAILABLE ]] || rest=
    [[ -n $rest ]] || log_info 'no web cache: OSG_SQUID_LOCATION names none'
  fi
  [[ $rest != None ]] || rest=
  while [[ -n $rest ]]; do
    cache=${rest%%,*}
    if [[ $rest == *,* ]]; then rest=${rest#*,}; else rest=; fi
    [[ $cache =~ ^(https?://)?([A-Za-z0-9][A-Za-z0-9._-]*|\[[0-9A-Fa-f:.]+\])(:[0-9]{1,5})?/?$ ]] \
      || log_fail 3 "not a web cache: '$cache' in '$1'" || return $?
    FETCH_CACHES+=("${BASH_REMATCH[1]:-http://}${BASH_REMATCH[2]}${BASH_REMATCH[3]:-:3128}")
  done
  cache=${http_proxy:-${HTTP_PROXY:-${https_proxy:-${HTTPS_PROXY:-${all_proxy:-${ALL_PROXY:-}}}}}}
  [[ -z $cache ]] || log_info "not used: the proxy of the environment, $cache; -proxy decides"
  transfer_tool || return 3
}

# fetch_queue URL DEST HASH MAX_BYTES [nocache] [optional]
#   Queue a download. HASH is a hash spec, or - for what the caller checks later. nocache: caches
#   are to ask the origin. optional: that there is no such file (404) is no failure; DEST then is
#   not there.
#   Returns:  0;  3  an argument is wrong; nothing was queued
fetch_queue() {
  local url=$1 dest=$2 hash=$3 max=$4 word nocache=0 optional=0 i=${#_FETCH_URL[@]}
  shift 4
  [[ $url =~ ^https?://[^[:space:][:cntrl:]]+$ ]] || log_fail 3 "not a URL of the web: '$url'" || return $?
  [[ -n $dest && $dest != */ && $dest != *$'\n'* ]] || log_fail 3 "not a file: '$dest'" || return $?
  [[ $hash == - ]] || verify_spec "$hash" || log_fail 3 "$url: not a hash: '$hash'" || return $?
  [[ $max =~ ^[1-9][0-9]{0,14}$ ]] || log_fail 3 "$url: not a size: '$max'" || return $?
  for word; do
    case $word in
      nocache) nocache=1 ;;
      optional) optional=1 ;;
      *) log_fail 3 "$url: unknown word '$word'" || return $? ;;
    esac
  done
  [[ $dest == /* ]] || dest=$PWD/$dest
  if [[ ${_FETCH_BY_DEST[$dest]+x} ]]; then
    i=${_FETCH_BY_DEST[$dest]}
    [[ ${_FETCH_URL[i]} == "$url" && ${_FETCH_HASH[i]} == "$hash" ]] \
      || log_fail 3 "two different files are to become $dest" || return $?
    return 0
  fi
  _FETCH_BY_DEST[$dest]=$i
  _FETCH_URL+=("$url") _FETCH_DEST+=("$dest") _FETCH_HASH+=("$hash") _FETCH_MAX+=("$max")
  _FETCH_NOCACHE+=("$nocache") _FETCH_OPTIONAL+=("$optional")
}

# fetch_reset - empty the queue
fetch_reset() {
  _FETCH_URL=() _FETCH_DEST=() _FETCH_HASH=() _FETCH_MAX=() _FETCH_NOCACHE=() _FETCH_OPTIONAL=()
  _FETCH_BY_DEST=()
}

# fetch_run
#   Bring all that is queued; the queue is empty afterwards. In a subshell it takes the signals TERM,
#   INT, HUP and QUIT for itself while it runs, so that ending the subshell ends the download too;
#   elsewhere the caller's trap calls fetch_stop.
#   Returns:  0  all is there
#             1  something could not be had; FETCH_FAILED names it, the log says why
#             2  something came, past the caches too, and was not what was asked for
#             3  neither curl nor wget works
fetch_run() {
  local status
  FETCH_FAILED=()
  ((${#_FETCH_URL[@]})) || return 0
  if ! transfer_tool; then
    FETCH_FAILED=("${_FETCH_DEST[@]}")
    fetch_reset
    return 3
  fi
  if ((BASHPID != $$)); then
    clock_trap '_fetch_die TERM' TERM
    clock_trap '_fetch_die INT' INT
    clock_trap '_fetch_die HUP' HUP
    clock_trap '_fetch_die QUIT' QUIT
  fi
  _fetch_all
  status=$?
  _fetch_clean
  fetch_reset
  ((BASHPID == $$)) || trap - TERM INT HUP QUIT
  return "$status"
}

# fetch_stop - end what fetch_run does and remove what it has not finished; for a caller's trap
fetch_stop() {
  transfer_stop
  _fetch_clean
}

# fetch_totals - set FETCH_REQUESTS, FETCH_BYTES and FETCH_CACHE_RETRIES (requests past a cache
#   because of what it gave) from FETCH_LOG
fetch_totals() {
  local bytes attempt
  FETCH_REQUESTS=0 FETCH_BYTES=0 FETCH_CACHE_RETRIES=0
  [[ -n $FETCH_LOG && -r $FETCH_LOG ]] || return 0
  while IFS=$'\t' read -r _ _ _ bytes _ attempt _; do
    ((++FETCH_REQUESTS))
    [[ ! $bytes =~ ^[0-9]{1,15}$ ]] || ((FETCH_BYTES += 10#$bytes))
    [[ $attempt != *'*' ]] || ((++FETCH_CACHE_RETRIES))
  done <"$FETCH_LOG"
}

_fetch_die() {
  trap '' TERM INT HUP QUIT
  fetch_stop
  trap - "$1"
  kill -s "$1" "$BASHPID"
}

_fetch_clean() {
  ((${#_FETCH_FOLDERS[@]} == 0)) || rm -rf -- "${_FETCH_FOLDERS[@]}"
  _FETCH_FOLDERS=()
}

# --- the work on one queue -------------------------------------------------------------------
#
# Per queued file, by index:
#   _FETCH_PART    where it is stored on the way
#   _FETCH_VIA     index into FETCH_CACHES; behind the last one is the origin
#   _FETCH_STATE   waits, here (in PART, right), there (at DEST), absent (optional), failed, wrong
#   _FETCH_ROUND   rounds begun      _FETCH_ASKED  requests made     _FETCH_SAID   last complaint
#   _FETCH_DOUBT   empty; cache (asks that cache anew) or origin (asks past the caches)
#   _FETCH_WAIT    1: not before the next wait
#   _FETCH_OFFSET  bytes in PART to go on from      _FETCH_WHOLE   1: not to be resumed any more
#   _FETCH_WRONG   from where something came that was not right
#   _FETCH_FIRST   the complaint that raised the doubt
declare -ga _FETCH_PART=() _FETCH_VIA=() _FETCH_STATE=() _FETCH_ROUND=() _FETCH_ASKED=() _FETCH_SAID=()
declare -ga _FETCH_DOUBT=() _FETCH_WAIT=() _FETCH_OFFSET=() _FETCH_WHOLE=() _FETCH_WRONG=() _FETCH_FIRST=()
declare -ga _FETCH_FOLDERS=() _FETCH_NOW=()

_fetch_all() {
  local i ready waits=0
  _fetch_prepare || return $?
  while :; do
    ready=() _FETCH_NOW=()
    for i in "${!_FETCH_URL[@]}"; do
      [[ ${_FETCH_STATE[i]} == waits ]] || continue
      if ((_FETCH_WAIT[i])); then ready+=("$i"); else _FETCH_NOW+=("$i"); fi
    done
    if ((${#_FETCH_NOW[@]})); then
      _fetch_batch
    elif ((${#ready[@]})); then
      _fetch_pause $((waits++))
      for i in "${ready[@]}"; do _FETCH_WAIT[i]=0; done
    else
      break
    fi
  done
  _fetch_place
  _fetch_verdict
}

# _fetch_prepare - a folder beside each DEST, first routes; DESTs that match already are done
_fetch_prepare() {
  local i dir name=.fetch.$BASHPID
  local -A at=()
  _fetch_recall
  _FETCH_FOLDERS=()
  _FETCH_NOTES=${_FETCH_DEST[0]%/*}/$name.notes
  for i in "${!_FETCH_URL[@]}"; do
    dir=${_FETCH_DEST[i]%/*}/$name
    [[ ${at[$dir]+x} ]] || _FETCH_FOLDERS+=("$dir")
    at[$dir]=1
    _FETCH_PART[i]=$dir/${_FETCH_DEST[i]##*/} _FETCH_STATE[i]=waits _FETCH_ROUND[i]=1 _FETCH_ASKED[i]=0
    _FETCH_SAID[i]='' _FETCH_DOUBT[i]='' _FETCH_WAIT[i]=0 _FETCH_OFFSET[i]=0 _FETCH_WHOLE[i]=0
    _FETCH_WRONG[i]='' _FETCH_FIRST[i]=''
    _fetch_route 0
    _FETCH_VIA[i]=$REPLY
  done
  _FETCH_FOLDERS+=("$_FETCH_NOTES")
  _fetch_already
  if ! mkdir -p -- "${_FETCH_FOLDERS[@]}"; then
    FETCH_FAILED=("${_FETCH_DEST[@]}")
    log_fail 1 "cannot write beside ${_FETCH_DEST[0]} and ${#_FETCH_DEST[@]} in all"
  fi
}

# _fetch_already - a DEST that is there and right is not downloaded again
_fetch_already() {
  local type i files ids k
  for type in sha256 sha1; do
    files=() ids=()
    for i in "${!_FETCH_URL[@]}"; do
      [[ ${_FETCH_HASH[i]} == "$type":* && -f ${_FETCH_DEST[i]} ]] || continue
      files+=("${_FETCH_DEST[i]}") ids+=("$i")
    done
    ((${#files[@]})) || continue
    verify_sums "$type" "${files[@]}"
    for k in "${!ids[@]}"; do
      i=${ids[k]}
      [[ ${VERIFY_SUMS[k]} != "${_FETCH_HASH[i]}" ]] || _FETCH_STATE[i]=there
    done
  done
}

# _fetch_batch - ask once for each file of _FETCH_NOW, then judge what came
_fetch_batch() {
  local i via nocache
  transfer_begin
  for i in "${_FETCH_NOW[@]}"; do
    _fetch_via "$i"
    via=$REPLY nocache=${_FETCH_NOCACHE[i]}
    [[ -z ${_FETCH_DOUBT[i]} ]] || nocache=1
    ((_FETCH_OFFSET[i])) || [[ ! -e ${_FETCH_PART[i]} ]] || printf '' >"${_FETCH_PART[i]}"
    transfer_add "$i" "${_FETCH_URL[i]}" "${_FETCH_PART[i]}" "${_FETCH_MAX[i]}" "$via" "$nocache" \
      "${_FETCH_OFFSET[i]}"
    ((++_FETCH_ASKED[i]))
  done
  transfer_run "$_FETCH_NOTES"
  _fetch_tool_died
  _fetch_look
  for i in "${_FETCH_NOW[@]}"; do
    [[ -z ${TRANSFER_DATE[i]} ]] || FETCH_DATE=${TRANSFER_DATE[i]}
    _fetch_judge "$i"
  done
  [[ -z $FETCH_DATE ]] || FETCH_DATE_SKEW_S=$((${FETCH_DATE#* } - ${FETCH_DATE% *}))
}

# _fetch_look - what came whole: is it right? Turns TRANSFER_KIND ok into wrong where it is not.
_fetch_look() {
  local type i files ids k
  for type in sha256 sha1 -; do
    files=() ids=()
    for i in "${_FETCH_NOW[@]}"; do
      [[ ${_FETCH_HASH[i]%%:*} == "$type" && ${TRANSFER_KIND[i]} == ok ]] || continue
      files+=("${_FETCH_PART[i]}") ids+=("$i")
    done
    ((${#files[@]})) || continue
    [[ $type == - ]] || verify_sums "$type" "${files[@]}"
    for k in "${!ids[@]}"; do
      i=${ids[k]}
      if ((TRANSFER_BYTES[i] + _FETCH_OFFSET[i] > _FETCH_MAX[i])); then
        TRANSFER_KIND[i]=large
      elif [[ $type == - ]]; then
        ! _fetch_html "${files[k]}" || TRANSFER_KIND[i]=wrong TRANSFER_SAID[i]='a page of HTML'
      elif [[ ${VERIFY_SUMS[k]} != "${_FETCH_HASH[i]}" ]]; then
        TRANSFER_KIND[i]=wrong
        TRANSFER_SAID[i]="wrong hash: ${VERIFY_SUMS[k]:-unreadable}, expected ${_FETCH_HASH[i]}"
        ! _fetch_html "${files[k]}" || TRANSFER_SAID[i]+=' (a page of HTML)'
      fi
    done
  done
}

# _fetch_html FILE - does it begin like a page of HTML?
_fetch_html() {
  local head=''
  { LC_ALL=C read -r -N 1024 head || :; } 2>/dev/null <"$1"
  head=${head,,}
  head=${head#$'\xef\xbb\xbf'} # byte order mark
  while [[ $head == [[:space:]]* ]]; do head=${head#?}; done
  while [[ $head == '<!--'*'-->'* ]]; do
    head=${head#*-->}
    while [[ $head == [[:space:]]* ]]; do head=${head#?}; done
  done
  case $head in
    '<!doctype html'* | '<html'* | '<head'* | '<body'* | '<title'* | '<?xml'*'<html'*) return 0 ;;
    *) return 1 ;;
  esac
}

# _fetch_judge I - decide what follows from the answer
_fetch_judge() {
  local i=$1 kind=${TRANSFER_KIND[$1]} status=${TRANSFER_STATUS[$1]} via
  _fetch_via "$i"
  via=$REPLY
  [[ $kind != large ]] || TRANSFER_SAID[i]="more than ${_FETCH_MAX[i]} bytes"
  _fetch_note "$i" "$via"
  if [[ $kind == ok ]]; then
    _FETCH_STATE[i]=here
    [[ $via == direct ]] || _FETCH_FAULTS[$via]=0
    [[ -z ${_FETCH_WRONG[i]} ]] || log_warn "${_FETCH_URL[i]}: right when asked past ${_FETCH_WRONG[i]}"
    return $?
  fi
  _FETCH_SAID[i]="via $via: ${TRANSFER_SAID[i]}"
  if [[ $kind == status && $status == 404 ]] && ((_FETCH_OPTIONAL[i])) \
    && [[ $via == direct || ${_FETCH_NOCACHE[i]} == 1 ]]; then
    _FETCH_STATE[i]=absent
    return $?
  fi
  log_warn "${_FETCH_URL[i]}: request ${_FETCH_ASKED[i]} via $via: ${TRANSFER_SAID[i]}"
  case $kind in
    local) _FETCH_STATE[i]=failed ;;
    norange) _FETCH_OFFSET[i]=0 ;; # anew, at once
    wrong | large)
      if ((_FETCH_OFFSET[i])); then
        _FETCH_OFFSET[i]=0 _FETCH_WHOLE[i]=1 # halves of two files, perhaps: anew, at once
      else
        _FETCH_WRONG[i]=$via
        _fetch_doubt "$i"
      fi
      ;;
    refused) _fetch_doubt "$i" ;;
    status)
      _FETCH_OFFSET[i]=0
      case $status in
        408 | 429 | 407 | 5??) _fetch_again "$i" fault ;;
        *) _fetch_doubt "$i" ;;
      esac
      ;;
    connect) _fetch_again "$i" dead ;;
    *) # broken, tool
      _fetch_keep "$i"
      _fetch_again "$i" fault
      ;;
  esac
}

# _fetch_doubt I - the answer cannot be right: ask past what gave it, or give up
_fetch_doubt() {
  local i=$1 was=${_FETCH_DOUBT[$1]} next=''
  [[ -n ${_FETCH_FIRST[i]} ]] || _FETCH_FIRST[i]=${_FETCH_SAID[i]}
  if [[ -z $was ]] && ((_FETCH_VIA[i] < ${#FETCH_CACHES[@]})); then
    if ((_FETCH_NOCACHE[i])); then next=origin; else next=cache; fi
  elif [[ $was == cache ]]; then
    next=origin
  elif [[ -z $was && -n ${_FETCH_WRONG[i]} ]] && ((_FETCH_NOCACHE[i] == 0)); then
    next=origin # there are caches that nobody told us of
  fi
  if [[ -z $next ]]; then
    _fetch_give_up "$i"
  else
    _FETCH_DOUBT[i]=$next
    _fetch_via "$i"
    log_warn "${_FETCH_URL[i]}: asking anew, past all caches${was:+ again}, via $REPLY"
  fi
}

# _fetch_again I HOW - no answer: next cache, origin, or next round. HOW is dead (cannot be
#   reached) or fault.
_fetch_again() {
  local i=$1 how=$2 via
  _fetch_via "$i"
  via=$REPLY
  [[ $via == direct ]] || _fetch_blame "$via" "$how"
  case ${_FETCH_DOUBT[i]} in
    cache) _FETCH_DOUBT[i]=origin ;;
    origin)
      # It answered, or nothing would be doubted: no route to the origin is what we have, then.
      if [[ $how == dead ]] || ((++_FETCH_ROUND[i] > FETCH_TRIES)); then
        _fetch_give_up "$i"
      else
        _FETCH_WAIT[i]=1
      fi
      ;;
    *)
      if [[ $via != direct ]]; then
        _fetch_route $((_FETCH_VIA[i] + 1))
        _FETCH_VIA[i]=$REPLY
      elif ((++_FETCH_ROUND[i] > FETCH_TRIES)); then
        _fetch_give_up "$i"
      else
        _fetch_route 0
        _FETCH_VIA[i]=$REPLY _FETCH_WAIT[i]=1
      fi
      ;;
  esac
}

_fetch_give_up() {
  if [[ -n ${_FETCH_WRONG[$1]} ]]; then _FETCH_STATE[$1]=wrong; else _FETCH_STATE[$1]=failed; fi
}

# _fetch_keep I - a large part that broke off is gone on with, if a hash can tell what became of it
_fetch_keep() {
  local i=$1 have=$((_FETCH_OFFSET[$1] + TRANSFER_BYTES[$1]))
  if [[ ${_FETCH_HASH[i]} == - || ! -f ${_FETCH_PART[i]} ]] \
    || ((_FETCH_WHOLE[i] || have < FETCH_RESUME_MIN || have >= _FETCH_MAX[i])); then
    have=0
  fi
  _FETCH_OFFSET[i]=$have
}

# _fetch_tool_died - a curl that says its version and then breaks is no curl: go on with wget
_fetch_tool_died() {
  local i
  [[ $TRANSFER_TOOL == curl ]] || return 0
  for i in "${_FETCH_NOW[@]}"; do
    [[ ${TRANSFER_KIND[i]} == tool ]] || return 0
  done
  [[ -n $(type -P wget) ]] || return 0
  log_warn "curl does not work here: ${TRANSFER_SAID[${_FETCH_NOW[0]}]}; trying wget"
  transfer_tool_wget || TRANSFER_TOOL=curl
}

# _fetch_via I - set REPLY to where the next request goes: a cache's URL, or direct
_fetch_via() {
  REPLY=direct
  [[ ${_FETCH_DOUBT[$1]} == origin ]] || REPLY=${FETCH_CACHES[_FETCH_VIA[$1]]:-direct}
}

# _fetch_route FROM - set REPLY to the index of the first cache from FROM on that is not given up
_fetch_route() {
  for ((REPLY = $1; REPLY < ${#FETCH_CACHES[@]}; REPLY++)); do
    ((${_FETCH_FAULTS[${FETCH_CACHES[REPLY]}]:-0} >= FETCH_CACHE_FAULTS)) || break
  done
}

# _fetch_blame CACHE HOW - count a fault of a cache, or give it up
_fetch_blame() {
  local faults=${_FETCH_FAULTS[$1]:-0}
  ((faults < FETCH_CACHE_FAULTS)) || return 0
  ((++faults))
  [[ $2 != dead ]] || faults=$FETCH_CACHE_FAULTS
  _FETCH_FAULTS[$1]=$faults
  ((faults >= FETCH_CACHE_FAULTS)) || return 0
  log_warn "web cache given up: $1"
  [[ -z $FETCH_LOG ]] || printf '%s\n' "$1" >>"$FETCH_LOG.dead"
}

# _fetch_recall - caches that other fetch_runs of this glidein, in subshells, have given up
_fetch_recall() {
  local cache
  [[ -n $FETCH_LOG && -r $FETCH_LOG.dead ]] || return 0
  while IFS= read -r cache; do
    _FETCH_FAULTS[$cache]=$FETCH_CACHE_FAULTS
  done <"$FETCH_LOG.dead"
}

# _fetch_pause N - wait before round N+2: FETCH_BACKOFF_S, doubled each time, at most a minute, +- half
_fetch_pause() {
  local ms=$((FETCH_BACKOFF_S * 1000 << ($1 < 6 ? $1 : 6)))
  ((ms <= 60000)) || ms=60000
  ms=$((ms * (500 + RANDOM % 1001) / 1000))
  printf -v REPLY '%d.%03d' $((ms / 1000)) $((ms % 1000))
  log_info "next try in $REPLY s"
  clock_pause "$REPLY"
}

# _fetch_note I VIA - a line for FETCH_LOG
_fetch_note() {
  local i=$1 said=${TRANSFER_SAID[$1]} mark=''
  [[ -n $FETCH_LOG ]] || return 0
  [[ ${TRANSFER_KIND[i]} != ok ]] || said=ok
  [[ -z ${_FETCH_DOUBT[i]} ]] || mark='*'
  said=${said//[$'\t\n']/ }
  printf '%s\t%s\t%d\t%d\t%d.%03d\t%d%s\t%s\n' "${_FETCH_URL[i]}" "$2" "${TRANSFER_STATUS[i]}" \
    "${TRANSFER_BYTES[i]}" $((TRANSFER_MS[i] / 1000)) $((TRANSFER_MS[i] % 1000)) \
    "${_FETCH_ASKED[i]}" "$mark" "$said" >>"$FETCH_LOG"
}

# _fetch_place - rename what is right to its DEST: one mv per folder
_fetch_place() {
  local i k dir parts
  local -A moved=()
  for i in "${!_FETCH_URL[@]}"; do
    dir=${_FETCH_DEST[i]%/*}/
    [[ ${_FETCH_STATE[i]} == here && ! ${moved[$dir]+x} ]] || continue
    moved[$dir]=1
    parts=()
    for k in "${!_FETCH_URL[@]}"; do
      [[ ${_FETCH_STATE[k]} != here || ${_FETCH_DEST[k]%/*}/ != "$dir" ]] || parts+=("${_FETCH_PART[k]}")
    done
    mv -f -- "${parts[@]}" "$dir" || log_warn "cannot rename all of ${#parts[@]} files into $dir"
  done
  for i in "${!_FETCH_URL[@]}"; do
    [[ ${_FETCH_STATE[i]} == here ]] || continue
    _FETCH_STATE[i]=there
    [[ ! -e ${_FETCH_PART[i]} ]] || _FETCH_STATE[i]=failed _FETCH_SAID[i]="cannot rename to ${_FETCH_DEST[i]}"
  done
}

# _fetch_verdict - log the outcome; returns fetch_run's status
_fetch_verdict() {
  local i status=0 first asked=0
  for i in "${!_FETCH_URL[@]}"; do
    ((asked += _FETCH_ASKED[i]))
    case ${_FETCH_STATE[i]} in
      there) continue ;;
      absent)
        log_info "not there, and need not be: ${_FETCH_URL[i]}"
        continue
        ;;
      wrong) status=2 ;;
      *) ((status)) || status=1 ;;
    esac
    FETCH_FAILED+=("${_FETCH_DEST[i]}")
    first=${_FETCH_FIRST[i]}
    [[ $first != "${_FETCH_SAID[i]}" ]] || first=''
    log_error "not fetched: ${_FETCH_URL[i]}: ${first:+$first; then }${_FETCH_SAID[i]} attempts=${_FETCH_ASKED[i]}"
  done
  log_info "files=${#_FETCH_URL[@]} requests=$asked failed=${#FETCH_FAILED[@]} tool=$TRANSFER_TOOL"
  return "$status"
}
