#!/usr/bin/env bats
# resources.sh on trees of files that stand for nodes: what would be offered, and why.
# shellcheck disable=SC2016  # stubs are text

bats_require_minimum_version 1.5.0

setup() {
  load helper
  source "$LIB/log.sh"
  source "$LIB/config.sh"
  source "$LIB/clock.sh"
  source "$LIB/job.sh"
  source "$LIB/cgroup.sh"
  source "$LIB/hints.sh"
  source "$LIB/gpus.sh"
  source "$LIB/resources.sh"
  # shellcheck disable=SC2329  # resources.sh calls it
  report_fact() { FACTS+=("$1=$2"); }
  FACTS=() ASKED=()
  declare -gA OPTION=()
  TREES=${LIB%/glidein/lib}/tests/fixtures/resources
  # This machine may be a batch slot itself.
  unset "${!SLURM_@}" "${!PBS_@}" "${!LSB_@}" "${!MY_@}" KUBERNETES_SERVICE_HOST CUDA_VISIBLE_DEVICES NVIDIA_VISIBLE_DEVICES NCPUS NSLOTS NHOSTS PE_HOSTFILE _CONDOR_MACHINE_AD _CONDOR_AssignedGPUs
  set +T # bats would trace every line of the module: ten times slower
  HOSTNAME=node7.example.org
  stub stat <<<'echo 26214400 4096 1000000 2000000 xfs' # 102400 MB
}

# offers TREE CPUS SOURCE MEMORY_MB SOURCE - what resources_detect decides in that tree when
#   the configuration holds the KEY=VALUE pairs of ASKED
offers() {
  local pair
  CONFIG=() CONFIG_KEYS=()
  for pair in ${ASKED[@]+"${ASKED[@]}"}; do
    config_set "${pair%%=*}" "${pair#*=}"
  done
  RESOURCES_ROOT=$TREES/$1
  resources_detect || return
  local cpus="$RESOURCES_CPUS $RESOURCES_CPUS_SOURCE"
  local memory="$RESOURCES_MEMORY_MB $RESOURCES_MEMORY_SOURCE"
  [[ "$cpus $memory" == "$2 $3 $4 $5" ]] || {
    echo "$1: got: $cpus $memory"
    echo "$1: expected: ${*:2}"
    return 1
  }
}

@test "resources: a node with no limit is offered whole" {
  offers node 64 node 262144 node
  offers bare 2 node 4096 node
}

@test "resources: cgroup v1, where a container sees only its own part" {
  offers v1-docker 3 'quota(cgroup-v1)' 8192 'memory(cgroup-v1)'
}

@test "resources: cgroup v1, where the levels above set the limits" {
  offers v1-slurm 8 affinity 16384 'memory(cgroup-v1)'
}

@test "resources: cgroup v1, where a level that cannot be seen has the limit" {
  offers v1-hidden 8 node 6144 'memory(cgroup-v1)'
}

@test "resources: cgroup v1 says no limit by -1 and by huge numbers" {
  offers v1-unlimited 8 node 32768 node
}

@test "resources: cgroup v2, and what is throttled above memory.high is not offered" {
  offers v2-quota 6 'quota(cgroup-v2)' 10240 'memory(cgroup-v2)'
}

@test "resources: cgroup v2, where the smallest limit of any level above holds" {
  offers v2-nested 12 'quota(cgroup-v2)' 32768 'memory(cgroup-v2)'
}

@test "resources: part of a core is not offered, but there is at least one" {
  offers v2-150 1 'quota(cgroup-v2)' 2048 'memory(cgroup-v2)'
  offers v2-50 1 'quota(cgroup-v2)' 2048 'memory(cgroup-v2)'
}

@test "resources: where both versions are mounted, the one with the controllers counts" {
  offers hybrid 4 'quota(cgroup-v1)' 9216 'memory(cgroup-v1)'
}

@test "resources: a pod in a cgroup namespace" {
  offers k8s 2 'quota(cgroup-v2)' 4096 'memory(cgroup-v2)'
  offers k8s-outside 3 'quota(cgroup-v2)' 5120 'memory(cgroup-v2)'
}

@test "resources: blanks in the mount point, processors that are not there, ulimit -v" {
  offers odd 4 affinity 3072 'address-space(ulimit)'
}

@test "resources: a cpuset, and with it the same share of the memory" {
  offers v2-cpuset 8 affinity 32768 'share(8/64)'
}

@test "resources: an estimate is asked for: all of the memory" {
  ASKED=(GLIDEIN_MaxMemMBs_Estimate=True)
  offers v2-cpuset 8 affinity 262144 node
}

@test "resources: Slurm's word counts where nobody enforces it" {
  SLURM_CPUS_ON_NODE=8 SLURM_MEM_PER_NODE=30000
  offers node 8 'slurm(SLURM_CPUS_ON_NODE)' 30000 'slurm(SLURM_MEM_PER_NODE)'
}

@test "resources: a hint never raises a limit" {
  SLURM_CPUS_ON_NODE=16 SLURM_MEM_PER_CPU=8G
  offers v1-slurm 8 affinity 16384 'memory(cgroup-v1)'
}

@test "resources: Slurm's list of nodes is read by our place in it" {
  SLURM_JOB_CPUS_PER_NODE='8(x2),4' SLURM_MEM_PER_CPU=2000
  offers node 8 'slurm(SLURM_JOB_CPUS_PER_NODE)' 16000 'slurm(SLURM_MEM_PER_CPU)'
  SLURM_NODEID=1
  offers node 8 'slurm(SLURM_JOB_CPUS_PER_NODE)' 16000 'slurm(SLURM_MEM_PER_CPU)'
  SLURM_NODEID=2
  offers node 4 'slurm(SLURM_JOB_CPUS_PER_NODE)' 8000 'slurm(SLURM_MEM_PER_CPU)'
}

@test "resources: one of several tasks of a Slurm step has its own part only" {
  SLURM_CPUS_ON_NODE=32 SLURM_CPUS_PER_TASK=4 SLURM_STEP_NUM_TASKS=8
  offers node 4 'slurm(SLURM_CPUS_PER_TASK)' 16384 'share(4/64)'
}

@test "resources: Slurm's memory 0 means all of it" {
  SLURM_MEM_PER_NODE=0
  offers node 64 node 262144 node
}

@test "resources: PBS in its dialects" {
  PBS_NUM_PPN=6
  offers node 6 'pbs(PBS_NUM_PPN)' 24576 'share(6/64)'
}

@test "resources: PBS Pro's NCPUS needs a PBS job around it" {
  NCPUS=12
  offers node 64 node 262144 node
  PBS_JOBID=1.server
  offers node 12 'pbs(NCPUS)' 49152 'share(12/64)'
}

@test "resources: PBS's node file counts the lines of this host" {
  PBS_NODEFILE=/var/spool/pbs/aux/42.nodefile
  offers node 4 'pbs(PBS_NODEFILE)' 16384 'share(4/64)'
}

@test "resources: a node file with one name is ours whatever we are called" {
  HOSTNAME=alias PBS_NODEFILE=/var/spool/pbs/aux/43.nodefile
  offers node 6 'pbs(PBS_NODEFILE)' 24576 'share(6/64)'
}

@test "resources: LSF counts the slots of this host" {
  LSB_MCPU_HOSTS='node6 4 node7 10 node8 2' LSB_DJOB_NUMPROC=16
  offers node 10 'lsf(LSB_MCPU_HOSTS)' 40960 'share(10/64)'
}

@test "resources: LSF's total where no hosts are named" {
  LSB_DJOB_NUMPROC=16
  offers node 16 'lsf(LSB_DJOB_NUMPROC)' 65536 'share(16/64)'
}

@test "resources: SGE, on one host and on several" {
  NSLOTS=2
  offers node 2 'sge(NSLOTS)' 8192 'share(2/64)'
  NSLOTS=16 NHOSTS=2 PE_HOSTFILE=/var/spool/sge/pe_hostfile
  offers node 12 'sge(PE_HOSTFILE)' 49152 'share(12/64)'
}

@test "resources: an HTCondor slot says cores, memory and disk" {
  _CONDOR_MACHINE_AD=/scratch/dir_1/.machine.ad
  offers node 8 'htcondor(Cpus)' 16384 'htcondor(Memory)'
  [[ $RESOURCES_DISK_MB == 51200 && $RESOURCES_DISK_SOURCE == 'htcondor(Disk)' ]]
}

@test "resources: the disk of an HTCondor slot that nobody asked for bounds nothing" {
  local mb from
  cp -r "$TREES/node" root
  mkdir -p root/scratch/dir_1
  for mb in 2 199 200; do
    printf 'Disk = %d\n' "$((mb * 1024 + 1))" >root/scratch/dir_1/.machine.ad
    from=free
    ((mb < 200)) || from='htcondor(Disk)'
    _CONDOR_MACHINE_AD=/scratch/dir_1/.machine.ad RESOURCES_ROOT=$PWD/root resources_disk 2>log
    [[ $RESOURCES_DISK_SOURCE == "$from" ]]
    [[ $from != free || $(<log) == *"Disk = $mb MB"* ]]
  done
}

@test "resources: of nested batch systems the smaller number holds" {
  _CONDOR_MACHINE_AD=/scratch/dir_1/.machine.ad SLURM_CPUS_ON_NODE=32 SLURM_MEM_PER_NODE=8000
  offers node 8 'htcondor(Cpus)' 8000 'slurm(SLURM_MEM_PER_NODE)'
}

@test "resources: hints that are no numbers say nothing" {
  SLURM_CPUS_ON_NODE=many NSLOTS=undefined PBS_NUM_PPN=-2 LSB_MCPU_HOSTS='node7 x' SLURM_MEM_PER_NODE=1.5
  offers node 64 node 262144 node
}

@test "resources: GLIDEIN_CPUS node ignores hints but not limits" {
  SLURM_CPUS_ON_NODE=2
  ASKED=(GLIDEIN_CPUS=node)
  offers node 64 node 262144 node
  ASKED=(GLIDEIN_CPUS=0)
  offers v2-quota 6 'quota(cgroup-v2)' 10240 'memory(cgroup-v2)'
}

@test "resources: GLIDEIN_CPUS slot and -1 are auto" {
  SLURM_CPUS_ON_NODE=2
  ASKED=(GLIDEIN_CPUS=-1)
  offers node 2 'slurm(SLURM_CPUS_ON_NODE)' 8192 'share(2/64)'
  ASKED=(GLIDEIN_CPUS=SLOT)
  offers node 2 'slurm(SLURM_CPUS_ON_NODE)' 8192 'share(2/64)'
}

@test "resources: a number given is taken, with a warning where a limit is below" {
  ASKED=(GLIDEIN_CPUS=12 GLIDEIN_MaxMemMBs=24000)
  offers v2-quota 12 option 24000 option 2>log
  grep -q 'GLIDEIN_CPUS=12, but quota(cgroup-v2) allows only 6' log
  grep -q 'GLIDEIN_MaxMemMBs=24000, but memory(cgroup-v2) allows only 10240' log
}

@test "resources: what is not understood is an error that names the key" {
  RESOURCES_ROOT=$TREES/node
  for pair in GLIDEIN_CPUS=two GLIDEIN_CPUS=-2 GLIDEIN_CPUS=1.5 GLIDEIN_MaxMemMBs=2G \
    GLIDEIN_DISK=lots GLIDEIN_DISK=1/0; do
    CONFIG=() CONFIG_KEYS=()
    config_set "${pair%%=*}" "${pair#*=}"
    run -1 resources_detect
    [[ $output == *"${pair%%=*}: expected"*"'${pair#*=}'"* ]] || {
      echo "$pair: $output"
      return 1
    }
  done
}

@test "resources: a node that tells nothing is an error, not a guess" {
  RESOURCES_ROOT=$PWD/nothing
  run -1 resources_detect
  [[ $output == *'how many processors'* && $output == *'how much memory'* ]]
}

@test "resources: fewer cores than a Frontend was told is worth a line" {
  ASKED=(GLIDEIN_ESTIMATED_CPUS=32)
  offers v2-quota 6 'quota(cgroup-v2)' 10240 'memory(cgroup-v2)' 2>log
  grep -q 'cpus=6 is less than GLIDEIN_ESTIMATED_CPUS=32' log
}

@test "resources: disk as free, as a part, and as given" {
  while read -r wanted mb; do
    config_set GLIDEIN_DISK "$wanted"
    RESOURCES_ROOT=$TREES/node resources_disk
    [[ $RESOURCES_DISK_MB == "$mb" ]] || {
      echo "$wanted: $RESOURCES_DISK_MB, expected $mb"
      return 1
    }
  done <<'END'
auto 102400
25% 25600
1/4 25600
20G 20480
20GB 20480
5000 5000
1T 1048576
2048k 2
END
}

@test "resources: a file system that does not count its inodes" {
  stub stat <<<'echo 2048 1048576 0 0 xfs'
  resources_disk_free .
  [[ $REPLY == '2048 - xfs' ]]
}

@test "resources: a file system of exbibytes" {
  stub stat <<<'echo 1125899906842624 8192 10 20 xfs'
  resources_disk_free .
  [[ $REPLY == '8796093022208 10 xfs' ]]
}

@test "resources: the winner and all that was seen go into configuration and report" {
  SLURM_CPUS_ON_NODE=16
  offers v2-nested 12 'quota(cgroup-v2)' 32768 'memory(cgroup-v2)'
  config_get GLIDEIN_CPUS && [[ $REPLY == 12 ]]
  config_get GLIDEIN_MaxMemMBs && [[ $REPLY == 32768 ]]
  config_get GLIDEIN_Disk_MB && [[ $REPLY == 102400 ]]
  printf '%s\n' "${FACTS[@]}" >facts
  grep -qx 'resources.cpus=12' facts
  grep -qx 'resources.cpus_source=quota(cgroup-v2)' facts
  grep -qx 'resources.cpus_seen=node=48 affinity=48 cpuset(cgroup-v2)=48 quota(cgroup-v2)=12 slurm(SLURM_CPUS_ON_NODE)=16' facts
  grep -qx 'resources.memory_mb=32768' facts
}

@test "resources: the number of processes a cgroup allows" {
  RESOURCES_ROOT=$TREES/v2-quota cgroup_pids
  [[ $REPLY == 300 ]]
  RESOURCES_ROOT=$TREES/node cgroup_pids
  [[ $REPLY == 84000 ]]
  RESOURCES_ROOT=$TREES/bare run -1 cgroup_pids
}

@test "resources: an odd IFS and odd options of the shell change nothing" {
  IFS=0:/
  offers v2-quota 6 'quota(cgroup-v2)' 10240 'memory(cgroup-v2)'
}

@test "resources: cgroup v1, where memory and swap are limited together" {
  offers v1-memsw 4 'cpuset(cgroup-v1)' 12288 'memory+swap(cgroup-v1)'
}

@test "resources: swap is told, as the least that any level allows, and never offered" {
  offers v2-swap 8 node 8192 'memory(cgroup-v2)'
  [[ $RESOURCES_SWAP_MB == 2048 ]]
  printf '%s\n' "${FACTS[@]}" | grep -qx resources.swap_mb=2048
  offers node 64 node 262144 node
  [[ $RESOURCES_SWAP_MB != 2048 ]]
}

@test "resources: a pod that requests and has no limit takes what it requested" {
  offers k8s-request 16 node 65536 node
  KUBERNETES_SERVICE_HOST=10.0.0.1
  offers k8s-request 6 'kubernetes(cpu.shares)' 24576 'share(6/16)'
  offers k8s-podinfo 3 'kubernetes(/etc/podinfo/cpu_request)' 6144 'kubernetes(/etc/podinfo/mem_request)'
  MY_CPU_LIMIT=2 MY_MEM_LIMIT=4096
  offers k8s-podinfo 2 'kubernetes(MY_CPU_LIMIT)' 4096 'kubernetes(MY_MEM_LIMIT)'
}

@test "resources: Slurm's memory for each GPU" {
  SLURM_MEM_PER_GPU=8G SLURM_GPUS_ON_NODE=2
  offers node 64 node 16384 'slurm(SLURM_MEM_PER_GPU)'
}

@test "resources: a user's quota holds, whatever the file system has free" {
  stub quota <<<'[[ "$*" == "-u -w -p -f /scratch" ]] || exit 9
printf "%s\n" "Disk quotas for user me (uid 7):" "  Filesystem blocks quota limit grace files quota limit grace" \
  "  fs7:/export/scratch  3145728* 2097152 5242880 17 20 0 0 0"; exit 1'
  stub stat <<<'if [[ $1 == -c ]]; then echo /scratch; else echo 26214400 4096 1000000 2000000 nfs; fi'
  RESOURCES_ROOT=$TREES/node resources_disk
  [[ $RESOURCES_DISK_MB == 2048 && $RESOURCES_DISK_SOURCE == 'quota(user)' ]]
  stub quota <<<'echo " /dev/sda1 100 0 0 0 0 0"'
  RESOURCES_ROOT=$TREES/node resources_disk
  [[ $RESOURCES_DISK_MB == 102400 && $RESOURCES_DISK_SOURCE == free ]]
}

@test "resources: a Lustre's quota is asked for with its own program" {
  stub lfs <<<'echo "      /lustre 1048576 4194304 0 - 10 0 0 -"'
  stub stat <<<'if [[ $1 == -c ]]; then echo /lustre; else echo 26214400 4096 1000000 2000000 lustre; fi'
  RESOURCES_ROOT=$TREES/node resources_disk
  [[ $RESOURCES_DISK_MB == 3072 && $RESOURCES_DISK_SOURCE == 'quota(user)' ]]
}

@test "resources: a server of quotas that does not answer is not waited for" {
  stub quota <<<'exec sleep 60'
  stub stat <<<'if [[ $1 == -c ]]; then echo /scratch; else echo 26214400 4096 1000000 2000000 nfs; fi'
  SECONDS=0
  RESOURCES_QUOTA_S=1 RESOURCES_ROOT=$TREES/node resources_disk 2>log
  [[ $SECONDS -lt 20 && $RESOURCES_DISK_MB == 102400 ]]
  grep -q 'quota: no answer in 1 s about /scratch' log
}

@test "resources: on a tmpfs, disk and memory are not offered twice" {
  stub stat <<<'echo 8388608 4096 1000000 2000000 tmpfs' # 32 GB
  offers v2-swap 8 node 6144 'memory(cgroup-v2), less 2048 MB of tmpfs'
  [[ $RESOURCES_DISK_MB == 2048 && $RESOURCES_DISK_SOURCE == 'tmpfs(1/4 of memory)' ]]
  ASKED=(GLIDEIN_DISK=1G)
  offers v2-swap 8 node 7168 'memory(cgroup-v2), less 1024 MB of tmpfs'
  [[ $RESOURCES_DISK_MB == 1024 && $RESOURCES_DISK_SOURCE == option ]]
  ASKED=(GLIDEIN_MaxMemMBs=4000)
  offers v2-swap 8 node 4000 option 2>log
  grep -q 'take from the 4000 MB of memory' log
}

@test "resources: several glideins in one slot share it; an option is each one's" {
  OPTION=([multiglidein]=4 [multirestart]=2)
  offers v2-nested 3 'quota(cgroup-v2), 1/4' 8192 'memory(cgroup-v2), 1/4'
  [[ $RESOURCES_DISK_MB == 25600 ]]
  ASKED=(GLIDEIN_CPUS=2 GLIDEIN_MaxMemMBs=3000)
  offers v2-nested 2 option 3000 option
  ASKED=() OPTION=([multiglidein]=4)
  offers v2-nested 12 'quota(cgroup-v2)' 32768 'memory(cgroup-v2)'
}
