#!/usr/bin/env bats
# report.sh with its modules: the JSON object must be one whatever is put in; python reads it.
# shellcheck disable=SC2016,SC1090  # what looks like an expansion is data

bats_require_minimum_version 1.5.0

setup() {
  load helper
  needs python3
  export LC_ALL=C # as in the glidein
  declare -gA OPTION=()
  for module in log clock phase report; do source "$LIB/$module.sh"; done
}

# value EXPRESSION - print what python finds in the report r
value() {
  trap - DEBUG # bats looks at each line that is run: a hundred times slower
  report_json
  printf '%s' "$REPLY" | python3 -c 'import json, sys
r = json.loads(sys.stdin.buffer.read().decode("ascii"), parse_constant=lambda name: 1 / 0)
sys.stdout.reconfigure(encoding="utf-8")
print(eval(sys.argv[1]))' "$1"
}

@test "report_json: nothing known is still an object" {
  [[ $(value 'r == {"phases": [], "checks": []}') == True ]]
}

@test "report_json: phases in their order, with milliseconds as numbers" {
  PHASE_DONE=('prepare 12 ok' 'fetch 0 interrupted')
  [[ $(value 'r["phases"] == [{"name": "prepare", "ms": 12, "verdict": "ok"}, {"name": "fetch", "ms": 0, "verdict": "interrupted"}]') == True ]]
}

@test "report_json: needs no temporary file, since the disk may be full" {
  run ! grep -nE "<<<|<<-?['A-Z]" "$LIB/report.sh"
  PHASE_DONE=('prepare 12 ok')
  TMPDIR=/none PATH='' report_json
  [[ $REPLY == *'"ms":12,'* ]]
}

@test "report_json: checks with what was found and needed" {
  CHECK_NAME=(disk user) CHECK_STATUS=(ok fail) CHECK_FOUND=('12 MB' '"root"') CHECK_NEEDED=(10 '') CHECK_MS=(3 0)
  [[ $(value '[c["found"] for c in r["checks"]] + [r["checks"][0]["needed"], r["checks"][1]["needed"]]') == "['12 MB', '\"root\"', 10, '']" ]]
}

@test "report_json: facts are grouped by the first part of their key" {
  report_fact condor.version 25.14.1
  report_fact resources.cpus 8
  report_fact condor.source.kind cache
  report_fact condor.version 23.9.6
  [[ $(value 'r["condor"] == {"version": "23.9.6", "source.kind": "cache"} and r["resources"] == {"cpus": 8}') == True ]]
}

@test "report_json: digits alone are a number, everything else a text" {
  local i=0
  for number in 0 7 -1 123456789012345; do report_fact "n.$((++i))" "$number"; done
  for text in '' 007 1.5 1e3 -0 - +1 0x1 1234567890123456 NaN true null ' 1' $'1\n'; do report_fact "t.$((++i))" "$text"; done
  [[ $(value 'all(type(x) is int for x in r["n"].values()) and all(type(x) is str for x in r["t"].values())') == True ]]
}

@test "report_json: quotes, backslashes and control characters come out as they were" {
  local text=$'a "b" \\ \\" \\n \\u0041 / & $HOME `id` \t\n\r\b\x01\x1f\x7f end\\'
  report_fact x.y "$text"
  [[ $(value 'r["x"]["y"]')x == "$text"x ]]
}

@test "report_json: each single character comes out as it was" {
  local all='' i char
  for ((i = 1; i < 128; i++)); do
    printf -v char '%b' "\\x$(printf %x "$i")"
    all+=$char
  done
  report_fact x.y "$all"
  [[ $(value 'r["x"]["y"] == "".join(map(chr, range(1, 128)))') == True ]]
}

@test "report_json: UTF-8 comes out as it was, also beyond the first plane" {
  report_fact x.y $'caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80 \xf4\x8f\xbf\xbf'
  [[ $(value 'ascii(r["x"]["y"])') == "'caf\\xe9 \\u20ac \\U0001f600 \\U0010ffff'" ]]
}

@test "report_json: bytes that are not UTF-8 are replaced" {
  report_fact x.alone $'\xff|\x80|\xc3|\xe2\x82|\xf0\x9f\x98|\xf5\x80\x80\x80'
  report_fact x.long $'\xc0\xaf|\xe0\x80\xaf'
  report_fact x.beyond $'\xf4\x90\x80\x80|\xed\xa0\x80'
  [[ $(value 'set("".join(r["x"].values())) == {"\ufffd", "|"}') == True ]]
}

@test "report_json: random bytes are still JSON" {
  for i in 1 2 3 4 5; do
    report_fact "x.$i" "$(head -c 3000 /dev/urandom | tr -d '\0')"
  done
  [[ $(value 'len(r["x"])') == 5 ]]
}

@test "report_json: a huge value keeps its beginning, in bounded time" {
  SECONDS=0
  report_fact x.y "$(printf '%0200000d' 0 | tr 0 '\001')"
  [[ $(value 'r["x"]["y"] == "\x01" * 4096') == True ]]
  ((SECONDS < 20))
}

@test "report_json: an odd key is escaped too" {
  report_fact 'x.a"b\c' 1
  report_fact $'g"r.\xff' 1
  [[ $(value 'r["x"] == {"a\"b\\c": 1} and r["g\"r"] == {"\ufffd": 1}') == True ]]
}

@test "report_json: sums up what was fetched" {
  printf 'http://h/%s\t%s\t%s\t%s\t0.1\t1\t%s\n' a direct 200 100 ok b http://c:3128 200 11 ok c direct 404 - 'no such file' >log.tsv
  FETCH_LOG=log.tsv
  [[ $(value 'r["fetch"]["requests"], r["fetch"]["bytes"]') == '(3, 111)' ]]
}

@test "report_print: the object stands alone between its markers" {
  exec {REPORT_FD}>said
  report_print
  [[ $(sed -n 1p said) == '=== glidein report ===' && $(sed -n 3p said) == '=== end of glidein report ===' && $(wc -l <said) == 3 ]]
}

@test "report_print: with --json it is all there is" {
  OPTION[json]=1
  exec {REPORT_FD}>said
  report_print
  [[ $(<said) == '{'*'}' && $(wc -l <said) == 1 ]]
}

@test "report_print: says when it could not be written" {
  exec {REPORT_FD}>/dev/full
  run ! report_print
}

@test "report_logs: the end of each log comes out of the reference's form as it was" {
  REPORT_LOG_BYTES=1000
  seq 1000 >MasterLog
  : >EmptyLog
  run -0 --separate-stderr report_logs MasterLog EmptyLog none
  [[ -z $output && $stderr == *MasterLog*'======== gzip | uuencode ============='*'begin-base64 644 -'*====* && $stderr != *EmptyLog* ]]
  sed -n '/^begin-base64/,/^====$/p' <<<"$stderr" | sed '1d;$d' | base64 -d | gzip -dc | cmp - <(tail -c 1000 MasterLog)
}
