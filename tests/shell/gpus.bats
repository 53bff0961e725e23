#!/usr/bin/env bats
# gpus.sh on trees of files that stand for nodes: how many GPUs are ours, and who said so.

bats_require_minimum_version 1.5.0

setup() {
  load helper
  for module in log config clock job cgroup hints gpus resources; do
    # shellcheck source=/dev/null
    source "$LIB/$module.sh"
  done
  # shellcheck disable=SC2329  # gpus.sh calls it
  report_fact() { FACTS+=("$1=$2"); }
  FACTS=()
  TREES=${LIB%/glidein/lib}/tests/fixtures/resources
  unset "${!SLURM_@}" PBS_GPUFILE CUDA_VISIBLE_DEVICES NVIDIA_VISIBLE_DEVICES _CONDOR_AssignedGPUs
  HOSTNAME=node7.example.org
}

# finds TREE NUMBER SOURCE [CUDA_VISIBLE_DEVICES] - what gpus_detect decides there
finds() {
  RESOURCES_ROOT=$TREES/$1
  gpus_detect
  [[ "$GPUS $GPUS_SOURCE ${CUDA_VISIBLE_DEVICES-}" == "$2 $3 ${4-}" ]] || {
    echo "$1: got: $GPUS $GPUS_SOURCE '${CUDA_VISIBLE_DEVICES-}' ($GPUS_SEEN)"
    return 1
  }
}

@test "gpus: a node without any says nothing" {
  finds node 0 node
  [[ ${#FACTS[@]} == 0 ]]
}

@test "gpus: all of the node's, where nobody says otherwise" {
  finds gpus 4 node
  finds gpus-amd 2 node
}

@test "gpus: one that is divided counts as its parts" {
  finds gpus-mig 4 node # three parts and a whole one
}

@test "gpus: CUDA_VISIBLE_DEVICES holds, by number, by name, and when it is empty" {
  CUDA_VISIBLE_DEVICES=1,3
  finds gpus 2 CUDA_VISIBLE_DEVICES 1,3
  CUDA_VISIBLE_DEVICES=GPU-8f3a,MIG-GPU-77/1/0,MIG-aa-bb
  finds gpus 3 CUDA_VISIBLE_DEVICES GPU-8f3a,MIG-GPU-77/1/0,MIG-aa-bb
  CUDA_VISIBLE_DEVICES=0,-1,2
  finds gpus 1 CUDA_VISIBLE_DEVICES 0,-1,2
  CUDA_VISIBLE_DEVICES=
  finds gpus 0 CUDA_VISIBLE_DEVICES
  CUDA_VISIBLE_DEVICES=NoDevFiles
  finds gpus 0 CUDA_VISIBLE_DEVICES NoDevFiles
}

@test "gpus: a container without GPUs has none, whatever /dev shows" {
  NVIDIA_VISIBLE_DEVICES=void
  finds gpus 0 NVIDIA_VISIBLE_DEVICES
}

@test "gpus: where only a hint says which are ours, CUDA is told" {
  SLURM_JOB_GPUS=0,2 SLURM_GPUS_ON_NODE=2
  finds gpus 2 SLURM_JOB_GPUS 0,2
}

@test "gpus: an HTCondor slot's and PBS's" {
  _CONDOR_AssignedGPUs='GPU-11aa, GPU-22bb'
  finds gpus 2 _CONDOR_AssignedGPUs GPU-11aa,GPU-22bb
  unset _CONDOR_AssignedGPUs CUDA_VISIBLE_DEVICES
  PBS_GPUFILE=/var/spool/pbs/aux/9.gpu
  finds gpus 2 PBS_GPUFILE 1,3
}

@test "gpus: a hint does not replace what is set, and a bad one is not passed on" {
  SLURM_JOB_GPUS=0,2,3 CUDA_VISIBLE_DEVICES=2
  finds gpus 1 CUDA_VISIBLE_DEVICES 2
  unset CUDA_VISIBLE_DEVICES
  # shellcheck disable=SC2016  # nothing is to be expanded
  SLURM_JOB_GPUS='$(id)'
  finds gpus 0 SLURM_JOB_GPUS
}

@test "gpus: the number, its source and all that was seen are in the report" {
  SLURM_JOB_GPUS=1
  finds gpus 1 SLURM_JOB_GPUS 1
  printf '%s\n' "${FACTS[@]}" >facts
  grep -qx 'resources.gpus_visible=1' facts
  grep -qx 'resources.gpus_visible_source=SLURM_JOB_GPUS' facts
  grep -qx 'resources.gpus_visible_seen=node=4 SLURM_JOB_GPUS=1' facts
}
