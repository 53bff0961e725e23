# shellcheck shell=bash
# config.sh - the glidein's facts: what options, areas and checks have said so far.
#
# The facts live in memory and, for scripts, in the file glidein_config: one `KEY value` line
# per key, no key twice. The file is replaced by a rename, so a reader never sees half of it.
#
# Needs:     log.sh
# Commands:  mv rm (coreutils)
# Reads:     WORK (the work directory), for config_write

declare -gA CONFIG=()      # value by key
declare -ga CONFIG_KEYS=() # keys in the order they were first set

_CONFIG_KEY='^[A-Za-z_][A-Za-z0-9_.:+-]*$' # CONDOR_PLATFORM_9.0-rhel7-x86_64 is one

# config_set KEY VALUE - remember VALUE for KEY; a later value replaces an earlier one.
#   Returns:  0
#             1  KEY is not a name, or VALUE holds a line break
config_set() {
  [[ $1 =~ $_CONFIG_KEY ]] || log_fail 1 "not a key: '$1'" || return $?
  [[ $2 != *$'\n'* ]] || log_fail 1 "$1: a value is one line" || return $?
  [[ ${CONFIG[$1]+x} ]] || CONFIG_KEYS+=("$1")
  CONFIG[$1]=$2
}

# config_get KEY [DEFAULT] - set REPLY to the value of KEY, else to DEFAULT.
#   Returns:  0
#             1  KEY was never set and there is no DEFAULT; REPLY is empty
config_get() {
  if [[ -n $1 && ${CONFIG[$1]+x} ]]; then
    REPLY=${CONFIG[$1]}
  else
    REPLY=${2-}
    (($# > 1))
  fi
}

# config_write - bring $WORK/glidein_config up to date.
#   Returns:  0
#             1  it could not be written; the old file is as it was
config_write() {
  local key text=
  for key in ${CONFIG_KEYS[@]+"${CONFIG_KEYS[@]}"}; do
    text+="$key ${CONFIG[$key]}"$'\n'
  done
  printf '%s' "$text" >"$WORK/glidein_config.new" \
    && mv -f -- "$WORK/glidein_config.new" "$WORK/glidein_config" || {
    rm -f -- "$WORK/glidein_config.new"
    log_fail 1 "cannot write $WORK/glidein_config"
  }
}

# config_load - read $WORK/glidein_config back, after scripts may have changed or appended to it.
#   The last line of a key wins; lines that are not `KEY value` are skipped.
#   Returns:  0;  1 the file cannot be read
config_load() {
  local line key
  while IFS= read -r line || [[ -n $line ]]; do
    key=${line%% *}
    [[ $key =~ $_CONFIG_KEY ]] || continue
    if [[ $line == *' '* ]]; then config_set "$key" "${line#* }"; else config_set "$key" ''; fi
  done <"$WORK/glidein_config"
}
