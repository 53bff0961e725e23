# shellcheck shell=bash
# area.sh - read the areas of the web: the factory's main and entry, the Frontend's client and group.
#
# All have one format (design: description, signature file, file lists, files). What pins an area
# is the hash of its signature file, an argument of the glidein. Nothing of an area is used before
# the signature file matched that argument and the file matched the signature file.
#
# Round 1 asks for descriptions and those signature files whose names they tell, round 2 for bundles
# and the other signature files, round 3 for lists and round 4 for files that no bundle held. HTCondor's
# tarball, the one large file, comes meanwhile, as a job: its name and hash may be parameters of the
# glidein (GLIDEIN_Early_<processor>), so it need not wait for any round.
#
# All is brought and checked before anything is run, but a file appears in its place only when its
# turn in the lists comes (area_place_row): no script sees what it would not see if each file were
# fetched and run before the next one.
#
# Needs:     log.sh clock.sh job.sh config.sh fetch.sh verify.sh cache.sh stop_list.sh phase.sh (PHASE_EXIT)
# Commands:  tar mkdir mv cp chmod rm (coreutils)
# Sets:      AREA (associative, "<section>.<key>": url, hash, folder, objects, and the keys of its
#            description), AREA_SECTIONS, and one index per listed file in AREA_ROW_*

: "${AREA_MAX_TEXT:=1048576}"        # bytes: descriptions, signature files and lists without a size
: "${AREA_MAX_FILE:=2147483648}"     # bytes: a file whose signature line records no size
: "${AREA_MAX_UNPACKED:=8589934592}" # bytes: what an archive may hold

declare -gA AREA=()
declare -ga AREA_SECTIONS=()
declare -ga AREA_ROW_SECTION=() AREA_ROW_OUT=() AREA_ROW_IN=() AREA_ROW_TYPE=() AREA_ROW_PERIOD=()
declare -ga AREA_ROW_PREFIX=() AREA_ROW_CONDITION=() AREA_ROW_CONFIG=() AREA_ROW_LIST=()
declare -ga _AREA_CHECKED=() # by index of a row: its object is there and was checked
declare -ga _AREA_PLACED=()  # by index of a row: its turn is over

# The order in which lists are worked through: section and key of its description.
AREA_LISTS=(
  'main file_list' 'client preentry_file_list' 'client_group preentry_file_list'
  'client aftergroup_preentry_file_list' 'entry file_list' 'main precvmfs_file_list'
  'main at_file_list' 'client file_list' 'client_group file_list'
  'client aftergroup_file_list' 'main after_file_list'
)

# area_declare SECTION URL DESCRIPTION HASH FOLDER - name an area to be read.
#   HASH is the hash spec of its signature file; FOLDER receives the files under their own names.
area_declare() {
  AREA_SECTIONS+=("$1")
  AREA["$1.url"]=$2 AREA["$1.description"]=$3 AREA["$1.hash"]=$4 AREA["$1.folder"]=$5
  AREA["$1.objects"]=$WORK/.glidein/objects/$1
  mkdir -p -- "${AREA["$1.objects"]}" "$5" || log_fail 1 "cannot make folders for area $1"
}

# area_fetch - bring all declared areas: heads, bundles, lists, files. The stop list comes with the heads.
#   Returns:  0  all is there, and matches the signatures
#             1  something could not be had; PHASE_EXIT is 30 where a check was what failed
#             4  the stop list names us; nothing else was brought
area_fetch() {
  local section
  for section in "${AREA_SECTIONS[@]}"; do
    _area_want_head "$section"
  done
  stop_list_queue
  _area_bring || :
  stop_list_looked
  ! stop_list_names_us || return 4
  for section in "${AREA_SECTIONS[@]}"; do
    _area_has_signature "$section" || _area_ask_signature "$section" || return $?
  done
  for section in "${AREA_SECTIONS[@]}"; do
    ! _area_has_signature "$section" || _area_read_head "$section" || return 1
  done
  _area_bring || _area_signatures_came || return 1
  for section in "${AREA_SECTIONS[@]}"; do
    [[ ${AREA["$section.read"]:-} ]] || _area_read_head "$section" || return 1
  done
  for section in "${AREA_SECTIONS[@]}"; do
    _area_open_bundle "$section" || return 1
  done
  _area_fetch_lists && _area_fetch_files && _area_fetch_more
}

# _area_want_head SECTION - queue description and, where its name tells it, signature file.
#   In areas of ours both names carry one id of 16 hex digits; others say it in the description.
_area_want_head() {
  local description=${AREA["$1.description"]} type=${AREA["$1.hash"]%%:*}
  _area_queue "${AREA["$1.url"]}/$description" "${AREA["$1.objects"]}/$description" - "$AREA_MAX_TEXT"
  if [[ $description =~ ^description\.([0-9a-f]{16})\.cfg$ ]]; then
    AREA["$1.signature"]=signature.${BASH_REMATCH[1]}.$type
    _area_want_signature "$1"
  fi
}

_area_want_signature() {
  local file=${AREA["$1.objects"]}/${AREA["$1.signature"]}
  _area_cached "$1" "${AREA["$1.signature"]}" "${AREA["$1.hash"]}" \
    || _area_queue "${AREA["$1.url"]}/${AREA["$1.signature"]}" "$file" "${AREA["$1.hash"]}" "$AREA_MAX_TEXT"
}

# _area_has_signature SECTION - is its signature file here, and checked against the argument?
_area_has_signature() {
  [[ -n ${AREA["$1.signature"]:-} && -f ${AREA["$1.objects"]}/${AREA["$1.signature"]} ]]
}

# _area_ask_signature SECTION - queue the signature file that the description, unchecked yet, names
_area_ask_signature() {
  [[ -f ${AREA["$1.objects"]}/${AREA["$1.description"]} ]] \
    || log_fail 1 "area $1: neither ${AREA["$1.description"]} nor its signature file came" || return $?
  _area_signature_name "$1" || return $?
  _area_want_signature "$1"
}

# _area_read_head SECTION - from the unchecked to the checked: signature file, then description. Queues
#   the bundle, where there is one.
_area_read_head() {
  local section=$1 objects=${AREA["$1.objects"]} description=${AREA["$1.description"]} key value
  verify_signature "$objects/${AREA["$section.signature"]}" "$section" || _area_refuse || return $?
  cache_put "${AREA["$section.hash"]}" "$objects/${AREA["$section.signature"]}" || :
  verify_hash "$section" "$description" || _area_refuse "area $section: $description is not signed" || return $?
  if [[ ! -f $objects/$description ]] || ! verify_files "$section" "$objects" "$description"; then
    rm -f -- "$objects/$description" # an old one, from a cache: ask again, now that its hash is known
    _area_want "$section" "$description" && _area_bring || return 1
  fi
  while IFS=$'\t' read -r key value || [[ -n $key ]]; do
    key=${key%%[[:space:]]*} value=${value%%[[:space:]]*}
    [[ -n $key && $key != '#'* && -n $value ]] || continue
    [[ $key =~ ^[a-z0-9_]+$ ]] && verify_name "$value" \
      || _area_refuse "area $section: $description: cannot read: $key $value" || return $?
    case $key in
      signature | url | hash | folder | objects | description | read) ;; # ours, not its to say
      *) AREA["$section.$key"]=$value ;;
    esac
  done <"$objects/$description"
  AREA["$section.read"]=1
  [[ -z ${AREA["$section.bundle"]:-} ]] || _area_want "$section" "${AREA["$section.bundle"]}"
}

# _area_signature_name SECTION - take the signature file's name from a description not yet checked
_area_signature_name() {
  local key value
  while IFS=$'\t' read -r key value || [[ -n $key ]]; do
    [[ ${key%%[[:space:]]*} == signature ]] || continue
    value=${value%%[[:space:]]*}
    verify_name "$value" || _area_refuse || return $?
    AREA["$1.signature"]=$value
    return 0
  done <"${AREA["$1.objects"]}/${AREA["$1.description"]}"
  log_fail 1 "area $1: ${AREA["$1.description"]} names no signature file"
}

# _area_want SECTION NAME - queue a signed file, unless it is there or in the node's cache.
#   Returns:  0  queued or there;  1  NAME is no name, or is not signed (PHASE_EXIT=30)
_area_want() {
  local hash size file=${AREA["$1.objects"]}/$2
  verify_name "$2" || _area_refuse || return $?
  verify_hash "$1" "$2" || _area_refuse "area $1: $2 is not signed" || return $?
  hash=$REPLY
  [[ ! -f $file ]] || return 0
  verify_size "$1" "$2"
  size=${REPLY:-$AREA_MAX_FILE}
  ! _area_cached "$1" "$2" "$hash" || return 0
  _area_queue "${AREA["$1.url"]}/$2" "$file" "$hash" "$size"
}

# _area_cached SECTION NAME HASH - take it from the node's cache; returns 1 when it is not there.
#   Noted where downloads are noted, since also a job of ours may do it.
_area_cached() {
  cache_get "$3" "${AREA["$1.objects"]}/$2" || return 1
  printf '%s\tnode\t0\t0\t0\t0\tok\n' "${AREA["$1.url"]}/$2" >>"$FETCH_LOG"
}

# _area_queue ... - fetch_queue, noting that there is something to bring
_area_queue() {
  _AREA_QUEUED=1
  fetch_queue "$@"
}

# _area_bring - fetch what is queued, as a job so that a signal does not have to wait for it
_area_bring() {
  local status
  [[ -n ${_AREA_QUEUED:-} ]] || return 0
  _AREA_QUEUED=
  job_run _area_fetch_job "$WORK/.glidein/skew"
  status=$?
  fetch_reset
  [[ ! -s $WORK/.glidein/skew ]] || FETCH_DATE_SKEW_S=$(<"$WORK/.glidein/skew")
  ((status != 2)) || PHASE_EXIT=30
  return "$status"
}

_area_fetch_job() {
  local status
  fetch_run
  status=$?
  [[ -z ${FETCH_DATE_SKEW_S:-} ]] || printf '%s' "$FETCH_DATE_SKEW_S" >"$1"
  return "$status"
}

# area_early_start - start the job that brings the tarball which the glidein's parameters name for
#   this processor: `<name>,<hash spec>,<bytes>`. Sets AREA_EARLY_JOB (0: no job) and AREA_EARLY_NAME.
#   Should the area turn out to want another one, it was a guess.
area_early_start() {
  local name hash size
  AREA_EARLY_JOB=0 AREA_EARLY_NAME='' AREA_EARLY_HASH=''
  config_get CONDOR_DIR ''
  [[ -z $REPLY ]] || return 0
  config_get "GLIDEIN_Early_${HOSTTYPE:-unknown}" ''
  IFS=, read -r name hash size <<<"$REPLY"
  [[ -n $name ]] || return 0
  verify_name "$name" && verify_spec "$hash" && [[ $size =~ ^[1-9][0-9]{0,14}$ ]] \
    || log_fail 0 "not understood: GLIDEIN_Early_$HOSTTYPE=$REPLY" || return $?
  AREA_EARLY_NAME=$name AREA_EARLY_HASH=$hash
  job_start _area_early_job "$name" "$hash" "$size"
  AREA_EARLY_JOB=$JOB_PID
}

# _area_early_job NAME HASH SIZE - the job: bring it, keep it for the next glidein, decompress it,
#   and look into it, all while the node is being checked. What it leaves: NAME, and NAME.tar when
#   that is safe to unpack.
_area_early_job() {
  local file=${AREA["main.objects"]}/$1
  fetch_reset
  if ! _area_cached main "$1" "$2"; then
    stop_list_wait
    fetch_queue "${AREA["main.url"]}/$1" "$file" "$2" "$3" && fetch_run || return $?
    cache_put "$2" "$file" || :
  fi
  # Decompressed once: looking into it and unpacking it would each do it again.
  gzip -dc <"$file" >"$file.part" && verify_archive "$file.part" "$AREA_MAX_UNPACKED" || {
    rm -f -- "$file.part"
    return 1
  }
  mv -- "$file.part" "$file.tar"
}

# area_have SECTION NAME - bring one signed file now, if it is not there
#   Returns:  0;  1 it could not be had (PHASE_EXIT is 30 where a check was what failed)
area_have() {
  _area_want "$1" "$2" && _area_bring || return 1
  _area_keep "$1" "$2"
}

# _area_keep SECTION NAME - let the next glidein on this node have it, too; no cache is no failure
_area_keep() {
  verify_hash "$1" "$2" && cache_put "$REPLY" "${AREA["$1.objects"]}/$2" || :
}

# area_early NAME - wait for the early object. Sets REPLY to the archive that is ready to unpack.
#   Returns:  0;  1  NAME is not there, or is not the one that the area signed
area_early() {
  local status=0
  ((AREA_EARLY_JOB == 0)) || job_wait "$AREA_EARLY_JOB" || status=1
  AREA_EARLY_JOB=0
  REPLY=${AREA["main.objects"]}/$1.tar
  [[ $status == 0 && $AREA_EARLY_NAME == "$1" && -f $REPLY ]] || return 1
  verify_hash main "$1" && [[ $AREA_EARLY_HASH == "$REPLY" ]] || return 1
  REPLY=${AREA["main.objects"]}/$1.tar
}

# _area_signatures_came - a round failed: say so where it was a signature file. Returns 1.
_area_signatures_came() {
  local section
  for section in "${AREA_SECTIONS[@]}"; do
    _area_has_signature "$section" \
      || log_error "area $section: no signature file ${AREA["$section.signature"]:-} that matches the argument"
  done
  return 1
}

# _area_open_bundle SECTION - unpack the small files; each is checked by name in area_verify
_area_open_bundle() {
  local bundle=${AREA["$1.bundle"]:-} objects=${AREA["$1.objects"]}
  [[ -n $bundle ]] || return 0
  # That of an area whose signature file came late was only queued by now.
  [[ -f $objects/$bundle ]] || _area_bring || return 1
  _area_keep "$1" "$bundle"
  verify_archive "$objects/$bundle" "$AREA_MAX_UNPACKED" || _area_refuse || return $?
  tar -xzf "$objects/$bundle" -C "$objects" --no-same-owner -m || log_fail 1 "area $1: cannot unpack $bundle"
}

# _area_fetch_lists - bring the lists that no bundle held, check all, read them in their order
_area_fetch_lists() {
  local item section key
  for item in "${AREA_LISTS[@]}"; do
    section=${item% *} key=${item#* }
    [[ -z ${AREA["$section.$key"]:-} ]] || _area_want "$section" "${AREA["$section.$key"]}" || return 1
  done
  _area_bring || return 1
  for item in "${AREA_LISTS[@]}"; do
    section=${item% *} key=${item#* }
    [[ -n ${AREA["$section.$key"]:-} ]] || continue
    verify_files "$section" "${AREA["$section.objects"]}" "${AREA["$section.$key"]}" || _area_refuse || return $?
    _area_read_list "$section" "${AREA["$section.objects"]}/${AREA["$section.$key"]}" "$key" || return 1
  done
}

# _area_read_list SECTION FILE KEY - add the rows of a file list. Columns are separated by white space,
#   a blank and a tab mostly; there are 5, 6 or 7 of them, by age of their writer. What a newer one adds
#   at the end is not for us.
_area_read_list() {
  local row
  while IFS=$' \t\r' read -r -a row || ((${#row[@]})); do
    ((${#row[@]})) && [[ ${row[0]} != '#'* ]] || continue
    case ${#row[@]} in
      0 | 1 | 2 | 3 | 4) _area_refuse "area $1: ${2##*/}: a line of ${#row[@]} columns: ${row[*]}" || return $? ;;
      5) row=("${row[@]:0:3}" 0 GLIDEIN_PS_ "${row[@]:3}") ;;
      6) row=("${row[@]:0:4}" GLIDEIN_PS_ "${row[@]:4}") ;;
    esac
    [[ ${row[3]} =~ ^[0-9]{1,9}$ ]] || _area_refuse "area $1: ${row[0]}: not a period in seconds: '${row[3]}'" || return $?
    [[ ${row[4]} =~ ^[A-Za-z_][A-Za-z0-9_]*$ ]] || _area_refuse "area $1: ${row[0]}: not a prefix: '${row[4]}'" || return $?
    verify_name "${row[0]}" && verify_name "${row[1]}" || _area_refuse || return $?
    case ${row[2]} in
      regular | nocache | exec | exec:s | untar | wrapper | config:c) ;;
      library | api | condor) [[ $1 == main ]] || _area_refuse "area $1: ${row[0]}: only main may hold type ${row[2]}" || return $? ;;
      *) _area_refuse "area $1: ${row[0]}: unknown type '${row[2]}'" || return $? ;;
    esac
    [[ ${row[2]} == nocache ]] || verify_hash "$1" "${row[1]}" || _area_refuse "area $1: ${row[1]} is not signed" || return $?
    AREA_ROW_SECTION+=("$1") AREA_ROW_OUT+=("${row[0]}") AREA_ROW_IN+=("${row[1]}") AREA_ROW_TYPE+=("${row[2]}")
    AREA_ROW_LIST+=("$1 $3")
    AREA_ROW_PERIOD+=("${row[3]}") AREA_ROW_PREFIX+=("${row[4]}") AREA_ROW_CONDITION+=("${row[5]}") AREA_ROW_CONFIG+=("${row[6]}")
  done <"$2"
}

# _area_fetch_files - bring the listed files that no bundle held and whose condition holds, as far as
#   we can tell before a script was run
_area_fetch_files() {
  local i section
  for i in ${AREA_ROW_OUT[@]+"${!AREA_ROW_OUT[@]}"}; do
    [[ -z ${_AREA_PLACED[i]:-} ]] && area_row_wanted "$i" || continue
    section=${AREA_ROW_SECTION[i]}
    case ${AREA_ROW_TYPE[i]} in
      condor) ;; # one of several will be chosen
      nocache)
        [[ -f ${AREA["$section.objects"]}/${AREA_ROW_IN[i]} ]] || _area_queue "${AREA["$section.url"]}/${AREA_ROW_IN[i]}" "${AREA["$section.objects"]}/${AREA_ROW_IN[i]}" - "$AREA_MAX_TEXT" nocache
        ;;
      *) _area_want "$section" "${AREA_ROW_IN[i]}" || return 1 ;;
    esac
  done
  _area_bring
}

# _area_fetch_more - where a file waits for a condition: it may be one that the areas' constants meet
_area_fetch_more() {
  local i waiting=
  for i in ${AREA_ROW_OUT[@]+"${!AREA_ROW_OUT[@]}"}; do
    area_row_wanted "$i" || waiting=1
  done
  [[ -n $waiting ]] || return 0
  for i in "${!AREA_ROW_OUT[@]}"; do
    [[ ${AREA_ROW_CONFIG[i]} == CONSTS_FILE && ${AREA_ROW_TYPE[i]} == regular ]] && area_row_wanted "$i" || continue
    verify_files "${AREA_ROW_SECTION[i]}" "${AREA["${AREA_ROW_SECTION[i]}.objects"]}" "${AREA_ROW_IN[i]}" || _area_refuse || return $?
    _AREA_CHECKED[i]=1
  done
  _area_look_ahead && _area_fetch_files
}

# area_row_wanted INDEX - does this row's condition hold: TRUE, or a key whose value is 1
area_row_wanted() {
  local condition=${AREA_ROW_CONDITION[$1]} name=${AREA_ROW_IN[$1]}
  if [[ $name =~ ^gconditional_([A-Za-z0-9]+)_ ]]; then
    config_get "GLIDEIN_USE_${BASH_REMATCH[1]}" ''
    [[ -n $REPLY ]] || return 1
  fi
  [[ $condition == TRUE ]] && return 0
  config_get "$condition" ''
  [[ $REPLY == 1 ]]
}

# area_verify - check every file that is here against its area's signature file, look into archives,
#   and read what the areas' constants will be: all before anything is run
#   Returns:  0;  1 with PHASE_EXIT=30
area_verify() {
  local section i names programs=()
  for section in "${AREA_SECTIONS[@]}"; do
    names=()
    for i in ${AREA_ROW_OUT[@]+"${!AREA_ROW_OUT[@]}"}; do
      [[ ${AREA_ROW_SECTION[i]} == "$section" && ${AREA_ROW_TYPE[i]} != condor && ${AREA_ROW_TYPE[i]} != nocache ]] || continue
      [[ -f ${AREA["$section.objects"]}/${AREA_ROW_IN[i]} ]] || area_row_wanted "$i" || continue
      names+=("${AREA_ROW_IN[i]}")
      _AREA_CHECKED[i]=1
      case ${AREA_ROW_TYPE[i]} in exec | exec:s) programs+=("${AREA["$section.objects"]}/${AREA_ROW_IN[i]}") ;; esac
    done
    ((${#names[@]} == 0)) || job_run verify_files "$section" "${AREA["$section.objects"]}" "${names[@]}" || _area_refuse || return $?
  done
  for i in ${_AREA_CHECKED[@]+"${!_AREA_CHECKED[@]}"}; do
    [[ ${AREA_ROW_TYPE[i]} != untar ]] || _area_verify_untar "$i" || return 1
  done
  ((${#programs[@]} == 0)) || chmod u+x -- "${programs[@]}" || return 1
  _area_look_ahead
}

# _area_verify_untar INDEX - may this archive be unpacked, and where it is to be?
_area_verify_untar() {
  _area_untar_folder "$1" || _area_refuse || return $?
  job_run verify_archive "${AREA["${AREA_ROW_SECTION[$1]}.objects"]}/${AREA_ROW_IN[$1]}" "$AREA_MAX_UNPACKED" || _area_refuse
}

# area_place_row INDEX - a file's turn: put it under its own name into its area's folder, and note in
#   the configuration where it is, unless it is to be run first. One whose condition came true only now is brought and checked first.
#   Sets REPLY to its place.
#   Returns:  0;  1 with PHASE_EXIT=30 where a check was what failed
area_place_row() {
  local section=${AREA_ROW_SECTION[$1]} name=${AREA_ROW_IN[$1]} file
  file=${AREA["$section.objects"]}/$name
  if [[ ${AREA_ROW_TYPE[$1]} == nocache ]]; then
    if [[ ! -f $file ]]; then
      _area_queue "${AREA["$section.url"]}/$name" "$file" - "$AREA_MAX_TEXT" nocache
      _area_bring || return 1
    fi
  elif [[ -z ${_AREA_CHECKED[$1]:-} ]]; then
    # Others may have been waiting for the same.
    [[ -f $file ]] || _area_fetch_files || return 1
    verify_files "$section" "${AREA["$section.objects"]}" "$name" || _area_refuse || return $?
    [[ ${AREA_ROW_TYPE[$1]} != exec* ]] || chmod u+x -- "$file" || return 1
    [[ ${AREA_ROW_TYPE[$1]} != untar ]] || _area_verify_untar "$1" || return 1
    _AREA_CHECKED[$1]=1
  fi
  _AREA_PLACED[$1]=1
  case ${AREA_ROW_TYPE[$1]} in
    untar) _area_place_untar "$1" ;;
    *) _area_place_file "$1" ;;
  esac
}

# area_path INDEX - set REPLY to the place of a listed file, whether it is there or not
area_path() {
  REPLY=${AREA["${AREA_ROW_SECTION[$1]}.folder"]}/${AREA_ROW_OUT[$1]}
  [[ ${AREA_ROW_TYPE[$1]} != config:c ]] || REPLY=$WORK/condor_config.d/${AREA_ROW_OUT[$1]}
}

_area_place_file() {
  local section=${AREA_ROW_SECTION[$1]} content='' status=0
  local from=${AREA["$section.objects"]}/${AREA_ROW_IN[$1]} to
  area_path "$1"
  to=$REPLY
  [[ -f $from ]] || log_fail 1 "area $section: ${AREA_ROW_IN[$1]} is missing" || return $?
  umask 0022 # all came over the open web; a job of another user may need it
  REPLY=
  verify_size "$section" "${AREA_ROW_IN[$1]}" || REPLY=
  # Small texts are written by the shell, a process each is spared. A text with a NUL in it comes out
  # shorter than its signed size.
  if [[ ${AREA_ROW_TYPE[$1]} != exec* && -n $REPLY ]] && ((REPLY < 65536)); then IFS= read -r -d '' content <"$from"; fi
  if [[ -n $content && ${#content} -eq ${REPLY:-0} ]]; then
    { printf '%s' "$content" >"$to"; } 2>/dev/null || status=1
  else
    cp -p -- "$from" "$to" || status=1
  fi
  umask 077
  ((status == 0)) || log_fail 1 "cannot write $to" || return $?
  # A program is known when it has run.
  [[ ${AREA_ROW_TYPE[$1]} == exec* ]] || area_note "$1" "$to" || return 1
  [[ ${AREA_ROW_CONFIG[$1]} != CONSTS_FILE ]] || _area_constants "$to" config_constant || return 1
  REPLY=$to
}

_area_place_untar() {
  local section=${AREA_ROW_SECTION[$1]} from folder inner
  from=${AREA["$section.objects"]}/${AREA_ROW_IN[$1]}
  _area_untar_folder "$1" || _area_refuse || return $?
  folder=$REPLY
  job_run _area_unpack "$from" "$folder" || log_fail 1 "area $section: cannot unpack ${AREA_ROW_OUT[$1]}" || return $?
  rm -f -- "$from"
  if [[ ${AREA_ROW_CONFIG[$1]} == CONDOR_DIR ]]; then
    # HTCondor's own tarballs have all below one folder with the version in its name.
    inner=("$folder"/*)
    if ((${#inner[@]} == 1)) && [[ -d ${inner[0]} ]]; then
      mv -- "${inner[0]}" "$folder.inner" && rmdir -- "$folder" && mv -- "$folder.inner" "$folder" || return 1
    fi
  fi
  area_note "$1" "$folder" || return 1
  REPLY=$folder
}

_area_unpack() {
  umask 0022
  mkdir -p -- "$2" && tar -xzf "$1" -C "$2" --no-same-owner -m
}

# _area_untar_folder INDEX - set REPLY to where an archive is unpacked: the folder that the area's
#   untar.cfg names for it (lines `OutFile folder`), below the area's own; else the archive's name
#   up to its first dot. `../` may reach another folder of the work directory, nothing outside.
#   Returns:  0;  1  the folder leads out of the work directory
_area_untar_folder() {
  local section=${AREA_ROW_SECTION[$1]} out=${AREA_ROW_OUT[$1]} key=UNTAR_CFG_FILE name folder='' part path i
  case $section in
    entry) key=ENTRY_$key ;;
    client) key=GLIDECLIENT_$key ;;
    client_group) key=GLIDECLIENT_GROUP_$key ;;
  esac
  path=${AREA["$section.folder"]}
  config_get "$key" ''
  if [[ ! -f $REPLY ]]; then # its turn has not come yet
    for i in "${!AREA_ROW_OUT[@]}"; do
      [[ ${AREA_ROW_SECTION[i]} != "$section" || ${AREA_ROW_CONFIG[i]} != UNTAR_CFG_FILE || -z ${_AREA_CHECKED[i]:-} ]] \
        || REPLY=${AREA["$section.objects"]}/${AREA_ROW_IN[i]}
    done
  fi
  if [[ -f $REPLY ]]; then
    while IFS=$' \t\r' read -r name folder || [[ -n $name ]]; do
      [[ $name == "$out" ]] && break
      folder=
    done <"$REPLY"
  fi
  folder=${folder:-${out%%.*}}/
  [[ $folder != /* ]] || log_fail 1 "area $section: $out: its folder is absolute: $folder" || return $?
  while [[ -n $folder ]]; do
    part=${folder%%/*} folder=${folder#*/}
    case $part in
      '' | .) ;;
      ..) path=${path%/*} ;;
      *) path+=/$part ;;
    esac
    [[ $path == "$WORK"* && $path/ == "$WORK"/* ]] \
      || log_fail 1 "area $section: $out: its folder leads out of the work directory" || return $?
  done
  [[ $path != "$WORK" && $path/ != "$WORK/.glidein/"* ]] \
    || log_fail 1 "area $section: $out: its folder is ours" || return $?
  REPLY=$path
}

# area_note INDEX PATH - ConfigOut: the configuration's key for the file, prefixed by section
area_note() {
  local key=${AREA_ROW_CONFIG[$1]} prefix=
  [[ $key != FALSE && -n $key ]] || return 0
  case ${AREA_ROW_SECTION[$1]} in
    entry) prefix=ENTRY_ ;;
    client) prefix=GLIDECLIENT_ ;;
    client_group) prefix=GLIDECLIENT_GROUP_ ;;
  esac
  config_set "$prefix$key" "$2"
}

# _area_look_ahead - let config_get know what the areas' constants will say when their turn has come.
#   The entry's are the last in the order of the lists, so they win.
_area_look_ahead() {
  local i
  for i in ${_AREA_CHECKED[@]+"${!_AREA_CHECKED[@]}"}; do
    [[ ${AREA_ROW_CONFIG[i]} == CONSTS_FILE && ${AREA_ROW_TYPE[i]} == regular ]] || continue
    _area_constants "${AREA["${AREA_ROW_SECTION[i]}.objects"]}/${AREA_ROW_IN[i]}" config_ahead || return 1
  done
}

# _area_constants FILE FUNCTION - call FUNCTION KEY VALUE for each line of a file of constants
_area_constants() {
  local key value
  while IFS=$'\t' read -r key value || [[ -n $key ]]; do
    key=${key%%[[:space:]]*}
    value=${value%"${value##*[![:space:]]}"}
    [[ -n $key && $key != '#'* ]] || continue
    "$2" "$key" "$value" || return 1
  done <"$1"
}

# area_apis - set REPLY to the files of the scripts' interface in the main area: `name path`, one a line
area_apis() {
  local i
  REPLY=
  for i in ${AREA_ROW_OUT[@]+"${!AREA_ROW_OUT[@]}"}; do
    [[ ${AREA_ROW_TYPE[i]} == api ]] || continue
    REPLY+="${AREA_ROW_OUT[i]} ${AREA["main.objects"]}/${AREA_ROW_IN[i]}"$'\n'
  done
}

# area_libraries - set REPLY to the paths of the shell modules of the main area, one a line, in order
area_libraries() {
  local i
  REPLY=
  for i in ${AREA_ROW_OUT[@]+"${!AREA_ROW_OUT[@]}"}; do
    [[ ${AREA_ROW_TYPE[i]} == library && ${AREA_ROW_SECTION[i]} == main ]] || continue
    REPLY+=${AREA["main.objects"]}/${AREA_ROW_IN[i]}$'\n'
  done
}

# area_api NAME - set REPLY to the path of one of those files, empty if it is not there
area_api() {
  area_apis
  [[ $REPLY == *"$1 "* ]] || REPLY=
  REPLY=${REPLY##*"$1 "}
  REPLY=${REPLY%%$'\n'*}
}

# _area_refuse [MESSAGE] - a check failed, not a transport: end with the exit code of verify
_area_refuse() {
  PHASE_EXIT=30
  [[ -z ${1:-} ]] || log_error "$1"
  return 1
}
