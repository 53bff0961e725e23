# shellcheck shell=bash
# security.sh - whom HTCondor believes, and how we show the pool who we are.
#
# Needs:     config.sh knob.sh credentials.sh
#
# shellcheck disable=SC2016,SC1003  # $(NAME) and backslashes are HTCondor's here, not the shell's

# security_configure - tokens prove to the pool who we are; the pool proves the same to us.
#   Schedds get in through the secret of a claim, which the negotiator handed them.
security_configure() {
  local from='fixed'
  knob_title 'security'
  credentials_copy || return 1
  config_get TRUST_DOMAIN ''
  if [[ -n $REPLY ]]; then
    from='glidein_config: TRUST_DOMAIN'
  else
    REPLY='$(HEAD_NODE)' from='from HEAD_NODE'
  fi
  knob_set TRUST_DOMAIN "$REPLY" "$from" || return 1
  knob_set SEC_TOKEN_DIRECTORY '$(LOCAL_DIR)/cred.d/idtokens' "$CREDENTIALS_FROM" || return 1
  knob_set SEC_TOKEN_SYSTEM_DIRECTORY '$(SEC_TOKEN_DIRECTORY)' "$CREDENTIALS_FROM" || return 1
  from='fixed'
  knob_set SEC_DEFAULT_AUTHENTICATION REQUIRED "$from" || return 1
  knob_set SEC_DEFAULT_AUTHENTICATION_METHODS 'FS, IDTOKENS' "$from" || return 1
  knob_set SEC_CLIENT_AUTHENTICATION_METHODS IDTOKENS "$from" || return 1
  # A collector on this very machine, as in tests, would be taken for one of the master's family.
  knob_set SEC_USE_FAMILY_SESSION False "$from" || return 1
  knob_set TOOL.SEC_CLIENT_AUTHENTICATION_METHODS 'FS, IDTOKENS' "$from" || return 1
  knob_set ALLOW_READ '*' "$from" || return 1
  knob_set ALLOW_WRITE 'submit-side@matchsession, execute-side@matchsession, condor@family, condor@child, condor@parent' "$from" || return 1
  knob_set ALLOW_DAEMON '$(ALLOW_WRITE)' "$from" || return 1
  knob_set ALLOW_ADMINISTRATOR 'condor@family, condor@child, condor@parent' "$from"
}
