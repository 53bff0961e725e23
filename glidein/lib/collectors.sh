# shellcheck shell=bash
# collectors.sh - the daemons of a glidein and the network: collectors, CCB, shared port.
#
# Needs:     log.sh config.sh report.sh knob.sh vars.sh
# Commands:  chmod as root (coreutils)
# Reads:     WORK, CONFIGURE_NAME
# Sets:      COLLECTORS_CHOSEN
#
# shellcheck disable=SC2016,SC1003  # $(NAME) and backslashes are HTCondor's here, not the shell's

# collectors_configure - the daemons, and how they and their collectors reach each other
collectors_configure() {
  local collector ccb daemons='MASTER, STARTD' from='fixed'
  knob_title 'daemons and network'
  knob_set MASTER_NAME "$CONFIGURE_NAME" 'fixed: unique, so that no glidein hides another' || return 1
  knob_set STARTD_NAME "$CONFIGURE_NAME" 'fixed: unique, so that no glidein hides another' || return 1
  if vars_true USE_SHARED_PORT; then
    daemons='MASTER, SHARED_PORT, STARTD' from="${VARS_FROM[USE_SHARED_PORT]}: USE_SHARED_PORT"
    knob_set SHARED_PORT_PORT 0 'fixed: any free port' || return 1
  fi
  knob_set DAEMON_LIST "$daemons" "$from" || return 1
  collectors_choose GLIDEIN_Collector || return 1
  collector=$REPLY
  [[ -n $collector ]] || log_fail 1 "GLIDEIN_Collector is not set: no pool to join" || return $?
  report_fact condor.collector "$collector"
  knob_set HEAD_NODE "$collector" "$COLLECTORS_CHOSEN" || return 1
  knob_set GLIDEIN_COLLECTOR_NAME "\"$collector\"" "$COLLECTORS_CHOSEN" || return 1
  collectors_choose GLIDEIN_Site_Collector || return 1
  if [[ -n $REPLY ]]; then
    knob_set COLLECTOR_HOST "\$(HEAD_NODE),$REPLY" "$COLLECTORS_CHOSEN" || return 1
  else
    knob_set COLLECTOR_HOST '$(HEAD_NODE)' 'from HEAD_NODE' || return 1
  fi
  collectors_choose GLIDEIN_Master_Collector || return 1
  [[ -z $REPLY ]] || knob_set MASTER.COLLECTOR_HOST "$REPLY" "$COLLECTORS_CHOSEN" || return 1
  knob_set CONDOR_HOST "${collector%%[:,?]*}" 'from HEAD_NODE' || return 1
  if vars_true USE_CCB; then
    collectors_choose GLIDEIN_CCB || return 1
    ccb=${REPLY:-'$(HEAD_NODE)'}
    knob_set CCB_ADDRESS "${ccb//,/ }" "${VARS_FROM[USE_CCB]}: USE_CCB" || return 1
  fi
  knob_set WANT_UDP_COMMAND_SOCKET False 'fixed' || return 1
  # A queue and a worker node share no file system, also where both are one machine.
  knob_set FILESYSTEM_DOMAIN "$CONFIGURE_NAME" 'fixed: jobs bring their files along' || return 1
  knob_set ENABLE_KERNEL_TUNING False 'fixed: the node is not ours' || return 1
  ((EUID != 0)) || _collectors_as_root
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
#   each is picked; of a range, HOST:9620-9630 or HOST:9618?sock=collector1-40, one number.
#   Returns:  0 (REPLY is empty when KEY is not set);  1 KEY is malformed
collectors_choose() {
  local value group chosen out='' alternatives groups
  config_get "$1" ''
  value=${REPLY//[[:space:]]/}
  REPLY=
  [[ -n $value ]] || return 0
  [[ $value =~ ^[][A-Za-z0-9._:?=\&\<\>%,\;+-]+$ ]] || log_fail 1 "$1: not a list of collectors: '$value'" || return $?
  IFS=';' read -r -a groups <<<"$value"
  for group in "${groups[@]}"; do
    IFS=',' read -r -a alternatives <<<"$group"
    ((${#alternatives[@]})) || continue
    chosen=${alternatives[RANDOM % ${#alternatives[@]}]}
    [[ -n $chosen ]] || log_fail 1 "$1: an empty name in '$value'" || return $?
    if [[ $chosen =~ ^(.*:|.*sock=[A-Za-z_]+)([0-9]{1,5})-([0-9]{1,5})$ ]]; then
      ((10#${BASH_REMATCH[3]} >= 10#${BASH_REMATCH[2]})) || log_fail 1 "$1: not a range: '$chosen'" || return $?
      chosen=${BASH_REMATCH[1]}$((10#${BASH_REMATCH[2]} + RANDOM % (10#${BASH_REMATCH[3]} - 10#${BASH_REMATCH[2]} + 1)))
    fi
    out+=${out:+,}$chosen
  done
  [[ $out == "$value" ]] && COLLECTORS_CHOSEN="glidein_config: $1" || COLLECTORS_CHOSEN="glidein_config: $1, chosen from $value"
  REPLY=$out
}
