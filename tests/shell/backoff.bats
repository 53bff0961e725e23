#!/usr/bin/env bats
# backoff.sh with its modules; the waiting itself is played by a function that says how long.
# shellcheck disable=SC2016,SC1090,SC2329  # what looks like an expansion is data

bats_require_minimum_version 1.5.0

setup() {
  load helper
  for module in log clock job config workdir backoff; do source "$LIB/$module.sh"; done
  BACKOFF_DIR="$PWD/back off"
  clock_pause() { echo "$1" >>waited; }
  clock_epoch
  NOW=$REPLY
}

# remember TEXT - leave TEXT as the memory of factory F
remember() {
  [[ -d $BACKOFF_DIR ]] || mkdir -m 0700 "$BACKOFF_DIR"
  printf '%s\n' "$1" >"$BACKOFF_DIR/factory.F"
}

@test "backoff_wait: nobody waits on a node without failures" {
  backoff_wait F
  [[ ! -e waited && $BACKOFF_FAILURES == 0 && $BACKOFF_WAITED_S == 0 ]]
}

@test "backoff_note: failures are counted, and a success forgets them" {
  backoff_note F failed
  backoff_note F failed
  backoff_wait F
  ((BACKOFF_FAILURES == 2))
  backoff_note F fine
  backoff_wait F
  ((BACKOFF_FAILURES == 0))
  backoff_note F fine
}

@test "backoff_note: leaves nothing but its memory, private" {
  backoff_note F failed
  [[ $(ls -A "$BACKOFF_DIR") == factory.F && $(stat -c %a "$BACKOFF_DIR") == 700 ]]
}

@test "backoff_wait: grows with failures within its jitter, up to the maximum" {
  local failures base i
  for failures in 1 2 3 4 5 6 9 10 65 500 9999; do
    base=$((10 << ((failures < 10 ? failures : 10) - 1)))
    ((base <= 200)) || base=200
    for i in {1..20}; do
      clock_epoch
      remember "$failures $REPLY"
      backoff_wait F
      ((BACKOFF_WAITED_S >= base / 2 - 5 && BACKOFF_WAITED_S <= base * 3 / 2 && BACKOFF_WAITED_S <= 300))
    done
  done
}

@test "backoff_wait: the longest waits differ too" {
  local i
  for i in {1..40}; do
    clock_epoch
    remember "20 $REPLY"
    backoff_wait F
  done
  (($(sort -u waited | wc -l) > 10 && $(sort waited | uniq -c | sort -rn | awk 'NR == 1 { print $1 }') < 12))
}

@test "backoff_wait: time that has passed already counts" {
  remember "1 $((NOW - 20))"
  backoff_wait F
  [[ ! -e waited && $BACKOFF_FAILURES == 1 ]]
}

@test "backoff_wait: old failures are forgotten" {
  remember "9 $((NOW - BACKOFF_FORGET_S - 10))"
  backoff_wait F
  [[ ! -e waited ]]
  backoff_note F failed
  [[ $(<"$BACKOFF_DIR/factory.F") == '1 '* ]]
}

@test "backoff_wait: each factory has its own memory, whatever its name" {
  backoff_note a/../b failed
  backoff_note .. failed
  backoff_wait F
  ((BACKOFF_FAILURES == 0))
  backoff_wait a/../b
  ((BACKOFF_FAILURES == 1))
  [[ $(ls -A .) == *'back off'* && $(ls -A "$BACKOFF_DIR") == $'factory...\nfactory.a_.._b' ]]
}

@test "backoff_wait: the maximum comes from the configuration; 0 switches it off" {
  config_set GLIDEIN_Backoff_Max 0
  remember "9 $NOW"
  backoff_wait F
  [[ ! -e waited ]]
  config_set GLIDEIN_Backoff_Max 08
  backoff_wait F
  ((BACKOFF_WAITED_S <= 8))
  config_set GLIDEIN_Backoff_Max many
  backoff_wait F
  ((BACKOFF_WAITED_S <= BACKOFF_MAX_S))
}

@test "backoff_wait: a memory that makes no sense is no memory, and is replaced" {
  for text in '' garbage '0 0' "-1 $NOW" "08 $NOW" "3 08" '3' "99999 $NOW" "1 99999999999999999999" '1 $(touch ran)' \
    'a[$(touch ran)] 1' $'\x01\xff \x02' "3 $((NOW + 100000))"; do
    remember "$text"
    run -0 --separate-stderr backoff_wait F
    [[ -z $output$stderr && ! -e waited && ! -e ran ]]
    run -0 --separate-stderr backoff_note F failed
    [[ -z $output$stderr && $(<"$BACKOFF_DIR/factory.F") =~ ^[1-9][0-9]*\ [0-9]+$ ]]
  done
}

@test "backoff_wait: no place for a memory means no wait, and no noise" {
  for BACKOFF_DIR in "$PWD/none/none" /proc/none; do
    run -0 --separate-stderr backoff_wait F
    [[ -z $output$stderr ]]
    run -0 backoff_note F failed
  done
}

@test "backoff_note: a link, a folder open to others or somebody else's is not used" {
  mkdir -m 0700 real
  ln -s real link
  mkdir -m 0777 open
  for BACKOFF_DIR in link open; do
    backoff_note F failed
    backoff_wait F
    ((BACKOFF_FAILURES == 0))
  done
  [[ -z $(ls -A real open) ]] || [[ $(ls -A real open) == $'open:\n\nreal:' ]]
}

@test "backoff_note: somebody else's folder is not used" {
  needs root
  mkdir -m 0700 theirs
  chown 65534 theirs
  BACKOFF_DIR=theirs backoff_note F failed
  [[ -z $(ls -A theirs) ]]
}

@test "backoff_note: a full disk is a warning, and leaves nothing partial" {
  remember "3 $NOW"
  stub mv <<<'exit 1'
  run -0 backoff_note F failed
  [[ $output == *'cannot remember'* && $(ls -A "$BACKOFF_DIR") == factory.F && $(<"$BACKOFF_DIR/factory.F") == "3 $NOW" ]]
}
