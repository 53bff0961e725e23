#!/usr/bin/env bats
# startd.sh alone: condor_master and condor_status are played by a few lines of shell. With
# HTCondor itself it is tried in features/startd.feature.

# shellcheck disable=SC2016  # the stubs' text is for later
bats_require_minimum_version 1.5.0

setup() {
  load helper
  local module
  for module in log clock job config phase report knob vars expiry batch mjf credentials configure startd; do
    # shellcheck source=/dev/null
    source "$LIB/$module.sh"
  done
  WORK=$PWD/work CONDOR_DIR=$PWD/condor
  mkdir -p "$WORK/log" "$WORK/.glidein" "$WORK/condor_config.d" "$CONDOR_DIR/sbin" "$CONDOR_DIR/bin"
  clock_epoch
  CONFIGURE_NAME=glidein_$$_$REPLY$RANDOM
  LIFETIME_TO_RETIRE=$((REPLY + 1000)) LIFETIME_TO_DIE=$((REPLY + 2000)) LIFETIME_GRACEFUL_S=1
  STARTD_FIRST_S=1 STARTD_LOOK_S=1 STARTD_FAST_S=1
  # The sweep reads all of /proc, slowly under bats: only the test of it has it.
  eval "real_$(declare -f startd_sweep)"
  # shellcheck disable=SC2329  # startd_wait calls it
  startd_sweep() { :; }
  program bin/condor_status <<<'echo "slot1@$GLIDEIN_MARK"'
  program sbin/condor_advertise <<<'cat "${@: -1}" >>"$PWD/advertised"; echo "$*" >>"$PWD/advertised"'
}

teardown() {
  STARTD_FAST_S=0
  startd_stop fast || :
  real_startd_sweep || :
  job_end_all || :
}

# program NAME <<<SCRIPT - what HTCondor's program NAME does
program() {
  { echo '#!/bin/bash' && cat; } >"$CONDOR_DIR/$1" && chmod +x "$CONDOR_DIR/$1"
}

# run_startd - launch and wait; leaves the cause in REPLY. The worker's code is written for a shell
#   without -e, which bats has on; in front of || it counts for nothing.
run_startd() {
  { startd_launch && startd_wait; } || return 1
  startd_cause || return 1
}

@test "startd_launch: no condor_master is an error that names it" {
  run -1 startd_launch
  [[ $output == *"not a program: $CONDOR_DIR/sbin/condor_master"* ]]
}

@test "startd_launch: the master sees our configuration, and none of an outer HTCondor" {
  program sbin/condor_master <<<'env >"$PWD/seen"'
  export _CONDOR_START=False CONDOR_INHERIT=x _CONDOR_ANCESTOR_1=1 CONDOR_DIR
  run_startd || false
  grep -qx "CONDOR_CONFIG=$WORK/condor_config" seen
  grep -qx "_CONDOR_ANCESTOR_1=1" seen
  run -1 grep -E '^(_CONDOR_START|CONDOR_INHERIT|CONDOR_DIR)=' seen
}

@test "startd_wait: a trapped signal brings it back, the master goes on" {
  program sbin/condor_master <<<'exec sleep 30'
  startd_launch || false
  trap 'GOT=1' USR1
  (clock_pause 0.3 && kill -USR1 $$) &
  run_status=0
  startd_wait || run_status=$?
  [[ $run_status == 1 && $GOT == 1 ]]
  kill -0 "$STARTD_PID"
}

@test "startd_stop graceful: TERM, and QUIT when its time is over" {
  program sbin/condor_master <<'END'
trap 'echo TERM >>"$PWD/got"' TERM
trap 'echo QUIT >>"$PWD/got"; exit 0' QUIT
touch "$PWD/ready"
while :; do sleep 0.1; done
END
  startd_launch || false
  until [[ -e ready ]]; do clock_pause 0.05; done
  startd_stop graceful || false
  startd_wait || false
  startd_cause || false
  [[ $REPLY == told_to_stop && $(<got) == $'TERM\nQUIT' ]]
}

@test "startd_stop fast: kills a master that does not listen" {
  program sbin/condor_master <<<'trap "" TERM QUIT; touch "$PWD/ready"; while :; do sleep 0.1; done'
  startd_launch || false
  until [[ -e ready ]]; do clock_pause 0.05; done
  startd_stop fast || false
  [[ $STARTD_PID == 0 && $STARTD_STATUS == 137 ]]
}

@test "startd_stop peaceful: retires now, and has the master read that" {
  program sbin/condor_master <<<'trap "touch \"$PWD/reread\"; exit 0" HUP; touch "$PWD/ready"; while :; do sleep 0.1; done'
  startd_launch || false
  until [[ -e ready ]]; do clock_pause 0.05; done
  startd_stop peaceful || false
  startd_wait || false
  [[ -e reread ]]
  grep -q '^GLIDEIN_ToRetire = [0-9]*$' "$WORK/condor_config.d/zzzz_retire"
}

@test "startd_wait: ends what the master left behind, and nothing else" {
  program sbin/condor_master <<<'setsid sleep 25 & echo $! >"$PWD/stays"'
  startd_sweep() { real_startd_sweep; }
  sleep 25 &
  local other=$!
  run_startd || false
  # Dead is enough: it is not ours to collect, and who does may take a while.
  run ! grep -E '^State:.[^ZX]' "/proc/$(<stays)/status"
  kill "$other" # still there
}

@test "startd_cause: the master's end, where there was no startd" {
  program sbin/condor_master <<<'exit 1'
  run_startd || false
  [[ $REPLY == could_not_start ]]
}

@test "startd_cause: the last words of the logs" {
  local log line status cause
  program sbin/condor_master <<<'exit 99'
  while IFS='|' read -r cause log line; do
    printf '01/01/26 00:00:00 %s\n' "STARTING UP" >"$WORK/log/StartdLog"
    printf '01/01/26 00:00:00 %s\n' "$line" >"$WORK/log/MasterLog"
    [[ $log == MasterLog ]] || printf '01/01/26 00:00:00 %s\n' "$line" >>"$WORK/log/$log"
    run_startd || false
    [[ $REPLY == "$cause" ]] || { echo "$line: $REPLY" && false; }
  done <<'END'
idle|StartdLog|The DaemonShutdown expression "x" evaluated to TRUE: starting graceful shutdown
killed|MasterLog|The STARTD (pid 7) died due to signal 9 (Killed)
crashed|MasterLog|The STARTD (pid 7) died due to signal 11 (Segmentation fault)
crashed|MasterLog|The STARTD (pid 7) exited with status 4
told_to_stop|MasterLog|Got SIGTERM. Performing graceful shutdown.
END
}

@test "startd_cause: an end after GLIDEIN_ToRetire is a retirement" {
  program sbin/condor_master <<<'exit 99'
  echo 'x The DaemonShutdown expression "x" evaluated to TRUE' >"$WORK/log/StartdLog"
  LIFETIME_TO_RETIRE=1
  run_startd || false
  [[ $REPLY == retired ]]
}

@test "startd_cause: killed, when somebody kills the master; the pool is told" {
  program sbin/condor_master <<<'kill -KILL $$'
  echo up >"$WORK/log/StartdLog"
  run_startd || false
  [[ $REPLY == killed ]]
  grep -q "INVALIDATE_STARTD_ADS" advertised
  grep -qF "regexp(\"^$CONFIGURE_NAME@\", GLIDEIN_MASTER_NAME)" advertised
}

@test "good-bye: also of one that left by itself; not where there is no time" {
  program sbin/condor_master <<<'exit 0'
  echo 'x The DaemonShutdown expression "x" evaluated to TRUE' >"$WORK/log/StartdLog"
  run_startd || false
  [[ $REPLY == idle && $(grep -c INVALIDATE advertised) == 2 ]]
  rm advertised
  program sbin/condor_master <<<'trap "exit 0" TERM; touch "$PWD/ready"; while :; do sleep 0.1; done'
  startd_launch || false
  until [[ -e ready ]]; do clock_pause 0.05; done
  startd_stop graceful || false
  startd_wait || false
  [[ ! -e advertised ]]
}

@test "watch: a pool that never sees us ends it, and the startd's complaint is in the log" {
  program sbin/condor_master <<<'exec sleep 30'
  program bin/condor_status <<<':'
  echo '01/01/26 00:00:00 ERROR: SECMAN:2002: no common method' >"$WORK/log/StartdLog"
  config_set GLIDEIN_Register_Timeout 2
  run_startd 2>said || false
  [[ $REPLY == never_registered ]]
  grep -q 'has not seen this glidein after .*the startd says: .*no common method' said
}

@test "watch: who may not ask the pool is believed while the startd has no complaint" {
  program sbin/condor_master <<<'exec sleep 3'
  program bin/condor_status <<<'echo "SECMAN:2010:Received \"DENIED\" from server"; exit 1'
  echo up >"$WORK/log/StartdLog"
  config_set GLIDEIN_Register_Timeout 1
  run_startd || false
  [[ $REPLY != never_registered && -s $WORK/.glidein/startd.registered ]]
}

@test "watch: ends it at GLIDEIN_ToDie" {
  program sbin/condor_master <<<'exec sleep 30'
  clock_epoch
  LIFETIME_TO_DIE=$((REPLY + 1))
  echo up >"$WORK/log/StartdLog"
  run_startd || false
  [[ $REPLY == retired ]]
}

@test "startd_jobs: counts what the history holds, over its rotations" {
  startd_jobs
  [[ $REPLY == 0 ]]
  printf 'A = 1\n*** Offset = 0 ClusterId = 1\nB = "*** no"\n*** Offset = 9\n' >"$WORK/log/StartdHistoryLog"
  printf '*** Offset = 0\n' >"$WORK/log/StartdHistoryLog.20260101"
  startd_jobs
  [[ $REPLY == 3 && -z $STARTD_JOB_TIME ]]
}

@test "startd_jobs: adds up the core time of jobs, and of those that ended well" {
  local end=$'ExitCode = 0\nExitBySignal = false\n*** Offset = 0 ClusterId = 1\n'
  {
    printf 'JobDuration = 1.5\nCpusProvisioned = 2\nCmd = "JobDuration = 9"\n%s' "$end"
    printf 'JobDuration = 2.000000E+01\nCpusProvisioned = 1\n%s' "${end/Code = 0/Code = 1}"
    printf 'JobDuration = 4\nCpusProvisioned = 1\n%s' "${end/false/true}"
  } >"$WORK/log/StartdHistoryLog"
  startd_jobs
  [[ $REPLY == 3 && $STARTD_JOB_TIME == '27000 3000' ]]
  printf 'JobDuration = x\n%s' "$end" >>"$WORK/log/StartdHistoryLog"
  startd_jobs
  [[ $REPLY == 4 && -z $STARTD_JOB_TIME ]]
}

@test "the first job is noted when the log of its starter begins, and told in seconds after the launch" {
  local day
  _STARTD_LAUNCHED=$(date -d '2026-11-24 23:59:50' +%s)
  run -1 _startd_first_job
  [[ ! -e $WORK/.glidein/startd.first_job ]]
  for day in '11/25/26 00:00:30' '11/24/26 23:59:57' '11/25/26 00:00:02'; do
    printf '%s (pid:1) ** condor_starter\n01/01/27 00:00:00 later\n' "$day" >"$WORK/log/StarterLog.slot1_${day: -1}"
  done
  echo 'no time' >"$WORK/log/StarterLog.slot1_9"
  echo '11/24/26 23:59:51 ** a test' >"$WORK/log/StarterLog.testing"
  _startd_facts || :
  [[ ${REPORT["condor.first_job_s"]} == 7 ]]
  # Put aside when it is full: what was noted stays.
  rm "$WORK"/log/StarterLog.slot1_*
  _startd_facts || :
  [[ ${REPORT["condor.first_job_s"]} == 7 ]]
}

@test "a first job before the launch is a clock that was set back: nothing is told" {
  clock_epoch
  _STARTD_LAUNCHED=$((REPLY + 1000))
  date '+%m/%d/%y %H:%M:%S ** condor_starter' >"$WORK/log/StarterLog.slot1_1"
  _startd_facts || :
  [[ ! ${REPORT["condor.first_job_s"]+x} ]]
}

@test "startd_logs: names the logs that have something to say" {
  startd_logs
  [[ -z $REPLY ]]
  echo x | tee "$WORK/log/MasterLog" "$WORK/log/StarterLog.slot1_1" "$WORK/log/StarterLog.testing" >/dev/null
  : >"$WORK/log/StartdLog"
  startd_logs
  [[ $REPLY == "$WORK/log/MasterLog"$'\n'"$WORK/log/StarterLog.slot1_1" ]]
}
