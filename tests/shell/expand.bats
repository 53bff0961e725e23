#!/usr/bin/env bats
# expand.sh alone: defaults of condor_vars.lst, as the reference's shell would leave them.

# shellcheck disable=SC2016,SC1003  # $NAME and backslashes are data here
bats_require_minimum_version 1.5.0

setup() {
  load helper
  local module
  for module in log config vars expand; do
    # shellcheck source=/dev/null
    source "$LIB/$module.sh"
  done
}

@test "leaves what the reference's shell would leave" {
  config_set GLIDEIN_Entry_Name here
  config_set Odd '$(rm) `x`'
  local default expected
  while IFS='|' read -r default expected; do
    expand_default "$default"
    [[ $REPLY == "$expected" ]] || { echo "$default: $REPLY" && false; }
  done <<'END'
1200|1200
\\$INT\\(X\\)|$INT(X)
$GLIDEIN_Entry_Name|here
${GLIDEIN_Entry_Name}.x|here.x
$NOBODY_SET_THIS|
\\"quoted\\"|"quoted"
"double $GLIDEIN_Entry_Name"|double here
'single'|single
a\\\\b|a\b
$Odd|$(rm) `x`
END
}

@test "refuses whatever a shell would run" {
  local default
  for default in '$(touch x)' '`touch x`' 'a;touch' 'a|b' 'a&b' 'a>b' '(a)' "'open" '$1' 'a\\'; do
    run -1 expand_default "$default"
  done
  [[ ! -e x ]]
}
