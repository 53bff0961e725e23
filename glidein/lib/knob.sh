# shellcheck shell=bash
# knob.sh - HTCondor's configuration line by line: each a fact, below where it came from.
#
# A value is data: it is quoted, or refused, and can never become configuration of its own.
#
# Needs:     log.sh
# Sets:      KNOB_TEXT, the configuration so far
#
# shellcheck disable=SC2016,SC1003  # $(NAME) and backslashes are HTCondor's here, not the shell's

# knob_begin TEXT - forget what there was; TEXT says what the file is
knob_begin() {
  KNOB_TEXT="# $1"$'\n'
  _KNOB_SAID=
}

# knob_title TEXT - begin a part of the file
knob_title() {
  KNOB_TEXT+=$'\n'"# --- $1 ---"$'\n'
  _KNOB_SAID=
}

# knob_set NAME VALUE FROM - one fact. VALUE is HTCondor's syntax already.
#   Returns:  0;  1 NAME is no name, or VALUE would not stay one line
knob_set() {
  [[ $1 =~ ^[A-Za-z_][A-Za-z0-9_.]*$ ]] || log_fail 1 "not a name in HTCondor's configuration: '$1'" || return $?
  [[ $2 != *[[:cntrl:]]* && $2 != *'\' ]] \
    || log_fail 1 "$1: its value has a control character, or a backslash at its end" || return $?
  if [[ $3 != "$_KNOB_SAID" ]]; then
    KNOB_TEXT+="# $3"$'\n'
    _KNOB_SAID=$3
  fi
  KNOB_TEXT+="$1 =${2:+ $2}"$'\n'
}

# knob_use META FROM - a "use" line; META is ours, never somebody's data
knob_use() {
  KNOB_TEXT+="# $2"$'\n'"use $1"$'\n'
  _KNOB_SAID=$2
}

# knob_replace TEXT FROM TO - set REPLY to TEXT with TO for every FROM. In ${TEXT//FROM/TO} bash
#   5.2 gives & and backslashes in TO a meaning that older ones do not.
knob_replace() {
  local rest=$1 out=''
  while [[ $rest == *"$2"* ]]; do
    out+=${rest%%"$2"*}$3
    rest=${rest#*"$2"}
  done
  REPLY=$out$rest
}

# knob_literal TEXT - set REPLY to TEXT such that HTCondor expands nothing in it
knob_literal() { knob_replace "$1" '$' '$(DOLLAR)'; }

# knob_string TEXT - set REPLY to TEXT as a string of the old ClassAd language, which is that of
#   configuration files: a backslash means something before a quote only
knob_string() {
  knob_quoted "$1"
  knob_literal "$REPLY"
}

# knob_quoted TEXT - the same where nothing is expanded: in an ad
knob_quoted() {
  knob_replace "$1" '"' '\"'
  REPLY="\"$REPLY\""
}

# knob_pairs TEXT - can TEXT stand in parentheses? Quotes and parentheses must pair.
knob_pairs() {
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

# knob_file FILE - set REPLY to the content of FILE
knob_file() {
  local text=
  { IFS= read -r -d '' text <"$1"; } 2>/dev/null || [[ -n $text || -r $1 ]] || return 1
  REPLY=$text
}
