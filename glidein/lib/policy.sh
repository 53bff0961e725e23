# shellcheck shell=bash
# policy.sh - which jobs the startd takes, until when, and when it has done its work.
#
# Needs:     log.sh config.sh knob.sh vars.sh lifetime.sh slots.sh resource_slots.sh
# Reads:     LIFETIME_{GRACEFUL_S,UPDATE_S}; SLOTS_KINDS, RESOURCE_SLOTS_START
#
# shellcheck disable=SC2016,SC1003  # $(NAME) and backslashes are HTCondor's here, not the shell's

# policy_defaults - what a community's own variables, which come after it, may change: whether jobs are
#   suspended or killed
policy_defaults() {
  knob_title 'jobs, unless variables say otherwise'
  knob_set SUSPEND False 'default' || return 1
  knob_set WANT_SUSPEND False 'default' || return 1
  knob_set KILL False 'default'
}

# policy_configure - which jobs, and when it ends
policy_configure() {
  knob_title 'which jobs'
  _policy_blackhole || return 1
  _policy_start || return 1
  _policy_rank || return 1
  _policy_preempt || return 1
  knob_set IsOwner False 'fixed: the slot is ours' || return 1
  knob_set JOB_RENICE_INCREMENT 0 'fixed: the slot is ours' || return 1
  knob_set RunBenchmarks False 'fixed: the cores are for jobs' || return 1
  knob_set CLAIM_WORKLIFE "ifThenElse(DynamicSlot =?= True, \$(GLIDEIN_CLAIM_WORKLIFE_DYNAMIC), \$(GLIDEIN_CLAIM_WORKLIFE))" \
    'composed of GLIDEIN_CLAIM_WORKLIFE_DYNAMIC and GLIDEIN_CLAIM_WORKLIFE' || return 1
  knob_title 'when it ends'
  _policy_end
}

# _policy_levels SUFFIX - set REPLY to the variables that the factory, the entry, the Frontend and its
#   group may set: GLIDEIN_Start and so on
_policy_levels() { REPLY="GLIDEIN_$1 GLIDEIN_Entry_$1 GLIDECLIENT_$1 GLIDECLIENT_Group_$1"; }

# _policy_start - START: all levels agree, there is time left, and the node is well
_policy_start() {
  local name names terms='(time() < GLIDEIN_ToRetire)' mode
  config_get DEBUG_MODE 0
  mode=$REPLY
  if [[ $mode == 2 ]]; then
    knob_set START False 'option -v check: no job is to come'
    return $?
  fi
  _policy_levels Start
  read -r -a names <<<"$REPLY GLIDEIN_Custom_Start"
  for name in "${names[@]}"; do
    [[ ${VARS_VALUE[$name]:-True} == True ]] || terms+=" && (\$($name))"
  done
  terms+=' && (SiteWMS_WN_Draining =!= True)'
  [[ -z $_POLICY_BLACKHOLE ]] || terms+=' && (GLIDEIN_BLACKHOLE =!= True)'
  [[ -z $RESOURCE_SLOTS_START ]] || terms+=" && ($RESOURCE_SLOTS_START)"
  knob_set START "$terms" 'composed of the levels of GLIDEIN_Start'
}

# _policy_rank - RANK: the sum of all levels
_policy_rank() {
  local name names terms=
  _policy_levels Rank
  read -r -a names <<<"$REPLY"
  for name in "${names[@]}"; do terms+="${terms:+ + }(\$($name))"; done
  knob_set RANK "$terms" 'composed of the levels of GLIDEIN_Rank'
}

# _policy_preempt - which jobs have to leave, which of them are held, and how long they may stay
_policy_preempt() {
  local name names hold='' preempt='(SiteWMS_WN_Preempt =?= True)' grace=${VARS_VALUE[PREEMPT_GRACE_TIME]}
  _policy_levels Hold
  read -r -a names <<<"$REPLY"
  for name in "${names[@]}"; do
    [[ ${VARS_VALUE[$name]:-False} == False ]] || hold+="${hold:+ || }(\$($name))"
  done
  _policy_levels PREEMPT
  read -r -a names <<<"$REPLY"
  for name in "${names[@]}"; do
    [[ ${VARS_VALUE[$name]:-False} == False ]] || preempt+=" || (\$($name))"
  done
  knob_pairs "$grace" || log_fail 1 "PREEMPT_GRACE_TIME: quotes or parentheses do not pair: '$grace'" || return $?
  # A node that will be shut down gives jobs 20 minutes.
  knob_set PREEMPT_GRACE_TIME "ifThenElse(SiteWMS_WN_Preempt =?= True, 1200, $grace)" "${VARS_FROM[PREEMPT_GRACE_TIME]}" || return 1
  vars_advertise PREEMPT_GRACE_TIME
  knob_set WANT_HOLD "${hold:-False}" 'composed of the levels of GLIDEIN_Hold' || return 1
  knob_set PREEMPT "${hold:+$hold || }$preempt" 'composed of the levels of GLIDEIN_Hold and GLIDEIN_PREEMPT' || return 1
  knob_set MaxJobRetirementTime 'ifThenElse(($(WANT_HOLD)) =!= True, $(PREEMPT_GRACE_TIME), $(HOLD_GRACE_TIME))' \
    'from PREEMPT_GRACE_TIME and HOLD_GRACE_TIME' || return 1
  name="${VARS_FROM[GLIDEIN_Graceful_Shutdown]}: GLIDEIN_Graceful_Shutdown"
  knob_set MachineMaxVacateTime "$LIFETIME_GRACEFUL_S" "$name" || return 1
  knob_set SHUTDOWN_GRACEFUL_TIMEOUT "$LIFETIME_GRACEFUL_S" "$name"
}

# _policy_blackhole - GLIDEIN_BLACKHOLE: many jobs ended sooner than jobs do. Sets _POLICY_BLACKHOLE where
#   the Frontend asks for that.
_policy_blackhole() {
  local jobs rate from='glidein_config: GLIDEIN_BLACKHOLE_RATE and GLIDEIN_BLACKHOLE_NUMJOBS'
  _POLICY_BLACKHOLE=
  config_get GLIDEIN_BLACKHOLE_RATE 0
  rate=${REPLY:-0}
  config_get GLIDEIN_BLACKHOLE_NUMJOBS ''
  jobs=${REPLY:-0}
  [[ $rate =~ ^[0-9]{1,6}(\.[0-9]{1,9})?$ ]] || log_fail 1 "GLIDEIN_BLACKHOLE_RATE: expected jobs per second, got '$rate'" || return $?
  [[ $jobs =~ ^[0-9]{1,6}$ ]] || log_fail 1 "GLIDEIN_BLACKHOLE_NUMJOBS: expected a whole number, got '$jobs'" || return $?
  vars_advertise GLIDEIN_BLACKHOLE
  if [[ ! $rate =~ [1-9] ]]; then
    knob_set GLIDEIN_BLACKHOLE False 'fixed: no GLIDEIN_BLACKHOLE_RATE'
    return $?
  fi
  _POLICY_BLACKHOLE=1
  knob_set GLIDEIN_BLACKHOLE_RATE "$rate" "$from" || return 1
  knob_set GLIDEIN_BLACKHOLE_NUMJOBS "$((10#$jobs))" "$from" || return 1
  knob_set STARTD.STATISTICS_TO_PUBLISH_LIST '$(STATISTICS_TO_PUBLISH_LIST) JobBusyTime JobDuration' "$from" || return 1
  knob_set GLIDEIN_BLACKHOLE '((RecentJobBusyTimeAvg < 1.0 / GLIDEIN_BLACKHOLE_RATE) && (RecentJobBusyTimeCount >= GLIDEIN_BLACKHOLE_NUMJOBS)) =?= True' "$from" || return 1
  vars_advertise GLIDEIN_BLACKHOLE_RATE GLIDEIN_BLACKHOLE_NUMJOBS
}

# _policy_end - when the glidein has done its work.
#   The startd looks at DAEMON_SHUTDOWN each time it sends its ads; the master, whose ad follows the
#   startd's end, leaves after it.
_policy_end() {
  local idle tail update
  vars_number GLIDEIN_Max_Idle || return 1
  idle=$REPLY
  vars_number GLIDEIN_Max_Tail || return 1
  tail=$REPLY
  # It looks at these limits each time it sends its ads.
  update=$((LIFETIME_UPDATE_S - RANDOM % (LIFETIME_UPDATE_S * 100 / 370 + 1)))
  ((update <= idle)) || update=$idle
  ((update <= tail)) || update=$tail
  ((update >= 2)) || update=2
  knob_set UPDATE_INTERVAL "$update" 'no longer than the limits below' || return 1
  _policy_idle
  knob_set STARTD.DAEMON_SHUTDOWN "$REPLY" 'composed of GLIDEIN_Max_Idle, GLIDEIN_Max_Tail and GLIDEIN_ToRetire' || return 1
  # glidein_startup.sh ends us at GLIDEIN_ToDie. This is for the case that it is not there any more.
  knob_set STARTD.DAEMON_SHUTDOWN_FAST "time() > GLIDEIN_ToDie + $((LIFETIME_GRACEFUL_S + LIFETIME_UPDATE_S))" \
    'from GLIDEIN_ToDie and GLIDEIN_Graceful_Shutdown' || return 1
  # And this for a DAEMON_SHUTDOWN that is never evaluated. Zero would mean: never.
  knob_set STARTD_NOCLAIM_SHUTDOWN "$((idle > 0 ? idle : 1))" "${VARS_FROM[GLIDEIN_Max_Idle]}: GLIDEIN_Max_Idle" || return 1
  knob_set MASTER.DAEMON_SHUTDOWN 'STARTD_StartTime =?= 0' 'fixed: no startd, no glidein' || return 1
  knob_set MASTER_UPDATE_INTERVAL "$update" 'as UPDATE_INTERVAL' || return 1
  knob_set MASTER_BACKOFF_CEILING 600 'fixed: a startd that crashes is tried again soon' || return 1
  knob_set MASTER_CHECK_NEW_EXEC_INTERVAL 3600000 'fixed: nobody replaces our programs'
}

# _policy_idle - set REPLY to when the startd has nothing to do any more. HTCondor evaluates it with the
#   ad of each slot, so it speaks of all slots, whichever it is evaluated for.
#   JobStarts tells whether there ever was a job: then the tail limit counts, else the idle limit.
_policy_idle() {
  local i all='' slot over='time() > GLIDEIN_ToRetire || SiteWMS_WN_Draining =?= True'
  if [[ ${SLOTS_KINDS[*]} == p ]]; then
    all="(PartitionableSlot =?= True && NumDynamicSlots =?= 0 && ($over"
    all+=' || time() - NumDynamicSlotsTime > ((JobStarts ?: 0) > 0 ? GLIDEIN_Max_Tail : GLIDEIN_Max_Idle)))'
  else
    for i in "${!SLOTS_KINDS[@]}"; do
      slot=slot$((i + 1))
      all+="${all:+ && }("
      if [[ ${SLOTS_KINDS[i]} == p ]]; then
        all+="${slot}_NumDynamicSlots =?= 0 && ($over || time() - ${slot}_NumDynamicSlotsTime"
      else
        all+="${slot}_State =!= \"Claimed\" && ${slot}_State =!= \"Preempting\" && ($over"
        all+=" || time() - ${slot}_EnteredCurrentState"
      fi
      all+=" > ((${slot}_JobStarts ?: 0) > 0 ? GLIDEIN_Max_Tail : GLIDEIN_Max_Idle)))"
    done
  fi
  REPLY=$all
}
