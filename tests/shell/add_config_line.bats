#!/usr/bin/env bats
# worker_api/add_config_line.source and its neighbours, as scripts of communities use them.
# shellcheck disable=SC2016,SC1090,SC2119,SC2120,SC2329  # what is quoted is for those scripts

bats_require_minimum_version 1.5.0

setup() {
  load helper
  API=${LIB%/lib}/worker_api
  mkdir 'a work'
  cd 'a work' || exit
  printf '%s\n' "ADD_CONFIG_LINE_SOURCE $API/add_config_line.source" 'A 1' 'B two  words ' 'AB x' 'EMPTY ' >glidein_config
  export glidein_config=$PWD/glidein_config condor_vars_file=$PWD/vars.lst
  printf '# VarName Type\nV \tS \t- \t+ \tN \tY \t-\nVW S - + N Y -\n' >vars.lst
}

# A reader that a failed test left would hold bats up.
teardown() {
  PATH=/usr/bin:/bin
  : >"$BATS_TEST_TMPDIR/a work/done"
}

# script [OPTION...] <<<TEXT - run TEXT as communities' scripts begin: find the functions, source them
script() {
  {
    echo '. "$(grep -m1 "^ADD_CONFIG_LINE_SOURCE " "$glidein_config" | cut -d " " -f 2-)"'
    cat
  } >script.sh
  bash "$@" script.sh
}

# told KEY - what the reference's own way of reading finds
told() { tac "$glidein_config" | grep -m1 "^$1 " | cut -d ' ' -f 2-; }

@test "gconfig_get: the rest of the last line of a key, nothing for none, status 0" {
  echo 'A 7' >>glidein_config
  run -0 script <<<'gconfig_get A; gconfig_get B; gconfig_get EMPTY; gconfig_get NONE; gconfig_get "A.*"; gconfig_get a; gconfig_get a -i'
  [[ $output == $'7\ntwo  words \n\n7' ]]
}

@test "gconfig_get: another file, or one that is not there" {
  echo 'A other' >other
  run -0 script <<<'gconfig_get A other; gconfig_get a other -i; gconfig_get A nothere; gconfig_get A /; echo $?'
  [[ $output == $'other\nother\n0' ]]
}

@test "gconfig_get: without a file to look in the script ends with 1" {
  echo ". '$API/add_config_line.source'; gconfig_get A; echo survived" >script.sh
  run -1 env -u glidein_config bash script.sh
  [[ $output == *'glidein_config is not set'* && $output != *survived* ]]
}

@test "gconfig_get_*: lower and upper case, trimmed, and as a boolean" {
  printf '%s\n' 'T  True ' 'F False' 'Y yes' 'ONE 1' 'ZERO 00' 'MINUS -3' >>glidein_config
  run -0 script <<<'gconfig_get_tolower T; gconfig_get_toupper Y; gconfig_get_trim T
    for key in T F Y ONE ZERO MINUS NONE; do gconfig_get_bool $key && echo yes; done; :'
  [[ $output == $' true \nYES\nTrue\n1\nyes\n0\n1\nyes\n1\nyes\n0\n1\nyes\n0' ]]
}

@test "gconfig_add: adds, replaces, leaves the rest; words and lines are joined by one blank" {
  script <<<'gconfig_add NEW "$HOME x"; gconfig_add A "a  b" c; gconfig_add "WHOLE line in one"; gconfig_add LINES "$(printf "1\n2")"; add_config_line Z 1; gconfig_add EMPTY ""'
  [[ $(told A) == 'a  b c' && $(told NEW) == "$HOME x" && $(told WHOLE) == 'line in one' && $(told LINES) == '1 2' && $(told Z) == 1 ]]
  [[ $(told AB) == x && $(told B) == 'two  words ' ]]
  [[ -z $(cut -d ' ' -f 1 glidein_config | sort | uniq -d) ]]
}

@test "gconfig_add: a value is data, a key is no pattern" {
  script <<<'gconfig_add "A." dot; gconfig_add "A*" star; gconfig_add A "\$(touch ran) [a-z]* \\n & ;"; gconfig_add "[" x'
  [[ $(told A) == '$(touch ran) [a-z]* \n & ;' && $(grep -cF 'A. dot' glidein_config) == 1 && $(grep -cF '[ x' glidein_config) == 1 && ! -e ran ]]
}

@test "gconfig_add: ClassAd expressions survive" {
  script <<<'add_config_line "GLIDECLIENT_Start" "(TARGET.x =?= \"a b\") && (\$\$(Cpus) > 1)"'
  [[ $(told GLIDECLIENT_Start) == '(TARGET.x =?= "a b") && ($$(Cpus) > 1)' ]]
}

@test "gconfig_add: after strangers, who leave no end of line, or a key twice" {
  printf 'A 2\nNOEND x' >>glidein_config
  script <<<'gconfig_add C 1; gconfig_add A 3'
  [[ $(told NOEND) == x && $(told C) == 1 && $(grep '^A ' glidein_config) == 'A 3' ]]
}

@test "gconfig_add: comments are not keys" {
  script <<<'gconfig_add "# --- one ---"; gconfig_add "# --- two ---"; gconfig_add "# --- one ---"'
  [[ $(grep -c '^# ---' glidein_config) == 2 ]]
}

@test "gconfig_add: without glidein_config, or where it cannot be written, the script ends with 1" {
  echo ". '$API/add_config_line.source'; gconfig_add A 1; echo survived" >script.sh
  run -1 env -u glidein_config bash script.sh
  [[ $output != *survived* ]]
  rm glidein_config
  run -1 bash script.sh
  [[ $output != *survived* ]]
}

@test "gconfig_add: keeps a history, each line at most 4 kB" {
  script <<<'gconfig_add A 5; gconfig_add BIG "$(printf %08000d 1)"; gconfig_add_unsafe U 1'
  [[ $(sed 's/[0-9]* / /' glidein_config.history | head -1) == 'REG A 5' && $(awk '{print length}' glidein_config.history | sort -n | tail -1) == 4096 ]]
  [[ $(told BIG) == "$(printf %08000d 1)" ]]
}

@test "functions: under set -eu, POSIX mode, odd IFS, noclobber, noglob and nocasematch, which all stay" {
  local text='gconfig_add N 1 2; gconfig_add A 4; gconfig_add_safe S 1; add_condor_vars_line N S - + N Y -
    gconfig_add N 1 2; gconfig_get NONE; gconfig_get A; gconfig_trim; printf "%s|%q\n" "$-" "$IFS"; touch x; : >y'
  for options in '-eu' '--posix' '--posix -eu' '-C' '-f' '-O nocasematch -O nullglob -O failglob'; do
    cp glidein_config kept
    # shellcheck disable=SC2086
    run -0 script $options <<<"IFS=A1; $text"
    [[ ${lines[0]} == 4 && ${lines[1]} == *'|A1' && ${#lines[@]} == 2 ]]
    [[ $(told N) == '1 2' && $(told A) == 4 && $(told S) == 1 && $(told AB) == x ]]
    rm -f y && cp kept glidein_config
  done
  run -0 script -C <<<'gconfig_add A 9; { : >glidein_config; } 2>/dev/null && echo clobbered; :'
  [[ -z $output ]]
}

@test "gconfig_add and gconfig_get: 1,000 calls start no process" {
  needs strace
  local text='i=0; while [ $i -lt 500 ]; do gconfig_add "KEY_$i" "value $i"; gconfig_get "KEY_$i" >/dev/null; i=$((i + 1)); done'
  { echo ". '$API/add_config_line.source'" && echo "$text"; } >many.sh
  strace -f -o trace -e trace=fork,vfork,clone,clone3,execve bash many.sh
  [[ $(grep -c 'execve(' trace) == 1 && $(grep -cE 'fork\(|clone3?\(' trace) == 0 ]]
  [[ $(told KEY_499) == 'value 499' && $(grep -c '^KEY_' glidein_config) == 500 ]]
}

@test "gconfig_add: a value that changes costs one process" {
  needs strace
  echo ". '$API/add_config_line.source'; gconfig_add A 1; gconfig_add A 1; gconfig_add A changed" >one.sh
  strace -f -o trace -e trace=execve bash one.sh
  [[ $(grep -c 'execve(.*= 0' trace) == 2 && $(told A) == changed ]]
}

@test "gconfig_add: 12 writers at once, and strangers, lose nothing and never show half a file" {
  local i pids=()
  cat >writer.sh <<'END'
. "$1"
for i in {1..25}; do
  gconfig_add "W$2_$i" "value $i"
  gconfig_add COUNT "$2 $i"
  gconfig_add "OWN_$2" "$i"
done
END
  cat >reader.sh <<'END'
while [[ ! -e done && -d $PWD ]] && ((SECONDS < 120)); do
  [[ $(grep -c '^A 1$' glidein_config) == 1 ]] || echo "half a file" >>wrong
  while IFS= read -r line; do
    [[ $line =~ ^(ADD_CONFIG_LINE_SOURCE|A|B|AB|EMPTY|W[0-9]+_[0-9]+|COUNT|OWN_[0-9]+|S[0-9]+)\ .* ]] || echo "$line" >>wrong
  done <glidein_config
done
END
  bash reader.sh &
  for i in {1..12}; do
    bash writer.sh "$API/add_config_line.source" "$i" &
    pids+=("$!")
  done
  for i in {1..40}; do echo "S$i stranger" >>glidein_config; done
  for i in "${pids[@]}"; do wait "$i"; done
  : >"done" && wait
  [[ ! -e wrong ]]
  [[ $(grep -cE '^W[0-9]+_[0-9]+ ' glidein_config) == 300 && $(grep -cE '^OWN_[0-9]+ 25$' glidein_config) == 12 && $(grep -c '^COUNT ' glidein_config) == 1 ]]
  [[ -z $(cut -d ' ' -f 1 glidein_config | grep -v '^S' | sort | uniq -d) && ! -e glidein_config.rewrite ]]
}

@test "gconfig_add: what is appended to the old file while it writes the new one is in the new one" {
  stub mv <<<'echo "LATE 1" >>"${@: -1}"; exec /usr/bin/mv "$@"'
  script <<<'gconfig_add A changed'
  [[ $(told LATE) == 1 && $(told A) == changed ]]
}

@test "gconfig_add: a lock whose holder died is taken away" {
  echo 99999999 >glidein_config.rewrite
  script <<<'gconfig_add A late'
  [[ $(told A) == late && ! -e glidein_config.rewrite ]]
}

@test "lock_file: one at a time, whoever made the lock; unlock_file gives it back" {
  run -0 script <<<'lock_file glidein_config && lock_file glidein_config && unlock_file glidein_config && ! unlock_file glidein_config && ! lock_file nothere'
  [[ ! -e glidein_config.lock && ! -e glidein_config.pid ]]
  ln -s glidein_config glidein_config.lock && echo "$$" >glidein_config.pid # as the reference locks
  run -1 script <<<'LOCK_TIMEOUT=1; gconfig_add_safe A 2'
  [[ $output == *'Failed to add: A 2'* && $(told A) == 1 ]]
  echo 99999999 >glidein_config.pid
  run -0 script <<<'UNLOCK_TIMEOUT=0; add_config_line_safe A 2'
  [[ $(told A) == 2 && ! -L glidein_config.lock ]]
}

@test "gconfig_trim: leaves the last line of each key" {
  printf 'A 2\nB 3\nA 4\n' >>glidein_config
  script <<<'gconfig_trim; gconfig_trim_safe'
  [[ $(told A) == 4 && $(told B) == 3 && -z $(cut -d ' ' -f 1 glidein_config | sort | uniq -d) ]]
}

@test "add_condor_vars_line: replaces the line of that name, tabs or blanks; appends another" {
  script <<<'add_condor_vars_line V I 5 + Y N @; add_condor_vars_line NEW S - + N Y -; add_condor_vars_line "V" "I" "5" "+" "Y" "N" "@"'
  [[ $(<vars.lst) == $'# VarName Type\nVW S - + N Y -\nV I 5 + Y N @\nNEW S - + N Y -' ]]
}

@test "add_condor_vars_line: no line over 4 kB, and always seven columns; without a file it returns 1" {
  script <<<'add_condor_vars_line LONG S "$(printf %05000d 1)" + N Y -'
  [[ $(awk '/^LONG/ {print length, NF}' vars.lst) == '4096 7' ]]
  echo ". '$API/add_config_line.source'; add_condor_vars_line A S - + N Y - || echo returned" >script.sh
  run -0 env -u condor_vars_file bash script.sh
  [[ $output == *returned ]]
}

@test "get_id_selectors: what belongs to a section" {
  printf '%s\n' "GLIDEIN_WORK_DIR /w/main" "GLIDECLIENT_GROUP_WORK_DIR /w/client_group_main" 'DESCRIPTION_ENTRY_FILE d.cfg' 'GLIDECLIENT_Signature abc' >>glidein_config
  run -0 script <<<". '$API/get_id_selectors.source'"'
    get_work_dir main; get_work_dir client_group; get_descript_file entry; get_signature client
    get_prefix main; get_prefix entry; get_prefix client; get_prefix client_group; get_prefix x || echo none'
  [[ $output == $'/w/main\n/w/client_group_main\nd.cfg\nabc\n\nENTRY_\nGLIDECLIENT_\nGLIDECLIENT_GROUP_\n[get_prefix] Invalid id: x\nnone' ]]
}

@test "glidein_paths: hooks are run or sourced in their order, from their folder" {
  mkdir -p hooks/exec/prejob
  printf 'echo "sourced $PWD"; VALUE=kept\n' >hooks/exec/prejob/b.sh
  printf '#!/bin/sh\necho "ran $1"\n' >hooks/exec/prejob/a && chmod +x hooks/exec/prejob/a
  printf 'echo never\n' | tee hooks/exec/prejob/c.sh.ignore >hooks/exec/prejob/d
  run -0 script <<<". '$API/glidein_paths.source'"'
    gwms_process_scripts hooks prejob glidein_config; echo "$VALUE"; gwms_from_config B; gwms_from_config NONE default'
  [[ $output == "ran $PWD/glidein_config"$'\n'"sourced $PWD/hooks/exec/prejob"$'\nkept\ntwo  words \ndefault' ]]
}

@test "logging_utils: events become a JSON list" {
  run -0 script <<<". '$API/logging_utils.source'"'
    glog_write me text early; glog_init u-1 "$PWD" && glog_setup "$glidein_config" || exit 1
    echo content >file; glog_write me text "say \"hi\"
    \\ tab	" error; glog_write me file file; glog_send; echo "sent $?"; glog_write me text more odd; glog_send; glog_get_logfile_path_relative'
  [[ $output == *$'sent 2\nlogs/u-1/u-1.log' ]]
  python3 -c '
import base64, gzip, json
one, two, three = json.load(open("logs/u-1/u-1.log"))
events = {e["type"] + e["severity"]: e for e in (one, two)}
assert events["texterror"]["content"] == "say \"hi\"\n    \\ tab\t", one
assert gzip.decompress(base64.b64decode(events["fileinfo"]["content"])) == b"content\n"
assert three["content"] == "more" and three["severity"] == "info"'
}

@test "b64uuencode: what uudecode and log tools read" {
  printf 'a\0b' >in
  [[ $(bash -c ". '$API/b64uuencode.source'; b64uuencode" <in) == $'begin-base64 644 -\nYQBi\n====' ]]
}
