# shellcheck shell=bash
# condor.sh - choose an HTCondor for this node, unpack it, and make it run from where it lies.
#
# A tarball of ours brings its own C library. The kernel wants a program's loader by an absolute
# path, so each program in the tarball ends where that path belongs and is completed here:
# appending is all it takes, and bash does it without starting a process. The file RELOCATE says
# which programs. A tarball without it uses the node's C library and needs nothing.
#
# Needs:     log.sh config.sh
# Commands:  tar gzip mkdir (coreutils); uname where bash does not know the processor
# Reads:     the keys CONDOR_DIR, CONDOR_VERSION and GLIDEIN_Condor_Paths; HOSTTYPE, which
#            bash sets

# condor_arch - set REPLY to the processor, as `uname -m` calls it.
#   Returns:  0
#             1  it cannot be told
condor_arch() {
  case ${HOSTTYPE:-} in
    x86_64 | aarch64) REPLY=$HOSTTYPE ;;
    powerpc64le) REPLY=ppc64le ;;
    *) REPLY=$(uname -m) || log_fail 1 "uname does not tell the processor" ;;
  esac
}

# condor_choose LIST - choose an HTCondor tarball. LIST is a file of lines `OUTFILE OBJECT`, in
#   order of preference; OUTFILE is condor-<version>-<processor>.tar.gz. Sets REPLY to the first
#   line that is made for this processor and is of the version in the key CONDOR_VERSION: "24",
#   "24.0.3", several with commas (the earlier the better), "default" or unset (any).
#   Returns:  0
#             1  there is none, or LIST cannot be read; the log says what there is
condor_choose() {
  local arch versions rest wanted line version offered=()
  condor_arch || return 1
  arch=$REPLY
  [[ -r $1 ]] || log_fail 1 "cannot read the list of tarballs $1" || return $?
  while IFS= read -r line || [[ -n $line ]]; do
    [[ $line == condor-*-*.tar.gz' '* ]] && offered+=("$line")
  done <"$1"
  config_get CONDOR_VERSION default
  versions=${REPLY:-default} rest=${REPLY:-default},
  while [[ -n $rest ]]; do
    wanted=${rest%%,*} rest=${rest#*,}
    for line in ${offered[@]+"${offered[@]}"}; do
      version=${line%% *}
      [[ $version == *"-$arch.tar.gz" ]] || continue
      version=${version#condor-}
      version=${version%"-$arch.tar.gz"}
      [[ $wanted == default || $version == "$wanted" || $version == "$wanted".* ]] || continue
      REPLY=$line
      return 0
    done
  done
  line="${offered[*]+${offered[*]%% *}}"
  log_fail 1 "no HTCondor for this node: arch=$arch version=$versions offered=${line:-nothing}"
}

# condor_find - look for an HTCondor on this node that is to be used instead of a tarball.
#   The key CONDOR_DIR names one folder, good or not: condor_version tells. Else the key
#   GLIDEIN_Condor_Paths names several (with commas or colons), as on CVMFS, of which the first
#   that has HTCondor is taken. Sets REPLY to the folder.
#   Returns:  0
#             1  none is asked for, or none of those paths has one; REPLY is empty
condor_find() {
  local folder rest
  config_get CONDOR_DIR ''
  if [[ -n $REPLY && $REPLY != main/condor && $REPLY != "${WORK:-}/main/condor" ]]; then
    log_info "using the HTCondor of this node folder=$REPLY"
    return 0
  fi
  config_get GLIDEIN_Condor_Paths ''
  rest=${REPLY//:/,},
  while [[ -n $rest ]]; do
    folder=${rest%%,*} rest=${rest#*,}
    if [[ -n $folder ]] && _condor_is_in "$folder"; then
      log_info "using the HTCondor of this node folder=$folder"
      REPLY=$folder
      return 0
    fi
    log_debug "no HTCondor in '$folder'"
  done
  REPLY=''
  return 1
}

# condor_unpack TARBALL DIR - unpack TARBALL (.tar.gz, or .tar) into DIR, which may exist, ready to run from there.
#   The caller has made sure that TARBALL is what was signed and harms nothing outside DIR.
#   Returns:  0
#             1  it cannot be unpacked: damaged, or no room
#             2  the path of DIR is too long for the kernel to find the loader in it
#             3  it is no HTCondor tarball
condor_unpack() {
  local tarball=$1 dir=$2 zip=z
  [[ $tarball != *.tar ]] || zip= # decompressed already
  [[ $dir == /* ]] || dir=$PWD/$dir
  [[ -d $dir ]] || mkdir -p -- "$dir" || log_fail 1 "cannot make the folder $dir" || return $?
  # All files get today's date, or cleaners of /tmp might take them for forgotten.
  # The names reach tar by no option: it would read a backslash or a colon in them its own way.
  (cd -- "$dir" && exec tar "-x${zip}mof" -) <"$tarball" \
    || log_fail 1 "cannot unpack $tarball into $dir" || return $?
  _condor_is_in "$dir" || log_fail 3 "not an HTCondor tarball: $tarball" || return $?
  [[ ! -e $dir/RELOCATE ]] || _condor_relocate "$dir"
}

# condor_version DIR - set REPLY to the version of the HTCondor in DIR; proves that it runs here.
#   Returns:  0
#             1  it does not run; the log has the complaint of the kernel or the loader
condor_version() {
  local said
  _condor_is_in "$1" || log_fail 1 "no HTCondor in $1" || return $?
  said=$(CONDOR_CONFIG=/dev/null "$1/bin/condor_version" 2>&1) \
    && [[ $said =~ \$CondorVersion:\ ([0-9.]+)\  ]] \
    || log_fail 1 "HTCondor in $1 does not run here: ${said:-no output}" || return $?
  REPLY=${BASH_REMATCH[1]}
}

# _condor_is_in DIR - returns 0 if DIR has HTCondor's programs, else 1
_condor_is_in() {
  [[ -x $1/sbin/condor_master && -x $1/sbin/condor_startd && -x $1/bin/condor_version ]]
}

# _condor_relocate DIR - append the loader's path to each program that DIR/RELOCATE lists.
#   The first line says how many bytes the path must fill, with NULs after it, and where in
#   DIR the loader lies; the others give the length of each program and its place.
#   Returns 0, 1 (cannot write), 2 (path too long) or 3 (RELOCATE is not understood)
_condor_relocate() {
  local LC_ALL=C # ${#path} counts bytes
  local dir=$1 mark size interpreter path length place zeros
  {
    IFS=' ' read -r mark size interpreter
    [[ $mark == '#' && $size =~ ^[0-9]{1,4}$ && $interpreter == lib/* ]] \
      || log_fail 3 "$dir/RELOCATE: cannot read its first line" || return $?
    path=$dir/$interpreter
    ((${#path} < size)) \
      || log_fail 2 "path too long: ${#path} bytes, at most $((size - 1)): $path" || return $?
    printf -v zeros '%*s' $((size - ${#path})) ''
    while IFS=' ' read -r length place; do
      [[ $length =~ ^[0-9]+$ && /$place/ != */../* && -f $dir/$place ]] \
        || log_fail 3 "$dir/RELOCATE: cannot read: $length $place" || return $?
      printf "%s${zeros// /\\0}" "$path" >>"$dir/$place" \
        || log_fail 1 "cannot write $dir/$place" || return $?
    done
  } <"$dir/RELOCATE"
}
