# shellcheck shell=bash
# helper.bash - loaded by every .bats file: a private folder, stubs first on PATH, -u and
# pipefail as in main.
#
# Sets:  LIB (glidein/lib), PATH, HOME; the test's own folder becomes the current one
#
#   setup() {
#     load helper
#     source "$LIB/log.sh"
#   }

cd "$BATS_TEST_TMPDIR" || exit
mkdir bin home
PATH=$BATS_TEST_TMPDIR/bin:/usr/sbin:/usr/bin:/sbin:/bin
HOME=$BATS_TEST_TMPDIR/home
export LIB=${BATS_TEST_DIRNAME%/tests/shell*}/glidein/lib
unset http_proxy https_proxy all_proxy no_proxy HTTP_PROXY HTTPS_PROXY ALL_PROXY NO_PROXY
set -uo pipefail

# bats itself cleans up after the test, in the same shell: without stubs in its way. A file with a
# teardown of its own that stubs what bats needs (rm) puts PATH back itself.
if [[ $(declare -f teardown) == $'teardown () \n{ \n    return 0\n}' ]]; then
  teardown() { PATH=/usr/bin:/bin; }
fi

# stub NAME <<<SCRIPT - put a command NAME on PATH that runs SCRIPT
stub() {
  { echo '#!/bin/bash' && cat; } >"$BATS_TEST_TMPDIR/bin/$1" && chmod +x "$BATS_TEST_TMPDIR/bin/$1"
}

# only_tools NAME... - PATH becomes a folder with nothing but the stubs and these programs
only_tools() {
  local name path
  for name in "$@"; do
    path=$(type -P "$name") || needs "$name"
    [[ -e $BATS_TEST_TMPDIR/bin/$name ]] || ln -s "$path" "$BATS_TEST_TMPDIR/bin/$name"
  done
  PATH=$BATS_TEST_TMPDIR/bin
}

# needs NAME... - skip this test, by name of what is missing, on a machine that lacks a
#   program; `root` stands for being root. In CI, where nothing may be skipped, fail instead.
needs() {
  local name reason=''
  for name in "$@"; do
    if [[ $name == root ]]; then
      ((EUID == 0)) || reason='needs root'
    else
      type -P "$name" >/dev/null || reason="needs the program $name"
    fi
    [[ -n $reason ]] || continue
    [[ -n ${CI:-}${GLIDEIN_NO_SKIP:-} ]] || skip "$reason"
    printf 'nothing may be skipped here: %s\n' "$reason" >&2
    return 1
  done
}
