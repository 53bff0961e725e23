#!/usr/bin/env bats
# cache.sh alone: where the cache is. What it keeps and what it refuses: features/cache.feature.

# shellcheck disable=SC2016  # stubs are text
bats_require_minimum_version 1.5.0

setup() {
  load helper
  source "$LIB/log.sh"
  source "$LIB/verify.sh"
  source "$LIB/cache.sh"
  unset GLIDEIN_CACHE OSG_WN_TMP TMPDIR _CONDOR_SCRATCH_DIR SLURM_JOB_ID PBS_JOBID JOB_ID LSB_JOBID
  mkdir tmp
}

place() {
  _cache_place
  [[ $REPLY == "$1" ]]
}

@test "cache_open: GLIDEIN_CACHE, made for us alone" {
  GLIDEIN_CACHE=$PWD/cache
  cache_open
  [[ $CACHE_DIR == "$PWD/cache" && $(stat -c %a cache) == 700 ]]
}

@test "cache_open: below the site's folder, else TMPDIR, else /tmp" {
  place /tmp
  TMPDIR=$PWD/tmp
  place "$PWD/tmp"
  mkdir site
  OSG_WN_TMP=$PWD/site
  place "$PWD/site"
  OSG_WN_TMP=$PWD/missing
  place "$PWD/tmp"
}

@test "cache_open: not in a folder that goes with the job" {
  TMPDIR=$PWD/tmp
  _CONDOR_SCRATCH_DIR=$PWD/tmp place /tmp
  mkdir tmp/job.4711
  TMPDIR=$PWD/tmp/job.4711
  SLURM_JOB_ID=4711 place /tmp
  PBS_JOBID=4711 place /tmp
  place "$PWD/tmp/job.4711"
}

@test "cache_open: refuses a relative path, and none is none" {
  GLIDEIN_CACHE=cache run -1 cache_open
  GLIDEIN_CACHE=none
  run -1 cache_open
  [[ -z $output ]]
}

@test "without a cache nothing is got or kept" {
  echo 1 >file
  hash=sha256:$(sha256sum <file | cut -d' ' -f1)
  run -1 cache_get "$hash" dest
  run -1 cache_put "$hash" file
  run -1 cache_trim 1
}

@test "cache_put, cache_get: not by a link where the file systems differ, but by a copy" {
  GLIDEIN_CACHE=$PWD/cache
  cache_open
  echo 1 >file
  hash=sha256:$(sha256sum <file | cut -d' ' -f1)
  stub ln <<<'exit 1'
  cache_put "$hash" file
  cache_get "$hash" dest
  cmp file dest
  [[ $(ls -A cache) == "${hash/:/.}" && $CACHE_HITS -eq 1 ]]
}

@test "cache_get: an empty or odd hash names no file" {
  GLIDEIN_CACHE=$PWD/cache
  cache_open
  echo 1 >cache/sha256.
  for hash in '' sha256: ../x "sha256:../$(printf '%061d' 1)"; do run -1 cache_get "$hash" dest; done
  [[ ! -e dest ]]
}

@test "cache_put: a full disk leaves nothing half-made" {
  GLIDEIN_CACHE=$PWD/cache
  cache_open
  echo 1 >file
  stub ln <<<'exit 1'
  stub cp <<<'echo half >"${@: -1}"; exit 1'
  run -1 cache_put "sha256:$(printf '%064d' 1)" file
  [[ -z $(ls -A cache) ]]
}
