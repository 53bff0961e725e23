#!/usr/bin/env bats
# configure.sh alone: what is written into condor_config, read back as text.
# What HTCondor makes of it is the matter of tests/test_worker_configuration.py.

# shellcheck disable=SC2016,SC1003  # $(NAME) and backslashes are data here
bats_require_minimum_version 1.5.0

setup() {
  load helper
  local module
  for module in log clock job config report knob expand vars places lifetime \
    collectors credentials security slots policy configure; do
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
  configure_condor /condor
  run -0 awk '
    /^$/ { source = "" }
    /^#/ { source = $0 }
    /^[A-Za-z]/ { if (source == "" || source ~ /^# ---/) { print; bad = 1 } }
    END { exit bad }' "$WORK/condor_config"
}

@test "configure_condor: starts no process but mkdir, and chmod for root" {
  # A PATH with nothing else: any other program would be missed.
  only_tools mkdir chmod rm
  configure_condor /condor
  [[ -s $WORK/condor_config ]]
}

@test "configure_condor: no collector is an error" {
  config_set GLIDEIN_Collector ''
  run -1 configure_condor /condor
  [[ $output == *'GLIDEIN_Collector is not set'* ]]
}

@test "configure_condor: a string cannot become configuration" {
  config_set GLIDEIN_Site 'a" $(LOG) \ b'
  configure_condor /condor
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
  configure_condor /condor
  [[ $(fact START) == *' && ($(GLIDEIN_Start)) && '* ]]
}

@test "configure_condor: the lists' order is group, Frontend, entry, factory: the last wins" {
  echo 'X I 1 + N Y -' >group.lst
  echo 'X I 2 + N Y -' >entry.lst
  echo 'X I 3 OTHER N Y -' >main.lst
  config_set GLIDECLIENT_GROUP_CONDOR_VARS_FILE "$PWD/group.lst"
  config_set ENTRY_CONDOR_VARS_FILE "$PWD/entry.lst"
  configure_condor /condor
  [[ $(fact X) == 2 ]]
  config_set CONDOR_VARS_FILE "$PWD/main.lst"
  configure_condor /condor
  [[ -z $(fact X) && $(fact OTHER) == 3 ]]
}

@test "configure_condor: the columns say what is advertised and what jobs see" {
  vars 'A S - + N Y +' 'B S - CALLED_B N N @' 'C S - + N Y -' $'# comment' '' 'D I 5 + N N OWN_NAME'
  config_set A "it's"
  config_set B 'b "b"'
  configure_condor /condor
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
  configure_condor /condor
  grep -A 1 -x '# attribute of the entry' "$WORK/condor_config" | grep -x 'GLIDEIN_Site = "Here"'
}

@test "expand_default: leaves what the reference's shell would leave" {
  config_set GLIDEIN_Entry_Name here
  config_set Odd '$(rm) `x`'
  local default expected
  while IFS='|' read -r default expected; do
    expand_default "$default"
    [[ $REPLY == "$expected" ]] || { echo "$default: $REPLY" && false; }
  done <<'END'
1200|1200
\\$INT\\(X\\)|$INT(X)
$GLIDEIN_Entry_Name|here
${GLIDEIN_Entry_Name}.x|here.x
$NOBODY_SET_THIS|
\\"quoted\\"|"quoted"
"double $GLIDEIN_Entry_Name"|double here
'single'|single
a\\\\b|a\b
$Odd|$(rm) `x`
END
}

@test "expand_default: refuses whatever a shell would run" {
  local default
  for default in '$(touch x)' '`touch x`' 'a;touch' 'a|b' 'a&b' 'a>b' '(a)' "'open" '$1' 'a\\'; do
    run -1 expand_default "$default"
  done
  [[ ! -e x ]]
}

@test "collectors: one of each group, one number of a range" {
  local i
  config_set GLIDEIN_Collector 'a:1,b:2;c:9620-9622;d:9618?sock=collector5-6'
  for ((i = 0; i < 20; i++)); do
    collectors_choose GLIDEIN_Collector
    [[ $REPLY =~ ^(a:1|b:2),c:962[0-2],d:9618\?sock=collector[56]$ ]]
  done
}

@test "collectors: refuses what is none" {
  local value
  for value in 'a b"c' 'a:$(x)' 'a:9-1' ',' 'a;\'; do
    config_set GLIDEIN_Collector "$value"
    run -1 collectors_choose GLIDEIN_Collector
  done
}

@test "times: with a walltime, it ends before the batch system ends it" {
  config_set GLIDEIN_Max_Walltime 171000
  SECONDS=0 RANDOM=1
  configure_condor /condor
  local now
  printf -v now '%(%s)T' -1
  # 171000 - 370 - 120 = 170510 to the end, less at most a tenth of 170510 - 129600 = 40910
  ((LIFETIME_TO_DIE - now <= 170510 && LIFETIME_TO_DIE - now > 170510 - 4091 - 60))
  ((LIFETIME_TO_DIE - LIFETIME_TO_RETIRE == 129600))
}

@test "times: a walltime counts from the start of the script" {
  config_set GLIDEIN_Max_Walltime 10000
  config_set GLIDEIN_Retire_Time_Spread 0
  SECONDS=1000
  configure_condor /condor
  local now
  printf -v now '%(%s)T' -1
  ((LIFETIME_TO_DIE - now <= 10000 - 370 - 120 - 1000))
  ((LIFETIME_TO_DIE - now >= 10000 - 370 - 120 - 1000 - 60))
}

@test "times: without a walltime, from GLIDEIN_Retire_Time on" {
  config_set GLIDEIN_Retire_Time 5000
  config_set GLIDEIN_Retire_Time_Spread 0
  config_set GLIDEIN_Job_Max_Time 700
  configure_condor /condor
  local now
  printf -v now '%(%s)T' -1
  ((LIFETIME_TO_RETIRE - now <= 5000 && LIFETIME_TO_RETIRE - now > 4940))
  ((LIFETIME_TO_DIE - LIFETIME_TO_RETIRE == 700))
}

@test "times: refuses a walltime that leaves no time for jobs, and what is no number" {
  config_set GLIDEIN_Max_Walltime 900
  run -1 configure_condor /condor
  [[ $output == *'leaves no time for a job'* ]]
  config_set GLIDEIN_Max_Walltime 1e6
  run -1 configure_condor /condor
  [[ $output == *'GLIDEIN_Max_Walltime: expected a whole number'* ]]
}

@test "slots: one core is a fixed slot, unless parts are wanted" {
  RESOURCES_CPUS=1
  configure_condor /condor
  [[ $(fact SLOT_TYPE_1_PARTITIONABLE) == False ]]
  config_set FORCE_PARTITIONABLE True
  configure_condor /condor
  [[ $(fact SLOT_TYPE_1_PARTITIONABLE) == True ]]
}

@test "slots: fixed ones have one core each" {
  config_set SLOTS_LAYOUT fixed
  configure_condor /condor
  [[ $(fact SLOT_TYPE_1) == cpus=1 && $(fact NUM_SLOTS_TYPE_1) == 4 ]]
}

@test "tokens: copied for our eyes only, never shown" {
  printf 'aa.bb.cc\n' >"$START/credential_x.idtoken"
  printf 'dd.ee.ff\n' >other
  umask 077
  IDTOKENS_FILE=$PWD/other run -0 configure_condor /condor
  [[ $output != *aa.bb.cc* ]]
  [[ $(<"$WORK/cred.d/idtokens/credential_x.idtoken") == aa.bb.cc ]]
  [[ $(<"$WORK/cred.d/idtokens/other") == dd.ee.ff ]]
  [[ $(stat -c %a "$WORK"/cred.d/idtokens/* "$WORK/cred.d/idtokens") == $'600\n600\n700' ]]
}

@test "tokens: what is none is an error that does not show it" {
  printf 'secret but no token\n' >"$START/credential_x.idtoken"
  run -1 configure_condor /condor
  [[ $output == *'this is no token'*credential_x.idtoken* && $output != *secret* ]]
}

@test "places: a work directory with blanks is reached through a link, which goes away" {
  WORK="$PWD/a work, dir"
  mkdir "$WORK"
  configure_condor "$WORK/main/condor"
  local link
  link=$(fact LOCAL_DIR)
  [[ $link != *' '* && $link -ef $WORK ]]
  places_clean
  [[ ! -e $link ]]
}
