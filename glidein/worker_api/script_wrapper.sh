#!/bin/bash
# script_wrapper.sh - run a periodic script again, for the startd, as it was run at the start.
#
# Usage:  script_wrapper.sh GLIDEIN_CONFIG SECTION NAME SCRIPT [PREFIX]
#
# The startd (STARTD_CRON) starts it in the work directory and takes its standard output for
# attributes of the slot. The script runs in a fresh folder, with GLIDEIN_PERIODIC_SCRIPT=true and
# start_dir=<work directory>; what it prints is passed on. Then come OK, LAST, LAST_END and, after a
# failure, FAILED_LAST, FAILED_LAST_REASON and FAILED_LAST_END, and a line with a dash. PREFIX is what
# the startd puts before all of them; where it puts none (NOPREFIX), ours begin with GLIDEIN_PS_. In
# glidein_config all of them are GLIDEIN_PS_*, with GLIDEIN_PS_FAILED_LIST (ever) and
# GLIDEIN_PS_FAILING_LIST (at the last time). OK tells whether the latter is empty.
#
# Returns:  0;  1  the script failed, or could not be run
set -u
umask 0022

start_dir=$PWD
glidein_config=${1:-}
section=${2:-}
name=${3:-}
script=${4:-}
prefix=${5:-GLIDEIN_PS_}
[[ $glidein_config == /* ]] || glidein_config=$start_dir/$glidein_config
[[ $script == /* || -z $script ]] || script=$start_dir/$script
shown=
[[ $prefix != NOPREFIX ]] || shown=GLIDEIN_PS_
folder=
now=0

# publish NAME VALUE - tell the startd and glidein_config; VALUE is a ClassAd expression
publish() {
  printf '%s = %s\n' "$shown$1" "$2"
  lines+=("GLIDEIN_PS_$1 $2")
}

# string TEXT - set REPLY to TEXT as a ClassAd string of one line
string() {
  REPLY=${1//[[:cntrl:]]/ }
  REPLY=${REPLY//\\/\\\\}
  REPLY="\"${REPLY//\"/\\\"}\""
}

# list KEY add|drop - set REPLY to the list KEY of glidein_config with our name added or dropped
list() {
  local item items kept=
  IFS=, read -r -a items <<<"$(gconfig_get "$1" "$glidein_config")"
  for item in ${items[@]+"${items[@]}"}; do
    [[ -z $item || $item == "$name" ]] || kept+=${kept:+,}$item
  done
  [[ $2 != add ]] || kept+=${kept:+,}$name
  REPLY=$kept
}

# finish [REASON] - publish how it went, clean up, end
finish() {
  local lines=() how=drop
  [[ -z ${1:-} ]] || how=add
  printf -v now '%(%s)T' -1
  list GLIDEIN_PS_FAILING_LIST "$how"
  lines+=("GLIDEIN_PS_FAILING_LIST $REPLY")
  if [[ -z $REPLY ]]; then publish OK True; else publish OK False; fi
  if [[ $how == add ]]; then
    string "$name:$script"
    publish FAILED_LAST "$REPLY"
    string "$1"
    publish FAILED_LAST_REASON "$REPLY"
    publish FAILED_LAST_END "$now"
    list GLIDEIN_PS_FAILED_LIST add
    lines+=("GLIDEIN_PS_FAILED_LIST $REPLY")
    printf 'script_wrapper.sh: %s: %s\n' "$name" "$1" >&2
  fi
  string "$script"
  publish LAST "$REPLY"
  publish LAST_END "$now"
  printf -- '-\n'
  _gconfig_put "$glidein_config" ' ' "${lines[@]}"
  cd -- "$start_dir" || :
  [[ -z $folder ]] || rm -rf -- "$folder"
  [[ $how == drop ]]
  exit
}

if [[ ! -r $start_dir/add_config_line.source ]]; then
  printf 'script_wrapper.sh: no add_config_line.source in %s\n' "$start_dir" >&2
  printf '%sOK = False\n-\n' "$shown"
  exit 1
fi
# shellcheck source=/dev/null
. "$start_dir/add_config_line.source"
# shellcheck source=/dev/null
. "$start_dir/main/error_augment.sh"
[[ -n $name ]] || { error_augment_init && exit 0; }
[[ -f $glidein_config ]] || finish "no such file: $glidein_config"
[[ -x $script ]] || finish "not a program: $script"
folder=$(mktemp -d -- "$start_dir/tmp.XXXX") && cd -- "$folder" || finish "cannot make a folder in $start_dir"

GWMS_PATH=$start_dir/.gwms.d/bin
PATH=$GWMS_PATH:$PATH
export PATH GWMS_PATH start_dir GLIDEIN_PERIODIC_SCRIPT=true LANG=C
error_augment_init
printf -v started '%(%s)T' -1
"$script" "$glidein_config" "$section" </dev/null
status=$?
printf -v now '%(%s)T' -1
error_augment_process "$status" "$section/${script##*/}" "$PWD" "$script glidein_config" "$started" "$now"
error_augment_locked_concat
if ((status != 0)); then
  error_augment_detail
  [[ -z $REPLY ]] || printf '%s\n' "$REPLY" >&2
  finish "Error running '$script': status $status"
fi
finish
