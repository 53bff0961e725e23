# shellcheck shell=bash
# options.sh - the command line: those options the factory passes, and those for people.
#
# Every option is checked as it is read. Values of -param_NAME arrive escaped, because batch
# systems disagree about quoting; they are decoded here. No value looks like an option: where one
# does, the value before it was lost on the way.
#
# Needs:  log.sh config.sh
# Sets:   OPTION (associative: value by option name without its dash, or 1 for a flag)
#         and, through config_set, one key per -param_NAME

declare -gA OPTION=()

# A web cache, as fetch_init takes it
_OPTION_CACHE='(https?://)?([A-Za-z0-9][A-Za-z0-9._-]*|\[[0-9A-Fa-f:.]+\])(:[0-9]{1,5})?/?'

# Options with a value, and the pattern that the value must match
declare -gA _OPTION_FORM=(
  [v]='^(std|nodebug|fast|check|checkdebug|debug|dbg)$'
  [name]='^[A-Za-z0-9_][A-Za-z0-9._-]*$'
  [entry]='^[A-Za-z0-9_][A-Za-z0-9._-]*$'
  [factory]='^[A-Za-z0-9_][A-Za-z0-9._@-]*$'
  [clientname]='^[A-Za-z0-9_][A-Za-z0-9._@-]*$'
  [schedd]='^[A-Za-z0-9_][A-Za-z0-9._@:-]*$'
  [proxy]="^(None|OSG|$_OPTION_CACHE(,$_OPTION_CACHE)*)\$"
  [web]='^https?://[^[:space:][:cntrl:]"\<>]+$'
  [sign]='^([0-9a-f]{40}|[0-9a-f]{64})$'
  [signentry]='^([0-9a-f]{40}|[0-9a-f]{64})$'
  [signtype]='^(sha1|sha256)$'
  [descript]='^[A-Za-z0-9_][A-Za-z0-9._-]*$'
  [descriptentry]='^[A-Za-z0-9_][A-Za-z0-9._-]*$'
  [dir]='^[^[:cntrl:]]+$'
  [submitcredid]='^[^[:cntrl:]]*$'
  [slotslayout]='^(fixed|partitionable)$'
  [clientweb]='^https?://[^[:space:][:cntrl:]"\<>]+$'
  [clientsign]='^([0-9a-f]{40}|[0-9a-f]{64})$'
  [clientsigntype]='^(sha1|sha256)$'
  [clientdescript]='^[A-Za-z0-9_][A-Za-z0-9._-]*$'
  [clientgroup]='^[A-Za-z0-9_][A-Za-z0-9._-]*$'
  [clientwebgroup]='^https?://[^[:space:][:cntrl:]"\<>]+$'
  [clientsigngroup]='^([0-9a-f]{40}|[0-9a-f]{64})$'
  [clientdescriptgroup]='^[A-Za-z0-9_][A-Za-z0-9._-]*$'
  [cluster]='^[0-9]+$'
  [subcluster]='^[0-9]+$'
  [multiglidein]='^[1-9][0-9]{0,2}$'
  [multirestart]='^[0-9]{1,3}$'
)

# What such a pattern means, for somebody who gave something else
declare -ga _OPTION_WORDS=(
  "${_OPTION_FORM[web]}" 'a URL: http://HOST:PORT/PATH, or https://...'
  "${_OPTION_FORM[proxy]}" 'None, OSG, or web caches with commas: http://cache:3128,http://other:3128'
  "${_OPTION_FORM[sign]}" 'a hash: 40 (sha1) or 64 (sha256) digits of 0-9 a-f'
  "${_OPTION_FORM[name]}" 'a name: letters, digits and . _ - only, not starting with . or -'
  "${_OPTION_FORM[factory]}" 'a name: letters, digits and . _ @ - only, not starting with . @ or -'
  "${_OPTION_FORM[schedd]}" 'a name: letters, digits and . _ @ : - only, not starting with . @ : or -'
  "${_OPTION_FORM[dir]}" 'a folder, or one of . Condor OSG TMPDIR AUTO'
  "${_OPTION_FORM[submitcredid]}" 'printable characters'
  "${_OPTION_FORM[multiglidein]}" 'a number of 1 to 999'
  "${_OPTION_FORM[cluster]}" 'a number'
  "${_OPTION_FORM[multirestart]}" 'a number of at most three digits'
)

# What a batch-safe value says for each character: see options_decode
declare -gA _OPTION_ESCAPE=(
  [nbsp]=' ' [semicolon]=';' [colon]=':' [tilde]='~' [not]='!' [question]='?' [star]='*'
  [dollar]='$' [comment]='#' [sclose]=']' [sopen]='[' [gclose]='}' [gopen]='{' [close]=')'
  [open]='(' [gt]='>' [lt]='<' [minus]='-' [plus]='+' [eq]='=' [singquot]="'" [quot]='"'
  [fork]='`' [pipe]='|' [backslash]=$'\\' [amp]='&' [comma]=',' [dot]='.'
)

# options_read ARGUMENT... - read the whole command line into OPTION and the configuration.
#   Returns:  0
#             2  an option is unknown, lacks its value, is malformed, or a required one is missing;
#                the log names it
options_read() {
  local option value
  while (($#)); do
    option=$1
    shift
    case $option in
      -) log_fail 2 "not an option: '-' (see --help)" || return $? ;;
      -h | -help | --help) OPTION[help]=1 ;;
      --version) OPTION[version]=1 ;;
      --check | --dry-run | --keep | --shell | --json) OPTION[${option#--}]=1 ;;
      -param_*)
        (($#)) && [[ $1 != -[A-Za-z-]* ]] || log_fail 2 "option $option: its value is missing" || return $?
        options_decode "$1"
        config_set "${option#-param_}" "$REPLY" || log_fail 2 "option $option: bad name or value" || return $?
        shift
        ;;
      -*)
        option=${option#-}
        [[ ${_OPTION_FORM[$option]+x} ]] || log_fail 2 "unknown option: -$option (see --help)" || return $?
        (($#)) && [[ $1 != -[A-Za-z-]* ]] || log_fail 2 "option -$option: its value is missing" || return $?
        value=$1
        shift
        if [[ ! $value =~ ${_OPTION_FORM[$option]} ]]; then
          _options_words "${_OPTION_FORM[$option]}"
          log_fail 2 "option -$option: expected $REPLY, got '$value'" || return $?
        fi
        OPTION[$option]=$value
        ;;
      *) log_fail 2 "not an option: '$option' (see --help)" || return $? ;;
    esac
  done
  [[ ${OPTION[help]+x} || ${OPTION[version]+x} || ${OPTION[check]+x} ]] || _options_complete
}

# _options_words PATTERN - set REPLY to what the pattern of a value means
_options_words() {
  local i
  for ((i = 0; i < ${#_OPTION_WORDS[@]}; i += 2)); do
    REPLY=${_OPTION_WORDS[i + 1]}
    [[ ${_OPTION_WORDS[i]} != "$1" ]] || return 0
  done
  REPLY=${1#'^('} # a list of words
  REPLY=${REPLY%')$'}
  REPLY="one of ${REPLY//|/, }"
}

# options_decode TEXT - set REPLY to TEXT with each `.name,` replaced by the character it stands for.
#   A dot that begins no known name stays a dot: the reference's factory sends some values plain.
options_decode() {
  local rest=$1 name
  REPLY=
  while [[ $rest == *.* ]]; do
    REPLY+=${rest%%.*}
    rest=${rest#*.}
    name=${rest%%,*}
    if [[ $rest == *,* && -n $name && ${_OPTION_ESCAPE[$name]+x} ]]; then
      REPLY+=${_OPTION_ESCAPE[$name]}
      rest=${rest#*,}
    else
      REPLY+=.
    fi
  done
  REPLY+=$rest
}

# _options_complete - defaults, required options, and hashes of the right length
_options_complete() {
  local option length given
  for option in web name factory entry sign signentry descript descriptentry; do
    [[ ${OPTION[$option]+x} ]] || log_fail 2 "required option is missing: -$option (see --help)" || return $?
  done
  given=
  for option in clientweb clientsign clientdescript clientwebgroup clientsigngroup clientdescriptgroup; do
    [[ ! ${OPTION[$option]+x} ]] || given=$option
  done
  if [[ -n $given ]]; then # the Frontend's areas: all or none
    for option in clientweb clientsign clientdescript clientgroup clientwebgroup clientsigngroup clientdescriptgroup; do
      [[ ${OPTION[$option]+x} ]] || log_fail 2 "required option is missing: -$given needs -$option as well" || return $?
    done
  fi
  : "${OPTION[signtype]:=sha1}" "${OPTION[clientsigntype]:=sha1}" # as in the reference
  : "${OPTION[v]:=std}" "${OPTION[proxy]:=None}" "${OPTION[dir]:=.}" "${OPTION[slotslayout]:=partitionable}"
  for option in sign signentry clientsign clientsigngroup; do
    length=40
    case $option in
      client*) [[ ${OPTION[clientsigntype]} == sha1 ]] || length=64 ;;
      *) [[ ${OPTION[signtype]} == sha1 ]] || length=64 ;;
    esac
    [[ ! ${OPTION[$option]+x} || ${#OPTION[$option]} -eq length ]] \
      || log_fail 2 "option -$option: its hash has ${#OPTION[$option]} digits, its type wants $length" || return $?
  done
}
