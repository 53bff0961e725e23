#!/bin/bash
# error_augment.sh - add to what a script said of itself what its caller knows, and keep a list of all.
#
# Usage:  error_augment.sh -init
#         error_augment.sh -process STATUS ID FOLDER COMMAND START END
#         error_augment.sh -concat | -locked-concat
#
# The script says it in otrb_output.xml (error_gen.sh), which may be missing, or contradict the exit
# status: then an empty result takes its place. -process writes otrx_output.xml, -concat appends that
# to otr_outlist.list, which is read-only otherwise. All in the current folder; the list, where it is not
# there, in the folder above this file's: the work directory. START and END are seconds of the epoch.
#
# Sourced, it only defines these functions: the glidein itself uses them.

# error_augment_init - forget what an earlier script said
error_augment_init() { printf '\n' >otrb_output.xml; }

# error_augment_process STATUS ID FOLDER COMMAND START END - write otrx_output.xml, set REPLY to it
error_augment_process() {
  local said='' text start end id folder command
  _error_augment_time "$5"
  start=$REPLY
  _error_augment_time "$6"
  end=$REPLY
  _error_augment_xml "$2"
  id=${REPLY//\"/&quot;}
  _error_augment_xml "$3"
  folder=$REPLY
  _error_augment_xml "$4"
  command=$REPLY
  text="<?xml version=\"1.0\"?>
<OSGTestResult id=\"$id\" version=\"4.3.1\">
  <operatingenvironment>
    <env name=\"cwd\">$folder</env>
  </operatingenvironment>
  <test>
    <cmd>$command</cmd>
    <tStart>$start</tStart>
    <tEnd>$end</tEnd>
  </test>
"
  if _error_augment_said "$1"; then
    text+=$REPLY
  else
    [[ $1 == 0 ]] && said=OK || said=ERROR
    text+="  <result>
    <status>$said</status>
  </result>
  <detail>
     The test script did not produce an XML file. No further information available.
  </detail>
"
  fi
  REPLY=$text'</OSGTestResult>'
  printf '%s\n' "$REPLY" >otrx_output.xml
}

# error_augment_concat - append otrx_output.xml to the list
error_augment_concat() {
  local list=otr_outlist.list line inside=
  [[ -f $list ]] || list=${BASH_SOURCE[0]%/*}/../$list
  [[ ! -f $list ]] || chmod u+w -- "$list"
  while IFS= read -r line; do
    [[ $line != *'<OSGTestResult'* ]] || inside=1
    [[ -z $inside ]] || printf '%s\n' "$line"
    [[ $line != *'</OSGTestResult>'* ]] || inside=
  done <otrx_output.xml >>"$list"
  chmod a-w -- "$list"
}

# error_augment_locked_concat - the same where other scripts may do it at the same time.
#   Returns:  0;  2 the list's lock is held for over 20 minutes
error_augment_locked_concat() {
  local lock=otr_outlist.list.lock waited
  [[ -f otr_outlist.list ]] || lock=${BASH_SOURCE[0]%/*}/../$lock
  for ((waited = 0; waited < 1200; waited++)); do
    if mkdir -- "$lock" 2>/dev/null; then
      error_augment_concat
      rmdir -- "$lock"
      return 0
    fi
    sleep 1
  done
  return 2
}

# error_augment_detail - set REPLY to the detail of otrx_output.xml
error_augment_detail() {
  local line inside=
  REPLY=
  while IFS= read -r line; do
    [[ $line != *'</detail>'* ]] || inside=
    [[ -z $inside ]] || REPLY+=$line$'\n'
    [[ $line != *'<detail>'* ]] || inside=1
  done 2>/dev/null <otrx_output.xml || :
  REPLY=${REPLY%$'\n'}
}

# _error_augment_said STATUS - set REPLY to what otrb_output.xml holds inside its outermost element.
#   Returns:  0;  1 it is not of that form, or says another thing than STATUS
_error_augment_said() {
  local LC_ALL=C line lines=() i inside='' bytes=0
  REPLY=
  [[ -f otrb_output.xml ]] || return 1
  mapfile -t -n 10000 lines <otrb_output.xml
  for ((i = 0; i < ${#lines[@]}; i++)); do
    line=${lines[i]//[$'\001'-$'\010'$'\013'-$'\037'$'\177']/?}
    bytes=$((bytes + ${#line}))
    ((bytes < 262144)) || return 1
    if [[ $line == *'</OSGTestResult>'* ]]; then
      inside=end
      break
    fi
    [[ $inside != 1 ]] || REPLY+=$line$'\n'
    [[ $line != *'<OSGTestResult '* ]] || inside=1
  done
  [[ $inside == end && $REPLY == *'<result>'*'</result>'* && $REPLY == *'<status>'* ]] || return 1
  if [[ $REPLY == *'<status>'*OK*'</status>'* ]]; then [[ $1 == 0 ]]; else [[ $1 != 0 ]]; fi
}

# _error_augment_time EPOCH - set REPLY to it as the XML has times
_error_augment_time() {
  [[ $1 =~ ^[0-9]+$ ]] || set -- 0
  printf -v REPLY '%(%Y-%m-%dT%H:%M:%S%z)T' "$1"
  REPLY=${REPLY:0:${#REPLY}-2}:${REPLY: -2}
}

# _error_augment_xml TEXT - set REPLY to TEXT as XML holds it
_error_augment_xml() {
  local amp='&amp;' lt='&lt;' gt='&gt;' rest=$1 char
  REPLY=
  while [[ $rest == *[\&\<\>]* ]]; do
    char=${rest%%[\&\<\>]*}
    REPLY+=$char
    rest=${rest#"$char"}
    case $rest in
      '&'*) REPLY+=$amp ;;
      '<'*) REPLY+=$lt ;;
      *) REPLY+=$gt ;;
    esac
    rest=${rest:1}
  done
  REPLY+=$rest
}

_error_augment_main() {
  case ${1:-} in
    -init) error_augment_init ;;
    -process) (($# == 7)) && error_augment_process "${@:2}" ;;
    -concat) error_augment_concat ;;
    -locked-concat) error_augment_locked_concat ;;
    *)
      printf 'usage: error_augment.sh -init|-process STATUS ID FOLDER COMMAND START END|-concat|-locked-concat\n' >&2
      exit 1
      ;;
  esac
}

[[ ${BASH_SOURCE[0]} != "$0" ]] || _error_augment_main "$@"
