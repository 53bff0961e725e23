# shellcheck shell=bash
# collectors.sh - the daemons of a glidein and the network: collectors, CCB, shared port.
#
# Needs:     log.sh config.sh report.sh condor.sh knob.sh vars.sh
# Commands:  chmod as root (coreutils)
# Reads:     WORK, CONDOR_DIR, CONFIGURE_NAME, CONDORCE_COLLECTOR_HOST
# Sets:      COLLECTORS_CHOSEN, COLLECTORS_FIRST, COLLECTORS_ALL
#
# shellcheck disable=SC2016,SC1003  # $(NAME) and backslashes are HTCondor's here, not the shell's

# collectors_configure - the daemons, and how they and their collectors reach each other
collectors_configure() {
  local collector ccb='' daemons='MASTER, STARTD' from='fixed'
  knob_title 'daemons and network'
  knob_set MASTER_NAME "$CONFIGURE_NAME" 'fixed: unique, so that no glidein hides another' || return 1
  knob_set STARTD_NAME "$CONFIGURE_NAME" 'fixed: unique, so that no glidein hides another' || return 1
  if vars_true USE_SHARED_PORT; then
    daemons='MASTER, SHARED_PORT, STARTD' from="${VARS_FROM[USE_SHARED_PORT]}: USE_SHARED_PORT"
    knob_set SHARED_PORT_PORT 0 'fixed: any free port' || return 1
    knob_set SHARED_PORT_DAEMON_AD_FILE '$(LOCK)/shared_port_ad' 'the work directory' || return 1
  fi
  knob_set DAEMON_LIST "$daemons" "$from" || return 1
  collectors_choose GLIDEIN_Collector || return 1
  collector=$REPLY
  [[ -n $collector ]] || log_fail 1 "GLIDEIN_Collector is not set: no pool to join" || return $?
  COLLECTORS_FIRST=${collector%%,*} COLLECTORS_ALL=$collector
  report_fact condor.collector "$collector"
  knob_set HEAD_NODE "$collector" "$COLLECTORS_CHOSEN" || return 1
  knob_set GLIDEIN_COLLECTOR_NAME "\"$collector\"" "$COLLECTORS_CHOSEN" || return 1
  vars_advertise GLIDEIN_COLLECTOR_NAME
  collectors_site || return 1
  if [[ -n $REPLY ]]; then
    COLLECTORS_ALL+=,$REPLY
    knob_set COLLECTOR_HOST "\$(HEAD_NODE),$REPLY" "$COLLECTORS_CHOSEN" || return 1
  else
    knob_set COLLECTOR_HOST '$(HEAD_NODE)' 'from HEAD_NODE' || return 1
  fi
  collectors_master || return 1
  [[ -z $REPLY ]] || knob_set MASTER.COLLECTOR_HOST "$REPLY" "$COLLECTORS_CHOSEN" || return 1
  knob_set CONDOR_HOST "${collector%%[:,?]*}" 'from HEAD_NODE' || return 1
  if vars_true USE_CCB; then
    collectors_choose GLIDEIN_CCB || return 1
    ccb=${REPLY:-'$(HEAD_NODE)'}
    knob_set CCB_ADDRESS "${ccb//,/ }" "${VARS_FROM[USE_CCB]}: USE_CCB" || return 1
    # HTCondor would take the node's name; whoever has the same, as machines called localhost, would try
    # to come here directly.
    knob_set PRIVATE_NETWORK_NAME "$CONFIGURE_NAME" 'fixed: only our own daemons reach each other directly' || return 1
  fi
  _collectors_outbound "$collector" || return 1
  # A queue and a worker node share no file system, also where both are one machine.
  knob_set FILESYSTEM_DOMAIN "$CONFIGURE_NAME" 'fixed: jobs bring their files along' || return 1
  knob_set ENABLE_KERNEL_TUNING False 'fixed: the node is not ours' || return 1
  ((EUID != 0)) || _collectors_as_root
}

# _collectors_outbound BROKERS - with GLIDEIN_Use_Outbound_CCB, who may not go out except to a broker: all that
#   HTCondor connects to is reached through GLIDEIN_Outbound_CCB, else GLIDEIN_CCB, else BROKERS. They
#   must permit it: CCB_OUTBOUND_PROXY there, and our token gives us the right of a DAEMON.
#   Returns:  0;  1 this HTCondor cannot, or a value is malformed
_collectors_outbound() {
  local version broker list=''
  vars_true GLIDEIN_Use_Outbound_CCB || return 0
  condor_version "$CONDOR_DIR" || return 1
  version=$REPLY
  [[ $version =~ ^([0-9]{1,4})\.([0-9]{1,4})(\.|$) ]] && ((10#${BASH_REMATCH[1]} * 10000 + 10#${BASH_REMATCH[2]} >= 250013)) \
    || log_fail 1 "GLIDEIN_Use_Outbound_CCB needs HTCondor 25.13 or later, this is $version" || return $?
  collectors_choose GLIDEIN_Outbound_CCB || return 1
  [[ -n $REPLY ]] || collectors_choose GLIDEIN_CCB || return 1
  [[ -n $REPLY ]] || REPLY=$1
  # HTCondor does not take them here without brackets, as it does elsewhere.
  for broker in ${REPLY//,/ }; do
    [[ $broker == '<'* ]] || broker="<$broker>"
    list+=${list:+ }$broker
  done
  knob_set OUTBOUND_CCB_ADDRESS "$list" "${VARS_FROM[GLIDEIN_Use_Outbound_CCB]}: GLIDEIN_Use_Outbound_CCB"
}

# collectors_site - set REPLY to the site's own collectors, which the batch system may have named, or
#   to nothing
collectors_site() {
  collectors_choose GLIDEIN_Site_Collector || return 1
  [[ -z $REPLY && -n ${CONDORCE_COLLECTOR_HOST:-} ]] || return 0
  _collectors_pick CONDORCE_COLLECTOR_HOST "$CONDORCE_COLLECTOR_HOST" environment
}

# collectors_master - set REPLY to where the master reports: GLIDEIN_Master_Collector; else the pool and
#   the factory's collector, where there is one; else nothing: as the others
collectors_master() {
  local chosen
  collectors_choose GLIDEIN_Master_Collector || return 1
  [[ -z $REPLY ]] || return 0
  collectors_choose GLIDEIN_Factory_Collector || return 1
  [[ -n $REPLY ]] || return 0
  chosen=$REPLY
  knob_set GLIDEIN_Factory_Collector "$chosen" "$COLLECTORS_CHOSEN" || return 1
  REPLY="\$(HEAD_NODE),$chosen"
}

# _collectors_as_root - root's daemons stay root; HTCondor then runs jobs as nobody, who must get to
#   the job's folder.
_collectors_as_root() {
  chmod 0711 -- "$WORK" && chmod 0755 -- "$WORK/execute" \
    || log_fail 1 "cannot open $WORK to the user of the jobs" || return $?
  knob_set CONDOR_IDS 0.0 'detected: running as root'
}

# collectors_choose KEY - set REPLY to the collectors that KEY stands for, joined by commas, and
#   COLLECTORS_CHOSEN to where they came from. Groups are separated by `;`: one alternative (`,`) of
#   each is picked; of a range, HOST:9620-9630, HOST:9618?sock=collector1-40 or what
#   $RANDOM_INTEGER(9620,9630[,2]) stands for, one number. All daemons of the glidein use the same.
#   Returns:  0 (REPLY is empty when KEY is not set);  1 KEY is malformed
collectors_choose() {
  config_get "$1" ''
  _collectors_pick "$1" "$REPLY" glidein_config
}

# _collectors_pick KEY VALUE ORIGIN - the same for a VALUE that ORIGIN gave
_collectors_pick() {
  local value=${2//[[:space:]]/} group chosen out='' alternatives groups
  REPLY=
  [[ -n $value ]] || return 0
  while [[ $value =~ ^(.*)\$RANDOM_INTEGER\(([0-9]{1,5}),([0-9]{1,5})(,([0-9]{1,5}))?\)(.*)$ ]]; do
    _collectors_number "$1" "${BASH_REMATCH[2]}" "${BASH_REMATCH[3]}" "${BASH_REMATCH[5]:-1}" || return 1
    value=${BASH_REMATCH[1]}$REPLY${BASH_REMATCH[6]}
  done
  [[ $value =~ ^[][A-Za-z0-9._:?=\&\<\>%,\;+-]+$ ]] || log_fail 1 "$1: not a list of collectors: '$value'" || return $?
  IFS=';' read -r -a groups <<<"$value"
  for group in "${groups[@]}"; do
    IFS=',' read -r -a alternatives <<<"$group"
    ((${#alternatives[@]})) || continue
    chosen=${alternatives[RANDOM % ${#alternatives[@]}]}
    [[ -n $chosen ]] || log_fail 1 "$1: an empty name in '$value'" || return $?
    if [[ $chosen =~ ^([^?]*:)([0-9]{1,5})-([0-9]{1,5})(\?.*)?$ || $chosen =~ ^(.*[?\&]sock=[A-Za-z_.-]*)([0-9]{1,5})-([0-9]{1,5})(\&.*)?$ ]]; then
      _collectors_number "$1" "${BASH_REMATCH[2]}" "${BASH_REMATCH[3]}" 1 || return 1
      chosen=${BASH_REMATCH[1]}$REPLY${BASH_REMATCH[4]}
    fi
    out+=${out:+,}$chosen
  done
  COLLECTORS_CHOSEN="$3: $1"
  [[ $out == "${2//[[:space:]]/}" ]] || COLLECTORS_CHOSEN+=", chosen from ${2//[[:space:]]/}"
  REPLY=$out
}

# _collectors_number KEY FROM TO STEP - set REPLY to one number of a range; 1: it is none
_collectors_number() {
  local from=$((10#$2)) to=$((10#$3)) step=$((10#$4))
  ((to >= from && step > 0)) || log_fail 1 "$1: not a range: $2 to $3 in steps of $4" || return $?
  REPLY=$((from + RANDOM % ((to - from) / step + 1) * step))
}
