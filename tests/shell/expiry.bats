#!/usr/bin/env bats
# expiry.sh alone: ends of tokens and proxies, read without a program.

# shellcheck disable=SC2016  # what is quoted is data
bats_require_minimum_version 1.5.0

setup() {
  load helper
  # shellcheck source=/dev/null
  source "$LIB/expiry.sh"
}

# token PAYLOAD - print a JWT with that payload; nobody signed it
token() {
  local payload
  payload=$(printf '%s' "$1" | base64 -w 0 | tr '+/' '-_')
  printf 'eyJhbGciOiJIUzI1NiJ9.%s.c2lnbmF0dXJl' "${payload%%=*}"
}

@test "expiry_token: the end that is named, with all lengths of base64" {
  local i pad=
  for i in 1 2 3 4; do
    pad+=x
    expiry_token "$(token "{\"sub\":\"$pad\",\"exp\":1795709644,\"iat\":1}")" || false
    [[ $REPLY == 1795709644 ]]
  done
  expiry_token "$(token '{"exp" : 1795709644.5 }')" || false
  [[ $REPLY == 1795709644 ]]
}

@test "expiry_token: letters of both alphabets" {
  expiry_token "$(token '{"a":"???>>>~~~","exp":5}')" || false
  [[ $REPLY == 5 ]]
}

@test "expiry_token: none named, or no token" {
  run -1 expiry_token "$(token '{"sub":"\"exp\":1"}')"
  run -1 expiry_token 'not a token'
  run -1 expiry_token ''
  run -1 expiry_token 'a.$(touch x).b'
  [[ ! -e x ]]
}

# certificate DAYS SUBJECT - print a self-signed one, in PEM
certificate() {
  openssl req -x509 -newkey rsa:2048 -nodes -keyout key -days "$1" -subj "$2" 2>/dev/null
}

@test "expiry_proxy: as openssl reads it; of a chain, the first to end" {
  needs openssl
  local end short long
  certificate 3 /DC=org/CN=short >short.pem
  certificate 12000 "/DC=org/CN=$(printf 'long%.0s' {1..12})" >long.pem # beyond 2049: another form of date
  for end in short long; do
    expiry_proxy "$(<$end.pem)" || false
    printf -v "$end" %s "$REPLY"
    [[ $REPLY == "$(date -d "$(openssl x509 -noout -enddate -in $end.pem | cut -d= -f2)" +%s)" ]]
  done
  ((long > short))
  expiry_proxy "$(cat long.pem key short.pem)" || false
  [[ $REPLY == "$short" ]]
}

@test "expiry_proxy: what is no certificate" {
  run -1 expiry_proxy 'no proxy'
  run -1 expiry_proxy $'-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----'
  run -1 expiry_proxy $'-----BEGIN CERTIFICATE-----\n$(touch x)\n-----END CERTIFICATE-----'
  [[ ! -e x ]]
}
