#!/usr/bin/env bats
# transfer.sh alone: what curl and wget of different ages are told, and what their words mean.

# shellcheck disable=SC1090,SC2016  # modules are sourced by name; stubs are text
bats_require_minimum_version 1.5.0

setup() {
  load helper
  for module in log clock verify transfer fetch; do source "$LIB/$module.sh"; done
  mkdir notes
  TRANSFER_TOOL=curl _TRANSFER_VERSION=7088
}

# request [VIA] [NOCACHE] [OFFSET] - a request with ID 0 for http://h/f into `file`, at most 1000 bytes
request() {
  transfer_begin
  transfer_add 0 http://h/f file 1000 "${1:-direct}" "${2:-0}" "${3:-0}"
}

# said VERSION TEXT - what becomes of request 0 when a curl of that version says TEXT
said() {
  _TRANSFER_VERSION=$1
  request
  printf '%s' "$2" >notes/said
  _transfer_curl_read notes/said "${3:-0}" 0
}

@test "transfer_tool: curl, when it works" {
  TRANSFER_TOOL=
  stub curl <<<'echo "curl 7.61.1 (x86_64-redhat-linux-gnu) libcurl/7.61.1"'
  stub wget <<<'echo GNU Wget 1.21'
  transfer_tool
  [[ $TRANSFER_TOOL == curl ]]
  ((_TRANSFER_VERSION == 7061))
}

@test "transfer_tool: wget, when curl is there but cannot be executed" {
  TRANSFER_TOOL=
  printf '\177ELF nonsense' >bin/curl
  chmod +x bin/curl
  stub wget <<<'echo GNU Wget 1.14'
  transfer_tool 2>log
  [[ $TRANSFER_TOOL == wget && $(<log) == *'curl does not work here'* ]]
}

@test "transfer_tool: busybox's wget, by its name" {
  TRANSFER_TOOL=
  stub curl <<<'exit 127'
  stub wget <<<'echo "wget: unrecognized option --version" >&2; echo "BusyBox v1.30.1" >&2; exit 1'
  transfer_tool
  [[ $TRANSFER_TOOL == busybox ]]
}

@test "curl is told: no proxy of the environment, only the web's protocols, and the limits" {
  request direct
  run -0 _transfer_curl_config notes 0 ''
  for line in 'noproxy = "*"' 'proto = "=http,https"' 'proto-redir = "=http,https"' fail globoff \
    'max-filesize = 1000' "max-time = $FETCH_TOTAL_S" parallel; do
    [[ $'\n'$output$'\n' == *$'\n'"$line"$'\n'* ]]
  done
  [[ $output != *no-cache* && $output != *continue-at* ]]
  request http://c:1 1 77
  run -0 _transfer_curl_config notes 0 next
  for line in next 'proxy = "http://c:1"' 'noproxy = ""' 'header = "Cache-Control: no-cache"' \
    'header = "Pragma: no-cache"' 'continue-at = 77'; do
    [[ $'\n'$output$'\n' == *$'\n'"$line"$'\n'* ]]
  done
  [[ $output != *parallel* ]]
}

@test "curl before 7.66 is not asked for what it does not know" {
  request
  _TRANSFER_VERSION=7061 run -0 _transfer_curl_config notes 0 ''
  [[ $output != *parallel* && $output != *exitcode* && $output != *no-progress-meter* ]]
}

@test "curl before 7.36, which has no next, gets a process for each file" {
  _TRANSFER_VERSION=7029
  stub curl <<<'grep -c ^url "$3" >>asked; printf "\n@%s 200 0 0.100000\n" "$(grep -o "@[0-9]*" "$3" | tr -d @)"'
  transfer_begin
  transfer_add 0 http://h/0 f0 1000 direct 0 0
  transfer_add 1 http://h/1 f1 1000 direct 0 0
  transfer_run notes
  diff asked - <<<$'1\n1'
  [[ ${TRANSFER_KIND[*]} == 'ok ok' ]]
}

@test "quotes and backslashes in names are told as curl wants them" {
  _transfer_quote $'a "b" \\c\nd'
  [[ $REPLY == '"a \"b\" \\c\nd"' ]]
}

@test "what curl 7.75 and later says" {
  local code kind
  while read -r code kind; do
    said 7088 $'\n@0 200 10 0.100000 '"$code some words"$'\n'
    [[ ${TRANSFER_KIND[0]} == "$kind" ]] || { echo "$code: ${TRANSFER_KIND[0]}, not $kind" && false; }
  done <<'CODES'
0 ok
6 connect
7 connect
18 broken
23 local
28 broken
33 norange
35 broken
47 refused
52 broken
56 broken
60 refused
63 large
99 tool
CODES
  said 7088 $'\n@0 000 0 10.000000 28 Connection timed out after 10001 milliseconds\n'
  [[ ${TRANSFER_KIND[0]} == connect ]]
  said 7088 $'\n@0 404 0 0.100000 22 The requested URL returned error: 404\n'
  [[ ${TRANSFER_KIND[0]} == status && ${TRANSFER_STATUS[0]} == 404 ]]
  said 7088 $'\n@0 416 0 0.100000 22 The requested URL returned error: 416\n'
  [[ ${TRANSFER_KIND[0]} == norange ]]
  said 7088 $'\n@0 000 0 0.100000 1 Received HTTP/0.9 when not allowed\n'
  [[ ${TRANSFER_KIND[0]} == broken ]]
}

@test "curl that cannot write: the disk is full, unless more came than was allowed" {
  said 7088 $'\n@0 200 1000 0.100000 23 Failure writing output to destination\n'
  [[ ${TRANSFER_KIND[0]} == local ]]
  said 7088 $'\n@0 200 1001 0.100000 23 Failure writing output to destination\n'
  [[ ${TRANSFER_KIND[0]} == large ]]
}

@test "transfer_run: a tool whose notes cannot be kept has no room, whichever tool it is" {
  ln -s /dev/full notes/config
  request
  transfer_run notes 2>/dev/null
  [[ ${TRANSFER_KIND[0]} == local && ${TRANSFER_SAID[0]} == *'disk full'* ]]
  TRANSFER_TOOL=wget
  request
  transfer_run nowhere 2>/dev/null
  [[ ${TRANSFER_KIND[0]} == local && ${TRANSFER_SAID[0]} == *'disk full'* ]]
}

@test "curl 7.66 to 7.74 complains before it writes out" {
  said 7074 $'** progress 0:01 curl: (18) transfer closed\n\n@0 200 10 0.100000\n'
  [[ ${TRANSFER_KIND[0]} == broken && ${TRANSFER_SAID[0]} == 'transfer closed (curl 18)' ]]
}

@test "curl before 7.66 complains after it wrote out" {
  transfer_begin
  transfer_add 0 http://h/0 f0 1000 direct 0 0
  transfer_add 1 http://h/1 f1 1000 direct 0 0
  _TRANSFER_VERSION=7061
  printf '\n@0 200 10.000 0.100000\ncurl: (18) transfer closed\n\n@1 200 10 0.100000\n' >notes/said
  _transfer_curl_read notes/said 0 0 1
  [[ ${TRANSFER_KIND[*]} == 'broken ok' ]]
}

@test "a curl that says nothing of a request has failed as a tool" {
  said 7088 $'curl: option --parallel: is unknown\n' 2
  [[ ${TRANSFER_KIND[0]} == tool && ${TRANSFER_SAID[0]} == *'status 2'*'is unknown'* ]]
}

@test "a curl that cannot even note what happened has a full disk" {
  said 7088 '' 23
  [[ ${TRANSFER_KIND[0]} == local && ${TRANSFER_SAID[0]} == *'disk full'* ]]
}

@test "an empty answer makes an empty file" {
  said 7088 $'\n@0 200 0 0.100000 0 \n'
  [[ ${TRANSFER_KIND[0]} == ok && -f file && ! -s file ]]
}

@test "what wget says" {
  local code bytes kind text
  while IFS='|' read -r code bytes kind text; do
    request
    _TRANSFER_EXIT[0]=$code
    printf '%b\n' "$text" >notes/said
    _transfer_wget_read 0 notes/said "$bytes"
    [[ ${TRANSFER_KIND[0]} == "$kind" ]] || { echo "$text: ${TRANSFER_KIND[0]}, not $kind" && false; }
  done <<'WORDS'
0|10|ok|  HTTP/1.1 200 OK
8|0|status|  HTTP/1.1 404 Not Found\n2026-01-01 12:00:00 ERROR 404: Not Found.
4|0|connect|failed: Connection refused.
4|10|broken|  HTTP/1.1 200 OK\nRead error at byte 10
3|1000|large|  HTTP/1.1 200 OK\nCannot write to 'file' (File too large).
3|1000|local|  HTTP/1.1 200 OK\nCannot write to 'file' (No space left on device).
3|10|local|  HTTP/1.1 200 OK\nCannot write to 'file' (No space left on device).
3|10|local|
0|1001|large|  HTTP/1.1 200 OK
0|10|refused|  HTTP/1.1 302 Found\n  Location: ftp://h/f\n  HTTP/1.1 200 OK
8|0|refused|  HTTP/1.1 302 Found\n  Location: http://h/f\n5 redirections exceeded.
0|10|broken|no header at all
143|10|broken|  HTTP/1.1 200 OK
127|0|tool|wget: not found
1|0|connect|wget: can't connect to remote host (127.0.0.1): Connection refused
1|0|broken|wget: error getting response
1|10|broken|  HTTP/1.1 200 OK\nwget: connection closed prematurely
WORDS
}

@test "the Date of an answer, unless a cache gave it" {
  date() {
    TRANSFER_DATE=() TRANSFER_MS=(2500)
    printf '%b' "$1" >headers
    _transfer_date 0 headers 1000
  }
  date 'HTTP/1.1 200 OK\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\n\r\n'
  [[ ${TRANSFER_DATE[0]} == '784111777 1002' ]]
  date 'HTTP/1.1 200 OK\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\nAge: 9\r\n\r\n'
  [[ -z ${TRANSFER_DATE[0]:-} ]]
  date 'HTTP/1.1 200 OK\r\nDate: yesterday\r\n\r\n'
  [[ -z ${TRANSFER_DATE[0]:-} ]]
}

@test "dates are counted as date counts them" {
  while read -r text; do
    _transfer_epoch "$text"
    [[ $REPLY == "$(date -d "$text" +%s)" ]]
  done <<'DATES'
Thu, 01 Jan 1970 00:00:00 GMT
Tue, 29 Feb 2000 23:59:59 GMT
Thu, 29 Feb 2024 12:00:00 GMT
Fri, 01 Mar 2024 00:00:00 GMT
Wed, 31 Dec 2025 23:59:59 GMT
Tue, 01 Mar 2101 08:09:08 GMT
DATES
}

@test "no file of a transfer gets much larger than it may" {
  stub curl <<'STUB'
head -c 3000000 /dev/zero >file 2>/dev/null
printf '\n@0 200 %d 0.100000 23 Failed writing body\n' "$(wc -c <file)"
STUB
  request
  transfer_run notes
  [[ ${TRANSFER_KIND[0]} == large ]]
  (($(wc -c <file) < 300000))
}

@test "transfer_stop ends what runs" {
  stub curl <<<'echo $$ >pid; exec sleep 30'
  request
  (
    set +e # as in main
    trap 'transfer_stop; exit 7' TERM
    transfer_run notes
  ) &
  job=$!
  until [[ -s pid ]]; do clock_pause 0.02; done
  kill -TERM $job
  status=0
  wait $job || status=$?
  ((status == 7))
  run ! kill -0 "$(<pid)"
}
