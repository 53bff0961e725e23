# shellcheck shell=bash
# check.sh - can this node run a glidein? Each check says what it found and what was needed.
#
# A check ends as ok, warn (a glidein may run, but somebody should know), fail (it cannot), or
# skip (nothing to compare with: no factory named what it needs). What could not be measured
# is a warning or a skip, never ok. Checks start few processes; those that wait for the network
# run side by side in the background, with one time limit for all.
#
# Needs:     log.sh clock.sh job.sh config.sh options.sh resources.sh
# Commands:  the ones it checks
# Reads:     WORK (else the current directory), OPTION[web] and [proxy], FETCH_DATE_SKEW_S,
#            RESOURCES_ROOT, and the keys below
# Sets:      CHECK_NAME CHECK_STATUS CHECK_FOUND CHECK_NEEDED CHECK_MS, an index per result

# Settings, each with the configuration key that overrides it.
: "${CHECK_MIN_DISK_MB:=500}"        # GLIDEIN_Min_Disk_MB: free in the work directory
: "${CHECK_MIN_INODES:=2000}"        # GLIDEIN_Min_Inodes: files that can still be made there
: "${CHECK_MIN_MEMORY_MB:=256}"      # GLIDEIN_Min_Memory_MB: for the slot, HTCondor included
: "${CHECK_MAX_SKEW_S:=300}"         # GLIDEIN_Max_Clock_Skew_S: seconds; tokens fail beyond
: "${CHECK_WARN_SKEW_S:=30}"         # GLIDEIN_Warn_Clock_Skew_S: seconds
: "${CHECK_MIN_FILES:=256}"          # GLIDEIN_Min_Open_Files: hard limit of descriptors
: "${CHECK_WARN_FILES:=1024}"        # GLIDEIN_Warn_Open_Files: soft limit of descriptors
: "${CHECK_MIN_PROCESSES:=64}"       # GLIDEIN_Min_Processes: of this user, or in this cgroup
: "${CHECK_WARN_PROCESSES:=512}"     # GLIDEIN_Warn_Processes
: "${CHECK_MIN_X86_LEVEL:=1}"        # GLIDEIN_Min_X86_Level: 1 to 4, x86-64-v1 to -v4
: "${CHECK_NETWORK_S:=10}"           # GLIDEIN_Check_Network_S: seconds for all network checks
: "${CHECK_COLLECTORS_PER_GROUP:=3}" # GLIDEIN_Check_Collectors: tried in each group
_CHECK_SETTINGS="
  CHECK_MIN_DISK_MB=GLIDEIN_Min_Disk_MB CHECK_MIN_INODES=GLIDEIN_Min_Inodes
  CHECK_MIN_MEMORY_MB=GLIDEIN_Min_Memory_MB CHECK_MAX_SKEW_S=GLIDEIN_Max_Clock_Skew_S
  CHECK_WARN_SKEW_S=GLIDEIN_Warn_Clock_Skew_S CHECK_MIN_FILES=GLIDEIN_Min_Open_Files
  CHECK_WARN_FILES=GLIDEIN_Warn_Open_Files CHECK_MIN_PROCESSES=GLIDEIN_Min_Processes
  CHECK_WARN_PROCESSES=GLIDEIN_Warn_Processes CHECK_MIN_X86_LEVEL=GLIDEIN_Min_X86_Level
  CHECK_NETWORK_S=GLIDEIN_Check_Network_S CHECK_COLLECTORS_PER_GROUP=GLIDEIN_Check_Collectors"
# A site or a factory may know better about a check: the key GLIDEIN_Check_Warn_Only lists names
# whose failures are only warnings.

# What the worker side calls: the union of the lines `Commands:` of all modules. Those that bring
# libraries or languages of their own are also run; --check runs every one.
: "${CHECK_TOOLS:=base64 cat chmod cp dd head id ln ls mkdir mktemp mv readlink rm sha1sum sha256sum sleep stat tail wc}"
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
  _check_probes_start
  _check_run bash check_bash
  _check_run system check_system
  _check_run tools check_tools
  _check_run user check_user
  _check_run workdir check_workdir
  _check_run clock check_clock
  _check_run files check_files
  _check_run processes check_processes
  _check_run processor check_processor
  _check_run memory check_memory
  _check_probes_end
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
  local left right name=${CHECK_NAME[$4]} status=${CHECK_STATUS[$4]} ms=${CHECK_MS[$4]}
  local found=${CHECK_FOUND[$4]} needed=${CHECK_NEEDED[$4]}
  while [[ -n $name$found$needed ]]; do
    _check_wrap "$found" "$2"
    left=$REPLY found=$_CHECK_REST
    _check_wrap "$needed" "$3"
    right=$REPLY needed=$_CHECK_REST
    printf '%-*s  %s%-6s%s  %6s  %-*s  %s\n' "$1" "$name" "$5" "$status" "$6" "$ms" "$2" "$left" \
      "$right"
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
    return
  fi
  [[ $kernel =~ ^([0-9]+)\.([0-9]+) ]] \
    && ((BASH_REMATCH[1] > 3 || (BASH_REMATCH[1] == 3 && BASH_REMATCH[2] >= 2))) || status=fail
  _check_say "$status" "Linux $kernel${name:+, $name}" 'Linux 3.2 or later'
}

# check_tools - everything we call is there, and executes
check_tools() {
  local name web='' complaint='' missing='' broken='' seen=0 all status=ok
  all=" $CHECK_TOOLS_RUN "
  config_get GLIDEIN_Check_Only '' && [[ -z $REPLY ]] || all+="$CHECK_TOOLS "
  for name in $CHECK_TOOLS $CHECK_TOOLS_RUN; do
    if ! _check_which "$name"; then
      [[ " $missing " == *" $name "* ]] || missing+="${missing:+ }$name"
    elif [[ $all == *" $name "* ]]; then
      all=${all//" $name "/ } # once
      _check_executes "$REPLY" || broken+="${broken:+; }$name: $REPLY"
    fi
    seen=$((seen + 1))
  done
  for name in $CHECK_TOOLS_WEB; do
    _check_which "$name" || continue
    if _check_executes "$REPLY"; then web+="${web:+, }$name"; else complaint+="; $name: $REPLY"; fi
  done
  [[ -z $complaint || -z $web ]] || status=warn
  [[ -n $missing$broken || -z $web ]] && status=fail
  _check_say "$status" \
    "${missing:+missing: $missing; }${broken:+do not run: $broken; }$seen looked for; web: ${web:-none}$complaint" \
    "coreutils, tar, gzip, awk, sed; ${CHECK_TOOLS_WEB// / or }"
}

check_user() {
  local name='' entry id status=ok more='' inside outside
  while IFS=: read -r entry _ id _; do
    [[ $id != "$EUID" ]] || { name=$entry && break; }
  done 2>/dev/null <"$RESOURCES_ROOT/etc/passwd"
  # Names from a directory service need a process.
  [[ -n $name ]] || name=$(id -un 2>/dev/null) || name=''
  if ((EUID == 0)); then
    status=warn more=': jobs would run as root'
    { read -r inside outside _ <"$RESOURCES_ROOT/proc/self/uid_map"; } 2>/dev/null
    [[ ${inside:-0} == "${outside:-0}" ]] || more=" of a user namespace (outside: uid $outside)"
  elif [[ -z $name || $name == "$EUID" ]]; then
    status=warn more=', which has no name here'
  fi
  _check_say "$status" "uid $EUID${name:+ ($name)}$more" 'an ordinary user with a name'
}

# check_workdir - it takes files, has room, and programs can be executed in it. Says two results:
#   workdir and disk.
check_workdir() {
  local dir=${WORK:-$PWD} try mb inodes status=ok complaint
  local needed='a directory to write and execute in'
  try=$dir/.check.$$.$RANDOM
  # A real MB, since quotas do not show in what the file system says it has.
  if ! { printf '%1048576s' '' >"$try"; } 2>/dev/null; then
    complaint='not a directory that we may write to'
    [[ ! -d $dir || ! -w $dir ]] || complaint='1 MB cannot be written there: full, or over a quota'
    _check_say fail "$dir: $complaint" "$needed"
  else
    : >"$try" # the room is for the program
    if ! _check_which true || ! cp -- "$REPLY" "$try.true" 2>/dev/null; then
      _check_say warn "$dir: written; not measured whether programs execute" "$needed"
    elif complaint=$(exec -a true "$try.true" 2>&1); then
      _check_say ok "$dir: written, executed" "$needed"
    else
      _check_say fail "$dir: programs do not execute there (${complaint##*: })" "$needed"
    fi
  fi
  rm -f -- "$try" "$try.true" 2>/dev/null

  _check_next disk
  if ! resources_disk_free "$dir"; then
    _check_say warn "$dir: not measured" "$CHECK_MIN_DISK_MB MB, $CHECK_MIN_INODES inodes free"
    return
  fi
  mb=${REPLY% *} inodes=${REPLY#* }
  ((mb >= CHECK_MIN_DISK_MB)) || status=fail
  [[ $inodes == - ]] || ((inodes >= CHECK_MIN_INODES)) || status=fail
  _check_say "$status" "$mb MB, ${inodes/#-/uncounted} inodes free" \
    "$CHECK_MIN_DISK_MB MB, $CHECK_MIN_INODES inodes free"
}

# check_clock - against the Date of the web server, as the downloads saw it
check_clock() {
  local skew=${FETCH_DATE_SKEW_S:-} status=ok needed="within $CHECK_MAX_SKEW_S s of the web server"
  if config_get GLIDEIN_Check_Only '' && [[ -n $REPLY ]]; then
    _check_say skip 'not asked: no web server named' "$needed"
  elif [[ ! $skew =~ ^[+-]?[0-9]{1,12}$ ]]; then
    _check_say warn 'not measured: no Date came from the web server' "$needed"
  else
    skew=${skew#+}
    ((${skew#-} <= CHECK_WARN_SKEW_S)) || status=warn
    ((${skew#-} <= CHECK_MAX_SKEW_S)) || status=fail
    _check_say "$status" "$skew s off" "$needed"
  fi
}

check_files() {
  local soft hard status=ok needed="$CHECK_WARN_FILES; hard limit $CHECK_MIN_FILES at least"
  if ! resources_limit 'Max open files'; then
    _check_say warn 'not measured' "$needed"
    return
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
    return
  fi
  soft=${REPLY% *} hard=${REPLY#* } found="soft limit $soft, hard $hard"
  least=${hard/unlimited/}
  if resources_pids; then
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
        return
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
    return
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

# --- names and collectors ------------------------------------------------------------------

# Names are looked up and ports are tried by jobs, each of which writes one line "ID MS VERDICT"
# into a pipe. VERDICT is ok, or the reason.

# _check_probes_start - start looking up our own name and the web server's, and trying collectors
_check_probes_start() {
  local i end host
  _CHECK_PIPE='' _CHECK_COLLECTOR_ERROR=''
  declare -ga _CHECK_PROBE_PID=() _CHECK_PROBE_WHAT=() _CHECK_PROBE_SAID=() _CHECK_PROBE_MS=()
  declare -ga _CHECK_GROUP=() _CHECK_GROUP_SIZE=()
  clock_ms
  _CHECK_NETWORK_STARTED=$REPLY
  config_get GLIDEIN_Collector ''
  check_collectors "$REPLY" || _CHECK_COLLECTOR_ERROR=$REPLY
  { exec {_CHECK_PIPE}<> <(:); } 2>/dev/null || {
    _CHECK_PIPE=''
    return 0
  }
  _check_probe_start "own ${HOSTNAME:-localhost}" udp "${HOSTNAME:-localhost}" 9
  host=${OPTION[web]:-}
  if [[ -n $host && ${OPTION[proxy]:-None} == None ]]; then
    host=${host#*://}
    host=${host%%/*}
    host=${host##*@}
    if [[ $host == \[* ]]; then host=${host#\[} host=${host%%\]*}; else host=${host%%:*}; fi
    _check_probe_start "web $host" udp "$host" 9
  fi
  for i in ${_CHECK_GROUP[@]+"${!_CHECK_GROUP[@]}"}; do
    for end in ${_CHECK_GROUP[i]}; do
      _check_probe_start "$i $end" tcp "${end%:*}" "${end##*:}"
    done
  done
}

# check_collectors TEXT - take GLIDEIN_Collector apart: groups by ";", alternatives by ",", each
#   HOST[:PORT|:A-B][?…], a [v6] address or <…>. Sets, for each group, _CHECK_GROUP to some
#   "host:port" of it and _CHECK_GROUP_SIZE to how many it names.
#   Returns 1 with REPLY saying what cannot be understood.
check_collectors() {
  local text=$1 group item host first last size i port
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
      if ! [[ $item =~ ^\<?\[([0-9A-Fa-f:.]+)\](:([0-9]{1,5})(-([0-9]{1,5}))?)?(\?.*|\>)?$ ]] \
        && ! [[ $item =~ ^\<?([A-Za-z0-9._-]+)(:([0-9]{1,5})(-([0-9]{1,5}))?)?(\?.*|\>)?$ ]]; then
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
      # A random few, so that glideins together see all of them.
      for ((port = 0; port < size && port < CHECK_COLLECTORS_PER_GROUP; port++)); do
        ((size <= CHECK_COLLECTORS_PER_GROUP)) || first=$((last - RANDOM % size - port))
        _check_offer "$i" "$host:$((first + port))"
      done
    done
  done
}

# _check_offer GROUP ENDPOINT - one more to try; when there are enough, it may replace another
_check_offer() {
  # shellcheck disable=SC2206  # our own list of words
  local -a ends=(${_CHECK_GROUP[$1]})
  [[ " ${_CHECK_GROUP[$1]} " != *" $2 "* ]] || return 0
  if ((${#ends[@]} < CHECK_COLLECTORS_PER_GROUP)); then
    ends+=("$2")
  elif ((RANDOM % 2)); then
    ends[RANDOM % ${#ends[@]}]=$2
  fi
  _CHECK_GROUP[$1]=${ends[*]}
}

# _check_probe_start WHAT tcp|udp HOST PORT - a udp probe looks a name up and sends nothing
_check_probe_start() {
  local id=${#_CHECK_PROBE_WHAT[@]}
  _CHECK_PROBE_WHAT+=("$1") _CHECK_PROBE_SAID+=('') _CHECK_PROBE_MS+=(0)
  job_start _check_probe "$id" "${@:2}"
  _CHECK_PROBE_PID+=("$JOB_PID")
}

_check_probe() {
  local said start
  clock_ms
  start=$REPLY
  said=$(exec 2>&1 && { :; } 3<>"/dev/$2/$3/$4" && printf ok)
  case $said in
    ok) ;;
    *'not known'* | *'name resolution'* | *'No address'* | *nodename* | *'Unknown host'*)
      said='name does not resolve'
      ;;
    */dev/*'No such file'*) said='this bash cannot open connections' ;;
    *) said=${said##*: } ;;
  esac
  clock_ms
  printf '%s %s %s\n' "$1" "$((REPLY - start))" "${said:-failed}" >&"$_CHECK_PIPE"
}

# _check_probes_end - wait for what was started, as long as it can change a result; then say
#   the results names and collector
_check_probes_end() {
  local now left wait id ms said
  while [[ -n $_CHECK_PIPE ]] && ! _check_probes_decided; do
    clock_ms
    now=$REPLY left=$((_CHECK_NETWORK_STARTED + CHECK_NETWORK_S * 1000 - now))
    ((left > 0)) || break
    printf -v wait '%d.%03d' "$((left / 1000))" "$((left % 1000))"
    read -r -t "$wait" -u "$_CHECK_PIPE" id ms said || continue
    _CHECK_PROBE_MS[id]=$ms _CHECK_PROBE_SAID[id]=$said
  done
  for id in ${_CHECK_PROBE_PID[@]+"${!_CHECK_PROBE_PID[@]}"}; do
    if [[ -n ${_CHECK_PROBE_SAID[id]} ]]; then
      job_wait "${_CHECK_PROBE_PID[id]}"
    else
      job_end "${_CHECK_PROBE_PID[id]}"
      clock_ms
      _CHECK_PROBE_MS[id]=$((REPLY - _CHECK_NETWORK_STARTED))
    fi
  done
  [[ -z $_CHECK_PIPE ]] || { exec {_CHECK_PIPE}>&-; } 2>/dev/null
  _check_run names _check_names
  _check_run collector _check_collector
}

# _check_probes_decided - no answer that is still to come would change a result
_check_probes_decided() {
  local id group
  local -A reached=()
  for id in "${!_CHECK_PROBE_WHAT[@]}"; do
    group=${_CHECK_PROBE_WHAT[id]%% *}
    [[ ${_CHECK_PROBE_SAID[id]} != ok ]] || reached[$group]=1
  done
  for id in "${!_CHECK_PROBE_WHAT[@]}"; do
    group=${_CHECK_PROBE_WHAT[id]%% *}
    [[ -n ${_CHECK_PROBE_SAID[id]} || ${reached[$group]+x} ]] || return 1
  done
}

# _check_names - our own name, the web server's, and those of the collectors that were tried
_check_names() {
  local id what said found='' status=ok ms=0 bad='' good
  local -A resolved=()
  if [[ -z $_CHECK_PIPE ]]; then
    _check_say warn 'not measured: this system has no /dev/fd' 'names that resolve'
    return
  fi
  for id in "${!_CHECK_PROBE_WHAT[@]}"; do
    what=${_CHECK_PROBE_WHAT[id]} said=${_CHECK_PROBE_SAID[id]}
    ((_CHECK_PROBE_MS[id] <= ms)) || ms=${_CHECK_PROBE_MS[id]}
    case $what,$said in
      [0-9]*,'name does not resolve') bad+=" ${what%% *}" found+="; ${what#* }: $said" ;;
      [0-9]*) resolved[${what%% *}]=1 ;;
      *,'name does not resolve') status=warn found+="; ${what/ / host }: $said" ;;
      *,) status=warn found+="; ${what/ / host }: no answer in $CHECK_NETWORK_S s" ;;
      *,'this bash'*) status=warn found+="; ${what/ / host }: not measured: $said" ;;
      *) found+="; ${what/ / host }: resolves" ;;
    esac
  done
  for good in $bad; do
    [[ $status == fail ]] || status=warn
    [[ ${resolved[$good]+x} ]] || status=fail
  done
  _check_say "$status" "${found#; }" 'own name, web server and collectors resolve' "$ms"
}

# _check_collector - each group needs one that answers on its port
_check_collector() {
  local i id what said status=ok found='' ms=0 reached reasons tried more
  local needed='of each group one that accepts connections'
  if [[ -n $_CHECK_COLLECTOR_ERROR ]]; then
    _check_say fail "$_CHECK_COLLECTOR_ERROR" "$needed"
    return
  elif [[ ! ${_CHECK_GROUP[0]+x} ]]; then
    _check_say skip 'not asked: no collector named' "$needed"
    return
  elif [[ -z $_CHECK_PIPE ]]; then
    _check_say warn 'not measured: this system has no /dev/fd' "$needed"
    return
  fi
  for i in "${!_CHECK_GROUP[@]}"; do
    reached='' reasons='' tried=0
    for id in "${!_CHECK_PROBE_WHAT[@]}"; do
      what=${_CHECK_PROBE_WHAT[id]} said=${_CHECK_PROBE_SAID[id]:-no answer in $CHECK_NETWORK_S s}
      [[ ${what%% *} == "$i" ]] || continue
      tried=$((tried + 1))
      ((_CHECK_PROBE_MS[id] <= ms)) || ms=${_CHECK_PROBE_MS[id]}
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
  said=$("$1" --version 2>&1 </dev/null)
  case $? in
    126 | 127 | 129 | 13? | 14?)
      said=${said##*$'\n'}
      REPLY=${said##*: }
      REPLY=${REPLY:-ended by a signal}
      return 1
      ;;
  esac
}
