#!/usr/bin/env bats
# clock.sh alone: reading the time and waiting, on any bash and without processes.
# shellcheck disable=SC2016  # what is quoted is for another bash

bats_require_minimum_version 1.5.0

setup() {
  load helper
  source "$LIB/clock.sh"
}

@test "clock_ms: grows by about what a pause takes" {
  clock_ms
  local before=$REPLY
  clock_pause 0.2
  clock_ms
  ((REPLY - before >= 190 && REPLY - before < 1500))
}

@test "clock_ms: takes the decimal comma of a locale" {
  unset EPOCHREALTIME # without its magic it is a variable like any other
  EPOCHREALTIME=1700000000,123456
  clock_ms
  [[ $REPLY == 1700000000123 ]]
}

@test "clock_ms: is the uptime where bash has no EPOCHREALTIME" {
  unset EPOCHREALTIME
  local up
  clock_ms
  read -r up _ </proc/uptime
  ((${up%.*} * 1000 - REPLY < 2000 && REPLY - ${up%.*} * 1000 < 2000))
}

@test "clock_epoch: is the time that date says" {
  clock_epoch
  (($(date +%s) - REPLY <= 1))
}

@test "clock_pause: needs no program" {
  PATH='' clock_pause 0.05
}

@test "clock_pause: is over at once for 0" {
  SECONDS=0
  clock_pause 0
  clock_pause 0.000
  ((SECONDS < 1))
}

@test "clock_pause: sleeps by the program where there is no /dev/fd" {
  stub sleep <<<'echo "$1" >>slept'
  _CLOCK_FD=none
  clock_pause 1.2
  [[ $(paste -sd' ' slept) == '0.500 0.500 0.200' ]]
}

@test "clock_pause: finds out by itself that there is no /dev/fd" {
  needs root unshare
  stub sleep <<<'echo "$1" >>slept'
  run -0 unshare --mount bash -uc 'mount -t tmpfs none /dev && source "$LIB/clock.sh" && clock_pause 0.3'
  [[ $(<slept) == 0.300 && -z $output ]]
}

@test "clock_pause: a trapped signal runs its trap at once, and the wait goes on" {
  run -0 bash -uc '
    source "$LIB/clock.sh"
    trap "clock_ms; trapped=\$REPLY" USR1
    clock_ms
    started=$REPLY
    (sleep 0.3; kill -USR1 $$) &
    clock_pause 1.5
    clock_ms
    echo $((trapped - started)) $((REPLY - started))'
  read -r trapped whole <<<"$output"
  ((trapped >= 250 && trapped < 1200 && whole >= 1450))
}

@test "clock_pause: reads no byte of standard input" {
  clock_pause 0.05 <<<'left alone' && run -0 cat <<<'left alone'
  { clock_pause 0.05 && read -r line; } <<<'left alone'
  [[ $line == 'left alone' ]]
}

# A trap that left the read itself crashed bash 5.2 in one of five runs, so it takes some to see.
@test "clock_trap: a signal in the midst of a pause ends the shell by its EXIT trap, each time" {
  local i pid pids=()
  cat >"$BATS_TEST_TMPDIR/pauses" <<'SCRIPT'
source "$LIB/clock.sh"
end() {
  local until=$((SECONDS + 2))
  trap '' TERM
  while ((SECONDS < until)); do
    x=$(echo one)
    read -r x < <(echo two && sleep 0.01)
  done
  trap - EXIT
  exit 7
}
trap end EXIT
clock_trap 'exit 5' TERM
echo ready
while :; do clock_pause 0.003; done
SCRIPT
  for ((i = 0; i < 24; i++)); do
    LIB=$LIB bash "$BATS_TEST_TMPDIR/pauses" >"$BATS_TEST_TMPDIR/said.$i" 2>&1 3>&- &
    pids+=("$!")
  done
  for ((i = 0; i < 24; i++)); do
    until [[ -s $BATS_TEST_TMPDIR/said.$i ]]; do sleep 0.05; done
    sleep 0.0$((RANDOM % 10))
    kill -TERM "${pids[i]}"
  done
  for pid in "${pids[@]}"; do
    wait "$pid" && status=0 || status=$?
    [ "$status" -eq 7 ]
  done
}

@test "clock_trap: of signals during a read with a limit the first counts, and comes after it" {
  said=()
  say_it() { said+=("$1"); }
  clock_trap 'say_it TERM' TERM
  clock_trap 'say_it USR1' USR1
  (sleep 0.2 && kill -TERM $$ && sleep 0.1 && kill -USR1 $$) 3>&- &
  exec {pipe}<> <(:)
  local status=0
  clock_read 1 -u "$pipe" line || status=$?
  trap - TERM USR1
  [ "$status" -gt 128 ] # its time was over: the signals did not end it
  [ "${said[*]}" = TERM ]
}
