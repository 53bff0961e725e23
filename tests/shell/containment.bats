#!/usr/bin/env bats
# containment.sh: whether our cgroup is ours to divide; and, in a real one that an ordinary user was given,
# what happens to processes and folders.
# shellcheck disable=SC2016  # what is quoted is for another bash

bats_require_minimum_version 1.5.0

setup() {
  load helper
  for module in log config clock job cgroup hints gpus resources containment; do
    # shellcheck source=/dev/null
    source "$LIB/$module.sh"
  done
  # shellcheck disable=SC2329  # containment.sh calls it
  report_fact() { FACTS+=("$1=$2"); }
  FACTS=()
  declare -gA OPTION=()
  WORK=$PWD/work RESOURCES_ROOT=$PWD/root
  mkdir -p work root/proc/self root/sys/fs/cgroup/job/inner
  printf '0::/job\n' >root/proc/self/cgroup
  printf '30 22 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n' >root/proc/self/mountinfo
  touch root/sys/fs/cgroup/cgroup.procs root/sys/fs/cgroup/job/cgroup.{procs,subtree_control,controllers}
}

# refuses REASON - containment_configure leaves all as it is, and says REASON in the report
refuses() {
  containment_configure
  [[ -z $CONTAINMENT_CGROUP && ! -e $WORK/condor_config.d/00_containment && ${FACTS[*]} == "containment.why_not=$1" ]] || {
    printf '%s\n' "${FACTS[@]}"
    return 1
  }
}

@test "containment: not where there is no cgroup of version 2" {
  echo 4:memory:/job >root/proc/self/cgroup
  refuses 'no cgroup of version 2'
}

@test "containment: not where version 1 is in use as well" {
  printf '4:memory:/job\n0::/job\n' >root/proc/self/cgroup
  refuses 'cgroups of version 1 are in use as well'
}

@test "containment: not where the cgroup is somebody else's" {
  rm root/sys/fs/cgroup/job/cgroup.subtree_control
  refuses 'may not write to /sys/fs/cgroup/job/cgroup.subtree_control'
}

@test "containment: not where several glideins share it, nor where it is forbidden" {
  OPTION[multirestart]=2
  refuses 'several glideins share this cgroup'
  unset 'OPTION[multirestart]'
  FACTS=()
  config_set GLIDEIN_Use_Cgroup false
  refuses 'GLIDEIN_Use_Cgroup=FALSE'
}

# What a batch system does: a cgroup for the user nobody, and in it a job, which is the rest of the script
in_a_given_cgroup() {
  needs root unshare setpriv
  chmod 755 "$BATS_RUN_TMPDIR" "${BATS_TEST_TMPDIR%/*}" "$BATS_TEST_TMPDIR" 2>/dev/null
  chown -R nobody work
  cat >batch.sh <<'END'
set -e
mount -t cgroup2 none root/sys/fs/cgroup
job=root/sys/fs/cgroup/glidein-bats-$$
mkdir "$job"
trap 'kill "$other"; wait "$other" || :; rmdir "$job"' EXIT # fails where something is left in it
sleep 1000 & # a process of root's
other=$!
echo "0::/${job##*/}" >root/proc/self/cgroup
chown nobody "$job" "$job"/cgroup.{procs,subtree_control}
(
  echo "$BASHPID" >"$job/cgroup.procs"
  [[ -z ${2-} ]] || echo "$other" >"$job/cgroup.procs"
  exec setpriv --reuid nobody --clear-groups bash "$1"
)
END
  {
    printf 'set -u\nfor m in log config clock job cgroup hints gpus resources containment; do source "%s/$m.sh"; done\n' "$LIB"
    printf 'report_fact() { echo "$1=$2"; }\ndeclare -A OPTION=(); WORK=$PWD/work RESOURCES_ROOT=$PWD/root\n'
    cat
  } >job
  chmod a+r job
  run unshare --mount --propagation private bash batch.sh job "$@"
}

@test "containment: a cgroup that was given to us is divided, and afterwards is as it was" {
  in_a_given_cgroup <<'JOB'
sleep 100 &
containment_configure
cg=$RESOURCES_ROOT$CONTAINMENT_CGROUP
[[ -n $CONTAINMENT_CGROUP ]] || exit 3
grep -qx 'CREATE_CGROUP_WITHOUT_ROOT = True' work/condor_config.d/00_containment || exit 4
[[ -z $(<"$cg/cgroup.procs") ]] || exit 6
mkdir -p "$cg/htcondor/job1/inner" && sh -c 'echo $$ >$0/cgroup.procs' "$cg/htcondor/job1/inner" && echo job moved
kill %1; wait
containment_clean
ls -d "$cg"/*/ 2>/dev/null && exit 5
echo "left: $(cat "$cg/cgroup.subtree_control")."
JOB
  echo "$output"
  [[ $status == 0 && $output == *'job moved'* && $output == *'left: .'* && $output == *containment.cgroup=/sys/fs/cgroup/glidein-bats-* ]]
}

@test "containment: where another user's process is in the cgroup, all stays as it was" {
  in_a_given_cgroup other <<'JOB'
containment_configure
echo "cgroup: $CONTAINMENT_CGROUP."
cd "$RESOURCES_ROOT"/sys/fs/cgroup/glidein-bats* && ls -d */ 2>/dev/null && exit 5
exit 0
JOB
  echo "$output"
  [[ $output == *'is not ours to move'* && $output == *'cgroup: .'* ]]
}
