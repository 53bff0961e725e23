#!/usr/bin/env bats
# batch.sh alone: which batch system, and until when, from the variables, files and programs of each.

# shellcheck disable=SC2034,SC2016  # what is quoted is data; batch_look reads the variables of batch systems
bats_require_minimum_version 1.5.0

setup() {
  load helper
  local module
  for module in log clock job config phase report batch; do
    # shellcheck source=/dev/null
    source "$LIB/$module.sh"
  done
  unset "${!SLURM_@}" "${!PBS_@}" "${!LSB_@}" "${!_CONDOR_@}" JOB_ID QUEUE SGE_ROOT
  clock_epoch
  NOW=$REPLY SECONDS=0
}

teardown() {
  PATH=/usr/bin:/bin
  job_end_all || :
}

# site KEY - print one of the keys GLIDEIN_SiteWMS...
site() { config_get "GLIDEIN_SiteWMS$1" && printf '%s' "$REPLY"; }

@test "no batch system is known: nothing is claimed" {
  batch_look || false
  [[ -z $BATCH_END && $(site '') == Unknown && $(site _JobId) == Unknown ]]
}

@test "names: as the innermost batch system has them" {
  SLURM_JOB_ID=77 SLURM_JOB_PARTITION=long SLURM_JOB_END_TIME=$((NOW + 500))
  batch_look || false
  [[ $(site '') == SLURM && $(site _JobId) == 77 && $(site _Queue) == long ]]
  printf 'ClusterId = 4\nProcId = 1\nGlobalJobId = "schedd@x#4.1#123"\n' >job.ad
  _CONDOR_JOB_AD=$PWD/job.ad _CONDOR_SLOT=slot1_3 HOSTNAME=node
  CONFIG=()
  batch_look || false
  [[ $(site '') == HTCondor && $(site _JobId) == 4.1 && $(site _Queue) == schedd@x && $(site _Slot) == slot1_3@node ]]
}

@test "names: what a script has set stays; what no line can hold goes" {
  PBS_JOBID=5.server PBS_QUEUE=$'ba\td\\'
  config_set GLIDEIN_SiteWMS_JobId mine
  run -0 batch_look
  batch_look 2>/dev/null || false
  [[ $(site _JobId) == mine && $(site _Queue) == bad ]]
}

@test "end: of the table's batch systems" {
  local name end
  while read -r name end; do
    (
      setup_"$name"
      batch_look 2>/dev/null || exit 1
      # Asked for a moment later than NOW.
      ((BATCH_END >= NOW + end && BATCH_END <= NOW + end + 30)) || { echo "$name: $BATCH_END, not $NOW + $end" && exit 1; }
      [[ $BATCH_END_FROM == "${name%%_*}("* ]]
    )
  done <<'END'
slurm 500
slurm_squeue 93784
slurm_squeue_short 754
htcondor_job 1000
htcondor_ce 3600
htcondor_glidein 800
pbs 3570
pbs_torque 3000
pbs_variable 7200
END
}

setup_slurm() { SLURM_JOB_ID=77 SLURM_JOB_END_TIME=$((NOW + 500)); }
setup_slurm_squeue() {
  SLURM_JOB_ID=77
  stub squeue <<<'[[ "$*" == *--jobs=77* ]] && echo " 1-02:03:04"'
}
setup_slurm_squeue_short() {
  SLURM_JOBID=77
  stub squeue <<<'echo 12:34'
}
setup_htcondor_job() {
  printf 'JobCurrentStartDate = %s\nAllowedJobDuration = 1500\nMaxWallTime = undefined\n' $((NOW - 500)) >job.ad
  _CONDOR_JOB_AD=$PWD/job.ad
}
setup_htcondor_ce() {
  printf 'maxWallTime = 60\n' >job.ad
  _CONDOR_JOB_AD=$PWD/job.ad
}
setup_htcondor_glidein() {
  printf 'GLIDEIN_ToDie = %s\nCpus = 4\n' $((NOW + 800)) >machine.ad
  _CONDOR_MACHINE_AD=$PWD/machine.ad
}
setup_pbs() {
  PBS_JOBID=5.server
  stub qstat <<'END'
cat <<'SAID'
Job Id: 5.server
    Resource_List.walltime = 01:00:00
    resources_used.walltime = 00:00:30
SAID
END
}
setup_pbs_torque() {
  PBS_JOBID=5.server
  stub qstat <<<'echo "    Resource_List.walltime = 01:00:00"; echo "    Walltime.Remaining = 3000"'
}
setup_pbs_variable() {
  PBS_JOBID=5.server PBS_WALLTIME=7200
  stub qstat <<<'exit 1'
}

@test "end: the first to come counts, and all are reported" {
  setup_slurm
  setup_htcondor_glidein
  batch_look || false
  [[ $BATCH_END == $((NOW + 500)) && $BATCH_END_FROM == 'slurm(SLURM_JOB_END_TIME)' ]]
  [[ ${REPORT["batch.end_seen"]} == *'htcondor(GLIDEIN_ToDie)='*'slurm(SLURM_JOB_END_TIME)='* ]]
}

@test "end: no limit, no answer, odd answers: nobody said" {
  local said
  SLURM_JOB_ID=77
  for said in 'echo UNLIMITED' 'echo NOT_SET' 'exit 1' 'echo "\$(touch x)"' ':'; do
    stub squeue <<<"$said"
    batch_look 2>/dev/null || false
    [[ -z $BATCH_END ]]
  done
  [[ ! -e x ]]
}

@test "end: a program that does not answer is not waited for" {
  SLURM_JOB_ID=77 BATCH_ASK_S=1
  stub squeue <<<'exec sleep 30'
  SECONDS=0
  batch_look 2>/dev/null || false
  ((SECONDS < 10)) && [[ -z $BATCH_END ]]
}

@test "end: an identifier that is none is not given to a program" {
  SLURM_JOB_ID='7; touch x' PBS_JOBID='$(touch x)'
  stub squeue <<<'touch called'
  stub qstat <<<'touch called'
  batch_look || false
  [[ ! -e x && ! -e called ]]
}

@test "end: LSF, by bjobs, of a job and of one of an array" {
  LSB_JOBID=55 LSB_JOBINDEX=0
  stub bjobs <<<'[[ "$*" == "-noheader -o time_left 55" ]] && echo "1:30 L"'
  batch_look || false
  ((BATCH_END >= NOW + 5400 && BATCH_END <= NOW + 5410)) && [[ $BATCH_END_FROM == 'lsf(bjobs)' ]]
  LSB_JOBINDEX=7
  stub bjobs <<<'[[ "$*" == *" 55[7]" ]] && echo "  0:10 L"'
  batch_look || false
  ((BATCH_END >= NOW + 600 && BATCH_END <= NOW + 610))
  local said
  for said in '1:30 E' '0:0 X' - '' '1:2:3 L' '99999999:1 L'; do
    stub bjobs <<<"echo '$said'"
    batch_look || false
    [[ -z $BATCH_END ]]
  done
}

@test "end: SGE, by what qstat says was asked for" {
  JOB_ID=9 QUEUE=all.q SECONDS=100
  stub qstat <<'END'
[[ "$*" == '-j 9' ]] || exit 1
echo 'job_number:                 9'
echo 'hard resource_list:         h_vmem=4G,s_rt=3500,h_rt=3600'
END
  batch_look || false
  ((BATCH_END >= NOW + 3400 && BATCH_END <= NOW + 3410)) && [[ $BATCH_END_FROM == 'sge(s_rt)' && $_BATCH_SEEN == *'sge(h_rt)='* ]]
  stub qstat <<<'echo "hard resource_list: h_rt=01:00:00"'
  batch_look || false
  ((BATCH_END >= NOW + 3500 && BATCH_END <= NOW + 3510)) && [[ $BATCH_END_FROM == 'sge(h_rt)' ]]
  stub qstat <<<'echo "hard resource_list: h_vmem=4G"'
  batch_look || false
  [[ -z $BATCH_END ]]
}
