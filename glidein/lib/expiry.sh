# shellcheck shell=bash
# expiry.sh - until when a token or an X.509 proxy is good, read without a program.
#
# Needs:     nothing
#
# Nothing is verified here: whoever is shown the credential does that. A date only tells whether
# showing it is any use.

declare -gA _EXPIRY_DIGIT=() # by character of base64, both alphabets: its value
_expiry_alphabet() {
  local i alphabet=ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/
  for ((i = 0; i < 64; i++)); do _EXPIRY_DIGIT[${alphabet:i:1}]=$i; done
  _EXPIRY_DIGIT['-']=62 _EXPIRY_DIGIT['_']=63
}

# expiry_token TEXT - set REPLY to the end of a JWT, in seconds of the epoch
#   Returns:  0;  1 it is no JWT, or names no end
expiry_token() {
  local payload=${1#*.} bytes=''
  payload=${payload%%.*}
  ((${#payload} <= 16384)) && _expiry_decode "$payload" || return 1
  printf -v bytes '\\x%02x' "${_EXPIRY_BYTES[@]}"
  printf -v bytes '%b' "$bytes"
  [[ $bytes =~ \"exp\"[[:space:]]*:[[:space:]]*([0-9]{1,12})(\.[0-9]+)?[[:space:]]*[,}] ]] || return 1
  REPLY=$((10#${BASH_REMATCH[1]}))
}

# expiry_proxy TEXT - set REPLY to the end of a chain of PEM certificates: that of the first to end
#   Returns:  0;  1 there is no certificate, or one cannot be read
expiry_proxy() {
  local rest=$1 body end=''
  while [[ $rest == *'-----BEGIN CERTIFICATE-----'* ]]; do
    rest=${rest#*'-----BEGIN CERTIFICATE-----'}
    body=${rest%%'-----END CERTIFICATE-----'*}
    body=${body//[[:space:]]/}
    ((${#body} <= 16384)) && _expiry_decode "$body" && _expiry_certificate || return 1
    [[ -n $end ]] && ((end <= REPLY)) || end=$REPLY
  done
  REPLY=$end
  [[ -n $end ]]
}

# _expiry_decode BASE64 - set the array _EXPIRY_BYTES; returns 1 when that is no base64
_expiry_decode() {
  local text=${1%%=*} i word digits
  _EXPIRY_BYTES=()
  [[ $text =~ ^[A-Za-z0-9+/_-]+$ ]] || return 1
  ((${#_EXPIRY_DIGIT[@]})) || _expiry_alphabet
  for ((i = 0; i < ${#text}; i += 4)); do
    digits=${text:i:4}
    word=0
    word=$((${_EXPIRY_DIGIT[${digits:0:1}]} << 18))
    ((${#digits} < 2)) || word=$((word | ${_EXPIRY_DIGIT[${digits:1:1}]} << 12))
    ((${#digits} < 3)) || word=$((word | ${_EXPIRY_DIGIT[${digits:2:1}]} << 6))
    ((${#digits} < 4)) || word=$((word | ${_EXPIRY_DIGIT[${digits:3:1}]}))
    _EXPIRY_BYTES+=($((word >> 16)))
    ((${#digits} < 3)) || _EXPIRY_BYTES+=($((word >> 8 & 255)))
    ((${#digits} < 4)) || _EXPIRY_BYTES+=($((word & 255)))
  done
}

# _expiry_certificate - set REPLY to notAfter of the DER certificate in _EXPIRY_BYTES; 1: not one
_expiry_certificate() {
  local i text='' char
  _expiry_element 0 && ((_EXPIRY_TAG == 0x30)) || return 1               # Certificate
  _expiry_element "$_EXPIRY_FROM" && ((_EXPIRY_TAG == 0x30)) || return 1 # its body
  _expiry_element "$_EXPIRY_FROM" || return 1                            # version, which old ones do not have
  ((_EXPIRY_TAG != 0xa0)) || _expiry_element "$_EXPIRY_TO" || return 1
  for i in 'algorithm' 'issuer' 'validity'; do # after the serial number
    _expiry_element "$_EXPIRY_TO" && ((_EXPIRY_TAG == 0x30)) || return 1
  done
  _expiry_element "$_EXPIRY_FROM" || return 1 # not before
  _expiry_element "$_EXPIRY_TO" || return 1   # not after
  for ((i = _EXPIRY_FROM; i < _EXPIRY_TO; i++)); do
    printf -v char '\\x%02x' "${_EXPIRY_BYTES[i]:-0}"
    printf -v char '%b' "$char"
    text+=$char
  done
  # A year of two digits is from 1950 to 2049.
  case $_EXPIRY_TAG in
    23) if [[ $text == [5-9]* ]]; then text=19$text; else text=20$text; fi ;;
    24) ;;
    *) return 1 ;;
  esac
  [[ $text =~ ^([0-9]{4})([0-9]{2})([0-9]{2})([0-9]{2})([0-9]{2})([0-9]{2})Z$ ]] || return 1
  _expiry_epoch "${BASH_REMATCH[@]:1}"
}

# _expiry_element POSITION - read the head of a DER element: set _EXPIRY_TAG and, of its content,
#   _EXPIRY_FROM and _EXPIRY_TO. Returns 1 where there is none.
_expiry_element() {
  local length count
  _EXPIRY_TAG=${_EXPIRY_BYTES[$1]-} length=${_EXPIRY_BYTES[$1 + 1]-}
  [[ -n $_EXPIRY_TAG && -n $length ]] || return 1
  _EXPIRY_FROM=$(($1 + 2))
  if ((length >= 128)); then
    count=$((length & 127)) length=0
    ((count >= 1 && count <= 3)) || return 1
    while ((count-- > 0)); do
      length=$((length << 8 | ${_EXPIRY_BYTES[_EXPIRY_FROM]:-0}))
      ((++_EXPIRY_FROM))
    done
  fi
  _EXPIRY_TO=$((_EXPIRY_FROM + length))
}

# _expiry_epoch YEAR MONTH DAY HOUR MINUTE SECOND - set REPLY to the seconds of the epoch
_expiry_epoch() {
  local year=$((10#$1)) month=$((10#$2)) day=$((10#$3)) days
  # Years that begin with March have their leap day at the end.
  ((month > 2)) || ((year--, month += 12))
  days=$((365 * year + year / 4 - year / 100 + year / 400 + (153 * (month - 3) + 2) / 5 + day - 719469))
  REPLY=$((days * 86400 + 10#$4 * 3600 + 10#$5 * 60 + 10#$6))
}
