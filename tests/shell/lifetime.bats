#!/usr/bin/env bats
# lifetime.sh alone: until when, from what the factory, the batch system, the site and credentials say.

bats_require_minimum_version 1.5.0

setup() {
  load helper
  local module
  for module in log clock job config phase report knob expand vars batch mjf credentials lifetime; do
    # shellcheck source=/dev/null
    source "$LIB/$module.sh"
  done
  BATCH_END='' BATCH_END_FROM='' SECONDS=0
  config_set GLIDEIN_Retire_Time_Spread 0
  clock_epoch
  NOW=$REPLY
}

# compute - as configure_condor does; then DIE and RETIRE are seconds from now
compute() {
  local now
  clock_epoch
  now=$REPLY
  vars_read && vars_decide && lifetime_compute || return 1
  DIE=$((LIFETIME_TO_DIE - now)) RETIRE=$((LIFETIME_TO_RETIRE - now))
}

# about NUMBER EXPECTED - is it that, give or take what this machine was slow?
about() { (($1 >= $2 && $1 <= $2 + 30)); }

@test "with a walltime, it ends before the batch system ends it" {
  config_set GLIDEIN_Max_Walltime 171000
  compute || false
  about "$DIE" $((171000 - 370 - 120))
  ((DIE - RETIRE == 129600))
}

@test "a walltime counts from the start of the script" {
  config_set GLIDEIN_Max_Walltime 10000
  SECONDS=1000
  compute || false
  about "$DIE" $((10000 - 370 - 120 - 1000 - 5))
}

@test "a walltime that is shorter than a job may take leaves the jobs what there is" {
  config_set GLIDEIN_Max_Walltime 10000
  compute || false
  about "$DIE" $((10000 - 490))
  # Ten minutes in which jobs are taken.
  about "$RETIRE" 600
}

@test "without a walltime, from GLIDEIN_Retire_Time on" {
  config_set GLIDEIN_Retire_Time 5000
  config_set GLIDEIN_Job_Max_Time 700
  compute || false
  about "$RETIRE" 5000
  ((DIE - RETIRE == 700))
}

@test "spread: a part of what is given, else a tenth; both times move" {
  local i least=99999 most=0
  config_set GLIDEIN_Retire_Time 5000
  config_set GLIDEIN_Job_Max_Time 700
  config_set GLIDEIN_Retire_Time_Spread ''
  for i in {1..30}; do
    compute || false
    ((DIE - RETIRE == 700 && RETIRE > 4500 && RETIRE <= 5030))
    ((RETIRE > least)) || least=$RETIRE
    ((RETIRE < most)) || most=$RETIRE
  done
  ((most - least > 50))
}

@test "spread: does not make a short life shorter" {
  local i
  config_set GLIDEIN_Retire_Time 610
  config_set GLIDEIN_Retire_Time_Spread 500
  for i in {1..10}; do
    compute || false
    ((RETIRE >= 600))
  done
}

@test "refuses a walltime that leaves no time for jobs, and what is no number" {
  config_set GLIDEIN_Max_Walltime 900
  run -1 compute
  [[ $output == *'no time for a job: '*'GLIDEIN_Max_Walltime=900'* ]]
  config_set GLIDEIN_Max_Walltime 1e6
  run -1 compute
  [[ $output == *'GLIDEIN_Max_Walltime: expected a whole number'* ]]
}

@test "never later than the batch system says, with or without a walltime" {
  local walltime
  BATCH_END=$((NOW + 20000)) BATCH_END_FROM='slurm(squeue)'
  for walltime in '' 171000; do
    config_set GLIDEIN_Max_Walltime "$walltime"
    compute || false
    ((LIFETIME_TO_DIE + 370 + 120 <= BATCH_END))
    [[ $LIFETIME_FROM == "from slurm(squeue)=$BATCH_END"* ]]
  done
}

@test "a batch system that gives more changes nothing" {
  BATCH_END=$((NOW + 900000)) BATCH_END_FROM='slurm(squeue)'
  config_set GLIDEIN_Max_Walltime 20000
  compute || false
  about "$DIE" $((20000 - 490))
  [[ $LIFETIME_FROM == 'from GLIDEIN_Max_Walltime=20000'* ]]
}

@test "never later than the site says; and GLIDEIN_Retire_Time still holds" {
  MJF_END=$((NOW + 20000)) MJF_END_FROM='mjf(shutdowntime)'
  BATCH_END=$((NOW + 30000)) BATCH_END_FROM='pbs(qstat)'
  config_set GLIDEIN_Retire_Time 1000
  config_set GLIDEIN_Job_Max_Time 5000
  compute || false
  about "$DIE" 6000 # that is before both
  config_set GLIDEIN_Job_Max_Time 50000
  compute || false
  ((LIFETIME_TO_DIE + 490 <= MJF_END))
  ((RETIRE <= 1030))
  [[ $LIFETIME_FROM == "from mjf(shutdowntime)=$MJF_END"* ]]
}

@test "a site that leaves no time is said so" {
  MJF_END=$((NOW + 500)) MJF_END_FROM='mjf(shutdowntime)'
  run -1 compute
  [[ $output == *"no time for a job: "*"mjf(shutdowntime)="* ]]
  LIFETIME_LENIENT=1
  compute || false
}

@test "credential: taken to be renewed, unless that is not to be, or it is all but over" {
  CREDENTIALS_EXPIRE=$((NOW + 8300)) CREDENTIALS_EXPIRE_FROM='X509_USER_PROXY'
  config_set GLIDEIN_Retire_Time 5000
  config_set GLIDEIN_Job_Max_Time 7000
  compute 2>/dev/null || false
  about "$DIE" 12000
  config_set GLIDEIN_Ignore_X509_Duration false
  compute || false
  ((LIFETIME_TO_DIE == CREDENTIALS_EXPIRE - 300 && DIE - RETIRE == 7000))
  [[ $LIFETIME_FROM == *'the end of X509_USER_PROXY'* ]]
  config_set GLIDEIN_Ignore_X509_Duration true
  CREDENTIALS_EXPIRE=$((NOW + 1100))
  run -1 compute
  [[ $output == *'would take jobs for '*'the end of X509_USER_PROXY'* ]]
}
