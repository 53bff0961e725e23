# shellcheck shell=bash
# cgroup.sh - the cgroups that we are in: which version, and the folders of every level above us.
#
# Needs:     nothing
# Reads:     RESOURCES_ROOT (a folder that stands for /, for tests)
# Sets:      CGROUP_VERSION (v1 or v2), CGROUP_LEVELS (folders, ours first)

: "${RESOURCES_ROOT:=}"

# cgroup_find CONTROLLER - find the cgroup that we are in.
#   Sets CGROUP_VERSION to v1 or v2 and CGROUP_LEVELS to its folder and those above it, as
#   far as they can be seen here, ours first. Where both versions are mounted, the controller
#   is in one of them. An empty CONTROLLER means version 2. Returns 1 when there is none.
cgroup_find() {
  local controllers path='' line type root mount options found_root='' found_mount=''
  local unified=''
  CGROUP_VERSION='' CGROUP_LEVELS=()
  {
    while IFS=: read -r line controllers path; do
      if [[ -n $1 && ,$controllers, == *",$1,"* ]]; then
        CGROUP_VERSION=v1
        break
      elif [[ $line == 0 && -z $controllers ]]; then
        unified=$path
      fi
    done <"$RESOURCES_ROOT/proc/self/cgroup"
  } 2>/dev/null
  if [[ -z $CGROUP_VERSION ]]; then
    [[ -n $unified ]] || return 1
    CGROUP_VERSION=v2 path=$unified
  fi

  {
    while IFS= read -r line; do
      [[ $line == *' - cgroup'* ]] || continue
      [[ $line =~ ^[^\ ]+\ [^\ ]+\ [^\ ]+\ ([^\ ]+)\ ([^\ ]+)\ .*\ -\ (cgroup2?)\ [^\ ]+\ ([^\ ]+) ]] \
        || continue
      root=${BASH_REMATCH[1]} mount=${BASH_REMATCH[2]}
      type=${BASH_REMATCH[3]} options=${BASH_REMATCH[4]}
      case $CGROUP_VERSION$type in
        v1cgroup) [[ ,$options, == *",$1,"* ]] || continue ;;
        v2cgroup2) ;;
        *) continue ;;
      esac
      # Of several mounts, the one that shows our path.
      [[ -z $found_mount || $path == "$root" || $path == "${root%/}"/* ]] || continue
      printf -v found_mount %b "${mount//\\/\\0}" # blanks are \040 there; %b wants \0040
      printf -v found_root %b "${root//\\/\\0}"
    done <"$RESOURCES_ROOT/proc/self/mountinfo"
  } 2>/dev/null
  [[ -n $found_mount ]] || return 1

  # In a container the mount may show only a part of the tree: then our path is below its root.
  # A path that is not, or that leads out of the namespace, is for us the top of the mount.
  found_root=${found_root%/}
  if [[ $path == "$found_root"/* && $path != *..* ]]; then
    path=${path#"$found_root"}
  else
    path=''
  fi
  path=${path%/}
  while :; do
    [[ ! -d $RESOURCES_ROOT$found_mount$path ]] || CGROUP_LEVELS+=("$found_mount$path")
    [[ -n $path ]] || break
    path=${path%/*}
  done
  [[ ${CGROUP_LEVELS[0]+x} ]]
}

# cgroup_pids - set REPLY to how many processes the cgroups above us allow; 1: no such limit
cgroup_pids() {
  local IFS=$' \t\n' dir least=''
  cgroup_find pids || return 1
  for dir in "${CGROUP_LEVELS[@]}"; do
    _resources_read "$dir/pids.max" && [[ $REPLY =~ ^[0-9]{1,9}$ ]] || continue
    ((${least:-$REPLY} < REPLY)) || least=$REPLY
  done
  REPLY=$least
  [[ -n $least ]]
}
