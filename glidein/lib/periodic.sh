# shellcheck shell=bash
# periodic.sh - scripts that the startd runs again and again, through worker_api/script_wrapper.sh.
#
# Needs:     log.sh config.sh
# Commands:  none
# Reads:     WORK

declare -ga _PERIODIC=() # the lines of HTCondor's configuration

# periodic_add PATH SECTION SECONDS PREFIX - run the script at PATH, below the work directory, every
#   SECONDS; PREFIX goes in front of what it advertises, NOPREFIX for nothing.
#   Returns:  0;  1 a name that HTCondor's list of arguments could not hold
periodic_add() {
  local script=${1#"$WORK"/} name text
  name=GLIDEIN_PS_$((${#_PERIODIC[@]} + 1))
  [[ $script =~ ^[A-Za-z0-9_.+@%=:,~/-]+$ && $2 =~ ^[a-z_]+$ ]] || log_fail 1 "not a name for a periodic script: '$script'" || return $?
  text="STARTD_CRON_JOBLIST = \$(STARTD_CRON_JOBLIST) $name
STARTD_CRON_${name}_MODE = Periodic
STARTD_CRON_${name}_KILL = True
STARTD_CRON_${name}_PERIOD = ${3}s
STARTD_CRON_${name}_EXECUTABLE = \$(LOCAL_DIR)/main/script_wrapper.sh
STARTD_CRON_${name}_ARGS = glidein_config $2 $name $script $4
STARTD_CRON_${name}_CWD = \$(LOCAL_DIR)
STARTD_CRON_${name}_SLOTS = 1
STARTD_CRON_${name}_JOB_LOAD = 0.01
"
  [[ $4 == NOPREFIX ]] || text+="STARTD_CRON_${name}_PREFIX = $4"$'\n'
  _PERIODIC+=("$text")
  { printf '%s' "${_PERIODIC[@]}" >"$WORK/condor_config_startd_cron_include"; } 2>/dev/null \
    || log_fail 1 "cannot write $WORK/condor_config_startd_cron_include" || return $?
  config_set GLIDEIN_condor_config_startd_cron_include condor_config_startd_cron_include
}

# periodic_configure - add what GLIDEIN_condor_config_startd_cron_include names to $WORK/condor_config.
#   A script may have made that file, or added to it.
#   Returns:  0;  1 it cannot be read or written
periodic_configure() {
  local file text=''
  config_get GLIDEIN_condor_config_startd_cron_include ''
  file=$REPLY
  [[ -n $file ]] || return 0
  [[ $file == /* ]] || file=$WORK/$file
  { IFS= read -r -d '' text <"$file"; } 2>/dev/null || :
  [[ -n $text ]] || log_fail 1 "cannot read the configuration of periodic scripts: $file" || return $?
  { printf '\n# --- periodic scripts ---\n# from %s\n%s\n' "${file##*/}" "$text" >>"$WORK/condor_config"; } 2>/dev/null \
    || log_fail 1 "cannot write $WORK/condor_config"
}
