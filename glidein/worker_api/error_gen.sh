#!/bin/bash
# error_gen.sh - let a script say how it went: writes otrb_output.xml in the current folder.
#
# Usage:  error_gen.sh -ok SCRIPT [NAME VALUE]...
#         error_gen.sh -error SCRIPT TYPE DETAIL [NAME VALUE]...
#
# TYPE is what failed: WN_Resource, Network, Config, VO_Config, Corruption, VO_Proxy or Unknown.
# NAME and VALUE become metrics. What it says never decides: the script's exit status does.
set -u
shopt -u patsub_replacement 2>/dev/null # from bash 5.2 on & would mean the match

# xml TEXT - set REPLY to TEXT as XML holds it
xml() {
  REPLY=${1//&/&amp;}
  REPLY=${REPLY//</&lt;}
  REPLY=${REPLY//>/&gt;}
}

# metric NAME VALUE - add one to the text
metric() {
  local name
  xml "$1"
  name=${REPLY//\"/&quot;}
  xml "$2"
  text+="    <metric name=\"$name\" ts=\"$now\" uri=\"local\">$REPLY</metric>"$'\n'
}

usage() {
  printf 'usage: error_gen.sh -ok SCRIPT [NAME VALUE]...\n       error_gen.sh -error SCRIPT TYPE DETAIL [NAME VALUE]...\n' >&2
  exit 1
}

case ${1:-} in
  -ok) status=OK ;;
  -error) status=ERROR ;;
  *) usage ;;
esac
(($# > 1)) || usage
printf -v now '%(%Y-%m-%dT%H:%M:%S%z)T' -1
now=${now:0:${#now}-2}:${now: -2}
xml "$2"
text="<?xml version=\"1.0\"?>
<OSGTestResult id=\"${REPLY//\"/&quot;}\" version=\"4.3.1\">
  <result>
    <status>$status</status>
"
shift 2
detail=
if [[ $status == ERROR ]]; then
  metric failure "${1:-Unknown}"
  xml "${2:-}"
  detail=$'  <detail>\n    '${REPLY//$'\n'/$'\n'    }$'\n  </detail>\n'
  shift $(($# > 1 ? 2 : $#))
fi
while (($# > 1)); do
  metric "$1" "$2"
  shift 2
done
printf '%s' "$text  </result>"$'\n'"$detail</OSGTestResult>"$'\n' >otrb_output.xml
