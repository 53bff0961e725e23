#!/usr/bin/env bats
# area.sh with the real verify.sh; fetch.sh and cache.sh are played by copies from the folder web/.
# shellcheck disable=SC2016,SC1090,SC2329  # what looks like an expansion is data

bats_require_minimum_version 1.5.0

ID=0123456789abcdef

setup() {
  load helper
  export LC_ALL=C
  for module in log clock job config phase verify area stop_list; do source "$LIB/$module.sh"; done
  WORK="$PWD/a work"
  FETCH_LOG=$PWD/fetch.tsv
  FETCH_DATE_SKEW_S=
  WEB=$PWD/web
  declare -gA OPTION=([entry]=Here) QUEUE=()
  mkdir -p "$WORK/.glidein/objects" "$WORK/condor_config.d" "$WEB"/{main,entry,client}
}

# fetch.sh as a copy: knows hashes, sizes and missing files, and notes each request
fetch_reset() { QUEUE=(); }
fetch_queue() { QUEUE[$2]="$1 $3 $4 ${*:5}"; }
fetch_run() {
  local dest url hash max how from said status=0
  printf 'a round\n' >>"$WEB/rounds"
  for dest in ${QUEUE[@]+"${!QUEUE[@]}"}; do
    read -r url hash max how <<<"${QUEUE[$dest]}"
    from=$WEB/${url#http://web/}
    printf '%s\n' "${from##*/}" >>"$WEB/requests"
    [[ ! -f $from.once ]] || { mv "$from.once" "$dest" && continue; } # what a stale cache holds
    if [[ ! -f $from ]]; then
      [[ $how == *optional* ]] || status=1
      continue
    fi
    if [[ $hash != - ]]; then
      said=$("${hash%%:*}sum" "$from")
      [[ ${said%% *} == "${hash#*:}" && $(stat -c %s "$from") -le $max ]] || {
        status=2
        continue
      }
    fi
    cp "$from" "$dest"
  done
  return "$status"
}
cache_get() { return 1; }
cache_put() { return 1; }

# put SECTION NAME - a file of an area, from standard input
put() { cat >"$WEB/$1/$2"; }

# row OUT IN TYPE [CONDITION [CONFIG]] - a line of a file list
row() { printf '%s \t%s \t%s \t0 \tGLIDEIN_PS_ \t%s \t%s\n' "$1" "$2" "$3" "${4:-TRUE}" "${5:-FALSE}"; }

# publish SECTION [LINE...] - describe and sign all that is in an area's folder, and declare it.
#   LINEs are for the description, with a tab written as one blank. TYPE=sha1 signs as others do.
publish() {
  local section=$1 type=${TYPE:-sha256} name description=description.$ID.cfg signature hash
  [[ $type == sha256 ]] || description=description.q1X2y3.cfg ID=q1X2y3
  signature=signature.$ID.$type
  shift
  {
    printf 'signature \t%s\n' "$signature"
    (($# == 0)) || printf '%s\n' "${@/ / $'\t'}"
  } >"$WEB/$section/$description"
  (
    cd "$WEB/$section" || exit
    rm -f "$signature"
    for name in *; do
      [[ $name != *.once && " ${UNSIGNED:-} " != *" $name "* ]] || continue
      [[ $type == sha1 ]] || printf '# size %s  %s\n' "$(stat -c %s "$name")" "$name"
      "${type}sum" "$name"
    done >../signature
    mv ../signature "$signature"
  )
  hash=$("${type}sum" <"$WEB/$section/$signature")
  area_declare "$section" "http://web/$section" "$description" "$type:${hash%% *}" "$WORK/$section"
}

# bring - what the phases fetch and verify do, and then each file's turn; leaves PHASE_EXIT as they would
bring() { area_fetch && area_verify && turns; }

# turns - each file in its turn, as script_run_area does it, but nothing is run
turns() {
  local i
  config_ahead_end
  for i in ${AREA_ROW_OUT[@]+"${!AREA_ROW_OUT[@]}"}; do
    case ${AREA_ROW_TYPE[i]} in library | api | condor) continue ;; esac
    ! area_row_wanted "$i" || area_place_row "$i" || return 1
  done
}

# forget - as if no area had been read
forget() {
  AREA=() AREA_SECTIONS=() _AREA_CHECKED=() _AREA_PLACED=()
  AREA_ROW_SECTION=() AREA_ROW_OUT=() AREA_ROW_IN=() AREA_ROW_TYPE=() AREA_ROW_PERIOD=()
  AREA_ROW_PREFIX=() AREA_ROW_CONDITION=() AREA_ROW_CONFIG=() AREA_ROW_LIST=()
  CONFIG=() CONFIG_KEYS=()
  rm -rf "$WORK/main" "$WORK/.glidein/objects"/*
}

# refused WORDS - bring must fail as a failed check, with WORDS in the log and nothing placed
refused() {
  PHASE_EXIT=
  if bring >said 2>&1; then return 1; fi
  [[ $PHASE_EXIT == 30 && $(<said) == *"$1"* && -z $(ls -A "$WORK/main") ]]
}

# --- areas of ours -----------------------------------------------------------------------------

@test "area: a file is checked, placed under its own name, noted and made executable" {
  put main setup.1.sh <<<'echo hello'
  put main data.2.txt <<<data
  { row setup.sh setup.1.sh exec && row data.txt data.2.txt regular TRUE DATA_FILE; } | put main list.lst
  publish main 'file_list list.lst'
  bring || false
  [[ -x $WORK/main/setup.sh && ! -x $WORK/main/data.txt && $(<"$WORK/main/data.txt") == data ]]
  config_get DATA_FILE && [[ $REPLY == "$WORK/main/data.txt" ]]
}

@test "area: both heads are asked for at once, and a bundle replaces the rest" {
  put main data.txt <<<data
  row data.txt data.txt regular | put main list.lst
  tar -czf "$WEB/bundle.tar.gz" -C "$WEB/main" data.txt list.lst
  mv "$WEB/bundle.tar.gz" "$WEB/main"
  publish main 'file_list list.lst' 'bundle bundle.tar.gz'
  bring || false
  [[ $(sort "$WEB/requests" | paste -sd' ') == "bundle.tar.gz description.$ID.cfg signature.$ID.sha256 stop.lst" ]]
}

@test "area: a member of a bundle is still checked by name" {
  put main data.txt <<<evil
  row data.txt data.txt regular | put main list.lst
  tar -czf "$WEB/bundle.tar.gz" -C "$WEB/main" data.txt list.lst
  mv "$WEB/bundle.tar.gz" "$WEB/main"
  put main data.txt <<<good
  publish main 'file_list list.lst' 'bundle bundle.tar.gz'
  refused data.txt
}

@test "area: a bundle that leaves its folder is refused" {
  row data.txt data.txt regular | put main list.lst
  put main data.txt <<<data
  tar -czPf "$WEB/main/bundle.tar.gz" --transform 's,^data,../../data,' -C "$WEB/main" data.txt list.lst
  publish main 'file_list list.lst' 'bundle bundle.tar.gz'
  refused bundle.tar.gz
  [[ ! -e $WORK/.glidein/data.txt ]]
}

@test "area: a bundle that is missing is a failed download" {
  row data.txt data.txt regular | put main list.lst
  put main data.txt <<<data
  put main bundle.tar.gz <<<x
  publish main 'file_list list.lst' 'bundle bundle.tar.gz'
  rm "$WEB/main/bundle.tar.gz"
  run -1 bring
}

@test "area: a bundle that is another one than was signed is refused" {
  put main bundle.tar.gz <<<x
  publish main 'bundle bundle.tar.gz'
  put main bundle.tar.gz <<<y
  refused ''
}

@test "area: a signature file that does not match the argument is refused" {
  put main data.txt <<<data
  publish main
  echo '# one byte more' >>"$WEB/main/signature.$ID.sha256"
  refused 'signature'
}

@test "area: a listed file without a signature is refused, before any other is placed" {
  put main good.txt <<<good
  put main evil.txt <<<evil
  { row good.txt good.txt regular && row evil.txt evil.txt regular; } | put main list.lst
  UNSIGNED=evil.txt publish main 'file_list list.lst'
  refused 'evil.txt is not signed'
}

@test "area: a listed file without a signature is refused even if nobody wants it yet" {
  put main evil.txt <<<evil
  row evil.txt evil.txt regular LATER | put main list.lst
  UNSIGNED=evil.txt publish main 'file_list list.lst'
  refused 'evil.txt is not signed'
}

@test "area: a file list, a bundle or a description without a signature is refused" {
  row a a regular | put main list.lst
  put main a <<<a
  UNSIGNED=list.lst publish main 'file_list list.lst'
  refused 'list.lst is not signed'
  UNSIGNED=a publish main 'bundle a'
  refused 'a is not signed'
  UNSIGNED=description.$ID.cfg publish main 'file_list list.lst'
  refused 'description'
}

@test "area: a file with other bytes than signed is refused" {
  put main data.txt <<<data
  row data.txt data.txt regular | put main list.lst
  publish main 'file_list list.lst'
  put main data.txt <<<DATA
  refused ''
}

@test "area: a file that is missing is a failed download, not a failed check" {
  put main data.txt <<<data
  row data.txt data.txt regular | put main list.lst
  publish main 'file_list list.lst'
  rm "$WEB/main/data.txt"
  PHASE_EXIT=
  if bring; then false; fi
  [[ -z $PHASE_EXIT && -z $(ls -A "$WORK/main") ]]
}

@test "area: an old description, from a cache, is asked for again" {
  put main data.txt <<<data
  row data.txt data.txt regular | put main list.lst
  publish main 'file_list list.lst'
  printf 'signature \tsignature.old.sha256\nfile_list \told.lst\n' >"$WEB/main/description.$ID.cfg.once"
  bring || false
  [[ $(<"$WORK/main/data.txt") == data && $(grep -c description "$WEB/requests") == 2 ]]
}

@test "area: a page of HTML in place of a description is not believed" {
  publish main
  echo '<html><a href="signature">' >"$WEB/main/description.$ID.cfg.once"
  bring || false
}

@test "area: a description that names no name is refused, by what it says" {
  for value in ../x /etc/passwd .hidden -x 'a;b' 'a$(id)'; do
    rm -rf "${WEB:?}/main" && mkdir "$WEB/main"
    forget
    publish main "file_list $value"
    refused 'cannot read: file_list'
  done
}

@test "area: comments and blank lines of a description are passed over, keys are kept" {
  publish main '' '# a comment' 'prefetch_x86_64 condor.tar.gz'
  bring || false
  [[ ${AREA["main.prefetch_x86_64"]} == condor.tar.gz ]]
}

@test "area: a line of a list with another number of columns is refused" {
  put main a.txt <<<a
  for columns in 1 2 3 4; do
    forget
    for ((i = 1; i <= columns; i++)); do printf 'a.txt%s' "$([[ $i == "$columns" ]] || printf ' \t')"; done | put main list.lst
    publish main 'file_list list.lst'
    refused "a line of $columns columns"
  done
}

@test "area: an unknown type is refused, by name" {
  put main a.txt <<<a
  for type in source exec:x '' EXEC exec REGULAR; do
    forget
    row a.txt a.txt "$type;" | put main list.lst
    publish main 'file_list list.lst'
    refused "unknown type '$type;'"
  done
}

@test "area: a bad name in a list is refused, for either name" {
  put main a.txt <<<a
  for name in ../a /a .a -a 'a b' 'a;b' 'a$(touch ran)' '*'; do
    for line in "$(row "$name" a.txt regular)" "$(row a.txt "$name" regular)"; do
      forget
      put main list.lst <<<"$line"
      publish main 'file_list list.lst'
      refused ''
    done
  done
  [[ ! -e $WORK/a && ! -e $PWD/a ]]
}

@test "area: shell modules and HTCondor come from the main area only" {
  for type in library condor; do
    forget
    put entry a.sh <<<'touch ran'
    row a.sh a.sh "$type" | put entry list.lst
    publish main
    publish entry 'file_list list.lst'
    refused "only main may hold type $type"
  done
}

@test "area: shell modules are named in the order of their list, and not placed" {
  for name in b a; do
    put main "$name.1.sh" <<<": $name"
    row "$name.sh" "$name.1.sh" library
  done | put main list.lst
  for name in b a; do put main "$name.1.sh" <<<": $name"; done
  { row b.sh b.1.sh library && row a.sh a.1.sh library; } | put main list.lst
  publish main 'file_list list.lst'
  bring || false
  area_libraries
  [[ $REPLY == "${AREA["main.objects"]}/b.1.sh"$'\n'"${AREA["main.objects"]}/a.1.sh"$'\n' && -z $(ls -A "$WORK/main") ]]
}

@test "area: HTCondor tarballs are not fetched with the rest, but when asked for, and checked" {
  put main condor.tar.gz <<<condor
  row condor-1-x86_64.tar.gz condor.tar.gz condor | put main list.lst
  publish main 'file_list list.lst'
  bring || false
  run ! grep -q condor "$WEB/requests"
  area_have main condor.tar.gz || false
  put main condor.tar.gz <<<other
  rm "${AREA["main.objects"]}/condor.tar.gz"
  PHASE_EXIT=20
  if area_have main condor.tar.gz; then false; fi
  [[ $PHASE_EXIT == 30 ]]
}

@test "area: text with an odd end, nothing in it, or a NUL comes out as it was" {
  printf 'no end' | put main a
  printf '' | put main b
  printf 'a\0b\n' | put main c
  printf 'end\0' | put main d
  printf '\n\n  \n\n' | put main e
  head -c 100000 /dev/urandom | put main f
  for name in a b c d e f; do row "$name.out" "$name" regular; done | put main list.lst
  rm -rf kept && cp -r "$WEB/main" kept
  publish main 'file_list list.lst'
  bring || false
  for name in a b c d e f; do cmp "kept/$name" "$WORK/main/$name.out"; done
}

@test "area: constants are facts, of all areas, trailing blanks cut" {
  printf '# a comment\nSITE \tHere and there  \nBOTH \tmain\nEMPTY \t\n' | put main constants.1.cfg
  row constants.cfg constants.1.cfg regular TRUE CONSTS_FILE | put main list.lst
  printf 'BOTH \tentry\n' | put entry constants.2.cfg
  row constants.cfg constants.2.cfg regular TRUE CONSTS_FILE | put entry list.lst
  publish main 'file_list list.lst'
  publish entry 'file_list list.lst'
  bring || false
  config_get SITE && [[ $REPLY == 'Here and there' ]]
  config_get BOTH && [[ $REPLY == entry ]]
  config_get EMPTY && [[ -z $REPLY ]]
  config_get ENTRY_CONSTS_FILE && [[ $REPLY == "$WORK/entry/constants.cfg" ]]
}

@test "area: an archive is unpacked into its folder, and an unsafe one refused" {
  mkdir -p in/dir && echo inside >in/dir/file
  tar -czf "$WEB/main/tool.tar.gz" -C in dir
  row tool.tar.gz tool.tar.gz untar TRUE TOOL_DIR | put main list.lst
  publish main 'file_list list.lst'
  bring || false
  config_get TOOL_DIR && [[ $(<"$REPLY/dir/file") == inside ]]

  forget
  ln -s /etc in/out
  tar -czf "$WEB/main/tool.tar.gz" -C in out
  publish main 'file_list list.lst'
  refused out
}

@test "area: an archive's folder is what untar.cfg says, but never outside of the work directory" {
  mkdir -p in && echo inside >in/file
  local folder
  for folder in sub ../rsyslog ./a/../b; do
    tar -czf "$WEB/main/tool.tar.gz" -C in file
    printf 'tool.tar.gz \t%s\n' "$folder" | put main untar.cfg
    { row untar.cfg untar.cfg regular TRUE UNTAR_CFG_FILE && row tool.tar.gz tool.tar.gz untar; } | put main list.lst
    forget
    publish main 'file_list list.lst'
    bring || false
    [[ $(cat "$WORK/main/$folder/file") == inside ]] || [[ $(<"$WORK/main/b/file") == inside ]]
  done
  for folder in ../.. /tmp/x ../../x ../.glidein ../.glidein/objects .. a/../../../x; do
    printf 'tool.tar.gz \t%s\n' "$folder" | put main untar.cfg
    forget
    publish main 'file_list list.lst'
    if bring; then false; fi
  done
  [[ ! -e $PWD/x && ! -e $PWD/file && ! -e $WORK/file ]]
}

@test "area: configuration for HTCondor goes where HTCondor reads it" {
  put main 99.cfg <<<'A = 1'
  row 99.conf 99.cfg config:c | put main list.lst
  publish main 'file_list list.lst'
  bring || false
  [[ $(<"$WORK/condor_config.d/99.conf") == 'A = 1' ]]
}

# --- conditions --------------------------------------------------------------------------------

@test "area: a file whose condition does not hold is neither fetched nor placed" {
  for name in yes no unset odd; do put main "$name" <<<"$name"; done
  { row yes yes regular WANT_YES && row no no regular WANT_NO && row unset unset regular WANT_UNSET && row odd odd regular 'a[$(touch ran)]'; } \
    | put main list.lst
  publish main 'file_list list.lst'
  config_set WANT_YES 1
  config_set WANT_NO 0
  bring || false
  [[ $(ls "$WORK/main") == yes && ! -e ran ]]
  run ! grep -qxE 'no|unset|odd' "$WEB/requests"
}

@test "area: gconditional files wait for their feature" {
  for name in A B; do put main "gconditional_${name}_x.sh" <<<"$name"; done
  for name in A B; do row "$name.sh" "gconditional_${name}_x.sh" regular; done | put main list.lst
  publish main 'file_list list.lst'
  config_set GLIDEIN_USE_A yes
  bring || false
  [[ $(ls "$WORK/main") == A.sh ]]
}

@test "area: a script whose condition becomes true later is brought and checked then" {
  put main late.sh <<<:
  row late.sh late.sh exec WANT | put main list.lst
  publish main 'file_list list.lst'
  bring || false
  config_set WANT 1
  area_place_row 0 || false
  [[ -x $WORK/main/late.sh && $REPLY == "$WORK/main/late.sh" ]]
}

# --- areas of others ---------------------------------------------------------------------------

@test "area: a foreign area, with SHA-1, time stamps and no bundle, is read in its order" {
  local TYPE=sha1
  for name in first second third; do put client "$name.q1X2y3.sh" <<<"$name"; done
  row first.sh first.q1X2y3.sh exec | put client pre.lst
  row second.sh second.q1X2y3.sh exec | put client list.lst
  row third.sh third.q1X2y3.sh exec | put client after.lst
  publish client 'aftergroup_file_list after.lst' 'file_list list.lst' 'preentry_file_list pre.lst'
  bring || false
  [[ ${AREA_ROW_OUT[*]} == 'first.sh second.sh third.sh' && $(<"$WORK/client/third.sh") == third ]]
}

@test "area: a foreign area's signature must be signed by the argument too" {
  local TYPE=sha1
  put client a <<<a
  publish client
  echo "$(printf '%040d' 0)  b" >>"$WEB/client/signature.q1X2y3.sha1"
  if bring; then false; fi
  [[ $PHASE_EXIT == 30 ]]
}

@test "area: a foreign description cannot name a signature file elsewhere" {
  local TYPE=sha1
  publish client
  sed -i 's,^signature.*,signature \t../main/x,' "$WEB/client/description.q1X2y3.cfg"
  if bring; then false; fi
  [[ $PHASE_EXIT == 30 ]]
}

@test "area: rows of 5 and 6 columns are completed as the reference does, an 8th is not for us" {
  put main a <<<a
  printf '# a head\n\nfive \ta \tregular \tTRUE \tFIVE\nsix \ta \tregular \t60 \tTRUE \tSIX\nseven \ta \tregular \t30 \tMJF_ \tTRUE \tSEVEN\neight a  regular\t1 NOPREFIX TRUE EIGHT \tmore\r\n' | put main list.lst
  publish main 'file_list list.lst'
  bring || false
  [[ ${AREA_ROW_PERIOD[*]} == '0 60 30 1' && ${AREA_ROW_PREFIX[*]} == 'GLIDEIN_PS_ GLIDEIN_PS_ MJF_ NOPREFIX' ]]
  [[ ${AREA_ROW_CONDITION[*]} == 'TRUE TRUE TRUE TRUE' && ${AREA_ROW_CONFIG[*]} == 'FIVE SIX SEVEN EIGHT' ]]
}

@test "area: what a section notes has its prefix" {
  put client a <<<a
  row a a regular TRUE KEY | put client list.lst
  publish client 'file_list list.lst'
  bring || false
  config_get GLIDECLIENT_KEY && [[ $REPLY == "$WORK/client/a" ]]
}

@test "area: a file that changes is fetched unsigned, each time from the origin" {
  put main nodes.blacklist <<<"'bad.host'"
  row nodes.blacklist nodes.blacklist nocache TRUE BLACKLIST_FILE | put main list.lst
  UNSIGNED=nodes.blacklist publish main 'file_list list.lst'
  bring || false
  [[ $(<"$WORK/main/nodes.blacklist") == "'bad.host'" ]]
}

@test "area: a stop list that is not there changes nothing" {
  publish main 'stop_list stop.lst'
  run -0 bring
}

@test "area: a glidein that the stop list names brings nothing but the heads" {
  echo factory >"$WEB/main/stop.lst"
  publish main 'stop_list stop.lst'
  run -4 bring
  [[ -e $WORK/.glidein/stop.looked ]]
}
