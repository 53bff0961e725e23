# shellcheck shell=bash
# report.sh - what the glidein tells at its end: one JSON object on stdout, HTCondor's logs on stderr.
#
# The JSON object is one line between two marker lines, so that it can be cut out of whatever a
# batch system adds. Logs are bounded, compressed and encoded in the form of `uuencode -m`, which
# the reference's log tools read as well.
#
# Needs:     log.sh phase.sh clock.sh
# Commands:  tail gzip base64 (coreutils, gzip)
# Reads:     REPORT_LOG_BYTES, REPORT_MAX_TEXT, FETCH_LOG, PHASE_DONE, CHECK_*; REPORT_FD, where
#            the report goes
#
# shellcheck disable=SC2153  # REPORT_FD is no misspelling

: "${REPORT_LOG_BYTES:=262144}" # bytes of each HTCondor log that are kept: its end
: "${REPORT_MAX_TEXT:=4096}"    # bytes of a text in the JSON object that are kept: its beginning

REPORT_BEGIN='=== glidein report ==='
REPORT_END='=== end of glidein report ==='

declare -gA REPORT=()      # fact by dotted key
declare -ga REPORT_KEYS=() # keys in the order they came

# report_fact KEY VALUE - remember a fact for the report; a number stays a number
report_fact() {
  [[ ${REPORT[$1]+x} ]] || REPORT_KEYS+=("$1")
  REPORT[$1]=$2
}

# report_json - set REPLY to the report as one line of JSON.
#   {"phases": [{name, ms, verdict}], "checks": [{name, status, found, needed, ms}],
#    "fetch": {requests, bytes, via_cache, failed}, and one object per prefix of the dotted facts}
report_json() {
  local out item name ms verdict i comma="" key group groups=' '
  out='{"phases":['
  for item in ${PHASE_DONE[@]+"${PHASE_DONE[@]}"}; do
    # Taken apart without a here-string: bash may need a file for that, and the disk may be full.
    name=${item%% *} verdict=${item#* }
    ms=${verdict%% *} verdict=${verdict#* }
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
    _report_string "$group"
    out+=",$REPLY:{" comma=
    for item in "${REPORT_KEYS[@]}"; do
      [[ $item == "$group".* ]] || continue
      _report_pair "${item#*.}" "${REPORT[$item]}"
      out+=$comma$REPLY comma=,
    done
    out+='}'
  done
  REPLY="$out}"
}

# _report_fetch - turn the lines of FETCH_LOG into facts: requests, bytes, how many of them went
#   through a web cache and how many failed; and what the node's own cache gave instead
_report_fetch() {
  local url via status bytes _ verdict requests=0 total=0 cached=0 failed=0 kept=0
  [[ -f ${FETCH_LOG:-} ]] || return 0
  while IFS=$'\t' read -r url via status bytes _ _ verdict; do
    [[ $via != node ]] || { ((++kept)) && continue; }
    [[ $bytes =~ ^[0-9]+$ ]] || bytes=0
    ((++requests, total += bytes))
    [[ $via == direct ]] || ((++cached))
    [[ $verdict == ok ]] || ((++failed))
  done <"$FETCH_LOG"
  report_fact fetch.requests "$requests"
  report_fact fetch.bytes "$total"
  report_fact fetch.via_cache "$cached"
  report_fact fetch.failed "$failed"
  report_fact fetch.from_node_cache "$kept"
}

# _report_pair NAME VALUE - set REPLY to "NAME":VALUE as JSON. Digits alone are a number.
_report_pair() {
  local name
  _report_string "$1"
  name=$REPLY REPLY=$2
  [[ $2 =~ ^(0|-?[1-9][0-9]{0,14})$ ]] || _report_string "$2"
  REPLY=$name:$REPLY
}

# _report_string TEXT - set REPLY to TEXT as a JSON string of ASCII; of UTF-8 nothing is lost, and a
#   byte that is not UTF-8 becomes U+FFFD
_report_string() {
  local LC_ALL=C # a character is a byte
  local text=${1:0:REPORT_MAX_TEXT} i byte code more least out=
  text=${text//\\/\\\\}
  text=${text//\"/\\\"}
  if [[ $text == *[![:print:]]* ]]; then
    for ((i = 0; i < ${#text}; i++)); do
      if [[ ${text:i:1} == [[:print:]] ]]; then
        out+=${text:i:1}
        continue
      fi
      _report_byte "${text:i:1}"
      code=$REPLY more=0 least=0
      if ((code >= 0xf0 && code < 0xf5)); then
        more=3 least=0x10000 code=$((code & 7))
      elif ((code >= 0xe0 && code < 0xf0)); then
        more=2 least=0x800 code=$((code & 15))
      elif ((code >= 0xc0 && code < 0xe0)); then
        more=1 least=0x80 code=$((code & 31))
      elif ((code >= 0x80)); then
        code=0xfffd
      fi
      for (( ; more > 0; more--)); do
        _report_byte "${text:i+1:1}"
        ((REPLY >= 0x80 && REPLY < 0xc0)) || break
        ((code = code << 6 | REPLY & 63, ++i))
      done
      # Cut short, longer than need be, half of a surrogate pair, or beyond Unicode: no character.
      ((more == 0 && code >= least && code < 0x110000 && (code < 0xd800 || code > 0xdfff))) || code=0xfffd
      if ((code >= 0x10000)); then
        printf -v byte '\\u%04x\\u%04x' $((0xd7c0 + (code >> 10))) $((0xdc00 + (code & 0x3ff)))
      else
        printf -v byte '\\u%04x' $((code))
      fi
      out+=$byte
    done
    text=$out
  fi
  REPLY="\"$text\""
}

# _report_byte CHARACTER - set REPLY to the number of a byte, 0 for none
_report_byte() {
  printf -v REPLY '%d' "'$1"
  REPLY=$((REPLY & 255))
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
