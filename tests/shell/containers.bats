#!/usr/bin/env bats
# containers.sh with stand-ins for apptainer: who wants what, which image, which program, which part of it a
# site forbids, and what a refusal says. features/containers.feature has the real one.
# shellcheck disable=SC2016,SC2329  # stubs are text

bats_require_minimum_version 1.5.0

setup() {
  load helper
  for module in log clock config job knob cvmfs containers; do
    # shellcheck source=/dev/null
    source "$LIB/$module.sh"
  done
  report_fact() { FACTS+=("$1=$2"); }
  FACTS=()
  WORK=$PWD/work CVMFS_MOUNT_DIR=$PWD/cvmfs CVMFS_WAIT_S=5 RESOURCES_ROOT=$PWD CONTAINERS_OSG=/nowhere MODULESHOME=/nowhere
  unset LMOD_PKG OSG_SINGULARITY_BINARY GLIDEIN_SINGULARITY_BINARY_OVERRIDE
  mkdir -p work/.glidein cvmfs/images.org/el9
  IMAGE=$CVMFS_MOUNT_DIR/images.org/el9
}

# knobs - write what HTCondor is told to work/knobs
knobs() {
  knob_begin test
  containers_configure
  printf '%s' "$KNOB_TEXT" >work/knobs
}

# program PATH REFUSES [VERSION] - a stand-in that runs images unless its command line matches REFUSES
program() {
  mkdir -p "${1%/*}"
  cat >"$1" <<END
#!/bin/bash
echo "\$*" >>"$PWD/asked"
case "\$1" in
  --version) echo "${3-apptainer version 1.4.5-2}" ;;
  buildcfg) echo "LIBEXECDIR=$PWD/libexec" ;;
  exec)
    refuses='$2'
    if [[ " \$* " =~ \$refuses ]]; then echo "FATAL: not permitted here" >&2; exit 255; fi
    echo works: 1
    ;;
esac
END
  chmod +x "$1"
}

wish() {
  config_set GLIDEIN_Singularity_Use "$1"
  config_set GLIDEIN_SINGULARITY_REQUIRE "$2"
  config_set SINGULARITY_IMAGES_DICT "default:$IMAGE"
}

# set_to KEY VALUE - is that in the configuration?
set_to() {
  config_get "$1" '(unset)'
  [[ $REPLY == "$2" ]] || {
    echo "$1: '$REPLY', expected '$2'"
    return 1
  }
}

@test "containers: the two wishes, all thirty combinations" {
  while read -r factory disable never optional preferred required; do
    for pair in "DISABLE_GWMS $disable" "NEVER $never" "OPTIONAL $optional" "PREFERRED $preferred" "REQUIRED $required"; do
      containers_combine "${pair% *}" "$factory"
      [[ ${REPLY%% *} == "${pair#* }" ]] || {
        echo "${pair% *} x $factory: $REPLY, expected ${pair#* }"
        return 1
      }
    done
  done <<'END'
NEVER         DISABLE NEVER NEVER     NEVER     FAIL
OPTIONAL      DISABLE NEVER NEVER     PREFERRED REQUIRED
PREFERRED     DISABLE NEVER PREFERRED PREFERRED REQUIRED
REQUIRED      DISABLE FAIL  REQUIRED  REQUIRED  REQUIRED
REQUIRED_GWMS FAIL    FAIL  REQUIRED  REQUIRED  REQUIRED
END
  containers_combine MAYBE OPTIONAL && [[ $REPLY == 'FAIL GLIDEIN_Singularity_Use: expected'*"'MAYBE'" ]]
  containers_combine NEVER DISABLE_GWMS && [[ $REPLY == 'FAIL GLIDEIN_SINGULARITY_REQUIRE: expected'* ]]
}

@test "containers: where nobody asks, nothing is tried and nothing said" {
  program bin/apptainer none
  containers_setup
  set_to HAS_SINGULARITY '(unset)'
  knobs
  [[ ! -e asked && $(<work/knobs) == '# test' ]]
}

@test "containers: one that works is offered to HTCondor and to wrappers" {
  program bin/apptainer none
  wish PREFERRED OPTIONAL
  containers_setup
  set_to HAS_SINGULARITY True
  set_to GWMS_SINGULARITY_STATUS PREFERRED
  for name in SINGULARITY GWMS_SINGULARITY CONTAINERSW GWMS_CONTAINERSW; do
    set_to "${name}_PATH" "$PWD/bin/apptainer"
    set_to "${name}_VERSION" 1.4.5
    set_to "${name}_FULL_VERSION" 1.4.5-2
    set_to "${name}_MODE" unprivileged
  done
  set_to GLIDEIN_PROVIDES singularity/unprivileged
  knobs
  grep -qx "SINGULARITY = $PWD/bin/apptainer" work/knobs
  grep -qx 'SINGULARITY_USE_PID_NAMESPACES = True' work/knobs
  grep -qx 'SINGULARITY_RUN_TEST_BEFORE_JOB = False' work/knobs
  run ! grep HasSIF work/knobs # its image is a folder
  grep -qx "SINGULARITY_BIND_EXPR = \"$CVMFS_MOUNT_DIR\"" work/knobs
  grep -q -- '^exec --contain --ipc --no-home --pid --bind '"$CVMFS_MOUNT_DIR $IMAGE /bin/sh" asked
  [[ " ${FACTS[*]} " == *" containers.mode=unprivileged containers.image=$IMAGE "* ]]
}

@test "containers: what a site forbids is left out, and told" {
  while IFS=';' read -r refuses pid extra binds; do
    rm -f asked
    program bin/apptainer "$refuses"
    wish REQUIRED OPTIONAL
    containers_setup
    knobs
    grep -qx "SINGULARITY_USE_PID_NAMESPACES = $pid" work/knobs
    expected=''
    [[ -z $binds ]] || expected+="SINGULARITY_BIND_EXPR = \"$binds\" "
    [[ -z $extra ]] || expected+="SINGULARITY_EXTRA_ARGUMENTS = $extra "
    [[ $(grep -E 'BIND|EXTRA' work/knobs | tr '\n' ' ') == "$expected" ]]
  done <<END
--pid;False;;$CVMFS_MOUNT_DIR
--bind;True;;
--no-home (--pid|--bind|/);True;--userns;$CVMFS_MOUNT_DIR
(--pid|--bind);False;;
END
}

@test "containers: a program with its set-user-id part is privileged" {
  program bin/singularity none 'singularity-ce version 4.1.0'
  mkdir -p libexec/singularity/bin
  touch libexec/singularity/bin/starter-suid
  chmod u+s libexec/singularity/bin/starter-suid
  wish PREFERRED PREFERRED
  containers_setup
  set_to SINGULARITY_MODE privileged
  set_to SINGULARITY_VERSION 4.1.0
}

@test "containers: a refusal names the test and the command; REQUIRED then fails, PREFERRED does without" {
  program bin/apptainer exec
  wish REQUIRED OPTIONAL
  run -1 containers_setup
  [[ $output == *"$PWD/bin/apptainer: test \"run\" failed: status=255: FATAL: not permitted here; try: $PWD/bin/apptainer exec --contain --ipc --no-home --pid --bind $CVMFS_MOUNT_DIR $IMAGE /bin/sh -c echo\\ works"* ]]
  wish PREFERRED OPTIONAL
  containers_setup
  set_to HAS_SINGULARITY False
  knobs
  grep -qx "SINGULARITY = $WORK/.glidein/no_singularity" work/knobs
  [[ ${FACTS[*]} == *'containers.refused='*'test "run"'* ]]
}

@test "containers: one that hangs is not waited for, nor tried in every way" {
  program bin/apptainer none
  sed -i 's/^  exec)/&\n    sleep 60/' bin/apptainer
  CONTAINERS_TRY_S=1
  wish PREFERRED OPTIONAL
  SECONDS=0
  containers_setup 2>log
  [[ $SECONDS -lt 30 && $(grep -c '^exec' asked) == 1 ]]
  grep -q 'status=124: no end' log
}

@test "containers: one that does not execute, and one that tells no version" {
  program a/apptainer none 'hello'
  printf '#!/nowhere\n' >bin/apptainer
  chmod +x bin/apptainer
  config_set SINGULARITY_BIN "$PWD/a"
  wish PREFERRED OPTIONAL
  containers_setup 2>log
  grep -q 'a/apptainer: test "version" failed: status=0: hello; try: .*a/apptainer --version' log
  grep -q 'bin/apptainer: test "version" failed: status=12[67]' log
}

@test "containers: the order of the places, the first that works wins" {
  CONDOR_DIR=$PWD/condor
  for place in over wish osg condor/bin; do program "$place/singularity" none; done
  program bin/apptainer none
  config_set GLIDEIN_SINGULARITY_BINARY_OVERRIDE "$PWD/over"
  config_set OSG_SINGULARITY_BINARY "$PWD/osg/singularity"
  order() {
    _containers_candidates
    [[ "${_CONTAINERS_CANDIDATES[*]//$PWD\//}" == "$1" ]] || {
      echo "${_CONTAINERS_CANDIDATES[*]}"
      return 1
    }
  }
  order 'over/singularity bin/apptainer condor/bin/singularity osg/singularity'
  config_set SINGULARITY_BIN "$PWD/wish"
  order 'over/singularity wish/singularity bin/apptainer condor/bin/singularity osg/singularity'
  config_set SINGULARITY_BIN OSG
  order 'over/singularity osg/singularity bin/apptainer condor/bin/singularity'
  config_set SINGULARITY_BIN CONDOR
  order 'over/singularity condor/bin/singularity bin/apptainer osg/singularity'
  program over/singularity exec
  wish PREFERRED OPTIONAL
  containers_setup
  set_to SINGULARITY_PATH "$PWD/condor/bin/singularity"
}

@test "containers: images and what may be used of them" {
  mkdir plain.sif
  while IFS='|' read -r dict restrictions image; do
    config_set SINGULARITY_IMAGES_DICT "$dict"
    config_set SINGULARITY_IMAGE_RESTRICTIONS "$restrictions"
    if [[ $image == -* ]]; then
      run -1 containers_image
      containers_image || :
      [[ $REPLY == *"${image#-}"* ]] || {
        echo "$dict|$restrictions: $REPLY"
        return 1
      }
    else
      containers_image
      [[ $CONTAINERS_IMAGE == "$image" ]]
    fi
  done <<END
rhel8:$IMAGE,default:$IMAGE/|cvmfs|$IMAGE/
rhel7:$IMAGE|cvmfs|$IMAGE
special:$IMAGE|cvmfs|-names none
special:$IMAGE|any|$IMAGE
default:$PWD/plain.sif|cvmfs|-is not in $CVMFS_MOUNT_DIR
default:$PWD/plain.sif|none|$PWD/plain.sif
default:docker://registry/el9:latest|any|-no word remote
default:docker://registry/el9:latest|any,remote|docker://registry/el9:latest
default:$PWD/missing.sif|any|-try: ls
default:$CVMFS_MOUNT_DIR/dead.org/x|cvmfs|-CVMFS does not answer
END
}

@test "containers: the older names of images still count" {
  config_set SINGULARITY_IMAGE_DEFAULT7 "$IMAGE"
  containers_image
  [[ $CONTAINERS_IMAGE == "$IMAGE" ]]
  set_to SINGULARITY_IMAGES_DICT "rhel7:$IMAGE"
}

@test "containers: of what is to be bound, what is there" {
  mkdir data
  config_set GLIDEIN_SINGULARITY_BINDPATH "$PWD/data:/data:ro,/nowhere,\$(id)"
  config_set GLIDEIN_SINGULARITY_BINDPATH_DEFAULT '/nowhere/else,/etc'
  _containers_binds 2>log
  [[ $REPLY == "--bind $PWD/data:/data:ro,/etc" ]]
  grep -q 'not there: /nowhere (GLIDEIN_SINGULARITY_BINDPATH)' log
}
