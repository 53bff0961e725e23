# shellcheck shell=bash
# system.sh - what the node's operating system says of itself, as jobs ask for it.
#
# Needs:     config.sh
# Reads:     RESOURCES_ROOT (a folder that stands for /, for tests)

# system_look - set the keys LSB_DISTRIBUTOR_ID, LSB_RELEASE and LSB_DESCRIPTION, in the words of
#   lsb_release, and HAS_UNPRIVILEGED_USER_NAMESPACES (enabled, disabled, unavailable). What a
#   script has set stays.
system_look() {
  local line name value id=UNKNOWN release=UNKNOWN description=UNKNOWN
  while IFS= read -r line || [[ -n $line ]]; do
    [[ $line == [A-Z]*=* ]] || continue
    name=${line%%=*} value=${line#*=}
    value=${value#[\"\']}
    value=${value%[\"\']}
    value=${value//[[:cntrl:]]/}
    [[ -n $value ]] || continue
    case $name in
      ID) id=$value ;;
      VERSION_ID) release=$value ;;
      PRETTY_NAME) description=${value%\\} ;;
    esac
  done 2>/dev/null <"${RESOURCES_ROOT:-}/etc/os-release"
  case $id in # where lsb_release has another word than os-release
    almalinux) id=AlmaLinux ;;
    centos) id=CentOS ;;
    rhel) id=RedHatEnterprise ;;
    opensuse*) id=openSUSE ;;
    sles) id=SUSE ;;
    UNKNOWN) ;;
    *) id=${id^} ;;
  esac
  _system_set LSB_DISTRIBUTOR_ID "$id"
  _system_set LSB_RELEASE "$release"
  _system_set LSB_DESCRIPTION "$description"
  _system_namespaces
  _system_set HAS_UNPRIVILEGED_USER_NAMESPACES "$REPLY"
}

# _system_set KEY VALUE - unless a script has
_system_set() { config_get "$1" || config_set "$1" "$2"; }

# _system_namespaces - set REPLY to whether an ordinary user may make user namespaces: enabled,
#   disabled (the kernel could), or unavailable
_system_namespaces() {
  local file value most=''
  REPLY=unavailable
  { read -r most <"${RESOURCES_ROOT:-}/proc/sys/user/max_user_namespaces"; } 2>/dev/null
  [[ $most =~ ^[0-9]+$ ]] || return 0
  REPLY=disabled
  ((most > 0)) || return 0
  for file in unprivileged_userns_clone=1 apparmor_restrict_unprivileged_userns=0; do # Debian, Ubuntu
    value=${file#*=}
    { read -r value <"${RESOURCES_ROOT:-}/proc/sys/kernel/${file%=*}"; } 2>/dev/null
    [[ $value == "${file#*=}" ]] || return 0
  done
  REPLY=enabled
}
