#!/usr/bin/env bats
# config.sh alone: facts in memory and in glidein_config.
# shellcheck disable=SC2016  # what looks like an expansion is data

bats_require_minimum_version 1.5.0

setup() {
  load helper
  source "$LIB/log.sh"
  source "$LIB/config.sh"
  WORK="$PWD/a work dir"
  mkdir "$WORK"
}

@test "config_get: gives what was set, word for word" {
  local value=$'  *  "quoted" \\ $HOME `id` \t end '
  config_set KEY "$value"
  config_get KEY
  [[ $REPLY == "$value" ]]
}

@test "config_get: a later value replaces an earlier one, also by nothing" {
  config_set KEY one
  config_set KEY ''
  config_get KEY default
  [[ -z $REPLY ]]
}

@test "config_get: an unset key is 1 and empty, or its default" {
  run -1 config_get KEY
  config_get KEY default
  [[ $REPLY == default ]]
  config_get KEY ''
  [[ -z $REPLY ]]
}

@test "config_get: no key, and keys with a meaning to the shell, are unset and harmless" {
  local key
  for key in '' @ '*' ']' 'x]' '$(touch ran)' 'a[$(touch ran)]'; do
    run -0 config_get "$key" default
    [[ -z $output && ! -e ran ]]
  done
}

@test "config_set: takes the names that platforms have" {
  config_set CONDOR_PLATFORM_9.0.x-rhel7-x86_64 1
  config_get CONDOR_PLATFORM_9.0.x-rhel7-x86_64
  [[ $REPLY == 1 ]]
}

@test "config_set: refuses what is not a name" {
  local key
  for key in '' 1A 'A B' $'A\nB' 'A]' '#A' '@' '*' '-A' 'A$B'; do
    run -1 config_set "$key" value
    [[ $output == *'not a key'* ]]
  done
}

@test "config_set: refuses a value of two lines, which would be another key" {
  run -1 config_set KEY $'value\nINJECTED 1'
  config_set OTHER value && config_write
  [[ $(<"$WORK/glidein_config") == 'OTHER value' ]]
}

@test "config_write: one line per key, in the order they came, no key twice" {
  config_set B 1
  config_set A 'two words'
  config_set B 3
  config_set EMPTY ''
  config_write
  [[ $(<"$WORK/glidein_config") == $'B 3\nA two words\nEMPTY ' ]]
}

@test "config_write: nothing set is an empty file" {
  config_write
  [[ -f $WORK/glidein_config && ! -s $WORK/glidein_config ]]
}

@test "config_write: replaces by a rename, so a reader keeps a whole file" {
  config_set KEY old && config_write
  exec {fd}<"$WORK/glidein_config"
  config_set KEY new && config_write
  [[ $(cat <&"$fd") == 'KEY old' && $(<"$WORK/glidein_config") == 'KEY new' ]]
}

@test "config_write: a full disk leaves the old file, and nothing else" {
  needs root unshare
  run -0 unshare --mount bash -uc '
    source "$LIB/log.sh" && source "$LIB/config.sh"
    mount -t tmpfs -o size=8k none "$1" && WORK=$1
    config_set KEY old && config_write || exit 9
    for i in {1..60}; do config_set "KEY_$i" "$(printf "%0200d" "$i")"; done
    config_write && exit 8
    [[ $(<"$WORK/glidein_config") == "KEY old" && $(ls "$WORK") == glidein_config ]]' full "$WORK"
  [[ $output == *'cannot write'* ]]
}

@test "config_write: a folder that cannot be written is 1 and named" {
  WORK=$PWD/none run -1 config_write
  [[ $output == *"cannot write $PWD/none/glidein_config"* ]]
}

@test "config_load: the last line of a key wins, what is appended counts" {
  config_set KEY first && config_write
  printf 'KEY second\nADDED by a script \nKEY third' >>"$WORK/glidein_config"
  config_load
  config_get KEY && [[ $REPLY == third ]]
  config_get ADDED && [[ $REPLY == 'by a script ' ]]
  config_write
  [[ $(grep -c '^KEY ' "$WORK/glidein_config") == 1 ]]
}

@test "config_load: passes over comments, blank lines and what is no key" {
  printf '\n# --- a comment\n#K v\n  B 1\n1C 2\nBARE\n\xff\xfe x\nGOOD yes\n' >"$WORK/glidein_config"
  run -0 --separate-stderr config_load
  [[ -z $output$stderr ]]
  config_load
  [[ ${CONFIG_KEYS[*]} == 'BARE GOOD' ]]
}

@test "config_load: what a line holds is data" {
  printf 'KEY $(touch ran) `touch ran` ${x:?} * \\n\n' >"$WORK/glidein_config"
  config_load
  config_get KEY
  [[ ! -e ran && $REPLY == '$(touch ran) `touch ran` ${x:?} * \n' ]]
}

@test "config_load: no file is 1" {
  run -1 config_load
}

@test "config_set: an odd IFS changes nothing" {
  local IFS=_K1
  config_set K_1 'a_K1 b'
  config_write && config_load
  config_get K_1
  [[ $REPLY == 'a_K1 b' ]]
}
