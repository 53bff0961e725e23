#!/bin/bash
# has_scratch.sh - an example of a check: is there room for the files of jobs?
#
# Usage:  has_scratch.sh GLIDEIN_CONFIG AREA
# Runs in the glidein's work directory. Exit 0: fine; anything else ends the glidein.

needed_kb=1000000
{ read -r _ && read -r _ _ _ free_kb _; } < <(df -kP .)
((free_kb >= needed_kb)) && exit
printf 'has_scratch.sh: %s kB free in %s, %s needed\n' "$free_kb" "$PWD" "$needed_kb" >&2
exit 1
