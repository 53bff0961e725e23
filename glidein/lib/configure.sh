# shellcheck shell=bash
# configure.sh - write $WORK/condor_config: what HTCondor is to do here, and who said so.
#
# Every fact is one line, below a comment that names where it came from. What options, areas and
# scripts say is data: it is quoted, or refused, and can never become configuration of its own.
# HTCondor reads condor_config.d last: there a community overrides what it must.
#
# Needs:     log.sh clock.sh knob.sh expand.sh vars.sh places.sh system.sh batch.sh mjf.sh
#            lifetime.sh collectors.sh credentials.sh security.sh resource_slots.sh slots.sh
#            policy.sh containers.sh
# Reads:     WORK
# Sets:      CONFIGURE_NAME
#
# shellcheck disable=SC2016  # $(NAME) is HTCondor's here, not the shell's

# configure_condor CONDOR_DIR - write $WORK/condor_config for the HTCondor in CONDOR_DIR.
#   Returns:  0
#             1  a value cannot be used, or something cannot be written; the log names it
configure_condor() {
  knob_begin "HTCondor's configuration of this glidein, written by configure_condor."
  clock_epoch
  CONFIGURE_NAME=glidein_$$_$REPLY$RANDOM
  system_look
  batch_look
  mjf_look
  places_find "$1" \
    && credentials_copy \
    && slots_size \
    && vars_read \
    && vars_decide \
    && lifetime_compute \
    && security_environment \
    && containers_configure \
    && policy_defaults \
    && vars_write \
    && _configure_glidein \
    && lifetime_configure \
    && mjf_configure \
    && collectors_configure \
    && security_configure \
    && slots_configure \
    && policy_configure \
    && vars_publish \
    || return 1
  { printf '%s' "$KNOB_TEXT" >"$WORK/condor_config"; } 2>/dev/null \
    || log_fail 1 "cannot write $WORK/condor_config" || return $?
  log_info "wrote $WORK/condor_config name=$CONFIGURE_NAME to_retire=$LIFETIME_TO_RETIRE to_die=$LIFETIME_TO_DIE"
}

# _configure_glidein - what tells a glidein's slots from others
_configure_glidein() {
  knob_title 'this glidein'
  knob_set IS_GLIDEIN True 'fixed' || return 1
  knob_set GLIDEIN_MASTER_NAME '"$(MASTER_NAME)@$(FULL_HOSTNAME)"' "the name of the master's ad" || return 1
  knob_set GLIDEIN_PARENT_PID "$$" 'detected: the process id of glidein_startup.sh' || return 1
  # Some glideins have a second startd that watches the first one's jobs. Ours has none.
  knob_set IS_MONITOR_VM False 'fixed: there is no monitoring startd' || return 1
  knob_set HAS_MONITOR_VM False 'fixed: there is no monitoring startd' || return 1
  knob_set USES_MONITOR_STARTD False 'fixed: there is no monitoring startd' || return 1
  knob_set Monitoring_Name UNDEFINED 'fixed: there is no monitoring startd' || return 1
  vars_advertise IS_GLIDEIN GLIDEIN_MASTER_NAME GLIDEIN_PARENT_PID
  vars_advertise IS_MONITOR_VM HAS_MONITOR_VM USES_MONITOR_STARTD Monitoring_Name
}
