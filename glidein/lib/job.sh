# shellcheck shell=bash
# job.sh - work in the background that can be waited for, and ended with all its children.
#
# A job has a process group of its own, so ending it ends what it started. bash runs a trap only
# after the foreground command is over; whatever may last is therefore a job and a wait.
#
# Needs:  log.sh clock.sh
#
# shellcheck disable=SC2030,SC2031  # a job begins with empty lists of its own

declare -ga JOB_PIDS=() # jobs that were started and not yet waited for
declare -ga JOB_LEFT=() # groups of jobs that are over, but left something running

# job_start COMMAND... - run a command or function in the background; sets JOB_PID.
#   Its standard input is empty. What a function changes in variables stays in the job.
job_start() {
  set -m # gives the job its process group
  {
    set +m
    trap : PIPE       # that nobody reads our log is no reason to fail
    trap '' TTIN TTOU # a terminal stops background groups; nobody would ever continue ours
    JOB_PIDS=() JOB_LEFT=()
    "$@"
  } </dev/null &
  JOB_PID=$!
  set +m
  JOB_PIDS+=("$JOB_PID")
}

# job_wait PID - wait for a job; returns its exit status. A trapped signal runs its trap at
#   once; if the trap returns, the wait goes on.
job_wait() {
  local status again
  while :; do
    wait "$1" 2>/dev/null
    status=$?
    # Above 128 either the job died of a signal, or a signal of ours interrupted the wait.
    if ((status <= 128)) || ! kill -0 "$1" 2>/dev/null; then break; fi
  done
  # Interrupted, and over all the same: bash mostly still knows its status (else it says 255).
  if ((status > 128)); then
    wait "$1" 2>/dev/null
    again=$?
    ((again == 127)) || status=$again
  fi
  _job_forget "$1"
  return "$status"
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
  local limit=$1 pid deadline pause step=2
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
    printf -v pause '0.%03d' "$step"
    clock_pause "$pause"
    ((step = step < 200 ? step * 3 / 2 : 300))
  done
  job_wait "$pid"
}

# job_end PID [GRACE_S] - end a job and its process group: TERM, and KILL after GRACE_S (2) seconds
job_end() { _job_end_groups "${2:-2}" "$1"; }

# job_end_all - end every job of this shell, and what earlier ones left running
job_end_all() {
  local pid groups=()
  set +m # a signal may have come in the midst of job_start, before JOB_PIDS knew of the job
  for pid in ${JOB_PIDS[@]+"${JOB_PIDS[@]}"} $(jobs -p); do
    [[ " ${groups[*]-} " == *" $pid "* ]] || groups+=("$pid")
  done
  for pid in ${JOB_LEFT[@]+"${JOB_LEFT[@]}"}; do
    _job_alive "$pid" && groups+=("$pid")
  done
  ((${#groups[@]} == 0)) || _job_end_groups 2 "${groups[@]}"
  JOB_LEFT=()
}

# _job_end_groups GRACE_S PID... - TERM to all, one grace for all, KILL; then collect them
_job_end_groups() {
  local grace=$1 pid deadline alive
  shift
  for pid; do
    kill -TERM -- "-$pid"
    kill -CONT -- "-$pid" # a stopped process takes no TERM
  done 2>/dev/null
  clock_ms
  deadline=$((REPLY + grace * 1000))
  while clock_ms && ((REPLY < deadline)); do
    alive=
    for pid; do
      _job_alive "$pid" && alive=$pid && break
    done
    [[ -n $alive ]] || break
    clock_pause 0.05
  done
  for pid; do
    kill -KILL -- "-$pid" 2>/dev/null
  done
  clock_ms
  deadline=$((REPLY + 2000))
  for pid; do
    while ! _job_is_over "$pid" && clock_ms && ((REPLY < deadline)); do
      clock_pause 0.05
    done
    # One that hangs in the kernel dies when it comes back, not sooner: nobody waits for that.
    if _job_is_over "$pid"; then
      wait "$pid" 2>/dev/null
    else
      log_warn "process $pid does not end, even by SIGKILL"
    fi
    _job_forget "$pid"
  done
}

# _job_is_over PID - is that process gone, or dead and only not collected yet? While it runs a trap,
#   bash collects none by itself.
_job_is_over() {
  local stat
  kill -0 "$1" 2>/dev/null || return 0
  { IFS= read -r stat <"/proc/$1/stat"; } 2>/dev/null || return 1
  [[ ${stat##*) } == [ZX]* ]]
}

# _job_forget PID - a job is over; remember its group if something in it is still running
_job_forget() {
  local pid rest=()
  for pid in ${JOB_PIDS[@]+"${JOB_PIDS[@]}"}; do
    [[ $pid == "$1" ]] || rest+=("$pid")
  done
  JOB_PIDS=(${rest[@]+"${rest[@]}"})
  ! _job_alive "$1" || JOB_LEFT+=("$1")
}

# _job_alive GROUP - does a process of this group live, in our session?  One that is dead, but was
#   not collected (a container may have nobody who does), counts no more. Nor does a group of another
#   session: in the hours since we saw ours last, its number may have gone to somebody else.
_job_alive() {
  local file stat field session=
  kill -0 -- "-$1" 2>/dev/null || return 1
  for file in /proc/self/stat /proc/[1-9]*/stat; do
    { IFS= read -r stat <"$file"; } 2>/dev/null || continue
    # shellcheck disable=SC2206  # splitting is the point
    field=(${stat##*) }) # state, parent, group, session
    : "${session:=${field[3]}}"
    [[ ${field[2]} == "$1" && ${field[3]} == "$session" && ${field[0]} != [ZX] ]] && return 0
  done
  return 1
}
