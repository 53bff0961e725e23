# shellcheck shell=bash
# interface.sh - lay out what scripts of communities rely on: folders, files by name, facts, environment.
#
# The files are those of worker_api/: from the checkout we run from, else from the main area.
#
# Needs:     log.sh config.sh area.sh
# Commands:  mkdir chmod (coreutils)
# Reads:     WORK, START_DIR, GLIDEIN_LIB; X509_USER_PROXY, LOG_RECIPIENTS

# interface_place - make all of it. The script's own folder must be the current one.
#   Returns:  0;  1 something cannot be written, or is missing
interface_place() {
  local status=0
  umask 0022 # jobs of another user may need these
  _interface_folders && _interface_files || status=1
  umask 077
  ((status == 0)) && _interface_facts
}

_interface_folders() {
  local hook=$WORK/.gwms.d/exec logs
  config_get GLIDEIN_UUID unknown
  logs=$WORK/logs/$REPLY/shards/creating
  mkdir -p -- "$WORK/main/lib/python" "$WORK/.gwms.d/bin" "$WORK/.gwms.d/lib/python" "$hook/setup" "$hook/prejob" \
    "$hook/postjob" "$hook/cleanup" "$hook/setup_singularity" "$logs" \
    || log_fail 1 "cannot make folders for scripts in $WORK"
}

_interface_files() {
  local line name file content missing='' programs=()
  _interface_sources
  while IFS= read -r line; do
    [[ -n $line ]] || continue
    name=${line%% *}
    file=${line#* }
    content=
    IFS= read -r -d '' content <"$file" || :
    [[ -n $content ]] || { missing=$file && break; }
    case $name in
      *.source) _interface_write "$content" "$WORK/$name" || return 1 ;;
      condor_chirp)
        _interface_write "$content" "$WORK/.gwms.d/bin/$name" || return 1
        programs+=("$WORK/.gwms.d/bin/$name")
        ;;
      *)
        _interface_write "$content" "$WORK/main/$name" || return 1
        programs+=("$WORK/main/$name")
        ;;
    esac
    case $name in
      gwms-python | gconfig.py)
        _interface_write "$content" "$WORK/.gwms.d/bin/$name" || return 1
        programs+=("$WORK/.gwms.d/bin/$name")
        ;;
    esac
    [[ $name != *.py ]] \
      || { _interface_write "$content" "$WORK/main/lib/python/$name" && _interface_write "$content" "$WORK/.gwms.d/lib/python/$name"; } \
      || return 1
  done <<<"$REPLY"
  [[ -z $missing ]] || log_fail 1 "cannot read $missing" || return $?
  ((${#programs[@]} > 0)) || log_fail 1 "the scripts' interface is neither in the main area nor beside us" || return $?
  chmod a+x -- "${programs[@]}" && { [[ -f $WORK/wrapper_list.lst ]] || : >"$WORK/wrapper_list.lst"; }
}

# _interface_sources - set REPLY to the files: `name path`, one a line
_interface_sources() {
  local file
  area_apis
  [[ -z $REPLY && -n ${GLIDEIN_LIB:-} ]] || return 0
  for file in "${GLIDEIN_LIB%/*}"/worker_api/*; do
    [[ ! -f $file ]] || REPLY+="${file##*/} $file"$'\n'
  done
}

_interface_write() {
  { printf '%s' "$1" >"$2"; } 2>/dev/null || log_fail 1 "cannot write $2"
}

# _interface_facts - the keys of glidein_config by which scripts find all this
_interface_facts() {
  local token logs
  config_set ADD_CONFIG_LINE_SOURCE "$WORK/add_config_line.source"
  config_set GET_ID_SELECTORS_SOURCE "$WORK/get_id_selectors.source"
  config_set LOGGING_UTILS_SOURCE "$WORK/logging_utils.source"
  config_set GLIDEIN_PATHS_SOURCE "$WORK/glidein_paths.source"
  config_set B64UUENCODE_SOURCE "$WORK/b64uuencode.source"
  config_set ERROR_GEN_PATH "$WORK/main/error_gen.sh"
  config_set WRAPPER_LIST "$WORK/wrapper_list.lst"
  config_set GLIDEIN_INITIALIZED 0
  config_set GLIDEIN_ADVERTISE_ONLY 0
  for token in "${START_DIR:-$WORK}"/credential_*.idtoken; do
    [[ ! -f $token ]] || config_set GLIDEIN_CONDOR_TOKEN "$token"
  done
  config_get GLIDEIN_UUID unknown
  logs=$REPLY
  config_set GLIDEIN_LOGDIR "logs/$logs"
  config_set GLIDEIN_STDOUT_LOGFILE "$logs.out"
  config_set GLIDEIN_STDERR_LOGFILE "$logs.err"
  config_set GLIDEIN_LOG_LOGFILE "$logs.log"
  config_set GLIDEIN_LOG_RELATIVE_BASEPATH "$WORK"
  [[ -z ${LOG_RECIPIENTS:-} ]] || config_set GLIDEIN_LOG_RECIPIENTS "${LOG_RECIPIENTS//$'\n'/ }"
  config_set GLIDEIN_LOG_NO_SEND 1
  config_set GLIDEIN_LOG_INITIALIZED 1
}

# interface_environment - in a process that becomes a script: the environment that scripts know.
#   INTERFACE_PATH, set after the list `main at`, goes in front of PATH.
interface_environment() {
  umask 0022
  unset LC_ALL
  export LANG=C
  config_get GLIDEIN_Name ''
  export GLIDEIN_Name=$REPLY
  config_get GLIDEIN_UUID ''
  export GLIDEIN_UUID=$REPLY
  config_get GLIDEIN_CONDOR_TOKEN ''
  [[ -z $REPLY ]] || export GLIDEIN_CONDOR_TOKEN=$REPLY
  [[ -z ${X509_USER_PROXY:-} || $X509_USER_PROXY == /* ]] || export X509_USER_PROXY=${START_DIR:-$WORK}/$X509_USER_PROXY
  [[ ${OPTION[dir]:-} != AUTO ]] || unset TMPDIR
  [[ -z ${INTERFACE_PATH:-} ]] || export GWMS_PATH=$INTERFACE_PATH PATH=$INTERFACE_PATH:$PATH
}
