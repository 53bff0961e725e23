# shellcheck shell=bash
# cache.sh - objects that the next glidein of this user on this node need not fetch again.
#
# The cache is a folder of ours alone (owner, 0700, no link) with one file per object, named after
# its hash. Entries appear by link or rename, so several glideins can share it, and an entry is
# believed only after its hash was checked again.
#
# Needs:     log.sh verify.sh
# Commands:  mkdir chmod ln cp mv rm ls (coreutils)
# Reads:     GLIDEIN_CACHE (a folder, or none), OSG_WN_TMP, TMPDIR
# Sets:      CACHE_DIR (the folder, empty when there is no cache), CACHE_HITS, CACHE_HIT_BYTES

: "${CACHE_MAX_MB:=1024}" # what cache_trim keeps when it is not told
CACHE_DIR='' CACHE_HITS=0

# cache_open - find or make the folder, set CACHE_DIR.
#   Returns:  0;  1  no cache: switched off (GLIDEIN_CACHE=none), or the folder is not safe
cache_open() {
  local dir=${GLIDEIN_CACHE:-}
  CACHE_DIR=''
  [[ $dir != none ]] || return 1
  if [[ -z $dir ]]; then
    _cache_place
    dir=$REPLY/glidein-cache.$EUID
  fi
  if [[ $dir != /* || $dir == *$'\n'* ]]; then
    log_warn "no cache: not an absolute path: $dir"
    return 1
  fi
  if ! [[ -d $dir && ! -L $dir ]] && ! mkdir -m 0700 -- "$dir" 2>/dev/null && [[ ! -d $dir ]]; then
    log_warn "no cache: cannot make $dir"
    return 1
  fi
  if [[ -L $dir || ! -d $dir || ! -O $dir ]]; then
    log_warn "no cache: $dir is a link, or somebody else's"
    return 1
  fi
  # Owner and not a link: in a sticky folder nobody else can exchange it from here on. The mode is
  # set, not asked for: what somebody put there before is found out by its hash.
  if ! chmod 0700 -- "$dir" 2>/dev/null || [[ ! -w $dir || ! -x $dir ]]; then
    log_warn "no cache: cannot write $dir"
    return 1
  fi
  CACHE_DIR=$dir
}

# _cache_place - set REPLY to the folder of the node for what outlives a job: the site's, else TMPDIR
#   unless it is the job's own, else /tmp
_cache_place() {
  local id
  for REPLY in "${OSG_WN_TMP:-}" "${TMPDIR:-}"; do
    [[ $REPLY == /* && -d $REPLY && -w $REPLY ]] || continue
    for id in "${_CONDOR_SCRATCH_DIR:-}" "${SLURM_JOB_ID:-}" "${PBS_JOBID:-}" "${JOB_ID:-}" "${LSB_JOBID:-}"; do
      [[ -z $id || $REPLY != *"$id"* ]] || continue 2
    done
    return $?
  done
  REPLY=/tmp
}

# cache_get HASH DEST - put the object with that hash spec at DEST, which must not be there yet.
#   Returns:  0;  1  it is not in the cache, or is no longer what it was (then it is removed)
cache_get() {
  local entry
  _cache_entry "$1" || return $?
  entry=$REPLY
  [[ -f $entry && ! -L $entry && -O $entry ]] || return 1
  # Linked or copied first, then checked: what is checked is what is used.
  ln -- "$entry" "$2" 2>/dev/null || cp -- "$entry" "$2" 2>/dev/null || {
    [[ ! -e $entry ]] || log_warn "cannot copy $entry to $2"
    rm -f -- "$2"
    return 1
  }
  verify_sums "${1%%:*}" "$2"
  if [[ ${VERIFY_SUMS[0]} != "$1" ]]; then
    log_warn "removed from the cache: $entry is ${VERIFY_SUMS[0]:-unreadable}"
    rm -f -- "$entry" "$2"
    return 1
  fi
  ((++CACHE_HITS))
  log_debug "from the cache: ${2##*/}"
}

# cache_put HASH FILE - keep FILE, whose hash the caller has just checked.
#   Returns:  0  it is in the cache;  1  it is not, which harms nothing but time
cache_put() {
  local entry new
  _cache_entry "$1" || return $?
  entry=$REPLY
  [[ ! -e $entry ]] || return 0
  ! ln -- "$2" "$entry" 2>/dev/null || return 0
  [[ ! -e $entry ]] || return 0 # another glidein was quicker
  new=$CACHE_DIR/.new.$BASHPID.${entry##*/}
  if cp -- "$2" "$new" 2>/dev/null && mv -f -- "$new" "$entry" 2>/dev/null; then return 0; fi
  rm -f -- "$new"
  log_warn "not kept in the cache: ${2##*/} (full?)"
  return 1
}

# _cache_entry HASH - set REPLY to the path of an object.  Returns 1 when there is no cache.
_cache_entry() {
  REPLY=
  [[ -n $CACHE_DIR ]] || return 1
  verify_spec "$1" || log_fail 1 "not a hash: '$1'" || return $?
  REPLY=$CACHE_DIR/${1/:/.}
}

# cache_trim [MAX_MB] - remove objects, least recently used first, until at most MAX_MB are left;
#   also what glideins that died left half-made. One glidein at a time; the others do not wait.
#   Returns:  0;  1  no cache, or another glidein is at it
cache_trim() {
  local keep=$(((${1:-$CACHE_MAX_MB}) * 1048576)) said line size name pid total=0 gone=()
  [[ -n $CACHE_DIR ]] || return 1
  _cache_lock || return 1
  # -c: time of the last change to the inode. A link made by cache_get counts as one, so this is
  # the time of last use.
  said=$(LC_ALL=C exec ls -1Anct -- "$CACHE_DIR" 2>/dev/null)
  while [[ -n $said ]]; do
    line=${said%%$'\n'*}
    if [[ $said == *$'\n'* ]]; then said=${said#*$'\n'}; else said=; fi
    [[ $line =~ ^-[^\ ]+\ +[0-9]+\ +[0-9]+\ +[0-9]+\ +([0-9]+)\ .*\ ([^\ ]+)$ ]] || continue
    size=${BASH_REMATCH[1]} name=${BASH_REMATCH[2]}
    if [[ $name == .new.* ]]; then
      pid=${name#.new.} pid=${pid%%.*}
      [[ $pid =~ ^[0-9]+$ ]] && kill -0 "$pid" 2>/dev/null || gone+=("$CACHE_DIR/$name")
    elif verify_spec "${name/./:}"; then
      # One that is too large must not take all older ones with it.
      if ((total + size <= keep)); then
        ((total += size))
      else
        gone+=("$CACHE_DIR/$name")
      fi
    fi
  done
  gone+=("$CACHE_DIR/.lock")
  rm -f -- "${gone[@]}"
  log_debug "cache=$CACHE_DIR removed=$((${#gone[@]} - 1))"
}

# _cache_lock - 0 when we hold the lock now: a link whose text is our pid. One whose process is gone
#   is taken over; should two do that at once, both trim, which harms nothing.
_cache_lock() {
  local pid
  ! ln -s -- "$BASHPID" "$CACHE_DIR/.lock" 2>/dev/null || return 0
  pid=$(exec readlink -- "$CACHE_DIR/.lock") || return 1
  [[ ! $pid =~ ^[0-9]+$ ]] || ! kill -0 "$pid" 2>/dev/null || return 1
  rm -f -- "$CACHE_DIR/.lock"
  ln -s -- "$BASHPID" "$CACHE_DIR/.lock" 2>/dev/null
}
