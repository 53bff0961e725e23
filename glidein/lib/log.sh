# shellcheck shell=bash
# log.sh - one line per event on stderr: UTC time, level, function, message.
#
# Needs:  nothing
# Reads:  GLIDEIN_LOG_LEVEL ("debug" shows debug lines, anything else hides them)
# Sets:   LOG_FAILED, the last message of log_fail
#
# stdout stays free for data, so every function here is safe inside $(...).

log_debug() { [[ ${GLIDEIN_LOG_LEVEL:-info} != debug ]] || _log_line DEBUG "$*"; }
log_info() { _log_line INFO "$*"; }
log_warn() { _log_line WARN "$*"; }
log_error() { _log_line ERROR "$*"; }

# log_fail STATUS MESSAGE - log MESSAGE as an error, return STATUS. Meant for:
#   some_command || log_fail 3 "what went wrong" || return $?
log_fail() {
  LOG_FAILED=${*:2}
  _log_line ERROR "${*:2}"
  return "$1"
}

# _log_line LEVEL MESSAGE
#   FUNCNAME[2] is whoever called log_*: the name to search for in lib/.
#   -1 ("now") is spelled out: bash 4.2 prints 1970 without it.
#   It never fails: that nobody reads is no reason to.
_log_line() {
  local text=${2//$'\n'/; } # one event stays one line
  TZ=UTC0 printf '%(%FT%TZ)T %-5s %s: %s\n' -1 "$1" "${FUNCNAME[2]:-main}" "$text" >&2 || :
}
