# shellcheck shell=bash
# lifetime.sh - when the glidein stops taking jobs, and when it ends at the latest.
#
# Needs:     log.sh clock.sh vars.sh
# Reads:     LIFETIME_{UPDATE_S,MIN_RETIRE_S}; SECONDS, counted since the script's start
# Sets:      LIFETIME_{TO_RETIRE,TO_DIE,GRACEFUL_S,FROM}

: "${LIFETIME_UPDATE_S:=370}"     # seconds: longest time between two looks of the startd at itself
: "${LIFETIME_MIN_RETIRE_S:=600}" # seconds: a glidein that takes jobs for less than this is no use

# lifetime_compute - when the glidein stops taking jobs (retires) and when it ends at the latest.
#   A walltime counts from the start of glidein_startup.sh. The spread lets glideins that started
#   together end apart.
#   Returns:  0;  1 too little time is left to take jobs, or a value is no number
lifetime_compute() {
  local now die retire job_max walltime='' spread='' random=$((RANDOM % 100))
  vars_number GLIDEIN_Graceful_Shutdown || return 1
  LIFETIME_GRACEFUL_S=$REPLY
  vars_number GLIDEIN_Job_Max_Time || return 1
  job_max=$REPLY
  if [[ -n ${VARS_VALUE[GLIDEIN_Max_Walltime]-} ]]; then
    vars_number GLIDEIN_Max_Walltime || return 1
    walltime=$REPLY
  fi
  if [[ -n ${VARS_VALUE[GLIDEIN_Retire_Time_Spread]-} ]]; then
    vars_number GLIDEIN_Retire_Time_Spread || return 1
    spread=$REPLY
  fi
  if [[ -n $walltime ]]; then
    LIFETIME_FROM="from GLIDEIN_Max_Walltime=$walltime"
    die=$((walltime - LIFETIME_UPDATE_S - LIFETIME_GRACEFUL_S))
    retire=$((walltime - LIFETIME_GRACEFUL_S - ${spread:-66} - LIFETIME_UPDATE_S - LIFETIME_MIN_RETIRE_S))
    ((job_max <= retire)) || job_max=$retire
    ((job_max > 0)) || log_fail 1 "GLIDEIN_Max_Walltime=$walltime leaves no time for a job" || return $?
    retire=$((die - job_max))
  else
    vars_number GLIDEIN_Retire_Time || return 1
    retire=$REPLY
    LIFETIME_FROM="from GLIDEIN_Retire_Time=$retire"
    die=$((retire + job_max))
  fi
  spread=$((${spread:-$((retire / 10))} * random / 100))
  retire=$((retire - spread))
  die=$((die - spread))
  ((retire >= LIFETIME_MIN_RETIRE_S)) \
    || log_fail 1 "would take jobs for $retire seconds ($LIFETIME_FROM): less than $LIFETIME_MIN_RETIRE_S" || return $?
  LIFETIME_FROM+=", GLIDEIN_Job_Max_Time=$job_max, GLIDEIN_Graceful_Shutdown=$LIFETIME_GRACEFUL_S, spread=$spread"
  clock_epoch
  now=$REPLY
  [[ -z $walltime ]] || now=$((now - SECONDS))
  LIFETIME_TO_RETIRE=$((now + retire))
  LIFETIME_TO_DIE=$((now + die))
}
