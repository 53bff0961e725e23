# shellcheck shell=bash
# gpus.sh - which GPUs are ours: those of the node that the batch system left us.
#
# HTCondor's discovery finds what CUDA finds, within CUDA_VISIBLE_DEVICES. Where the batch system says
# which ones are ours and did not set that variable, we do; the rest is somebody else's.
#
# Needs:     log.sh config.sh report.sh hints.sh resources.sh
# Reads:     RESOURCES_ROOT, the variables of batch systems and of container runtimes
# Sets:      GPUS, GPUS_SOURCE, GPUS_SEEN; may export CUDA_VISIBLE_DEVICES

GPUS='' GPUS_SOURCE='' GPUS_SEEN=''

# gpus_detect - decide how many GPUs a glidein may look for; sets the variables above and the facts
#   gpus.*. A GPU that is divided (MIG) counts as its parts, as in CUDA.
gpus_detect() {
  local IFS=$' \t\n' name list=''
  GPUS=0 GPUS_SOURCE=node GPUS_SEEN=''
  _gpus_node
  _gpus_least "$REPLY" node
  ((GPUS > 0)) || return 0 # most nodes: not worth a line
  if [[ ${CUDA_VISIBLE_DEVICES+x} ]]; then
    _gpus_list "$CUDA_VISIBLE_DEVICES"
    _gpus_least "$REPLY" CUDA_VISIBLE_DEVICES
  fi
  case ${NVIDIA_VISIBLE_DEVICES-all} in
    all) ;;
    void | none | '') _gpus_least 0 NVIDIA_VISIBLE_DEVICES ;;
    *)
      _gpus_list "$NVIDIA_VISIBLE_DEVICES"
      _gpus_least "$REPLY" NVIDIA_VISIBLE_DEVICES
      ;;
  esac
  for name in SLURM_STEP_GPUS SLURM_JOB_GPUS _CONDOR_AssignedGPUs; do
    [[ -n ${!name:-} ]] || continue
    _gpus_list "${!name//[[:space:]]/}"
    _gpus_least "$REPLY" "$name"
    : "${list:=${!name//[[:space:]]/}}"
    break
  done
  if [[ ${SLURM_GPUS_ON_NODE:-} =~ ^[0-9]{1,4}$ ]]; then
    _gpus_least "$((10#$SLURM_GPUS_ON_NODE))" SLURM_GPUS_ON_NODE
  fi
  if [[ -n ${PBS_GPUFILE:-} ]] && _gpus_pbs "$PBS_GPUFILE" "${HOSTNAME:-}"; then
    : "${list:=$REPLY}"
    _gpus_list "$REPLY"
    _gpus_least "$REPLY" PBS_GPUFILE
  fi
  if [[ ! ${CUDA_VISIBLE_DEVICES+x} && -n $list ]]; then
    if [[ $list =~ ^[A-Za-z0-9,/:_-]+$ ]]; then
      export CUDA_VISIBLE_DEVICES=$list
      log_info "CUDA_VISIBLE_DEVICES=$list, as the batch system says which GPUs are ours"
    else
      log_warn "not a list of GPUs: '$list'"
    fi
  fi
  _resources_report gpus_visible "$GPUS" "$GPUS_SOURCE" "$GPUS_SEEN"
}

# _gpus_node - set REPLY to the GPUs that the node has, parts of divided ones counted
_gpus_node() {
  local device part parts count=0 number
  for device in "$RESOURCES_ROOT"/dev/nvidia[0-9]*; do
    [[ -e $device && ${device##*/nvidia} =~ ^[0-9]+$ ]] || continue
    number=${device##*/nvidia} parts=0
    for part in "$RESOURCES_ROOT/proc/driver/nvidia/capabilities/gpu$number"/mig/gi*/ci*/access; do
      [[ ! -e $part ]] || parts=$((parts + 1))
    done
    count=$((count + (parts > 0 ? parts : 1)))
  done
  for part in "$RESOURCES_ROOT"/sys/class/kfd/kfd/topology/nodes/*/gpu_id; do # AMD's; 0 is a processor
    _resources_read "${part#"$RESOURCES_ROOT"}" && [[ $REPLY != 0 ]] && count=$((count + 1))
  done
  REPLY=$count
}

# _gpus_list TEXT - set REPLY to how many devices a list names; as for CUDA, it ends at the first thing
#   that is no device (-1, NoDevFiles)
_gpus_list() {
  local word count=0
  for word in ${1//,/ }; do
    [[ $word =~ ^([0-9]+(:[0-9]+)?|(GPU-|MIG-|CUDA)[A-Za-z0-9/-]+)$ ]] || break
    count=$((count + 1))
  done
  REPLY=$count
}

# _gpus_pbs FILE HOST - set REPLY to the indices of this host's lines "HOST-gpuN"; 1: there are none
_gpus_pbs() {
  local line list=''
  {
    while read -r line _; do
      [[ $line =~ ^(.+)-gpu([0-9]+)$ && ${BASH_REMATCH[1]%%.*} == "${2%%.*}" ]] || continue
      list+=,${BASH_REMATCH[2]}
    done <"$RESOURCES_ROOT$1"
  } 2>/dev/null
  REPLY=${list#,}
  [[ -n $list ]]
}

# _gpus_least NUMBER NAME - remember what one source says; the smallest number holds, also none
_gpus_least() {
  GPUS_SEEN+="${GPUS_SEEN:+ }$2=$1"
  [[ $GPUS_SEEN == "$2=$1" ]] || (($1 < GPUS)) || return 0
  GPUS=$1 GPUS_SOURCE=$2
}
