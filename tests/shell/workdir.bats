#!/usr/bin/env bats
# workdir.sh with its modules: where the folder goes, its lock, and what may be swept away.
# shellcheck disable=SC2016,SC1090,SC2012,SC2329  # what is quoted is for another bash; stand-ins

bats_require_minimum_version 1.5.0

setup() {
  load helper
  for module in log clock job workdir; do source "$LIB/$module.sh"; done
  START_DIR="$PWD/the start"
  PLACE="$PWD/a place"
  mkdir "$START_DIR" "$PLACE"
  unset _CONDOR_SCRATCH_DIR OSG_WN_TMP TMPDIR
}

# glidein FOLDER KIND [HOST BOOT NAMESPACE PID START] - what a glidein leaves: its folder with an
#   owner file that is old enough. What is not given is as of this very process.
glidein() {
  local folder="$PLACE/$1" kind=$2 identity
  workdir_identity
  read -r -a identity <<<"$REPLY"
  shift 2
  mkdir -p "$folder/.glidein" "$folder/main"
  chmod 0700 "$folder"
  printf '%s %s\n' "$kind" "${1:-${identity[0]}} ${2:-${identity[1]}} ${3:-${identity[2]}} ${4:-${identity[3]}} ${5:-${identity[4]}}" \
    >"$folder/.glidein/owner"
  touch -d '-2 minutes' "$folder/.glidein/owner"
}

@test "workdir_place: each keyword stands for its folder" {
  workdir_place . && [[ $REPLY == "$START_DIR" ]]
  _CONDOR_SCRATCH_DIR=$PLACE workdir_place Condor && [[ $REPLY == "$PLACE" ]]
  OSG_WN_TMP=$PLACE workdir_place OSG && [[ $REPLY == "$PLACE" ]]
  TMPDIR=$PLACE workdir_place TMPDIR && [[ $REPLY == "$PLACE" ]]
  workdir_place "$PLACE" && [[ $REPLY == "$PLACE" ]]
  mkdir "$START_DIR/sub dir"
  workdir_place 'sub dir' && [[ $REPLY == "$START_DIR/sub dir" ]]
}

@test "workdir_place: AUTO takes the first that can be used, else the start" {
  workdir_place AUTO && [[ $REPLY == "$START_DIR" ]]
  TMPDIR=$PLACE workdir_place AUTO && [[ $REPLY == "$PLACE" ]]
  _CONDOR_SCRATCH_DIR=$PWD/none TMPDIR=$PLACE workdir_place AUTO && [[ $REPLY == "$PLACE" ]]
}

@test "workdir_place: what the environment does not name is 1, by name" {
  for keyword in Condor OSG TMPDIR; do
    run -1 workdir_place "$keyword"
    [[ $output == *"-dir $keyword: "* ]]
  done
}

@test "workdir_place: a folder that is not there is 1, by name" {
  run -1 workdir_place "$PWD/none"
  [[ $output == *"$PWD/none"* ]]
}

@test "workdir_place: a start whose folder is gone is 1, and told so" {
  START_DIR='' run -1 workdir_place .
  [[ $output == *'started in is gone'* ]]
}

@test "workdir_place: is an absolute path, whatever the site says" {
  mkdir "$START_DIR/tmp"
  TMPDIR=tmp workdir_place TMPDIR
  [[ $REPLY == "$START_DIR/tmp" ]]
}

@test "workdir_place: a folder with a line break in its name is refused" {
  mkdir $'bad\nname'
  run -1 workdir_place "$PWD/"$'bad\nname'
  [[ $output == *'control character'* ]]
}

@test "workdir_make: the folder is new, private, and locked while we live" {
  workdir_make "$PLACE"
  [[ $WORK == "$PLACE"/glide_?????? && $(stat -c %a "$WORK") == 700 && -d $WORK/.glidein/objects && -d $WORK/condor_config.d ]]
  read -r kind host boot namespace pid start <"$WORK/.glidein/owner"
  [[ $kind == flock && $pid == "$$" && $start =~ ^[0-9]+$ && -n $host$boot$namespace ]]
  run -1 flock -n "$WORK/.glidein/owner" true
}

@test "workdir_make: a signal right after the folder was made knows what to remove" {
  hash -r
  stub mkdir <<<'/usr/bin/mkdir "$@"; kill -TERM $PPID'
  trap 'seen=${WORK:-}' TERM
  workdir_make "$PLACE"
  [[ -n $seen && $seen == "$WORK" ]]
}

@test "workdir_make: a name that is taken already is not used" {
  mkdir "$PLACE/glide_000000"
  _workdir_name() { REPLY=glide_$(printf '%06d' "$try"); }
  workdir_make "$PLACE"
  [[ $WORK == "$PLACE/glide_000001" ]]
}

@test "workdir_make: a place where all names are taken is no place" {
  mkdir "$PLACE/glide_000000"
  _workdir_name() { REPLY=glide_000000; }
  run -1 workdir_make "$PLACE"
  [[ $output == *'cannot make a work directory'* ]]
  workdir_make "$PLACE" || [[ -z ${WORK:-} ]]
}

@test "workdir_make: words of the dynamic loader do not become part of the name" {
  hash -r
  stub mkdir <<<'echo "ERROR: ld.so: object from LD_PRELOAD cannot be preloaded: ignored." >&2; exec /usr/bin/mkdir "$@"'
  workdir_make "$PLACE"
  [[ -d $WORK/main && $WORK == "$PLACE"/glide_?????? ]]
}

@test "workdir_make: a file system without locks is told apart by process" {
  stub flock <<<'exit 71'
  workdir_make "$PLACE"
  [[ $(<"$WORK/.glidein/owner") == 'pid '* && -z ${WORKDIR_LOCK_FD:-} ]]
}

@test "workdir_make: a node without flock is told apart by process" {
  only_tools mkdir readlink rm
  workdir_make "$PLACE"
  [[ $(<"$WORK/.glidein/owner") == 'pid '* ]]
}

@test "workdir_make: a place that cannot be written is 1" {
  run -1 workdir_make "$PWD/none"
  [[ $output == *"$PWD/none"* ]]
}

@test "workdir_make: a full disk is 1, and what was made is known" {
  needs root unshare
  run -0 unshare --mount bash -uc '
    for module in log clock job workdir; do source "$LIB/$module.sh"; done
    mount -t tmpfs -o nr_inodes=3 none "$1"
    workdir_make "$1" && exit 9
    [[ -d $WORK ]] && workdir_remove && [[ -z $(ls -A "$1") ]]' full "$PLACE"
}

@test "workdir_sweep: removes what a dead glidein left, also unreadable folders" {
  glidein glide_deadpi pid '' '' '' 4194304
  glidein glide_deadfl flock
  mkdir -p "$PLACE/glide_deadpi/main/locked/in"
  chmod 000 "$PLACE/glide_deadpi/main/locked"
  workdir_sweep "$PLACE"
  [[ -z $(ls -A "$PLACE") && $WORKDIR_SWEPT == 2 ]]
}

@test "workdir_sweep: a process id that was given to another process since is dead" {
  glidein glide_reused pid '' '' '' $$ 1
  workdir_sweep "$PLACE"
  ((WORKDIR_SWEPT == 1))
}

@test "workdir_sweep: removes the links that a dead glidein had outside, and nothing else there" {
  local name
  glidein glide_linked pid '' '' '' 4194304
  glidein glide_liar__ pid '' '' '' 4194304
  for name in 1.2 3.4; do
    mkdir -p "$PWD/glidein.$name"
    ln -s "$PLACE/glide_linked" "$PWD/glidein.$name/work"
    ln -s /nowhere "$PWD/glidein.$name/condor"
  done
  printf '%s\n' "$PWD/glidein.1.2" >"$PLACE/glide_linked/.glidein/outside"
  glidein glide_early_ pid '' '' '' 4194304
  mkdir glidein.5.6
  printf '%s\n' "$PWD/glidein.5.6" >"$PLACE/glide_early_/.glidein/outside"
  printf '%s\n' "$PWD/glidein.3.4" >"$PLACE/glide_liar__/.glidein/outside"
  workdir_sweep "$PLACE"
  [[ ! -e glidein.1.2 && ! -e glidein.5.6 && -L glidein.3.4/condor && $WORKDIR_SWEPT == 3 ]]
}

@test "workdir_sweep: leaves a glidein that lives: by process" {
  glidein glide_living pid
  workdir_sweep "$PLACE"
  [[ -d $PLACE/glide_living && $WORKDIR_SWEPT == 0 ]]
}

@test "workdir_sweep: leaves a glidein whose lock something still holds, though its process is gone" {
  glidein glide_locked flock '' '' '' 4194304
  exec {fd}<"$PLACE/glide_locked/.glidein/owner"
  flock "$fd"
  workdir_sweep "$PLACE"
  [[ -d $PLACE/glide_locked && $WORKDIR_SWEPT == 0 ]]
}

@test "workdir_sweep: leaves a young one" {
  glidein glide_young_ pid '' '' '' 4194304
  touch "$PLACE/glide_young_/.glidein/owner"
  workdir_sweep "$PLACE"
  [[ -d $PLACE/glide_young_ ]]
}

@test "workdir_sweep: leaves one of another process namespace, where numbers mean others" {
  glidein glide_nspace pid '' '' 'pid:[1]' 4194304
  workdir_sweep "$PLACE"
  [[ -d $PLACE/glide_nspace ]]
}

@test "workdir_sweep: of another boot, only our own host's can be dead" {
  glidein glide_reboot flock '' 00000000-0000-0000-0000-000000000000
  glidein glide_other1 flock elsewhere 00000000-0000-0000-0000-000000000000
  glidein glide_nohost flock unknown 00000000-0000-0000-0000-000000000000
  glidein glide_noboot pid '' unknown '' 4194304
  workdir_sweep "$PLACE"
  if read -r host </proc/sys/kernel/hostname && [[ $host != localhost* ]]; then
    [[ ! -d $PLACE/glide_reboot ]]
  fi
  [[ -d $PLACE/glide_other1 && -d $PLACE/glide_nohost && -d $PLACE/glide_noboot ]]
}

@test "workdir_sweep: leaves our own, other names, links, and folders without a readable owner" {
  glidein glide_mine__ pid '' '' '' 4194304
  glidein other pid '' '' '' 4194304
  glidein glide_toolong pid '' '' '' 4194304
  glidein target pid '' '' '' 4194304
  ln -s target "$PLACE/glide_link__"
  mkdir -p "$PLACE/glide_bare__" "$PLACE/glide_links_" "$PLACE/glide_ownlnk/.glidein"
  ln -s ../target/.glidein "$PLACE/glide_links_/.glidein"
  ln -s ../../target/.glidein/owner "$PLACE/glide_ownlnk/.glidein/owner"
  touch -h -d '-2 minutes' "$PLACE/glide_ownlnk/.glidein/owner"
  for text in '' garbage 'pid a b c 0 1' 'pid a b c -1 1' $'\x01\xff'; do
    mkdir -p "$PLACE/glide_bad${#text}xx/.glidein"
    printf '%s\n' "$text" >"$PLACE/glide_bad${#text}xx/.glidein/owner"
    touch -d '-2 minutes' "$PLACE/glide_bad${#text}xx/.glidein/owner"
  done
  ls -A "$PLACE" >before
  WORK="$PLACE/glide_mine__" workdir_sweep "$PLACE"
  ls -A "$PLACE" | diff before -
  ((WORKDIR_SWEPT == 0))
}

@test "workdir_sweep: leaves what belongs to another user" {
  needs root
  glidein glide_theirs pid '' '' '' 4194304
  glidein glide_theirf pid '' '' '' 4194304
  chown 65534 "$PLACE/glide_theirs" "$PLACE/glide_theirf/.glidein/owner"
  workdir_sweep "$PLACE"
  [[ -d $PLACE/glide_theirs && -d $PLACE/glide_theirf ]]
}

@test "workdir_sweep: does not follow links out, nor mounts" {
  needs root unshare
  glidein glide_mounts pid '' '' '' 4194304
  mkdir outside "$PLACE/glide_mounts/mnt"
  touch outside/precious
  ln -s "$PWD/outside" "$PLACE/glide_mounts/link"
  run -0 unshare --mount bash -uc '
    for module in log clock job workdir; do source "$LIB/$module.sh"; done
    mount -t tmpfs none "$1/glide_mounts/mnt" && touch "$1/glide_mounts/mnt/precious"
    workdir_sweep "$1" && [[ -e $1/glide_mounts/mnt/precious ]]' sweep "$PLACE"
  [[ -e outside/precious ]]
}

@test "workdir_sweep: an empty or missing place is fine" {
  run -0 workdir_sweep "$PLACE"
  run -0 workdir_sweep "$PWD/none"
}

@test "workdir_remove: removes all, from within, and lets go of the lock" {
  workdir_make "$PLACE"
  mkdir -p "$WORK/execute/dir_1/deep"
  chmod 000 "$WORK/execute/dir_1"
  cd "$WORK"
  workdir_remove
  [[ -z $(ls -A "$PLACE") && -z ${WORKDIR_LOCK_FD:-} ]]
  workdir_remove
}

@test "workdir_remove: removes what an ordinary user's job made unreadable" {
  local as=() place
  ((EUID != 0)) || as=(setpriv --reuid=65534 --regid=65534 --clear-groups)
  needs setpriv
  place=$(mktemp -d) # root's own temporary folder is closed to others
  chmod 0777 "$place"
  cp -r "$LIB" "$place/lib" && chmod -R a+rX "$place/lib"
  run -0 "${as[@]}" bash -uc 'cd "$1" && for module in log clock job workdir; do source "lib/$module.sh"; done
    workdir_make "$1" && mkdir -p "$WORK/execute/dir/deep" && chmod 000 "$WORK/execute/dir" && workdir_remove' remove "$place"
  run ! compgen -G "$place/glide_*"
  rm -rf "$place"
}

@test "workdir_remove: before there is one does nothing" {
  unset WORK
  run -0 workdir_remove
}

@test "workdir_remove: what is left is named" {
  WORK=$PLACE
  stub rm <<<'exit 1'
  run -1 workdir_remove
  [[ $output == *"left behind: $PLACE"* ]]
}

@test "workdir_private: makes a folder that only we may enter, and takes it again" {
  workdir_private "$PLACE/new"
  [[ $(stat -c %a "$PLACE/new") == 700 ]]
  workdir_private "$PLACE/new"
}

@test "workdir_private: refuses links, files, folders open to others or of others, and missing parents" {
  mkdir -m 0700 real && ln -s real link && touch file && mkdir -m 0770 open
  for folder in link file open none/none; do run -1 workdir_private "$folder"; done
  if ((EUID == 0)); then
    mkdir -m 0700 theirs && chown 65534 theirs
    run -1 workdir_private theirs
  fi
}
