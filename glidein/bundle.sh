#!/bin/bash
# bundle.sh - print glidein_startup.sh with each lib/ file written where it is sourced.
#
# Usage:  bundle.sh >glidein_startup.bundle.sh
#
# The result is the single file that batch systems carry. It has no GLIDEIN_LIB: that is how it
# knows to take the fetched half from the web area.
# shellcheck disable=SC2016  # the pattern below is the text of a line, not its value
set -euo pipefail
unset CDPATH # with it, cd may print where it went
cd -- "$(dirname -- "${BASH_SOURCE[0]}")"

while IFS= read -r line || [[ -n $line ]]; do
  case $line in
    GLIDEIN_LIB=*) printf 'GLIDEIN_LIB=\n' ;;
    'source "$GLIDEIN_LIB/'*)
      file=${line##*/}
      cat -- "lib/${file%\"}"
      ;;
    *) printf '%s\n' "$line" ;;
  esac
done <glidein_startup.sh
