#!/usr/bin/env bats
# check.sh: each check on a node made of files and stubs; connections are played.
#
# bats runs tests under -e and the worker runs without; `|| true` after a call switches it off
# for what is inside.
# shellcheck disable=SC2016,SC2329  # stubs are text; functions of the modules are replaced here

bats_require_minimum_version 1.5.0

setup() {
  load helper
  for module in log clock job config options cgroup hints gpus resources cvmfs check; do
    # shellcheck source=/dev/null
    source "$LIB/$module.sh"
  done
  TREES=${LIB%/glidein/lib}/tests/fixtures/resources
  set +T # bats would trace every line of the modules: ten times slower
  WORK=$PWD/work
  mkdir "$WORK"
  _CHECK_PIPE='' # no jobs, unless a test starts them
}

teardown() { job_end_all; }

# said CHECK - run one check; STATUS, FOUND and NEEDED are what it said last
said() {
  CHECK_NAME=() CHECK_STATUS=() CHECK_FOUND=() CHECK_NEEDED=() CHECK_MS=()
  _check_run "$1" "check_$1" 2>log || true
  result "$1"
}

# result NAME - set STATUS, FOUND and NEEDED to what was said about NAME
result() {
  local i
  STATUS='' FOUND='' NEEDED=''
  for i in "${!CHECK_NAME[@]}"; do
    [[ ${CHECK_NAME[i]} == "$1" ]] || continue
    STATUS=${CHECK_STATUS[i]} FOUND=${CHECK_FOUND[i]} NEEDED=${CHECK_NEEDED[i]}
  done
  [[ -n $STATUS ]]
}

# is STATUS [TEXT] - the last result has that status, and TEXT somewhere in what was found
is() {
  [[ $STATUS == "$1" && $FOUND == *"${2:-}"* ]] || {
    echo "got: $STATUS: $FOUND; expected: $1: ${2:-}"
    return 1
  }
}

# answers ENDPOINT=RESULT... - connections to ENDPOINT end that way; `never` does not end; a name
#   that is not in the list resolves, a port that is not is refused
answers() {
  ANSWERS=" $* "
  _check_reach() {
    local all=$ANSWERS
    echo "$1 $2:$3" >>tried
    case $all in
      *" $2:$3=never "*) sleep 60 ;;
      *" $2:$3=ok "*) REPLY=ok ;;
      *" $2=unknown "*) REPLY='name does not resolve' ;;
      *) if [[ $1 == udp ]]; then REPLY=ok; else REPLY='Connection refused'; fi ;;
    esac
  }
}

@test "check_node: every result has a name, a status, two texts and a time" {
  answers cm.example.org:9618=ok
  config_set GLIDEIN_Collector cm.example.org
  FETCH_DATE_SKEW_S=3
  check_node 2>log || return
  [[ ${#CHECK_NAME[@]} -ge 13 ]]
  for i in "${!CHECK_NAME[@]}"; do
    [[ ${CHECK_STATUS[i]} =~ ^(ok|warn|fail|skip)$ && ${CHECK_MS[i]} =~ ^[0-9]+$ ]]
    [[ -n ${CHECK_NAME[i]} && -n ${CHECK_FOUND[i]} && -n ${CHECK_NEEDED[i]} ]]
  done
  for name in bash system user workdir disk clock files processes processor memory tools names collector; do
    result "$name"
  done
}

@test "check_node: it leaves no file and no process behind" {
  answers a:1=never b:2=never
  config_set GLIDEIN_Collector 'a:1;b:2'
  config_set GLIDEIN_Check_Wait_S 1
  run -1 check_node
  [[ -z $(ls -A "$WORK") ]]
  check_node 2>log || true
  [[ ${#JOB_PIDS[@]} -eq 0 && -z $(jobs -p) ]]
}

@test "check_node: a failed check fails the node, a warning does not" {
  answers
  config_set GLIDEIN_Min_Disk_MB 999999999
  run -1 check_node
  [[ $output == *'ERROR _check_say: disk: found: '*'needed: 999999999 MB'* ]]
  config_set GLIDEIN_Check_Warn_Only 'memory,disk'
  run -0 check_node
  [[ $output == *'WARN  _check_say: disk: found: '*'GLIDEIN_Check_Warn_Only'* ]]
}

@test "check_node: a threshold that is no number fails, naming the key" {
  answers
  config_set GLIDEIN_Min_Disk_MB 10G
  check_node 2>log && return 1
  result settings
  is fail "GLIDEIN_Min_Disk_MB: '10G'"
}

@test "check_node: few processes are started" {
  needs strace
  cat >node.sh <<END
set -uo pipefail
for module in log clock job config options cgroup hints gpus resources cvmfs check; do source "$LIB/\$module.sh"; done
config_set GLIDEIN_Collector '127.0.0.1:1;127.0.0.1:2'
check_node
END
  strace -f -qq -e trace=fork,vfork,clone,clone3 -o trace bash node.sh 2>log || true
  [[ $(grep -cE '(clone3?|v?fork)\(' trace) -le 25 ]] || {
    grep -cE '(clone3?|v?fork)\(' trace
    return 1
  }
}

@test "tools: all there" {
  said tools
  is ok 'web: curl, wget'
}

@test "tools: one that is missing is named" {
  only_tools base64 cat chmod cp dd head id ln ls mkdir mktemp mv readlink rm sha1sum sleep stat \
    tail awk gzip sha256sum tar curl
  said tools
  is fail 'missing: wc sed;'
}

@test "tools: one that is there but does not execute is named with its complaint" {
  stub tar <<<'echo "tar: error while loading shared libraries: libacl.so.1: no such file" >&2; exit 127'
  printf 'garbage' >bin/sed && chmod +x bin/sed
  printf '\177ELFgarbage' >bin/gzip && chmod +x bin/gzip
  said tools
  is fail 'tar: no such file'
  is fail 'gzip: '
}

@test "tools: an option that a tool does not know is not a failure to execute" {
  stub awk <<<'echo "awk: unknown option --version" >&2; exit 2'
  said tools
  is ok
}

@test "tools: a curl that does not run is a warning where wget does, and a failure where not" {
  stub curl <<<'kill -ILL $$'
  said tools
  is warn 'curl does not run'
  stub wget <<<'exit 127'
  said tools
  is fail 'web: none'
}

@test "tools: for a person, every one is run" {
  stub readlink <<<'exit 127'
  said tools
  is ok
  config_set GLIDEIN_Check_Only 1
  said tools
  is fail 'readlink'
}

@test "tools: one that hangs costs the time limit, not the glidein" {
  answers
  stub tar <<<'exec sleep 60'
  config_set GLIDEIN_Check_Wait_S 1
  check_node 2>log && return 1
  result tools
  is fail 'not done in 1 s'
}

@test "workdir: files can be written and executed" {
  said workdir
  is ok 'written, executed'
  [[ -z $(ls -A "$WORK") ]]
}

@test "workdir: one that is not there, or not ours" {
  WORK=$PWD/nowhere
  said workdir
  is fail 'not a directory that we may write to'
}

@test "workdir: one where programs do not execute" {
  stub cp <<<'cp=/bin/cp; $cp "$@"; chmod -x "${@: -1}"'
  said workdir
  is fail 'programs do not execute there (Permission denied)'
  [[ -z $(ls -A "$WORK") ]]
}

@test "disk: too little room, too few inodes, inodes that are not counted" {
  stub stat <<<'echo 102400 4096 1000000 1000000 xfs' # 400 MB
  said disk
  is fail '400 MB'
  stub stat <<<'echo 1024000 4096 1500 1000000 xfs'
  said disk
  is fail '1500 inodes'
  stub stat <<<'echo 1024000 4096 0 0 xfs'
  said disk
  is ok 'uncounted inodes free (xfs)'
  stub stat <<<'echo 1024000 4096 9000 9000 tmpfs'
  said disk
  is ok 'tmpfs, which takes memory'
  stub stat <<<'exit 1'
  said disk
  is warn 'not measured'
}

@test "clock: near, off, far off, and not measured" {
  while read -r skew status found; do
    FETCH_DATE_SKEW_S=$skew
    said clock
    is "$status" "$found" || return 1
  done <<'END'
0 ok 0 s
-29 ok 29 s behind
+31 warn 31 s ahead
-301 fail 301 s behind
86400 fail 86400 s ahead
late skip not measured
END
  FETCH_DATE_SKEW_S=''
  said clock
  is skip 'not measured'
  unset FETCH_DATE_SKEW_S
  config_set GLIDEIN_Check_Only 1
  said clock
  is skip 'not asked'
}

@test "user: root is a warning, and so is a uid without a name" {
  said user
  if ((EUID == 0)); then is warn 'uid 0 (root)'; else is ok "uid $EUID ("; fi
  RESOURCES_ROOT=$PWD/root
  mkdir -p root/etc
  : >root/etc/passwd
  stub id <<<'echo 4711'
  said user
  is warn
}

@test "user: a name from a directory service is found too" {
  RESOURCES_ROOT=$PWD/root
  mkdir -p root/etc
  : >root/etc/passwd
  stub id <<<'echo pilot007'
  said user
  [[ $FOUND == "uid $EUID (pilot007)"* ]]
}

@test "files, processes: limits of the user and of the cgroup" {
  RESOURCES_ROOT=$TREES/node
  said files
  is ok 'soft limit 1024, hard 524288'
  said processes
  is ok 'cgroup 84000'
  RESOURCES_ROOT=$TREES/v2-quota
  said processes
  is warn 'cgroup 300'
  CHECK_MIN_PROCESSES=400
  said processes
  is fail
  CHECK_MIN_FILES=600000
  said files
  is fail
  RESOURCES_ROOT=$PWD
  said files
  is warn 'not measured'
}

@test "processor: the level needs all of its flags" {
  check_x86_level 'fpu sse sse2'
  [[ $REPLY == 1 ]]
  v2='cx16 lahf_lm popcnt pni sse4_1 sse4_2 ssse3' v3='avx avx2 bmi1 bmi2 f16c fma abm movbe xsave'
  check_x86_level "$v2"
  [[ $REPLY == 2 ]]
  check_x86_level "$v2 ${v3/bmi2/}"
  [[ $REPLY == 2 ]]
  check_x86_level "$v2 $v3"
  [[ $REPLY == 3 ]]
  check_x86_level "$v2 $v3 avx512f avx512bw avx512cd avx512dq avx512vl"
  [[ $REPLY == 4 ]]
  check_x86_level "$v3"
  [[ $REPLY == 1 ]]
}

@test "processor: too old a one fails, where a level is asked for" {
  MACHTYPE=x86_64-pc-linux-gnu RESOURCES_ROOT=$TREES/bare
  said processor
  is ok 'x86-64-v1, Example CPU'
  CHECK_MIN_X86_LEVEL=2
  said processor
  is fail 'x86-64-v1'
  MACHTYPE=aarch64-unknown-linux-gnu
  said processor
  is ok aarch64
  MACHTYPE=riscv64-unknown-linux-gnu
  said processor
  is warn riscv64
}

@test "memory: what the slot gets, and what the node has left" {
  RESOURCES_ROOT=$TREES/v2-50
  said memory
  is ok '2048 MB (memory(cgroup-v2)), 6144 MB free'
  CHECK_MIN_MEMORY_MB=4000
  said memory
  is fail
}

# network KEY=VALUE... - run the jobs alone
network() {
  local pair
  for pair; do config_set "${pair%%=*}" "${pair#*=}"; done
  CHECK_NAME=() CHECK_STATUS=() CHECK_FOUND=() CHECK_NEEDED=() CHECK_MS=()
  CHECK_TOOLS='' CHECK_TOOLS_RUN='' CHECK_TOOLS_WEB=''
  : >tried
  { _check_jobs_start && _check_jobs_end; } 2>log || true
}

@test "collector: none named is not asked, never ok" {
  answers
  network
  result collector
  is skip 'not asked'
}

@test "collector: each group needs one that answers" {
  answers a:9618=ok c:9620=ok
  network 'GLIDEIN_Collector=a,b;c:9620?sock=collector1'
  result collector
  is ok '; c:9620: reached'
  network 'GLIDEIN_Collector=a;b:1,b:2'
  result collector
  is fail 'a:9618: reached; '
  [[ $FOUND == *'b:1: Connection refused'* && $FOUND == *'b:2: Connection refused'* ]]
}

@test "collector: the ports of a range are sampled, and the message says so" {
  answers
  network 'GLIDEIN_Collector=a:9620-9660'
  result collector
  is fail '(tried 4 of 41)'
  [[ $(grep -c '^tcp a:96' tried) -eq 4 && $(sort -u tried | grep -c ^tcp) -eq 4 ]]
  while IFS=: read -r _ port; do ((port >= 9620 && port <= 9660)); done < <(grep ^tcp tried)
}

@test "collector: when the first answers, no other is asked" {
  answers a:1=ok a:2=ok a:3=ok
  network 'GLIDEIN_Collector=a:1,a:2,a:3'
  result collector
  is ok
  [[ $(grep -c ^tcp tried) -eq 1 ]]
}

@test "collector: a silent one does not hold up the next" {
  answers a:1=never b:2=ok
  CHECK_NEXT_MS=100 network 'GLIDEIN_Collector=a:1,b:2' GLIDEIN_Check_Wait_S=8
  result collector
  is ok 'b:2: reached'
  ((SECONDS < 8))
}

@test "collector: silence ends with the time limit" {
  answers a:1=never
  CHECK_WAIT_S=1 network GLIDEIN_Collector=a:1
  result collector
  is fail 'a:1: no answer in 1 s'
  result names
  is ok
}

@test "collector: all forms of the key" {
  while read -r want text; do
    _CHECK_GROUP=() _CHECK_GROUP_SIZE=()
    check_collectors "$text" || { echo "$text: $REPLY" && return 1; }
    sizes=${_CHECK_GROUP_SIZE[*]}
    got="${sizes// /+}:${_CHECK_GROUP[0]}"
    [[ $got == "$want" ]] || {
      echo "$text: got $got, expected $want"
      return 1
    }
  done <<'END'
1:a:9618 a
1:a.b-c.org:9619 a.b-c.org:9619
1:a:9618 a:9618?sock=collector
1:a:9618 a:9618?sock=collector1-40
1:a:9618 <a:9618?addrs=1.2.3.4-9618&sock=x>
1:::1:9618 [::1]:9618
1:fe80::2:9618 [fe80::2]
1+1:a:9618 a;b
1+41:a:9618 a;;b:9620-9660;
1:a:9618 a:9618?sock=c$RANDOM_INTEGER(1,40)
END
  _CHECK_GROUP=() _CHECK_GROUP_SIZE=()
  check_collectors 'a:$RANDOM_INTEGER(9620,9629)' || return
  [[ ${_CHECK_GROUP_SIZE[*]} == 10 ]]
}

@test "collector: what is not understood fails, quoting it" {
  for text in 'a:b' 'a:0' 'a:70000' 'a:20-10' 'a b/c' 'a:9618;$(id)' '../a'; do
    answers
    network "GLIDEIN_Collector=$text"
    result collector
    is fail GLIDEIN_Collector:
    [[ ! -s tried ]] || ! grep ^tcp tried
  done
}

@test "names: our own that does not resolve is a warning" {
  HOSTNAME=me
  answers me=unknown
  network
  result names
  is warn 'own me: name does not resolve'
}

@test "names: a group of which no name resolves is a failure, else a warning" {
  answers b=unknown c=unknown d:9618=ok
  network 'GLIDEIN_Collector=b,c'
  result names
  is fail 'name does not resolve'
  CHECK_COLLECTORS=4 network 'GLIDEIN_Collector=b,d'
  result names
  [[ $STATUS != fail ]]
}

@test "names: the web server's, unless caches look it up" {
  answers web.example.org=unknown
  OPTION[web]=http://web.example.org:8080/stage
  network
  result names
  is warn 'web web.example.org: name does not resolve'
  OPTION[proxy]=http://squid:3128
  network
  result names
  is ok
  [[ $FOUND != *web.example.org* ]]
}

@test "names: a bash that cannot connect measures nothing, and says so" {
  answers
  _check_reach() { REPLY='this bash cannot open connections'; }
  network GLIDEIN_Collector=a:1
  result collector
  is warn 'not measured'
  result names
  is warn 'this bash cannot'
}

@test "_check_reach: a closed port and a name that does not exist" {
  _check_reach tcp 127.0.0.1 1 || return
  [[ $REPLY == 'Connection refused' ]]
  _check_reach udp 127.0.0.1 9 || return
  [[ $REPLY == ok ]]
  _check_reach udp no-such-host.invalid 9 || return
  [[ $REPLY == 'name does not resolve' ]]
}

@test "check_table: lines up, wraps, and fits the width asked for" {
  CHECK_NAME=(short 'a-longer-name') CHECK_STATUS=(ok fail) CHECK_MS=(3 12345)
  CHECK_FOUND=('some words' 'one two three four five six seven eight nine ten eleven twelve thirteen')
  CHECK_NEEDED=('a few' 'alpha beta gamma delta epsilon zeta eta theta iota kappa lambda')
  for COLUMNS in 70 80 120; do
    check_table >table
    while IFS= read -r line; do
      ((${#line} <= COLUMNS)) && [[ $line != *' ' ]]
    done <table
    words=$(tr -s ' \n' ' ' <table)
    for word in twelve thirteen kappa lambda 12345; do [[ $words == *"$word"* ]]; done
  done
  [[ $(head -1 table) == 'check          result      ms  found'*'needed' ]]
}

@test "check_table: a word too long for its column is cut, not lost" {
  COLUMNS=70
  CHECK_NAME=(x) CHECK_STATUS=(ok) CHECK_MS=(1) CHECK_NEEDED=(y)
  printf -v word '%090d' 0
  CHECK_FOUND=("$word")
  check_table >table
  [[ $(tail -n +2 table | tr -cd 0 | wc -c) -eq 90 ]]
}

@test "check: control characters in what was found do not reach the terminal" {
  _check_next x
  _check_say ok $'a\e[31mb\tc' needed
  [[ ${CHECK_FOUND[*]} == 'a?[31mb?c' ]]
}

@test "check: an odd IFS and odd options of the shell change nothing" {
  answers a:9618=ok
  config_set GLIDEIN_Collector a
  IFS=a:0
  check_node 2>log || return
  IFS=$' \t\n'
  result collector
  is ok 'a:9618: reached'
  result tools
  is ok
}
