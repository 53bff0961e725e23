#!/usr/bin/env bats
# configure.sh alone: what is written into condor_config, read back as text.
# What HTCondor makes of it is the matter of tests/test_worker_configuration.py.

# shellcheck disable=SC2016,SC1003  # $(NAME) and backslashes are data here
bats_require_minimum_version 1.5.0

setup() {
  load helper
  local module
  for module in log clock job config report knob expand vars places system expiry batch mjf \
    credentials lifetime collectors security resource_slots slots policy cvmfs containers \
    configure; do
    # shellcheck source=/dev/null
    source "$LIB/$module.sh"
  done
  WORK=$PWD/work START=$PWD/start
  mkdir "$WORK" "$START"
  RESOURCES_CPUS=4 RESOURCES_MEMORY_MB=8000 RESOURCES_DISK_MB=50000
  config_set GLIDEIN_Collector pool.example.org:9618
  config_set GLIDEIN_START_DIR_ORIG "$START"
  config_set GLIDEIN_Entry_Name here
}

# fact NAME - print the value of a line of condor_config
fact() { sed -n "s/^$1 = //p" "$WORK/condor_config" | tail -n 1; }

# vars ROW... - a list of variables, as the factory's
vars() {
  printf '%s\n' "$@" >vars.lst
  config_set CONDOR_VARS_FILE "$PWD/vars.lst"
}

@test "configure_condor: every fact stands below a comment that says where it came from" {
  configure_condor /condor || false
  run -0 awk '
    /^$/ { source = "" }
    /^#/ { source = $0 }
    /^[A-Za-z]/ { if (source == "" || source ~ /^# ---/) { print; bad = 1 } }
    END { exit bad }' "$WORK/condor_config"
}

@test "configure_condor: starts no process but mkdir, and chmod for root" {
  # A PATH with nothing else: any other program would be missed.
  only_tools mkdir chmod rm
  configure_condor /condor || false
  [[ -s $WORK/condor_config ]]
}

@test "configure_condor: no collector is an error" {
  config_set GLIDEIN_Collector ''
  run -1 configure_condor /condor
  [[ $output == *'GLIDEIN_Collector is not set'* ]]
}

@test "configure_condor: a string cannot become configuration" {
  config_set GLIDEIN_Site 'a" $(LOG) \ b'
  configure_condor /condor || false
  [[ $(fact GLIDEIN_Site) == '"a\" $(DOLLAR)(LOG) \ b"' ]]
}

@test "configure_condor: refuses what would not stay one fact" {
  local value
  for value in $'a\rSTART = True' $'tab\there' 'ends with \'; do
    config_set GLIDEIN_Site "$value"
    run -1 configure_condor /condor
    [[ $output == *GLIDEIN_Site* ]]
  done
}

@test "configure_condor: refuses an expression whose parentheses or quotes do not pair" {
  local value
  for value in '(a' 'a)' 'a) || (b' 'a == "b' "'"; do
    config_set GLIDEIN_Start "$value"
    run -1 configure_condor /condor
    [[ $output == *'GLIDEIN_Start: quotes or parentheses'* ]]
  done
  config_set GLIDEIN_Start '(Owner == "a)\"(")'
  configure_condor /condor || false
  [[ $(fact START) == *' && ($(GLIDEIN_Start)) && '* ]]
}

@test "configure_condor: the lists' order is group, Frontend, entry, factory: the last wins" {
  echo 'X I 1 + N Y -' >group.lst
  echo 'X I 2 + N Y -' >entry.lst
  echo 'X I 3 OTHER N Y -' >main.lst
  config_set GLIDECLIENT_GROUP_CONDOR_VARS_FILE "$PWD/group.lst"
  config_set ENTRY_CONDOR_VARS_FILE "$PWD/entry.lst"
  configure_condor /condor || false
  [[ $(fact X) == 2 ]]
  config_set CONDOR_VARS_FILE "$PWD/main.lst"
  configure_condor /condor || false
  [[ -z $(fact X) && $(fact OTHER) == 3 ]]
}

@test "configure_condor: the columns say what is advertised and what jobs see" {
  vars 'A S - + N Y +' 'B S - CALLED_B N N @' 'C S - + N Y -' $'# comment' '' 'D I 5 + N N OWN_NAME'
  config_set A "it's"
  config_set B 'b "b"'
  configure_condor /condor || false
  [[ " $(fact STARTD_ATTRS) " == *' A '* && " $(fact STARTD_ATTRS) " != *' C '* ]]
  [[ " $(fact STARTD_ATTRS) " != *' CALLED_B '* ]]
  [[ $(fact STARTER_JOB_ENVIRONMENT) == *" A='it''s' CALLED_B='b \"\"b\"\"' OWN_NAME='5'"* ]]
}

@test "configure_condor: a required variable that nobody set is an error" {
  vars 'NEEDED S - + Y Y -'
  run -1 configure_condor /condor
  [[ $output == *'required variable is not set: NEEDED'* ]]
}

@test "configure_condor: a list it cannot read is an error, with the row" {
  local row
  for row in 'A S - + N Y' 'A X - + N Y -' 'A; S - + N Y -' 'A S - $(x) N Y -' 'A S - + N Y - more'; do
    vars "$row"
    run -1 configure_condor /condor
    [[ $output == *"not a row of seven columns: '$row'"* ]]
  done
  config_set CONDOR_VARS_FILE /nonexistent
  run -1 configure_condor /condor
}

@test "configure_condor: names whose attribute a value is" {
  printf 'GLIDEIN_Site \tHere\n' >entry.cfg
  config_set ENTRY_CONSTS_FILE "$PWD/entry.cfg"
  config_set GLIDEIN_Site Here
  configure_condor /condor || false
  grep -A 1 -x '# attribute of the entry' "$WORK/condor_config" | grep -x 'GLIDEIN_Site = "Here"'
}

@test "slots: one core is a fixed slot, unless parts are wanted" {
  RESOURCES_CPUS=1
  configure_condor /condor || false
  [[ $(fact SLOT_TYPE_1_PARTITIONABLE) == False ]]
  config_set FORCE_PARTITIONABLE True
  configure_condor /condor || false
  [[ $(fact SLOT_TYPE_1_PARTITIONABLE) == True ]]
}

@test "slots: fixed ones have one core each" {
  config_set SLOTS_LAYOUT fixed
  configure_condor /condor || false
  [[ $(fact SLOT_TYPE_1) == cpus=1 && $(fact NUM_SLOTS_TYPE_1) == 4 ]]
}

@test "places: a work directory with blanks is reached through a link, which goes away" {
  WORK="$PWD/a work, dir"
  mkdir "$WORK"
  configure_condor "$WORK/main/condor" || false
  local link
  link=$(fact LOCAL_DIR)
  [[ $link != *' '* && $link -ef $WORK ]]
  places_clean
  [[ ! -e $link ]]
}
