# shellcheck shell=bash
# vars.sh - the variables of condor_vars.lst: what each is worth, who said so, who gets to see it.
#
# Needs:     log.sh config.sh knob.sh expand.sh
# Reads:     lists of variables and constants that glidein_config names
#            CONFIGURE_NAME; VARS_ENVIRONMENT, more of the jobs' environment
# Sets:      VARS_VALUE, VARS_FROM, VARS_ADVERTISED
#
# shellcheck disable=SC2016,SC1003  # $(NAME) and backslashes are HTCondor's here, not the shell's

# The variables every glidein knows, in the seven columns of condor_vars.lst. A list of an area
# that has a line for the same variable replaces ours.
# VarName Type Default CondorName Req Export UserName
_VARS_OURS='
GLIDEIN_Factory S - + N Y @
GLIDEIN_Name S - + N Y @
GLIDEIN_Entry_Name S - + N Y @
GLIDEIN_Site S $GLIDEIN_Entry_Name + N Y @
GLIDEIN_Gatekeeper S - + N Y @
GLIDEIN_GridType S - + N Y @
GLIDEIN_UUID S - + N Y -
GLIDECLIENT_Name S - + N Y @
GLIDECLIENT_Group S - + N Y @
GLIDECLIENT_ReqNode S - + N Y @
GLIDECLIENT_Signature S - + N Y @
GLIDECLIENT_Group_Signature S - + N Y @
GLIDEIN_CredentialIdentifier S - + N Y -
GLIDEIN_Signature S - + N Y @
GLIDEIN_Entry_Signature S - + N Y @
CONDORG_SCHEDD S - GLIDEIN_Schedd N Y @
CONDORG_CLUSTER I - GLIDEIN_ClusterId N Y @
CONDORG_SUBCLUSTER I - GLIDEIN_ProcId N Y @
DESCRIPTION_FILE S - GLIDEIN_Description_File N Y -
DESCRIPTION_ENTRY_FILE S - GLIDEIN_Description_Entry_File N Y -
TMP_DIR S - GLIDEIN_Tmp_Dir N Y @
GLIDEIN_LOCAL_TMP_DIR S - + N N @
PROXY_URL S - GLIDEIN_Proxy_URL N Y @
GLIDEIN_CPUS I - + N N @
GLIDEIN_MaxMemMBs I - + N Y -
GLIDEIN_Max_Idle I 1200 + N Y -
GLIDEIN_Max_Tail I 400 + N Y -
GLIDEIN_Max_Walltime I - + N Y -
GLIDEIN_Job_Max_Time I 129600 + N Y -
GLIDEIN_Retire_Time I 21600 + N N -
GLIDEIN_Retire_Time_Spread I - + N N -
GLIDEIN_Graceful_Shutdown I 120 + N Y -
GLIDEIN_Register_Timeout I 300 + N N -
GLIDEIN_CLAIM_WORKLIFE I -1 + N N -
GLIDEIN_CLAIM_WORKLIFE_DYNAMIC I 3600 + N N -
GLIDEIN_Start C True + N N -
GLIDEIN_Entry_Start C True + N N -
GLIDECLIENT_Start C True + N N -
GLIDECLIENT_Group_Start C True + N N -
GLIDEIN_Custom_Start C True + N Y -
GLIDEIN_Hold C False + N N -
GLIDEIN_Entry_Hold C False + N N -
GLIDECLIENT_Hold C False + N N -
GLIDECLIENT_Group_Hold C False + N N -
GLIDEIN_PREEMPT C False + N N -
GLIDEIN_Entry_PREEMPT C False + N N -
GLIDECLIENT_PREEMPT C False + N N -
GLIDECLIENT_Group_PREEMPT C False + N N -
GLIDEIN_Rank C 1 + N N -
GLIDEIN_Entry_Rank C 0 + N N -
GLIDECLIENT_Rank C 0 + N N -
GLIDECLIENT_Group_Rank C 0 + N N -
PREEMPT_GRACE_TIME C 10000000 + N Y +
HOLD_GRACE_TIME C 0 + N Y +
SiteWMS_WN_Draining C False + N Y -
SiteWMS_WN_Preempt C False + N Y -
GLIDEIN_SiteWMS S Unknown + N Y -
GLIDEIN_SiteWMS_Slot S Unknown + N Y -
GLIDEIN_SiteWMS_JobId S Unknown + N Y -
GLIDEIN_SiteWMS_Queue S Unknown + N Y -
LSB_DISTRIBUTOR_ID S UNKNOWN + N Y -
LSB_RELEASE S UNKNOWN + N Y -
LSB_DESCRIPTION S UNKNOWN + N Y -
HAS_UNPRIVILEGED_USER_NAMESPACES S unavailable + N Y +
GLIDEIN_Monitoring_Enabled C False + N Y +
HAS_SINGULARITY C False + N Y -
GWMS_SINGULARITY_STATUS S NEVER + N Y -
SINGULARITY_PATH S - + N Y +
SINGULARITY_VERSION S - + N Y +
SINGULARITY_FULL_VERSION S - + N Y +
SINGULARITY_MODE S - + N Y +
GWMS_SINGULARITY_PATH S - + N Y +
GWMS_SINGULARITY_VERSION S - + N Y +
GWMS_SINGULARITY_FULL_VERSION S - + N Y +
GWMS_SINGULARITY_MODE S - + N Y +
CONTAINERSW_PATH S - + N Y +
CONTAINERSW_VERSION S - + N Y +
CONTAINERSW_FULL_VERSION S - + N Y +
CONTAINERSW_MODE S - + N Y +
GWMS_CONTAINERSW_PATH S - + N Y +
GWMS_CONTAINERSW_VERSION S - + N Y +
GWMS_CONTAINERSW_FULL_VERSION S - + N Y +
GWMS_CONTAINERSW_MODE S - + N Y +
SINGULARITY_IMAGES_DICT S - + N Y +
GLIDEIN_PROVIDES S - + N Y -
GLIDEIN_SINGULARITY_REQUIRE S NEVER + N Y -
GLIDEIN_Singularity_Use S NEVER + N Y -
SINGULARITY_IMAGE_RESTRICTIONS S any + N Y -
GLIDEIN_REQUIRED_OS S any + N Y -
REQUIRED_OS S any + N Y -
GLIDEIN_Expose_Grid_Env C True JOB_INHERITS_STARTER_ENVIRONMENT N Y +
GLIDEIN_CONDOR_TOKEN S - + N Y -
TRUST_DOMAIN S - + N Y -
USE_CCB C False + N Y -
GLIDEIN_Use_Outbound_CCB C - + N Y -
USE_SHARED_PORT C False + N N -
GLIDEIN_Use_PGroups C False USE_PROCESS_GROUPS N N -
STARTD_SENDS_ALIVES C True + N N -
WANT_UDP_COMMAND_SOCKET C False + N N -
UPDATE_COLLECTOR_WITH_TCP C True + N N -
SEC_DEFAULT_INTEGRITY C REQUIRED + N N -
SEC_DEFAULT_ENCRYPTION C OPTIONAL + N N -
USE_MATCH_AUTH C True SEC_ENABLE_MATCH_PASSWORD_AUTHENTICATION N N -
WANT_VACATE C True + N N -
MAX_MASTER_LOG I 1000000 + N N -
MAX_STARTD_LOG I 10000000 + N N -
MAX_STARTER_LOG I 10000000 + N N -
'

declare -ga _VARS_ORDER=()  # names of the variables, in the order they were first listed
declare -gA _VARS_ROW=()    # by name: the other six columns, and whose list it was
declare -gA VARS_VALUE=()   # by name, for those that have one
declare -gA VARS_FROM=()    # by name: where the value came from
declare -gA _VARS_ORIGIN=() # by name: whose constant, and its value there
declare -gA _VARS_PARAM=()  # by name: the value of -param_NAME

# Variables that other modules compose; the lists give their values, not their text.
_VARS_COMPOSED=' GLIDEIN_Collector GLIDEIN_Factory_Collector GLIDEIN_Master_Collector GLIDEIN_ToRetire GLIDEIN_TORETIRE'
_VARS_COMPOSED+=' CONDOR_DIR DAEMON_LIST MEMORY PREEMPT_GRACE_TIME TRUST_DOMAIN'
_VARS_COMPOSED+=' X509_USER_PROXY X509_EXPIRE X509_CERT_DIR X509_CONDORMAP X509_GRIDMAP_TRUSTED_DNS '
VARS_ADVERTISED= # names that every slot shows

# vars_read - read all lists of variables into _VARS_ROW, the later ones winning:
#   ours, the Frontend's group, the Frontend, the entry, main. Remember which constants said what.
vars_read() {
  local prefix where path
  _VARS_ORDER=() _VARS_ROW=() VARS_VALUE=() VARS_FROM=() _VARS_ORIGIN=() _VARS_PARAM=()
  _vars_options
  _vars_list "$_VARS_OURS" 'default' || return 1
  for prefix in GLIDECLIENT_GROUP_ GLIDECLIENT_ ENTRY_ ''; do
    case $prefix in
      '') where='of the factory' ;;
      ENTRY_) where='of the entry' ;;
      GLIDECLIENT_) where='of the Frontend' ;;
      GLIDECLIENT_GROUP_) where="of the Frontend's group" ;;
    esac
    config_get "${prefix}CONDOR_VARS_FILE" ''
    path=$REPLY
    if [[ -n $path ]]; then
      knob_file "$path" || log_fail 1 "cannot read the list of variables $where: $path" || return $?
      _vars_list "$REPLY" "default $where" || log_fail 1 "in the list of variables $where: $path" || return $?
    fi
    config_get "${prefix}CONSTS_FILE" ''
    path=$REPLY
    [[ -z $path ]] || _vars_constants "$path" "$where"
  done
}

# _vars_list TEXT WHERE - add the rows of one list.
#   Returns:  0;  1 a row is not seven columns of the right kind; the log shows it
_vars_list() {
  local line name type default condor req publish user more
  while IFS= read -r line; do
    read -r name type default condor req publish user more <<<"$line"
    [[ -n $name && $name != '#'* ]] || continue
    [[ $name =~ ^[A-Za-z_][A-Za-z0-9_]*$ && $type == [SIC] && $condor =~ ^(\+|[A-Za-z_][A-Za-z0-9_.]*)$ &&
      $req == [YN] && $publish == [YN] && $user =~ ^(-|\+|@|[A-Za-z_][A-Za-z0-9_]*)$ && -z $more ]] \
      || log_fail 1 "not a row of seven columns: '$line'" || return $?
    [[ ${_VARS_ROW[$name]+x} ]] || _VARS_ORDER+=("$name")
    [[ $condor != + ]] || condor=$name
    _VARS_ROW[$name]="$type $default $condor $req $publish $user $2"
  done <<<"$1"
}

# _vars_constants FILE WHERE - remember that these values are WHERE's, for the comments
_vars_constants() {
  local key value
  while IFS=$'\t' read -r key value || [[ -n $key ]]; do
    key=${key%%[[:space:]]*}
    [[ -n $key && $key != '#'* ]] || continue
    value=${value%"${value##*[![:space:]]}"}
    _VARS_ORIGIN[$key]="attribute $2: $value"
  done <"$1" 2>/dev/null
}

# _vars_options - remember what -param_NAME options said, for the comments: our own command
#   line has them.
_vars_options() {
  local word name=
  declare -F options_decode >/dev/null || return 0
  while IFS= read -r -d '' word; do
    if [[ -n $name ]]; then
      options_decode "$word" && _VARS_PARAM[$name]=$REPLY
      name=
    elif [[ $word == -param_* ]]; then
      name=${word#-param_}
    fi
  done 2>/dev/null <"/proc/$$/cmdline"
}

# vars_decide - decide each variable's value: as set in glidein_config, else its default
vars_decide() {
  local name type default condor req publish user where
  for name in "${_VARS_ORDER[@]}"; do
    read -r type default condor req publish user where <<<"${_VARS_ROW[$name]}"
    config_get "$name" ''
    if [[ -n $REPLY ]]; then
      VARS_VALUE[$name]=$REPLY
      if [[ ${_VARS_ORIGIN[$name]:-} == "attribute "*": $REPLY" ]]; then
        where=${_VARS_ORIGIN[$name]}
        VARS_FROM[$name]=${where%": $REPLY"}
      elif [[ ${_VARS_PARAM[$name]+x} && ${_VARS_PARAM[$name]} == "$REPLY" ]]; then
        VARS_FROM[$name]="option -param_$name"
      else
        VARS_FROM[$name]='glidein_config'
      fi
    elif [[ $req == Y && $_VARS_COMPOSED != *" $name "* ]]; then
      log_fail 1 "required variable is not set: $name" || return $?
    elif [[ $default != - ]]; then
      expand_default "$default" || log_fail 1 "$name: cannot expand its default '$default'" || return $?
      VARS_VALUE[$name]=$REPLY
      VARS_FROM[$name]=$where
    fi
  done
}

# vars_number NAME - set REPLY to the value of variable NAME, a whole number of seconds
vars_number() {
  REPLY=${VARS_VALUE[$1]-}
  [[ $REPLY =~ ^[0-9]{1,9}$ ]] || log_fail 1 "$1: expected a whole number, got '$REPLY'" || return $?
  REPLY=$((10#$REPLY))
}

# vars_advertise NAME... - these facts are to be seen in every slot and in the master's ad
vars_advertise() { VARS_ADVERTISED+=" $*"; }

# vars_write - the variables as facts; what jobs get to see
vars_write() {
  local name type default condor req publish user where value environment=''
  knob_title 'variables of the factory, the entry and the Frontend'
  VARS_ADVERTISED=
  for name in "${_VARS_ORDER[@]}"; do
    [[ ${VARS_VALUE[$name]+x} ]] || continue
    read -r type default condor req publish user where <<<"${_VARS_ROW[$name]}"
    value=${VARS_VALUE[$name]}
    if [[ $_VARS_COMPOSED != *" $name "* ]]; then
      _vars_fact "$name" "$type" "$condor" "$value" || return 1
      [[ $publish == N ]] || vars_advertise "$condor"
    fi
    case $user in
      -) continue ;;
      +) user=$name ;;
      @) user=$condor ;;
    esac
    knob_replace "$value" "'" "''"
    knob_replace "$REPLY" '"' '""'
    knob_literal "$REPLY"
    environment+=" $user='$REPLY'"
  done
  knob_set STARTER_JOB_ENVIRONMENT "\"${environment# } ${VARS_ENVIRONMENT:+$VARS_ENVIRONMENT }GLIDEIN_MARK=$CONFIGURE_NAME\"" \
    'column UserName of the lists of variables'
}

# _vars_fact NAME TYPE CONDORNAME VALUE - one variable as a fact
_vars_fact() {
  local where=${VARS_FROM[$1]}
  [[ $3 == "$1" || $where == default* ]] || where+=": $1"
  case $2 in
    S)
      # Seen with 25.14: a shadow that is sent such a string ends at once, and so does each job.
      [[ $4 != *'\' ]] || log_fail 1 "$1: HTCondor's daemons cannot pass on a string that ends with a backslash: '$4'" || return $?
      knob_string "$4"
      ;;
    I)
      REPLY=${4#"${4%%[![:space:]]*}"} # df and wc put blanks before theirs
      [[ $REPLY =~ ^-?[0-9]+(\.[0-9]+)?$ ]] || log_warn "$1: expected a number, got '$4'"
      ;;
    C) REPLY=$4 ;;
  esac
  # Numbers and expressions end up as text of HTCondor's language: a broken one spoils START.
  [[ $2 == S ]] || knob_pairs "$4" || log_fail 1 "$1: quotes or parentheses do not pair: '$4'" || return $?
  knob_set "$3" "$REPLY" "$where"
}

# vars_publish - the last word on what slots and the master's ad show. STARTD_ATTRS may have been set
#   before by a list of variables.
vars_publish() {
  local from='column Export of the lists of variables, and the facts above'
  knob_set STARTD_ATTRS "\$(STARTD_ATTRS)$VARS_ADVERTISED" "$from" || return 1
  knob_set MASTER_ATTRS "\$(MASTER_ATTRS)$VARS_ADVERTISED" "$from"
}

# vars_true NAME - is the variable a yes?
vars_true() {
  case ${VARS_VALUE[$1]:-} in
    [Tt][Rr][Uu][Ee] | [Tt] | [Yy][Ee][Ss] | 1) return 0 ;;
    *) return 1 ;;
  esac
}
