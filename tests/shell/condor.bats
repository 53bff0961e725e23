#!/usr/bin/env bats
# condor.sh alone, with tiny tarballs whose programs are a few lines of text.

bats_require_minimum_version 1.5.0

setup() {
  load helper
  # shellcheck source=glidein/lib/log.sh
  source "$LIB/log.sh"
  # shellcheck source=glidein/lib/config.sh
  source "$LIB/config.sh"
  # shellcheck source=glidein/lib/condor.sh
  source "$LIB/condor.sh"
  WORK=$PWD HOSTTYPE=x86_64
}

# make_tarball [RELOCATE] - c.tar.gz: three scripts and, if given, the text RELOCATE
make_tarball() {
  mkdir -p tree/sbin tree/bin tree/lib
  printf 'master' >tree/sbin/condor_master
  printf 'startd' >tree/sbin/condor_startd
  printf '%s\n' '#!/bin/sh' "echo '\$CondorVersion: 9.8.7 2026-01-01 \$'" >tree/bin/condor_version
  chmod +x tree/sbin/* tree/bin/*
  [[ $# == 0 ]] || printf '%s\n' "$1" >tree/RELOCATE
  tar -czf c.tar.gz -C tree .
}

# list LINE... - the file that condor_choose reads
list() { printf '%s\n' "$@" >list; }

@test "condor_arch: knows the processor without asking uname" {
  stub uname <<<'exit 99'
  HOSTTYPE=powerpc64le
  condor_arch
  [[ $REPLY == ppc64le ]]
}

@test "condor_arch: asks uname where HOSTTYPE is a word of another shell" {
  stub uname <<<'echo riscv64'
  HOSTTYPE=x86_64-linux
  condor_arch
  [[ $REPLY == riscv64 ]]
}

@test "condor_choose: takes the first for this processor" {
  list 'condor-25.1.2-aarch64.tar.gz a' 'condor-25.1.2-x86_64.tar.gz b' 'condor-24.0.3-x86_64.tar.gz c'
  condor_choose list
  [[ $REPLY == 'condor-25.1.2-x86_64.tar.gz b' ]]
}

@test "condor_choose: a version is taken whole or by its first numbers" {
  list 'condor-25.1.2-x86_64.tar.gz b' 'condor-24.0.3-x86_64.tar.gz c'
  config_set CONDOR_VERSION 24.0
  condor_choose list
  [[ $REPLY == *' c' ]]
  config_set CONDOR_VERSION 2
  run ! condor_choose list
}

@test "condor_choose: of several versions the earlier one wins" {
  list 'condor-25.1.2-x86_64.tar.gz b' 'condor-24.0.3-x86_64.tar.gz c'
  config_set CONDOR_VERSION 23.9,24,25
  condor_choose list
  [[ $REPLY == *' c' ]]
}

@test "condor_choose: says what was wanted and what is there" {
  list 'condor-25.1.2-aarch64.tar.gz a'
  run -1 condor_choose list
  [[ $output == *arch=x86_64*version=default*offered=condor-25.1.2-aarch64.tar.gz* ]]
  list
  run -1 condor_choose list
  [[ $output == *offered=nothing* ]]
}

@test "condor_find: nothing is asked for" {
  run -1 condor_find
  config_set CONDOR_DIR main/condor
  run -1 condor_find
}

@test "condor_find: the folder that the site names is taken as it is" {
  config_set CONDOR_DIR /opt/htcondor
  condor_find 2>/dev/null
  [[ $REPLY == /opt/htcondor ]]
}

@test "condor_find: of several paths the first with HTCondor" {
  make_tarball
  config_set GLIDEIN_Condor_Paths "/nowhere,:$PWD/tree:/also-nowhere"
  condor_find 2>/dev/null
  [[ $REPLY == "$PWD/tree" ]]
  config_set GLIDEIN_Condor_Paths /nowhere
  run -1 condor_find
}

@test "condor_unpack: completes each program, in a folder with blanks in its name" {
  make_tarball $'# 512 lib/ld.so\n6 sbin/condor_master\n6 sbin/condor_startd'
  dir="$PWD/a work  dir"
  condor_unpack c.tar.gz "$dir"
  [[ $(tr -d '\0' <"$dir/sbin/condor_master") == "master$dir/lib/ld.so" ]]
}

@test "condor_unpack: fills the room with NULs, to the byte" {
  make_tarball $'# 512 lib/ld.so\n6 sbin/condor_master'
  condor_unpack c.tar.gz "$PWD/dir"
  printf 'master%s' "$PWD/dir/lib/ld.so" >expected
  truncate --size $((6 + 512)) expected
  cmp expected dir/sbin/condor_master
  [[ $(<dir/sbin/condor_startd) == startd ]]
}

@test "condor_unpack: a percent sign in the path is a percent sign" {
  make_tarball $'# 512 lib/ld.so\n6 sbin/condor_master'
  condor_unpack c.tar.gz "$PWD/100%s\\n"
  [[ $(tr -d '\0' <"100%s\\n/sbin/condor_master") == "master$PWD/100%s\\n/lib/ld.so" ]]
}

@test "condor_unpack: a relative folder becomes an absolute path" {
  make_tarball $'# 512 lib/ld.so\n6 sbin/condor_master'
  condor_unpack c.tar.gz dir
  [[ $(tr -d '\0' <dir/sbin/condor_master) == "master$PWD/dir/lib/ld.so" ]]
}

@test "condor_unpack: starts no process per program" {
  make_tarball $'# 512 lib/ld.so\n6 sbin/condor_master\n6 sbin/condor_startd'
  mkdir dir
  path=$PATH
  only_tools tar gzip
  run -0 condor_unpack c.tar.gz dir
  PATH=$path
}

@test "condor_unpack: unpacking once more gives the same" {
  make_tarball $'# 512 lib/ld.so\n6 sbin/condor_master'
  condor_unpack c.tar.gz dir
  condor_unpack c.tar.gz dir
  [[ $(wc -c <dir/sbin/condor_master) -eq $((6 + 512)) ]]
}

@test "condor_unpack: a path that is too long names its length and the limit" {
  long=$(printf 'x%.0s' {1..150})
  make_tarball $'# 100 lib/ld.so\n6 sbin/condor_master'
  run -2 condor_unpack c.tar.gz "/$PWD/$long"
  path=/$PWD/$long/lib/ld.so
  [[ $output == *"path too long: ${#path} bytes, at most 99: "* ]]
}

@test "condor_unpack: the limit counts bytes and leaves one for the closing NUL" {
  make_tarball "# $((${#PWD} + 16)) lib/ld.so"$'\n6 sbin/condor_master'
  export LC_ALL=C.UTF-8
  condor_unpack c.tar.gz "$PWD/1234"
  run -2 condor_unpack c.tar.gz "$PWD/12345"
  run -2 condor_unpack c.tar.gz "$PWD/123ü"
}

@test "condor_unpack: a tarball without RELOCATE is left as it is" {
  make_tarball
  condor_unpack c.tar.gz dir
  [[ $(<dir/sbin/condor_master) == master ]]
}

@test "condor_unpack: a damaged tarball is returned as 1" {
  make_tarball
  head -c 60 c.tar.gz >cut.tar.gz
  run -1 condor_unpack cut.tar.gz dir
  [[ $output == *"cannot unpack cut.tar.gz"* ]]
}

@test "condor_unpack: another tarball is returned as 3" {
  mkdir other
  tar -czf other.tar.gz other
  run -3 condor_unpack other.tar.gz dir
}

@test "condor_unpack: a RELOCATE that is not understood is returned as 3" {
  for text in 'nonsense' $'# 99999 lib/ld.so' $'# 512 lib/ld.so\nsix sbin/condor_master' \
    $'# 512 lib/ld.so\n6 ../dir/sbin/condor_master' $'# 512 lib/ld.so\n6 sbin/absent'; do
    make_tarball "$text"
    run -3 condor_unpack c.tar.gz dir
  done
}

@test "condor_version: reads what the program prints" {
  make_tarball
  condor_version tree
  [[ $REPLY == 9.8.7 ]]
}

@test "condor_version: passes on why it does not run" {
  make_tarball
  printf '#!/bin/sh\necho "version GLIBC_9.99 not found" >&2; exit 1\n' >tree/bin/condor_version
  run -1 condor_version tree
  [[ $output == *"does not run here"*GLIBC_9.99* ]]
  run -1 condor_version /nowhere
  [[ $output == *"no HTCondor in /nowhere"* ]]
}
