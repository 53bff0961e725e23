# shellcheck shell=bash
# containment.sh - where the cgroup that we are in was given to us, jobs get cgroups of their own in it:
#   what they may use is enforced, and nothing of them can hide. No root is needed.
#
# A cgroup of version 2 that has processes cannot divide what it has. So we move into a folder of its own
# below it; HTCondor makes the jobs' cgroups beside that.
#
#   CGROUP/glidein.PID      we, and HTCondor's daemons
#   CGROUP/htcondor/…       one for each job
#
# Needs:     log.sh config.sh report.sh cgroup.sh
# Commands:  mkdir, rmdir (coreutils)
# Reads:     WORK, RESOURCES_ROOT; the key GLIDEIN_Use_Cgroup (FALSE: leave cgroups alone)
# Sets:      CONTAINMENT_CGROUP, the folder of the cgroup that is ours; empty when none is

CONTAINMENT_CGROUP=''

# containment_configure - use our cgroup, if it is ours to use. Whatever comes out is in the facts
#   containment.*, and no reason to fail.
#   Returns:  0
containment_configure() {
  local why cgroup
  CONTAINMENT_CGROUP=''
  if _containment_possible; then
    cgroup=$REPLY
    if _containment_enter "$cgroup"; then
      CONTAINMENT_CGROUP=$cgroup
      mkdir -p -- "$WORK/condor_config.d" && printf '%s\n' \
        '# jobs in cgroups of their own, by containment.sh' \
        'CREATE_CGROUP_WITHOUT_ROOT = True' 'BASE_CGROUP = htcondor' \
        >"$WORK/condor_config.d/00_containment" || _containment_leave
    fi
  fi
  why=$REPLY
  if [[ -n $CONTAINMENT_CGROUP ]]; then
    log_info "jobs get cgroups of their own in $CONTAINMENT_CGROUP controllers=$_CONTAINMENT_CONTROLLERS"
    report_fact containment.cgroup "$CONTAINMENT_CGROUP"
    report_fact containment.controllers "$_CONTAINMENT_CONTROLLERS"
  else
    log_info "no cgroups for jobs: $why"
    report_fact containment.why_not "$why"
  fi
  return 0
}

# containment_clean - leave the cgroup as it was; call when HTCondor has ended
containment_clean() {
  [[ -n $CONTAINMENT_CGROUP ]] || return 0
  _containment_leave
  CONTAINMENT_CGROUP=''
}

# _containment_possible - set REPLY to the folder of our cgroup.
#   Returns:  0;  1  it is not ours to divide, and REPLY says why
_containment_possible() {
  local cgroup file
  config_get GLIDEIN_Use_Cgroup TRUE
  [[ ${REPLY^^} != FALSE ]] || { REPLY='GLIDEIN_Use_Cgroup=FALSE' && return 1; }
  [[ ! ${OPTION[multirestart]+x} ]] || { REPLY='several glideins share this cgroup' && return 1; }
  cgroup_find '' || { REPLY='no cgroup of version 2' && return 1; }
  cgroup=${CGROUP_LEVELS[0]}
  # HTCondor looks nowhere else, and takes the first line of /proc/self/cgroup for ours.
  _resources_read /proc/self/cgroup && [[ $REPLY == 0::* && -e $RESOURCES_ROOT/sys/fs/cgroup/cgroup.procs ]] \
    || { REPLY='cgroups of version 1 are in use as well' && return 1; }
  for file in '' /cgroup.procs /cgroup.subtree_control; do
    [[ -w $RESOURCES_ROOT$cgroup$file ]] || { REPLY="may not write to $cgroup$file" && return 1; }
  done
  _resources_read "$cgroup/cgroup.type" && [[ $REPLY != domain ]] && { REPLY="$cgroup is of type $REPLY" && return 1; }
  REPLY=$cgroup
}

# _containment_enter CGROUP - make its inner folder, move there, and let what CGROUP has be divided.
#   Returns:  0;  1  all is as before, and REPLY says why
_containment_enter() {
  local path=$RESOURCES_ROOT$1 pid pids left=1 try controller problem=''
  _CONTAINMENT_CONTROLLERS=''
  mkdir -- "$path/glidein.$$" 2>/dev/null || { REPLY="cannot make $1/glidein.$$" && return 1; }
  for ((try = 0; try < 5 && left > 0; try++)); do # processes may start meanwhile
    left=0 problem=''
    mapfile -t pids <"$path/cgroup.procs" # whole: the file changes as they move
    for pid in ${pids[@]+"${pids[@]}"}; do
      if [[ -O /proc/$pid ]]; then
        { printf '%s\n' "$pid" >"$path/glidein.$$/cgroup.procs"; } 2>/dev/null && continue
        [[ -e /proc/$pid ]] || continue
      fi
      left=$((left + 1)) problem="process $pid in $1 is not ours to move"
    done
  done
  if ((left == 0)) && _resources_read "$1/cgroup.controllers"; then
    for controller in $REPLY; do
      case $controller in
        cpu | memory | pids | io)
          if { printf '+%s\n' "$controller" >"$path/cgroup.subtree_control"; } 2>/dev/null; then
            _CONTAINMENT_CONTROLLERS+=${_CONTAINMENT_CONTROLLERS:+,}$controller
          else
            problem="$1: its $controller cannot be divided"
          fi
          ;;
      esac
    done
  fi
  [[ -n $problem ]] || return 0
  CONTAINMENT_CGROUP=$1
  _containment_leave
  CONTAINMENT_CGROUP='' REPLY=$problem
  return 1
}

# _containment_leave - move back, and remove what we and HTCondor made
_containment_leave() {
  local path=$RESOURCES_ROOT$CONTAINMENT_CGROUP controller pid pids folder
  for ((controller = 3; controller > 0; controller--)); do # the jobs' folders, the innermost first
    for folder in "$path"/htcondor/*/*/ "$path"/htcondor/*/ "$path"/htcondor/; do
      [[ ! -d $folder ]] || rmdir -- "$folder" 2>/dev/null
    done
  done
  for controller in ${_CONTAINMENT_CONTROLLERS//,/ }; do
    { printf -- '-%s\n' "$controller" >"$path/cgroup.subtree_control"; } 2>/dev/null
  done
  { mapfile -t pids <"$path/glidein.$$/cgroup.procs"; } 2>/dev/null || pids=()
  for pid in ${pids[@]+"${pids[@]}"}; do
    { printf '%s\n' "$pid" >"$path/cgroup.procs"; } 2>/dev/null
  done
  rmdir -- "$path/glidein.$$" 2>/dev/null || log_warn "$CONTAINMENT_CGROUP/glidein.$$ is left behind"
}
