# shellcheck shell=bash
# startd.sh - run HTCondor: launch its master, watch it, pass on what we are told, say how it ended.
#
# The master has a process group of its own. A job beside it watches for what HTCondor cannot know:
# that the pool never saw us, that the site will shut the node down, that a credential was renewed, or
# that our time is over and it does not go. When the master has ended, nothing that it or a user's job started is left: it all carries our mark.
#
# Needs:     log.sh clock.sh job.sh config.sh report.sh configure.sh credentials.sh mjf.sh
# Commands:  condor_master, condor_status; awk; rm, readlink, date (coreutils)
# Reads:     WORK, CONDOR_DIR, CONFIGURE_{NAME,TO_RETIRE,TO_DIE,GRACEFUL_S}; STARTD_*_S
# Sets:      STARTD_PID (the master's; empty before the launch, 0 after the end), STARTD_STATUS,
#            STARTD_JOB_TIME

: "${STARTD_FAST_S:=20}"  # seconds HTCondor may take to stop when told to be fast; then it is killed
: "${STARTD_FIRST_S:=4}"  # seconds after which the pool is first asked whether it knows us
: "${STARTD_LOOK_S:=10}"  # seconds between two looks at the clock
: "${STARTD_QUERY_S:=30}" # seconds a question to the pool may take
: "${STARTD_RENEW_S:=60}" # seconds between two looks at credentials and at what the site announces

STARTD_PID=
STARTD_STATUS= # the master's exit status, once it has ended
STARTD_TOLD=   # how we first told it to stop

# startd_launch - start condor_master with $WORK/condor_config in the background, and the watch.
#   Returns:  0  it was started; startd_wait tells whether it stays
#             1  there is no condor_master to start
startd_launch() {
  local program=$CONDOR_DIR/sbin/condor_master
  [[ -x $program ]] || log_fail 1 "not a program: $program" || return $?
  STARTD_STATUS='' STARTD_TOLD=''
  clock_epoch
  _STARTD_LAUNCHED=$REPLY
  # With job control on, a background command gets a process group of its own, and signals as usual.
  set -m
  {
    set +m
    startd_environment
    exec "$program" -f
  } </dev/null >"$WORK/log/master.out" 2>&1 &
  STARTD_PID=$!
  set +m
  report_fact condor.name "$CONFIGURE_NAME" # by which the pool knows this glidein
  log_info "started condor_master pid=$STARTD_PID"
  job_start _startd_watch "$STARTD_PID"
  _STARTD_WATCH=$JOB_PID
}

# startd_wait - wait until HTCondor has ended, and see that nothing of it is left.
#   Returns:  0  it has ended
#             1  a trapped signal came first; call again
startd_wait() {
  local status again
  [[ -n $STARTD_PID && $STARTD_PID != 0 ]] || return 0
  wait "$STARTD_PID" 2>/dev/null
  status=$?
  if ((status > 128)); then
    ! kill -0 "$STARTD_PID" 2>/dev/null || return 1
    # A signal came and the master has ended: bash mostly still knows how.
    wait "$STARTD_PID" 2>/dev/null
    again=$?
    ((again == 127)) || status=$again
  fi
  STARTD_PID=0
  STARTD_STATUS=$status
  job_end "$_STARTD_WATCH"
  log_info "condor_master ended status=$status"
  startd_sweep
  _startd_facts
  startd_cause
  # A startd that was killed said no good-bye; of one that left by itself the last update may arrive
  # after its good-bye (seen with 23.9 and 25.14). Who is told to stop has no time for that.
  case $REPLY in
    idle | retired | drained | checked | killed | crashed) _startd_good_bye ;;
    told_to_stop) [[ ! -e $WORK/condor_config.d/zzzz_retire ]] || _startd_good_bye ;;
  esac
}

# startd_stop HOW - pass on that the glidein is to end.
#   graceful  jobs get GLIDEIN_Graceful_Shutdown seconds; returns at once: call startd_wait
#   peaceful  no new job is taken, running ones may finish; returns at once as well
#   fast      jobs are killed; returns when HTCondor has ended, if need be by force
startd_stop() {
  [[ -n $STARTD_PID && $STARTD_PID != 0 ]] || return 0
  : "${STARTD_TOLD:=$1}"
  case $1 in
    graceful) job_start _startd_end "$STARTD_PID" TERM "$LIFETIME_GRACEFUL_S" ;;
    peaceful) _startd_retire ;;
    *)
      job_start _startd_end "$STARTD_PID" QUIT 0
      until startd_wait; do :; done
      ;;
  esac
}

# startd_cause - set REPLY to why HTCondor ended: idle, retired, drained (the site shuts the node down),
#   checked (a rehearsal without jobs), told_to_stop, killed, crashed, never_registered or
#   could_not_start
startd_cause() {
  local told=''
  { read -r told <"$WORK/.glidein/startd.why"; } 2>/dev/null
  if [[ -n $STARTD_TOLD ]]; then
    REPLY=told_to_stop
  elif [[ -n $told ]]; then
    REPLY=$told
  elif [[ ! -s $WORK/log/StartdLog ]]; then
    REPLY=could_not_start
  elif ((STARTD_STATUS == 137)); then
    REPLY=killed
  elif ((STARTD_STATUS > 128)); then
    REPLY=crashed
  else
    _startd_cause_logged
  fi
}

# startd_jobs - set REPLY to the number of jobs that ran here, and STARTD_JOB_TIME to "ALL GOOD": core-milliseconds
#   of all of them, and of those that ended with exit code 0; to nothing when that is not known of one.
#   The startd's history has a line that begins with *** after each job's attributes.
startd_jobs() {
  local file files=()
  STARTD_JOB_TIME='' REPLY=0
  for file in "$WORK"/log/StartdHistoryLog*; do
    [[ ! -f $file ]] || files+=("$file")
  done
  ((${#files[@]} > 0)) || return 0
  # shellcheck disable=SC2016  # awk's own variables
  read -r REPLY STARTD_JOB_TIME < <(awk '
    $2 == "=" && $1 ~ /^(JobDuration|CpusProvisioned|ExitCode|ExitBySignal)$/ && NF == 3 { job[$1] = $3 }
    /^\*\*\* / {
      count++
      unknown += !(job["JobDuration"] ~ number && job["CpusProvisioned"] ~ number)
      ms = job["JobDuration"] * job["CpusProvisioned"] * 1000
      all += ms
      if (job["ExitCode"] == "0" && job["ExitBySignal"] == "false") good += ms
      delete job["JobDuration"]; delete job["CpusProvisioned"]; delete job["ExitCode"]; delete job["ExitBySignal"]
    }
    BEGIN { number = "^[0-9]+([.][0-9]+)?([eE][+-]?[0-9]+)?$" }
    END { printf "%d", count; if (!unknown) printf " %.0f %.0f", all, good; print "" }' "${files[@]}")
  [[ $REPLY =~ ^[0-9]+$ ]] || REPLY=0
}

# startd_logs - set REPLY to the paths of HTCondor's logs that are worth sending home, one a line
startd_logs() {
  local file logs=''
  for file in "${WORK:-}"/log/{master.out,MasterLog,StartdLog,StarterLog*,SharedPortLog,StartdHistoryLog}; do
    [[ ! -s $file || $file == */StarterLog.testing ]] || logs+=$file$'\n'
  done
  REPLY=${logs%$'\n'}
}

# startd_sweep - end every process that carries our mark or works in our folder for jobs.
#   Daemons that lost their master get a moment to say good-bye; the rest is killed.
#   Returns:  0;  1 some are left; the log has their ids
startd_sweep() {
  local step pid
  for ((step = 0; step < 100; step++)); do
    _startd_left
    [[ -n $REPLY ]] || return 0
    if ((step == 0)); then
      log_warn "still running after condor_master:$REPLY"
    fi
    for pid in $REPLY; do
      if ((step < 50)) && _startd_is_daemon "$pid"; then
        ((step > 0)) || kill -QUIT "$pid" 2>/dev/null
      else
        kill -KILL "$pid" 2>/dev/null
      fi
    done
    clock_pause 0.1
  done
  log_fail 1 "cannot end processes:$REPLY"
}

# --- the job beside the master ---------------------------------------------------------------

# _startd_watch PID - a job: stop the master when the pool does not know us in time, when our time is
#   over, and in a rehearsal as soon as the pool knows us. $WORK/.glidein/startd.why tells startd_cause.
_startd_watch() {
  local pid=$1 started now wait why limit query known='' next=$STARTD_FIRST_S look=$STARTD_RENEW_S rehearsal first=''
  config_get DEBUG_MODE 0
  rehearsal=$REPLY
  _STARTD_TO_DIE=$LIFETIME_TO_DIE
  config_get GLIDEIN_Register_Timeout 300
  limit=$REPLY
  [[ $limit =~ ^[1-9][0-9]{0,5}$ ]] || limit=300
  clock_epoch
  started=$REPLY
  while kill -0 "$pid" 2>/dev/null; do
    clock_epoch
    now=$((REPLY - started))
    if [[ -z $known ]] && ((now >= next)); then
      # A pool that does not answer must not hold the slot much longer than its limit.
      query=$((limit - now))
      ((query >= 5)) || query=5
      ((query <= STARTD_QUERY_S)) || query=$STARTD_QUERY_S
      if _startd_registered "$query"; then
        known=1
        printf '%s\n' "$now" >"$WORK/.glidein/startd.registered"
        log_info "the pool knows us: seconds=$now"
        if [[ $rehearsal == 2 ]]; then
          printf 'checked\n' >"$WORK/.glidein/startd.why"
          _startd_end "$pid" QUIT 0
          return $?
        fi
      elif ((now >= limit)); then
        why=$REPLY
        if _startd_complains; then why+="; the startd says: $REPLY"; fi
        log_error "the pool has not seen this glidein after $now seconds: $why"
        printf 'never_registered\n' >"$WORK/.glidein/startd.why"
        _startd_end "$pid" QUIT 0
        return $?
      else
        log_warn "the pool has not seen this glidein yet: seconds=$now: $REPLY"
        ((next *= 2, next < limit)) || next=$limit
      fi
    fi
    [[ -n $first ]] || ! _startd_first_job || first=1
    if ((now >= look)); then
      look=$((now + STARTD_RENEW_S))
      credentials_refresh || :
      ! mjf_look_again || _startd_announced "$pid"
    fi
    clock_epoch
    if ((REPLY >= LIFETIME_TO_DIE)); then
      log_info "time is over: GLIDEIN_ToDie=$LIFETIME_TO_DIE"
      if [[ -n $MJF_SHUTDOWN ]]; then why=drained; else why=retired; fi
      printf '%s\n' "$why" >"$WORK/.glidein/startd.why"
      _startd_end "$pid" TERM "$LIFETIME_GRACEFUL_S"
      return $?
    fi
    wait=$((LIFETIME_TO_DIE - REPLY))
    ((wait <= STARTD_LOOK_S)) || wait=$STARTD_LOOK_S
    ((wait <= look - now)) || wait=$((look - now))
    [[ -n $known ]] || ((wait <= next - now)) || wait=$((next - now))
    ((wait > 0)) || wait=1
    clock_pause "$wait"
  done
}

# _startd_first_job - note in $WORK/.glidein/startd.first_job when the first job came (epoch): the log of its
#   starter begins then. To be looked at soon, for that log is put aside when it is full.
#   Returns:  0  noted;  1  no job came, or a log does not begin with a time
_startd_first_job() {
  local file line first=''
  for file in "$WORK"/log/StarterLog.slot*; do
    line=
    { IFS= read -r line <"$file"; } 2>/dev/null
    [[ $line =~ ^([0-9]{2})/([0-9]{2})/([0-9]{2})\ ([0-9]{2}:[0-9]{2}:[0-9]{2}) ]] || continue
    line="20${BASH_REMATCH[3]}-${BASH_REMATCH[1]}-${BASH_REMATCH[2]} ${BASH_REMATCH[4]}"
    [[ -n $first && ! $line < $first ]] || first=$line
  done
  [[ -n $first ]] && first=$(date -d "$first" +%s 2>/dev/null) && [[ $first =~ ^[0-9]+$ ]] \
    && printf '%s\n' "$first" >"$WORK/.glidein/startd.first_job"
}

# _startd_registered SECONDS - does the pool know our startd? A job that came is proof as well.
#   Returns:  0;  1 no, and REPLY says what was answered
_startd_registered() {
  local file answer status
  for file in "$WORK"/log/StarterLog.slot*; do
    [[ ! -e $file ]] || return 0
  done
  answer=$(
    startd_environment
    job_limited "$1" "$CONDOR_DIR/bin/condor_status" -limit 1 -af Name \
      -constraint "regexp(\"^$CONFIGURE_NAME@\", GLIDEIN_MASTER_NAME)" 2>&1
  )
  status=$?
  [[ $answer != *"$CONFIGURE_NAME"* ]] || return 0
  if [[ $answer == *DENIED* ]] && ! _startd_complains; then
    log_warn "this glidein may not ask the pool; the startd has no complaint"
    return 0
  fi
  REPLY=${answer//$'\n'/; }
  [[ -n $REPLY ]] || REPLY="condor_status: no such startd, status=$status"
  return 1
}

# _startd_complains - has the startd logged that it cannot reach or convince the collector?
#   Returns:  0 and REPLY is the last reason it gave;  1 no
_startd_complains() {
  local line reason=''
  while IFS= read -r line; do
    case $line in
      *'ERROR: '* | *'Failed to start non-blocking update'* | *'attempt to connect to '*' failed'* | *DENIED*)
        reason=${line#*:*:* }
        ;;
    esac
  done 2>/dev/null <"$WORK/log/StartdLog"
  REPLY=$reason
  [[ -n $reason ]]
}

# _startd_end PID SIGNAL GRACE_S - a job: send SIGNAL to the master; QUIT after GRACE_S seconds, which
#   makes it fast; KILL after STARTD_FAST_S more
_startd_end() {
  local pid=$1 signal=$2 grace=$3 step
  kill "-$signal" "$pid" 2>/dev/null
  for ((step = 0; step < (grace + STARTD_FAST_S) * 5; step++)); do
    kill -0 "$pid" 2>/dev/null || return 0
    if ((grace > 0 && step == grace * 5)); then
      log_warn "not gone after $grace seconds: making HTCondor fast"
      kill -QUIT "$pid" 2>/dev/null
    fi
    clock_pause 0.2
  done
  log_warn "not gone after $STARTD_FAST_S more seconds: killing condor_master"
  kill -KILL "$pid" 2>/dev/null
}

# _startd_retire - make the startd retire now: what it would do at GLIDEIN_ToRetire
_startd_retire() {
  clock_epoch
  # Master and startd look whether it is time to leave when they send their ads; at most every half
  # minute, since whole factories may be told at once.
  printf '# told to stop peacefully\n%s = %s\n' GLIDEIN_ToRetire "$REPLY" UPDATE_INTERVAL 30 \
    MASTER_UPDATE_INTERVAL 30 >"$WORK/condor_config.d/zzzz_retire" \
    || log_fail 1 "cannot write $WORK/condor_config.d/zzzz_retire" || return $?
  kill -HUP "$STARTD_PID" 2>/dev/null
}

# _startd_announced PID - the site has announced a shutdown, or called it off: jobs stay away, and leave when
#   it is near; we are gone before it
_startd_announced() {
  local draining=False earlier='' now
  LIFETIME_TO_DIE=$_STARTD_TO_DIE
  if [[ -n $MJF_SHUTDOWN ]]; then
    draining=True
    clock_epoch
    now=$REPLY
    ((MJF_SHUTDOWN - LIFETIME_GRACEFUL_S - 60 >= LIFETIME_TO_DIE)) || LIFETIME_TO_DIE=$((MJF_SHUTDOWN - LIFETIME_GRACEFUL_S - 60))
    ((LIFETIME_TO_DIE > now)) || LIFETIME_TO_DIE=$((now + 1))
    printf -v earlier 'GLIDEIN_ToDie = %s\n' "$LIFETIME_TO_DIE"
    ((LIFETIME_TO_RETIRE <= LIFETIME_TO_DIE)) || earlier+="GLIDEIN_ToRetire = $LIFETIME_TO_DIE"$'\n'
    log_warn "the site will shut this node down at $MJF_SHUTDOWN: no new jobs, preempt=$MJF_PREEMPT to_die=$LIFETIME_TO_DIE"
    printf 'The site will shut this node down at %s: no new jobs are taken.\n' "$MJF_SHUTDOWN" >"$WORK/exit_message"
    : >"$WORK/.glidein/startd.draining"
  else
    log_info "the site has called the shutdown off"
    : >"$WORK/exit_message"
    rm -f -- "$WORK/.glidein/startd.draining" "$WORK/exit_message"
  fi
  # A glidein that retires, too, has a file that is read after this one.
  printf '# announced by the site\nSiteWMS_WN_Draining = %s\nSiteWMS_WN_Preempt = %s\n%s' \
    "$draining" "$MJF_PREEMPT" "$earlier" >"$WORK/condor_config.d/zzzy_site" \
    || log_fail 1 "cannot write $WORK/condor_config.d/zzzy_site" || return $?
  kill -HUP "$1" 2>/dev/null
}

# --- the end ---------------------------------------------------------------------------------

# _startd_cause_logged - set REPLY to the cause that the logs of a master that ended by itself give
_startd_cause_logged() {
  local line cause=''
  while IFS= read -r line; do
    case $line in
      *'The STARTD '*'signal 9'*) cause=killed ;;
      *'The STARTD '*' died '* | *'The STARTD '*' was killed '*) cause=crashed ;;
      *'The STARTD '*' exited with status 0'* | *'The STARTD '*' exited with status 99'*) ;;
      *'The STARTD '*' exited with status '*) cause=crashed ;;
      *'Got SIGTERM'* | *'Got SIGQUIT'*) cause=${cause:-told_to_stop} ;;
    esac
  done 2>/dev/null <"$WORK/log/MasterLog"
  if [[ $cause != killed && $cause != crashed ]]; then
    while IFS= read -r line; do
      case $line in
        *'The DaemonShutdown'*'expression'*) cause=idle ;;
        *'No resources have been claimed for '*) cause=idle ;; # STARTD_NOCLAIM_SHUTDOWN
      esac
    done 2>/dev/null <"$WORK/log/StartdLog"
  fi
  if [[ $cause == idle ]]; then
    clock_epoch
    ((REPLY < LIFETIME_TO_RETIRE)) || cause=retired
    [[ -z ${MJF_SHUTDOWN:-} && ! -e $WORK/.glidein/startd.draining ]] || cause=drained
  fi
  REPLY=${cause:-crashed}
}

# _startd_good_bye - tell the pool what a startd that died could not: that its slots are gone. The
#   pool would go on sending them jobs for a quarter of an hour. Of those whose last word may be lost
#   it does no harm.
_startd_good_bye() {
  local kind answer
  for kind in Machine:STARTD DaemonMaster:MASTER; do
    printf 'MyType = "Query"\nTargetType = "%s"\nRequirements = regexp("^%s@", GLIDEIN_MASTER_NAME)\n' \
      "${kind%:*}" "$CONFIGURE_NAME" >"$WORK/.glidein/good_bye" || return 0
    answer=$(
      startd_environment
      job_limited "$STARTD_FAST_S" "$CONDOR_DIR/sbin/condor_advertise" -multiple "INVALIDATE_${kind#*:}_ADS" "$WORK/.glidein/good_bye" 2>&1
    ) || log_warn "could not tell the pool that the slots are gone: $answer"
  done
}

# _startd_facts - what the report should know of this run
_startd_facts() {
  local seconds=''
  clock_epoch
  report_fact condor.seconds "$((REPLY - _STARTD_LAUNCHED))"
  report_fact condor.status "$STARTD_STATUS"
  { read -r seconds <"$WORK/.glidein/startd.registered"; } 2>/dev/null
  [[ -z $seconds ]] || report_fact condor.registered_s "$seconds"
  seconds=''
  [[ -s $WORK/.glidein/startd.first_job ]] || _startd_first_job || :
  { read -r seconds <"$WORK/.glidein/startd.first_job"; } 2>/dev/null
  # Before the launch is a clock that was set back: nobody knows then.
  [[ -z $seconds ]] || ((seconds < _STARTD_LAUNCHED)) || report_fact condor.first_job_s "$((seconds - _STARTD_LAUNCHED))"
  _startd_unreached
}

# _startd_unreached - where no job came: say so if HTCondor could not reach a queue or a broker that it was to
#   connect to. With CCB that is for the startd to do, and only its log knows.
_startd_unreached() {
  local line count=0 last=''
  startd_jobs
  [[ $REPLY == 0 ]] || return 0
  while IFS= read -r line; do
    case $line in
      *'failed to create reversed connection'* | *'Failed to reach '*' via outbound CCB'*) last=${line#*:*:* } count=$((count + 1)) ;;
    esac
  done 2>/dev/null <"$WORK/log/StartdLog"
  ((count > 0)) || return 0
  report_fact condor.unreached "$count"
  log_warn "no job came: others were out of reach $count times, the last: ${last//[![:print:]]/?}"
}

# startd_environment - in a subshell: no setting of an outer HTCondor, our configuration, our mark
startd_environment() {
  local name
  for name in "${!_CONDOR_@}" "${!CONDOR_@}"; do
    case $name in
      # By these an outer HTCondor finds what belongs to its job.
      _CONDOR_ANCESTOR_*) ;;
      # What we still need goes in as a variable of the shell only.
      CONDOR_DIR) export -n CONDOR_DIR ;;
      *) unset "$name" ;;
    esac
  done
  # Jobs may inherit what the daemons have: no way to the credentials that are not theirs.
  unset X509_USER_PROXY X509_USER_CERT X509_USER_KEY BEARER_TOKEN BEARER_TOKEN_FILE IDTOKENS_FILE JOB_TOKENS
  unset LC_ALL # ours; LANG=C is what a job may expect
  export CONDOR_CONFIG=$WORK/condor_config GLIDEIN_MARK=$CONFIGURE_NAME
}

# _startd_left - set REPLY to the ids of processes of ours: marked, or working below execute
_startd_left() {
  local path pid link left=''
  for path in /proc/[1-9]*; do
    pid=${path#/proc/}
    [[ -O $path && $pid != "$$" && $pid != "${BASHPID:-}" ]] || continue
    if _startd_marked "$pid" && ! _startd_is_dead "$pid"; then left+=" $pid"; fi
  done
  REPLY=$left
}

# _startd_marked PID - does its environment have our mark?
_startd_marked() {
  local entry
  while IFS= read -r -d '' entry; do
    [[ $entry != "GLIDEIN_MARK=$CONFIGURE_NAME" ]] || return 0
  done 2>/dev/null <"/proc/$1/environ"
  return 1
}

# _startd_is_dead PID - is it gone, or only waiting to be noticed by its parent?
_startd_is_dead() {
  local stat=''
  { read -r stat <"/proc/$1/stat"; } 2>/dev/null
  stat=${stat##*) }
  [[ -z $stat || $stat == [ZX]* ]]
}

# _startd_is_daemon PID - is it one of HTCondor's?
_startd_is_daemon() {
  local name=''
  { read -r name <"/proc/$1/comm"; } 2>/dev/null
  [[ $name == condor_* ]]
}
