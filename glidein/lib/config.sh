# shellcheck shell=bash
# config.sh - the glidein's facts: what options, areas, checks and scripts have said so far.
#
# The facts live in memory and, for scripts, in the file glidein_config: one `KEY value` line
# per key, no key twice. Scripts change that file as well, also while we do; a reader never sees
# half of it, and no writer loses what another one wrote (worker_api/add_config_line.source does
# the same from their side).
#
# Constants of the areas become facts when their turn in the lists comes, for scripts to see. The
# glidein itself looks ahead: until the scripts begin, config_get knows all of them.
#
# Needs:     log.sh clock.sh
# Commands:  mv rm (coreutils)
# Reads:     WORK (the work directory); CONFIG_MAX

: "${CONFIG_MAX:=4194304}" # bytes: what glidein_config may hold

declare -gA CONFIG=()          # value by key
declare -ga CONFIG_KEYS=()     # keys in the order they were first set
declare -gA CONFIG_AHEAD=()    # what areas will say, by key
declare -ga _CONFIG_OTHER=()   # lines of the file that are no `KEY value`, kept for their writers
declare -gA _CONFIG_PENDING=() # keys set since the file was last in step with us
declare -gA _CONFIG_DECIDED=() # keys we set while looking ahead: no constant overrides them
_CONFIG_LOOKING=               # non-empty while we look ahead
_CONFIG_UNTIDY=1               # non-empty where the file has a key twice, or there is none

_CONFIG_KEY='^[A-Za-z_][A-Za-z0-9_.:+-]*$' # CONDOR_PLATFORM_9.0-rhel7-x86_64 is one

# config_set KEY VALUE - remember VALUE for KEY; a later value replaces an earlier one.
#   Returns:  0
#             1  KEY is not a name, or VALUE holds a line break
config_set() {
  [[ $1 =~ $_CONFIG_KEY ]] || log_fail 1 "not a key: '$1'" || return $?
  [[ $2 != *$'\n'* ]] || log_fail 1 "$1: a value is one line" || return $?
  [[ ${CONFIG[$1]+x} ]] || CONFIG_KEYS+=("$1")
  CONFIG[$1]=$2
  _CONFIG_PENDING[$1]=1
  if [[ -n $_CONFIG_LOOKING ]]; then
    unset "CONFIG_AHEAD[$1]"
    _CONFIG_DECIDED[$1]=1
  fi
}

# config_get KEY [DEFAULT] - set REPLY to the value of KEY, else to DEFAULT.
#   Returns:  0
#             1  KEY was never set and there is no DEFAULT; REPLY is empty
config_get() {
  if [[ -n $1 && -n $_CONFIG_LOOKING && ${CONFIG_AHEAD[$1]+x} ]]; then
    REPLY=${CONFIG_AHEAD[$1]}
  elif [[ -n $1 && ${CONFIG[$1]+x} ]]; then
    REPLY=${CONFIG[$1]}
  else
    REPLY=${2-}
    (($# > 1))
  fi
}

# config_ahead KEY VALUE - KEY will be VALUE when its turn comes; config_get says so at once.
#   Returns:  0;  1 as config_set
config_ahead() {
  [[ $1 =~ $_CONFIG_KEY ]] || log_fail 1 "not a key: '$1'" || return $?
  _CONFIG_LOOKING=1
  CONFIG_AHEAD[$1]=$2
}

# config_ahead_end - from here on only what was said counts
config_ahead_end() {
  _CONFIG_LOOKING=
  CONFIG_AHEAD=()
}

# config_constant KEY VALUE - a constant's turn has come: set it, unless we know better by now
config_constant() {
  [[ ${_CONFIG_DECIDED[$1]+x} ]] || config_set "$1" "$2"
}

# config_write - bring $WORK/glidein_config up to date: what was set since goes in, what others put
#   there stays. New keys are appended; else the file is replaced.
#   Returns:  0
#             1  it could not be written; the old file is as it was
config_write() {
  local file=$WORK/glidein_config key text='' late line fd status=0
  if [[ ! -f $file ]]; then
    config_text
    { printf '%s' "$REPLY" >"$file.rewrite"; } 2>/dev/null && mv -f -- "$file.rewrite" "$file" \
      || _config_failed || return $?
    _CONFIG_PENDING=() _CONFIG_UNTIDY=
    return 0
  fi
  [[ -n $_CONFIG_UNTIDY ]] || ((${#_CONFIG_PENDING[@]})) || return 0
  _config_lock || return 1
  exec {fd}<"$file" || return 1
  _config_read "$fd" || status=1
  if ((status == 0)); then
    config_text
    { printf '%s' "$REPLY" >|"$file.rewrite"; } 2>/dev/null && mv -f -- "$file.rewrite" "$file" \
      || _config_failed || status=1
  fi
  if ((status == 0)); then
    # What others appended to the old file meanwhile belongs into the new one.
    while IFS= read -r -u "$fd" late; do text+=$late$'\n'; done
    [[ -z $text ]] || { printf '%s' "$text" >>"$file"; } 2>/dev/null || status=1
    _CONFIG_PENDING=() _CONFIG_UNTIDY=
  else
    rm -f -- "$file.rewrite"
  fi
  exec {fd}<&-
  return "$status"
}

# config_text - set REPLY to what glidein_config should hold
config_text() {
  local key line
  REPLY=
  for line in ${_CONFIG_OTHER[@]+"${_CONFIG_OTHER[@]}"}; do
    REPLY+=$line$'\n'
  done
  for key in ${CONFIG_KEYS[@]+"${CONFIG_KEYS[@]}"}; do
    REPLY+="$key ${CONFIG[$key]}"$'\n'
  done
}

_config_failed() {
  rm -f -- "$WORK/glidein_config.rewrite"
  log_fail 1 "cannot write $WORK/glidein_config"
}

# _config_lock - make glidein_config.rewrite, which is the new file and the lock in one.
#   Returns:  0;  1 somebody holds it for over 20 seconds and could not be got rid of, or it cannot be made
_config_lock() {
  local file=$WORK/glidein_config.rewrite tries
  for ((tries = 0; tries < 400; tries++)); do
    set -C
    if { : >"$file"; } 2>/dev/null; then
      set +C
      return 0
    fi
    set +C
    [[ -e $file || -L $file ]] || break
    # A script's process took it and died.
    ((tries != 200)) || rm -f -- "$file"
    clock_pause 0.05
  done
  log_fail 1 "cannot write $file"
}

# config_load - read $WORK/glidein_config back, after scripts may have changed or appended to it.
#   The last line of a key wins, a key that is gone is gone; lines that are not `KEY value` are kept.
#   Returns:  0
#             1  it cannot be read, holds over CONFIG_MAX bytes, or has lost what a glidein is known by
config_load() {
  local fd status=0
  [[ -f $WORK/glidein_config && -r $WORK/glidein_config ]] \
    || log_fail 1 "no file that can be read: $WORK/glidein_config" || return $?
  { exec {fd}<"$WORK/glidein_config"; } 2>/dev/null || return 1
  _config_read "$fd" || status=1
  exec {fd}<&-
  return "$status"
}

# _config_read DESCRIPTOR - take over what the file says, but for what we set ourselves since
_config_read() {
  local LC_ALL=C line key value bytes=0 known=()
  local -A old=() pending=()
  for key in ${CONFIG_KEYS[@]+"${CONFIG_KEYS[@]}"}; do
    old[$key]=${CONFIG[$key]}
  done
  # A key that we have, and the file did not get yet, keeps its value.
  for key in ${_CONFIG_PENDING[@]+"${!_CONFIG_PENDING[@]}"}; do
    pending[$key]=${CONFIG[$key]}
  done
  known=(${CONFIG_KEYS[@]+"${CONFIG_KEYS[@]}"})
  CONFIG=() CONFIG_KEYS=() _CONFIG_OTHER=() _CONFIG_UNTIDY=
  while IFS= read -r -n 1048576 -u "$1" line || [[ -n $line ]]; do
    bytes=$((bytes + ${#line} + 1))
    ((bytes <= CONFIG_MAX)) || log_fail 1 "glidein_config holds over $CONFIG_MAX bytes" || return $?
    key=${line%% *}
    if [[ ! $key =~ $_CONFIG_KEY ]]; then
      [[ -z $line ]] || _CONFIG_OTHER+=("$line")
      continue
    fi
    value=
    [[ $line != *' '* ]] || value=${line#* }
    if [[ ${CONFIG[$key]+x} ]]; then _CONFIG_UNTIDY=1; else CONFIG_KEYS+=("$key"); fi
    CONFIG[$key]=$value
  done
  for key in ${known[@]+"${known[@]}"}; do
    [[ ${pending[$key]+x} ]] || continue
    [[ ${CONFIG[$key]+x} ]] || CONFIG_KEYS+=("$key")
    CONFIG[$key]=${pending[$key]}
  done
  [[ -z ${old[GLIDEIN_UUID]:-} || ${CONFIG[GLIDEIN_UUID]:-} == "${old[GLIDEIN_UUID]}" ]] || {
    for key in "${known[@]}"; do
      [[ ${CONFIG[$key]+x} ]] || CONFIG_KEYS+=("$key")
      CONFIG[$key]=${old[$key]}
    done
    log_fail 1 "glidein_config is not ours any more: GLIDEIN_UUID has changed or is gone"
  }
}
