#!/usr/bin/env bats
# phase.sh with log.sh and clock.sh: verdicts and exit codes, each in a bash of its own.
# shellcheck disable=SC2016,SC2026  # what is quoted is for that bash

bats_require_minimum_version 1.5.0

setup() {
  load helper
}

# phases SCRIPT - run SCRIPT after loading the modules; at its end print what PHASE_DONE holds
phases() {
  bash -uc 'source "$LIB/log.sh" && source "$LIB/clock.sh" && source "$LIB/phase.sh"
    trap '\''status=$?; printf "done: %s\n" ${PHASE_DONE[@]+"${PHASE_DONE[@]}"}; exit "$status"'\'' EXIT
    eval "$1"' phases "$1"
}

@test "phase_run: goes on after a phase that succeeds, and notes how long it took" {
  run -0 --separate-stderr phases 'phase_run one 10 true; phase_run two 20 sleep 0.1'
  [[ ${lines[0]} =~ ^'done: one '[0-9]+' ok'$ && ${lines[1]} =~ ^'done: two '[1-9][0-9][0-9]+' ok'$ ]]
  [[ $stderr == *'phase=two verdict=ok ms='* ]]
}

@test "phase_run: a phase that fails ends the glidein with its code" {
  run -20 phases 'phase_run one 10 true; phase_run two 20 bash -c "exit 7"; echo never'
  [[ $output == *'phase=two verdict=failed'*'status=7'* && $output == *'done: two '*' failed' && $output != *never* ]]
}

@test "phase_run: a phase may know a nearer code, and the next one does not inherit it" {
  run -61 phases 'f() { PHASE_EXIT=61; return 1; }; phase_run one 60 f'
  run -70 phases 'f() { PHASE_EXIT=61; }; phase_run one 60 f; phase_run two 70 false'
}

@test "phase_signal: ends the glidein with the phase's code plus nine" {
  run -49 phases 'trap "phase_signal TERM" TERM; f() { kill -TERM $$; sleep 0.1; echo never; }; phase_run check 40 f'
  [[ $output == *'phase=check verdict=interrupted'*'signal=SIGTERM'* && $output != *never* ]]
}

@test "phase_signal: before the first phase counts as prepare" {
  run -19 phases 'trap "phase_signal INT" INT; kill -INT $$; echo never'
  [[ $output != *never* && $output != *unbound* ]]
}

@test "phase_signal: between two phases adds no second verdict" {
  run -19 phases 'trap "phase_signal HUP" HUP; phase_run one 10 true; kill -HUP $$; echo never'
  [[ $(grep -c ^done: <<<"$output") == 1 ]]
}

@test "phase_signal: a second signal, in the first one's trap, changes nothing" {
  run -19 phases 'for s in TERM INT; do trap "phase_signal $s" $s; done
    _phase_end() { [[ $1 == ok ]] || { kill -INT $$; echo "end $*"; }; }; f() { kill -TERM $$; sleep 0.1; }; phase_run one 10 f'
  [[ $(grep -c '^end ' <<<"$output") == 1 ]]
}

@test "phase_leave: ends early with the given code and verdict, in a phase or between two" {
  run -3 phases 'f() { phase_leave 3 stop_list; }; phase_run fetch 20 f'
  [[ $output == *'done: fetch '*' stop_list' ]]
  run -0 phases 'phase_run one 10 true; phase_leave 0 dry_run'
  [[ $output == *'done: one '*' ok' ]]
}
