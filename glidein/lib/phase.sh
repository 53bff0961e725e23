# shellcheck shell=bash
# phase.sh - the phases of a glidein: their order in time, durations, verdicts and exit codes.
#
# Each phase has an exit code, a multiple of ten. A phase that fails ends the glidein with it (or
# with a nearer one that it put into PHASE_EXIT); a signal ends it with that code plus nine.
#
# Needs:  log.sh clock.sh

PHASE_NAME=prepare        # the phase we are in, or were in last; a signal may come before the first
PHASE_CODE=10             # its exit code
PHASE_EXIT=               # set by a phase that knows better than its code why it failed
PHASE_SIGNAL=             # the signal that ended the glidein, if one did
_PHASE_STARTED=           # milliseconds; empty between phases
declare -ga PHASE_DONE=() # "name milliseconds verdict", in order

# phase_run NAME CODE COMMAND... - run one phase.
#   Returns:  0, or exits with PHASE_EXIT or CODE when COMMAND fails
phase_run() {
  local status
  PHASE_NAME=$1 PHASE_CODE=$2 PHASE_EXIT=
  clock_ms
  _PHASE_STARTED=$REPLY
  "${@:3}"
  status=$?
  ((status == 0)) || {
    _phase_end failed "status=$status"
    exit "${PHASE_EXIT:-$PHASE_CODE}"
  }
  _phase_end ok
}

# phase_last NAME COMMAND... - one of the phases after the end is decided: timed and told, but what
#   it returns is the caller's to judge
phase_last() {
  local status ms
  clock_ms
  ms=$REPLY
  "${@:2}"
  status=$?
  clock_ms
  ms=$((REPLY - ms))
  if ((status == 0)); then
    log_info "phase=$1 verdict=ok ms=$ms"
  else
    log_error "phase=$1 verdict=failed ms=$ms"
  fi
  return "$status"
}

# phase_signal NAME - the trap for signal NAME: end the glidein with the phase's code plus nine.
#   A second signal, while the first one's trap runs, changes nothing.
phase_signal() {
  [[ -z $PHASE_SIGNAL ]] || return 0
  PHASE_SIGNAL=$1
  [[ -z $_PHASE_STARTED ]] || _phase_end interrupted "signal=SIG$1"
  exit $((PHASE_CODE + 9))
}

# phase_leave STATUS WHY - end the glidein early, in a phase or between two, without calling it a
#   failure; WHY becomes the verdict of the phase that is left
phase_leave() {
  [[ -z $_PHASE_STARTED ]] || _phase_end "$2"
  exit "$1"
}

_phase_end() {
  local ms
  clock_ms
  ms=$((REPLY - _PHASE_STARTED))
  _PHASE_STARTED=
  PHASE_DONE+=("$PHASE_NAME $ms $1")
  case $1 in
    failed) log_error "phase=$PHASE_NAME verdict=$1 ms=$ms ${2:-}" ;;
    *) log_info "phase=$PHASE_NAME verdict=$1 ms=$ms${2:+ $2}" ;;
  esac
}
