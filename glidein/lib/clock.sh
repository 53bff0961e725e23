# shellcheck shell=bash
# clock.sh - the time, and waiting, without starting a process.
#
# Needs:     nothing
# Commands:  sleep (coreutils), only where /dev/fd is missing

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

# clock_pause SECONDS - wait; fractions are allowed. Returns early when a trapped signal comes.
#   A read from a pipe that nobody writes to is a sleep that costs no process.
clock_pause() {
  if [[ -z ${_CLOCK_FD:-} ]]; then
    { exec {_CLOCK_FD}<> <(:); } 2>/dev/null || _CLOCK_FD=none
  fi
  if [[ $_CLOCK_FD == none ]]; then
    sleep "$1"
  else
    read -r -t "$1" -u "$_CLOCK_FD" || :
  fi
}
