#!/usr/bin/env bats
# config.sh alone: facts in memory and in glidein_config.
# shellcheck disable=SC2016  # what looks like an expansion is data

bats_require_minimum_version 1.5.0

setup() {
  load helper
  source "$LIB/log.sh"
  source "$LIB/clock.sh"
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
    source "$LIB/log.sh" && source "$LIB/clock.sh" && source "$LIB/config.sh"
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

@test "config_write: what others put into the file stays, also what we cannot read" {
  config_set A 1 && config_write
  printf '# a comment\n1x odd\nTHEIRS 1\n' >>"$WORK/glidein_config"
  config_set B 2 && config_write
  [[ $(sort "$WORK/glidein_config") == $'# a comment\n1x odd\nA 1\nB 2\nTHEIRS 1' ]]
  config_get THEIRS && [[ $REPLY == 1 ]]
}

@test "config_write: nothing to say leaves the file alone" {
  config_set A 1 && config_write
  local before
  before=$(stat -c %i "$WORK/glidein_config")
  config_write && config_load && config_write
  [[ $(stat -c %i "$WORK/glidein_config") == "$before" ]]
}

@test "config_write: waits for a script that replaces the file, and takes the lock of a dead one away" {
  config_set A 1 && config_write
  echo half >"$WORK/glidein_config.rewrite"
  (sleep 0.5 && printf 'A 1\nFROM_SCRIPT 1\n' >"$WORK/glidein_config.rewrite" && mv "$WORK/glidein_config.rewrite" "$WORK/glidein_config") &
  config_set B 2 && config_write
  wait
  [[ $(<"$WORK/glidein_config") == $'A 1\nFROM_SCRIPT 1\nB 2' ]]
  echo dead >"$WORK/glidein_config.rewrite"
  config_set C 3 && config_write
  [[ $(<"$WORK/glidein_config") == *'C 3' && ! -e $WORK/glidein_config.rewrite ]]
}

@test "config_load: a key that a script removed is gone" {
  config_set A 1 && config_set B 2 && config_write
  sed -i '/^A/d' "$WORK/glidein_config"
  config_load
  run -1 config_get A
  config_set C 3 && config_write
  [[ $(<"$WORK/glidein_config") == $'B 2\nC 3' ]]
}

@test "config_load: a file that is not ours any more is 1, and what we know stays" {
  config_set GLIDEIN_UUID u && config_set A 1 && config_write
  echo 'A 2' >"$WORK/glidein_config"
  run -1 config_load
  config_load 2>/dev/null || config_get A
  [[ $REPLY == 1 ]]
}

@test "config_load: a file without end is 1, soon" {
  config_set A 1 && config_write
  head -c 3000000 /dev/zero | tr '\0' x >>"$WORK/glidein_config"
  CONFIG_MAX=1000000 run -1 config_load
  [[ $output == *'over 1000000 bytes'* ]]
}

@test "config_ahead: counts until the scripts begin, and is never written" {
  config_set A param && config_set B param && config_write
  config_ahead A later && config_ahead C later
  config_get A && [[ $REPLY == later ]]
  config_set C decided
  config_get C && [[ $REPLY == decided ]]
  config_write
  [[ $(<"$WORK/glidein_config") == $'A param\nB param\nC decided' ]]
  config_ahead_end
  config_get A && [[ $REPLY == param ]]
  config_constant A later && config_constant C later
  config_get A && [[ $REPLY == later ]]
  config_get C && [[ $REPLY == decided ]]
}

@test "config_write: what is appended to the old file while we write the new one is in the new one" {
  config_set A 1 && config_write
  stub mv <<<'echo "LATE 1" >>"${@: -1}"; exec /usr/bin/mv "$@"'
  hash -r
  config_set B 2 && config_write
  [[ $(<"$WORK/glidein_config") == $'A 1\nB 2\nLATE 1' ]]
}
