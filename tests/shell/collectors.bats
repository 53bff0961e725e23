#!/usr/bin/env bats
# collectors.sh alone: lists of collectors. The whole of it: tests/worker_configuration.toml.

# shellcheck disable=SC2016,SC1003  # $NAME and backslashes are data here
bats_require_minimum_version 1.5.0

setup() {
  load helper
  local module
  for module in log clock config report knob vars collectors; do
    # shellcheck source=/dev/null
    source "$LIB/$module.sh"
  done
}

@test "one of each group, one number of a range" {
  local i
  config_set GLIDEIN_Collector 'a:1,b:2;c:9620-9622;d:9618?sock=collector5-6'
  for ((i = 0; i < 20; i++)); do
    collectors_choose GLIDEIN_Collector
    [[ $REPLY =~ ^(a:1|b:2),c:962[0-2],d:9618\?sock=collector[56]$ ]]
  done
}

@test "refuses what is none" {
  local value
  for value in 'a b"c' 'a:$(x)' 'a:9-1' ',' 'a;\'; do
    config_set GLIDEIN_Collector "$value"
    run -1 collectors_choose GLIDEIN_Collector
  done
}

@test "one number of HTCondor's own form of a range" {
  local i
  config_set GLIDEIN_Collector 'a:$RANDOM_INTEGER(9620,9640,10);b:9618?sock=c$RANDOM_INTEGER(1,2)'
  for ((i = 0; i < 20; i++)); do
    collectors_choose GLIDEIN_Collector
    [[ $REPLY =~ ^a:96[234]0,b:9618\?sock=c[12]$ ]]
  done
}

@test "the site's: as told, else as the batch system's environment has it" {
  CONDORCE_COLLECTOR_HOST=ce:9619
  collectors_site
  [[ $REPLY == ce:9619 && $COLLECTORS_CHOSEN == 'environment: CONDORCE_COLLECTOR_HOST' ]]
  config_set GLIDEIN_Site_Collector site:1
  collectors_site
  [[ $REPLY == site:1 ]]
  CONFIG=() CONDORCE_COLLECTOR_HOST='x" y'
  run -1 collectors_site
}

@test "an HTCondor that cannot go out through a broker is refused, one that can is not" {
  local mine
  condor_version() { REPLY=$mine; }
  CONDOR_DIR=/none
  knob_begin test
  VARS_VALUE["GLIDEIN_Use_Outbound_CCB"]=True
  VARS_FROM["GLIDEIN_Use_Outbound_CCB"]="a test"
  for mine in 9.0.1 24.12.99 25.12.3 '' x; do
    run -1 _collectors_outbound a:1
    [[ $output == *"needs HTCondor 25.13 or later, this is $mine" ]]
  done
  for mine in 25.13.0 25.14.1 26.0.3; do _collectors_outbound a:1; done
  [[ $KNOB_TEXT == *'OUTBOUND_CCB_ADDRESS = <a:1>'* ]]
}
