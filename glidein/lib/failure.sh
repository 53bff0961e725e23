# shellcheck shell=bash
# failure.sh - tell the VO's pool and the factory's collector that this glidein failed, where they ask for it.
#
# A glidein that fails leaves at once. Where it is asked to, it first shows an ad that says why: a machine
# that is drained to the VO (GLIDEIN_Report_Failed), a master to the factory
# (GLIDEIN_Factory_Report_Failed; needs GLIDEIN_Factory_Collector):
#
#   NEVER      nothing; what the VO gets when nobody says
#   ALIVEONLY  the ad is shown for GLIDEIN_Failure_Shown_S seconds (default 60) and taken back; what the
#              factory gets when nobody says
#   ALWAYS     the ad stays, and expires in the collector, GLIDEIN_Failure_Kept_S seconds later (1200)
#
# Needs:     log.sh clock.sh job.sh config.sh report.sh knob.sh vars.sh collectors.sh configure.sh
#            startd.sh
# Commands:  condor_config_val, condor_advertise; rm (coreutils)
# Reads:     WORK, CONDOR_DIR; PHASE_NAME; CHECK_{NAME,STATUS,FOUND,NEEDED}; REPORT_KEYS; LOG_FAILED;
#            FAILURE_ASK_S
# Sets:      FAILURE_STOPPED, by a signal

: "${FAILURE_ASK_S:=20}" # seconds a collector may take to answer

# failure_wanted CODE - does anybody ask to be told? Sets _FAILURE_VO and _FAILURE_FACTORY to how.
#   Returns:  0;  1 nobody does
failure_wanted() {
  local key
  config_get GLIDEIN_Report_Failed NEVER
  _FAILURE_VO=${REPLY:-NEVER}
  # A pool that did not answer for minutes will not do so now.
  [[ $1 != 73 ]] || _FAILURE_VO=NEVER
  config_get GLIDEIN_Factory_Collector ''
  if [[ -n $REPLY ]]; then
    config_get GLIDEIN_Factory_Report_Failed ALIVEONLY
    _FAILURE_FACTORY=${REPLY:-ALIVEONLY}
  else
    _FAILURE_FACTORY=NEVER
  fi
  for key in "GLIDEIN_Report_Failed=$_FAILURE_VO" "GLIDEIN_Factory_Report_Failed=$_FAILURE_FACTORY"; do
    case ${key#*=} in
      NEVER | ALIVEONLY | ALWAYS) ;;
      *) log_fail 1 "${key%%=*}: expected NEVER, ALIVEONLY or ALWAYS, got '${key#*=}'" || return $? ;;
    esac
  done
  [[ $_FAILURE_VO$_FAILURE_FACTORY != NEVERNEVER ]]
}

# failure_report CODE - show that this glidein failed with exit code CODE, after failure_wanted said yes.
#   A trapped signal that sets FAILURE_STOPPED shortens it.
#   Returns:  0;  1 it could not be shown; the log says why
failure_report() {
  local code=$1 shown kept told=1
  [[ -x $CONDOR_DIR/sbin/condor_advertise ]] || log_fail 1 "no condor_advertise in '$CONDOR_DIR': nobody is told" || return $?
  _failure_number GLIDEIN_Failure_Shown_S 60
  shown=$REPLY
  _failure_number GLIDEIN_Failure_Kept_S 1200
  kept=$REPLY
  failure_reason "$code"
  _FAILURE_REASON=$REPLY
  failure_script
  _FAILURE_SCRIPT=$REPLY
  config_set GLIDEIN_ADVERTISE_ONLY 1
  config_set GLIDEIN_Failed True
  config_set GLIDEIN_EXIT_CODE "$code"
  config_set GLIDEIN_LAST_SCRIPT "$_FAILURE_SCRIPT"
  config_set GLIDEIN_FAILURE_REASON "$_FAILURE_REASON"
  if [[ ! -s $WORK/condor_config ]]; then
    # It failed before there was one: what slots show is in it.
    : "${RESOURCES_CPUS:=1}" "${RESOURCES_MEMORY_MB:=1}" "${RESOURCES_DISK_MB:=1}"
    [[ -n $RESOURCES_CPUS ]] || RESOURCES_CPUS=1
    [[ -n $RESOURCES_MEMORY_MB ]] || RESOURCES_MEMORY_MB=1
    LIFETIME_LENIENT=1
    configure_condor "$CONDOR_DIR" || return 1
  fi
  _failure_attributes || return 1
  [[ $_FAILURE_VO == NEVER ]] || ! _failure_show VO "$_FAILURE_VO" "$code" "$shown" "$kept" || told=0
  [[ $_FAILURE_FACTORY == NEVER ]] || ! _failure_show factory "$_FAILURE_FACTORY" "$code" "$shown" "$kept" || told=0
  ((told == 0)) || return 1
  [[ " $_FAILURE_VO $_FAILURE_FACTORY " == *' ALIVEONLY '* ]] || return 0
  _failure_wait "$shown"
  _failure_hide VO "$_FAILURE_VO"
  _failure_hide factory "$_FAILURE_FACTORY"
}

# failure_reason CODE - set REPLY to why, in one line: the check that failed, else the last error
failure_reason() {
  local i said=${LOG_FAILED:-}
  for i in ${CHECK_STATUS[@]+"${!CHECK_STATUS[@]}"}; do
    [[ ${CHECK_STATUS[i]} == fail ]] || continue
    [[ $PHASE_NAME != check ]] || said="${CHECK_NAME[i]}: found ${CHECK_FOUND[i]}, needed ${CHECK_NEEDED[i]}"
    break
  done
  said=${said//[[:cntrl:]\\]/ }
  REPLY="phase $PHASE_NAME failed with exit code $1${said:+: ${said:0:500}}"
}

# failure_script - set REPLY to the name of the script that ran last; glidein_startup.sh when none did
failure_script() {
  local key
  REPLY=glidein_startup.sh
  for key in ${REPORT_KEYS[@]+"${REPORT_KEYS[@]}"}; do
    [[ $key != scripts.*/* ]] || REPLY=${key##*/}
  done
}

# _failure_number KEY DEFAULT - set REPLY to a number of seconds, a day at most
_failure_number() {
  config_get "$1" "$2"
  [[ $REPLY =~ ^[0-9]{1,5}$ ]] && REPLY=$((10#$REPLY)) || REPLY=$2
  ((REPLY <= 86400)) || REPLY=86400
}

# _failure_attributes - set _FAILURE_ATTRIBUTES to what a slot would show, as HTCondor reads it: also what a
#   community has in condor_config.d
_failure_attributes() {
  local names line said
  # shellcheck disable=SC2086  # a list of names
  printf -v names '%s|' $VARS_ADVERTISED
  said=$(
    startd_environment
    job_limited "$FAILURE_ASK_S" "$CONDOR_DIR/bin/condor_config_val" -subsystem startd -expand -dump "^(${names%|})\$" 2>/dev/null
  ) || log_fail 1 "condor_config_val: status=$?" || return $?
  _FAILURE_ATTRIBUTES=
  while IFS= read -r line; do
    [[ $line =~ ^[A-Za-z_][A-Za-z0-9_]*\ =\ . ]] || continue
    case $line in
      GLIDEIN_ToDie\ * | GLIDEIN_ToRetire\ * | GLIDEIN_Expire\ * | GLIDEIN_MASTER_NAME\ *) ;;
      *) _FAILURE_ATTRIBUTES+=$line$'\n' ;;
    esac
  done <<<"$said"
}

# _failure_show WHOM HOW CODE SHOWN KEPT - send the ad
_failure_show() {
  local whom=$1 activity=Retiring now until lifetime=$4 text
  [[ $2 != ALWAYS ]] || { activity=Killing && lifetime=$5; }
  clock_epoch
  now=$REPLY until=$((REPLY + lifetime))
  _failure_name
  text="Name = \"$REPLY\""$'\n'"Machine = \"${HOSTNAME:-localhost}\""$'\n'"GLIDEIN_MASTER_NAME = \"$REPLY\""$'\n'
  text+='MyAddress = "<127.0.0.1:1>"'$'\n'"MyCurrentTime = $now"$'\n'"DaemonStartTime = $now"$'\n'
  text+="ClassAdLifetime = $((lifetime + 60))"$'\n'
  if [[ $whom == VO ]]; then
    text+='MyType = "Machine"'$'\n'"State = \"Drained\""$'\n'"Activity = \"$activity\""$'\n'
    text+="EnteredCurrentState = $now"$'\n'"EnteredCurrentActivity = $now"$'\n'
    text+='Start = False'$'\n''Requirements = False'$'\n''Rank = 0'$'\n''SlotID = 1'$'\n''TotalSlots = 1'$'\n'
    text+='Cpus = 1'$'\n''TotalCpus = 1'$'\n''TotalSlotCpus = 1'$'\n''Memory = 1'$'\n''TotalMemory = 1'$'\n''Disk = 1'$'\n'
    text+="OpSys = \"LINUX\""$'\n'"Arch = \"${HOSTTYPE^^}\""$'\n''LoadAvg = 0.0'$'\n''CondorLoadAvg = 0.0'$'\n'
  else
    text+='MyType = "DaemonMaster"'$'\n'
  fi
  text+="$_FAILURE_ATTRIBUTES"
  text+='GLIDEIN_ADVERTISE_ONLY = True'$'\n''GLIDEIN_Failed = True'$'\n'"GLIDEIN_EXIT_CODE = $3"$'\n'
  knob_quoted "$_FAILURE_SCRIPT"
  text+="GLIDEIN_LAST_SCRIPT = $REPLY"$'\n'
  knob_quoted "$_FAILURE_REASON"
  text+="GLIDEIN_FAILURE_REASON = $REPLY"$'\n'
  text+="GLIDEIN_ToRetire = $now"$'\n'"GLIDEIN_ToDie = $until"$'\n'"GLIDEIN_Expire = $until"$'\n'
  printf '%s' "$text" >"$WORK/.glidein/failure.$whom" || log_fail 1 "cannot write $WORK/.glidein/failure.$whom" || return $?
  _failure_send "$whom" UPDATE || {
    rm -f -- "$WORK/.glidein/failure.$whom"
    return 1
  }
  log_info "told the $whom of the failure: $2"
  report_fact "failure.told_${whom,,}" "$2"
}

# _failure_hide WHOM HOW - take the ad back, where it is shown only while we are there
_failure_hide() {
  local kind=Machine
  [[ $2 == ALIVEONLY && -s $WORK/.glidein/failure.$1 ]] || return 0
  [[ $1 == VO ]] || kind=DaemonMaster
  _failure_name
  printf 'MyType = "Query"\nTargetType = "%s"\nRequirements = Name == "%s"\n' "$kind" "$REPLY" >"$WORK/.glidein/failure.$1" || return 1
  _failure_send "$1" INVALIDATE
}

# _failure_name - set REPLY to the name of the ad
_failure_name() { REPLY=$CONFIGURE_NAME@${HOSTNAME:-localhost}; }

# _failure_send WHOM UPDATE|INVALIDATE - the ad in $WORK/.glidein/failure.WHOM
_failure_send() {
  local command collector='' said
  case $1$2 in
    VOUPDATE) command=UPDATE_STARTD_AD ;;
    VOINVALIDATE) command=INVALIDATE_STARTD_ADS ;;
    factoryUPDATE) command=UPDATE_MASTER_AD ;;
    *) command=INVALIDATE_MASTER_ADS ;;
  esac
  if [[ $1 == factory ]]; then
    collectors_choose GLIDEIN_Factory_Collector || return 1
    collector=$REPLY
  fi
  said=$(
    startd_environment
    [[ -z $collector ]] || export _CONDOR_COLLECTOR_HOST=$collector
    job_limited "$FAILURE_ASK_S" "$CONDOR_DIR/sbin/condor_advertise" -tcp "$command" "$WORK/.glidein/failure.$1" 2>&1
  ) || log_fail 1 "could not tell the $1 of the failure: $said"
}

# _failure_wait SECONDS - unless a signal says that there is no time
_failure_wait() {
  local end
  clock_epoch
  end=$((REPLY + $1))
  log_info "the failure is shown for $1 seconds"
  while clock_epoch && ((REPLY < end)) && [[ -z ${FAILURE_STOPPED:-} ]]; do clock_pause 0.5; done
}
