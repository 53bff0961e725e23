# shellcheck shell=bash
# configure.sh - write $WORK/condor_config: what HTCondor is to do here, and who said so.
#
# Every fact is one line, below a comment that names where it came from. What options, areas and
# scripts say is data: it is quoted, or refused, and can never become configuration of its own.
# HTCondor reads condor_config.d last: there a community overrides what it must.
#
# Needs:     log.sh clock.sh config.sh resources.sh report.sh
# Commands:  mkdir; ln and rm where the work directory's name has blanks; chmod as root (coreutils)
# Reads:     WORK; RESOURCES_{CPUS,MEMORY_MB,DISK_MB}; CONFIGURE_{UPDATE_S,MIN_RETIRE_S};
#            IDTOKENS_FILE; lists of variables and constants that glidein_config names
# Sets:      CONFIGURE_{TO_RETIRE,TO_DIE,GRACEFUL_S,NAME,PRIVATE}
#
# shellcheck disable=SC2016,SC1003  # $(NAME) and backslashes are HTCondor's here, not the shell's

: "${CONFIGURE_UPDATE_S:=370}"     # seconds: longest time between two looks of the startd at itself
: "${CONFIGURE_MIN_RETIRE_S:=600}" # seconds: a glidein that takes jobs for less than this is no use

# The variables every glidein knows, in the seven columns of condor_vars.lst. A list of an area
# that has a line for the same variable replaces ours.
# VarName Type Default CondorName Req Export UserName
_CONFIGURE_VARS='
GLIDEIN_Factory S - + N Y @
GLIDEIN_Name S - + N Y @
GLIDEIN_Entry_Name S - + N Y @
GLIDEIN_Site S $GLIDEIN_Entry_Name + N Y @
GLIDEIN_Gatekeeper S - + N Y -
GLIDEIN_GridType S - + N Y -
GLIDEIN_UUID S - + N Y -
GLIDECLIENT_Name S - + N Y @
GLIDECLIENT_Group S - + N Y @
GLIDECLIENT_ReqNode S - + N Y @
GLIDECLIENT_Signature S - + N Y -
GLIDECLIENT_Group_Signature S - + N Y -
GLIDEIN_CredentialIdentifier S - + N Y -
GLIDEIN_Signature S - + N Y -
GLIDEIN_Entry_Signature S - + N Y -
CONDORG_SCHEDD S - GLIDEIN_Schedd N Y @
CONDORG_CLUSTER I - GLIDEIN_ClusterId N Y @
CONDORG_SUBCLUSTER I - GLIDEIN_ProcId N Y @
DESCRIPTION_FILE S - GLIDEIN_Description_File N Y -
DESCRIPTION_ENTRY_FILE S - GLIDEIN_Description_Entry_File N Y -
TMP_DIR S - GLIDEIN_Tmp_Dir N Y @
PROXY_URL S - GLIDEIN_Proxy_URL N Y @
GLIDEIN_Max_Idle I 1200 + N Y -
GLIDEIN_Max_Tail I 400 + N Y -
GLIDEIN_Max_Walltime I - + N Y -
GLIDEIN_Job_Max_Time I 129600 + N Y -
GLIDEIN_Retire_Time I 21600 + N N -
GLIDEIN_Retire_Time_Spread I - + N N -
GLIDEIN_Graceful_Shutdown I 120 + N Y -
GLIDEIN_Register_Timeout I 300 + N N -
GLIDEIN_Start C True + N N -
GLIDEIN_Entry_Start C True + N N -
GLIDECLIENT_Start C True + N N -
GLIDECLIENT_Group_Start C True + N N -
GLIDEIN_Custom_Start C True + N N -
GLIDEIN_Rank C 1 + N N -
GLIDEIN_Entry_Rank C 0 + N N -
GLIDECLIENT_Rank C 0 + N N -
GLIDECLIENT_Group_Rank C 0 + N N -
PREEMPT_GRACE_TIME C 10000000 + N Y -
HOLD_GRACE_TIME C 0 + N Y -
USE_CCB C False + N Y -
USE_SHARED_PORT C False + N N -
UPDATE_COLLECTOR_WITH_TCP C True + N N -
SEC_DEFAULT_INTEGRITY C REQUIRED + N N -
SEC_DEFAULT_ENCRYPTION C OPTIONAL + N N -
USE_MATCH_AUTH C True SEC_ENABLE_MATCH_PASSWORD_AUTHENTICATION N N -
MAX_MASTER_LOG I 1000000 + N N -
MAX_STARTD_LOG I 10000000 + N N -
MAX_STARTER_LOG I 10000000 + N N -
'

declare -ga _CONFIGURE_ORDER=()  # names of the variables, in the order they were first listed
declare -gA _CONFIGURE_ROW=()    # by name: the other six columns, and whose list it was
declare -gA _CONFIGURE_VALUE=()  # by name, for those that have one
declare -gA _CONFIGURE_FROM=()   # by name: where the value came from
declare -gA _CONFIGURE_ORIGIN=() # by name: whose constant, and its value there
declare -gA _CONFIGURE_PARAM=()  # by name: the value of -param_NAME

# Variables that the lines below compose themselves; the lists give their values, not their text.
_CONFIGURE_COMPOSED=' GLIDEIN_Collector CONDOR_DIR X509_USER_PROXY '

# configure_condor CONDOR_DIR - write $WORK/condor_config for the HTCondor in CONDOR_DIR.
#   Returns:  0
#             1  a value cannot be used, or something cannot be written; the log names it
configure_condor() {
  _CONFIGURE_TEXT="# HTCondor's configuration of this glidein, written by configure_condor."$'\n'
  _CONFIGURE_SAID=
  clock_epoch
  CONFIGURE_NAME=glidein_$$_$REPLY$RANDOM
  _configure_places "$1" \
    && _configure_read_lists \
    && _configure_values \
    && _configure_times \
    && _configure_variables \
    && _configure_daemons \
    && _configure_security \
    && _configure_slots \
    && _configure_policy \
    || return 1
  { printf '%s' "$_CONFIGURE_TEXT" >"$WORK/condor_config"; } 2>/dev/null \
    || log_fail 1 "cannot write $WORK/condor_config" || return $?
  log_info "wrote $WORK/condor_config name=$CONFIGURE_NAME to_retire=$CONFIGURE_TO_RETIRE to_die=$CONFIGURE_TO_DIE"
}

# configure_clean - remove what lies outside the work directory
configure_clean() {
  [[ -z ${CONFIGURE_PRIVATE:-} ]] || rm -rf -- "$CONFIGURE_PRIVATE"
  CONFIGURE_PRIVATE=
}

# --- writing ---------------------------------------------------------------------------------

# _configure_title TEXT - begin a part of the file
_configure_title() {
  _CONFIGURE_TEXT+=$'\n'"# --- $1 ---"$'\n'
  _CONFIGURE_SAID=
}

# _configure_line NAME VALUE FROM - one fact. VALUE is HTCondor's syntax already.
#   Returns:  0;  1 NAME is no name, or VALUE would not stay one line
_configure_line() {
  [[ $1 =~ ^[A-Za-z_][A-Za-z0-9_.]*$ ]] || log_fail 1 "not a name in HTCondor's configuration: '$1'" || return $?
  [[ $2 != *[[:cntrl:]]* && $2 != *'\' ]] \
    || log_fail 1 "$1: its value has a control character, or a backslash at its end" || return $?
  if [[ $3 != "$_CONFIGURE_SAID" ]]; then
    _CONFIGURE_TEXT+="# $3"$'\n'
    _CONFIGURE_SAID=$3
  fi
  _CONFIGURE_TEXT+="$1 =${2:+ $2}"$'\n'
}

# _configure_replace TEXT FROM TO - set REPLY to TEXT with TO for every FROM. In ${TEXT//FROM/TO} bash
#   5.2 gives & and backslashes in TO a meaning that older ones do not.
_configure_replace() {
  local rest=$1 out=''
  while [[ $rest == *"$2"* ]]; do
    out+=${rest%%"$2"*}$3
    rest=${rest#*"$2"}
  done
  REPLY=$out$rest
}

# _configure_literal TEXT - set REPLY to TEXT such that HTCondor expands nothing in it
_configure_literal() { _configure_replace "$1" '$' '$(DOLLAR)'; }

# _configure_string TEXT - set REPLY to TEXT as a string of the old ClassAd language, which is that of
#   configuration files: a backslash means something before a quote only
_configure_string() {
  _configure_replace "$1" '"' '\"'
  _configure_literal "$REPLY"
  REPLY="\"$REPLY\""
}

# _configure_expression TEXT - can TEXT stand in parentheses? Quotes and parentheses must pair.
_configure_expression() {
  local rest=$1 char depth=0 quoted=
  while [[ -n $rest ]]; do
    char=${rest:0:1}
    rest=${rest:1}
    if [[ -n $quoted ]]; then
      case $char in
        '\') rest=${rest:1} ;;
        "$quoted") quoted= ;;
      esac
      continue
    fi
    case $char in
      '"' | "'") quoted=$char ;;
      '(') ((++depth)) ;;
      ')') ((--depth >= 0)) || return 1 ;;
    esac
  done
  ((depth == 0)) && [[ -z $quoted && -n $1 ]]
}

# --- the variables of the lists --------------------------------------------------------------

# _configure_read_lists - read all lists of variables into _CONFIGURE_ROW, the later ones winning:
#   ours, the Frontend's group, the Frontend, the entry, main. Remember which constants said what.
_configure_read_lists() {
  local prefix where path
  _CONFIGURE_ORDER=() _CONFIGURE_ROW=() _CONFIGURE_VALUE=() _CONFIGURE_FROM=() _CONFIGURE_ORIGIN=() _CONFIGURE_PARAM=()
  _configure_read_options
  _configure_read_list "$_CONFIGURE_VARS" 'default' || return 1
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
      _configure_slurp "$path" || log_fail 1 "cannot read the list of variables $where: $path" || return $?
      _configure_read_list "$REPLY" "default $where" || log_fail 1 "in the list of variables $where: $path" || return $?
    fi
    config_get "${prefix}CONSTS_FILE" ''
    path=$REPLY
    [[ -z $path ]] || _configure_read_constants "$path" "$where"
  done
}

# _configure_slurp FILE - set REPLY to the content of FILE
_configure_slurp() {
  local text=
  { IFS= read -r -d '' text <"$1"; } 2>/dev/null || [[ -n $text || -r $1 ]] || return 1
  REPLY=$text
}

# _configure_read_list TEXT WHERE - add the rows of one list.
#   Returns:  0;  1 a row is not seven columns of the right kind; the log shows it
_configure_read_list() {
  local line name type default condor req publish user more
  while IFS= read -r line; do
    read -r name type default condor req publish user more <<<"$line"
    [[ -n $name && $name != '#'* ]] || continue
    [[ $name =~ ^[A-Za-z_][A-Za-z0-9_]*$ && $type == [SIC] && $condor =~ ^(\+|[A-Za-z_][A-Za-z0-9_.]*)$ &&
      $req == [YN] && $publish == [YN] && $user =~ ^(-|\+|@|[A-Za-z_][A-Za-z0-9_]*)$ && -z $more ]] \
      || log_fail 1 "not a row of seven columns: '$line'" || return $?
    [[ ${_CONFIGURE_ROW[$name]+x} ]] || _CONFIGURE_ORDER+=("$name")
    [[ $condor != + ]] || condor=$name
    _CONFIGURE_ROW[$name]="$type $default $condor $req $publish $user $2"
  done <<<"$1"
}

# _configure_read_constants FILE WHERE - remember that these values are WHERE's, for the comments
_configure_read_constants() {
  local key value
  while IFS=$'\t' read -r key value || [[ -n $key ]]; do
    key=${key%%[[:space:]]*}
    [[ -n $key && $key != '#'* ]] || continue
    value=${value%"${value##*[![:space:]]}"}
    _CONFIGURE_ORIGIN[$key]="attribute $2: $value"
  done <"$1" 2>/dev/null
}

# _configure_read_options - remember what -param_NAME options said, for the comments: our own command
#   line has them.
_configure_read_options() {
  local word name=
  declare -F options_decode >/dev/null || return 0
  while IFS= read -r -d '' word; do
    if [[ -n $name ]]; then
      options_decode "$word" && _CONFIGURE_PARAM[$name]=$REPLY
      name=
    elif [[ $word == -param_* ]]; then
      name=${word#-param_}
    fi
  done 2>/dev/null <"/proc/$$/cmdline"
}

# _configure_values - decide each variable's value: as set in glidein_config, else its default
_configure_values() {
  local name type default condor req publish user where
  for name in "${_CONFIGURE_ORDER[@]}"; do
    read -r type default condor req publish user where <<<"${_CONFIGURE_ROW[$name]}"
    config_get "$name" ''
    if [[ -n $REPLY ]]; then
      _CONFIGURE_VALUE[$name]=$REPLY
      if [[ ${_CONFIGURE_ORIGIN[$name]:-} == "attribute "*": $REPLY" ]]; then
        where=${_CONFIGURE_ORIGIN[$name]}
        _CONFIGURE_FROM[$name]=${where%": $REPLY"}
      elif [[ ${_CONFIGURE_PARAM[$name]+x} && ${_CONFIGURE_PARAM[$name]} == "$REPLY" ]]; then
        _CONFIGURE_FROM[$name]="option -param_$name"
      else
        _CONFIGURE_FROM[$name]='glidein_config'
      fi
    elif [[ $req == Y && $_CONFIGURE_COMPOSED != *" $name "* ]]; then
      log_fail 1 "required variable is not set: $name" || return $?
    elif [[ $default != - ]]; then
      configure_expand "$default" || log_fail 1 "$name: cannot expand its default '$default'" || return $?
      _CONFIGURE_VALUE[$name]=$REPLY
      _CONFIGURE_FROM[$name]=$where
    fi
  done
}

# configure_expand DEFAULT - set REPLY to a default of condor_vars.lst as the reference's shell would
#   leave it, without a shell: one level of backslashes goes, then a word is read: quotes, escapes,
#   $NAME and ${NAME} of variables known so far.
#   Returns:  0;  1 anything else that a shell would act on: commands, ; & | < > ( ) and blanks
configure_expand() {
  local rest='' text=$1 out='' char quote='' name
  while [[ -n $text ]]; do
    if [[ $text == '\'* ]]; then
      rest+=${text:1:1}
      text=${text:2}
    else
      rest+=${text:0:1}
      text=${text:1}
    fi
  done
  while [[ -n $rest ]]; do
    char=${rest:0:1}
    rest=${rest:1}
    case $quote$char in # one character: outside quotes; two: inside
      "''" | '""') quote='' ;;
      "'"?) out+=$char ;;
      "'" | '"') quote=$char ;;
      '\' | '"\')
        [[ -n $rest ]] || return 1
        # Between double quotes a backslash escapes only these.
        [[ $quote != '"' || ${rest:0:1} == [\$\`\"\\] ]] || out+=$char
        out+=${rest:0:1}
        rest=${rest:1}
        ;;
      '$' | '"$')
        [[ $rest =~ ^([A-Za-z_][A-Za-z0-9_]*)(.*)$ || $rest =~ ^\{([A-Za-z_][A-Za-z0-9_]*)\}(.*)$ ]] || return 1
        name=${BASH_REMATCH[1]}
        rest=${BASH_REMATCH[2]}
        REPLY=${_CONFIGURE_VALUE[$name]-}
        [[ -n $REPLY ]] || config_get "$name" '' || return 1
        out+=$REPLY
        ;;
      '`' | '"`' | [\;\&\|\<\>\(\)[:space:]]) return 1 ;;
      *) out+=$char ;;
    esac
  done
  [[ -z $quote ]] || return 1
  REPLY=$out
}

# _configure_number NAME - set REPLY to the value of variable NAME, a whole number of seconds
_configure_number() {
  REPLY=${_CONFIGURE_VALUE[$1]-}
  [[ $REPLY =~ ^[0-9]{1,9}$ ]] || log_fail 1 "$1: expected a whole number, got '$REPLY'" || return $?
  REPLY=$((10#$REPLY))
}

# _configure_variables - the variables as facts; what is advertised; what jobs get to see
_configure_variables() {
  local name type default condor req publish user where value advertised='' environment=''
  _configure_title 'variables of the factory, the entry and the Frontend'
  for name in "${_CONFIGURE_ORDER[@]}"; do
    [[ ${_CONFIGURE_VALUE[$name]+x} && $_CONFIGURE_COMPOSED != *" $name "* ]] || continue
    read -r type default condor req publish user where <<<"${_CONFIGURE_ROW[$name]}"
    value=${_CONFIGURE_VALUE[$name]}
    where=${_CONFIGURE_FROM[$name]}
    [[ $condor == "$name" || $where == default* ]] || where+=": $name"
    case $type in
      S)
        # Seen with 25.14: a shadow that is sent such a string ends at once, and so does each job.
        [[ $value != *'\' ]] || log_fail 1 "$name: HTCondor's daemons cannot pass on a string that ends with a backslash: '$value'" || return $?
        _configure_string "$value"
        ;;
      I)
        [[ $value =~ ^-?[0-9]+(\.[0-9]+)?$ ]] || log_warn "$name: expected a number, got '$value'"
        REPLY=$value
        ;;
      C) REPLY=$value ;;
    esac
    # Numbers and expressions end up as text of HTCondor's language: a broken one spoils START.
    [[ $type == S ]] || _configure_expression "$value" \
      || log_fail 1 "$name: quotes or parentheses do not pair: '$value'" || return $?
    _configure_line "$condor" "$REPLY" "$where" || return 1
    [[ $publish == N ]] || advertised+=" $condor"
    case $user in
      -) continue ;;
      +) user=$name ;;
      @) user=$condor ;;
    esac
    _configure_replace "$value" "'" "''"
    _configure_replace "$REPLY" '"' '""'
    _configure_literal "$REPLY"
    environment+=" $user='$REPLY'"
  done
  _configure_title 'advertised with every slot, and given to every job'
  _configure_line GLIDEIN_ToRetire "$CONFIGURE_TO_RETIRE" "computed: $_CONFIGURE_TIMES_FROM" || return 1
  _configure_line GLIDEIN_ToDie "$CONFIGURE_TO_DIE" "computed: $_CONFIGURE_TIMES_FROM" || return 1
  _configure_line DaemonStopTime '$(GLIDEIN_ToDie)' "computed: $_CONFIGURE_TIMES_FROM" || return 1
  _configure_line IS_GLIDEIN True 'fixed' || return 1
  _configure_line IS_MONITOR_VM False 'fixed' || return 1
  _configure_line GLIDEIN_MASTER_NAME "\"$CONFIGURE_NAME\"" 'fixed' || return 1
  _configure_line GLIDEIN_PARENT_PID "$$" 'detected: the process id of glidein_startup.sh' || return 1
  advertised+=' GLIDEIN_ToRetire GLIDEIN_ToDie DaemonStopTime IS_GLIDEIN IS_MONITOR_VM GLIDEIN_MASTER_NAME GLIDEIN_PARENT_PID'
  _configure_line STARTD_ATTRS "\$(STARTD_ATTRS)$advertised" 'column Export of the lists of variables' || return 1
  _configure_line MASTER_ATTRS "\$(MASTER_ATTRS)$advertised" 'column Export of the lists of variables' || return 1
  _configure_line STARTER_JOB_ENVIRONMENT "\"${environment# } GLIDEIN_MARK=$CONFIGURE_NAME\"" \
    'column UserName of the lists of variables'
}

# --- places ----------------------------------------------------------------------------------

# _configure_places CONDOR_DIR - where HTCondor is and where it writes.
#   Some of HTCondor's settings are lists separated by blanks and commas, and all expand $(...): a
#   work directory with such a name is reached through a link with a plain one.
_configure_places() {
  local condor=$1 local=$WORK plugin plugins=
  if [[ ! $WORK$1 =~ ^[A-Za-z0-9/._+@=:~-]+$ ]]; then
    _configure_private || return 1
    ln -s -- "$WORK" "$CONFIGURE_PRIVATE/work" && ln -s -- "$1" "$CONFIGURE_PRIVATE/condor" \
      || log_fail 1 "cannot make links in $CONFIGURE_PRIVATE" || return $?
    local=$CONFIGURE_PRIVATE/work condor=$CONFIGURE_PRIVATE/condor
  fi
  mkdir -p -- "$WORK/log" "$WORK/execute" "$WORK/spool" "$WORK/lock" "$WORK/condor_config.d" \
    "$WORK/cred.d/idtokens" || log_fail 1 "cannot make HTCondor's folders in $WORK" || return $?
  _configure_title 'places'
  _configure_line RELEASE_DIR "$condor" 'where HTCondor was found or unpacked' || return 1
  _configure_line BIN '$(RELEASE_DIR)/bin' 'where HTCondor was found or unpacked' || return 1
  _configure_line SBIN '$(RELEASE_DIR)/sbin' 'where HTCondor was found or unpacked' || return 1
  _configure_line LIB '$(RELEASE_DIR)/lib' 'where HTCondor was found or unpacked' || return 1
  if [[ -d $1/libexec/condor && ! -e $1/libexec/condor_shared_port ]]; then
    _configure_line LIBEXEC '$(RELEASE_DIR)/libexec/condor' 'detected: an installed HTCondor' || return 1
  else
    _configure_line LIBEXEC '$(RELEASE_DIR)/libexec' 'where HTCondor was found or unpacked' || return 1
  fi
  _configure_line LOCAL_DIR "$local" 'the work directory' || return 1
  for plugin in LOG:log SPOOL:spool EXECUTE:execute LOCK:lock RUN:lock LOCAL_CONFIG_DIR:condor_config.d; do
    _configure_line "${plugin%:*}" "\$(LOCAL_DIR)/${plugin#*:}" 'the work directory' || return 1
  done
  _configure_line STARTD_LOG '$(LOG)/StartdLog' 'the work directory' || return 1
  _configure_line STARTD_HISTORY '$(LOG)/StartdHistoryLog' 'the work directory' || return 1
  _configure_line LOCAL_CONFIG_FILE '' 'fixed: this file and condor_config.d are all there is' || return 1
  _configure_line USER_CONFIG_FILE '' 'fixed: this file and condor_config.d are all there is' || return 1
  for plugin in curl_plugin data_plugin; do
    [[ ! -x $1/libexec/$plugin && ! -x $1/libexec/condor/$plugin ]] || plugins+="${plugins:+, }\$(LIBEXEC)/$plugin"
  done
  _configure_line FILETRANSFER_PLUGINS "$plugins" 'detected: the plugins that are there'
}

# _configure_private - make CONFIGURE_PRIVATE, a folder of ours with a plain, short name
_configure_private() {
  local place try
  for place in "${TMPDIR:-/tmp}" /tmp /var/tmp /dev/shm; do
    [[ $place =~ ^/[A-Za-z0-9/._+@=:~-]{0,60}$ && -d $place && -w $place ]] || continue
    for try in 1 2 3; do
      CONFIGURE_PRIVATE=$place/glidein.$$.$RANDOM$RANDOM
      mkdir -m 0700 -- "$CONFIGURE_PRIVATE" 2>/dev/null && return 0
    done
  done
  CONFIGURE_PRIVATE=
  log_fail 1 "the work directory's name ($WORK) needs a link without blanks, and no temporary folder takes one"
}

# --- times -----------------------------------------------------------------------------------

# _configure_times - when the glidein stops taking jobs (retires) and when it ends at the latest.
#   A walltime counts from the start of glidein_startup.sh. The spread lets glideins that started
#   together end apart.
#   Returns:  0;  1 too little time is left to take jobs, or a value is no number
_configure_times() {
  local now die retire job_max walltime='' spread='' random=$((RANDOM % 100))
  _configure_number GLIDEIN_Graceful_Shutdown || return 1
  CONFIGURE_GRACEFUL_S=$REPLY
  _configure_number GLIDEIN_Job_Max_Time || return 1
  job_max=$REPLY
  if [[ -n ${_CONFIGURE_VALUE[GLIDEIN_Max_Walltime]-} ]]; then
    _configure_number GLIDEIN_Max_Walltime || return 1
    walltime=$REPLY
  fi
  if [[ -n ${_CONFIGURE_VALUE[GLIDEIN_Retire_Time_Spread]-} ]]; then
    _configure_number GLIDEIN_Retire_Time_Spread || return 1
    spread=$REPLY
  fi
  if [[ -n $walltime ]]; then
    _CONFIGURE_TIMES_FROM="from GLIDEIN_Max_Walltime=$walltime"
    die=$((walltime - CONFIGURE_UPDATE_S - CONFIGURE_GRACEFUL_S))
    retire=$((walltime - CONFIGURE_GRACEFUL_S - ${spread:-66} - CONFIGURE_UPDATE_S - CONFIGURE_MIN_RETIRE_S))
    ((job_max <= retire)) || job_max=$retire
    ((job_max > 0)) || log_fail 1 "GLIDEIN_Max_Walltime=$walltime leaves no time for a job" || return $?
    retire=$((die - job_max))
  else
    _configure_number GLIDEIN_Retire_Time || return 1
    retire=$REPLY
    _CONFIGURE_TIMES_FROM="from GLIDEIN_Retire_Time=$retire"
    die=$((retire + job_max))
  fi
  spread=$((${spread:-$((retire / 10))} * random / 100))
  retire=$((retire - spread))
  die=$((die - spread))
  ((retire >= CONFIGURE_MIN_RETIRE_S)) \
    || log_fail 1 "would take jobs for $retire seconds ($_CONFIGURE_TIMES_FROM): less than $CONFIGURE_MIN_RETIRE_S" || return $?
  _CONFIGURE_TIMES_FROM+=", GLIDEIN_Job_Max_Time=$job_max, GLIDEIN_Graceful_Shutdown=$CONFIGURE_GRACEFUL_S, spread=$spread"
  clock_epoch
  now=$REPLY
  [[ -z $walltime ]] || now=$((now - SECONDS))
  CONFIGURE_TO_RETIRE=$((now + retire))
  CONFIGURE_TO_DIE=$((now + die))
}

# --- daemons, network ------------------------------------------------------------------------

_configure_daemons() {
  local collector ccb daemons='MASTER, STARTD' from='fixed'
  _configure_title 'daemons and network'
  _configure_line MASTER_NAME "$CONFIGURE_NAME" 'fixed: unique, so that no glidein hides another' || return 1
  _configure_line STARTD_NAME "$CONFIGURE_NAME" 'fixed: unique, so that no glidein hides another' || return 1
  if _configure_true USE_SHARED_PORT; then
    daemons='MASTER, SHARED_PORT, STARTD' from="${_CONFIGURE_FROM[USE_SHARED_PORT]}: USE_SHARED_PORT"
    _configure_line SHARED_PORT_PORT 0 'fixed: any free port' || return 1
  fi
  _configure_line DAEMON_LIST "$daemons" "$from" || return 1
  _configure_collectors GLIDEIN_Collector || return 1
  collector=$REPLY
  [[ -n $collector ]] || log_fail 1 "GLIDEIN_Collector is not set: no pool to join" || return $?
  report_fact condor.collector "$collector"
  _configure_line HEAD_NODE "$collector" "$_CONFIGURE_CHOSEN" || return 1
  _configure_line GLIDEIN_COLLECTOR_NAME "\"$collector\"" "$_CONFIGURE_CHOSEN" || return 1
  _configure_collectors GLIDEIN_Site_Collector || return 1
  if [[ -n $REPLY ]]; then
    _configure_line COLLECTOR_HOST "\$(HEAD_NODE),$REPLY" "$_CONFIGURE_CHOSEN" || return 1
  else
    _configure_line COLLECTOR_HOST '$(HEAD_NODE)' 'from HEAD_NODE' || return 1
  fi
  _configure_collectors GLIDEIN_Master_Collector || return 1
  [[ -z $REPLY ]] || _configure_line MASTER.COLLECTOR_HOST "$REPLY" "$_CONFIGURE_CHOSEN" || return 1
  _configure_line CONDOR_HOST "${collector%%[:,?]*}" 'from HEAD_NODE' || return 1
  if _configure_true USE_CCB; then
    _configure_collectors GLIDEIN_CCB || return 1
    ccb=${REPLY:-'$(HEAD_NODE)'}
    _configure_line CCB_ADDRESS "${ccb//,/ }" "${_CONFIGURE_FROM[USE_CCB]}: USE_CCB" || return 1
  fi
  _configure_line WANT_UDP_COMMAND_SOCKET False 'fixed' || return 1
  # A queue and a worker node share no file system, also where both are one machine.
  _configure_line FILESYSTEM_DOMAIN "$CONFIGURE_NAME" 'fixed: jobs bring their files along' || return 1
  _configure_line ENABLE_KERNEL_TUNING False 'fixed: the node is not ours' || return 1
  ((EUID != 0)) || _configure_as_root
}

# _configure_as_root - root's daemons stay root; HTCondor then runs jobs as nobody, who must get to
#   the job's folder.
_configure_as_root() {
  chmod 0711 -- "$WORK" && chmod 0755 -- "$WORK/execute" \
    || log_fail 1 "cannot open $WORK to the user of the jobs" || return $?
  _configure_line CONDOR_IDS 0.0 'detected: running as root'
}

# _configure_true NAME - is the variable a yes?
_configure_true() {
  case ${_CONFIGURE_VALUE[$1]:-} in
    [Tt][Rr][Uu][Ee] | [Tt] | [Yy][Ee][Ss] | 1) return 0 ;;
    *) return 1 ;;
  esac
}

# _configure_collectors KEY - set REPLY to the collectors that KEY stands for, joined by commas, and
#   _CONFIGURE_CHOSEN to where they came from. Groups are separated by `;`: one alternative (`,`) of
#   each is picked; of a range, HOST:9620-9630 or HOST:9618?sock=collector1-40, one number.
#   Returns:  0 (REPLY is empty when KEY is not set);  1 KEY is malformed
_configure_collectors() {
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
  [[ $out == "$value" ]] && _CONFIGURE_CHOSEN="glidein_config: $1" || _CONFIGURE_CHOSEN="glidein_config: $1, chosen from $value"
  REPLY=$out
}

# --- security --------------------------------------------------------------------------------

# _configure_security - tokens prove to the pool who we are; the pool proves the same to us.
#   Schedds get in through the secret of a claim, which the negotiator handed them.
_configure_security() {
  local from='fixed'
  _configure_title 'security'
  _configure_tokens || return 1
  config_get TRUST_DOMAIN ''
  if [[ -n $REPLY ]]; then
    from='glidein_config: TRUST_DOMAIN'
  else
    REPLY='$(HEAD_NODE)' from='from HEAD_NODE'
  fi
  _configure_line TRUST_DOMAIN "$REPLY" "$from" || return 1
  _configure_line SEC_TOKEN_DIRECTORY '$(LOCAL_DIR)/cred.d/idtokens' "$_CONFIGURE_TOKENS_FROM" || return 1
  _configure_line SEC_TOKEN_SYSTEM_DIRECTORY '$(SEC_TOKEN_DIRECTORY)' "$_CONFIGURE_TOKENS_FROM" || return 1
  from='fixed'
  _configure_line SEC_DEFAULT_AUTHENTICATION REQUIRED "$from" || return 1
  _configure_line SEC_DEFAULT_AUTHENTICATION_METHODS 'FS, IDTOKENS' "$from" || return 1
  _configure_line SEC_CLIENT_AUTHENTICATION_METHODS IDTOKENS "$from" || return 1
  # A collector on this very machine, as in tests, would be taken for one of the master's family.
  _configure_line SEC_USE_FAMILY_SESSION False "$from" || return 1
  _configure_line TOOL.SEC_CLIENT_AUTHENTICATION_METHODS 'FS, IDTOKENS' "$from" || return 1
  _configure_line ALLOW_READ '*' "$from" || return 1
  _configure_line ALLOW_WRITE 'submit-side@matchsession, execute-side@matchsession, condor@family, condor@child, condor@parent' "$from" || return 1
  _configure_line ALLOW_DAEMON '$(ALLOW_WRITE)' "$from" || return 1
  _configure_line ALLOW_ADMINISTRATOR 'condor@family, condor@child, condor@parent' "$from"
}

# _configure_tokens - copy the tokens that travelled with the job: every *.idtoken of the folder the
#   glidein was started in, and the file IDTOKENS_FILE
#   Returns:  0, also without any: the pool may know us by other means
#             1  a file is no token, or cannot be read or written. The log never shows a token.
_configure_tokens() {
  local start file name line count=0
  config_get GLIDEIN_START_DIR_ORIG ''
  start=$REPLY
  file=${IDTOKENS_FILE:-}
  [[ -n $file && $file != /dev/null ]] || file=
  [[ -z $file || $file == /* ]] || file=$start/$file
  for file in "$start"/*.idtoken ${file:+"$file"}; do
    [[ -e $file ]] || [[ $file == "${IDTOKENS_FILE:-}" ]] || continue
    name=${file##*/}
    [[ $name =~ ^[A-Za-z0-9_][A-Za-z0-9._@+-]*$ ]] || log_fail 1 "not a good name for a token file: $file" || return $?
    _configure_slurp "$file" || log_fail 1 "cannot read the token file $file" || return $?
    while IFS= read -r line; do
      line=${line//[[:space:]]/}
      [[ -z $line || $line == '#'* || $line =~ ^[A-Za-z0-9_=-]+\.[A-Za-z0-9_=-]+\.[A-Za-z0-9_=-]+$ ]] \
        || log_fail 1 "this is no token: $file" || return $?
    done <<<"$REPLY"
    { printf '%s\n' "$REPLY" >"$WORK/cred.d/idtokens/$name"; } 2>/dev/null \
      || log_fail 1 "cannot write $WORK/cred.d/idtokens/$name" || return $?
    ((++count))
  done
  _CONFIGURE_TOKENS_FROM="tokens that came with the job: $count"
  ((count > 0)) || log_warn "no token came with the job: nothing shows the pool who we are"
}

# --- slots, policy ---------------------------------------------------------------------------

# _configure_slots - one partitionable slot of all that is ours, or one fixed slot per core
_configure_slots() {
  local layout from disk=''
  _configure_title 'slots'
  config_get SLOTS_LAYOUT partitionable
  layout=$REPLY from='glidein_config: SLOTS_LAYOUT'
  config_get FORCE_PARTITIONABLE False
  if [[ $layout == partitionable && $RESOURCES_CPUS == 1 && $REPLY != [Tt]rue ]]; then
    layout=fixed from='one core needs no parts (FORCE_PARTITIONABLE=True makes them all the same)'
  fi
  [[ $RESOURCES_CPUS =~ ^[1-9][0-9]{0,4}$ ]] || log_fail 1 "number of cores: '$RESOURCES_CPUS'" || return $?
  _configure_line NUM_CPUS "$RESOURCES_CPUS" "${RESOURCES_CPUS_SOURCE:-detected}" || return 1
  [[ $RESOURCES_MEMORY_MB =~ ^[1-9][0-9]{0,8}$ ]] || log_fail 1 "megabytes of memory: '$RESOURCES_MEMORY_MB'" || return $?
  _configure_line MEMORY "$RESOURCES_MEMORY_MB" "${RESOURCES_MEMORY_MB_SOURCE:-${RESOURCES_MEMORY_SOURCE:-detected}}" || return 1
  _configure_line MACHINE_RESOURCE_GPUs 0 'fixed' || return 1
  _CONFIGURE_LAYOUT=$layout
  case $layout in
    partitionable)
      _configure_line SLOT_TYPE_1 'cpus=100%, memory=100%, disk=100%, swap=100%' "$from" || return 1
      _configure_line SLOT_TYPE_1_PARTITIONABLE True "$from" || return 1
      _configure_line NUM_SLOTS_TYPE_1 1 "$from" || return 1
      ;;
    fixed)
      _configure_line SLOT_TYPE_1 "cpus=1" "$from" || return 1
      _configure_line SLOT_TYPE_1_PARTITIONABLE False "$from" || return 1
      _configure_line NUM_SLOTS_TYPE_1 "$RESOURCES_CPUS" "$from" || return 1
      # each slot's ad tells these of all slots, as slot1_State and so on
      _configure_line STARTD_SLOT_ATTRS 'State, EnteredCurrentState, JobStarts' 'fixed: DAEMON_SHUTDOWN needs them' || return 1
      ;;
    *) log_fail 1 "SLOTS_LAYOUT: expected fixed or partitionable, got '$layout'" || return $? ;;
  esac
  _configure_line GLIDEIN_CPUS "$RESOURCES_CPUS" "${RESOURCES_CPUS_SOURCE:-detected}"
}

# _configure_policy - which jobs, until when, and when the glidein has done its work.
#   The startd looks at DAEMON_SHUTDOWN each time it sends its ads; the master, whose ad follows the
#   startd's end, leaves after it.
_configure_policy() {
  local name terms idle tail update
  _configure_title 'which jobs'
  terms='(time() < GLIDEIN_ToRetire)'
  for name in GLIDEIN_Start GLIDEIN_Entry_Start GLIDECLIENT_Start GLIDECLIENT_Group_Start GLIDEIN_Custom_Start; do
    [[ ${_CONFIGURE_VALUE[$name]:-True} == True ]] || terms+=" && (\$($name))"
  done
  _configure_line START "$terms && (SiteWMS_WN_Draining =!= True)" 'composed of the levels of GLIDEIN_Start' || return 1
  terms=
  for name in GLIDEIN_Rank GLIDEIN_Entry_Rank GLIDECLIENT_Rank GLIDECLIENT_Group_Rank; do
    terms+="${terms:+ + }(\$($name))"
  done
  _configure_line RANK "$terms" 'composed of the levels of GLIDEIN_Rank' || return 1
  _configure_line SUSPEND False 'fixed' || return 1
  _configure_line PREEMPT '(SiteWMS_WN_Preempt =?= True)' 'fixed' || return 1
  _configure_line RunBenchmarks False 'fixed: the cores are for jobs' || return 1
  _configure_line WANT_VACATE True 'fixed' || return 1
  _configure_line KILL False 'fixed' || return 1
  _configure_line MachineMaxVacateTime "$CONFIGURE_GRACEFUL_S" "${_CONFIGURE_FROM[GLIDEIN_Graceful_Shutdown]}: GLIDEIN_Graceful_Shutdown" || return 1
  _configure_line MaxJobRetirementTime '$(PREEMPT_GRACE_TIME)' 'from PREEMPT_GRACE_TIME' || return 1
  _configure_line SHUTDOWN_GRACEFUL_TIMEOUT "$CONFIGURE_GRACEFUL_S" "${_CONFIGURE_FROM[GLIDEIN_Graceful_Shutdown]}: GLIDEIN_Graceful_Shutdown" || return 1
  _configure_title 'when it ends'
  _configure_number GLIDEIN_Max_Idle || return 1
  idle=$REPLY
  _configure_number GLIDEIN_Max_Tail || return 1
  tail=$REPLY
  # It looks at these limits each time it sends its ads.
  update=$((CONFIGURE_UPDATE_S - RANDOM % (CONFIGURE_UPDATE_S / 4 + 1)))
  ((update <= idle)) || update=$idle
  ((update <= tail)) || update=$tail
  ((update >= 2)) || update=2
  _configure_line UPDATE_INTERVAL "$update" 'no longer than the limits below' || return 1
  _configure_idle
  _configure_line STARTD.DAEMON_SHUTDOWN "$REPLY" 'composed of GLIDEIN_Max_Idle, GLIDEIN_Max_Tail and GLIDEIN_ToRetire' || return 1
  # glidein_startup.sh ends us at GLIDEIN_ToDie. This is for the case that it is not there any more.
  _configure_line STARTD.DAEMON_SHUTDOWN_FAST "time() > GLIDEIN_ToDie + $((CONFIGURE_GRACEFUL_S + CONFIGURE_UPDATE_S))" \
    'from GLIDEIN_ToDie and GLIDEIN_Graceful_Shutdown' || return 1
  _configure_line MASTER.DAEMON_SHUTDOWN 'STARTD_StartTime =?= 0' 'fixed: no startd, no glidein' || return 1
  _configure_line MASTER_UPDATE_INTERVAL "$update" 'as UPDATE_INTERVAL'
}

# _configure_idle - set REPLY to when the startd has nothing to do any more. HTCondor evaluates it with
#   the ad of each slot, so it speaks of all slots, whichever it is evaluated for.
#   JobStarts tells whether there ever was a job: then the tail limit counts, else the idle limit.
_configure_idle() {
  local i all=''
  if [[ $_CONFIGURE_LAYOUT == partitionable ]]; then
    all='(PartitionableSlot =?= True && NumDynamicSlots =?= 0 && (time() > GLIDEIN_ToRetire'
    all+=' || time() - NumDynamicSlotsTime > ((JobStarts ?: 0) > 0 ? GLIDEIN_Max_Tail : GLIDEIN_Max_Idle)))'
  else
    for ((i = 1; i <= RESOURCES_CPUS; i++)); do
      all+="${all:+ && }(slot${i}_State =!= \"Claimed\" && slot${i}_State =!= \"Preempting\" && (time() > GLIDEIN_ToRetire"
      all+=" || time() - slot${i}_EnteredCurrentState > ((slot${i}_JobStarts ?: 0) > 0 ? GLIDEIN_Max_Tail : GLIDEIN_Max_Idle)))"
    done
  fi
  REPLY=$all
}
