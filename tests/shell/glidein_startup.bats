#!/usr/bin/env bats
# glidein_startup.sh as a whole, with phases that do nothing but what the test wants.
# shellcheck disable=SC2016  # what is quoted is for another bash

bats_require_minimum_version 1.5.0

setup() {
  load helper
  HASH=$(printf '%064d' 0)
  mkdir slot && cd slot || exit
  export BACKOFF_DIR=$PWD/../backoff GLIDEIN_CACHE=none
}

# glidein CODE OPTION... - run a glidein whose phases after `prepare` are empty, but for what CODE says
glidein() {
  bash -c 'source "$0"
    for phase in fetch verify check condor configure; do eval "glidein_$phase() { :; }"; done
    eval "$1"
    shift
    main "$@"' "$LIB/../glidein_startup.sh" "$1" --dry-run -name n -factory f -entry e -web http://localhost:1 \
    -descript d -descriptentry e -signtype sha256 -sign "$HASH" -signentry "$HASH" "${@:2}"
}

@test "glidein_startup: phases that do nothing leave nothing" {
  run -0 --separate-stderr glidein ''
  [[ $output == *'"cause":"dry_run"'* && $(ls -A) == '' ]]
}

@test "glidein_startup: where the shell itself gives up, the code still tells the phase" {
  # bash ends with 254 when it can start no more processes
  run -40 --separate-stderr glidein 'glidein_check() { exit 254; }'
  [[ $output == *'"code":40,"phase":"check"'* && $stderr == *'status=254'* && $(ls -A) == '' ]]
}

@test "glidein_startup: a node without /proc is told so by its checks, not by a slip of ours" {
  needs unshare root
  glidein_without_proc() {
    unshare --mount bash -c 'mount -t tmpfs none /proc; "$@"' bash bash -c "$(declare -f glidein); LIB=$LIB HASH=$HASH; glidein ''"
  }
  run -0 --separate-stderr glidein_without_proc
  [[ $output == *'"uuid":"'?* ]]
}

@test "glidein_startup: --check looks at the folder that -dir names" {
  mkdir there
  run -0 --separate-stderr bash "$LIB/../glidein_startup.sh" --check --json -dir there
  [[ $output == *"$PWD/there: written, executed"* && $(ls -A there) == '' ]]
  run -40 --separate-stderr bash "$LIB/../glidein_startup.sh" --check -dir nowhere
  [[ $stderr == *"no such folder: '$PWD/nowhere'"* ]]
}

@test "glidein_startup: a signal while the fetched half is loaded does not call what came of it" {
  run -39 --separate-stderr glidein 'glidein_load() { activity_print() { echo half; }; kill -TERM $$; }
    area_verify() { :; }
    glidein_verify() { area_verify && config_write && glidein_load && GLIDEIN_LOADED=1; }'
  [[ $output == *'"phase":"verify"'* && $output != *half* ]]
}

@test "glidein_startup: a slip in the report does not keep the glidein from cleaning up" {
  run -0 --separate-stderr glidein 'report_print() { : "$NO_SUCH_VARIABLE"; }'
  [[ $(ls -A) == '' ]]
}
