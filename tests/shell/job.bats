#!/usr/bin/env bats
# job.sh alone: processes that are started, waited for, limited and ended, each in a bash of its own.
# shellcheck disable=SC2016  # what is quoted is for that bash

bats_require_minimum_version 1.5.0

setup() {
  load helper
  export MARK=$((RANDOM + 100000)).$$ # seconds: how the sleeps of this test are told from others
  cat >worker <<'END'
set -uo pipefail
source "$LIB/log.sh"
source "$LIB/clock.sh"
source "$LIB/job.sh"
END
}

teardown() {
  pkill -KILL -x -f "sleep $MARK" || :
}

# worker SCRIPT - run SCRIPT after loading the modules, as the glidein would
worker() { bash -c 'source ./worker; eval "$1"' worker "$1"; }

# sleepers - how many sleeps of this test are alive
sleepers() { pgrep -c -x -f "sleep $MARK" || :; }

@test "job_run: passes on the command's status" {
  run -7 --separate-stderr worker 'job_run bash -c "exit 7"'
  [[ -z $output$stderr ]]
}

@test "job_run: runs functions of the script, with empty standard input" {
  run -0 worker 'f() { cat; echo "did $1"; }; job_run f it' <<<'not for jobs'
  [[ $output == 'did it' ]]
}

@test "job_run: tells the signal a command died of" {
  run -139 worker 'job_run bash -c "kill -SEGV \$\$" 2>/dev/null'
}

@test "job_start: gives a job its own process group, in our session" {
  run -0 worker 'f() { read -r stat </proc/$BASHPID/stat; stat=(${stat##*) }); echo "$((stat[2] == BASHPID)) ${stat[3]}"; }
    job_run f; read -r stat </proc/$$/stat; stat=(${stat##*) }); echo "${stat[3]}"'
  [[ ${lines[0]} == "1 ${lines[1]}" ]]
}

@test "job_start: a job knows no jobs of its parent, so it cannot end them" {
  run -0 worker 'job_start sleep "$MARK"; first=$JOB_PID; job_run job_end_all; kill -0 "$first" && echo lives; job_end_all'
  [[ $output == lives ]]
}

@test "job_wait: a trapped signal runs its trap at once, and the wait goes on" {
  run -9 worker 'trap "echo trap at \$SECONDS" USR1
    job_start bash -c "sleep 0.3; kill -USR1 $$; sleep 1; exit 9"
    job_wait "$JOB_PID"; status=$?; echo "over at $SECONDS"; exit $status'
  [[ ${lines[0]} == 'trap at '[01] && ${lines[1]} == 'over at '[12] ]]
}

@test "job_wait: a trap that exits is not kept waiting" {
  SECONDS=0
  run -19 worker 'trap "exit 19" TERM; trap job_end_all EXIT
    job_start bash -c "kill -TERM $$; exec sleep $MARK"; job_wait "$JOB_PID"'
  ((SECONDS < 3))
  [[ $(sleepers) == 0 ]]
}

@test "job_limited: passes on the status of a command that is quick" {
  SECONDS=0
  run -3 worker 'job_limited 30 bash -c "exit 3"'
  ((SECONDS < 3))
}

@test "job_limited: 0 is no limit" {
  run -3 worker 'job_limited 0 bash -c "sleep 0.2; exit 3"'
}

@test "job_limited: ends what takes too long, with all its children, in time" {
  SECONDS=0
  run -124 --separate-stderr worker 'job_limited 1 bash -c "sleep $MARK & sleep $MARK & sleep $MARK"'
  ((SECONDS < 4))
  [[ $(sleepers) == 0 && -z $stderr ]]
}

@test "job_end: kills what does not listen to TERM, and says nothing about it" {
  SECONDS=0
  run -0 --separate-stderr worker 'job_start bash -c "trap \"\" TERM; sleep $MARK"; clock_pause 0.2; job_end "$JOB_PID" 1'
  ((SECONDS < 5))
  [[ $(sleepers) == 0 && -z $stderr ]]
}

@test "job_end: ends a job that is stopped" {
  run -0 worker 'job_start sleep "$MARK"; clock_pause 0.2; kill -STOP -- "-$JOB_PID"; job_end "$JOB_PID" 10; ((SECONDS < 6))'
  [[ $(sleepers) == 0 ]]
}

@test "job_end: does not wait long for a process that does not even die of KILL" {
  run -0 worker 'job_start sleep "$MARK"
    kill() { if [[ $1 == -TERM || $1 == -KILL ]]; then return 0; fi; builtin kill "$@"; }
    pid=$JOB_PID; job_end "$pid" 0; unset -f kill; kill -KILL -- "-$pid"; ((SECONDS < 4))'
  [[ $output == *'does not end'* ]]
}

@test "job_end: a job that is dead, but not collected yet, ends" {
  # As in a trap, where bash collects none: here somebody else's child stands for ours.
  run -0 worker 'bash -c "sleep 0 & echo \$! >dead; exec sleep $MARK" >/dev/null 2>&1 3>&- & until [[ -s dead ]]; do clock_pause 0.02; done
    read -r pid <dead
    until read -r stat <"/proc/$pid/stat" && [[ ${stat##*) } == Z* ]]; do clock_pause 0.02; done
    job_end "$pid"'
  [[ $output != *'does not end'* ]]
}

@test "job_end: processes that are dead, but were not collected, cost no grace" {
  needs python3
  # A job whose dead grandchild stays in its group: the child, in another group, never looks after it.
  cat >job.py <<'END'
import os, sys, time
group = os.getpgrp()
if os.fork() == 0:
    os.setpgid(0, 0)
    if (dead := os.fork()) == 0:
        os.setpgid(0, group)
        os._exit(0)
    os.waitid(os.P_PID, dead, os.WEXITED | os.WNOWAIT)
    open("ready", "w").close()
    os.execlp("sleep", "sleep", sys.argv[1])
time.sleep(60)
END
  run -0 worker 'job_start python3 job.py "$MARK" >/dev/null 2>&1 3>&-
    until [[ -e ready ]]; do clock_pause 0.1; done
    pid=$JOB_PID SECONDS=0; job_end "$pid"; kill -0 -- "-$pid" && ((SECONDS < 2))'
}

@test "job_end_all: ends every job with one grace for all" {
  SECONDS=0
  run -0 worker 'for i in 1 2 3 4; do job_start bash -c "trap : TERM; while :; do sleep $MARK; done"; done
    clock_pause 0.3; job_end_all; [[ -z ${JOB_PIDS[*]-} ]]'
  ((SECONDS < 6))
  [[ $(sleepers) == 0 ]]
}

@test "job_end_all: ends what a job left running in the background" {
  run -5 worker 'job_run bash -c "sleep $MARK & exit 5"; status=$?; [[ $(pgrep -c -x -f "sleep $MARK") == 1 ]] || exit 99
    job_end_all; exit $status'
  [[ $(sleepers) == 0 ]]
}

@test "job_end_all: leaves alone a group of another session that has the number now" {
  setsid sleep "$MARK" 3>&- &
  sleep 0.3
  group=$(pgrep -x -f "sleep $MARK")
  run -0 worker "JOB_LEFT=($group); job_end_all"
  [[ $(sleepers) == 1 ]]
}

@test "job_end_all: ends a job whose start a signal interrupted" {
  run -4 worker 'set() { builtin set "$@"; if [[ $1 == +m && $BASHPID == $$ ]]; then unset -f set; kill -TERM $$; fi; }
    trap "job_end_all; exit 4" TERM
    job_start sleep "$MARK"'
  [[ $(sleepers) == 0 ]]
}

@test "job_start: leaves the terminal to who had it, and a job may write to it but not read" {
  needs script
  cat >>worker <<'END'
stty tostop
foreground() { read -r stat </proc/$$/stat && stat=(${stat##*) }) && echo "foreground=$((stat[2] == stat[5]))"; }
job_limited 5 bash -c 'echo written; read -r x </dev/tty; stty sane </dev/tty; echo over'
echo "status=$?"
foreground
job_start sleep "$MARK"
job_end "$JOB_PID"
foreground
END
  run -0 script -qec 'bash worker' /dev/null
  [[ $output == *written*over*status=0*foreground=1*foreground=1* ]]
}

@test "job_run: works where standard input, output and error are closed" {
  worker 'exec <&- >&- 2>&-; job_run bash -c "exit 6"; echo "status=$?" >said'
  [[ $(<said) == status=6 ]]
}
