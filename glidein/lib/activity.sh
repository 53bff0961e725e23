# shellcheck shell=bash
# activity.sh - tell at the end, in the reference's XML, what this glidein did: log tools look for it.
#
# Needs:     log.sh clock.sh config.sh phase.sh; error_augment of worker_api/
# Commands:  gzip base64 (coreutils, gzip)
# Reads:     WORK, GLIDEIN_STARTED_MS; otrx_output.xml and otr_outlist.list, as scripts left them

# activity_print STATUS - the description on standard output; with every script's own, compressed and
#   encoded, on standard error
activity_print() {
  local head tail now
  [[ -n ${WORK:-} && -d $WORK ]] || return 0
  clock_epoch
  now=$REPLY
  _activity_tail "$1" "$now"
  tail=$REPLY
  _activity_head
  head=$REPLY
  _activity_node
  printf '\n=== XML description of glidein activity ===\n%s%s%s\n=== End XML description of glidein activity ===\n' \
    "$head" "$REPLY" "${tail/<cmd>*<\/cmd>$'\n'/}"
  {
    printf '\n=== Encoded XML description of glidein activity ===\nbegin-base64 644 -\n'
    {
      printf '%s' "${head%  <operatingenvironment>$'\n'}"
      _activity_scripts
      printf '  <operatingenvironment>\n'
      _activity_glidein
      printf '%s%s\n' "$REPLY" "$tail"
    } | gzip -c | base64
    printf '====\n=== End encoded XML description of glidein activity ===\n'
  } >&2
}

_activity_head() {
  REPLY='<?xml version="1.0"?>
<OSGTestResult id="glidein_startup.sh" version="4.3.1">
  <operatingenvironment>
'
}

# _activity_env NAME VALUE - set REPLY to one line
_activity_env() {
  _error_augment_xml "$2"
  REPLY="    <env name=\"$1\">$REPLY</env>"$'\n'
}

# _activity_node - set REPLY to the lines about node and client
_activity_node() {
  local text='' pair release=''
  { IFS= read -r release </etc/redhat-release; } 2>/dev/null || :
  for pair in client_name=GLIDECLIENT_Name client_group=GLIDECLIENT_Group; do
    config_get "${pair#*=}" ''
    _activity_env "${pair%%=*}" "$REPLY"
    text+=$REPLY
  done
  for pair in "user=${USER:-${LOGNAME:-$EUID}}" "arch=${HOSTTYPE:-unknown}" ${release:+"os=$release"} "hostname=${HOSTNAME:-unknown}"; do
    _activity_env "${pair%%=*}" "${pair#*=}"
    text+=$REPLY
  done
  REPLY=$text
}

# _activity_glidein - set REPLY to the same and what the factory knows this glidein by
_activity_glidein() {
  local text='' pair
  for pair in glidein_factory=GLIDEIN_Factory glidein_name=GLIDEIN_Name glidein_entry=GLIDEIN_Entry_Name \
    condorg_cluster=CONDORG_CLUSTER condorg_subcluster=CONDORG_SUBCLUSTER \
    glidein_credential_id=GLIDEIN_CredentialIdentifier condorg_schedd=CONDORG_SCHEDD; do
    config_get "${pair#*=}" ''
    _activity_env "${pair%%=*}" "$REPLY"
    text+=$REPLY
  done
  _activity_node
  REPLY=$text$REPLY
}

# _activity_tail STATUS EPOCH - set REPLY to all after the environment
_activity_tail() {
  local text start='' line metrics='' id='' now
  _error_augment_time "$2"
  now=$REPLY
  _error_augment_time "$(($2 - SECONDS))"
  start=$REPLY
  config_get GLIDEIN_START_DIR_ORIG ''
  _activity_env cwd "$REPLY"
  text="$REPLY  </operatingenvironment>
  <test>
    <cmd>glidein_startup.sh</cmd>
    <tStart>$start</tStart>
    <tEnd>$now</tEnd>
  </test>
  <result>
"
  while IFS= read -r line; do
    case $line in
      *'<OSGTestResult id="'*)
        id=${line#*id=\"}
        id=${id%%\"*}
        ;;
      *'<metric '*) metrics+=$line$'\n' ;;
    esac
  done 2>/dev/null <"$WORK/otrx_output.xml" || :
  if (($1 == 0)); then
    REPLY="$text    <status>OK</status>
$metrics  </result>
</OSGTestResult>"
    return 0
  fi
  config_get GLIDEIN_LAST_SCRIPT ''
  if [[ -n $REPLY && $REPLY == "$id" ]]; then
    cd -- "$WORK" 2>/dev/null || :
    error_augment_detail
    REPLY="     Validation failed in $id."$'\n\n'"$REPLY"
  else
    id=$PHASE_NAME metrics=''
    _activity_type
    metrics="    <metric name=\"failure\" ts=\"$now\" uri=\"local\">$REPLY</metric>"$'\n'
    REPLY="     Phase $PHASE_NAME failed: exit code $1."
  fi
  REPLY="$text    <status>ERROR</status>
    <metric name=\"TestID\" ts=\"$now\" uri=\"local\">$id</metric>
$metrics  </result>
  <detail>
$REPLY
  </detail>
</OSGTestResult>"
}

# _activity_type - set REPLY to the reference's word for what fails in our phase
_activity_type() {
  case $PHASE_NAME in
    fetch) REPLY=Network ;;
    verify) REPLY=Corruption ;;
    configure) REPLY=Config ;;
    *) REPLY=WN_Resource ;;
  esac
}

# _activity_scripts - print what each script said of itself
_activity_scripts() {
  local line
  [[ -s $WORK/otr_outlist.list ]] || return 0
  printf '  <subtestlist>\n    <OSGTestResults>\n'
  while IFS= read -r line; do
    printf '      %s\n' "$line"
  done <"$WORK/otr_outlist.list"
  printf '    </OSGTestResults>\n  </subtestlist>\n'
}
