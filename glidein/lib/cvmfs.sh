# shellcheck shell=bash
# cvmfs.sh - is CVMFS there, and does it answer? A mount whose server hangs takes with it whoever touches
# it, so only jobs with a time limit do.
#
# Needs:     log.sh job.sh config.sh
# Reads:     RESOURCES_ROOT, CVMFS_MOUNT_DIR (else /cvmfs), and the keys
#            GLIDEIN_CVMFS_Repositories  names, by commas: looked at; one that does not answer is a warning
#            GLIDEIN_CVMFS_Require       names as well: this glidein needs them
# Sets:      CVMFS_ANSWERS, CVMFS_SILENT: lists of names

: "${CVMFS_MOUNT_DIR:=/cvmfs}"
: "${CVMFS_WAIT_S:=10}" # seconds a repository may take to be mounted and answer

CVMFS_ANSWERS='' CVMFS_SILENT=''

# cvmfs_repositories - set REPLY to the repositories worth a look: those that are asked for, and those that
#   are mounted. Touches none of them. 1: there are none
cvmfs_repositories() {
  local IFS=$' \t\n' line='' name names=''
  config_get GLIDEIN_CVMFS_Require ''
  names=${REPLY//,/ }
  config_get GLIDEIN_CVMFS_Repositories ''
  for name in $names ${REPLY//,/ }; do
    [[ $name =~ ^[A-Za-z0-9][A-Za-z0-9.-]*$ ]] || log_fail 1 "not the name of a CVMFS repository: '$name'" || continue
    [[ " $line " == *" $name "* ]] || line+=" $name"
  done
  names=$line
  {
    while read -r _ _ _ _ name line; do
      [[ $name == "$CVMFS_MOUNT_DIR"/* && $line == *' - fuse'* ]] || continue
      name=${name#"$CVMFS_MOUNT_DIR/"}
      [[ $name == */* || " $names " == *" $name "* ]] || names+=" $name"
    done <"$RESOURCES_ROOT/proc/self/mountinfo"
  } 2>/dev/null
  REPLY=${names# }
  [[ -n $REPLY ]]
}

# cvmfs_look NAME - for a job: read the repository's folder, which also makes an automounter mount it. Sets
#   REPLY to ok, or to what is wrong.
cvmfs_look() {
  local path=$CVMFS_MOUNT_DIR/$1 file
  REPLY='not there'
  [[ -d $path/. ]] || return 0
  REPLY='there, but empty'
  for file in "$path"/* "$path"/.cvmfs*; do
    [[ ! -e $file ]] || { REPLY=ok && return 0; }
  done
}

# cvmfs_note NAME SAID - remember what a look came to; SAID is empty where it never ended
cvmfs_note() {
  if [[ $2 == ok ]]; then CVMFS_ANSWERS+="${CVMFS_ANSWERS:+ }$1"; else CVMFS_SILENT+="${CVMFS_SILENT:+ }$1"; fi
}

# cvmfs_reachable PATH - may PATH be touched? Paths outside CVMFS are not asked about.
#   Returns:  0;  1  it lies in a repository that does not answer
cvmfs_reachable() {
  local name
  [[ $1 == "$CVMFS_MOUNT_DIR"/?* ]] || return 0
  name=${1#"$CVMFS_MOUNT_DIR/"}
  name=${name%%/*}
  [[ " $CVMFS_ANSWERS " != *" $name "* ]] || return 0
  [[ " $CVMFS_SILENT " != *" $name "* ]] || return 1
  if job_limited "$CVMFS_WAIT_S" _cvmfs_answers "$name"; then
    cvmfs_note "$name" ok
  else
    cvmfs_note "$name" ''
    log_warn "$CVMFS_MOUNT_DIR/$name does not answer in $CVMFS_WAIT_S s, or is not there"
    return 1
  fi
}

_cvmfs_answers() { cvmfs_look "$1" && [[ $REPLY == ok ]]; }

# cvmfs_path - take out of PATH what lies in repositories that do not answer: each search for a program
#   would hang there
cvmfs_path() {
  local dir kept='' dirs
  [[ :$PATH == *":$CVMFS_MOUNT_DIR/"* ]] || return 0
  IFS=: read -r -a dirs <<<"$PATH"
  for dir in ${dirs[@]+"${dirs[@]}"}; do
    if cvmfs_reachable "$dir"; then
      kept+=${kept:+:}$dir
    else
      log_warn "no longer in PATH: $dir"
    fi
  done
  PATH=$kept
}
