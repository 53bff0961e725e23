# shellcheck shell=bash
# workdir.sh - the glidein's private folder: where it goes, who owns it, what dead ones left.
#
# Every glidein works in <place>/glide_XXXXXX, mode 0700, and removes it at its end. One that was
# killed outright cannot; the next glidein of the same user on the same node sweeps for it.
#
# Needs:     log.sh clock.sh job.sh
# Commands:  mkdir rmdir rm chmod stat readlink (coreutils); flock where the node has it
# Reads:     WORKDIR_SWEEP_AGE; _CONDOR_SCRATCH_DIR, OSG_WN_TMP, TMPDIR
# Sets:      WORK (absolute path), START_DIR (where the glidein was started)

: "${WORKDIR_SWEEP_AGE:=60}" # seconds: a younger folder may still be on its way to its lock

# workdir_place KEYWORD - set REPLY to the folder that a -dir KEYWORD stands for.
#   "." is the folder of the start; Condor, OSG and TMPDIR are what the batch system or site named
#   in the environment; AUTO is the first of these that can be written; else KEYWORD is a path.
#   Returns:  0
#             1  the variable is not set, or the folder is not there, cannot be written, or has a
#                control character in its name, which no configuration file could hold
workdir_place() {
  local place
  case $1 in
    .)
      place=$START_DIR
      [[ -n $place ]] || log_fail 1 "-dir .: the folder that the glidein was started in is gone" || return $?
      ;;
    Condor) place=${_CONDOR_SCRATCH_DIR:-} ;;
    OSG) place=${OSG_WN_TMP:-} ;;
    TMPDIR) place=${TMPDIR:-} ;;
    AUTO)
      for place in "${_CONDOR_SCRATCH_DIR:-}" "${OSG_WN_TMP:-}" "${TMPDIR:-}" "$START_DIR" /var/tmp /tmp; do
        [[ $place == /* && -d $place && -w $place ]] && break
      done
      ;;
    /*) place=$1 ;;
    *) place=$START_DIR/$1 ;;
  esac
  [[ -n $place ]] || log_fail 1 "-dir $1: the environment does not name that folder" || return $?
  [[ $place == /* ]] || place=$START_DIR/$place
  [[ $place != *[[:cntrl:]]* ]] || log_fail 1 "-dir $1: a control character in '$place'" || return $?
  [[ -d $place ]] || log_fail 1 "-dir $1: no such folder: '$place'" || return $?
  [[ -w $place && -x $place ]] || log_fail 1 "-dir $1: cannot write to folder '$place'" || return $?
  REPLY=$place
}

# workdir_make PLACE - make the private folder below PLACE, lock it, set WORK.
#   WORK is set before the folder is there: a signal in between must find what to remove.
#   Returns:  0
#             1  it could not be made (stderr has the system's words)
workdir_make() {
  local try
  for ((try = 0; try < 9; try++)); do
    _workdir_name
    [[ ! -e $1/$REPLY && ! -L $1/$REPLY ]] || continue
    WORK=$1/$REPLY
    mkdir -m 0700 -- "$WORK" && break
    unset WORK
    [[ -e $1/$REPLY ]] || break # else another glidein was quicker
  done
  [[ -n ${WORK:-} ]] || log_fail 1 "cannot make a work directory in $1" || return $?
  mkdir -p -- "$WORK/.glidein/objects" "$WORK/main" "$WORK/condor_config.d" "$WORK/tmp" \
    || log_fail 1 "cannot write to $WORK" || return $?
  _workdir_lock
}

# _workdir_name - set REPLY to glide_ and six characters that no other glidein is likely to choose
_workdir_name() {
  local id=
  { read -r id </proc/sys/kernel/random/uuid; } 2>/dev/null
  [[ ${#id} -ge 6 ]] || printf -v id '%06x' $(((RANDOM << 15 | RANDOM) & 0xffffff))
  REPLY=glide_${id:0:6}
}

# _workdir_lock - say in $WORK/.glidein/owner who we are; hold an flock on it where node and file
#   system have that. Whatever we start inherits it: held until our last process is gone.
_workdir_lock() {
  local owner=$WORK/.glidein/owner
  workdir_identity
  printf 'pid %s\n' "$REPLY" >"$owner" || log_fail 1 "cannot write to $WORK" || return $?
  type -P flock >/dev/null || return 0
  exec {WORKDIR_LOCK_FD}<>"$owner" || return 0
  if flock -n "$WORKDIR_LOCK_FD" 2>/dev/null; then
    printf 'flock %s\n' "$REPLY" >"$owner" || log_fail 1 "cannot write to $WORK" || return $?
  else
    exec {WORKDIR_LOCK_FD}>&-
    unset WORKDIR_LOCK_FD
  fi
}

# workdir_identity - set REPLY to "host boot-id pid-namespace pid start-time": one process, for ever
workdir_identity() {
  local host=unknown boot=unknown namespace start
  { read -r host </proc/sys/kernel/hostname; } 2>/dev/null
  { read -r boot </proc/sys/kernel/random/boot_id; } 2>/dev/null
  namespace=$(readlink /proc/self/ns/pid 2>/dev/null) || namespace=unknown
  _workdir_start_time "$$"
  start=$REPLY
  REPLY="$host $boot $namespace $$ $start"
}

# _workdir_start_time PID - set REPLY to the start time of a process (field 22 of its stat), or "gone"
_workdir_start_time() {
  local stat
  REPLY=gone
  { IFS= read -r stat <"/proc/$1/stat"; } 2>/dev/null || return 0
  stat=${stat##*) } # the command name may hold blanks and parentheses
  # shellcheck disable=SC2086  # splitting is the point
  set -- $stat
  REPLY=${20}
}

# workdir_sweep PLACE - remove what dead glideins of this user left below PLACE.
#   Only folders named glide_??????, ours, not links, with an owner file of ours older than
#   WORKDIR_SWEEP_AGE, whose glidein is known to be dead. Sets WORKDIR_SWEPT to their number.
workdir_sweep() {
  local folder
  WORKDIR_SWEPT=0
  for folder in "$1"/glide_??????; do
    [[ -d $folder && ! -L $folder && -O $folder && $folder != "${WORK:-}" ]] || continue
    [[ -f $folder/.glidein/owner && ! -L $folder/.glidein && ! -L $folder/.glidein/owner && -O $folder/.glidein/owner ]] || continue
    _workdir_is_dead "$folder/.glidein/owner" || continue
    log_info "sweeping a dead glidein's folder: $folder"
    _workdir_sweep_outside "$folder"
    job_run _workdir_delete "$folder" && ((++WORKDIR_SWEPT))
  done
  return 0
}

# _workdir_sweep_outside FOLDER - the links that a dead glidein had outside (places.sh): FOLDER's
#   .glidein/outside names their folder. Nothing but these two links is removed, should it lie.
_workdir_sweep_outside() {
  local outside=
  [[ -f $1/.glidein/outside ]] && IFS= read -r outside <"$1/.glidein/outside" || return 0
  [[ $outside =~ ^/[^[:cntrl:]]*/glidein\.[0-9]+\.[0-9]+$ && -d $outside && ! -L $outside && -O $outside ]] || return 0
  [[ ! -L $outside/work || $outside/work -ef $1 ]] || return 0
  rm -f -- "$outside/work" "$outside/condor"
  rmdir -- "$outside" || :
}

# _workdir_delete FOLDER - also where its folders were made unreadable; never into another file system
_workdir_delete() {
  rm -rf --one-file-system -- "$1" 2>/dev/null && return 0
  chmod -R u+rwX -- "$1" 2>/dev/null
  rm -rf --one-file-system -- "$1"
}

# _workdir_is_dead OWNER_FILE - returns 0 only if the glidein that wrote it cannot be alive
_workdir_is_dead() {
  local kind host boot namespace pid start our_host=unknown our_boot=unknown our_namespace fd status modified
  modified=$(stat -c %Y -- "$1" 2>/dev/null) || return 1
  clock_epoch
  ((REPLY - modified >= WORKDIR_SWEEP_AGE)) || return 1
  read -r kind host boot namespace pid start <"$1" || return 1
  [[ $pid =~ ^[1-9][0-9]*$ && $boot != unknown ]] || return 1
  { read -r our_host </proc/sys/kernel/hostname; } 2>/dev/null
  { read -r our_boot </proc/sys/kernel/random/boot_id; } 2>/dev/null
  if [[ $boot != "$our_boot" ]]; then
    # On a shared file system it may be another host's: only a host's own name proves a reboot.
    [[ $host == "$our_host" && $host != unknown && $host != localhost* ]]
    return $?
  fi
  if [[ $kind == flock ]] && type -P flock >/dev/null; then
    { exec {fd}<>"$1"; } 2>/dev/null || return 1
    flock -n "$fd" 2>/dev/null
    status=$?
    exec {fd}>&-
    return "$status"
  fi
  # A process id says nothing outside its own namespace.
  our_namespace=$(readlink /proc/self/ns/pid 2>/dev/null) || return 1
  [[ $namespace == "$our_namespace" ]] || return 1
  _workdir_start_time "$pid"
  [[ $REPLY != "$start" ]]
}

# workdir_remove - remove $WORK, and let go of its lock: on NFS an open file cannot be removed.
#   Returns:  0
#             1  something is left; the log names it
workdir_remove() {
  [[ -n ${WORK:-} && -d $WORK ]] || return 0
  cd / || return 1
  [[ -z ${WORKDIR_LOCK_FD:-} ]] || exec {WORKDIR_LOCK_FD}>&-
  unset WORKDIR_LOCK_FD
  _workdir_delete "$WORK" || log_fail 1 "left behind: $WORK"
}

# workdir_private FOLDER - make FOLDER, or see that it is private already: ours, 0700, no link.
#   Returns:  0
#             1  it is somebody else's, a link, open to others, or cannot be made
workdir_private() {
  mkdir -m 0700 -- "$1" 2>/dev/null && return 0
  [[ -d $1 && ! -L $1 && -O $1 && $(stat -c %a -- "$1" 2>/dev/null) == 700 ]]
}
