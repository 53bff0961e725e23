# shellcheck shell=bash
# security.sh - whom HTCondor believes, and how we show the pool who we are.
#
# Needs:     log.sh config.sh knob.sh vars.sh credentials.sh collectors.sh
# Commands:  id (coreutils), where a collector is on this machine
# Reads:     WORK, CONFIGURE_NAME, X509_CERT_DIR; RESOURCES_ROOT (a folder that stands for /, for
#            tests)
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
  knob_set ALLOW_READ '*' "$from" || return 1
  knob_set ALLOW_WRITE 'submit-side@matchsession, execute-side@matchsession, condor@family, condor@child, condor@parent' "$from" || return 1
  _security_family "$methods" || return 1
  knob_set ALLOW_ADMINISTRATOR 'condor@family, condor@child, condor@parent' "$from"
}

# _security_family METHODS - how our daemons know each other; the startd has to get through to a starter, or
#   no job is ever told to leave in peace, or held.
#   HTCondor takes all that answers on this machine for the master's family. Where a collector does,
#   too, as in a test or a demonstration, the daemons know each other by their user instead.
_security_family() {
  local methods=$1 from='fixed' user=${USER:-}
  if _security_local_collector; then
    from="detected: the collector $REPLY is on this machine"
    # Not a name of the environment: what FS proves is the owner of a file.
    user=$(id -un) && [[ $user =~ ^[A-Za-z0-9_][A-Za-z0-9_.-]*$ ]] || log_fail 1 "cannot tell our user's name" || return $?
    knob_set SEC_USE_FAMILY_SESSION False "$from" || return 1
    knob_set SEC_CLIENT_AUTHENTICATION_METHODS "$methods, FS" "$from" || return 1
    knob_set UID_DOMAIN "$CONFIGURE_NAME" "$from" || return 1
    knob_set ALLOW_DAEMON "\$(ALLOW_WRITE), $user@$CONFIGURE_NAME" "$from" || return 1
    return 0
  fi
  knob_set SEC_USE_FAMILY_SESSION True "$from" || return 1
  knob_set SEC_CLIENT_AUTHENTICATION_METHODS "$methods" "$from" || return 1
  knob_set ALLOW_DAEMON '$(ALLOW_WRITE)' "$from"
}

# _security_local_collector - is a collector of ours on this machine? Sets REPLY to its name. Names are not
#   looked up: addresses, and what this machine calls itself.
_security_local_collector() {
  local mark line address='' hosts host list=${COLLECTORS_ALL//,/ }
  local -A ours=([localhost]=1 ['::1']=1)
  [[ -z ${HOSTNAME:-} ]] || ours[${HOSTNAME,,}]=1 ours[${HOSTNAME%%.*}]=1
  while read -r mark line; do
    if [[ $mark == '|--' ]]; then
      address=$line
    elif [[ $line == *'host LOCAL'* && -n $address ]]; then
      ours[$address]=1
    fi
  done 2>/dev/null <"${RESOURCES_ROOT:-}/proc/net/fib_trie"
  read -r -a hosts <<<"$list"
  for host in ${hosts[@]+"${hosts[@]}"}; do
    REPLY=$host
    host=${host#<}
    host=${host%%\?*}
    if [[ $host == '['* ]]; then host=${host#[} && host=${host%%]*}; else host=${host%%:*}; fi
    [[ $host == 127.* || ${ours[${host,,}]+x} ]] && return 0
  done
  return 1
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
