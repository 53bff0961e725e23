#!/usr/bin/env bats
# fetch.sh alone: what it asks for, in which order, and what it makes of the answers. Transfers are
# played by a stub of curl that reads its configuration; no network, no waiting.

# shellcheck disable=SC1090,SC2016,SC2329  # modules are sourced by name; stubs are text
bats_require_minimum_version 1.5.0

setup() {
  load helper
  for module in log clock verify transfer fetch; do source "$LIB/$module.sh"; done
  clock_pause() { echo "$1" >>pauses; }
  GOOD=sha256:$(printf 'right bytes' | sha256sum | cut -d' ' -f1)
  URL=http://origin/f
  : >asked
  # The stub notes each request as "via[ nocache][ from=N]" in `asked` and lets `answer` decide: it
  # is sourced with $via, $nocache, $n (the request's number), may write to $out, and sets status
  # (HTTP) and code (curl's).
  stub curl <<'STUB'
[[ " $* " == *" --version "* ]] && echo 'curl 7.88.1 (stub)' && exit
while [[ $1 != --config ]]; do shift; done
finish() {
  [[ -n $out ]] || return
  n=$(($(wc -l <asked) + 1)) status=200 code=0 size=0
  echo "$via$nocache$from" >>asked
  source ./answer
  [[ ! -e $out ]] || size=$(wc -c <"$out")
  printf '\n@%s %03d %d 0.001000 %d %s\n' "$id" "$status" "$size" "$code" "stub said $code"
}
fresh() { out='' via=direct nocache='' from=''; }
value() { line=${line#* = \"}; line=${line%\"}; }
fresh
while IFS= read -r line; do
  case $line in
    next) finish; fresh ;;
    'output = '*) value; out=$line ;;
    'proxy = '*) value; via=$line ;;
    'header = "Cache-Control'*) nocache=' nocache' ;;
    'continue-at = '*) from=" from=${line##* }" ;;
    'write-out = '*) id=${line#*@}; id=${id%% *} ;;
  esac
done <"$2"
finish
STUB
  echo 'printf "right bytes" >"$out"' >answer
}

# fetch CACHES [WORD...] - fetch URL into dest
fetch() {
  fetch_init "$1" && fetch_queue "$URL" dest "${HASH:-$GOOD}" 1000 "${@:2}" && fetch_run
}

asked() { diff <(printf '%s\n' "$@") asked; }

@test "fetch_run: a good file arrives by one request and leaves nothing else" {
  run -0 fetch None
  asked direct
  [[ $(<dest) == 'right bytes' && $(ls -A) == $'answer\nasked\nbin\ndest\nhome' ]]
}

@test "fetch_run: a DEST that matches is not downloaded again" {
  printf 'right bytes' >dest
  run -0 fetch None
  [[ ! -s asked ]]
}

@test "fetch_run: a DEST that does not match is replaced, but only by the right file" {
  printf 'old bytes' >dest
  echo 'status=500 code=22' >answer
  run -1 fetch None
  [[ $(<dest) == 'old bytes' ]]
  echo 'printf "right bytes" >"$out"' >answer
  run -0 fetch None
  [[ $(<dest) == 'right bytes' ]]
}

@test "fetch_run: an empty queue is no work" {
  fetch_init None
  run -0 fetch_run
  [[ ! -s asked ]]
}

@test "fetch_run: trouble that may pass is tried FETCH_TRIES times, with growing, jittered waits" {
  echo 'status=503 code=22' >answer
  FETCH_TRIES=4 FETCH_BACKOFF_S=8 run -1 fetch None
  asked direct direct direct direct
  mapfile -t waits <pauses
  ((${#waits[@]} == 3))
  for i in 0 1 2; do
    ms=$((10#${waits[i]/./}))
    ((ms >= (4000 << i) && ms <= (12000 << i)))
  done
}

@test "fetch_run: waits are not the same on every node" {
  echo 'status=503 code=22' >answer
  for i in 1 2 3 4 5; do FETCH_TRIES=2 run -1 fetch None; done
  (($(sort -u pauses | wc -l) > 2))
}

@test "fetch_run: 404 at the origin is final" {
  echo 'status=404 code=22' >answer
  run -1 fetch None
  asked direct
  [[ ! -e dest ]]
}

@test "fetch_run: 404 is no failure of a file that need not be there" {
  echo 'status=404 code=22' >answer
  run -0 fetch None optional
  [[ ! -e dest && $output != *ERROR* ]]
}

@test "fetch_run: each cache in turn, then the origin, then again" {
  echo 'status=503 code=22; ((n < 6)) || { status=200 code=0; printf "right bytes" >"$out"; }' >answer
  run -0 fetch http://a:1,http://b
  asked http://a:1 http://b:3128 direct http://a:1 http://b:3128 direct
}

@test "fetch_run: a cache that refuses connections is not asked again, in no subshell either" {
  FETCH_LOG=$PWD/log
  echo '[[ $via == direct ]] && printf "right bytes" >"$out" || { status=0 code=7; }' >answer
  (fetch http://a:1)
  rm dest
  run -0 fetch http://a:1
  asked http://a:1 direct direct
}

@test "fetch_run: a cache that keeps failing is given up after FETCH_CACHE_FAULTS" {
  echo '[[ $via == direct ]] && printf "right bytes" >"$out" || { status=502 code=22; }' >answer
  FETCH_CACHE_FAULTS=2
  fetch_init http://a:1
  for i in 1 2 3 4; do
    fetch_queue "$URL" "dest$i" "$GOOD" 100
    fetch_run
  done
  asked http://a:1 direct http://a:1 direct direct direct
}

@test "fetch_run: a wrong hash asks the cache anew, then the origin, and says both" {
  echo '[[ $via == direct ]] && printf "right bytes" >"$out" || printf wrong >"$out"' >answer
  FETCH_LOG=$PWD/log run -0 fetch http://a:1
  asked http://a:1 'http://a:1 nocache' 'direct nocache'
  [[ $output == *'via http://a:1: wrong hash'*'right when asked past http://a:1'* ]]
  FETCH_LOG=$PWD/log fetch_totals
  ((FETCH_REQUESTS == 3 && FETCH_CACHE_RETRIES == 2))
}

@test "fetch_run: a hash that is wrong everywhere is 2" {
  echo 'printf wrong >"$out"' >answer
  run -2 fetch http://a:1
  asked http://a:1 'http://a:1 nocache' 'direct nocache'
  [[ ! -e dest ]]
}

@test "fetch_run: 404 through a cache is asked for past it" {
  echo '[[ $via == direct ]] && printf "right bytes" >"$out" || { status=404 code=22; }' >answer
  run -0 fetch http://a:1
  asked http://a:1 'http://a:1 nocache' 'direct nocache'
}

@test "fetch_run: what may have passed a cache nobody told of is asked for anew" {
  echo '((n == 1)) && printf wrong >"$out" || printf "right bytes" >"$out"' >answer
  run -0 fetch None
  asked direct 'direct nocache'
}

@test "fetch_run: a large part is gone on with, and begun anew once when the whole is wrong" {
  FETCH_RESUME_MIN=4
  cat >answer <<'ANSWER'
case $n in
  1) printf 'left b' >"$out"; code=18 ;;
  2) printf 'ytes' >>"$out"; ;;
  *) printf 'right bytes' >"$out" ;;
esac
ANSWER
  run -0 fetch None
  asked direct 'direct from=6' direct
}

@test "fetch_run: a small part is begun anew" {
  echo '((n > 1)) && printf "right bytes" >"$out" || { printf "right" >"$out"; code=18; }' >answer
  run -0 fetch None
  asked direct direct
}

@test "fetch_run: without a hash nothing is gone on with" {
  FETCH_RESUME_MIN=4
  echo '((n > 1)) && printf "right bytes" >"$out" || { printf "right b" >"$out"; code=18; }' >answer
  HASH=- run -0 fetch None
  asked direct direct
}

@test "fetch_run: without a hash, no page of HTML" {
  for page in '<!DOCTYPE html><p>' $'\n\n <HTML>' '<!-- x --> <html>' $'\xef\xbb\xbf<html>' '<?xml version="1.0"?><html>'; do
    printf '%s' "$page" >page
    echo 'cat page >"$out"' >answer
    HASH=- run -2 fetch None
    [[ ! -e dest ]]
  done
}

@test "fetch_run: without a hash, what only mentions HTML is welcome" {
  for text in '# <html>' 'x <!DOCTYPE html>' '' $'\x00\x01<html>x'; do
    printf '%s' "$text" >page
    echo 'cat page >"$out"' >answer
    rm -f dest
    HASH=- run -0 fetch None
    cmp page dest
  done
}

@test "fetch_run: more bytes than allowed are refused, however they came" {
  echo 'head -c 1001 /dev/zero >"$out"' >answer
  HASH=- run -2 fetch None
  [[ $output == *'more than 1000 bytes'* && ! -e dest ]]
}

@test "fetch_run: a disk that is full is told as such, and not tried again" {
  echo 'code=23' >answer
  run -1 fetch None
  asked direct
  [[ $output == *'stub said 23'* ]]
}

@test "fetch_run: a curl that dies hands over to wget" {
  echo 'kill -KILL $$' >answer
  stub wget <<'STUB'
[[ $1 == --version ]] && echo 'GNU Wget 1.21' && exit
echo wget >>asked
for arg; do [[ $arg != --output-document=* ]] || printf 'right bytes' >"${arg#*=}"; done
echo '  HTTP/1.1 200 OK' >&2
STUB
  run -0 fetch None
  asked direct wget
}

@test "fetch_run: nothing to fetch with is 3" {
  rm bin/curl
  only_tools bash mkdir mv rm
  run -3 fetch None
  [[ $output == *'neither curl nor wget'* ]]
}

@test "fetch_run: a folder that cannot be written is 1, and the file is named" {
  echo 'a file' >folder
  fetch_init None
  fetch_queue "$URL" folder/dest "$GOOD" 100
  run -1 fetch_run
  [[ $output == *folder/dest* && ! -s asked ]]
}

@test "fetch_run: names FETCH_FAILED, and the rest is there" {
  echo '[[ $out == *two ]] && { status=404 code=22; } || printf "right bytes" >"$out"' >answer
  fetch_init None
  for name in one two three; do fetch_queue "$URL/$name" "$name" "$GOOD" 100; done
  fetch_run || status=$?
  ((status == 1 && ${#FETCH_FAILED[@]} == 1))
  [[ ${FETCH_FAILED[0]} == "$PWD/two" && -e one && ! -e two && -e three ]]
}

@test "fetch_run: a line for each request in FETCH_LOG" {
  FETCH_LOG=$PWD/log
  echo '((n > 1)) && printf "right bytes" >"$out" || { status=500 code=22; }' >answer
  fetch http://a:1
  diff log - <<LOG
$URL	http://a:1	500	0	0.001	1	HTTP status 500 (curl 22)
$URL	direct	200	11	0.001	2	ok
LOG
}

@test "fetch_queue: refuses what is not a hash, above all an empty one" {
  for hash in '' sha256: sha1:abc "sha256:${GOOD#*:}0" "md5:${GOOD#*:}" "${GOOD^^}" '*'; do
    run -3 fetch_queue "$URL" dest "$hash" 100
  done
}

@test "fetch_queue: refuses what is not of the web" {
  for url in '' file:///etc/passwd ftp://h/f /f 'http://h/a b' $'http://h/\nf' --help; do
    run -3 fetch_queue "$url" dest "$GOOD" 100
  done
}

@test "fetch_queue: refuses sizes that are none, and words it does not know" {
  for size in '' 0 -1 1k 1e9 0x10; do run -3 fetch_queue "$URL" dest "$GOOD" "$size"; done
  run -3 fetch_queue "$URL" dest "$GOOD" 100 nocahce
}

@test "fetch_queue: the same file twice is one download, two files for one DEST are an error" {
  fetch_init None
  fetch_queue "$URL" dest "$GOOD" 100
  fetch_queue "$URL" "$PWD/dest" "$GOOD" 100
  run -3 fetch_queue "$URL/other" dest "$GOOD" 100
  fetch_run
  asked direct
}

@test "fetch_init: understands None, OSG, hosts with and without port or scheme" {
  check() {
    fetch_init "$1"
    [[ "${FETCH_CACHES[*]:-}" == "$2" ]]
  }
  check None ''
  check '' ''
  check http://a:1,b:2,c 'http://a:1 http://b:2 http://c:3128'
  check 'http://[::1]:3128/' 'http://[::1]:3128'
  check OSG ''
  OSG_SQUID_LOCATION=squid.example.org check OSG http://squid.example.org:3128
  OSG_SQUID_LOCATION=UNAVAILABLE check OSG ''
}

@test "fetch_init: refuses what is no cache" {
  for cache in 'http://a b' ftp://a 'a,,b' 'http://a:x' 'http://a/path' $'a\nb' '-x'; do
    run -3 fetch_init "$cache"
  done
}

@test "fetch_init: says that the environment's proxy is not used" {
  https_proxy=http://p:1 run -0 fetch_init None
  [[ $output == *'not used'*http://p:1* ]]
}

@test "any IFS, POSIXLY_CORRECT, closed stdin, blanks in names" {
  mkdir 'a folder'
  odd() {
    set -o posix
    local IFS=/13e. FETCH_LOG=$PWD/log
    fetch_init http://a:1 && fetch_queue "$URL" 'a folder/a file #1' "$GOOD" 100 nocache && fetch_run
  }
  odd <&-
  [[ $(<'a folder/a file #1') == 'right bytes' && $(ls -A 'a folder') == 'a file #1' ]]
}

@test "a batch of 8 files starts 5 processes: mkdir, curl, sha256sum, mv, rm" {
  needs strace
  for i in 1 2 3 4 5 6 7 8; do
    echo "fetch_queue $URL/$i dest$i $GOOD 100"
  done >queue
  cat >program <<PROGRAM
for module in log clock verify transfer fetch; do source "$LIB/\$module.sh"; done
TRANSFER_TOOL=curl _TRANSFER_VERSION=7088
source ./queue
fetch_run
PROGRAM
  # as little as can play curl: the real one starts no process either
  stub curl <<'STUB'
for ((i = 0; i < 8; i++)); do
  printf 'right bytes' >"${3%.notes/config}/dest$((i + 1))"
  printf '\n@%d 200 11 0.001000 0 \n' "$i"
done
STUB
  strace -f -qq -e trace=process -e signal=none -o trace bash program
  (($(cut -d' ' -f1 trace | sort -u | wc -l) == 6)) # with the shell itself
  grep execve trace | grep -v ENOENT | grep -o 'execve("[^"]*' | sed 's,.*/,,' | sort >programs
  diff programs - <<<$'bash\ncurl\nmkdir\nmv\nrm\nsha256sum'
}
