# shellcheck shell=bash
# check_web.sh - for --check, by hand: does the web server answer, through each web cache that was named?
#   A glidein that runs finds out as it fetches.
#
# Needs:     fetch.sh check.sh
# Commands:  mktemp rm (coreutils)
# Reads:     OPTION[web] and [proxy]; CHECK_WEB_S
# Sets:      what fetch.sh says of the server's clock

: "${CHECK_WEB_S:=5}" # seconds a connection may take

# check_web - ask for the stop list through every cache; directly where there is none, or none that works.
#   One way that works is enough; others that do not are a warning.
check_web() {
  local url=${OPTION[web]:-} folder via found='' worked=0 failed=0 status=ok needed='an answer of the web server'
  local FETCH_LOG FETCH_TRIES=1 FETCH_CONNECT_S=$CHECK_WEB_S FETCH_STALL_S=$CHECK_WEB_S
  local -a caches=()
  if [[ -z $url ]]; then
    _check_say skip 'not asked: no web server named (-web)' "$needed"
    return 0
  fi
  if ! fetch_init "${OPTION[proxy]:-None}" 2>/dev/null; then
    _check_say fail "-proxy is not understood, or neither curl nor wget works: ${OPTION[proxy]:-None}" "$needed"
    return 0
  fi
  caches=(${FETCH_CACHES[@]+"${FETCH_CACHES[@]}"})
  folder=$(mktemp -d "${TMPDIR:-/tmp}/glidein-check.XXXXXX" 2>/dev/null) || {
    _check_say warn "not asked: no file can be made in ${TMPDIR:-/tmp}" "$needed"
    return 0
  }
  FETCH_LOG=$folder/log
  for via in ${caches[@]+"${caches[@]}"} direct; do
    [[ $via != direct ]] || ((worked == 0)) || continue
    if _check_web_by "$via" "$url" "$folder"; then ((++worked)); else ((++failed)); fi
    found+="${found:+; }$REPLY"
  done
  rm -rf -- "$folder"
  ((failed == 0)) || status=warn
  ((worked > 0)) || status=fail
  _check_say "$status" "$found" "$needed"
}

# _check_web_by VIA URL FOLDER - does the server answer by way of VIA? Sets REPLY to what happened.
_check_web_by() {
  local url said http first=''
  : >"$FETCH_LOG"
  rm -f -- "$FETCH_LOG.dead"
  if [[ $1 == direct ]]; then fetch_init None; else fetch_init "$1"; fi 2>/dev/null
  fetch_queue "${2%/}/stop.lst" "$3/answer" - 65536 nocache optional 2>/dev/null || { REPLY="$2: not a URL" && return 1; }
  fetch_run 2>/dev/null
  while IFS=$'\t' read -r url said http _ _ _ first; do
    [[ $said == "$1" ]] && break
    http='' first=''
  done <"$FETCH_LOG"
  said=directly
  [[ $1 == direct ]] || said="through $1"
  if [[ $http == [24]?? && $http != 40[37] ]]; then
    REPLY="$said: answers"
    return 0
  fi
  REPLY="$said: ${first:-no answer}"
  return 1
}
