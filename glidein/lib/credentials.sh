# shellcheck shell=bash
# credentials.sh - the tokens and proxies that travelled with the job, copied to where HTCondor finds them.
#
# From the folder the glidein was started in: *.idtoken (credential_*.idtoken for the pool,
# ce_*.idtoken for the site's collectors) and *.scitoken; besides, the files that IDTOKENS_FILE and
# X509_USER_PROXY name. Batch systems renew them there, so they are looked at again. The log never shows
# what is in one.
#
# Needs:     log.sh clock.sh config.sh report.sh knob.sh expiry.sh
# Commands:  mv (coreutils), for a copy that is replaced
# Reads:     WORK, IDTOKENS_FILE, X509_USER_PROXY
# Sets:      CREDENTIALS_FROM; CREDENTIALS_{SCITOKEN,PROXY} (the copies, or empty);
#            CREDENTIALS_EXPIRE (seconds of the epoch; empty: unknown), CREDENTIALS_EXPIRE_FROM

CREDENTIALS_SCITOKEN='' CREDENTIALS_PROXY='' CREDENTIALS_EXPIRE='' CREDENTIALS_EXPIRE_FROM=''
declare -gA _CREDENTIALS_COPY=() # by source: where the copy lies
_CREDENTIALS_DAY=86400           # seconds a token is taken to be good for that names no end

# credentials_copy - copy what came with the job
#   Returns:  0, also without any: the pool may know us by other means
#             1  a file is not what its name says, cannot be read or written, or all have expired
credentials_copy() {
  local source kind now idtokens=0 pool=0 expired=0 latest=''
  CREDENTIALS_SCITOKEN='' CREDENTIALS_PROXY='' CREDENTIALS_EXPIRE='' CREDENTIALS_EXPIRE_FROM=''
  _CREDENTIALS_COPY=()
  _credentials_sources || return 1
  clock_epoch
  now=$REPLY
  for source in ${_CREDENTIALS_SOURCES[@]+"${_CREDENTIALS_SOURCES[@]}"}; do
    _credentials_kind "$source"
    kind=$REPLY
    [[ -f $source ]] || log_fail 1 "not a file: the credential $source" || return $? # a pipe would hold us
    knob_file "$source" || log_fail 1 "cannot read the credential $source" || return $?
    _credentials_good "$source" "$REPLY" || return 1
    if [[ -n $_CREDENTIALS_END ]] && ((_CREDENTIALS_END <= now)); then
      log_warn "expired since $((now - _CREDENTIALS_END)) seconds: $source"
      ((++expired))
      continue
    fi
    _credentials_put "$source" "$REPLY" || return 1
    case $kind in
      scitoken) CREDENTIALS_SCITOKEN=${_CREDENTIALS_COPY[$source]} ;;
      idtoken)
        ((++idtokens))
        [[ ${source##*/} != credential_* ]] || ((++pool))
        if [[ ${source##*/} != ce_* ]]; then
          ((pool > 1)) || [[ ${source##*/} != credential_* && -n $latest ]] \
            || config_set GLIDEIN_CONDOR_TOKEN "${_CREDENTIALS_COPY[$source]}"
          : "${_CREDENTIALS_END:=$((now + _CREDENTIALS_DAY))}"
          # Of several tokens, any may be the pool's.
          [[ -n $latest ]] && ((latest >= _CREDENTIALS_END)) || latest=$_CREDENTIALS_END
        fi
        ;;
      proxy)
        CREDENTIALS_PROXY=${_CREDENTIALS_COPY[$source]}
        CREDENTIALS_EXPIRE=$_CREDENTIALS_END CREDENTIALS_EXPIRE_FROM='X509_USER_PROXY'
        ;;
    esac
  done
  if [[ -z $CREDENTIALS_EXPIRE && -n $latest ]]; then
    CREDENTIALS_EXPIRE=$latest CREDENTIALS_EXPIRE_FROM='the token'
  fi
  CREDENTIALS_FROM="tokens that came with the job: $idtokens"
  report_fact credentials.idtokens "$idtokens"
  report_fact credentials.expire "${CREDENTIALS_EXPIRE:-unknown}"
  ((pool <= 1)) || log_warn "$pool credential_*.idtoken came with the job; expected one"
  ((idtokens == 0)) && [[ -z $CREDENTIALS_SCITOKEN$CREDENTIALS_PROXY ]] || return 0
  ((expired == 0)) || log_fail 1 "all that came to show the pool who we are has expired: $expired" || return $?
  log_warn "no token came with the job: nothing shows the pool who we are"
}

# credentials_refresh - copy again what has changed at its source, or is new there. One that is not
#   whole yet, or is gone, changes nothing.
#   Returns:  0  something was copied
#             1  nothing was
credentials_refresh() {
  local source text changed=1
  _credentials_sources 2>/dev/null || :
  for source in ${_CREDENTIALS_SOURCES[@]+"${_CREDENTIALS_SOURCES[@]}"}; do
    [[ -f $source ]] && knob_file "$source" || continue
    text=$REPLY
    if [[ -n ${_CREDENTIALS_COPY[$source]-} ]] && knob_file "${_CREDENTIALS_COPY[$source]}"; then
      [[ $REPLY != "$text" ]] || continue
    fi
    _credentials_good "$source" "$text" && _credentials_put "$source" "$text" || continue
    log_info "renewed ${_CREDENTIALS_COPY[$source]}"
    changed=0
  done
  return $changed
}

# _credentials_sources - set the array _CREDENTIALS_SOURCES to the files that are there
#   Returns:  0;  1 a name is none that we would use for a file of our own
_credentials_sources() {
  local start file status=0
  _CREDENTIALS_SOURCES=()
  config_get GLIDEIN_START_DIR_ORIG ''
  start=$REPLY
  for file in "$start"/*.idtoken "$start"/*.scitoken; do
    [[ -e $file ]] || continue
    [[ ${file##*/} =~ ^[A-Za-z0-9_][A-Za-z0-9._@+-]*$ ]] || {
      log_error "not a good name for a token file: $file"
      status=1
      continue
    }
    _CREDENTIALS_SOURCES+=("$file")
  done
  file=${IDTOKENS_FILE:-}
  if [[ -n $file && $file != /dev/null ]]; then
    [[ $file == /* ]] || file=$start/$file
    [[ ${file##*/} =~ ^[A-Za-z0-9_][A-Za-z0-9._@+-]*$ ]] || log_fail 1 "not a good name for a token file: $file" || return $?
    [[ " ${_CREDENTIALS_SOURCES[*]-} " == *" $file "* ]] || _CREDENTIALS_SOURCES+=("$file")
  fi
  file=${X509_USER_PROXY:-}
  if [[ -n $file ]]; then
    [[ $file == /* ]] || file=$start/$file
    if [[ -r $file ]]; then _CREDENTIALS_SOURCES+=("$file"); else log_warn "X509_USER_PROXY: there is no file $file"; fi
  fi
  return $status
}

# _credentials_kind SOURCE - set REPLY to idtoken, scitoken or proxy
_credentials_kind() {
  case $1 in
    "${X509_USER_PROXY:-/}" | */"${X509_USER_PROXY:-/}") REPLY=proxy ;;
    *.scitoken) REPLY=scitoken ;;
    *) REPLY=idtoken ;;
  esac
}

# _credentials_good SOURCE TEXT - is it what its name says? Sets _CREDENTIALS_END to when it ends, as far
#   as it says; leaves REPLY.
#   Returns:  0;  1 it is not
_credentials_good() {
  local source=$1 text=$2 line count=0
  _CREDENTIALS_END=
  _credentials_kind "$source"
  if [[ $REPLY == proxy ]]; then
    expiry_proxy "$text" || log_fail 1 "this is no X.509 proxy: $source" || return $?
    _CREDENTIALS_END=$REPLY
  else
    while IFS= read -r line; do
      line=${line//[[:space:]]/}
      [[ -n $line && $line != '#'* ]] || continue
      [[ $line =~ ^[A-Za-z0-9_=-]+\.[A-Za-z0-9_=-]+\.[A-Za-z0-9_=-]+$ ]] \
        || log_fail 1 "this is no token: $source" || return $?
      ((++count))
      # A file may hold several; the last to end counts.
      expiry_token "$line" || REPLY=
      [[ -z $REPLY ]] || [[ -n $_CREDENTIALS_END ]] && ((REPLY <= _CREDENTIALS_END)) || _CREDENTIALS_END=$REPLY
    done <<<"$text"
    ((count > 0)) || log_fail 1 "this is no token: $source" || return $?
  fi
  REPLY=$text
}

# _credentials_put SOURCE TEXT - write the copy: nobody else may read it, of a proxy nobody write it.
#   A copy that is there is replaced in one go.
_credentials_put() {
  local source=$1 text=$2 copy mask=0077 new
  _credentials_kind "$source"
  case $REPLY in
    proxy) copy=$WORK/cred.d/myproxy mask=0377 ;;
    scitoken) copy=$WORK/cred.d/${source##*/} ;;
    *) copy=$WORK/cred.d/idtokens/${source##*/} ;;
  esac
  new=$copy
  [[ ! -e $copy ]] || new=$WORK/cred.d/new.$BASHPID
  { (umask "$mask" && printf '%s\n' "${text%$'\n'}" >"$new"); } 2>/dev/null || log_fail 1 "cannot write $new" || return $?
  [[ $new == "$copy" ]] || mv -f -- "$new" "$copy" || log_fail 1 "cannot replace $copy" || return $?
  _CREDENTIALS_COPY[$source]=$copy
}
