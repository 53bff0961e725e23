# shellcheck shell=bash
# batch.sh - the batch job that we are: of which batch system, under which name, until when.
#
# Batch systems nest (a glidein in an HTCondor slot in a Slurm job): the innermost gives its name,
# and the one that ends first its end.
#
# Needs:     log.sh clock.sh job.sh config.sh report.sh
# Commands:  squeue in a Slurm job that does not know its end; qstat in a PBS or SGE job; bjobs in an LSF job
# Reads:     the variables and files of the batch systems; RESOURCES_ROOT (a folder that stands for
#            /, for tests); SECONDS, counted since the script's start; BATCH_ASK_S
# Sets:      BATCH_END (seconds of the epoch; empty: nobody said), BATCH_END_FROM

: "${BATCH_ASK_S:=10}" # seconds that squeue, qstat or bjobs may take

# batch_look - set the variables above and the keys GLIDEIN_SiteWMS, GLIDEIN_SiteWMS_Slot, _JobId and
#   _Queue; what a script has set stays.
batch_look() {
  local system=Unknown slot=Unknown id=Unknown queue=Unknown
  local -A ad=()
  BATCH_END='' BATCH_END_FROM='' _BATCH_SEEN=''
  if [[ -n ${_CONDOR_JOB_AD:-} ]]; then
    _batch_ad "$_CONDOR_JOB_AD"
    system=HTCondor slot=${_CONDOR_SLOT:-slot1}@${HOSTNAME:-localhost}
    [[ -z ${ad[clusterid]-} ]] || id=${ad[clusterid]}.${ad[procid]:-0}
    queue=${ad[globaljobid]:-Unknown}
    queue=${queue%%#*}
  elif [[ -n ${SLURM_JOB_ID:-${SLURM_JOBID:-}} ]]; then
    system=SLURM id=${SLURM_JOB_ID:-$SLURM_JOBID} queue=${SLURM_JOB_PARTITION:-Unknown}
  elif [[ -n ${PBS_JOBID:-} ]]; then
    system=PBS id=$PBS_JOBID queue=${PBS_QUEUE:-Unknown}
  elif [[ -n ${LSB_JOBID:-} ]]; then
    system=LSF id=$LSB_JOBID queue=${LSB_QUEUE:-Unknown}
  elif [[ -n ${JOB_ID:-} && -n ${QUEUE:-}${SGE_ROOT:-} ]]; then
    system=SGE id=$JOB_ID queue=${QUEUE:-Unknown}
  fi
  _batch_set GLIDEIN_SiteWMS "$system"
  _batch_set GLIDEIN_SiteWMS_Slot "$slot"
  _batch_set GLIDEIN_SiteWMS_JobId "$id"
  _batch_set GLIDEIN_SiteWMS_Queue "$queue"
  _batch_end_condor
  _batch_end_slurm
  _batch_end_pbs
  _batch_end_lsf
  _batch_end_sge
  [[ -z $BATCH_END ]] || log_info "the batch job ends at $BATCH_END source=$BATCH_END_FROM seen:$_BATCH_SEEN"
  report_fact batch.system "$system"
  report_fact batch.end "${BATCH_END:-unknown}"
  report_fact batch.end_source "$BATCH_END_FROM"
  report_fact batch.end_seen "${_BATCH_SEEN# }"
}

# batch_start - set REPLY to when glidein_startup.sh began; the batch job began no later
batch_start() {
  clock_epoch
  REPLY=$((REPLY - SECONDS))
}

# _batch_set KEY VALUE - unless a script has. Values are the site's: what no line can hold goes.
_batch_set() { config_get "$1" && [[ -n $REPLY ]] || config_set "$1" "${2//[[:cntrl:]\\]/}"; }

# _batch_note NAME EPOCH - remember what one source says of the end; the earliest counts
_batch_note() {
  [[ $2 =~ ^[1-9][0-9]{8,11}$ ]] || return 0
  _BATCH_SEEN+=" $1=$2"
  [[ -n $BATCH_END ]] && ((BATCH_END <= $2)) || BATCH_END=$2 BATCH_END_FROM=$1
}

# --- HTCondor --------------------------------------------------------------------------------

# _batch_ad FILE - read a ClassAd in the form NAME = VALUE into the caller's `ad`, by name in lower
#   case, strings without their quotes
_batch_ad() {
  local line name value
  while IFS= read -r line; do
    [[ $line == *=* ]] || continue
    name=${line%%=*} value=${line#*=}
    name=${name//[[:space:]]/}
    value=${value#"${value%%[![:space:]]*}"}
    value=${value#\"}
    [[ ! $name =~ ^[A-Za-z_][A-Za-z0-9_]*$ ]] || ad[${name,,}]=${value%\"}
  done 2>/dev/null <"${RESOURCES_ROOT:-}$1"
}

# _batch_end_condor - what job and slot of an outer HTCondor say. An outer glidein's slot names its end.
_batch_end_condor() {
  local -A ad=()
  local name start
  [[ -z ${_CONDOR_MACHINE_AD:-} ]] || _batch_ad "$_CONDOR_MACHINE_AD"
  for name in GLIDEIN_ToDie DaemonStopTime; do
    _batch_note "htcondor($name)" "${ad[${name,,}]-}"
  done
  ad=()
  [[ -z ${_CONDOR_JOB_AD:-} ]] || _batch_ad "$_CONDOR_JOB_AD"
  batch_start
  start=$REPLY
  # The clock of an outer HTCondor began before ours, or not much later.
  [[ ! ${ad[jobcurrentstartdate]-} =~ ^[1-9][0-9]{8,11}$ ]] || ((ad[jobcurrentstartdate] > start)) \
    || start=${ad[jobcurrentstartdate]}
  for name in AllowedJobDuration AllowedExecuteDuration BatchRuntime; do
    [[ ! ${ad[${name,,}]-} =~ ^[1-9][0-9]{0,8}$ ]] || _batch_note "htcondor($name)" "$((start + ad[${name,,}]))"
  done
  # HTCondor-CE counts in minutes.
  [[ ! ${ad[maxwalltime]-} =~ ^[1-9][0-9]{0,6}$ ]] || _batch_note 'htcondor(maxWallTime)' "$((start + ad[maxwalltime] * 60))"
}

# --- Slurm, PBS, LSF, SGE ---------------------------------------------------------------------

_batch_end_slurm() {
  local id=${SLURM_JOB_ID:-${SLURM_JOBID:-}}
  if [[ ${SLURM_JOB_END_TIME:-} =~ ^[1-9][0-9]{8,11}$ ]]; then
    _batch_note 'slurm(SLURM_JOB_END_TIME)' "$SLURM_JOB_END_TIME"
  elif [[ $id =~ ^[0-9]+(_[0-9]+)?$ ]] && _batch_ask squeue --noheader --jobs="$id" --format=%L \
    && _batch_duration "${REPLY//[[:space:]]/}"; then
    _batch_from_now "$REPLY"
    _batch_note 'slurm(squeue)' "$REPLY"
  fi
}

_batch_end_pbs() {
  local line name value limit='' used=0 left=''
  [[ ${PBS_JOBID:-} =~ ^[][0-9A-Za-z._@-]+$ ]] || return 0
  if _batch_ask qstat -f "$PBS_JOBID"; then
    while IFS= read -r line; do
      name=${line%%=*} value=${line#*=}
      name=${name//[[:space:]]/} value=${value//[[:space:]]/}
      case $name in
        Resource_List.walltime) ! _batch_duration "$value" || limit=$REPLY ;;
        resources_used.walltime) ! _batch_duration "$value" || used=$REPLY ;;
        Walltime.Remaining) ! _batch_duration "$value" || left=$REPLY ;; # Torque
      esac
    done <<<"$REPLY"
    # It counts in steps of minutes; the time we have been here is certain.
    ((used >= SECONDS)) || used=$SECONDS
    [[ -n $left || -z $limit ]] || left=$((limit - used))
  fi
  if [[ -n $left ]]; then
    _batch_from_now "$left"
    _batch_note 'pbs(qstat)' "$REPLY"
  elif [[ ${PBS_WALLTIME:-} =~ ^[1-9][0-9]{0,8}$ ]]; then
    batch_start
    _batch_note 'pbs(PBS_WALLTIME)' "$((REPLY + PBS_WALLTIME))"
  fi
}

# What LSF says is "HOURS:MINUTES L" where a limit ends the job; other letters are guesses, or too late.
_batch_end_lsf() {
  local id=${LSB_JOBID:-}
  [[ $id =~ ^[1-9][0-9]*$ ]] || return 0
  [[ ! ${LSB_JOBINDEX:-0} =~ ^[1-9][0-9]*$ ]] || id+="[$LSB_JOBINDEX]"
  _batch_ask bjobs -noheader -o time_left "$id" || return 0
  [[ $REPLY =~ ^[[:space:]]*([0-9]{1,5}):([0-9]{1,2})[[:space:]]+L[[:space:]]*$ ]] || return 0
  _batch_from_now "$((10#${BASH_REMATCH[1]} * 3600 + 10#${BASH_REMATCH[2]} * 60))"
  _batch_note 'lsf(bjobs)' "$REPLY"
}

# SGE tells what was asked for: h_rt ends the job, s_rt warns it. It counts from the start.
_batch_end_sge() {
  local said name limit
  [[ ${JOB_ID:-} =~ ^[1-9][0-9]*$ && -n ${QUEUE:-}${SGE_ROOT:-} ]] && _batch_ask qstat -j "$JOB_ID" || return 0
  said=$REPLY
  for name in h_rt s_rt; do
    [[ $said =~ resource_list:[[:space:]]*([^[:space:]]*,)?$name=([0-9:]+) ]] && _batch_duration "${BASH_REMATCH[2]}" || continue
    limit=$REPLY
    batch_start
    _batch_note "sge($name)" "$((REPLY + limit))"
  done
}

# _batch_ask PROGRAM ARGUMENT... - set REPLY to what it prints; 1: not there, too slow, or it failed
_batch_ask() {
  type -P "$1" >/dev/null || return 1
  REPLY=$(job_limited "$BATCH_ASK_S" "$@" 2>/dev/null) \
    || log_fail 1 "$1 does not say how much time is left: status=$?"
}

# _batch_duration TEXT - set REPLY to the seconds of [[DAYS-]HH:]MM:SS, DAYS-HH, HH:MM:SS or SECONDS;
#   1: not one (UNLIMITED)
_batch_duration() {
  if [[ $1 =~ ^(([0-9]{1,5})-)?(([0-9]{1,5}):)?([0-9]{1,5}):([0-9]{1,5})$ ]]; then
    REPLY=$((10#0${BASH_REMATCH[2]} * 86400 + 10#0${BASH_REMATCH[4]} * 3600 + 10#${BASH_REMATCH[5]} * 60 + 10#${BASH_REMATCH[6]}))
  elif [[ $1 =~ ^[0-9]{1,9}$ ]]; then
    REPLY=$((10#$1))
  else
    return 1
  fi
}

# _batch_from_now SECONDS - set REPLY to the time SECONDS from now
_batch_from_now() {
  local seconds=$1
  clock_epoch
  REPLY=$((REPLY + seconds))
}
