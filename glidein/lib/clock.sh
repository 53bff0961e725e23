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
    if [[ $_CLOCK_FD == none ]]; then sleep "$step"; else read -r -t "$step" -u "$_CLOCK_FD" || :; fi
  done
}
