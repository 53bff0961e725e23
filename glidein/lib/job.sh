# shellcheck shell=bash
# job.sh - work in the background that can be waited for, and ended with all its children.
#
# A job has a process group of its own, so ending it ends what it started. bash runs a trap only
# after the foreground command is over; whatever may last is therefore a job and a wait.
#
# Needs:  log.sh clock.sh

declare -ga JOB_PIDS=() # jobs that were started and not yet waited for

# job_start COMMAND... - run a command or function in the background; sets JOB_PID.
#   Its standard input is empty. What a function changes in variables stays in the job.
job_start() {
  set -m # gives the job its process group
  {
    set +m
    "$@"
  } </dev/null &
  JOB_PID=$!
  set +m
  JOB_PIDS+=("$JOB_PID")
}

# job_wait PID - wait for a job; returns its exit status. A trapped signal runs its trap at
#   once; if the trap returns, the wait goes on.
job_wait() {
  local status
  while :; do
    wait "$1" 2>/dev/null
    status=$?
    # Above 128 either the job died of a signal, or a signal of ours interrupted the wait.
    if ((status <= 128)) || ! kill -0 "$1" 2>/dev/null; then
      _job_forget "$1"
      return "$status"
    fi
  done
}

# job_run COMMAND... - job_start and job_wait: COMMAND as if in the foreground, but interruptible
job_run() {
  job_start "$@"
  job_wait "$JOB_PID"
}

# job_limited SECONDS COMMAND... - job_run with a time limit, 0 for none.
#   Returns:  COMMAND's status
#             124  it was ended because its time was over
job_limited() {
  local limit=$1 pid deadline step=0
  shift
  job_start "$@"
  pid=$JOB_PID
  clock_ms
  deadline=$((REPLY + limit * 1000))
  while ((limit > 0)) && kill -0 "$pid" 2>/dev/null; do
    clock_ms
    ((REPLY < deadline)) || {
      job_end "$pid"
      return 124
    }
    # Short steps at first: most commands are quick, and none should wait for a clock.
    if ((step++ < 20)); then clock_pause 0.02; else clock_pause 0.3; fi
  done
  job_wait "$pid"
}

# job_end PID [GRACE_S] - end a job and its process group: TERM, and KILL after GRACE_S (2) seconds
job_end() {
  local pid=$1 grace=${2:-2} step
  kill -TERM -- "-$pid" 2>/dev/null
  kill -CONT -- "-$pid" 2>/dev/null # a stopped process takes no TERM
  for ((step = 0; step < grace * 20; step++)); do
    kill -0 -- "-$pid" 2>/dev/null || break
    clock_pause 0.05
  done
  kill -KILL -- "-$pid" 2>/dev/null
  wait "$pid" 2>/dev/null
  _job_forget "$pid"
}

# job_end_all - end every job that is left
job_end_all() {
  local pid
  for pid in ${JOB_PIDS[@]+"${JOB_PIDS[@]}"}; do
    job_end "$pid"
  done
}

_job_forget() {
  local pid rest=()
  for pid in ${JOB_PIDS[@]+"${JOB_PIDS[@]}"}; do
    [[ $pid == "$1" ]] || rest+=("$pid")
  done
  JOB_PIDS=(${rest[@]+"${rest[@]}"})
}
