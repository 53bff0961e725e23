# shellcheck shell=bash
# security.sh - whom HTCondor believes, and how we show the pool who we are.
#
# Needs:     log.sh config.sh knob.sh vars.sh credentials.sh collectors.sh
# Reads:     WORK, X509_CERT_DIR
# Sets:      VARS_ENVIRONMENT, SECURITY_TRUST_DOMAIN
#
# shellcheck disable=SC2016,SC1003  # $(NAME) and backslashes are HTCondor's here, not the shell's

# security_configure - tokens prove to the pool who we are; the pool proves the same to us.
#   Schedds get in through the secret of a claim, which the negotiator handed them.
security_configure() {
  local methods=IDTOKENS from='fixed'
  knob_title 'security'
  _security_trust_domain || return 1
  knob_set SEC_TOKEN_DIRECTORY '$(LOCAL_DIR)/cred.d/idtokens' "$CREDENTIALS_FROM" || return 1
  knob_set SEC_TOKEN_SYSTEM_DIRECTORY '$(SEC_TOKEN_DIRECTORY)' "$CREDENTIALS_FROM" || return 1
  if [[ -n $CREDENTIALS_SCITOKEN ]]; then
    methods+=', SCITOKENS'
    knob_set SCITOKENS_FILE "\$(LOCAL_DIR)/cred.d/${CREDENTIALS_SCITOKEN##*/}" 'a SciToken that came with the job' || return 1
  fi
  if [[ -n $CREDENTIALS_PROXY ]]; then
    methods+=', SSL'
    knob_set AUTH_SSL_CLIENT_CERTFILE '$(LOCAL_DIR)/cred.d/myproxy' 'the X.509 proxy that came with the job' || return 1
    knob_set AUTH_SSL_CLIENT_KEYFILE '$(LOCAL_DIR)/cred.d/myproxy' 'the X.509 proxy that came with the job' || return 1
  fi
  if [[ $methods != IDTOKENS ]]; then _security_authorities || return 1; fi
  knob_set SEC_DEFAULT_AUTHENTICATION REQUIRED "$from" || return 1
  knob_set SEC_DEFAULT_AUTHENTICATION_METHODS "FS, $methods" "$from" || return 1
  knob_set SEC_CLIENT_AUTHENTICATION_METHODS "$methods" "$from" || return 1
  # A collector on this very machine, as in tests, would be taken for one of the master's family.
  knob_set SEC_USE_FAMILY_SESSION False "$from" || return 1
  knob_set ALLOW_READ '*' "$from" || return 1
  knob_set ALLOW_WRITE 'submit-side@matchsession, execute-side@matchsession, condor@family, condor@child, condor@parent' "$from" || return 1
  knob_set ALLOW_DAEMON '$(ALLOW_WRITE)' "$from" || return 1
  knob_set ALLOW_ADMINISTRATOR 'condor@family, condor@child, condor@parent' "$from"
}

# security_environment - set VARS_ENVIRONMENT: jobs get to know of the proxy only where they are to
security_environment() {
  VARS_ENVIRONMENT=
  config_get GLIDEIN_Expose_X509 False
  [[ $REPLY == [Tt][Rr][Uu][Ee] && -n $CREDENTIALS_PROXY ]] || return 0
  VARS_ENVIRONMENT='X509_USER_PROXY=$(LOCAL_DIR)/cred.d/myproxy'
}

# _security_trust_domain - who signs our tokens: as told, else the first collector. Slots show it as a
#   string, which it must not be for the daemons.
_security_trust_domain() {
  local domain from
  config_get TRUST_DOMAIN ''
  domain=$REPLY from='glidein_config: TRUST_DOMAIN'
  [[ -n $domain ]] || domain=$COLLECTORS_FIRST from='the first collector'
  knob_literal "$domain"
  knob_set TRUST_DOMAIN "$REPLY" "$from" || return 1
  knob_string "$domain"
  SECURITY_TRUST_DOMAIN=$REPLY
}

# _security_authorities - where the certificates are by which a collector's own is judged, and that
#   nobody becomes somebody here by showing one
_security_authorities() {
  local folder=${X509_CERT_DIR:-} map
  config_get X509_CERT_DIR ''
  [[ -z $REPLY ]] || folder=$REPLY
  [[ -n $folder || ! -d /etc/grid-security/certificates ]] || folder=/etc/grid-security/certificates
  if [[ -n $folder ]]; then
    knob_literal "$folder"
    knob_set AUTH_SSL_CLIENT_CADIR "$REPLY" 'X509_CERT_DIR' || return 1
  fi
  config_get X509_CONDORMAP ''
  map=$REPLY
  if [[ -z $map ]]; then
    map='$(LOCAL_DIR)/condor_mapfile'
    { printf 'SSL /.*/ anonymous\nSCITOKENS /.*/ anonymous\n' >"$WORK/condor_mapfile"; } 2>/dev/null \
      || log_fail 1 "cannot write $WORK/condor_mapfile" || return $?
  else
    knob_literal "$map"
    map=$REPLY
  fi
  knob_set CERTIFICATE_MAPFILE "$map" 'X509_CONDORMAP'
}
