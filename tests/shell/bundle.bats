#!/usr/bin/env bats
# bundle.sh and the file that it prints, which must be the checkout in one piece.
# shellcheck disable=SC2016  # what is quoted is for another bash

bats_require_minimum_version 1.5.0

setup() {
  load helper
  GLIDEIN=${LIB%/lib}
  bash "$GLIDEIN/bundle.sh" >bundle
}

@test "bundle: is a program that begins as the checkout's does" {
  [[ $(head -2 bundle) == "$(head -2 "$GLIDEIN/glidein_startup.sh")" ]]
  run -0 bash -n bundle
}

@test "bundle: defines exactly the functions of the checkout" {
  diff <(bash -c 'source "$0"; declare -f' "$GLIDEIN/glidein_startup.sh") <(bash -c 'source "$0"; declare -f' "$PWD/bundle")
}

@test "bundle: is the same each time, from wherever it is made, whatever CDPATH says" {
  cp bundle first
  (cd / && bash "$GLIDEIN/bundle.sh") | cmp first -
  (cd "$GLIDEIN/.." && CDPATH=$PWD:/ bash glidein/bundle.sh) | cmp first -
}

@test "bundle: sources nothing of the checkout" {
  run ! grep -nE '^ *(source|\.) .*GLIDEIN_LIB/[a-z]' bundle
  grep -qx 'GLIDEIN_LIB=' bundle
}

@test "bundle: a module that is missing is an error, not a shorter file" {
  cp -r "$GLIDEIN" copy
  rm copy/lib/verify.sh
  run ! bash copy/bundle.sh
}

@test "bundle: carries all that its own --help promises, alone in an empty folder" {
  mkdir empty && cp bundle empty/g && cd empty
  run -0 bash ./g --help
  [[ $output == *--check* && $output == *'Exit status'* && $output != *GLIDEIN_LIB* ]]
  run -0 --separate-stderr bash ./g --version
  [[ $output =~ ^glidein_startup.sh\ [0-9.]+$ && -z $stderr ]]
}

@test "bundle: sourcing it defines functions and runs nothing" {
  run -0 --separate-stderr bash -uc 'source ./bundle; declare -F fetch_run >/dev/null && echo here'
  [[ $output == here && -z $stderr ]]
}

@test "bundle: usage errors are 2 also in an odd environment" {
  for odd in POSIXLY_CORRECT=1 PATH= IFS=/ LC_ALL=tr_TR.UTF-8 SHELLOPTS=braceexpand:noclobber CDPATH=/; do
    run -2 env "$odd" /bin/bash ./bundle --nosuch
    [[ $output == *'unknown option: --nosuch'* ]]
  done
  run -2 /bin/bash ./bundle --nosuch <&-
  /bin/bash ./bundle --nosuch <&- >&- 2>&- || [[ $? == 2 ]]
}

@test "checkout: usage errors are 2 also in an odd environment" {
  for odd in POSIXLY_CORRECT=1 IFS=/ LC_ALL=tr_TR.UTF-8; do
    run -2 env "$odd" /bin/bash "$GLIDEIN/glidein_startup.sh" --nosuch
    [[ $output == *'unknown option: --nosuch'* ]]
  done
}

@test "modules: hold nothing newer than bash 4.2" {
  run ! grep -nE 'wait -n|local -n|declare -n|\[\[ -v [^ ]*\[|\$\{[a-zA-Z_]+@[A-Za-z]\}|mapfile -d|readarray -d|EPOCHSECONDS|SRANDOM|BASH_ARGV0|\$\{[a-z_]+: -|wait -p|local -I|coproc|\$\{ ' \
    "$LIB"/*.sh "$GLIDEIN"/*.sh
}

@test "modules: time is printed with an argument, as bash 4.2 needs" {
  run ! grep -nE "printf [^|]*%\([^)]*\)T[^|;]*'[ ]*$" "$LIB"/*.sh "$GLIDEIN"/*.sh
}

@test "modules: loading defines and does nothing else" {
  for module in "$LIB"/*.sh; do
    run -0 --separate-stderr env -i bash -uc 'umask; pwd -P; source "$0"; umask; pwd -P; trap; jobs' "$module"
    [[ -z $stderr && ${#lines[@]} == 4 && ${lines[0]} == "${lines[2]}" && ${lines[1]} == "${lines[3]}" ]]
  done
}
