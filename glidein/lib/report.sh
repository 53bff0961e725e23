# shellcheck shell=bash
# report.sh - what the glidein tells at its end: one JSON object on stdout, HTCondor's logs on stderr.
#
# The JSON object is one line between two marker lines, so that it can be cut out of whatever a
# batch system adds. Logs are bounded, compressed and encoded in the form of `uuencode -m`, which
# the reference's log tools read as well.
#
# Needs:     log.sh phase.sh clock.sh
# Commands:  tail gzip base64 (coreutils, gzip)
# Reads:     REPORT_LOG_BYTES, FETCH_LOG, PHASE_DONE, CHECK_*

: "${REPORT_LOG_BYTES:=262144}" # bytes of each HTCondor log that are kept: its end

REPORT_BEGIN='=== glidein report ==='
REPORT_END='=== end of glidein report ==='

declare -gA REPORT=()     # fact by dotted key
declare -ga REPORT_KEYS=() # keys in the order they came

# report_fact KEY VALUE - remember a fact for the report; a number stays a number
report_fact() {
  [[ ${REPORT[$1]+x} ]] || REPORT_KEYS+=("$1")
  REPORT[$1]=$2
}

# report_json - set REPLY to the report as one line of JSON.
#   {"phases": [{name, ms, verdict}], "checks": [{name, status, found, needed, ms}],
#    "fetch": {requests, bytes, via_cache, retries}, and one object per prefix of the dotted facts}
report_json() {
  local out item name ms verdict i comma="" key group groups=' '
  out='{"phases":['
  for item in ${PHASE_DONE[@]+"${PHASE_DONE[@]}"}; do
    read -r name ms verdict <<<"$item"
    out+="$comma{\"name\":\"$name\",\"ms\":$ms,\"verdict\":\"$verdict\"}" comma=,
  done
  out+='],"checks":[' comma=
  for i in ${CHECK_NAME[@]+"${!CHECK_NAME[@]}"}; do
    out+="$comma{" comma=,
    _report_pair name "${CHECK_NAME[i]}" && out+=$REPLY,
    _report_pair status "${CHECK_STATUS[i]}" && out+=$REPLY,
    _report_pair found "${CHECK_FOUND[i]}" && out+=$REPLY,
    _report_pair needed "${CHECK_NEEDED[i]}" && out+=$REPLY,
    _report_pair ms "${CHECK_MS[i]}" && out+="$REPLY}"
  done
  out+=']'
  _report_fetch
  for key in ${REPORT_KEYS[@]+"${REPORT_KEYS[@]}"}; do
    group=${key%%.*}
    [[ $groups != *" $group "* ]] || continue
    groups+="$group "
    out+=",\"$group\":{" comma=
    for item in "${REPORT_KEYS[@]}"; do
      [[ $item == "$group".* ]] || continue
      _report_pair "${item#*.}" "${REPORT[$item]}"
      out+=$comma$REPLY comma=,
    done
    out+='}'
  done
  REPLY="$out}"
}

# _report_fetch - turn the lines of FETCH_LOG into facts: requests, bytes, via_cache, failed
_report_fetch() {
  local url via status bytes _ verdict requests=0 total=0 cached=0 failed=0
  [[ -f ${FETCH_LOG:-} ]] || return 0
  while IFS=$'\t' read -r url via status bytes _ _ verdict; do
    [[ $bytes =~ ^[0-9]+$ ]] || bytes=0
    ((++requests, total += bytes))
    [[ $via == direct ]] || ((++cached))
    [[ $verdict == ok ]] || ((++failed))
  done <"$FETCH_LOG"
  report_fact fetch.requests "$requests"
  report_fact fetch.bytes "$total"
  report_fact fetch.via_cache "$cached"
  report_fact fetch.failed "$failed"
}

# _report_pair NAME VALUE - set REPLY to "NAME":VALUE as JSON. Digits alone are a number.
_report_pair() {
  local value=$2 i char code out=
  if [[ $value =~ ^(0|-?[1-9][0-9]{0,15})$ ]]; then
    REPLY="\"$1\":$value"
    return $?
  fi
  value=${value//\\/\\\\}
  value=${value//\"/\\\"}
  if [[ $value == *[![:print:]]* ]]; then # LC_ALL=C: also every byte that is not ASCII
    for ((i = 0; i < ${#value}; i++)); do
      char=${value:i:1}
      if [[ $char == [[:print:]] ]]; then
        out+=$char
      else
        printf -v code '%d' "'$char"
        printf -v code '\\u%04x' "$((code & 255))"
        out+=$code
      fi
    done
    value=$out
  fi
  REPLY="\"$1\":\"$value\""
}

# report_print - print the report on stdout, between its markers, or alone with --json
report_print() {
  report_json
  if [[ ${OPTION[json]+x} ]]; then
    printf '%s\n' "$REPLY" >&"$REPORT_FD"
  else
    printf '%s\n%s\n%s\n' "$REPORT_BEGIN" "$REPLY" "$REPORT_END" >&"$REPORT_FD"
  fi
}

# report_logs FILE... - put the end of each log on stderr, compressed and encoded
report_logs() {
  local file
  for file; do
    [[ -s $file ]] || continue
    printf '\n%s\n======== gzip | uuencode =============\nbegin-base64 644 -\n' "${file##*/}"
    tail -c "$REPORT_LOG_BYTES" -- "$file" | gzip -c | base64
    printf '====\n'
  done >&2
}
