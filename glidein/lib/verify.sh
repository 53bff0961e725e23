# shellcheck shell=bash
# verify.sh - what may be used: names, signatures, hashes, archives.
#
# Unknown is an error: no signature, no use; a line or a listing that is not understood refuses
# the whole file.
#
# A hash spec is sha256:<64 hex digits> or sha1:<40 hex digits>.
#
# Needs:     log.sh
# Commands:  sha256sum, sha1sum (coreutils); tar, gzip and awk for archives
# Sets:      VERIFY_SUMS (verify_sums), VERIFY_WRONG (verify_files)

: "${VERIFY_MAX_MEMBERS:=200000}" # of an archive

declare -gA _VERIFY_HASH=() _VERIFY_SIZE=() # by SECTION/NAME
declare -ga VERIFY_SUMS=() VERIFY_WRONG=()

# verify_name NAME - may this, from a file that somebody else wrote, be used as a file's name?
#   No folder, no leading dot or dash, nothing but A-Z a-z 0-9 . _ + @ % = : , ~ -
#   Returns:  0;  1  no, and the log says why
verify_name() {
  local name=$1 why=''
  local LC_ALL=C # a-z are those letters, and a byte is a character
  case $name in
    '') why='it is empty' ;;
    */*) why='it names a folder' ;;
    .*) why='it begins with a dot' ;;
    -*) why='it begins with a dash' ;;
    *[[:cntrl:]]*) why='it holds a control character' ;;
    *[[:space:]]*) why='it holds white space' ;;
    *[!A-Za-z0-9._+@%=:,~-]*) why='it holds a character that names of ours do not have' ;;
  esac
  ((${#name} <= 255)) || why="it has ${#name} bytes, over 255" name=${name:0:60}...
  [[ -z $why ]] && return 0
  printf -v name '%q' "$name"
  log_fail 1 "refused as a file name: $name: $why"
}

# verify_spec SPEC - is this a hash spec?  Returns 1 when it is not.
verify_spec() { [[ $1 =~ ^(sha256:[0-9a-f]{64}|sha1:[0-9a-f]{40})$ ]]; }

# verify_signature FILE SECTION [TYPE]
#   Learn the hashes of SECTION's files from a signature file: lines `<hash>  <name>`, `# …`, and
#   `# size <bytes>  <name>`. What SECTION had before is forgotten.
#   Returns:  0
#             1  a line is not understood, a name is refused or there twice, a size is of no
#                file, hashes are not of one type (TYPE: of that type, sha1 or sha256)
verify_signature() {
  local file=$1 section=$2 type=${3:-} line number=0 this name hash size
  local names=() sized=() shown=${1##*/}
  [[ -f $file && -r $file ]] || log_fail 1 "cannot read signature file $file" || return $?
  verify_forget "$section"
  while IFS= read -r line || [[ -n $line ]]; do
    ((++number))
    if [[ $line =~ ^#\ size\ (0|[1-9][0-9]{0,14})\ \ ([^\ ]+)$ ]]; then
      name=${BASH_REMATCH[2]} size=${BASH_REMATCH[1]}
      verify_name "$name" || _verify_line "$shown" "$number" 'a bad name' || return $?
      [[ -z ${_VERIFY_SIZE["$section/$name"]:-} ]] || _verify_line "$shown" "$number" "$name: a second size" || return $?
      _VERIFY_SIZE["$section/$name"]=$size
      sized+=("$name")
    elif [[ -z $line || $line == '#' || ($line == '# '* && $line != '# size'*) ]]; then
      :
    elif [[ $line =~ ^([0-9a-f]{40}|[0-9a-f]{64})\ \ ([^\ ]+)$ ]]; then
      hash=${BASH_REMATCH[1]} name=${BASH_REMATCH[2]} this=sha1
      ((${#hash} == 40)) || this=sha256
      [[ $this == "${type:=$this}" ]] || _verify_line "$shown" "$number" "a $this hash, expected $type" || return $?
      verify_name "$name" || _verify_line "$shown" "$number" 'a bad name' || return $?
      [[ -z ${_VERIFY_HASH["$section/$name"]:-} ]] || _verify_line "$shown" "$number" "$name: a second hash" || return $?
      _VERIFY_HASH["$section/$name"]=$this:$hash
      names+=("$name")
    else
      _verify_line "$shown" "$number" "not understood: ${line:0:100}" || return $?
    fi
  done <"$file"
  ((${#names[@]})) || log_fail 1 "$shown: signs nothing" || return $?
  for name in ${sized[@]+"${sized[@]}"}; do
    [[ ${_VERIFY_HASH["$section/$name"]:-} ]] || _verify_line "$shown" "$number" "$name: a size, but no hash" || return $?
  done
}

# verify_forget SECTION - nothing of SECTION is signed any more
verify_forget() {
  local key
  for key in ${_VERIFY_HASH[@]+"${!_VERIFY_HASH[@]}"}; do
    [[ ${key%/*} != "$1" ]] || unset "_VERIFY_HASH[$key]"
  done
  for key in ${_VERIFY_SIZE[@]+"${!_VERIFY_SIZE[@]}"}; do
    [[ ${key%/*} != "$1" ]] || unset "_VERIFY_SIZE[$key]"
  done
}

# _verify_line FILE NUMBER WHY - log what is wrong with a signature file; returns 1
_verify_line() { log_fail 1 "$1 line $2: $3"; }

# verify_hash SECTION NAME - set REPLY to the hash spec.  Returns 1 when NAME is not signed.
verify_hash() {
  REPLY=${_VERIFY_HASH["$1/$2"]:-}
  [[ -n $REPLY ]]
}

# verify_size SECTION NAME - set REPLY to the signed number of bytes, empty when it is not recorded
verify_size() { REPLY=${_VERIFY_SIZE["$1/$2"]:-}; }

# verify_sums TYPE FILE... - set VERIFY_SUMS to the hash specs of files, with one process.
#   TYPE is sha256 or sha1. What cannot be read has an empty one.
#   Returns:  0;  1  at least one cannot be read
verify_sums() {
  local type=$1 said file line lines=() width=64
  shift
  [[ $type == sha256 ]] || width=40
  VERIFY_SUMS=()
  (($#)) || return 0
  said=$(exec "${type}sum" -- "$@" 2>/dev/null)
  while [[ -n $said ]]; do
    line=${said%%$'\n'*}
    if [[ $said == *$'\n'* ]]; then said=${said#*$'\n'}; else said=; fi
    line=${line#\\} # stands before a name with odd characters
    [[ $line =~ ^[0-9a-f]+\ [\ *] ]] && lines+=("$type:${line:0:width}")
  done
  if ((${#lines[@]} == $#)); then
    VERIFY_SUMS=("${lines[@]}")
    return 0
  fi
  for file; do # one or more gave no line: ask again, one by one
    said=$({ "${type}sum" <"$file"; } 2>/dev/null) || said=
    [[ -z $said ]] || said=$type:${said:0:width}
    VERIFY_SUMS+=("$said")
  done
  return 1
}

# verify_files SECTION DIR NAME... - are these files in DIR the signed ones? One process for all.
#   Returns:  0  all are
#             1  VERIFY_WRONG names those that are not; the log says why, for each
verify_files() {
  local section=$1 dir=$2 name type=sha256 i files=() names=()
  shift 2
  VERIFY_WRONG=()
  for name; do
    if ! verify_name "$name"; then
      VERIFY_WRONG+=("$name")
    elif ! verify_hash "$section" "$name"; then
      _verify_wrong "$name" "not signed in area $section"
    elif [[ -L $dir/$name ]]; then
      _verify_wrong "$name" 'a link'
    elif [[ ! -f $dir/$name ]]; then
      _verify_wrong "$name" 'not there, or no file'
    else
      type=${REPLY%%:*}
      names+=("$name") files+=("$dir/$name")
    fi
  done
  verify_sums "$type" ${files[@]+"${files[@]}"}
  for ((i = 0; i < ${#names[@]}; i++)); do
    verify_hash "$section" "${names[i]}"
    [[ -n ${VERIFY_SUMS[i]} && ${VERIFY_SUMS[i]} == "$REPLY" ]] \
      || _verify_wrong "${names[i]}" "wrong hash: has ${VERIFY_SUMS[i]:-none, cannot be read}, signed is $REPLY"
  done
  ((${#VERIFY_WRONG[@]} == 0))
}

_verify_wrong() {
  VERIFY_WRONG+=("$1")
  log_error "refused: $1: $2"
}

# verify_archive FILE [MAX_BYTES] - can this tar.gz (or tar, named .tar or .part) be unpacked into an empty folder without
#   touching anything outside? Only files, folders and links; no name that is absolute, has .. or
#   goes through a link; no link to outside; hard links only to files before them; all files
#   together at most MAX_BYTES (0: any size).
#   Returns:  0;  1  no, and the log names the member
verify_archive() {
  local file=$1 max=${2:-0} said zip
  [[ -f $file && -r $file ]] || log_fail 1 "cannot read archive $file" || return $?
  said=$(_verify_list gnu "$file" | _verify_members gnu "$max")
  # Only one who cannot do GNU's listing (busybox) lists nothing at all.
  if [[ $said == empty ]]; then
    said=$(_verify_list plain "$file" | _verify_members plain "$max")
    # busybox shows names as it would unpack them, and tells what it took away only here
    zip=z
    case $file in *.tar | *.part) zip= ;; esac
    if [[ $said == ok && $({ tar "-t${zip}f" "$file" >/dev/null; } 2>&1) == *'removing leading'* ]]; then
      said='a name is absolute or leaves its folder'
    fi
  fi
  [[ $said == ok ]] || log_fail 1 "archive refused: ${file##*/}: ${said:-cannot be listed}"
}

# _verify_list STYLE FILE - one line per member, then `end STATUS`. GNU tar writes odd characters
#   as escapes; busybox's writes them as they are, so that a line may be a made-up one: it is then
#   checked all the same, and the rest of the true name stands in the line before.
_verify_list() {
  local zip=z
  case $2 in *.tar | *.part) zip= ;; esac # decompressed already
  if [[ $1 == gnu ]]; then
    LC_ALL=C TZ=UTC0 tar --list --verbose ${zip:+--gzip} --file "$2" --absolute-names --numeric-owner \
      --quoting-style=escape 2>/dev/null
  else
    LC_ALL=C TZ=UTC0 tar "-tv${zip}f" "$2" 2>/dev/null
  fi
  printf '\nend %d\n' $? 2>/dev/null # the reader may have seen enough
}

# _verify_members STYLE MAX - read such a listing; prints ok, empty, or what is wrong
_verify_members() {
  # shellcheck disable=SC2016  # the text is awk's
  LC_ALL=C awk -v style="$1" -v max="$2" -v most="$VERIFY_MAX_MEMBERS" '
    function refuse(why) { if (!refused) { print why; refused = 1 } exit }

    # The name without "./", "//" and a last "/"; refuses what leaves the folder.
    function plain(name, what,    part, n, i, out) {
      if (name ~ /^\//) refuse(what " is absolute: " name)
      n = split(name, part, "/"); out = ""
      for (i = 1; i <= n; i++) {
        if (part[i] == "" || part[i] == ".") continue
        if (part[i] == "..") refuse(what " leaves its folder: " name)
        out = out (out == "" ? "" : "/") part[i]
      }
      return out
    }

    # A symbolic link of depth D may go up D folders, then down. ".." after a name is refused: the
    # name may be a link itself, and then nobody knows where ".." is.
    function follow(name, target,    part, n, i, depth, down) {
      if (target ~ /^\//) refuse("link to outside: " name " -> " target)
      depth = split(name, part, "/") - 1
      n = split(target, part, "/"); down = 0
      for (i = 1; i <= n; i++) {
        if (part[i] == "" || part[i] == ".") continue
        if (part[i] != "..") { down = 1; continue }
        if (down || --depth < 0) refuse("link to outside: " name " -> " target)
      }
    }

    function once(text, mark,    at) {
      at = index(text, mark)
      if (!at || index(substr(text, at + 1), mark)) refuse("not understood: " text)
      return at
    }

    refused { exit }
    /^end [0-9]+$/ { ended = $2; finished = 1; next }
    $0 == "" { next }
    finished { refuse("not understood: " $0) }
    {
      if (++members > most) refuse("over " most " members")
      # -rw-r--r-- 0/0 123 2026-01-31 12:00 name
      if (!match($0, /^[^ ][-rwxsStT]+[.+]? +[0-9]+\/[0-9]+ +[0-9]+(,[0-9]+)? +[0-9]+-[0-9][0-9]-[0-9][0-9] [0-9:]+ /))
        refuse("not understood: " $0)
      kind = substr($0, 1, 1); size = $3; name = substr($0, RLENGTH + 1); target = ""
      if (name == "") refuse("not understood: " $0)
      if (name ~ /[\001-\037\177]/ || (style == "gnu" && name ~ /\\([abfnrtv]|0[0-3]|177)/))
        refuse("a name with a control character: " name)
      if (kind == "h") {
        at = once(name, " link to "); target = substr(name, at + 9); name = substr(name, 1, at - 1)
      } else if (kind == "l") {
        at = once(name, " -> "); target = substr(name, at + 4); name = substr(name, 1, at - 1)
      } else if (kind == "-" && style == "plain" && index(name, " -> ")) {
        # how busybox shows a hard link
        at = once(name, " -> "); target = substr(name, at + 4); name = substr(name, 1, at - 1)
        kind = "h"
      } else if (kind != "-" && kind != "d")
        refuse("neither file, folder nor link: " name)
      name = plain(name, "a name that")
      if (name == "") { if (kind == "d") next; refuse("a member without a name") }
      if (kind == "l") {
        if (name in seen) refuse("there twice, once as a link: " name)
        follow(name, target); link[name] = 1
      } else {
        if (name in link) refuse("there twice, once as a link: " name)
        if (kind == "h") {
          target = plain(target, "hard link to what")
          if (seen[target] != "-") refuse("hard link to outside: " name " -> " target)
          kind = "-"
        } else if (kind == "-" && max + 0 > 0) {
          total += size
          if (total > max + 0) refuse("holds over " max " bytes")
        }
      }
      seen[name] = kind
    }
    END {
      if (refused) exit
      if (!members && ended != 0 && style == "gnu") { print "empty"; exit }
      if (!finished || ended != 0) { print "damaged, or no tar.gz: tar ended with " ended; exit }
      for (name in seen) {
        n = split(name, part, "/"); path = ""
        for (i = 1; i < n; i++) {
          path = path (i > 1 ? "/" : "") part[i]
          if (path in link) { print "goes through a link: " name; exit }
        }
      }
      print "ok"
    }'
}
