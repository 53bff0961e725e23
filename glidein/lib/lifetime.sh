# shellcheck shell=bash
# lifetime.sh - when the glidein stops taking jobs, and when it ends at the latest.
#
# The factory says how long (GLIDEIN_Max_Walltime, or GLIDEIN_Retire_Time); batch system and site may
# say less, never more; so may a credential that ends.
#
# Needs:     log.sh clock.sh config.sh report.sh knob.sh vars.sh batch.sh mjf.sh credentials.sh
# Reads:     LIFETIME_{UPDATE_S,MIN_RETIRE_S,LENIENT}; BATCH_END, MJF_END, CREDENTIALS_EXPIRE; SECONDS,
#            counted since the script's start
# Sets:      LIFETIME_{TO_RETIRE,TO_DIE,GRACEFUL_S,FROM}
#
# shellcheck disable=SC2016  # $(NAME) is HTCondor's here, not the shell's

: "${LIFETIME_UPDATE_S:=370}"     # seconds: longest time between two looks of the startd at itself
: "${LIFETIME_MIN_RETIRE_S:=600}" # seconds: a glidein that takes jobs for less than this is no use
: "${LIFETIME_LENIENT:=}"         # not empty: nothing will run, so that no time is too short

# lifetime_compute - when the glidein stops taking jobs (retires) and when it ends at the latest.
#   A walltime counts from the start of glidein_startup.sh. The spread lets glideins that started
#   together end apart.
#   Returns:  0;  1 too little time is left to take jobs, or a value is no number
lifetime_compute() {
  local now walltime='' retire die job_max spread='' random=$((RANDOM % 100))
  clock_epoch
  now=$REPLY
  vars_number GLIDEIN_Graceful_Shutdown || return 1
  LIFETIME_GRACEFUL_S=$REPLY
  vars_number GLIDEIN_Job_Max_Time || return 1
  job_max=$REPLY
  if [[ -n ${VARS_VALUE[GLIDEIN_Retire_Time_Spread]-} ]]; then
    vars_number GLIDEIN_Retire_Time_Spread || return 1
    spread=$REPLY
  fi
  if [[ -n ${VARS_VALUE[GLIDEIN_Max_Walltime]-} ]]; then
    vars_number GLIDEIN_Max_Walltime || return 1
    walltime=$REPLY
    LIFETIME_FROM="from GLIDEIN_Max_Walltime=$walltime"
    _lifetime_within "$((walltime - SECONDS))" "$job_max" "$spread" || return 1
  else
    vars_number GLIDEIN_Retire_Time || return 1
    retire=$REPLY
    die=$((retire + job_max))
    LIFETIME_FROM="from GLIDEIN_Retire_Time=$retire"
  fi
  _lifetime_site "$now" || return 1
  _lifetime_credentials "$now" || return 1

  : "${spread:=$((retire / 10))}"
  ((spread > 0)) || spread=0
  spread=$((spread * random / 100))
  # A short life is not made shorter.
  ((retire - spread >= LIFETIME_MIN_RETIRE_S)) || spread=0
  retire=$((retire - spread))
  die=$((die - spread))
  ((retire >= LIFETIME_MIN_RETIRE_S)) || [[ -n $LIFETIME_LENIENT ]] \
    || log_fail 1 "would take jobs for $retire seconds ($LIFETIME_FROM): less than $LIFETIME_MIN_RETIRE_S" || return $?
  LIFETIME_FROM+=", GLIDEIN_Job_Max_Time=$job_max, GLIDEIN_Graceful_Shutdown=$LIFETIME_GRACEFUL_S, spread=$spread"
  LIFETIME_TO_RETIRE=$((now + retire))
  LIFETIME_TO_DIE=$((now + die))
  report_fact lifetime.to_retire "$LIFETIME_TO_RETIRE"
  report_fact lifetime.to_die "$LIFETIME_TO_DIE"
  report_fact lifetime.source "$LIFETIME_FROM"
}

# lifetime_configure - the times as facts that every slot shows
lifetime_configure() {
  knob_title 'how long'
  knob_set GLIDEIN_ToRetire "$LIFETIME_TO_RETIRE" "computed: $LIFETIME_FROM" || return 1
  knob_set GLIDEIN_ToDie "$LIFETIME_TO_DIE" "computed: $LIFETIME_FROM" || return 1
  knob_set GLIDEIN_Expire '$(GLIDEIN_ToDie)' "computed: $LIFETIME_FROM" || return 1
  knob_set DaemonStopTime '$(GLIDEIN_ToDie)' "computed: $LIFETIME_FROM" || return 1
  vars_advertise GLIDEIN_ToRetire GLIDEIN_ToDie GLIDEIN_Expire DaemonStopTime
}

# _lifetime_within SECONDS JOB_MAX SPREAD - set the caller's die, retire and job_max, in seconds from now,
#   such that all is over SECONDS from now, however late the startd looks at its clock and however
#   long it takes to say good-bye.
#   Returns:  0;  1 that leaves no time for a job
_lifetime_within() {
  local most=$(($1 - LIFETIME_GRACEFUL_S - ${3:-66} - LIFETIME_UPDATE_S - LIFETIME_MIN_RETIRE_S))
  job_max=$2
  ((job_max <= most)) || job_max=$most
  if ((job_max <= 0)); then
    [[ -n $LIFETIME_LENIENT ]] || log_fail 1 "no time for a job: $1 seconds are left ($LIFETIME_FROM)" || return $?
    job_max=0
  fi
  die=$(($1 - LIFETIME_UPDATE_S - LIFETIME_GRACEFUL_S))
  retire=$((die - job_max))
}

# _lifetime_site NOW - see that the end is no later than batch system and site say
_lifetime_site() {
  local now=$1 end from before=$retire
  for end in "$BATCH_END $BATCH_END_FROM" "$MJF_END $MJF_END_FROM"; do
    from=${end#* } end=${end%% *}
    [[ -n $end ]] && ((now + die + LIFETIME_UPDATE_S + LIFETIME_GRACEFUL_S > end)) || continue
    LIFETIME_FROM="from $from=$end"
    _lifetime_within "$((end - now))" "$job_max" "$spread" || return 1
    ((retire <= before)) || retire=$before
  done
}

# _lifetime_credentials NOW - a credential that ends ends us, where it is not to be ignored or is all but over
_lifetime_credentials() {
  local left ignore
  [[ -n $CREDENTIALS_EXPIRE ]] || return 0
  left=$((CREDENTIALS_EXPIRE - $1 - 300))
  ((die > left)) || return 0
  config_get GLIDEIN_Ignore_X509_Duration True
  ignore=$REPLY
  if ((left >= 900)) && [[ $ignore != [Ff][Aa][Ll][Ss][Ee] ]]; then
    log_info "the credential ends in $((left + 300)) seconds, the glidein in $die: it is taken to be renewed"
    return 0
  fi
  LIFETIME_FROM="from the end of $CREDENTIALS_EXPIRE_FROM=$CREDENTIALS_EXPIRE"
  retire=$((retire - (die - left)))
  die=$left
}
