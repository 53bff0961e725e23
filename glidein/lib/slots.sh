# shellcheck shell=bash
# slots.sh - how cores, memory and disk are divided into slots.
#
# Needs:     log.sh config.sh knob.sh
# Reads:     RESOURCES_{CPUS,MEMORY_MB,DISK_MB} and their sources
# Sets:      SLOTS_LAYOUT
#
# shellcheck disable=SC2016,SC1003  # $(NAME) and backslashes are HTCondor's here, not the shell's

# slots_configure - one partitionable slot of all that is ours, or one fixed slot per core
slots_configure() {
  local layout from disk=''
  knob_title 'slots'
  config_get SLOTS_LAYOUT partitionable
  layout=$REPLY from='glidein_config: SLOTS_LAYOUT'
  config_get FORCE_PARTITIONABLE False
  if [[ $layout == partitionable && $RESOURCES_CPUS == 1 && $REPLY != [Tt]rue ]]; then
    layout=fixed from='one core needs no parts (FORCE_PARTITIONABLE=True makes them all the same)'
  fi
  [[ $RESOURCES_CPUS =~ ^[1-9][0-9]{0,4}$ ]] || log_fail 1 "number of cores: '$RESOURCES_CPUS'" || return $?
  knob_set NUM_CPUS "$RESOURCES_CPUS" "${RESOURCES_CPUS_SOURCE:-detected}" || return 1
  [[ $RESOURCES_MEMORY_MB =~ ^[1-9][0-9]{0,8}$ ]] || log_fail 1 "megabytes of memory: '$RESOURCES_MEMORY_MB'" || return $?
  knob_set MEMORY "$RESOURCES_MEMORY_MB" "${RESOURCES_MEMORY_MB_SOURCE:-${RESOURCES_MEMORY_SOURCE:-detected}}" || return 1
  knob_set MACHINE_RESOURCE_GPUs 0 'fixed' || return 1
  SLOTS_LAYOUT=$layout
  case $layout in
    partitionable)
      knob_set SLOT_TYPE_1 'cpus=100%, memory=100%, disk=100%, swap=100%' "$from" || return 1
      knob_set SLOT_TYPE_1_PARTITIONABLE True "$from" || return 1
      knob_set NUM_SLOTS_TYPE_1 1 "$from" || return 1
      ;;
    fixed)
      knob_set SLOT_TYPE_1 "cpus=1" "$from" || return 1
      knob_set SLOT_TYPE_1_PARTITIONABLE False "$from" || return 1
      knob_set NUM_SLOTS_TYPE_1 "$RESOURCES_CPUS" "$from" || return 1
      # each slot's ad tells these of all slots, as slot1_State and so on
      knob_set STARTD_SLOT_ATTRS 'State, EnteredCurrentState, JobStarts' 'fixed: DAEMON_SHUTDOWN needs them' || return 1
      ;;
    *) log_fail 1 "SLOTS_LAYOUT: expected fixed or partitionable, got '$layout'" || return $? ;;
  esac
  knob_set GLIDEIN_CPUS "$RESOURCES_CPUS" "${RESOURCES_CPUS_SOURCE:-detected}"
}
