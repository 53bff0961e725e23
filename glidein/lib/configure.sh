# shellcheck shell=bash
# configure.sh - write $WORK/condor_config: what HTCondor is to do here, and who said so.
#
# Every fact is one line, below a comment that names where it came from. What options, areas and
# scripts say is data: it is quoted, or refused, and can never become configuration of its own.
# HTCondor reads condor_config.d last: there a community overrides what it must.
#
# Needs:     log.sh clock.sh knob.sh expand.sh vars.sh places.sh lifetime.sh collectors.sh
#            credentials.sh security.sh slots.sh policy.sh
# Reads:     WORK
# Sets:      CONFIGURE_NAME

# configure_condor CONDOR_DIR - write $WORK/condor_config for the HTCondor in CONDOR_DIR.
#   Returns:  0
#             1  a value cannot be used, or something cannot be written; the log names it
configure_condor() {
  knob_begin "HTCondor's configuration of this glidein, written by configure_condor."
  clock_epoch
  CONFIGURE_NAME=glidein_$$_$REPLY$RANDOM
  places_find "$1" \
    && vars_read \
    && vars_decide \
    && lifetime_compute \
    && vars_write \
    && collectors_configure \
    && security_configure \
    && slots_configure \
    && policy_configure \
    || return 1
  { printf '%s' "$KNOB_TEXT" >"$WORK/condor_config"; } 2>/dev/null \
    || log_fail 1 "cannot write $WORK/condor_config" || return $?
  log_info "wrote $WORK/condor_config name=$CONFIGURE_NAME to_retire=$LIFETIME_TO_RETIRE to_die=$LIFETIME_TO_DIE"
}
