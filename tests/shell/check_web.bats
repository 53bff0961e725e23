#!/usr/bin/env bats
# check_web.sh: --check of a node whose web caches are dead, or whose clock is wrong.

# shellcheck disable=SC2034  # what is set here is read by the modules
bats_require_minimum_version 1.5.0

setup() {
  load helper
  needs python3
  # Answers as a web server and as a cache do; its clock is two hours late.
  python3 -c '
import email.utils, http.server, time
class Handler(http.server.BaseHTTPRequestHandler):
    def date_time_string(self, timestamp=None):
        return email.utils.formatdate(time.time() - 7200, usegmt=True)
    def do_GET(self):
        self.send_response(404)
        self.send_header("Content-Length", "0")
        self.end_headers()
    def log_message(self, *args): pass
server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
open("port.new", "w").write(str(server.server_port))
__import__("os").rename("port.new", "port")
server.serve_forever()' 3>&- &
  SERVER=$!
  until [[ -s port ]]; do sleep 0.05; done
  read -r PORT <port || :
  DEAD=http://127.0.0.1:1
}

teardown() {
  kill "$SERVER"
  wait "$SERVER" 2>/dev/null || :
}

# row NAME OPTION... - print the row of one check
row() {
  local name=$1
  shift
  TMPDIR=$PWD bash "$LIB/../glidein_startup.sh" --check --json "$@" 2>/dev/null \
    | python3 -c 'import json, sys
row, = (row for row in json.load(sys.stdin)["checks"] if row["name"] == sys.argv[1])
print(row["status"], row["found"])' "$name"
  [[ -z $(compgen -G 'glidein-check*') ]]
}

@test "check_web: directly, where no cache is named" {
  run -0 row web -web "http://127.0.0.1:$PORT/stage"
  [[ $output == 'ok directly: answers' ]]
}

@test "check_web: a cache that is dead is named, and is a warning while another way works" {
  run -0 row web -web "http://127.0.0.1:$PORT/stage" -proxy "$DEAD,http://127.0.0.1:$PORT"
  [[ $output == "warn through $DEAD: "*"; through http://127.0.0.1:$PORT: answers" ]]
  run -0 row web -web "http://127.0.0.1:$PORT/stage" -proxy "$DEAD"
  [[ $output == "warn through $DEAD: "*'; directly: answers' ]]
}

@test "check_web: nothing answers" {
  run -0 row web -web "$DEAD/stage" -proxy "$DEAD"
  [[ $output == "fail through $DEAD: "*'; directly: '* ]]
}

@test "check_web: nobody named a server" {
  run -0 row web
  [[ $output == 'skip not asked: no web server named (-web)' ]]
}

@test "check_clock: by the server's clock, also in --check" {
  run -0 row clock -web "http://127.0.0.1:$PORT/stage"
  [[ $output =~ ^fail\ 7(19|20)[0-9]\ s\ ahead$ ]]
}

@test "a shell that is not bash is told so" {
  run -2 sh "$LIB/../glidein_startup.sh" --check
  [[ $output == *'this shell is not bash; run it as: bash '* ]]
}
