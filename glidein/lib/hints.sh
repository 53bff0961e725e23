# shellcheck shell=bash
# hints.sh - what the batch system says it gave us: Slurm, PBS, LSF, SGE, HTCondor, Kubernetes.
#
# A hint is a word, not a wall: nobody may enforce it, but the rest of the node is somebody else's.
# What is no number says nothing.
#
# Needs:     resources.sh (which weighs what is noted here)
# Reads:     RESOURCES_ROOT, the variables of the batch systems

# hints_cpus - note what the batch systems say
hints_cpus() {
  local host=${HOSTNAME:-} number
  # Slurm: what this step has on this node; a step of several tasks has it per task.
  if [[ ${SLURM_STEP_NUM_TASKS:-1} != 1 && -n ${SLURM_CPUS_PER_TASK:-} ]]; then
    _resources_note hint "$SLURM_CPUS_PER_TASK" 'slurm(SLURM_CPUS_PER_TASK)'
  elif [[ -n ${SLURM_CPUS_ON_NODE:-} ]]; then
    _resources_note hint "$SLURM_CPUS_ON_NODE" 'slurm(SLURM_CPUS_ON_NODE)'
  elif [[ -n ${SLURM_JOB_CPUS_PER_NODE:-} ]]; then
    _hints_slurm_node "$SLURM_JOB_CPUS_PER_NODE" "${SLURM_NODEID:-0}" \
      && _resources_note hint "$REPLY" 'slurm(SLURM_JOB_CPUS_PER_NODE)'
  elif [[ -n ${SLURM_CPUS_PER_TASK:-} ]]; then
    _resources_note hint "$SLURM_CPUS_PER_TASK" 'slurm(SLURM_CPUS_PER_TASK)'
  fi

  # PBS Pro says NCPUS, Torque PBS_NUM_PPN; the node file has a line per process.
  if [[ -n ${PBS_NCPUS:-} ]]; then
    _resources_note hint "$PBS_NCPUS" 'pbs(PBS_NCPUS)'
  elif [[ -n ${PBS_JOBID:-} && -n ${NCPUS:-} ]]; then
    _resources_note hint "$NCPUS" 'pbs(NCPUS)'
  elif [[ -n ${PBS_NUM_PPN:-} ]]; then
    _resources_note hint "$PBS_NUM_PPN" 'pbs(PBS_NUM_PPN)'
  elif [[ -n ${PBS_NODEFILE:-} ]] && _hints_host_lines "$PBS_NODEFILE" "$host"; then
    _resources_note hint "$REPLY" 'pbs(PBS_NODEFILE)'
  fi

  # LSF: "host slots host slots"; the total counts for us only when there is one host.
  if [[ -n ${LSB_MCPU_HOSTS:-} ]] && _hints_host_pairs "$LSB_MCPU_HOSTS" "$host"; then
    _resources_note hint "$REPLY" 'lsf(LSB_MCPU_HOSTS)'
  elif [[ -n ${LSB_DJOB_NUMPROC:-} ]]; then
    _resources_note hint "$LSB_DJOB_NUMPROC" 'lsf(LSB_DJOB_NUMPROC)'
  fi

  # SGE: NSLOTS is the total over all hosts; the file says how many are here.
  if [[ -n ${NSLOTS:-} && ${NHOSTS:-1} == 1 ]]; then
    _resources_note hint "$NSLOTS" 'sge(NSLOTS)'
  elif [[ -n ${NSLOTS:-} && -n ${PE_HOSTFILE:-} ]] \
    && _hints_host_file "$PE_HOSTFILE" "$host"; then
    _resources_note hint "$REPLY" 'sge(PE_HOSTFILE)'
  fi

  if _hints_kubernetes cpu; then
    _resources_note hint "$REPLY" "kubernetes($_HINTS_FROM)"
  fi

  if hints_machine_ad Cpus; then
    number=${REPLY%%.*}
    _resources_note hint "$number" 'htcondor(Cpus)'
  fi
}

hints_memory() {
  local number=${SLURM_MEM_PER_NODE:-}
  # Slurm counts in MB unless a unit follows; 0 means all of the node.
  if _resources_megabytes "$number" && ((REPLY > 0)); then
    _resources_note hint "$REPLY" 'slurm(SLURM_MEM_PER_NODE)'
  elif _resources_megabytes "${SLURM_MEM_PER_CPU:-}" && ((REPLY > 0)); then
    number=$REPLY
    if [[ ${SLURM_CPUS_ON_NODE:-} =~ ^[1-9][0-9]{0,5}$ ]]; then
      _resources_note hint "$((number * SLURM_CPUS_ON_NODE))" 'slurm(SLURM_MEM_PER_CPU)'
    elif _hints_slurm_node "${SLURM_JOB_CPUS_PER_NODE:-}" "${SLURM_NODEID:-0}"; then
      _resources_note hint "$((number * REPLY))" 'slurm(SLURM_MEM_PER_CPU)'
    fi
  elif _resources_megabytes "${SLURM_MEM_PER_GPU:-}" && ((REPLY > 0)); then
    [[ ! ${SLURM_GPUS_ON_NODE:-} =~ ^[1-9][0-9]{0,3}$ ]] \
      || _resources_note hint "$((REPLY * SLURM_GPUS_ON_NODE))" 'slurm(SLURM_MEM_PER_GPU)'
  fi
  if _hints_kubernetes mem; then
    _resources_note hint "$REPLY" "kubernetes($_HINTS_FROM)"
  fi
  hints_machine_ad Memory && _resources_note hint "${REPLY%%.*}" 'htcondor(Memory)'
}

# _hints_slurm_node LIST INDEX - set REPLY to the INDEXth number of "8(x2),4"
_hints_slurm_node() {
  local part index=$2
  [[ $index =~ ^[0-9]{1,6}$ ]] || return 1
  for part in ${1//,/ }; do
    [[ $part =~ ^([0-9]{1,6})(\(x([0-9]{1,6})\))?$ ]] || return 1
    REPLY=${BASH_REMATCH[1]}
    index=$((index - ${BASH_REMATCH[3]:-1}))
    ((index >= 0)) || return 0
  done
  return 1
}

# _hints_host_lines FILE HOST - set REPLY to the lines of FILE that name HOST; all lines
#   when they name one host only. Returns 1 when that is none.
_hints_host_lines() {
  local name first='' all=0 mine=0 several=''
  {
    while read -r name _; do
      [[ -n $name ]] || continue
      all=$((all + 1))
      [[ ${first:=$name} == "$name" ]] || several=1
      [[ ${name%%.*} != "${2%%.*}" ]] || mine=$((mine + 1))
    done <"$RESOURCES_ROOT$1"
  } 2>/dev/null
  REPLY=$mine
  ((mine > 0)) && return 0
  REPLY=$all
  [[ -z $several ]] && ((all > 0))
}

# _hints_host_pairs TEXT HOST - set REPLY to the sum for HOST in "host n host n"
_hints_host_pairs() {
  local word host='' hosts=0 mine=0 all=0
  for word in $1; do
    if [[ -z $host ]]; then
      host=${word%%.*} hosts=$((hosts + 1))
      continue
    fi
    [[ $word =~ ^[0-9]{1,6}$ ]] || return 1
    all=$((all + 10#$word))
    [[ $host != "${2%%.*}" ]] || mine=$((mine + 10#$word))
    host=''
  done
  ((hosts > 1)) || mine=$all # with one host named it is ours, whatever we call ourselves
  REPLY=$mine
  ((mine > 0))
}

# _hints_host_file FILE HOST - the same, with "host n …" on each line of FILE
_hints_host_file() {
  local name number mine=0
  {
    while read -r name number _; do
      [[ ${name%%.*} == "${2%%.*}" && $number =~ ^[0-9]{1,6}$ ]] || continue
      mine=$((mine + 10#$number))
    done <"$RESOURCES_ROOT$1"
  } 2>/dev/null
  REPLY=$mine
  ((mine > 0))
}

# hints_machine_ad NAME - set REPLY to a number of the HTCondor slot that we run in
hints_machine_ad() {
  local name value
  [[ -n ${_CONDOR_MACHINE_AD:-} ]] || return 1
  {
    while IFS='=' read -r name value; do
      name=${name//[[:space:]]/} value=${value//[[:space:]]/}
      [[ ${name,,} == "${1,,}" && $value =~ ^[0-9]{1,15}(\.[0-9]+)?$ ]] || continue
      REPLY=$value
      return 0
    done <"$RESOURCES_ROOT$_CONDOR_MACHINE_AD"
  } 2>/dev/null
  return 1
}

# _hints_kubernetes cpu|mem - set REPLY to whole cores, or MB, that the pod has, and _HINTS_FROM to where
#   that stands. Limits are cgroups; but a pod that only requests has no limit, and the rest of the
#   node is its neighbours'. Read are the places that Kubernetes' manual gives for the downward API,
#   and the shares of a cgroup v1, which are the request times 1024. (The weights of v2 are rounded,
#   in two ways, depending on the runtime: no numbers to rely on.)
#   Returns:  0;  1  no pod, or it does not tell
_hints_kubernetes() {
  local what name value
  [[ -n ${KUBERNETES_SERVICE_HOST:-} ]] || return 1
  for what in limit request; do
    name=MY_${1^^}_${what^^}
    value=${!name:-} _HINTS_FROM=$name
    if [[ -z $value ]] && _resources_read "/etc/podinfo/${1}_$what"; then
      value=$REPLY _HINTS_FROM=/etc/podinfo/${1}_$what
    fi
    [[ $value =~ ^[1-9][0-9]{0,17}$ ]] || continue
    # The divisor of memory is the pod's choice: bytes, or MiB.
    [[ $1 == cpu ]] || ((value < 10485760)) || value=$((value / 1048576))
    REPLY=$value
    return 0
  done
  [[ $1 == cpu ]] && cgroup_find cpu && [[ $CGROUP_VERSION == v1 ]] || return 1
  _resources_read "${CGROUP_LEVELS[0]}/cpu.shares" && [[ $REPLY =~ ^[1-9][0-9]{0,8}$ ]] || return 1
  ((REPLY > 2)) || return 1 # nothing was requested
  _HINTS_FROM=cpu.shares
  REPLY=$((REPLY >= 1024 ? REPLY / 1024 : 1))
}
