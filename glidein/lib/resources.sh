# shellcheck shell=bash
# resources.sh - how many cores, how much memory and disk this glidein may offer.
#
# What an option says is taken. Otherwise each source that knows something is asked, and the
# smallest number wins. Sources are of two kinds:
#
#   limit  what the kernel holds us to: processors online, affinity, cpuset, cgroup quota,
#          memory of the node, cgroup memory, address space. More than a limit would be a lie,
#          whatever the batch system believes: jobs would be throttled or killed.
#   hint   what the batch system says it gave us (hints.sh). Nobody may enforce it, but the rest
#          of the node is somebody else's.
#
# So a hint can lower what the limits allow and never raise it. Batch systems nest (a glidein in
# an HTCondor slot in a Slurm job); each level only divides what it has, so the smallest holds.
#
# Needs:     log.sh job.sh config.sh report.sh cgroup.sh hints.sh
# Commands:  stat (coreutils); quota or lfs, where there is one
# Reads:     RESOURCES_ROOT (a folder that stands for /, for tests), WORK, the config keys below,
#            the variables of the batch systems
# Sets:      RESOURCES_{CPUS,MEMORY_MB,DISK_MB} and the same with _SOURCE and _SEEN;
#            RESOURCES_SWAP_MB (empty: not known)
#
# MB here is 1024 * 1024 bytes, as HTCondor counts.

: "${RESOURCES_ROOT:=}"
: "${RESOURCES_LEAST_DISK_MB:=200}" # a slot of HTCondor with less was not asked for any
: "${RESOURCES_QUOTA_S:=5}"         # seconds a server of quotas may take to answer

RESOURCES_CPUS='' RESOURCES_CPUS_SOURCE='' RESOURCES_CPUS_SEEN=''
RESOURCES_MEMORY_MB='' RESOURCES_MEMORY_SOURCE='' RESOURCES_MEMORY_SEEN=''
RESOURCES_DISK_MB='' RESOURCES_DISK_SOURCE='' RESOURCES_DISK_SEEN='' RESOURCES_SWAP_MB=''

# resources_detect - decide what the slot gets; sets the variables above, the config keys
#   GLIDEIN_CPUS, GLIDEIN_MaxMemMBs, GLIDEIN_Disk_MB, and the facts resources.*
#
#   GLIDEIN_CPUS        a number: that many
#                       auto, slot, -1, or unset: the smallest of limits and hints
#                       node, 0: the smallest of limits, whatever the batch system says
#   GLIDEIN_MaxMemMBs   a number above 0: that much; 0 or unset: the smallest of limits and
#                       hints. Where nothing bounds us but the node itself, and we take only
#                       some of its cores: the same share of its memory
#   GLIDEIN_MaxMemMBs_Estimate  TRUE: no such share, all of what is found
#   GLIDEIN_DISK        NUMBER[K|M|G|T][B] (MB without a unit), NUMBER%, or A/B of what is free;
#                       auto or unset: what is free in the work directory
#   Returns:  0
#             1  a key holds something else, or a number could not be found
resources_detect() {
  local IFS=$' \t\n' status=0
  resources_cpus || status=1
  resources_memory || status=1
  resources_disk || status=1
  ((status == 0)) || return 1
  _resources_disk_in_memory
  _resources_divide
  config_set GLIDEIN_CPUS "$RESOURCES_CPUS"
  config_set GLIDEIN_MaxMemMBs "$RESOURCES_MEMORY_MB"
  config_set GLIDEIN_Disk_MB "$RESOURCES_DISK_MB"
  _resources_report cpus "$RESOURCES_CPUS" "$RESOURCES_CPUS_SOURCE" "$RESOURCES_CPUS_SEEN"
  _resources_report memory_mb "$RESOURCES_MEMORY_MB" "$RESOURCES_MEMORY_SOURCE" \
    "$RESOURCES_MEMORY_SEEN"
  _resources_report disk_mb "$RESOURCES_DISK_MB" "$RESOURCES_DISK_SOURCE" "$RESOURCES_DISK_SEEN"
  [[ -z $RESOURCES_SWAP_MB ]] || report_fact resources.swap_mb "$RESOURCES_SWAP_MB"
  gpus_detect
}

# _resources_divide - of several glideins in one batch slot each takes its part; what an option gave is
#   each one's already
_resources_divide() {
  local n
  config_get GLIDEIN_MULTIGLIDEIN "${OPTION[multiglidein]:-1}"
  n=$REPLY
  [[ ${OPTION[multirestart]+x} && $n =~ ^[1-9][0-9]{0,2}$ ]] && ((n > 1)) || return 0
  [[ $RESOURCES_CPUS_SOURCE == option ]] \
    || RESOURCES_CPUS=$((RESOURCES_CPUS >= n ? RESOURCES_CPUS / n : 1)) RESOURCES_CPUS_SOURCE+=", 1/$n"
  [[ $RESOURCES_MEMORY_SOURCE == option ]] \
    || RESOURCES_MEMORY_MB=$((RESOURCES_MEMORY_MB / n)) RESOURCES_MEMORY_SOURCE+=", 1/$n"
  [[ $RESOURCES_DISK_SOURCE == option ]] \
    || RESOURCES_DISK_MB=$((RESOURCES_DISK_MB / n)) RESOURCES_DISK_SOURCE+=", 1/$n"
}

# --- cores ---------------------------------------------------------------------------------

# resources_cpus - set RESOURCES_CPUS*; returns 1 when GLIDEIN_CPUS is not understood
resources_cpus() {
  local IFS=$' \t\n' asked wanted kinds='limit hint' estimated
  config_get GLIDEIN_CPUS auto
  asked=$REPLY wanted=${REPLY,,}
  _resources_forget
  _resources_cpu_limits
  case $wanted in
    auto | slot | -1 | '') hints_cpus ;;
    node | 0) kinds=limit ;;
    *)
      [[ $wanted =~ ^[0-9]{1,6}$ ]] \
        || log_fail 1 "GLIDEIN_CPUS: expected a number, auto, slot or node, got '$asked'" \
        || return $?
      RESOURCES_CPUS=$((10#$wanted)) RESOURCES_CPUS_SOURCE=option
      RESOURCES_CPUS_SEEN="option=$RESOURCES_CPUS $_RESOURCES_SEEN"
      _resources_least limit && ((REPLY < RESOURCES_CPUS)) \
        && log_warn "GLIDEIN_CPUS=$RESOURCES_CPUS, but $_RESOURCES_FROM allows only $REPLY"
      return 0
      ;;
  esac
  _resources_least "$kinds" || log_fail 1 "cannot find out how many processors there are" || return $?
  RESOURCES_CPUS=$REPLY RESOURCES_CPUS_SOURCE=$_RESOURCES_FROM
  RESOURCES_CPUS_SEEN=$_RESOURCES_SEEN
  # Frontends ask for glideins by this number; a site that gives less deserves a line.
  config_get GLIDEIN_ESTIMATED_CPUS && estimated=$REPLY && [[ $estimated =~ ^[0-9]{1,6}$ ]] \
    && ((RESOURCES_CPUS < 10#$estimated)) \
    && log_warn "cpus=$RESOURCES_CPUS is less than GLIDEIN_ESTIMATED_CPUS=$estimated"
  return 0
}

# _resources_cpu_limits - note what the kernel allows. The node comes first, so that it is
#   named when nothing is below it.
_resources_cpu_limits() {
  local online='' dir quota period
  if _resources_read /sys/devices/system/cpu/online && _resources_count "$REPLY"; then
    online=$_RESOURCES_LIST
    _resources_note limit "$REPLY" node
  elif _resources_cpuinfo; then
    _resources_note limit "$REPLY" node
  fi
  # The mask may name processors that are not there ("0-127" on a machine with 8).
  if _resources_field /proc/self/status Cpus_allowed_list && _resources_count "$REPLY" "$online"; then
    _resources_note limit "$REPLY" affinity
  fi
  if cgroup_find cpuset; then
    for dir in "${CGROUP_LEVELS[@]}"; do
      _resources_read "$dir/cpuset.cpus.effective" || _resources_read "$dir/cpuset.effective_cpus" \
        || _resources_read "$dir/cpuset.cpus" || continue
      _resources_count "$REPLY" "$online" || continue
      _resources_note limit "$REPLY" "cpuset(cgroup-$CGROUP_VERSION)"
      break # the sets of the levels above contain this one
    done
  fi
  if cgroup_find cpu; then
    for dir in "${CGROUP_LEVELS[@]}"; do
      if [[ $CGROUP_VERSION == v2 ]]; then
        _resources_read "$dir/cpu.max" || continue
        quota=${REPLY%% *} period=${REPLY##* }
      else
        _resources_read "$dir/cpu.cfs_quota_us" || continue
        quota=$REPLY
        _resources_read "$dir/cpu.cfs_period_us" || continue
        period=$REPLY
      fi
      [[ $quota =~ ^[0-9]{1,15}$ && $period =~ ^[1-9][0-9]{0,14}$ ]] || continue # max, -1
      # 150 % is one core: two would each be throttled. Less than one is still a slot.
      quota=$((10#$quota / period))
      _resources_note limit "$((quota > 0 ? quota : 1))" "quota(cgroup-$CGROUP_VERSION)"
    done
  fi
}

# --- memory --------------------------------------------------------------------------------

# resources_memory - set RESOURCES_MEMORY_*; call resources_cpus first.
#   Returns 1 when a key is not understood, or the node's memory cannot be read.
resources_memory() {
  local IFS=$' \t\n' wanted node cpus
  config_get GLIDEIN_MaxMemMBs ''
  wanted=${REPLY,,}
  [[ $wanted =~ ^([0-9]{1,12}|auto|)$ ]] \
    || log_fail 1 "GLIDEIN_MaxMemMBs: expected a number of MB, got '$REPLY'" || return $?
  _resources_forget
  _resources_swap
  _resources_memory_limits
  if [[ $wanted =~ ^[0-9]+$ ]] && ((10#$wanted > 0)); then
    RESOURCES_MEMORY_MB=$((10#$wanted)) RESOURCES_MEMORY_SOURCE=option
    RESOURCES_MEMORY_SEEN="option=$RESOURCES_MEMORY_MB $_RESOURCES_SEEN"
    _resources_least limit && ((REPLY < RESOURCES_MEMORY_MB)) \
      && log_warn "GLIDEIN_MaxMemMBs=$RESOURCES_MEMORY_MB, but $_RESOURCES_FROM allows only $REPLY"
    return 0
  fi
  hints_memory
  _resources_least 'limit hint' || log_fail 1 "cannot find out how much memory there is" || return $?
  RESOURCES_MEMORY_MB=$REPLY RESOURCES_MEMORY_SOURCE=$_RESOURCES_FROM
  config_get GLIDEIN_MaxMemMBs_Estimate FALSE
  if [[ $_RESOURCES_FROM == node && ${REPLY^^} != TRUE ]] && _resources_node_cpus; then
    # Nobody told us our part, so the neighbours' memory is not ours to offer.
    node=$REPLY cpus=${RESOURCES_CPUS:-$node}
    if ((cpus < node)); then
      RESOURCES_MEMORY_MB=$((RESOURCES_MEMORY_MB * cpus / node))
      _resources_note hint "$RESOURCES_MEMORY_MB" "share($cpus/$node)"
      RESOURCES_MEMORY_SOURCE="share($cpus/$node)"
    fi
  fi
  RESOURCES_MEMORY_SEEN=$_RESOURCES_SEEN
}

_resources_memory_limits() {
  local dir limit least='' file
  if _resources_field /proc/meminfo MemTotal; then
    REPLY=${REPLY%% *} # in kB
    [[ $REPLY =~ ^[0-9]+$ ]] && _resources_note limit "$((REPLY / 1024))" node
  fi
  if cgroup_find memory; then
    if [[ $CGROUP_VERSION == v1 ]] \
      && _resources_field "${CGROUP_LEVELS[0]}/memory.stat" hierarchical_memory_limit; then
      # This also knows the levels that a container hides from us.
      _resources_note_bytes "$REPLY" 'memory(cgroup-v1)'
      # A limit of memory and swap together is one of memory, too.
      ! _resources_field "${CGROUP_LEVELS[0]}/memory.stat" hierarchical_memsw_limit \
        || _resources_note_bytes "$REPLY" 'memory+swap(cgroup-v1)'
    fi
    for dir in "${CGROUP_LEVELS[@]}"; do
      for file in memory.max memory.high memory.limit_in_bytes; do
        _resources_read "$dir/$file" && [[ $REPLY =~ ^[0-9]{1,18}$ ]] || continue
        limit=$((10#$REPLY))
        ((${least:-$limit} < limit)) || least=$limit
      done
    done
    [[ -z $least ]] || _resources_note_bytes "$least" "memory(cgroup-$CGROUP_VERSION)"
    for dir in "${CGROUP_LEVELS[@]}"; do
      ! _resources_read "$dir/memory.memsw.limit_in_bytes" || _resources_note_bytes "$REPLY" 'memory+swap(cgroup-v1)'
    done
  fi
  # ulimit -v holds for each process, but batch systems set it to what the job may use.
  if resources_limit 'Max address space' && [[ ${REPLY%% *} != unlimited ]]; then
    _resources_note_bytes "${REPLY%% *}" 'address-space(ulimit)'
  fi
}

# _resources_swap - set RESOURCES_SWAP_MB to what swap we may use, besides memory; it is never
#   offered as memory. cgroup v1 knows only both together.
_resources_swap() {
  local dir least
  RESOURCES_SWAP_MB=''
  _resources_field /proc/meminfo SwapTotal || return 0
  least=${REPLY%% *}
  [[ $least =~ ^[0-9]{1,15}$ ]] || return 0
  least=$((10#$least / 1024))
  if cgroup_find memory && [[ $CGROUP_VERSION == v2 ]]; then
    for dir in "${CGROUP_LEVELS[@]}"; do
      _resources_read "$dir/memory.swap.max" && [[ $REPLY =~ ^[0-9]{1,18}$ ]] || continue
      ((10#$REPLY / 1048576 >= least)) || least=$((10#$REPLY / 1048576))
    done
  fi
  RESOURCES_SWAP_MB=$least
}

# --- disk ----------------------------------------------------------------------------------

# resources_disk - set RESOURCES_DISK_*: what is free in the work directory, or GLIDEIN_DISK of it.
#   Returns 1 when GLIDEIN_DISK is not understood, or the free space cannot be found.
resources_disk() {
  local IFS=$' \t\n' asked wanted free
  config_get GLIDEIN_DISK auto
  asked=$REPLY wanted=${REPLY,,}
  _resources_forget
  resources_disk_free "${WORK:-$PWD}" \
    || log_fail 1 "cannot find out how much disk is free in ${WORK:-$PWD}" || return $?
  _RESOURCES_DISK_TYPE=${REPLY##* }
  _resources_note limit "${REPLY%% *}" free
  ! _resources_quota "${WORK:-$PWD}" "$_RESOURCES_DISK_TYPE" || _resources_note limit "$REPLY" 'quota(user)'
  _resources_disk_hint
  _resources_least 'limit hint'
  free=$REPLY
  RESOURCES_DISK_MB=$free RESOURCES_DISK_SOURCE=$_RESOURCES_FROM
  RESOURCES_DISK_SEEN=$_RESOURCES_SEEN
  [[ $wanted != auto && -n $wanted ]] || return 0
  if [[ $wanted =~ ^([0-9]{1,3})%$ ]]; then
    RESOURCES_DISK_MB=$((free * 10#${BASH_REMATCH[1]} / 100))
  elif [[ $wanted =~ ^([0-9]{1,4})/([1-9][0-9]{0,3})$ ]]; then
    RESOURCES_DISK_MB=$((free * 10#${BASH_REMATCH[1]} / BASH_REMATCH[2]))
  elif _resources_megabytes "$wanted"; then
    RESOURCES_DISK_MB=$REPLY
  else
    log_fail 1 "GLIDEIN_DISK: expected 20G, 50%, 1/4 or auto, got '$asked'" || return $?
  fi
  RESOURCES_DISK_SOURCE=option RESOURCES_DISK_SEEN="option=$wanted $_RESOURCES_SEEN"
  ((RESOURCES_DISK_MB <= free)) \
    || log_warn "GLIDEIN_DISK=$wanted, but only $free MB are free in ${WORK:-$PWD}"
}

# _resources_disk_hint - note the disk of the HTCondor slot that we are a job in. A job that asked for none
#   gets a slot with about what its input takes, which bounds nothing: HTCondor itself would not fit.
_resources_disk_hint() {
  local mb
  hints_machine_ad Disk || return 0
  mb=$((${REPLY%%.*} / 1024)) # a machine ad has KiB
  if ((mb >= RESOURCES_LEAST_DISK_MB)); then
    _resources_note hint "$mb" 'htcondor(Disk)'
  else
    log_warn "the slot of HTCondor around us says Disk = $mb MB, less than any glidein takes: not heeded"
  fi
}

# _resources_disk_in_memory - files of a tmpfs are memory: what is offered as the one is not offered as
#   the other. Without GLIDEIN_DISK, at most a quarter of the memory becomes disk.
_resources_disk_in_memory() {
  case $_RESOURCES_DISK_TYPE in tmpfs | ramfs) ;; *) return 0 ;; esac
  if [[ $RESOURCES_DISK_SOURCE != option ]] && ((RESOURCES_DISK_MB > RESOURCES_MEMORY_MB / 4)); then
    RESOURCES_DISK_MB=$((RESOURCES_MEMORY_MB / 4)) RESOURCES_DISK_SOURCE="$_RESOURCES_DISK_TYPE(1/4 of memory)"
    RESOURCES_DISK_SEEN+=" $_RESOURCES_DISK_TYPE=$RESOURCES_DISK_MB"
  fi
  if [[ $RESOURCES_MEMORY_SOURCE == option ]] || ((RESOURCES_DISK_MB >= RESOURCES_MEMORY_MB)); then
    log_warn "the work directory is on a $_RESOURCES_DISK_TYPE: files there take from the $RESOURCES_MEMORY_MB MB of memory"
    return 0
  fi
  RESOURCES_MEMORY_MB=$((RESOURCES_MEMORY_MB - RESOURCES_DISK_MB))
  RESOURCES_MEMORY_SOURCE+=", less $RESOURCES_DISK_MB MB of $_RESOURCES_DISK_TYPE"
}

# _resources_quota DIR TYPE - set REPLY to the MB that this user's quota leaves in DIR; 0 MB count as
#   1. What the file system calls free knows nothing of it.
#   Returns:  0;  1  there is none, or nobody answered within RESOURCES_QUOTA_S
_resources_quota() {
  local mount said line used soft hard
  local command=(quota -u -w -p -f)
  [[ $2 != lustre ]] || command=(lfs quota -q -u "$EUID")
  type -P "${command[0]}" >/dev/null || return 1
  mount=$(exec stat -c %m -- "$1" 2>/dev/null) && [[ $mount == /* ]] || return 1
  # quota's status tells whether we are over it
  said=$(job_limited "$RESOURCES_QUOTA_S" "${command[@]}" "$mount" 2>&1)
  if (($? == 124)); then
    log_warn "${command[0]}: no answer in $RESOURCES_QUOTA_S s about $mount"
    return 1
  fi
  while read -r line; do
    # a device, a mount point, or SERVER:/EXPORT; then used, soft and hard limit
    [[ $line =~ ^[^[:space:]]*/[^[:space:]]*[[:space:]]+([0-9]{1,15})\*?[[:space:]]+([0-9]{1,15})[[:space:]]+([0-9]{1,15})[[:space:]] ]] || continue
    used=$((10#${BASH_REMATCH[1]})) soft=$((10#${BASH_REMATCH[2]})) hard=$((10#${BASH_REMATCH[3]}))
    ((hard > 0)) || hard=$soft
    ((hard > 0)) || return 1
    REPLY=$((hard > used ? (hard - used) / 1024 : 0)) # blocks of 1 KiB
    ((REPLY > 0)) || REPLY=1
    return 0
  done <<<"$said"
  return 1
}

# resources_disk_free DIR - set REPLY to "MB INODES TYPE": what is free there for an ordinary user,
#   and the kind of file system. INODES is - where they are not counted. Returns 1 when it
#   cannot be found.
resources_disk_free() {
  local said blocks size free total type
  said=$(exec stat -f -c '%a %S %d %c %T' -- "$1" 2>/dev/null) || return 1
  [[ $said =~ ^([0-9]+)\ ([0-9]+)\ ([0-9]+)\ ([0-9]+)\ (.*)$ ]] || return 1
  blocks=${BASH_REMATCH[1]} size=${BASH_REMATCH[2]} type=${BASH_REMATCH[5]}
  free=${BASH_REMATCH[3]} total=${BASH_REMATCH[4]}
  ((total > 0)) || free=-
  # blocks * size could pass 2^63 bytes; whole blocks of 1 KiB cannot.
  if ((size >= 1024)); then
    blocks=$((blocks * (size / 1024) / 1024))
  else
    blocks=$((blocks * size / 1048576))
  fi
  REPLY="$blocks $free $type"
}

# --- reading -------------------------------------------------------------------------------

# resources_limit NAME - set REPLY to "SOFT HARD" of one line of /proc/self/limits
resources_limit() {
  local line
  while IFS= read -r line; do
    [[ $line == "$1 "* ]] || continue
    [[ ${line#"$1"} =~ ^\ +([^ ]+)\ +([^ ]+) ]] || return 1
    REPLY="${BASH_REMATCH[1]} ${BASH_REMATCH[2]}"
    return 0
  done 2>/dev/null <"$RESOURCES_ROOT/proc/self/limits"
  return 1
}

# resources_available - set REPLY to the MB that the node could give now; 1: it does not say
resources_available() {
  local IFS=$' \t\n'
  _resources_field /proc/meminfo MemAvailable || return 1
  REPLY=${REPLY%% *}
  [[ $REPLY =~ ^[0-9]+$ ]] && REPLY=$((REPLY / 1024))
}

# _resources_read FILE - set REPLY to the first line; returns 1 when there is none
_resources_read() {
  REPLY=
  { read -r REPLY <"$RESOURCES_ROOT$1"; } 2>/dev/null
  [[ -n $REPLY ]]
}

# _resources_field FILE NAME - set REPLY to what follows NAME (and a colon) in FILE; 1: not there
_resources_field() {
  local name value
  {
    while read -r name value; do
      [[ ${name%:} == "$2" ]] || continue
      REPLY=$value
      return 0
    done <"$RESOURCES_ROOT$1"
  } 2>/dev/null
  return 1
}

# _resources_count LIST [WITHIN] - set REPLY to how many numbers "0-3,8" names, only those that
#   WITHIN names too, and _RESOURCES_LIST to LIST. Returns 1 when that is none, or not a list.
_resources_count() {
  local part first last i count=0
  local -A within=()
  _RESOURCES_LIST=$1
  for part in ${2:+${2//,/ }}; do
    [[ $part =~ ^([0-9]{1,5})(-([0-9]{1,5}))?$ ]] || return 1
    last=${BASH_REMATCH[3]:-${BASH_REMATCH[1]}}
    for ((i = 10#${BASH_REMATCH[1]}; i <= 10#$last; i++)); do within[$i]=1; done
  done
  for part in ${1//,/ }; do
    [[ $part =~ ^([0-9]{1,5})(-([0-9]{1,5}))?$ ]] || return 1
    first=$((10#${BASH_REMATCH[1]})) last=${BASH_REMATCH[3]:-${BASH_REMATCH[1]}}
    for ((i = first; i <= 10#$last; i++)); do
      [[ -z ${2:-} || ${within[$i]+x} ]] && count=$((count + 1))
    done
  done
  REPLY=$count
  ((count > 0))
}

# _resources_cpuinfo - set REPLY to the processors that /proc/cpuinfo names
_resources_cpuinfo() {
  local name count=0
  {
    while read -r name _; do
      [[ $name != processor ]] || count=$((count + 1))
    done <"$RESOURCES_ROOT/proc/cpuinfo"
  } 2>/dev/null
  REPLY=$count
  ((count > 0))
}

# _resources_node_cpus - set REPLY to the processors of the node
_resources_node_cpus() {
  _resources_read /sys/devices/system/cpu/online && _resources_count "$REPLY" \
    || _resources_cpuinfo
}

# _resources_megabytes TEXT - set REPLY to the MB of "2048", "2048M", "20g", "1TB"; 1: not one
_resources_megabytes() {
  [[ $1 =~ ^([0-9]{1,12})([kKmMgGtT]?)[bB]?$ ]] || return 1
  case ${BASH_REMATCH[2]} in
    k | K) REPLY=$((10#${BASH_REMATCH[1]} / 1024)) ;;
    g | G) REPLY=$((10#${BASH_REMATCH[1]} * 1024)) ;;
    t | T) REPLY=$((10#${BASH_REMATCH[1]} * 1024 * 1024)) ;;
    *) REPLY=$((10#${BASH_REMATCH[1]})) ;;
  esac
}

# --- weighing ------------------------------------------------------------------------------

_resources_forget() {
  declare -ga _RESOURCES_KIND=() _RESOURCES_NUMBER=() _RESOURCES_NAME=()
  _RESOURCES_SEEN=''
}

# _resources_note limit|hint NUMBER NAME - remember what one source says; not a number: no word
_resources_note() {
  [[ $2 =~ ^[0-9]{1,15}$ ]] && ((10#$2 > 0)) || return 0
  _RESOURCES_KIND+=("$1") _RESOURCES_NUMBER+=("$((10#$2))") _RESOURCES_NAME+=("$3")
  _RESOURCES_SEEN="${_RESOURCES_SEEN:+$_RESOURCES_SEEN }$3=$((10#$2))"
}

# _resources_note_bytes BYTES NAME - the same in MB; cgroup v1 says "no limit" by a huge number
_resources_note_bytes() {
  [[ $1 =~ ^[0-9]{1,18}$ ]] || return 0
  _resources_note limit "$((10#$1 / 1048576))" "$2"
}

# _resources_least KINDS - set REPLY to the smallest number and _RESOURCES_FROM to its source;
#   of equal ones, the first. Returns 1 when there is none.
_resources_least() {
  local i
  REPLY='' _RESOURCES_FROM=''
  for ((i = 0; i < ${#_RESOURCES_NUMBER[@]}; i++)); do
    [[ " $1 " == *" ${_RESOURCES_KIND[i]} "* ]] || continue
    [[ -z $REPLY ]] || ((_RESOURCES_NUMBER[i] < REPLY)) || continue
    REPLY=${_RESOURCES_NUMBER[i]} _RESOURCES_FROM=${_RESOURCES_NAME[i]}
  done
  [[ -n $REPLY ]]
}

# _resources_report NAME NUMBER SOURCE SEEN
_resources_report() {
  log_info "$1=$2 source=$3 seen: $4"
  report_fact "resources.$1" "$2"
  report_fact "resources.$1_source" "$3"
  report_fact "resources.$1_seen" "$4"
}
