#!/usr/bin/env bats
# options.sh with log.sh and config.sh: the command line, option by option.
# shellcheck disable=SC2016,SC2059,SC2258  # what looks like an expansion or a list is data

bats_require_minimum_version 1.5.0

SHA1=$(printf '%040d' 0)
SHA256=$(printf '%064d' 0)
REQUIRED=(-name glidein -entry Here -factory factory -web http://host/stage -sign "$SHA256" -signentry "$SHA256"
  -signtype sha256 -descript description.0123456789abcdef.cfg -descriptentry description.0123456789abcdef.cfg)
CLIENT=(-clientweb http://host/vo -clientsign "$SHA1" -clientsigntype sha1 -clientdescript description.q2.cfg
  -clientgroup main -clientwebgroup http://host/vo/group_main -clientsigngroup "$SHA1" -clientdescriptgroup description.q2.cfg)

setup() {
  load helper
  source "$LIB/log.sh"
  source "$LIB/config.sh"
  source "$LIB/options.sh"
}

# without NAME - set ARGUMENTS to REQUIRED and CLIENT without one option and its value
without() {
  local all=("${REQUIRED[@]}" "${CLIENT[@]}") i
  ARGUMENTS=()
  for ((i = 0; i < ${#all[@]}; i += 2)); do
    [[ ${all[i]} == "$1" ]] || ARGUMENTS+=("${all[@]:i:2}")
  done
}

@test "options_read: takes all that the factory passes" {
  options_read -v std "${REQUIRED[@]}" -clientname vo.main -schedd schedd_1@host.dom:9618 -proxy None -dir AUTO \
    -param_GLIDEIN_Client vo.dot,main -submitcredid 123456 -slotslayout partitionable "${CLIENT[@]}" \
    -param_CONDOR_VERSION default -cluster 12 -subcluster 0 -multiglidein 4 -multirestart 2
  [[ ${OPTION[entry]} == Here && ${OPTION[clientname]} == vo.main && ${OPTION[subcluster]} == 0 ]]
  config_get GLIDEIN_Client && [[ $REPLY == vo.main ]]
}

@test "options_read: fills in the reference's defaults" {
  without -signtype
  options_read "${ARGUMENTS[@]}" -sign "$SHA1" -signentry "$SHA1"
  [[ ${OPTION[signtype]} == sha1 && ${OPTION[clientsigntype]} == sha1 && ${OPTION[v]} == std ]]
  [[ ${OPTION[proxy]} == None && ${OPTION[dir]} == . && ${OPTION[slotslayout]} == partitionable ]]
}

@test "options_read: each required option that is missing is named" {
  for option in -name -entry -factory -web -sign -signentry -descript -descriptentry; do
    without "$option"
    run -2 options_read "${ARGUMENTS[@]}"
    [[ $output == *"missing: $option "* ]]
  done
}

@test "options_read: of the Frontend's areas, all or none; the missing one is named" {
  run -0 options_read "${REQUIRED[@]}"
  for option in -clientweb -clientsign -clientdescript -clientgroup -clientwebgroup -clientsigngroup -clientdescriptgroup; do
    without "$option"
    run -2 options_read "${ARGUMENTS[@]}"
    [[ $output == *"needs $option "* ]]
  done
}

@test "options_read: each option whose value is missing at the end is named" {
  for option in "${!_OPTION_FORM[@]}" param_X; do
    run -2 options_read "${REQUIRED[@]}" "-$option"
    [[ $output == *"-$option: its value is missing"* ]]
  done
}

@test "options_read: each option whose value is missing before another option is named" {
  for option in "${!_OPTION_FORM[@]}" param_X; do
    for next in -cluster --json -param_Y; do
      run -2 options_read "${REQUIRED[@]}" "-$option" "$next" 3
      [[ $output == *"-$option: its value is missing"* ]]
    done
  done
}

@test "options_read: what is no option is named" {
  for option in -nosuch --nosuch -namex -Name - -- @ -@ '-*' '-]' '-a]' '-$(touch ran)' x '' -param --check=1; do
    run -2 options_read "${REQUIRED[@]}" "$option" value
    [[ $output == *"'$option'"* || $output == *"$option "* ]]
    [[ $output != *subscript* && ! -e ran ]]
  done
}

@test "options_read: no option takes an empty value, but submitcredid and parameters" {
  for option in "${!_OPTION_FORM[@]}"; do
    [[ $option != submitcredid ]] || continue
    run -2 options_read "${REQUIRED[@]}" "-$option" ''
    [[ $output == *"-$option:"* ]]
  done
  options_read "${REQUIRED[@]}" -submitcredid '' -param_EMPTY ''
  config_get EMPTY default
  [[ -z $REPLY && -z ${OPTION[submitcredid]} ]]
}

@test "options_read: no value has a second line" {
  for option in "${!_OPTION_FORM[@]}"; do
    for value in std$'\n'X sha1$'\n' $'\n'None "http://h/"$'\n'; do
      run -2 options_read "${REQUIRED[@]}" "-$option" "$value"
      [[ $output == *"option -$option: "* ]]
    done
  done
}

@test "options_read: what was expected is told in words, for every option with a value" {
  for option in "${!_OPTION_FORM[@]}"; do
    run -2 options_read "${REQUIRED[@]}" "-$option" $'\n'
    [[ $output == *"option -$option: expected "[a-zN]*", got '"* && $output != *[][{}\\^+]* ]]
  done
  run -2 options_read "${REQUIRED[@]}" -slotslayout dynamic
  [[ $output == *"expected one of fixed, partitionable, got 'dynamic'" ]]
}

@test "options_read: values that would change what they are used in are refused" {
  local -A bad=(
    [v]='quiet STD' [name]='a/b a\b .. .a' [entry]='../x a/b . .. .x a;b' [factory]='a/b .. a$b'
    [clientname]='a/b a;b' [schedd]='a/b a;b' [proxy]='ftp://x;y None,OSG; a:b a,,b http://a|b,c'
    [web]='ftp://h/x http:/h h/x file:///etc http://h/"x http://h/\x https://'
    [sign]="xyz ${SHA1}0 0x${SHA1:2} ${SHA1^^}g" [signtype]='md5 SHA256 sha512' [descript]='a/b ../x .x a;b'
    [slotslayout]='dynamic' [cluster]='1.5 x 1e3 0x1' [multiglidein]='0 00 1000 x 1.5' [multirestart]='x 1000'
  )
  for option in "${!bad[@]}"; do
    for value in ${bad[$option]}; do
      run -2 options_read "${REQUIRED[@]}" "-$option" "$value"
      [[ $output == *"option -$option: "* ]]
    done
  done
}

@test "options_read: lists of web caches are taken" {
  for value in None OSG http://squid:3128 squid:3128 http://a.b:1,http://c.d:2 'http://[::1]:3128/'; do
    run -0 options_read "${REQUIRED[@]}" -proxy "$value"
  done
}

@test "options_read: a hash has the length of its type" {
  run -2 options_read "${REQUIRED[@]}" -sign "$SHA1"
  [[ $output == *'option -sign: its hash has 40 digits, its type wants 64'* ]]
  run -2 options_read "${REQUIRED[@]}" -signtype sha1
  [[ $output == *'has 64 digits, its type wants 40'* ]]
  run -2 options_read "${REQUIRED[@]}" "${CLIENT[@]}" -clientsigngroup "$SHA256"
  [[ $output == *'option -clientsigngroup: '* ]]
  run -0 options_read "${REQUIRED[@]}" "${CLIENT[@]}" -clientsigntype sha256 -clientsign "$SHA256" -clientsigngroup "$SHA256"
}

@test "options_read: --help, --version and --check need no other option, but each is still checked" {
  for option in -h -help --help --version --check; do
    run -0 options_read "$option"
    run -2 options_read "$option" --nosuch
  done
}

@test "options_read: flags of people are noted" {
  options_read "${REQUIRED[@]}" --dry-run --keep --shell --json
  [[ ${OPTION["dry-run"]}${OPTION[keep]}${OPTION[shell]}${OPTION[json]} == 1111 ]]
}

@test "options_read: no argument at all is a usage error" {
  run -2 options_read
}

@test "options_read: a parameter's name must be a name, and the option is what the message names" {
  for name in '' 1X 'A B' 'A]' $'A\nB'; do
    run -2 options_read "${REQUIRED[@]}" "-param_$name" value
    [[ $output == *"-param_"* ]]
  done
}

@test "options_read: a parameter of two lines is refused" {
  run -2 options_read "${REQUIRED[@]}" -param_X $'a\nGLIDEIN_Y 1'
  [[ $output == *'option -param_X: '* ]]
}

@test "options_read: a negative number is a value" {
  options_read "${REQUIRED[@]}" -param_X -1
  config_get X && [[ $REPLY == -1 ]]
}

@test "options_read: the last of two wins" {
  options_read "${REQUIRED[@]}" -entry There -param_X 1 -param_X 2
  config_get X && [[ $REPLY == 2 && ${OPTION[entry]} == There ]]
}

# The characters that the factory writes as names, in its order: a check against our own table
ESCAPES=('.:dot' ',:comma' '&:amp' '\:backslash' '|:pipe' '`:fork' '":quot' "':singquot" '=:eq' '+:plus' '-:minus' '<:lt' '>:gt'
  '(:open' '):close' '{:gopen' '}:gclose' '[:sopen' ']:sclose' '#:comment' '$:dollar' '*:star' '?:question' '!:not'
  '~:tilde' ';:semicolon' ' :nbsp' '::colon')

@test "options_decode: each escape stands for its character, alone and amid others" {
  for escape in "${ESCAPES[@]}"; do
    name=${escape#?:}
    options_decode ".$name,"
    [[ $REPLY == "${escape:0:1}" ]]
    options_decode "a.$name,.$name,b,"
    [[ $REPLY == "a${escape:0:1}${escape:0:1}b," ]]
  done
  ((${#_OPTION_ESCAPE[@]} == ${#ESCAPES[@]}))
}

@test "options_decode: everything that can be printed survives the journey" {
  local text='' coded='' escape char i
  for ((i = 32; i < 127; i++)); do
    printf -v char "\\x$(printf %x "$i")"
    text+=$char
    for escape in "${ESCAPES[@]}"; do
      [[ ${escape:0:1} != "$char" ]] || char=.${escape#?:},
    done
    coded+=$char
  done
  text+=$'\t caf\xc3\xa9 \xff' coded+=$'\t.nbsp,caf\xc3\xa9.nbsp,\xff'
  options_decode "$coded"
  [[ $REPLY == "$text" ]]
}

@test "options_decode: what is decoded is not decoded again" {
  options_decode '.dot,nbsp.comma,'
  [[ $REPLY == .nbsp, ]]
}

@test "options_decode: empty stays empty, percent and underscore pass" {
  options_decode ''
  [[ -z $REPLY ]]
  options_decode 100%_x
  [[ $REPLY == 100%_x ]]
}

@test "options_decode: a dot that begins no known name stays a dot, as the reference sends it" {
  for text in . .. .dot 3.5 .nosuch, ., .@, '.*,' '.],' '.$(touch ran),' 'a.dot' vo.main; do
    options_decode "$text"
    [[ $REPLY == "$text" && ! -e ran ]]
  done
}

@test "options_read: an odd IFS and an odd locale change nothing" {
  local IFS=.,-/ LC_ALL=C.UTF-8
  options_read "${REQUIRED[@]}" -param_X 'a.dot,b.nbsp,c'
  config_get X && [[ $REPLY == 'a.b c' && ${OPTION[web]} == http://host/stage ]]
}
