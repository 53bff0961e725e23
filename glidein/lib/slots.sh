# shellcheck shell=bash
# slots.sh - how cores, memory and disk are divided into slots.
#
# The main slots: one partitionable slot of all that is ours, or one fixed slot per core. Resources of
# the site's own (GLIDEIN_Resource_Slots) belong to them, or have slots beside them.
#
# Needs:     log.sh config.sh report.sh knob.sh resource_slots.sh
# Reads:     RESOURCES_{CPUS,MEMORY_MB,DISK_MB}, their sources and what else was seen
# Sets:      SLOTS_{CPUS,MEMORY_MB} (with overload), SLOTS_LAYOUT, SLOTS_KINDS (an array: of each slot that
#            is there from the start, p for partitionable or s for static)
#
# shellcheck disable=SC2016,SC1003  # $(NAME) and backslashes are HTCondor's here, not the shell's

# slots_size - decide what the main slots have in all: what was found, times the overload that the
#   factory asks for. Sets the variables above and the keys GLIDEIN_CPUS and GLIDEIN_MaxMemMBs.
#   Returns:  0;  1 a number is none
slots_size() {
  local enabled overload=
  [[ $RESOURCES_CPUS =~ ^[1-9][0-9]{0,4}$ ]] || log_fail 1 "number of cores: '$RESOURCES_CPUS'" || return $?
  [[ $RESOURCES_MEMORY_MB =~ ^[1-9][0-9]{0,8}$ ]] || log_fail 1 "megabytes of memory: '$RESOURCES_MEMORY_MB'" || return $?
  SLOTS_CPUS=$RESOURCES_CPUS SLOTS_MEMORY_MB=$RESOURCES_MEMORY_MB
  _SLOTS_CPUS_FROM=${RESOURCES_CPUS_SOURCE:-detected}
  _SLOTS_MEMORY_FROM=${RESOURCES_MEMORY_SOURCE:-detected}
  config_get GLIDEIN_OVERLOAD_ENABLED False
  enabled=$REPLY
  case $enabled in
    [Tt][Rr][Uu][Ee]) overload=1 ;;
    [Ff][Aa][Ll][Ss][Ee] | '') ;;
    *) # so many of a hundred glideins
      [[ $enabled =~ ^([0-9]{1,2}|100)%$ ]] \
        || log_fail 1 "GLIDEIN_OVERLOAD_ENABLED: expected True, False or a percentage, got '$enabled'" || return $?
      ((RANDOM % 100 >= ${enabled%'%'})) || overload=1
      ;;
  esac
  if [[ -n $overload ]]; then
    _slots_overload GLIDEIN_OVERLOAD_CPUS "$SLOTS_CPUS" || return 1
    [[ -z $REPLY ]] || SLOTS_CPUS=$REPLY _SLOTS_CPUS_FROM+=$_SLOTS_BY
    _slots_overload GLIDEIN_OVERLOAD_MEMORY "$SLOTS_MEMORY_MB" || return 1
    [[ -z $REPLY ]] || SLOTS_MEMORY_MB=$REPLY _SLOTS_MEMORY_FROM+=$_SLOTS_BY
  fi
  ((SLOTS_CPUS > 0 && SLOTS_MEMORY_MB > 0)) || log_fail 1 "overload leaves nothing: cores=$SLOTS_CPUS memory=$SLOTS_MEMORY_MB" || return $?
  config_set GLIDEIN_CPUS "$SLOTS_CPUS"
  config_set GLIDEIN_MaxMemMBs "$SLOTS_MEMORY_MB"
  report_fact slots.overload "${overload:-0}"
  report_fact slots.cpus "$SLOTS_CPUS"
  report_fact slots.memory_mb "$SLOTS_MEMORY_MB"
}

# _slots_overload KEY NUMBER - set REPLY to NUMBER times the factor in KEY, rounded, and _SLOTS_BY to words
#   for it; REPLY is empty without a factor. Returns 1 when it is none.
_slots_overload() {
  local factor fraction
  config_get "$1" ''
  factor=$REPLY REPLY=
  [[ -n $factor ]] || return 0
  [[ $factor =~ ^([0-9]{1,3})(\.([0-9]{1,4}))?$ ]] || log_fail 1 "$1: expected a factor, got '$factor'" || return $?
  fraction=${BASH_REMATCH[3]}0000
  REPLY=$((($2 * (10#${BASH_REMATCH[1]} * 10000 + 10#${fraction:0:4}) + 5000) / 10000))
  _SLOTS_BY=", times $1=$factor"
}

# slots_configure - the slots, and what they are made of
slots_configure() {
  local layout from i
  knob_title 'slots'
  resource_slots_read || return 1
  config_get SLOTS_LAYOUT partitionable
  layout=$REPLY from='glidein_config: SLOTS_LAYOUT'
  [[ $layout == partitionable || $layout == fixed ]] \
    || log_fail 1 "SLOTS_LAYOUT: expected fixed or partitionable, got '$layout'" || return $?
  config_get FORCE_PARTITIONABLE False
  if [[ $layout == partitionable && $SLOTS_CPUS == 1 && $RESOURCE_SLOTS_MAIN_CPUS == 0 && $REPLY != [Tt]rue ]]; then
    layout=fixed from='one core needs no parts (FORCE_PARTITIONABLE=True makes them all the same)'
  fi
  SLOTS_LAYOUT=$layout SLOTS_KINDS=()
  knob_set NUM_CPUS "$((SLOTS_CPUS + RESOURCE_SLOTS_MAIN_CPUS + RESOURCE_SLOTS_CPUS))" "$_SLOTS_CPUS_FROM" || return 1
  knob_set MEMORY "$((SLOTS_MEMORY_MB + RESOURCE_SLOTS_ADDED_MB))" "$_SLOTS_MEMORY_FROM" || return 1
  _slots_disk || return 1
  _slots_main || return 1
  knob_set "SLOT_TYPE_1" "$REPLY" "$from" || return 1
  if [[ $layout == partitionable ]]; then
    SLOTS_KINDS=(p)
    knob_set SLOT_TYPE_1_PARTITIONABLE True "$from" || return 1
  else
    for ((i = 0; i < SLOTS_CPUS + RESOURCE_SLOTS_MAIN_CPUS; i++)); do SLOTS_KINDS+=(s); done
    knob_set SLOT_TYPE_1_PARTITIONABLE False "$from" || return 1
  fi
  knob_set NUM_SLOTS_TYPE_1 "${#SLOTS_KINDS[@]}" "$from" || return 1
  resource_slots_configure || return 1
  SLOTS_KINDS+=(${RESOURCE_SLOTS_KINDS[@]+"${RESOURCE_SLOTS_KINDS[@]}"})
  if [[ ${SLOTS_KINDS[*]} != p ]]; then
    # each slot's ad tells these of all slots, as slot1_State and so on
    knob_set STARTD_SLOT_ATTRS 'State, EnteredCurrentState, JobStarts, NumDynamicSlots, NumDynamicSlotsTime' \
      'fixed: DAEMON_SHUTDOWN needs them' || return 1
  fi
  # A daemon's TRUST_DOMAIN is no expression of the ClassAd language; a slot's has to be one.
  for i in 1 ${RESOURCE_SLOTS_TYPES[@]+"${RESOURCE_SLOTS_TYPES[@]}"}; do
    knob_set "SLOT_TYPE_${i}_TRUST_DOMAIN" "$SECURITY_TRUST_DOMAIN" 'TRUST_DOMAIN, as slots show it' || return 1
    knob_set "SLOT_TYPE_${i}_STARTD_ATTRS" TRUST_DOMAIN 'TRUST_DOMAIN, as slots show it' || return 1
  done
}

# _slots_main - set REPLY to what a main slot is made of
_slots_main() {
  local main
  if [[ $SLOTS_LAYOUT == fixed ]]; then
    main=cpus=1
  elif ((${#RESOURCE_SLOTS_TYPES[@]} == 0)); then
    main='cpus=100%, memory=100%, disk=100%, swap=100%'
  else
    # Others are there too: their share of disk and swap HTCondor finds.
    main="cpus=$((SLOTS_CPUS + RESOURCE_SLOTS_MAIN_CPUS))"
    main+=", memory=$((SLOTS_MEMORY_MB + RESOURCE_SLOTS_ADDED_MB - RESOURCE_SLOTS_MEMORY_MB))"
  fi
  if [[ $SLOTS_LAYOUT == fixed && ${#RESOURCE_SLOTS_TYPES[@]} -gt 0 ]]; then
    main+=", memory=$(((SLOTS_MEMORY_MB + RESOURCE_SLOTS_ADDED_MB - RESOURCE_SLOTS_MEMORY_MB) / (SLOTS_CPUS + RESOURCE_SLOTS_MAIN_CPUS)))"
  fi
  resource_slots_main "$SLOTS_LAYOUT"
  REPLY=$main$REPLY
}

# _slots_disk - what is free on the disk and not ours is not to be offered
_slots_disk() {
  local free=${RESOURCES_DISK_SEEN:-}
  [[ " $free " =~ \ free=([0-9]{1,12})\  ]] || return 0
  free=${BASH_REMATCH[1]}
  ((free > RESOURCES_DISK_MB)) || return 0
  knob_set RESERVED_DISK "$((free - RESOURCES_DISK_MB))" "${RESOURCES_DISK_SOURCE:-detected}: $RESOURCES_DISK_MB of $free MB are ours"
}
