# shellcheck shell=bash
# containers.sh - find an apptainer or singularity that works here, by running one; offer it to HTCondor
# and to the job wrappers of communities.
#
# What Frontend and factory want decides whether one is looked for at all (containers_combine). A candidate
# has to run an image the way jobs will: with a process and an IPC namespace of its own, nothing of the
# node but what is bound. Where a site forbids a part of that, the rest is tried without it, and said.
# Every refusal names the test that failed and has the command with which to try it by hand.
#
# Needs:     log.sh job.sh config.sh report.sh cvmfs.sh knob.sh
# Reads:     WORK, CONDOR_DIR, CVMFS_MOUNT_DIR, and the keys
#            GLIDEIN_Singularity_Use      the Frontend's wish; GLIDEIN_SINGULARITY_REQUIRE  the factory's
#            SINGULARITY_IMAGES_DICT      key:image,…; SINGULARITY_IMAGE_DEFAULT, …DEFAULT6, …DEFAULT7: older names
#            SINGULARITY_IMAGE_RESTRICTIONS  of cvmfs, remote, any; or none (unset: cvmfs)
#            SINGULARITY_BIN              a program, or where to look first: PATH, OSG, CONDOR
#            GLIDEIN_SINGULARITY_BINARY_OVERRIDE, OSG_SINGULARITY_BINARY  programs; also in the environment
#            GLIDEIN_SINGULARITY_BINDPATH[_DEFAULT]  SOURCE[:DEST[:OPTIONS]],…: what containers shall see
# Sets:      CONTAINERS_{STATUS,PATH,VERSION,MODE,IMAGE,REFUSED}

: "${CONTAINERS_TRY_S:=30}"   # seconds for one try with an image that is on a disk
: "${CONTAINERS_PULL_S:=300}" # seconds where the image has to come from a registry
: "${CONTAINERS_OSG:=/cvmfs/oasis.opensciencegrid.org/mis/singularity/bin/singularity}"

CONTAINERS_STATUS='' CONTAINERS_PATH='' CONTAINERS_VERSION='' CONTAINERS_MODE='' CONTAINERS_IMAGE='' CONTAINERS_REFUSED=''
_CONTAINERS_WHY='' _CONTAINERS_LINES=()

# containers_setup - decide, look, try, and note the result in the configuration, in report and log.
#   Returns:  0
#             1  a container is required and none works, or the two wishes contradict each other
containers_setup() {
  local frontend factory why
  config_get GLIDEIN_Singularity_Use DISABLE_GWMS
  frontend=${REPLY:-DISABLE_GWMS}
  config_get GLIDEIN_SINGULARITY_REQUIRE OPTIONAL
  factory=${REPLY:-OPTIONAL}
  containers_combine "$frontend" "$factory"
  CONTAINERS_STATUS=${REPLY%% *} why=${REPLY#* }
  report_fact containers.status "$CONTAINERS_STATUS"
  case $CONTAINERS_STATUS in
    FAIL) log_fail 1 "containers: $why (Frontend: $frontend, factory: $factory)" || return $? ;;
    DISABLE) return 0 ;;
    NEVER)
      config_set HAS_SINGULARITY False
      return 0
      ;;
  esac
  if containers_image && containers_find "$CONTAINERS_IMAGE"; then
    _containers_offer
    return $?
  fi
  why=$REPLY
  report_fact containers.refused "$why"
  config_set HAS_SINGULARITY False
  # HTCondor would take any that tells its version for one that works.
  _containers_knobs 'none works here' "SINGULARITY = $WORK/.glidein/no_singularity" || return 1
  [[ $CONTAINERS_STATUS != REQUIRED ]] \
    || log_fail 1 "a container is required, and none works here: $why" || return $?
  log_warn "jobs run without containers: $why"
}

# containers_combine FRONTEND FACTORY - set REPLY to "STATUS why":
#   FAIL       the wishes contradict each other    DISABLE  the Frontend does without our help
#   NEVER      no containers                       PREFERRED, REQUIRED  look for one
containers_combine() {
  case $1 in
    DISABLE_GWMS | NEVER | OPTIONAL | PREFERRED | REQUIRED) ;;
    *) REPLY="FAIL GLIDEIN_Singularity_Use: expected DISABLE_GWMS, NEVER, OPTIONAL, PREFERRED or REQUIRED, got '$1'" && return 0 ;;
  esac
  case $2 in
    NEVER | OPTIONAL | PREFERRED | REQUIRED | REQUIRED_GWMS) ;;
    *) REPLY="FAIL GLIDEIN_SINGULARITY_REQUIRE: expected NEVER, OPTIONAL, PREFERRED, REQUIRED or REQUIRED_GWMS, got '$2'" && return 0 ;;
  esac
  case $1/$2 in
    DISABLE_GWMS/REQUIRED_GWMS) REPLY='FAIL the factory requires that the glidein sets up containers, and the Frontend forbids it' ;;
    DISABLE_GWMS/*) REPLY='DISABLE the Frontend does without' ;;
    NEVER/REQUIRED | NEVER/REQUIRED_GWMS) REPLY='FAIL the factory requires containers, and the Frontend wants none' ;;
    NEVER/*) REPLY='NEVER the Frontend wants none' ;;
    REQUIRED/NEVER) REPLY='FAIL the Frontend requires containers, and the factory forbids them' ;;
    REQUIRED/* | */REQUIRED | */REQUIRED_GWMS) REPLY='REQUIRED one of them requires it' ;;
    */NEVER | OPTIONAL/OPTIONAL) REPLY='NEVER nobody prefers containers' ;;
    *) REPLY='PREFERRED if one works' ;;
  esac
}

# containers_image - choose the image to try: CONTAINERS_IMAGE.
#   Returns:  0;  1  none may be used, and REPLY says why
containers_image() {
  local dict pair key restrictions first=''
  local -A images=()
  config_get SINGULARITY_IMAGES_DICT ''
  dict=$REPLY
  for pair in default:SINGULARITY_IMAGE_DEFAULT rhel6:SINGULARITY_IMAGE_DEFAULT6 rhel7:SINGULARITY_IMAGE_DEFAULT7; do
    config_get "${pair#*:}" ''
    [[ -z $REPLY || ,$dict == *",${pair%%:*}:"* ]] || dict+="${dict:+,}${pair%%:*}:$REPLY"
  done
  config_set SINGULARITY_IMAGES_DICT "$dict"
  config_get SINGULARITY_IMAGE_RESTRICTIONS cvmfs
  restrictions=" ${REPLY//[,:]/ } "
  [[ $restrictions != *' none '* ]] || restrictions=' any remote '
  while [[ -n $dict ]]; do
    pair=${dict%%,*}
    if [[ $dict == *,* ]]; then dict=${dict#*,}; else dict=''; fi
    [[ $pair == ?*:?* ]] || continue
    images[${pair%%:*}]=${pair#*:}
    : "${first:=${pair%%:*}}"
  done
  CONTAINERS_IMAGE=''
  for key in default rhel9 rhel8 rhel7 rhel6; do
    [[ -z ${images[$key]-} ]] || { CONTAINERS_IMAGE=${images[$key]} && break; }
  done
  if [[ -z $CONTAINERS_IMAGE && $restrictions == *' any '* && -n $first ]]; then CONTAINERS_IMAGE=${images[$first]}; fi
  [[ -n $CONTAINERS_IMAGE ]] || { REPLY='test "image": SINGULARITY_IMAGES_DICT names none for default, rhel9, rhel8, rhel7 or rhel6' && return 1; }
  [[ $restrictions != *' cvmfs '* || $CONTAINERS_IMAGE == "$CVMFS_MOUNT_DIR"/* ]] \
    || { REPLY="test \"image\": $CONTAINERS_IMAGE is not in $CVMFS_MOUNT_DIR, and SINGULARITY_IMAGE_RESTRICTIONS wants that" && return 1; }
  if [[ $CONTAINERS_IMAGE =~ ^[a-z][a-z0-9+.-]*:// ]]; then
    [[ $restrictions == *' remote '* ]] \
      || { REPLY="test \"image\": $CONTAINERS_IMAGE is in a registry, and SINGULARITY_IMAGE_RESTRICTIONS has no word remote" && return 1; }
    return 0
  fi
  cvmfs_reachable "$CONTAINERS_IMAGE" || { REPLY="test \"image\": $CONTAINERS_IMAGE: CVMFS does not answer; try: ls $CONTAINERS_IMAGE" && return 1; }
  [[ -e $CONTAINERS_IMAGE ]] || { REPLY="test \"image\": $CONTAINERS_IMAGE is not there; try: ls $CONTAINERS_IMAGE" && return 1; }
}

# containers_find IMAGE - try all candidates with IMAGE until one works: CONTAINERS_{PATH,VERSION,MODE}, and the
#   options that it needs in _CONTAINERS_OPTIONS.
#   Returns:  0;  1  none works, and REPLY says why of each
containers_find() {
  local path tried=$'\n'
  CONTAINERS_REFUSED=''
  _containers_candidates
  for path in ${_CONTAINERS_CANDIDATES[@]+"${_CONTAINERS_CANDIDATES[@]}"}; do
    [[ -n $path && $tried != *$'\n'"$path"$'\n'* ]] || continue
    tried+=$path$'\n'
    if _containers_works "$path" "$1"; then
      CONTAINERS_PATH=$path
      return 0
    fi
    log_info "container program refused: $path: $REPLY"
    CONTAINERS_REFUSED+="${CONTAINERS_REFUSED:+; }$path: $REPLY"
  done
  REPLY=${CONTAINERS_REFUSED:-'test "program": neither apptainer nor singularity in PATH, with HTCondor, or in the places that were named'}
  return 1
}

# _containers_candidates - set _CONTAINERS_CANDIDATES to the programs worth a try, in order
_containers_candidates() {
  local wish word name path=() osg condor=() places='path condor modules osg'
  _CONTAINERS_CANDIDATES=()
  config_get GLIDEIN_SINGULARITY_BINARY_OVERRIDE "${GLIDEIN_SINGULARITY_BINARY_OVERRIDE:-}"
  _containers_program "$REPLY"
  config_get SINGULARITY_BIN ''
  wish=$REPLY
  config_get OSG_SINGULARITY_BINARY "${OSG_SINGULARITY_BINARY:-$CONTAINERS_OSG}"
  osg=$REPLY
  for name in apptainer singularity; do
    word=$(type -P "$name") && path+=("$word")
    for word in bin usr/bin; do
      [[ ! -x ${CONDOR_DIR:-}/$word/$name ]] || condor+=("$CONDOR_DIR/$word/$name")
    done
  done
  case $wish in
    PATH | '') ;;
    OSG) places='osg path condor modules' ;;
    CONDOR) places='condor path modules osg' ;;
    *) _containers_program "$wish" ;;
  esac
  for word in $places; do
    case $word in
      path) _CONTAINERS_CANDIDATES+=(${path[@]+"${path[@]}"}) ;;
      condor) _CONTAINERS_CANDIDATES+=(${condor[@]+"${condor[@]}"}) ;;
      modules) _containers_modules ;;
      osg) _containers_program "$osg" ;;
    esac
  done
}

# _containers_program TEXT - add the program that TEXT means: itself, or the one in that folder
_containers_program() {
  local name
  [[ $1 == /* ]] && cvmfs_reachable "$1" || return 0
  if [[ -d $1 ]]; then
    for name in apptainer singularity; do
      [[ ! -x $1/$name ]] || _CONTAINERS_CANDIDATES+=("$1/$name")
    done
  elif [[ -x $1 ]]; then
    _CONTAINERS_CANDIDATES+=("$1")
  fi
}

# _containers_modules - add what environment modules would bring; their shell functions are the site's code,
#   so they run in a shell of their own
_containers_modules() {
  local name said init=${MODULESHOME:-/usr/share/modules}/init/bash
  [[ ! -r ${LMOD_PKG:-/nowhere}/init/bash ]] || init=$LMOD_PKG/init/bash
  [[ -r $init ]] || return 0
  for name in singularitypro singularity; do
    # shellcheck disable=SC2016  # for the other shell
    said=$(job_limited 10 "$BASH" -c '. "$0" && module load "$1" && { type -P apptainer || type -P singularity; }' \
      "$init" "$name" 2>/dev/null) && [[ ${said##*$'\n'} == /* ]] && _CONTAINERS_CANDIDATES+=("${said##*$'\n'}")
  done
  return 0
}

# _containers_works PROGRAM IMAGE - does it run IMAGE? Sets CONTAINERS_{VERSION,MODE} and _CONTAINERS_OPTIONS.
#   Returns:  0;  1  REPLY says which test failed, and how to try by hand
_containers_works() {
  local said status options limit=$CONTAINERS_TRY_S why='' bind
  [[ $2 != *://* ]] || limit=$CONTAINERS_PULL_S
  said=$(job_limited 10 "$1" --version 2>&1)
  status=$?
  if ((status != 0)) || [[ ! $said =~ version[[:space:]]+([0-9][A-Za-z0-9.+~-]*) ]]; then
    _containers_refusal version "$status" "$said" "$1" --version
    return 1
  fi
  CONTAINERS_VERSION=${BASH_REMATCH[1]}
  _containers_binds
  bind=$REPLY
  # In this order: all; without a process namespace; with a user namespace where the program would use its
  # set-user-id part; without what sites may forbid to bind.
  for options in "--pid $bind" "$bind" "--userns --pid $bind" "--userns $bind" '--pid' '' '--userns --pid' --userns; do
    options=${options%% }
    # shellcheck disable=SC2086  # words of options
    said=$(job_limited "$limit" _containers_run "$1" exec --contain --ipc --no-home $options "$2" /bin/sh -c 'echo works: $$' 2>&1)
    status=$?
    if [[ $status == 0 && $said == *'works: '* ]]; then
      [[ -z $why ]] || log_info "$1 works with these options only: $options (else: $why)"
      _CONTAINERS_OPTIONS=$options
      CONTAINERS_MODE=unprivileged
      if [[ $options != *--userns* ]] && _containers_setuid "$1"; then CONTAINERS_MODE=privileged; fi
      return 0
    fi
    # shellcheck disable=SC2086
    _containers_refusal run "$status" "$said" "$1" exec --contain --ipc --no-home $options "$2" /bin/sh -c 'echo works'
    : "${why:=$REPLY}"
    ((status != 124)) || break # one that hangs does so each time
    [[ -n $bind || $options != '--userns' ]] || break
  done
  REPLY=$why
  return 1
}

# _containers_run PROGRAM ARGUMENT... - the job that tries: its files go where ours are
_containers_run() {
  export APPTAINER_CACHEDIR=$WORK/tmp/containers SINGULARITY_CACHEDIR=$WORK/tmp/containers
  mkdir -p -- "$WORK/tmp/containers"
  cd -- "$WORK" && exec "$@"
}

# _containers_refusal TEST STATUS SAID WORD... - set REPLY to words for it
_containers_refusal() {
  local test=$1 status=$2 said=$3 by_hand
  shift 3
  printf -v by_hand '%q ' "$@"
  ((status != 124)) || said='no end'
  said=${said//$'\e'\[*([0-9;])m/}
  said=${said//$'\n'/ }
  said=${said//[^[:print:]]/}
  ((${#said} <= 300)) || said=...${said:${#said}-300}
  REPLY="test \"$test\" failed: status=$status: ${said:-it said nothing}; try: ${by_hand% }"
}

# _containers_setuid PROGRAM - does it have its set-user-id part?
_containers_setuid() {
  local said name
  said=$(job_limited 10 "$1" buildcfg 2>/dev/null)
  [[ $said =~ LIBEXECDIR=([^$'\n']+) ]] || return 1
  for name in apptainer singularity; do
    [[ ! -u ${BASH_REMATCH[1]}/$name/bin/starter-suid ]] || return 0
  done
  return 1
}

# _containers_binds - set REPLY to options that bind what jobs shall see: CVMFS where it answers, and what
#   the factory names, as far as it is there; _CONTAINERS_BINDS to the paths alone
_containers_binds() {
  local item key source
  _CONTAINERS_BINDS=''
  [[ -z $CVMFS_ANSWERS ]] || _CONTAINERS_BINDS=$CVMFS_MOUNT_DIR
  for key in GLIDEIN_SINGULARITY_BINDPATH GLIDEIN_SINGULARITY_BINDPATH_DEFAULT; do
    config_get "$key" ''
    while IFS= read -r -d, item; do
      source=${item%%:*}
      [[ $item =~ ^/[A-Za-z0-9/._+@=:~-]*$ && ,$_CONTAINERS_BINDS, != *",$item,"* ]] || continue
      if cvmfs_reachable "$source" && [[ -e $source ]]; then
        _CONTAINERS_BINDS+="${_CONTAINERS_BINDS:+,}$item"
      elif [[ $key != *_DEFAULT ]]; then
        log_warn "not bound into containers, since it is not there: $source ($key)"
      fi
    done <<<"$REPLY,"
  done
  REPLY=${_CONTAINERS_BINDS:+--bind $_CONTAINERS_BINDS}
}

# _containers_offer - tell HTCondor, scripts, slots and the report what was found
_containers_offer() {
  local name full provides pid=True binds=$_CONTAINERS_BINDS extra='' sandbox=${CONDOR_DIR:-/nowhere}/libexec/singularity_test_sandbox
  [[ $_CONTAINERS_OPTIONS == *--pid* ]] || pid=False
  [[ $_CONTAINERS_OPTIONS == *--bind* ]] || binds=''
  [[ $_CONTAINERS_OPTIONS != *--userns* ]] || extra='--userns'
  full=$CONTAINERS_VERSION
  config_set HAS_SINGULARITY True
  config_set GWMS_SINGULARITY_STATUS "$CONTAINERS_STATUS"
  config_set GWMS_SINGULARITY_IMAGE "$CONTAINERS_IMAGE"
  config_set GLIDEIN_REQUIRED_OS any
  for name in SINGULARITY GWMS_SINGULARITY CONTAINERSW GWMS_CONTAINERSW; do
    config_set "${name}_PATH" "$CONTAINERS_PATH"
    config_set "${name}_VERSION" "${CONTAINERS_VERSION%%[-+~]*}"
    config_set "${name}_FULL_VERSION" "$full"
    config_set "${name}_MODE" "$CONTAINERS_MODE"
  done
  config_get GLIDEIN_PROVIDES ''
  provides=$REPLY
  config_set GLIDEIN_PROVIDES "${provides:+$provides,}singularity/$CONTAINERS_MODE"
  for name in path version mode image; do
    full=CONTAINERS_${name^^}
    report_fact "containers.$name" "${!full}"
  done
  report_fact containers.pid_namespaces "$pid"
  report_fact containers.options "$_CONTAINERS_OPTIONS"
  [[ -z $CONTAINERS_REFUSED ]] || report_fact containers.refused "$CONTAINERS_REFUSED"
  log_info "containers: $CONTAINERS_PATH version=$CONTAINERS_VERSION mode=$CONTAINERS_MODE pid_namespaces=$pid image=$CONTAINERS_IMAGE"
  # HTCondor looks for itself, too, with an image of its own: a folder, which our tarball has.
  [[ ! -w $sandbox ]] || mkdir -p -- "$sandbox/dev" "$sandbox/proc"
  # A job's folder below /tmp cannot be mounted at its own name, where a container has a /tmp of its own.
  local lines=("SINGULARITY = $CONTAINERS_PATH" "SINGULARITY_USE_PID_NAMESPACES = $pid" 'SINGULARITY_TARGET_DIR = /srv')
  [[ -z $binds ]] || lines+=("SINGULARITY_BIND_EXPR = \"${binds//,/ }\"")
  [[ -z $extra ]] || lines+=("SINGULARITY_EXTRA_ARGUMENTS = $extra")
  # HTCondor would first run a test that images bring along. One that was only unpacked has none; its job would
  # be sent away and come again, for ever.
  lines+=('SINGULARITY_RUN_TEST_BEFORE_JOB = False')
  _containers_knobs 'tried with an image' "${lines[@]}" || return 1
  # HTCondor tries such an image only where it brings one, and it mostly does not. Images of registries become files.
  # shellcheck disable=SC2016  # HTCondor expands it
  [[ ! -f $CONTAINERS_IMAGE && $CONTAINERS_IMAGE != *://* ]] \
    || _CONTAINERS_LINES+=('HasSIF = True' 'STARTD_ATTRS = $(STARTD_ATTRS) HasSIF')
}

# _containers_knobs WHY LINE... - remember lines of HTCondor's configuration, for containers_configure
_containers_knobs() {
  [[ "$*" != *[\$\\]* ]] || log_fail 1 "not a path for HTCondor's configuration: $*" || return $?
  _CONTAINERS_WHY=$1
  _CONTAINERS_LINES=("${@:2}")
}

# containers_configure - what was found, as facts. Variables of a community come after them, and win: some
#   choose their own binds and arguments for HTCondor's containers.
containers_configure() {
  local line
  ((${#_CONTAINERS_LINES[@]} > 0)) || return 0
  knob_title 'containers'
  for line in "${_CONTAINERS_LINES[@]}"; do
    knob_set "${line%% = *}" "${line#* = }" "detected: $_CONTAINERS_WHY" || return 1
  done
}
