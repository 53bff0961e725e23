#!/usr/bin/env bats
# credentials.sh alone: what is copied, what is refused, what is looked at again.
# shellcheck disable=SC2016  # what is quoted is for another bash

bats_require_minimum_version 1.5.0

setup() {
  load helper
  local module
  for module in log clock config report knob expiry credentials; do
    # shellcheck source=/dev/null
    source "$LIB/$module.sh"
  done
  WORK=$PWD/work START=$PWD/start
  mkdir -p "$WORK/cred.d/idtokens" "$START"
  config_set GLIDEIN_START_DIR_ORIG "$START"
  unset X509_USER_PROXY IDTOKENS_FILE
  clock_epoch
  NOW=$REPLY
}

# token NAME END [TEXT] - a token of that file name
token() {
  local payload
  payload=$(printf '{"exp":%s,"x":"%s"}' "$2" "${3:-}" | base64 -w 0 | tr '+/' '-_')
  printf 'aa.%s.cc\n' "${payload%%=*}" >"$START/$1"
}

proxy() {
  openssl req -x509 -newkey rsa:2048 -nodes -keyout /dev/stdout -days "$1" -subj /CN=x 2>/dev/null >"$START/proxy"
  X509_USER_PROXY=proxy
}

@test "tokens: the pool's, the site's and one that is named are copied, for our eyes only" {
  token credential_a.idtoken $((NOW + 5000))
  token ce_b.idtoken $((NOW + 9000))
  token c.scitoken $((NOW + 5000))
  printf 'dd.ee.ff' >other
  IDTOKENS_FILE=$PWD/other
  credentials_copy || false
  [[ $(stat -c '%a %n' "$WORK"/cred.d/idtokens/* "$WORK"/cred.d/*.scitoken | sed "s|$WORK/||") == $'600 cred.d/idtokens/ce_b.idtoken\n600 cred.d/idtokens/credential_a.idtoken\n600 cred.d/idtokens/other\n600 cred.d/c.scitoken' ]]
  [[ $(<"$WORK/cred.d/idtokens/other") == dd.ee.ff ]]
  [[ $CREDENTIALS_SCITOKEN == "$WORK/cred.d/c.scitoken" && -z $CREDENTIALS_PROXY ]]
  config_get GLIDEIN_CONDOR_TOKEN
  [[ $REPLY == "$WORK/cred.d/idtokens/credential_a.idtoken" ]]
}

@test "tokens: two for the pool are one too many, and said so" {
  token credential_a.idtoken $((NOW + 5000))
  token credential_b.idtoken $((NOW + 5000))
  run -0 credentials_copy
  [[ $output == *'2 credential_*.idtoken'* ]]
}

@test "tokens: one that has expired is left out; when all have, there is no use in going on" {
  token credential_a.idtoken $((NOW - 50))
  run -1 credentials_copy
  [[ $output == *'expired since '*' seconds: '*credential_a.idtoken* && $output == *'has expired: 1'* ]]
  token credential_b.idtoken $((NOW + 5000))
  credentials_copy || false
  [[ ! -e $WORK/cred.d/idtokens/credential_a.idtoken && -e $WORK/cred.d/idtokens/credential_b.idtoken ]]
  [[ $CREDENTIALS_EXPIRE == $((NOW + 5000)) ]]
}

@test "tokens: one that names no end is taken to be good for a day" {
  printf 'aa.bb.cc\n' >"$START/credential_a.idtoken"
  credentials_copy || false
  ((CREDENTIALS_EXPIRE >= NOW + 86400 && CREDENTIALS_EXPIRE < NOW + 86400 + 60))
}

@test "what is no file is an error, and nobody waits for what a pipe may bring" {
  mkfifo "$START/credential_pipe.idtoken"
  run -1 timeout 20 bash -uc 'for module in log clock config report knob expiry credentials; do source "$LIB/$module.sh"; done
    config_set GLIDEIN_START_DIR_ORIG "$1"; WORK=$2 credentials_copy' copy "$START" "$WORK"
  [[ $output == *"not a file: the credential $START/credential_pipe.idtoken"* ]]
}

@test "what is none is an error that does not show it" {
  local name
  for name in credential_x.idtoken x.scitoken; do
    printf 'secret but none\n' >"$START/$name"
    run -1 credentials_copy
    [[ $output == *"this is no token: $START/$name"* && $output != *secret* ]]
    rm "$START/$name"
  done
  : >"$START/empty.idtoken"
  run -1 credentials_copy
  rm "$START/empty.idtoken"
  printf 'secret but none\n' >"$START/proxy"
  X509_USER_PROXY=$START/proxy
  run -1 credentials_copy
  [[ $output == *"this is no X.509 proxy: $START/proxy"* && $output != *secret* ]]
}

@test "proxy: copied so that nobody can write it, and its end counts" {
  needs openssl
  token credential_a.idtoken $((NOW + 900000))
  proxy 1
  credentials_copy || false
  [[ $CREDENTIALS_PROXY == "$WORK/cred.d/myproxy" && $(stat -c %a "$CREDENTIALS_PROXY") == 400 ]]
  cmp "$START/proxy" "$WORK/cred.d/myproxy"
  ((CREDENTIALS_EXPIRE > NOW + 86000 && CREDENTIALS_EXPIRE < NOW + 87000))
}

@test "proxy: one that is not there is only a warning" {
  X509_USER_PROXY=/nonexistent
  run -0 credentials_copy
  [[ $output == *'X509_USER_PROXY: there is no file /nonexistent'* ]]
}

@test "refresh: what was renewed is copied again, and what is new; half a file changes nothing" {
  needs openssl
  token credential_a.idtoken $((NOW + 5000))
  proxy 1
  credentials_copy || false
  run -1 credentials_refresh
  token credential_a.idtoken $((NOW + 9000)) renewed
  token ce_b.idtoken $((NOW + 9000))
  proxy 2
  run -0 credentials_refresh
  cmp "$START/credential_a.idtoken" "$WORK/cred.d/idtokens/credential_a.idtoken"
  cmp "$START/ce_b.idtoken" "$WORK/cred.d/idtokens/ce_b.idtoken"
  cmp "$START/proxy" "$WORK/cred.d/myproxy"
  [[ $(stat -c %a "$WORK/cred.d/myproxy") == 400 ]]
  printf 'aa.' >"$START/credential_a.idtoken"
  rm "$START/ce_b.idtoken"
  run -1 credentials_refresh
  [[ $(<"$WORK/cred.d/idtokens/credential_a.idtoken") != aa. && -e $WORK/cred.d/idtokens/ce_b.idtoken ]]
}
