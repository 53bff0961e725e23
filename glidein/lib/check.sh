# shellcheck shell=bash
# check.sh - can this node run a glidein? Each check says what it found and what was needed.
#
# A check ends as ok, warn (a glidein may run, but somebody should know), fail (it cannot), or
# skip (nothing to compare with: no factory named what it needs). What could not be measured
# is a warning or a skip, never ok. Checks start few processes; those that wait for the network
# run side by side in the background, with one time limit for all.
#
# Needs:     log.sh clock.sh job.sh config.sh options.sh cgroup.sh resources.sh cvmfs.sh
# Commands:  the ones it checks
# Reads:     WORK (else the current directory), OPTION[web] and [proxy], FETCH_DATE_SKEW_S,
#            RESOURCES_ROOT, and the keys below
# Sets:      CHECK_NAME CHECK_STATUS CHECK_FOUND CHECK_NEEDED CHECK_MS, an index per result

# Settings, each with the configuration key that overrides it.
: "${CHECK_MIN_DISK_MB:=500}"    # GLIDEIN_Min_Disk_MB: free in the work directory
: "${CHECK_MIN_INODES:=2000}"    # GLIDEIN_Min_Inodes: files that can still be made there
: "${CHECK_MIN_MEMORY_MB:=256}"  # GLIDEIN_Min_Memory_MB: for the slot, HTCondor included
: "${CHECK_MAX_SKEW_S:=300}"     # GLIDEIN_Max_Clock_Skew_S: seconds; tokens fail beyond
: "${CHECK_WARN_SKEW_S:=30}"     # GLIDEIN_Warn_Clock_Skew_S: seconds
: "${CHECK_MIN_FILES:=256}"      # GLIDEIN_Min_Open_Files: hard limit of descriptors
: "${CHECK_WARN_FILES:=1024}"    # GLIDEIN_Warn_Open_Files: soft limit of descriptors
: "${CHECK_MIN_PROCESSES:=64}"   # GLIDEIN_Min_Processes: of this user, or in this cgroup
: "${CHECK_WARN_PROCESSES:=512}" # GLIDEIN_Warn_Processes
: "${CHECK_MIN_X86_LEVEL:=1}"    # GLIDEIN_Min_X86_Level: 1 to 4, x86-64-v1 to -v4
: "${CHECK_WAIT_S:=10}"          # GLIDEIN_Check_Wait_S: seconds for all that runs side by side
: "${CHECK_COLLECTORS:=4}"       # GLIDEIN_Check_Collectors: tried in each group at most
: "${CHECK_NEXT_MS:=1000}"       # without an answer for so long, the next one is tried too
_CHECK_SETTINGS="
  CHECK_MIN_DISK_MB=GLIDEIN_Min_Disk_MB CHECK_MIN_INODES=GLIDEIN_Min_Inodes
  CHECK_MIN_MEMORY_MB=GLIDEIN_Min_Memory_MB CHECK_MAX_SKEW_S=GLIDEIN_Max_Clock_Skew_S
  CHECK_WARN_SKEW_S=GLIDEIN_Warn_Clock_Skew_S CHECK_MIN_FILES=GLIDEIN_Min_Open_Files
  CHECK_WARN_FILES=GLIDEIN_Warn_Open_Files CHECK_MIN_PROCESSES=GLIDEIN_Min_Processes
  CHECK_WARN_PROCESSES=GLIDEIN_Warn_Processes CHECK_MIN_X86_LEVEL=GLIDEIN_Min_X86_Level
  CHECK_WAIT_S=GLIDEIN_Check_Wait_S CHECK_COLLECTORS=GLIDEIN_Check_Collectors"
# A site or a factory may know better about a check: the key GLIDEIN_Check_Warn_Only lists names
# whose failures are only warnings.

# What the worker side calls: the union of the lines `Commands:` of all modules. Those that bring
# libraries or languages of their own are also run; --check runs every one.
: "${CHECK_TOOLS:=base64 cat chmod cp dd head id ln ls mkdir mktemp mv readlink rm sha1sum sleep stat tail wc}"
: "${CHECK_TOOLS_RUN:=awk gzip sed sha256sum tar}"
: "${CHECK_TOOLS_WEB:=curl wget}" # one of them is enough

declare -ga CHECK_NAME=() CHECK_STATUS=() CHECK_FOUND=() CHECK_NEEDED=() CHECK_MS=()

# check_node - run all checks.
#   Returns:  0  none failed
#             1  at least one did; the log says which and why
check_node() {
  local IFS=$' \t\n' i failed=0
  CHECK_NAME=() CHECK_STATUS=() CHECK_FOUND=() CHECK_NEEDED=() CHECK_MS=()
  _check_run settings _check_settings
  _check_jobs_start
  _check_run bash check_bash
  _check_run system check_system
  _check_run user check_user
  _check_run disk check_disk
  # Not part of an area: only who asks by hand has to be told.
  ! config_get GLIDEIN_Check_Only '' || [[ -z $REPLY ]] || ! declare -F check_web >/dev/null || _check_run web check_web
  _check_run clock check_clock
  _check_run files check_files
  _check_run processes check_processes
  _check_run processor check_processor
  _check_run memory check_memory
  _check_jobs_end
  for i in "${!CHECK_NAME[@]}"; do
    [[ ${CHECK_STATUS[i]} != fail ]] || failed=1
  done
  return "$failed"
}

# check_table - print the results on stdout as a table that fits the terminal, or 100 columns
check_table() {
  local IFS=$' \t\n' i width=${COLUMNS:-} name=5 found=5 needed=6 paint plain=''
  if [[ -t 1 ]]; then
    [[ -n $width ]] || { width=$(stty size <&1 2>/dev/null) && width=${width#* }; }
    [[ -n ${NO_COLOR:-} ]] || plain=$'\e[0m'
  fi
  [[ $width =~ ^[1-9][0-9]{0,3}$ ]] || width=100
  for i in ${CHECK_NAME[@]+"${!CHECK_NAME[@]}"}; do
    ((${#CHECK_NAME[i]} <= name)) || name=${#CHECK_NAME[i]}
    ((${#CHECK_FOUND[i]} <= found)) || found=${#CHECK_FOUND[i]}
    ((${#CHECK_NEEDED[i]} <= needed)) || needed=${#CHECK_NEEDED[i]}
  done
  # name, blanks, "result", "    ms" and the gaps are 20 besides; what is left is shared 3 : 2.
  i=$((width - name - 20))
  ((i >= 40)) || i=40
  if ((found + needed > i)); then
    ((needed <= i * 2 / 5)) || needed=$((found < i * 3 / 5 ? i - found : i * 2 / 5))
    ((found <= i - needed)) || found=$((i - needed))
  fi
  printf '%-*s  %-6s  %6s  %-*s  %s\n' "$name" check result ms "$found" found needed
  for i in ${CHECK_NAME[@]+"${!CHECK_NAME[@]}"}; do
    case ${CHECK_STATUS[i]} in
      ok) paint=$'\e[32m' ;;
      warn) paint=$'\e[33m' ;;
      fail) paint=$'\e[31m' ;;
      *) paint=$'\e[2m' ;;
    esac
    _check_row "$name" "$found" "$needed" "$i" "${plain:+$paint}" "$plain"
  done
}

# _check_row NAMEWIDTH FOUNDWIDTH NEEDEDWIDTH INDEX PAINT PLAIN - one result, in as many lines as
#   its texts need
_check_row() {
  local left right line name=${CHECK_NAME[$4]} status=${CHECK_STATUS[$4]} ms=${CHECK_MS[$4]}
  local found=${CHECK_FOUND[$4]} needed=${CHECK_NEEDED[$4]}
  while [[ -n $name$found$needed ]]; do
    _check_wrap "$found" "$2"
    left=$REPLY found=$_CHECK_REST
    _check_wrap "$needed" "$3"
    right=$REPLY needed=$_CHECK_REST
    printf -v line '%-*s  %s%-6s%s  %6s  %-*s  %s' "$1" "$name" "$5" "$status" "$6" "$ms" \
      "$2" "$left" "$right"
    printf '%s\n' "${line%"${line##*[! ]}"}"
    name='' status='' ms=''
  done
}

# _check_wrap TEXT WIDTH - set REPLY to the first line of TEXT and _CHECK_REST to the rest
_check_wrap() {
  REPLY=$1 _CHECK_REST=''
  ((${#1} > $2)) || return 0
  REPLY=${1:0:$2+1}
  if [[ $REPLY == *' '* ]]; then REPLY=${REPLY% *}; else REPLY=${1:0:$2}; fi
  _CHECK_REST=${1:${#REPLY}}
  _CHECK_REST=${_CHECK_REST# }
}

# --- the checks ----------------------------------------------------------------------------

check_bash() {
  local status=ok
  ((BASH_VERSINFO[0] > 4 || (BASH_VERSINFO[0] == 4 && BASH_VERSINFO[1] >= 2))) || status=fail
  _check_say "$status" "bash $BASH_VERSION" 'bash 4.2 or later'
}

# check_system - the kernel, and for people the distribution
check_system() {
  local kernel='' name='' line status=ok
  { read -r kernel <"$RESOURCES_ROOT/proc/sys/kernel/osrelease"; } 2>/dev/null
  {
    while IFS= read -r line; do
      [[ $line == PRETTY_NAME=* ]] || continue
      name=${line#*=}
      name=${name//[\"\']/}
    done <"$RESOURCES_ROOT/etc/os-release"
  } 2>/dev/null
  if [[ -z $kernel ]]; then
    _check_say fail 'cannot read /proc' 'a mounted /proc'
    return $?
  fi
  [[ $kernel =~ ^([0-9]+)\.([0-9]+) ]] \
    && ((BASH_REMATCH[1] > 3 || (BASH_REMATCH[1] == 3 && BASH_REMATCH[2] >= 2))) || status=fail
  _check_say "$status" "Linux $kernel${name:+, $name}" 'Linux 3.2 or later'
}

check_user() {
  local name='' entry id status=ok more='' inside outside
  while IFS=: read -r entry _ id _; do
    [[ $id != "$EUID" ]] || { name=$entry && break; }
  done 2>/dev/null <"$RESOURCES_ROOT/etc/passwd"
  # Names from a directory service need a process.
  [[ -n $name ]] || name=$(exec id -un 2>/dev/null) || name=''
  if ((EUID == 0)); then
    status=warn more=': jobs would run as root'
    { read -r inside outside _ <"$RESOURCES_ROOT/proc/self/uid_map"; } 2>/dev/null
    [[ ${inside:-0} == "${outside:-0}" ]] || more=" of a user namespace (outside: uid $outside)"
  elif [[ -z $name || $name == "$EUID" ]]; then
    status=warn more=', which has no name here'
  fi
  _check_say "$status" "uid $EUID${name:+ ($name)}$more" 'an ordinary user with a name'
}

# check_disk - what is free in the work directory
check_disk() {
  local dir=${WORK:-$PWD} mb inodes type status=ok
  local needed="$CHECK_MIN_DISK_MB MB, $CHECK_MIN_INODES inodes free"
  if ! resources_disk_free "$dir"; then
    _check_say warn "$dir: not measured" "$needed"
    return $?
  fi
  mb=${REPLY%% *} inodes=${REPLY#* }
  type=${inodes#* } inodes=${inodes%% *}
  ((mb >= CHECK_MIN_DISK_MB)) || status=fail
  [[ $inodes == - ]] || ((inodes >= CHECK_MIN_INODES)) || status=fail
  case $type in
    tmpfs | ramfs) type+=', which takes memory' ;;
  esac
  _check_say "$status" "$mb MB, ${inodes/#-/uncounted} inodes free${type:+ ($type)}" "$needed"
}

# check_clock - against the Date of the web server, as the downloads saw it
check_clock() {
  local skew=${FETCH_DATE_SKEW_S:-} way=ahead status=ok needed="within $CHECK_MAX_SKEW_S s of the web server"
  if [[ ! $skew =~ ^[+-]?[0-9]{1,12}$ ]]; then
    if config_get GLIDEIN_Check_Only '' && [[ -n $REPLY && -z ${OPTION[web]:-} ]]; then
      _check_say skip 'not asked: no web server named (-web)' "$needed"
    else
      _check_say skip 'not measured: no Date came from the web server' "$needed"
    fi
  else
    [[ $skew == -* ]] && way=behind
    skew=$((10#${skew#[+-]}))
    ((skew <= CHECK_WARN_SKEW_S)) || status=warn
    ((skew <= CHECK_MAX_SKEW_S)) || status=fail
    _check_say "$status" "$skew s $way" "$needed"
  fi
}

check_files() {
  local soft hard status=ok needed="$CHECK_WARN_FILES; hard limit $CHECK_MIN_FILES at least"
  if ! resources_limit 'Max open files'; then
    _check_say warn 'not measured' "$needed"
    return $?
  fi
  soft=${REPLY% *} hard=${REPLY#* }
  [[ $soft == unlimited ]] || ((soft >= CHECK_WARN_FILES)) || status=warn
  [[ $hard == unlimited ]] || ((hard >= CHECK_MIN_FILES)) || status=fail
  _check_say "$status" "soft limit $soft, hard $hard" "$needed"
}

check_processes() {
  local soft hard least found status=ok cgroup=''
  local needed="$CHECK_WARN_PROCESSES; $CHECK_MIN_PROCESSES at least"
  if ! resources_limit 'Max processes'; then
    _check_say warn 'not measured' "$needed"
    return $?
  fi
  soft=${REPLY% *} hard=${REPLY#* } found="soft limit $soft, hard $hard"
  least=${hard/unlimited/}
  if cgroup_pids; then
    cgroup=$REPLY found+=", cgroup $cgroup"
    ((${least:-$cgroup} <= cgroup)) || least=$cgroup
  fi
  if [[ -n $least ]]; then
    ((least >= CHECK_WARN_PROCESSES)) || status=warn
    ((least >= CHECK_MIN_PROCESSES)) || status=fail
  fi
  _check_say "$status" "$found" "$needed"
}

# check_processor - architecture, and for x86-64 the level of its instruction set
check_processor() {
  local arch=${MACHTYPE%%-*} name value model='' flags='' level status=ok
  case $arch in
    amd64) arch=x86_64 ;;
    powerpc64le) arch=ppc64le ;;
  esac
  {
    while IFS=: read -r name value; do
      case ${name%%$'\t'*} in
        'model name') model=${value# } ;;
        flags) flags=${value# } && break ;;
      esac
    done <"$RESOURCES_ROOT/proc/cpuinfo"
  } 2>/dev/null
  case $arch in
    x86_64)
      check_x86_level "$flags"
      level=$REPLY
      if [[ -z $flags ]]; then
        _check_say warn "$arch, level not measured" "x86-64-v$CHECK_MIN_X86_LEVEL"
        return $?
      fi
      ((level >= CHECK_MIN_X86_LEVEL)) || status=fail
      _check_say "$status" "x86-64-v$level${model:+, $model}" "x86-64-v$CHECK_MIN_X86_LEVEL"
      ;;
    aarch64 | ppc64le) _check_say ok "$arch${model:+, $model}" 'x86_64, aarch64 or ppc64le' ;;
    *) _check_say warn "$arch: is there an HTCondor for it?" 'x86_64, aarch64 or ppc64le' ;;
  esac
}

# check_x86_level FLAGS - set REPLY to 1..4, as the psABI counts; Linux calls lzcnt abm, sse3 pni
check_x86_level() {
  local level needs flag
  REPLY=1
  for level in 2 3 4; do
    case $level in
      2) needs='cx16 lahf_lm popcnt pni sse4_1 sse4_2 ssse3' ;;
      3) needs='avx avx2 bmi1 bmi2 f16c fma abm movbe xsave' ;;
      4) needs='avx512f avx512bw avx512cd avx512dq avx512vl' ;;
    esac
    for flag in $needs; do
      [[ " $1 " == *" $flag "* ]] || return 0
    done
    REPLY=$level
  done
}

check_memory() {
  local status=ok available='' needed="$CHECK_MIN_MEMORY_MB MB"
  [[ -n $RESOURCES_MEMORY_MB ]] || { resources_cpus && resources_memory; }
  if [[ -z $RESOURCES_MEMORY_MB ]]; then
    _check_say warn 'not measured' "$needed"
    return $?
  fi
  if resources_available; then
    available=$REPLY
    ((available >= CHECK_MIN_MEMORY_MB)) || status=warn
  fi
  ((RESOURCES_MEMORY_MB >= CHECK_MIN_MEMORY_MB)) || status=fail
  _check_say "$status" \
    "$RESOURCES_MEMORY_MB MB ($RESOURCES_MEMORY_SOURCE)${available:+, $available MB free on the node}" \
    "$needed"
}

# --- what may take long --------------------------------------------------------------------

# Programs are run, names looked up and ports tried by jobs, side by side. Each writes one line
# "ID MS RESULT" into a pipe; RESULT is ok or the reason why not, or "STATUS FOUND".

# _check_jobs_start - start looking at the tools, the work directory, our own name, the web
#   server's, and the collectors
_check_jobs_start() {
  local host name
  _CHECK_PIPE='' _CHECK_COLLECTOR_ERROR=''
  declare -ga _CHECK_JOB=() _CHECK_JOB_PID=() _CHECK_JOB_AT=() _CHECK_JOB_MS=() _CHECK_JOB_SAID=()
  declare -ga _CHECK_GROUP=() _CHECK_GROUP_SIZE=() _CHECK_GROUP_LEFT=()
  clock_ms
  _CHECK_JOBS_STARTED=$REPLY
  config_get GLIDEIN_Collector ''
  check_collectors "$REPLY" || {
    _CHECK_COLLECTOR_ERROR=$REPLY
    _CHECK_GROUP=()
  }
  _CHECK_GROUP_LEFT=(${_CHECK_GROUP[@]+"${_CHECK_GROUP[@]}"})
  { exec {_CHECK_PIPE}<> <(:); } 2>/dev/null || {
    _CHECK_PIPE=''
    return 0
  }
  _check_job_start tools _check_tools         # 0
  _check_job_start workdir _check_workdir job # 1
  _check_job_start "own ${HOSTNAME:-localhost}" _check_reach udp "${HOSTNAME:-localhost}" 9
  host=${OPTION[web]:-}
  if [[ -n $host && ${OPTION[proxy]:-None} == None ]]; then # else the caches look it up
    host=${host#*://}
    host=${host%%/*}
    host=${host##*@}
    if [[ $host == \[* ]]; then host=${host#\[} host=${host%%\]*}; else host=${host%%:*}; fi
    _check_job_start "web $host" _check_reach udp "$host" 9
  fi
  CVMFS_ANSWERS='' CVMFS_SILENT=''
  if cvmfs_repositories; then
    for name in $REPLY; do
      _check_job_start "cvmfs:$name $name" cvmfs_look "$name" # each is waited for by itself
    done
  fi
  _check_jobs_next
}

# _check_jobs_next - try one collector more in each group whose last one failed or is slow
_check_jobs_next() {
  local i id end
  for i in ${_CHECK_GROUP[@]+"${!_CHECK_GROUP[@]}"}; do
    [[ -n ${_CHECK_GROUP_LEFT[i]} ]] || continue
    clock_ms
    for id in "${!_CHECK_JOB[@]}"; do
      [[ ${_CHECK_JOB[id]%% *} == "$i" ]] || continue
      [[ ${_CHECK_JOB_SAID[id]} != ok ]] || continue 2
      [[ -n ${_CHECK_JOB_SAID[id]} ]] || ((REPLY - _CHECK_JOB_AT[id] >= CHECK_NEXT_MS)) || continue 2
    done
    end=${_CHECK_GROUP_LEFT[i]%% *}
    _CHECK_GROUP_LEFT[i]=${_CHECK_GROUP_LEFT[i]:${#end}}
    _CHECK_GROUP_LEFT[i]=${_CHECK_GROUP_LEFT[i]# }
    _check_job_start "$i $end" _check_reach tcp "${end%:*}" "${end##*:}"
  done
  return 0
}

# _check_job_start WHAT FUNCTION ARGUMENT... - FUNCTION sets REPLY to what the job's line says
_check_job_start() {
  local id=${#_CHECK_JOB[@]}
  clock_ms
  _CHECK_JOB+=("$1") _CHECK_JOB_AT+=("$REPLY") _CHECK_JOB_MS+=(0) _CHECK_JOB_SAID+=('')
  job_start _check_job "$id" "${@:2}"
  _CHECK_JOB_PID+=("$JOB_PID")
}

# _check_job ID FUNCTION ARGUMENT... - what a job does
_check_job() {
  local said start
  clock_ms
  start=$REPLY
  "${@:2}"
  said=${REPLY//[![:print:]]/?}
  clock_ms
  # Up to 4096 bytes are written whole, between the lines of other jobs.
  printf '%s %s %s\n' "$1" "$((REPLY - start))" "${said:0:2000}" >&"$_CHECK_PIPE"
}

# _check_reach tcp|udp HOST PORT - connect; udp only looks the name up and sends nothing.
#   Sets REPLY to ok, or to the reason why not.
_check_reach() {
  REPLY=$(exec 2>&1 && { :; } 3<>"/dev/$1/$2/$3" && printf ok)
  case $REPLY in
    ok) ;;
    *'not known'* | *'name resolution'* | *'No address'* | *nodename* | *'Unknown host'*)
      REPLY='name does not resolve'
      ;;
    */dev/*'No such file'*) REPLY='this bash cannot open connections' ;;
    *) REPLY=${REPLY##*: } ;;
  esac
  REPLY=${REPLY:-failed}
}

# check_collectors TEXT - take GLIDEIN_Collector apart: groups by ";", alternatives by ",", each
#   HOST[:PORT|:A-B][?…], a [v6] address or <…>. Sets, for each group, _CHECK_GROUP to some
#   "host:port" of it and _CHECK_GROUP_SIZE to how many it names.
#   Returns 1 with REPLY saying what cannot be understood.
check_collectors() {
  local text=$1 group item host first last size i port step start
  local ports='(:([0-9]{1,5})(-([0-9]{1,5}))?)?([?].*|>)?$'
  local name="^<?([A-Za-z0-9._-]+)$ports" v6="^<?\\[([0-9A-Fa-f:.]+)]$ports"
  while [[ $text =~ \$RANDOM_INTEGER\(([0-9]+),\ *([0-9]+)[^\)]*\) ]]; do
    text=${text/"${BASH_REMATCH[0]}"/"${BASH_REMATCH[1]}-${BASH_REMATCH[2]}"}
  done
  text=${text//[[:space:]]/,} # blanks separate alternatives too, as in HTCondor's own lists
  while [[ -n $text ]]; do
    group=${text%%;*}
    text=${text:${#group}}
    text=${text#;}
    [[ -n ${group//,/} ]] || continue
    i=${#_CHECK_GROUP[@]}
    _CHECK_GROUP[i]='' _CHECK_GROUP_SIZE[i]=0
    while [[ -n $group ]]; do
      item=${group%%,*}
      group=${group:${#item}}
      group=${group#,}
      [[ -n $item ]] || continue
      if ! [[ $item =~ $v6 || $item =~ $name ]]; then
        REPLY="GLIDEIN_Collector: cannot understand '$item'"
        return 1
      fi
      host=${BASH_REMATCH[1]} first=${BASH_REMATCH[3]:-9618}
      last=${BASH_REMATCH[5]:-$first}
      first=$((10#$first)) last=$((10#$last)) size=$((10#$last - 10#$first + 1))
      if ((first < 1 || last > 65535 || size < 1)); then
        REPLY="GLIDEIN_Collector: no such port in '$item'"
        return 1
      fi
      _CHECK_GROUP_SIZE[i]=$((_CHECK_GROUP_SIZE[i] + size))
      # Of a range, a few ports that are far apart, starting anywhere.
      step=$((size > CHECK_COLLECTORS ? size / CHECK_COLLECTORS : 1)) start=$((RANDOM % size))
      for ((port = 0; port < size && port < CHECK_COLLECTORS; port++)); do
        _check_offer "$i" "$host:$((first + (start + port * step) % size))"
      done
    done
  done
}

# _check_offer GROUP ENDPOINT - one more to try, before or after the others, so that glideins
#   together try all; when there are enough, it may replace one
_check_offer() {
  # shellcheck disable=SC2206  # our own list of words
  local -a ends=(${_CHECK_GROUP[$1]})
  [[ " ${_CHECK_GROUP[$1]} " != *" $2 "* ]] || return 0
  if ((${#ends[@]} >= CHECK_COLLECTORS)); then
    ((RANDOM % 2)) || ends[RANDOM % CHECK_COLLECTORS]=$2
    _CHECK_GROUP[$1]=${ends[*]}
  elif ((RANDOM % 2)); then
    _CHECK_GROUP[$1]="$2 ${_CHECK_GROUP[$1]}"
  else
    _CHECK_GROUP[$1]="${_CHECK_GROUP[$1]} $2"
  fi
  _CHECK_GROUP[$1]=${_CHECK_GROUP[$1]# }
  _CHECK_GROUP[$1]=${_CHECK_GROUP[$1]% }
}

# _check_jobs_end - wait as long as an answer can change a result; then say the results
#   tools, workdir, names and collector. No job is left.
_check_jobs_end() {
  local left wait id ms said
  while [[ -n $_CHECK_PIPE ]] && _check_jobs_next && ! _check_jobs_decided; do
    clock_ms
    left=$((_CHECK_JOBS_STARTED + CHECK_WAIT_S * 1000 - REPLY))
    ((left > 0)) || break
    ((left <= CHECK_NEXT_MS)) || left=$CHECK_NEXT_MS
    printf -v wait '%d.%03d' "$((left / 1000))" "$((left % 1000))"
    clock_read "$wait" -u "$_CHECK_PIPE" id ms said || continue
    _CHECK_JOB_MS[id]=$ms _CHECK_JOB_SAID[id]=$said
  done
  for id in ${_CHECK_JOB_PID[@]+"${!_CHECK_JOB_PID[@]}"}; do
    if [[ -n ${_CHECK_JOB_SAID[id]} ]]; then
      job_wait "${_CHECK_JOB_PID[id]}"
    else
      job_end "${_CHECK_JOB_PID[id]}"
      clock_ms
      _CHECK_JOB_MS[id]=$((REPLY - _CHECK_JOB_AT[id]))
    fi
  done
  _check_run tools check_tools
  _check_run workdir check_workdir
  _check_run names check_names
  _check_run collector check_collector
  _check_run cvmfs check_cvmfs
  [[ -z $_CHECK_PIPE ]] || exec {_CHECK_PIPE}>&-
}

# _check_jobs_decided - no answer that is still to come would change a result
_check_jobs_decided() {
  local id group
  local -A reached=()
  for id in "${!_CHECK_JOB[@]}"; do
    group=${_CHECK_JOB[id]%% *}
    [[ ${_CHECK_JOB_SAID[id]} != ok ]] || reached[$group]=1
  done
  for id in "${!_CHECK_JOB[@]}"; do
    group=${_CHECK_JOB[id]%% *}
    [[ -n ${_CHECK_JOB_SAID[id]} || ${reached[$group]+x} ]] || return 1
  done
}

# check_tools - what its job found out
check_tools() {
  _check_of_job 0 _check_tools "coreutils, tar, gzip, awk, sed; ${CHECK_TOOLS_WEB// / or }"
}

# check_workdir - what its job found out
check_workdir() {
  _check_of_job 1 _check_workdir 'a directory to write and execute in'
}

# _check_of_job ID FUNCTION NEEDED - say "STATUS FOUND" of a job; where there are no jobs, of
#   FUNCTION, called now
_check_of_job() {
  if [[ -z $_CHECK_PIPE ]]; then
    "$2"
    _check_say "${REPLY%% *}" "${REPLY#* }" "$3"
  else
    REPLY=${_CHECK_JOB_SAID[$1]:-fail not done in $CHECK_WAIT_S s}
    _check_say "${REPLY%% *}" "${REPLY#* }" "$3" "${_CHECK_JOB_MS[$1]}"
  fi
}

# _check_tools - is everything we call there, and does it execute? Sets REPLY to "STATUS FOUND".
_check_tools() {
  local name seen=0 run=" $CHECK_TOOLS_RUN " missing='' broken='' web='' complaint='' status=ok
  config_get GLIDEIN_Check_Only ''
  [[ -z $REPLY ]] || run+="$CHECK_TOOLS "
  for name in $CHECK_TOOLS $CHECK_TOOLS_RUN; do
    seen=$((seen + 1))
    if ! _check_which "$name"; then
      missing+="${missing:+ }$name"
    elif [[ $run == *" $name "* ]]; then
      _check_executes "$REPLY" || broken+="${broken:+; }$name: $REPLY"
    fi
  done
  for name in $CHECK_TOOLS_WEB; do
    _check_which "$name" || continue
    if _check_executes "$REPLY"; then
      web+="${web:+, }$name"
    else
      complaint+="; $name does not run: $REPLY"
    fi
  done
  [[ -z $complaint ]] || status=warn
  [[ -z $missing$broken && -n $web ]] || status=fail
  REPLY="$status ${missing:+missing: $missing; }${broken:+do not run: $broken; }"
  REPLY+="$seen looked for; web: ${web:-none}$complaint"
}

# _check_workdir [job] - does it take files, and can programs be executed in it? Sets REPLY to
#   "STATUS FOUND". As a job it cleans up even when it is ended.
_check_workdir() {
  local dir=${WORK:-$PWD} why
  _CHECK_TRY=$dir/.check.$$.$RANDOM
  if [[ ${1:-} == job ]]; then
    trap '' XFSZ # a limit on the size of files (ulimit) shall be an error, not the end of this job
    trap 'rm -f -- "$_CHECK_TRY" "$_CHECK_TRY.true"' EXIT
    clock_trap 'exit 1' TERM INT HUP
  fi
  # A real MB, since quotas do not show in what the file system says it has.
  if ! { printf '%1048576s' '' >"$_CHECK_TRY"; } 2>/dev/null; then
    why='not a directory that we may write to'
    [[ ! -d $dir || ! -w $dir ]] || why='1 MB cannot be written there: full, over a quota, or over a limit on files (ulimit -f)'
    dir="fail $dir: $why"
  else
    : >"$_CHECK_TRY" # the room is for the program
    if ! _check_which true || ! cp -- "$REPLY" "$_CHECK_TRY.true" 2>/dev/null; then
      dir="warn $dir: written; not measured whether programs execute"
    elif why=$(exec -a true "$_CHECK_TRY.true" 2>&1); then
      dir="ok $dir: written, executed"
    else
      dir="fail $dir: programs do not execute there (${why##*: })"
    fi
  fi
  rm -f -- "$_CHECK_TRY" "$_CHECK_TRY.true" 2>/dev/null
  [[ ${1:-} != job ]] || trap - EXIT
  REPLY=$dir
}

# check_names - our own name, the web server's, and those of the collectors that were tried
check_names() {
  local id what host said group found='' status=ok ms=0 seen=' ' lost=''
  local -A resolved=()
  if [[ -z $_CHECK_PIPE ]]; then
    _check_say warn 'not measured: this system has no /dev/fd' 'names that resolve'
    return $?
  fi
  for id in "${!_CHECK_JOB[@]}"; do
    what=${_CHECK_JOB[id]} said=${_CHECK_JOB_SAID[id]}
    [[ $id -gt 1 && $what != cvmfs:* ]] || continue # tools, workdir
    ((_CHECK_JOB_MS[id] <= ms)) || ms=${_CHECK_JOB_MS[id]}
    group=${what%% *} host=${what#* }
    if [[ $group == [0-9]* ]]; then
      host=${host%:*}
      if [[ $said == 'name does not resolve' ]]; then lost+=" $group"; else resolved[$group]=1; fi
      group=collector
      # No answer may be a slow port; that is the other check's to tell.
      [[ -n $said ]] || said=resolves
    fi
    [[ $seen != *" $host "* ]] || continue
    seen+="$host "
    case $said in
      'name does not resolve' | 'this bash'*) status=warn ;;
      '') status=warn said="no answer in $CHECK_WAIT_S s" ;;
      *) said=resolves ;; # also when connecting failed: that comes after the name
    esac
    found+="; $group $host: $said"
  done
  for group in $lost; do
    [[ ${resolved[$group]+x} ]] || status=fail # nothing of that group can be found
  done
  _check_say "$status" "${found#; }" 'own name, web server and collectors resolve' "$ms"
}

# check_collector - each group needs one that answers on its port
check_collector() {
  local i id what said status=ok found='' ms=0 reached reasons tried more
  local needed='of each group one that accepts connections'
  if [[ -n $_CHECK_COLLECTOR_ERROR ]]; then
    _check_say fail "$_CHECK_COLLECTOR_ERROR" "$needed"
    return $?
  elif [[ ! ${_CHECK_GROUP[0]+x} ]]; then
    _check_say skip 'not asked: no collector named' "$needed"
    return $?
  elif [[ -z $_CHECK_PIPE ]]; then
    _check_say warn 'not measured: this system has no /dev/fd' "$needed"
    return $?
  fi
  for i in "${!_CHECK_GROUP[@]}"; do
    reached='' reasons='' tried=0
    for id in "${!_CHECK_JOB[@]}"; do
      what=${_CHECK_JOB[id]} said=${_CHECK_JOB_SAID[id]:-no answer in $CHECK_WAIT_S s}
      [[ ${what%% *} == "$i" ]] || continue
      tried=$((tried + 1))
      ((_CHECK_JOB_MS[id] <= ms)) || ms=${_CHECK_JOB_MS[id]}
      if [[ $said == ok ]]; then reached=${what#* }; else reasons+=", ${what#* }: $said"; fi
    done
    more=${_CHECK_GROUP_SIZE[i]}
    if [[ -n $reached ]]; then
      found+="; $reached: reached"
    elif [[ $reasons == *'this bash'* ]]; then
      [[ $status == fail ]] || status=warn
      found+="; not measured$reasons"
    else
      status=fail
      found+="; ${reasons#, }"
      ((more == tried)) || found+=" (tried $tried of $more)"
    fi
  done
  _check_say "$status" "${found#; }" "$needed" "$ms"
}

# check_cvmfs - the repositories that somebody wants here, and those that are mounted
check_cvmfs() {
  local id name said required status=ok found='' ms=0
  config_get GLIDEIN_CVMFS_Require ''
  required=${REPLY//,/ }
  for id in ${_CHECK_JOB[@]+"${!_CHECK_JOB[@]}"}; do
    [[ ${_CHECK_JOB[id]} == cvmfs:* ]] || continue
    name=${_CHECK_JOB[id]#* } said=${_CHECK_JOB_SAID[id]}
    ((_CHECK_JOB_MS[id] <= ms)) || ms=${_CHECK_JOB_MS[id]}
    cvmfs_note "$name" "$said"
    if [[ $said != ok ]]; then
      if [[ " $required " == *" $name "* ]]; then status=fail; elif [[ $status == ok ]]; then status=warn; fi
      said=${said:-no answer in $CHECK_WAIT_S s}
    fi
    found+="; $name: $said"
  done
  if [[ -n $found ]]; then
    _check_say "$status" "${found#; }" "that it answers${required:+; required: $required}" "$ms"
  elif [[ -n $required ]]; then
    _check_say fail 'not measured' "required: $required"
  else
    _check_say skip 'not asked: no repository named, none mounted' 'that it answers'
  fi
}

# --- saying --------------------------------------------------------------------------------

# _check_run NAME FUNCTION - run one check, which says its result with _check_say
_check_run() {
  _check_next "$1"
  "$2"
}

# _check_next NAME - the results said from now on are NAME's
_check_next() {
  _CHECK_NOW=$1
  clock_ms
  _CHECK_STARTED=$REPLY
}

# _check_say STATUS FOUND NEEDED [MS] - the result of the check that runs
_check_say() {
  local status=$1 found=${2//[![:print:]]/?} ms=${4:-}
  if [[ -z $ms ]]; then
    clock_ms
    ms=$((REPLY - _CHECK_STARTED))
  fi
  config_get GLIDEIN_Check_Warn_Only ''
  if [[ $status == fail && " ${REPLY//,/ } " == *" $_CHECK_NOW "* ]]; then
    status=warn found+=' (only a warning: GLIDEIN_Check_Warn_Only)'
  fi
  CHECK_NAME+=("$_CHECK_NOW") CHECK_STATUS+=("$status") CHECK_FOUND+=("$found")
  CHECK_NEEDED+=("$3") CHECK_MS+=("$ms")
  case $status in
    fail) log_error "$_CHECK_NOW: found: $found; needed: $3" ;;
    warn) log_warn "$_CHECK_NOW: found: $found; needed: $3" ;;
    *) log_debug "$_CHECK_NOW: $status: $found" ;;
  esac
}

# _check_settings - take thresholds from the configuration; says a failure when one is no number
_check_settings() {
  local pair name
  for pair in $_CHECK_SETTINGS; do
    name=${pair%%=*}
    config_get "${pair#*=}" "${!name}"
    if [[ $REPLY =~ ^[0-9]{1,9}$ ]]; then
      printf -v "$name" %d "$((10#$REPLY))"
    else
      _check_say fail "${pair#*=}: '$REPLY'" 'a number'
    fi
  done
}

# _check_which NAME - set REPLY to the program NAME on PATH; type -P would cost a process
_check_which() {
  local IFS=: dir
  for dir in $PATH; do
    REPLY=${dir:-.}/$1
    [[ ! -f $REPLY || ! -x $REPLY ]] || return 0
  done
  return 1
}

# _check_executes PATH - whatever it thinks of --version, it must have started; else REPLY says why
_check_executes() {
  local said
  said=$(exec "$1" --version 2>&1 </dev/null) # without exec, bash starts a second process
  case $? in
    126 | 127 | 129 | 13? | 14?)
      said=${said##*$'\n'}
      REPLY=${said##*: }
      REPLY=${REPLY:-ended by a signal}
      return 1
      ;;
  esac
}
