# shellcheck shell=bash
# policy.sh - which jobs the startd takes, until when, and when it has done its work.
#
# Needs:     log.sh knob.sh vars.sh lifetime.sh slots.sh
# Reads:     RESOURCES_CPUS
#
# shellcheck disable=SC2016,SC1003  # $(NAME) and backslashes are HTCondor's here, not the shell's

# policy_configure - which jobs, until when, and when the glidein has done its work.
#   The startd looks at DAEMON_SHUTDOWN each time it sends its ads; the master, whose ad follows the
#   startd's end, leaves after it.
policy_configure() {
  local name terms idle tail update
  knob_title 'which jobs'
  terms='(time() < GLIDEIN_ToRetire)'
  for name in GLIDEIN_Start GLIDEIN_Entry_Start GLIDECLIENT_Start GLIDECLIENT_Group_Start GLIDEIN_Custom_Start; do
    [[ ${VARS_VALUE[$name]:-True} == True ]] || terms+=" && (\$($name))"
  done
  knob_set START "$terms && (SiteWMS_WN_Draining =!= True)" 'composed of the levels of GLIDEIN_Start' || return 1
  terms=
  for name in GLIDEIN_Rank GLIDEIN_Entry_Rank GLIDECLIENT_Rank GLIDECLIENT_Group_Rank; do
    terms+="${terms:+ + }(\$($name))"
  done
  knob_set RANK "$terms" 'composed of the levels of GLIDEIN_Rank' || return 1
  knob_set SUSPEND False 'fixed' || return 1
  knob_set PREEMPT '(SiteWMS_WN_Preempt =?= True)' 'fixed' || return 1
  knob_set RunBenchmarks False 'fixed: the cores are for jobs' || return 1
  knob_set WANT_VACATE True 'fixed' || return 1
  knob_set KILL False 'fixed' || return 1
  knob_set MachineMaxVacateTime "$LIFETIME_GRACEFUL_S" "${VARS_FROM[GLIDEIN_Graceful_Shutdown]}: GLIDEIN_Graceful_Shutdown" || return 1
  knob_set MaxJobRetirementTime '$(PREEMPT_GRACE_TIME)' 'from PREEMPT_GRACE_TIME' || return 1
  knob_set SHUTDOWN_GRACEFUL_TIMEOUT "$LIFETIME_GRACEFUL_S" "${VARS_FROM[GLIDEIN_Graceful_Shutdown]}: GLIDEIN_Graceful_Shutdown" || return 1
  knob_title 'when it ends'
  vars_number GLIDEIN_Max_Idle || return 1
  idle=$REPLY
  vars_number GLIDEIN_Max_Tail || return 1
  tail=$REPLY
  # It looks at these limits each time it sends its ads.
  update=$((LIFETIME_UPDATE_S - RANDOM % (LIFETIME_UPDATE_S / 4 + 1)))
  ((update <= idle)) || update=$idle
  ((update <= tail)) || update=$tail
  ((update >= 2)) || update=2
  knob_set UPDATE_INTERVAL "$update" 'no longer than the limits below' || return 1
  _policy_idle
  knob_set STARTD.DAEMON_SHUTDOWN "$REPLY" 'composed of GLIDEIN_Max_Idle, GLIDEIN_Max_Tail and GLIDEIN_ToRetire' || return 1
  # glidein_startup.sh ends us at GLIDEIN_ToDie. This is for the case that it is not there any more.
  knob_set STARTD.DAEMON_SHUTDOWN_FAST "time() > GLIDEIN_ToDie + $((LIFETIME_GRACEFUL_S + LIFETIME_UPDATE_S))" \
    'from GLIDEIN_ToDie and GLIDEIN_Graceful_Shutdown' || return 1
  knob_set MASTER.DAEMON_SHUTDOWN 'STARTD_StartTime =?= 0' 'fixed: no startd, no glidein' || return 1
  knob_set MASTER_UPDATE_INTERVAL "$update" 'as UPDATE_INTERVAL'
}

# _policy_idle - set REPLY to when the startd has nothing to do any more. HTCondor evaluates it with
#   the ad of each slot, so it speaks of all slots, whichever it is evaluated for.
#   JobStarts tells whether there ever was a job: then the tail limit counts, else the idle limit.
_policy_idle() {
  local i all=''
  if [[ $SLOTS_LAYOUT == partitionable ]]; then
    all='(PartitionableSlot =?= True && NumDynamicSlots =?= 0 && (time() > GLIDEIN_ToRetire'
    all+=' || time() - NumDynamicSlotsTime > ((JobStarts ?: 0) > 0 ? GLIDEIN_Max_Tail : GLIDEIN_Max_Idle)))'
  else
    for ((i = 1; i <= RESOURCES_CPUS; i++)); do
      all+="${all:+ && }(slot${i}_State =!= \"Claimed\" && slot${i}_State =!= \"Preempting\" && (time() > GLIDEIN_ToRetire"
      all+=" || time() - slot${i}_EnteredCurrentState > ((slot${i}_JobStarts ?: 0) > 0 ? GLIDEIN_Max_Tail : GLIDEIN_Max_Idle)))"
    done
  fi
  REPLY=$all
}
