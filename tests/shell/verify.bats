#!/usr/bin/env bats
# verify.sh alone. Archives and damaged areas: features/verify.feature.

# shellcheck disable=SC2016  # names, not expansions
bats_require_minimum_version 1.5.0

setup() {
  load helper
  source "$LIB/log.sh"
  source "$LIB/verify.sh"
}

# sign NAME... - write `signature` for files that are here
sign() { sha256sum -- "$@" >signature; }

@test "verify_name: takes names of files" {
  for name in a A-b_c.d condor-25.0.1-x86_64.tar.gz 'f+@%=:,~' "$(printf 'n%.0s' {1..255})"; do
    run -0 verify_name "$name"
  done
}

@test "verify_name: refuses what could be more than a name" {
  for name in '' . .. .hidden -rf /etc/passwd a/b ../a 'a b' $'a\tb' $'a\nb' $'a\ab' $'a\177' 'a$b' \
    'a;b' 'a*b' 'a`b' "a'b" 'a"b' 'a\b' 'a(b' 'ä' $'\xff' "$(printf 'n%.0s' {1..256})"; do
    run -1 verify_name "$name"
    [[ $output == *'refused as a file name'* && ${#lines[@]} -eq 1 ]]
  done
}

@test "verify_name: in any locale and IFS" {
  IFS=a LC_ALL=C.UTF-8
  run -0 verify_name banana
  run -1 verify_name 'é'
}

@test "verify_signature: hashes and sizes of a section, and of no other" {
  printf '# a comment\n#\n# size 3  f\n%064d  f\n' 7 >signature
  verify_signature signature main
  verify_hash main f
  [[ $REPLY == sha256:$(printf '%064d' 7) ]]
  verify_size main f
  [[ $REPLY == 3 ]]
  run -1 verify_hash entry f
  run -1 verify_hash main g
  run -1 verify_hash main ''
}

@test "verify_signature: names are not patterns" {
  printf '%064d  f.cfg\n' 7 >signature
  verify_signature signature main
  for name in '*' 'f?cfg' 'f.c.*' '.*' fxcfg; do run -1 verify_hash main "$name"; done
}

@test "verify_signature: forgets what the section had before" {
  printf '%064d  old\n' 7 >signature
  verify_signature signature main
  verify_signature signature entry
  printf '%064d  new\n' 8 >signature
  verify_signature signature main
  run -1 verify_hash main old
  run -0 verify_hash entry old
}

@test "verify_signature: a last line without its end counts" {
  printf '%064d  f' 7 >signature
  verify_signature signature main
  run -0 verify_hash main f
}

@test "verify_signature: of the type that was asked for" {
  printf '%040d  f\n' 7 >signature
  run -0 verify_signature signature main sha1
  run -1 verify_signature signature main sha256
}

@test "verify_signature: no file, no signature" {
  run -1 verify_signature signature main
  mkdir signature
  run -1 verify_signature signature main
}

@test "verify_files: all at once, by one process" {
  needs strace
  for i in 1 2 3 4 5 6; do echo "$i" >"f$i"; done
  sign f?
  echo "source '$LIB/log.sh'; source '$LIB/verify.sh'
    verify_signature signature main && verify_files main . f1 f2 f3 f4 f5 f6" >program
  strace -f -qq -e trace=execve -e signal=none -o trace bash program
  (($(grep -c 'execve.*sha256sum.* = 0' trace) == 1))
}

@test "verify_files: names each that is wrong" {
  for i in 1 2 3; do echo "$i" >"f$i"; done
  sign f1 f2 f3
  verify_signature signature main
  echo changed >f2
  rm f3
  status=0
  verify_files main . f1 f2 f3 f4 ../f1 2>log || status=$?
  ((status == 1))
  [[ ${VERIFY_WRONG[*]} == 'f3 f4 ../f1 f2' ]]
  grep -q 'refused: f2: wrong hash' log
}

@test "verify_files: none is no failure" {
  sign bin/* || :
  echo 1 >f
  sign f
  verify_signature signature main
  run -0 verify_files main .
}

@test "verify_sums: an unreadable file does not shift the others" {
  echo 1 >a
  echo 2 >c
  status=0
  verify_sums sha256 a b c || status=$?
  ((status == 1 && ${#VERIFY_SUMS[@]} == 3))
  [[ ${VERIFY_SUMS[0]} == "sha256:$(sha256sum <a | cut -d' ' -f1)" && -z ${VERIFY_SUMS[1]} ]]
  [[ ${VERIFY_SUMS[2]} == "sha256:$(sha256sum <c | cut -d' ' -f1)" ]]
}

@test "verify_sums: odd names" {
  mkdir -- '-d'
  for name in '-n' 'a b' $'a\nb' 'a\b' '-d/x'; do
    echo "$name" >"./$name"
    run -0 verify_sums sha1 "$name"
    verify_sums sha1 "$name"
    [[ ${VERIFY_SUMS[0]} == "sha1:$(sha1sum <"./$name" | cut -d' ' -f1)" ]]
  done
}

@test "verify_spec: only the two forms" {
  run -0 verify_spec "sha256:$(printf '%064d' 1)"
  run -0 verify_spec "sha1:$(printf '%040d' 1)"
  for spec in '' - sha256: "sha256:$(printf '%040d' 1)" "$(printf '%064d' 1)" "sha256:$(printf '%064X' 0xabc)"; do
    run -1 verify_spec "$spec"
  done
}
