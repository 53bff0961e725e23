#!/usr/bin/env bats
# failure.sh alone: who is told that a glidein failed, and what. HTCondor's programs are played by a few
# lines of shell; with a real collector it is tried in features/startd.feature.

# shellcheck disable=SC2016,SC1003  # the stubs' text is for later
bats_require_minimum_version 1.5.0

setup() {
  load helper
  local module
  for module in log clock job config phase report knob expand vars places system expiry batch mjf \
    credentials lifetime collectors security resource_slots slots policy cvmfs containers \
    configure startd failure; do
    # shellcheck source=/dev/null
    source "$LIB/$module.sh"
  done
  WORK=$PWD/work CONDOR_DIR=$PWD/condor PHASE_NAME=check FAILURE_STOPPED=''
  mkdir -p "$WORK/.glidein" "$CONDOR_DIR/sbin" "$CONDOR_DIR/bin"
  config_set GLIDEIN_Collector pool:9618
  config_set GLIDEIN_Entry_Name here
  config_set GLIDEIN_Failure_Shown_S 0
  program sbin/condor_advertise <<<'echo "$* to ${_CONDOR_COLLECTOR_HOST:-all}" >>"$PWD/sent"; cat "${@: -1}" >>"$PWD/sent"'
  program bin/condor_config_val <<<'echo "# head"; echo "GLIDEIN_Entry_Name = \"here\""; echo "GLIDEIN_ToDie = 5"'
}

teardown() {
  PATH=/usr/bin:/bin
  job_end_all || :
}

program() {
  { echo '#!/bin/bash' && cat; } >"$CONDOR_DIR/$1" && chmod +x "$CONDOR_DIR/$1"
}

# told - print the commands that were sent
told() { grep -o '^-tcp [A-Z_]*' sent | cut -d ' ' -f 2 | tr '\n' ' '; }

@test "wanted: by nobody unless they say so" {
  run -1 failure_wanted 40
  config_set GLIDEIN_Report_Failed NEVER
  config_set GLIDEIN_Factory_Report_Failed ALWAYS # without a collector of the factory
  run -1 failure_wanted 40
}

@test "wanted: by the VO that says so, by a factory that has a collector" {
  config_set GLIDEIN_Report_Failed ALWAYS
  failure_wanted 40 || false
  config_set GLIDEIN_Report_Failed NEVER
  config_set GLIDEIN_Factory_Collector factory:1
  failure_wanted 40 || false
  [[ $_FAILURE_VO == NEVER && $_FAILURE_FACTORY == ALIVEONLY ]]
  config_set GLIDEIN_Report_Failed SOMETIMES
  run -1 failure_wanted 40
  [[ $output == *"expected NEVER, ALIVEONLY or ALWAYS, got 'SOMETIMES'"* ]]
}

@test "wanted: not by a pool that never answered" {
  config_set GLIDEIN_Report_Failed ALWAYS
  run -1 failure_wanted 73
}

@test "ALIVEONLY: shown and taken back; a drained machine that says why" {
  config_set GLIDEIN_Report_Failed ALIVEONLY
  CHECK_NAME=(disk) CHECK_STATUS=(fail) CHECK_FOUND=('5 "MB"\') CHECK_NEEDED=('500 MB')
  REPORT_KEYS=(scripts.main/a.sh scripts.client/b.sh other)
  failure_wanted 40 && failure_report 40 || false
  [[ $(told) == 'UPDATE_STARTD_AD INVALIDATE_STARTD_ADS ' ]]
  grep -qx 'State = "Drained"' sent
  grep -qx 'Activity = "Retiring"' sent
  grep -qx 'GLIDEIN_Failed = True' sent
  grep -qx 'GLIDEIN_EXIT_CODE = 40' sent
  grep -qx 'GLIDEIN_LAST_SCRIPT = "b.sh"' sent
  grep -qxF 'GLIDEIN_FAILURE_REASON = "phase check failed with exit code 40: disk: found 5 \"MB\" , needed 500 MB"' sent
  grep -qx 'GLIDEIN_Entry_Name = "here"' sent
  [[ $(grep -c '^GLIDEIN_ToDie = ' sent) == 1 && $(grep -c '^GLIDEIN_ToDie = 5$' sent) == 0 ]]
  grep -qxF "Requirements = Name == \"$CONFIGURE_NAME@$HOSTNAME\"" sent
}

@test "ALWAYS: the ad stays until it expires, and nobody waits" {
  config_set GLIDEIN_Report_Failed ALWAYS
  config_set GLIDEIN_Failure_Shown_S 1000
  SECONDS=0
  failure_wanted 61 && failure_report 61 || false
  ((SECONDS < 30))
  [[ $(told) == 'UPDATE_STARTD_AD ' ]]
  grep -qx 'Activity = "Killing"' sent
  grep -qx 'ClassAdLifetime = 1260' sent
}

@test "the factory is told at its own collector, as of a master" {
  config_set GLIDEIN_Factory_Collector factory:1
  failure_wanted 50 && failure_report 50 || false
  [[ $(told) == 'UPDATE_MASTER_AD INVALIDATE_MASTER_ADS ' ]]
  grep -q '^-tcp UPDATE_MASTER_AD .* to factory:1' sent
  grep -qx 'MyType = "DaemonMaster"' sent
}

@test "a signal ends the showing" {
  config_set GLIDEIN_Report_Failed ALIVEONLY
  config_set GLIDEIN_Failure_Shown_S 1000
  FAILURE_STOPPED=1 SECONDS=0
  failure_wanted 40 && failure_report 40 || false
  ((SECONDS < 30))
  [[ $(told) == 'UPDATE_STARTD_AD INVALIDATE_STARTD_ADS ' ]]
}

@test "a collector that refuses, or does not answer, is an error that says so" {
  config_set GLIDEIN_Report_Failed ALWAYS
  program sbin/condor_advertise <<<'echo "denied"; exit 1'
  failure_wanted 40 || false
  run -1 failure_report 40
  [[ $output == *'could not tell the VO of the failure: denied'* ]]
  FAILURE_ASK_S=1
  rm "$WORK/condor_config"
  program sbin/condor_advertise <<<'exec sleep 30'
  run -1 failure_report 40
  [[ $output == *'could not tell the VO of the failure'* ]]
}

@test "no HTCondor, or no pool: nobody is told, and it says so" {
  config_set GLIDEIN_Report_Failed ALWAYS
  failure_wanted 40 || false
  CONDOR_DIR='' run -1 failure_report 40
  [[ $output == *'no condor_advertise'* ]]
  config_set GLIDEIN_Collector ''
  run -1 failure_report 40
  [[ ! -e sent ]]
}

@test "reason: the last error, where no check failed" {
  PHASE_NAME=configure
  log_fail 1 'script client/x.sh: status=3' 2>/dev/null || failure_reason 61
  [[ $REPLY == 'phase configure failed with exit code 61: script client/x.sh: status=3' ]]
  failure_script
  [[ $REPLY == glidein_startup.sh ]]
}
