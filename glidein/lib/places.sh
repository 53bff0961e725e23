# shellcheck shell=bash
# places.sh - the folders of HTCondor: where it is and where it writes.
#
# Needs:     log.sh knob.sh
# Commands:  mkdir; ln and rm where the work directory's name has blanks (coreutils)
# Reads:     WORK
# Sets:      PLACES_PRIVATE
#
# shellcheck disable=SC2016,SC1003  # $(NAME) and backslashes are HTCondor's here, not the shell's

# places_find CONDOR_DIR - where HTCondor is and where it writes.
#   Some of HTCondor's settings are lists separated by blanks and commas, and all expand $(...): a
#   work directory with such a name is reached through a link with a plain one.
places_find() {
  local condor=$1 local=$WORK plugin plugins=
  if [[ ! $WORK$1 =~ ^[A-Za-z0-9/._+@=:~-]+$ ]]; then
    _places_private || return 1
    ln -s -- "$WORK" "$PLACES_PRIVATE/work" && ln -s -- "$1" "$PLACES_PRIVATE/condor" \
      || log_fail 1 "cannot make links in $PLACES_PRIVATE" || return $?
    local=$PLACES_PRIVATE/work condor=$PLACES_PRIVATE/condor
  fi
  mkdir -p -- "$WORK/log" "$WORK/execute" "$WORK/spool" "$WORK/lock" "$WORK/condor_config.d" \
    "$WORK/cred.d/idtokens" || log_fail 1 "cannot make HTCondor's folders in $WORK" || return $?
  knob_title 'places'
  knob_set RELEASE_DIR "$condor" 'where HTCondor was found or unpacked' || return 1
  knob_set BIN '$(RELEASE_DIR)/bin' 'where HTCondor was found or unpacked' || return 1
  knob_set SBIN '$(RELEASE_DIR)/sbin' 'where HTCondor was found or unpacked' || return 1
  knob_set LIB '$(RELEASE_DIR)/lib' 'where HTCondor was found or unpacked' || return 1
  if [[ -d $1/libexec/condor && ! -e $1/libexec/condor_shared_port ]]; then
    knob_set LIBEXEC '$(RELEASE_DIR)/libexec/condor' 'detected: an installed HTCondor' || return 1
  else
    knob_set LIBEXEC '$(RELEASE_DIR)/libexec' 'where HTCondor was found or unpacked' || return 1
  fi
  knob_set LOCAL_DIR "$local" 'the work directory' || return 1
  for plugin in LOG:log SPOOL:spool EXECUTE:execute LOCK:lock RUN:lock LOCAL_CONFIG_DIR:condor_config.d; do
    knob_set "${plugin%:*}" "\$(LOCAL_DIR)/${plugin#*:}" 'the work directory' || return 1
  done
  knob_set STARTD_LOG '$(LOG)/StartdLog' 'the work directory' || return 1
  knob_set STARTD_HISTORY '$(LOG)/StartdHistoryLog' 'the work directory' || return 1
  knob_set LOCAL_CONFIG_FILE '' 'fixed: this file and condor_config.d are all there is' || return 1
  knob_set USER_CONFIG_FILE '' 'fixed: this file and condor_config.d are all there is' || return 1
  for plugin in curl_plugin data_plugin; do
    [[ ! -x $1/libexec/$plugin && ! -x $1/libexec/condor/$plugin ]] || plugins+="${plugins:+, }\$(LIBEXEC)/$plugin"
  done
  knob_set FILETRANSFER_PLUGINS "$plugins" 'detected: the plugins that are there'
}

# _places_private - make PLACES_PRIVATE, a folder of ours with a plain, short name
_places_private() {
  local place try
  for place in "${TMPDIR:-/tmp}" /tmp /var/tmp /dev/shm; do
    [[ $place =~ ^/[A-Za-z0-9/._+@=:~-]{0,60}$ && -d $place && -w $place ]] || continue
    for try in 1 2 3; do
      PLACES_PRIVATE=$place/glidein.$$.$RANDOM$RANDOM
      # For the sweep, should we be killed outright: written first, so that nothing is unknown.
      { printf '%s\n' "$PLACES_PRIVATE" >"$WORK/.glidein/outside"; } 2>/dev/null || :
      mkdir -m 0700 -- "$PLACES_PRIVATE" 2>/dev/null && return 0
    done
  done
  PLACES_PRIVATE=
  log_fail 1 "the work directory's name ($WORK) needs a link without blanks, and no temporary folder takes one"
}

# places_clean - remove what lies outside the work directory
places_clean() {
  [[ -z ${PLACES_PRIVATE:-} ]] || rm -rf -- "$PLACES_PRIVATE"
  PLACES_PRIVATE=
}
