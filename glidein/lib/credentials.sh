# shellcheck shell=bash
# credentials.sh - the tokens that travelled with the job, copied to where HTCondor finds them.
#
# Needs:     log.sh config.sh knob.sh
# Reads:     WORK, IDTOKENS_FILE
# Sets:      CREDENTIALS_FROM

# credentials_copy - copy the tokens that travelled with the job: every *.idtoken of the folder the
#   glidein was started in, and the file IDTOKENS_FILE
#   Returns:  0, also without any: the pool may know us by other means
#             1  a file is no token, or cannot be read or written. The log never shows a token.
credentials_copy() {
  local start file name line count=0
  config_get GLIDEIN_START_DIR_ORIG ''
  start=$REPLY
  file=${IDTOKENS_FILE:-}
  [[ -n $file && $file != /dev/null ]] || file=
  [[ -z $file || $file == /* ]] || file=$start/$file
  for file in "$start"/*.idtoken ${file:+"$file"}; do
    [[ -e $file ]] || [[ $file == "${IDTOKENS_FILE:-}" ]] || continue
    name=${file##*/}
    [[ $name =~ ^[A-Za-z0-9_][A-Za-z0-9._@+-]*$ ]] || log_fail 1 "not a good name for a token file: $file" || return $?
    knob_file "$file" || log_fail 1 "cannot read the token file $file" || return $?
    while IFS= read -r line; do
      line=${line//[[:space:]]/}
      [[ -z $line || $line == '#'* || $line =~ ^[A-Za-z0-9_=-]+\.[A-Za-z0-9_=-]+\.[A-Za-z0-9_=-]+$ ]] \
        || log_fail 1 "this is no token: $file" || return $?
    done <<<"$REPLY"
    { printf '%s\n' "$REPLY" >"$WORK/cred.d/idtokens/$name"; } 2>/dev/null \
      || log_fail 1 "cannot write $WORK/cred.d/idtokens/$name" || return $?
    ((++count))
  done
  CREDENTIALS_FROM="tokens that came with the job: $count"
  ((count > 0)) || log_warn "no token came with the job: nothing shows the pool who we are"
}
