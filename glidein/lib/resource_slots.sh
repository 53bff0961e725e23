# shellcheck shell=bash
# resource_slots.sh - GLIDEIN_Resource_Slots: GPUs and other resources of a site, and who gets them.
#
#   NAME[,NUMBER[,MEMORY[,TYPE[,DISK]]]][;...]    or, after the first ones, key=value
#
#   NUMBER   how many there are; of GPUs as many as are found when it is not given, else 1
#   MEMORY   MB (or with K, M, G, T) for all slots of that resource together; 128 MB each when not given
#   TYPE     main            the main slots have it, in equal parts where they are fixed
#            extra, mainextra   as main, with a core more for each
#            static          a slot beside the main ones for each, with one core more
#            staticextra     as static, with memory of its own, beside that of the main slots
#            partitionable   one slot for all, with a core more for each
#            none given: static for a single one, else partitionable
#   DISK     20G, 10% or 1/4, for all slots of that resource together
#
# Slots beside the main ones take only jobs that ask for their resource.
#
# Needs:     log.sh job.sh config.sh report.sh knob.sh
# Commands:  condor_gpu_discovery, where GPUs are asked for
# Reads:     CONDOR_DIR; RESOURCES_DISK_MB
# Sets:      RESOURCE_SLOTS_MAIN_CPUS (cores added to the main slots), RESOURCE_SLOTS_CPUS (cores of others),
#            RESOURCE_SLOTS_MEMORY_MB (memory of others), RESOURCE_SLOTS_ADDED_MB (memory beside what was
#            found), RESOURCE_SLOTS_{TYPES,KINDS} (arrays: types and kinds of others), RESOURCE_SLOTS_START
#
# shellcheck disable=SC2016  # $(NAME) is HTCondor's here, not the shell's

# resource_slots_read - read GLIDEIN_Resource_Slots and count what it comes to.
#   Returns:  0;  1 it is malformed; the log shows the part
resource_slots_read() {
  local part parts
  RESOURCE_SLOTS_MAIN_CPUS=0 RESOURCE_SLOTS_CPUS=0 RESOURCE_SLOTS_MEMORY_MB=0 RESOURCE_SLOTS_ADDED_MB=0
  RESOURCE_SLOTS_TYPES=() RESOURCE_SLOTS_KINDS=() RESOURCE_SLOTS_START=
  _RESOURCE_SLOTS_NAME=() _RESOURCE_SLOTS_NUMBER=() _RESOURCE_SLOTS_TYPE=() _RESOURCE_SLOTS_MB=() _RESOURCE_SLOTS_DISK=()
  config_get GLIDEIN_Resource_Slots ''
  IFS=';' read -r -a parts <<<"$REPLY"
  for part in ${parts[@]+"${parts[@]}"}; do
    [[ -n ${part//[[:space:],]/} ]] || continue
    _resource_slots_part "$part" || log_fail 1 "GLIDEIN_Resource_Slots: cannot use '$part'" || return $?
  done
}

# _resource_slots_part TEXT - read one resource
_resource_slots_part() {
  local -A field=([name]='' [number]='' [memory]='' [type]='' [disk]='')
  local words word i=0 keys=(name number memory type disk) number type mb
  IFS=',' read -r -a words <<<"${1//[[:space:]]/}"
  for word in "${words[@]}"; do
    if [[ $word == *=* ]]; then
      [[ ${field[${word%%=*}]+x} ]] || log_fail 1 "no such field: '${word%%=*}'" || return $?
      field[${word%%=*}]=${word#*=}
      i=9
    else
      ((i < 5)) || log_fail 1 "too many fields, or one without its name after one with it" || return $?
      field[${keys[i++]}]=$word
    fi
  done
  [[ ${field[name]} =~ ^[A-Za-z][A-Za-z0-9_]{0,63}$ && ! ${field[name],,} =~ ^(cpus?|memory|ram|disk|swap|virtualmemory)$ ]] \
    || log_fail 1 "not a name of a resource: '${field[name]}'" || return $?
  [[ ${field[number]} =~ ^[0-9]{0,5}$ ]] || log_fail 1 "not a number: '${field[number]}'" || return $?
  number=${field[number]:+$((10#${field[number]}))} type=${field[type],,}
  case $type in main | extra | mainextra | static | staticextra | partitionable | '') ;; *) log_fail 1 "no such type: '$type'" || return $? ;; esac
  if [[ ${field[name],,} == gpus ]]; then
    field[name]=GPUs
    _resource_slots_gpus "$number"
    number=$REPLY
  fi
  : "${number:=1}"
  if [[ -z $type ]] || [[ $type == partitionable && $number -le 1 ]]; then
    type=partitionable
    ((number > 1)) || type=static
  fi
  mb=$((128 * number))
  if [[ -n ${field[memory]} ]]; then
    _resource_slots_mb "${field[memory]}" || log_fail 1 "not an amount of memory: '${field[memory]}'" || return $?
    mb=$REPLY
  fi
  _resource_slots_disk "${field[disk]}" || log_fail 1 "not an amount of disk: '${field[disk]}'" || return $?
  _RESOURCE_SLOTS_DISK+=("$REPLY")
  _RESOURCE_SLOTS_NAME+=("${field[name]}") _RESOURCE_SLOTS_NUMBER+=("$number") _RESOURCE_SLOTS_TYPE+=("$type")
  case $type in
    main) ;;
    extra | mainextra) ((RESOURCE_SLOTS_MAIN_CPUS += number, 1)) ;;
    *)
      if [[ $type != partitionable ]] && ((number > 0)); then mb=$((mb / number * number)); fi
      ((RESOURCE_SLOTS_CPUS += number, number == 0 || (RESOURCE_SLOTS_MEMORY_MB += mb), 1))
      [[ $type != staticextra ]] || ((number == 0 || (RESOURCE_SLOTS_ADDED_MB += mb), 1))
      ((number == 0)) || RESOURCE_SLOTS_TYPES+=($((${#RESOURCE_SLOTS_TYPES[@]} + 3)))
      ;;
  esac
  _RESOURCE_SLOTS_MB+=("$mb")
}

# resource_slots_main LAYOUT - set REPLY to what a main slot has of the resources
resource_slots_main() {
  local i share='100%' text=
  [[ $1 == partitionable ]] || share=auto
  for i in ${_RESOURCE_SLOTS_NAME[@]+"${!_RESOURCE_SLOTS_NAME[@]}"}; do
    case ${_RESOURCE_SLOTS_TYPE[i]} in
      main | extra | mainextra) text+=", ${_RESOURCE_SLOTS_NAME[i]}=$share" ;;
      *) text+=", ${_RESOURCE_SLOTS_NAME[i]}=0" ;;
    esac
  done
  REPLY=$text
}

# resource_slots_configure - the resources, and the slots beside the main ones
resource_slots_configure() {
  local i k name number type slot other from='glidein_config: GLIDEIN_Resource_Slots' gpus='' n=3
  for i in ${_RESOURCE_SLOTS_NAME[@]+"${!_RESOURCE_SLOTS_NAME[@]}"}; do
    name=${_RESOURCE_SLOTS_NAME[i]} number=${_RESOURCE_SLOTS_NUMBER[i]} type=${_RESOURCE_SLOTS_TYPE[i]}
    if [[ $name == GPUs ]]; then
      gpus=1
      _resource_slots_gpus_configure "$number" "$from" || return 1
    else
      knob_set "MACHINE_RESOURCE_$name" "$number" "$from" || return 1
    fi
    case $type in main | extra | mainextra) continue ;; esac
    ((number > 0)) || continue
    if [[ $type == partitionable ]]; then
      slot="cpus=$number, $name=$number, memory=${_RESOURCE_SLOTS_MB[i]}${_RESOURCE_SLOTS_DISK[i]:+, disk=${_RESOURCE_SLOTS_DISK[i]}/$((RESOURCES_DISK_MB > 0 ? RESOURCES_DISK_MB : 1))}"
      RESOURCE_SLOTS_KINDS+=(p)
    else
      slot="cpus=1, $name=1, memory=$((_RESOURCE_SLOTS_MB[i] / number))${_RESOURCE_SLOTS_DISK[i]:+, disk=$((_RESOURCE_SLOTS_DISK[i] / number))/$((RESOURCES_DISK_MB > 0 ? RESOURCES_DISK_MB : 1))}"
      for ((k = 0; k < number; k++)); do RESOURCE_SLOTS_KINDS+=(s); done
    fi
    for other in "${_RESOURCE_SLOTS_NAME[@]}"; do
      [[ $other == "$name" ]] || slot+=", $other=0"
    done
    knob_set "SLOT_TYPE_$n" "$slot" "$from" || return 1
    if [[ $type == partitionable ]]; then
      knob_set "SLOT_TYPE_${n}_PARTITIONABLE" True "$from" || return 1
      knob_set "NUM_SLOTS_TYPE_$n" 1 "$from" || return 1
    else
      knob_set "SLOT_TYPE_${n}_PARTITIONABLE" False "$from" || return 1
      knob_set "NUM_SLOTS_TYPE_$n" "$number" "$from" || return 1
    fi
    knob_set "IS_SLOT_$name" "SlotTypeID =?= $n" "$from" || return 1
    RESOURCE_SLOTS_START+="${RESOURCE_SLOTS_START:+ && }ifThenElse(SlotTypeID =?= $n, (TARGET.Request$name ?: 0) > 0, True)"
    ((++n))
  done
  # HTCondor looks for GPUs by itself, but nobody gave them to us.
  [[ -n $gpus ]] || knob_set MACHINE_RESOURCE_GPUs 0 'fixed: no GPUs in GLIDEIN_Resource_Slots'
}

# --- GPUs ------------------------------------------------------------------------------------

# _resource_slots_gpus WANTED - look which GPUs there are, within CUDA_VISIBLE_DEVICES; set
#   _RESOURCE_SLOTS_GPUS to their names and REPLY to how many are offered: WANTED, or without it all
_resource_slots_gpus() {
  local program=$CONDOR_DIR/libexec/condor_gpu_discovery said list
  _RESOURCE_SLOTS_GPUS=()
  [[ -x $program ]] || program=$CONDOR_DIR/libexec/condor/condor_gpu_discovery
  said=$(job_limited 30 "$program" 2>&1) || log_warn "$program: status=$?: $said"
  if [[ $said =~ (^|$'\n')DetectedGPUs=\"?([^\"$'\n']*) ]]; then
    list=${BASH_REMATCH[2]//,/ }
    read -r -a _RESOURCE_SLOTS_GPUS <<<"${list#0}"
  fi
  report_fact resources.gpus_seen "${_RESOURCE_SLOTS_GPUS[*]-}"
  REPLY=${1:-${#_RESOURCE_SLOTS_GPUS[@]}}
  ((REPLY == ${#_RESOURCE_SLOTS_GPUS[@]})) \
    || log_warn "GLIDEIN_Resource_Slots: $REPLY GPUs asked for, ${#_RESOURCE_SLOTS_GPUS[@]} found: ${_RESOURCE_SLOTS_GPUS[*]-}"
  report_fact resources.gpus "$REPLY"
}

# _resource_slots_gpus_configure NUMBER FROM - HTCondor's own support, with as many as are offered
_resource_slots_gpus_configure() {
  local number=$1 found=${#_RESOURCE_SLOTS_GPUS[@]} rest
  if ((number == 0)); then
    knob_set MACHINE_RESOURCE_GPUs 0 "$2, and none was found"
    return $?
  fi
  knob_use 'feature : GPUs' "$2"
  knob_set GPU_DISCOVERY_EXTRA -extra "$2" || return 1
  if ((found < number)); then
    # The factory knows better: HTCondor numbers them.
    knob_set MACHINE_RESOURCE_GPUs "$number" "$2" || return 1
  elif ((found > number)); then
    rest="${_RESOURCE_SLOTS_GPUS[*]:number}"
    [[ $rest =~ ^[A-Za-z0-9\ _.:-]+$ ]] || log_fail 1 "not names of GPUs: '$rest'" || return $?
    knob_set OFFLINE_MACHINE_RESOURCE_GPUs "${rest// /, }" "$2: these are not for us" || return 1
  fi
}

# --- amounts ---------------------------------------------------------------------------------

# _resource_slots_mb TEXT - set REPLY to the MB of 2048, 2048M, 20G, 1TB
_resource_slots_mb() {
  [[ ${1^^} =~ ^([0-9]{1,9})([KMGT]?)B?$ ]] || return 1
  REPLY=$((10#${BASH_REMATCH[1]}))
  case ${BASH_REMATCH[2]} in
    K) REPLY=$((REPLY / 1024)) ;;
    G) REPLY=$((REPLY * 1024)) ;;
    T) REPLY=$((REPLY * 1024 * 1024)) ;;
  esac
}

# _resource_slots_disk TEXT - set REPLY to the MB of 20G, 10% or 1/4 of our disk; empty when TEXT is
_resource_slots_disk() {
  local ours=${RESOURCES_DISK_MB:-0}
  REPLY=
  [[ -n $1 && ${1,,} != auto ]] || return 0
  if [[ $1 =~ ^([0-9]{1,2}|100)%$ ]]; then
    REPLY=$((ours * 10#${BASH_REMATCH[1]} / 100))
  elif [[ $1 =~ ^([0-9]{1,4})/([1-9][0-9]{0,3})$ ]]; then
    REPLY=$((ours * 10#${BASH_REMATCH[1]} / BASH_REMATCH[2]))
  else
    _resource_slots_mb "$1"
  fi
}
