# shellcheck shell=bash
# expand.sh - what a shell would make of a default of condor_vars.lst, without a shell.
#
# Needs:     config.sh
#
# shellcheck disable=SC2016,SC1003  # $(NAME) and backslashes are HTCondor's here, not the shell's

# expand_default DEFAULT - set REPLY to a default of condor_vars.lst as the reference's shell would
#   leave it, without a shell: one level of backslashes goes, then a word is read: quotes, escapes,
#   $NAME and ${NAME} of variables known so far.
#   Returns:  0;  1 anything else that a shell would act on: commands, ; & | < > ( ) and blanks
expand_default() {
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
        REPLY=${VARS_VALUE[$name]-}
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
