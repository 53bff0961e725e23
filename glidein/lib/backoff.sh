# shellcheck shell=bash
# backoff.sh - a small memory on the node: after failures, the next glideins wait before they try.
#
# A node where glideins fail at once would eat a queue in minutes. So each failure is noted for its
# user and factory, and whoever comes next waits: 10 s after the first, twice as long after each
# further one, give or take a half, at most BACKOFF_MAX_S, less the time that has passed already.
#
# Needs:     log.sh clock.sh config.sh workdir.sh (workdir_private)
# Commands:  mkdir stat mv rm (coreutils)
# Reads:     BACKOFF_DIR; the configuration's GLIDEIN_Backoff_Max (seconds, 0 switches it off)

: "${BACKOFF_MAX_S:=300}"     # seconds: the longest wait
: "${BACKOFF_FORGET_S:=3600}" # seconds after which a failure no longer counts

# backoff_wait FACTORY - wait as long as earlier failures ask for. Sets BACKOFF_FAILURES (how many
#   in a row) and BACKOFF_WAITED_S. Never fails: no memory means no wait.
backoff_wait() {
  local failures=0 last=0 longest wait
  BACKOFF_FAILURES=0 BACKOFF_WAITED_S=0
  config_get GLIDEIN_Backoff_Max "$BACKOFF_MAX_S"
  longest=$BACKOFF_MAX_S
  [[ ! $REPLY =~ ^[0-9]{1,6}$ ]] || longest=$((10#$REPLY))
  _backoff_file "$1" || return 0
  { read -r failures last <"$REPLY"; } 2>/dev/null || return 0
  [[ $failures =~ ^[1-9][0-9]{0,3}$ && $last =~ ^[1-9][0-9]{0,11}$ ]] || return 0
  clock_epoch
  ((REPLY - last <= BACKOFF_FORGET_S && last <= REPLY + 60)) || return 0
  BACKOFF_FAILURES=$failures
  ((failures < 10)) || failures=10
  wait=$((10 << (failures - 1)))
  ((wait <= longest * 2 / 3)) || wait=$((longest * 2 / 3)) # room for the half more
  wait=$((wait / 2 + RANDOM % (wait + 1) - (REPLY - last)))
  ((wait <= longest)) || wait=$longest
  ((wait > 0)) || return 0
  log_warn "the last $BACKOFF_FAILURES glideins of this factory failed on this node: waiting seconds=$wait"
  BACKOFF_WAITED_S=$wait
  clock_pause "$wait"
}

# backoff_note FACTORY failed|fine - remember how this glidein fared
backoff_note() {
  local file failures=0 last=0
  _backoff_file "$1" || return 0
  file=$REPLY
  if [[ $2 == fine ]]; then
    [[ ! -e $file ]] || rm -f -- "$file"
    return 0
  fi
  { read -r failures last <"$file"; } 2>/dev/null || :
  [[ $failures =~ ^[1-9][0-9]{0,3}$ && $last =~ ^[1-9][0-9]{0,11}$ ]] || failures=0 last=0
  clock_epoch
  ((REPLY - last <= BACKOFF_FORGET_S)) || failures=0
  ((failures < 9999)) || failures=9998
  { printf '%s %s\n' "$((failures + 1))" "$REPLY" >"$file.$$"; } 2>/dev/null && mv -f -- "$file.$$" "$file" || {
    rm -f -- "$file.$$"
    log_warn "cannot remember this failure in $file"
  }
}

# _backoff_file FACTORY - set REPLY to the memory's file; returns 1 when this node offers no place
_backoff_file() {
  local folder=${BACKOFF_DIR:-/tmp/glidein-backoff.$UID}
  workdir_private "$folder" || return 1
  REPLY=$folder/factory.${1//[^A-Za-z0-9._@-]/_}
}
