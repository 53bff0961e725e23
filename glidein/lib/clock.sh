# shellcheck shell=bash
# clock.sh - the time, and waiting, without starting a process.
#
# bash loses its way when a trap leaves a read that has a time limit: the limit stays, and its end takes the
# shell to a place that is gone (bash 5.2: a crash without an EXIT trap) or out of the trap. A read with a
# limit is therefore a clock_read, and a trap that exits or lasts is set by clock_trap.
#
# Needs:     nothing
# Commands:  sleep (coreutils), only where /dev/fd is missing

declare -g _CLOCK_READING='' # whether a read with a time limit is going on
declare -ga _CLOCK_LATER=()  # what a signal asked for meanwhile

# clock_trap WORDS SIGNAL... - trap: run the command WORDS (split at blanks) when a SIGNAL comes; when it
#   comes in the midst of a clock_read, after that. Of several signals meanwhile the first one counts.
clock_trap() {
  local words=$1 signal
  shift
  for signal; do
    # shellcheck disable=SC2064  # the words are wanted now, not when the signal comes
    trap "_clock_trapped $words" "$signal"
  done
}

_clock_trapped() {
  if [[ -z $_CLOCK_READING ]]; then
    "$@"
  else
    ((${#_CLOCK_LATER[@]})) || _CLOCK_LATER=("$@")
  fi
}

# clock_read SECONDS ARGUMENT... - read -r -t SECONDS ARGUMENT...; returns its status
clock_read() {
  local _clock_status
  _CLOCK_READING=1
  read -r -t "$@"
  _clock_status=$?
  _CLOCK_READING=
  if ((${#_CLOCK_LATER[@]})); then
    set -- "${_CLOCK_LATER[@]}"
    _CLOCK_LATER=()
    "$@"
  fi
  return "$_clock_status"
}

# clock_ms - set REPLY to milliseconds: of the epoch from bash 5 on, of uptime before. Good
#   for differences only. Uptime comes in steps of 10 ms.
clock_ms() {
  local now=${EPOCHREALTIME:-}
  if [[ -n $now ]]; then
    REPLY=${now/[.,]/} # bash writes the locale's decimal point
    REPLY=${REPLY%???}
  else
    read -r now _ </proc/uptime
    REPLY=$((10#${now/./}0))
  fi
}

# clock_epoch - set REPLY to seconds of the epoch
clock_epoch() { printf -v REPLY '%(%s)T' -1; }

# clock_pause SECONDS - wait; up to three decimals are heeded. A trapped signal runs its trap within
#   half a second; if the trap returns, the wait goes on.
#   A read from a pipe that nobody writes to is a sleep that costs no process. It waits in short
#   steps, because bash 4.2 runs no trap before a read is over.
clock_pause() {
  local whole=${1%%.*} part=000 left step
  [[ $1 != *.* ]] || part=${1#*.}000
  left=$((10#${whole:-0} * 1000 + 10#${part:0:3}))
  if [[ -z ${_CLOCK_FD:-} ]]; then
    { exec {_CLOCK_FD}<> <(:); } 2>/dev/null || _CLOCK_FD=none
  fi
  while ((left > 0)); do
    step=$((left < 500 ? left : 500))
    left=$((left - step))
    printf -v step '0.%03d' "$step"
    if [[ $_CLOCK_FD == none ]]; then sleep "$step"; else clock_read "$step" -u "$_CLOCK_FD" || :; fi
  done
}
