#!/usr/bin/env bats
# system.sh alone: what os-release and the kernel say, in the words that jobs ask for.

bats_require_minimum_version 1.5.0

setup() {
  load helper
  # shellcheck source=/dev/null
  source "$LIB/log.sh"
  # shellcheck source=/dev/null
  source "$LIB/config.sh"
  # shellcheck source=/dev/null
  source "$LIB/system.sh"
  RESOURCES_ROOT=$PWD/root
  mkdir -p root/etc root/proc/sys/user root/proc/sys/kernel
}

value() { config_get "$1" && printf '%s' "$REPLY"; }

@test "the words of lsb_release, from os-release" {
  local id version pretty expected
  while IFS='|' read -r id version pretty expected; do
    CONFIG=()
    printf 'PRETTY_NAME="%s"\nVERSION_ID=%s\nID=%s\n# no\nHOME_URL="x"\n' "$pretty" "$version" "$id" >root/etc/os-release
    system_look || false
    [[ "$(value LSB_DISTRIBUTOR_ID) $(value LSB_RELEASE)" == "$expected" && $(value LSB_DESCRIPTION) == "$pretty" ]]
  done <<'END'
debian|"12"|Debian GNU/Linux 12 (bookworm)|Debian 12
"almalinux"|"9.4"|AlmaLinux 9.4 (Seafoam Ocelot)|AlmaLinux 9.4
rhel|"8.9"|Red Hat Enterprise Linux 8.9 (Ootpa)|RedHatEnterprise 8.9
"centos"|"7"|CentOS Linux 7 (Core)|CentOS 7
"opensuse-leap"|"15.5"|openSUSE Leap 15.5|openSUSE 15.5
END
}

@test "a node that does not say; what a script has set stays" {
  config_set LSB_RELEASE 3
  system_look || false
  [[ $(value LSB_DISTRIBUTOR_ID) == UNKNOWN && $(value LSB_RELEASE) == 3 ]]
}

@test "user namespaces: only where nothing forbids them" {
  local most debian ubuntu expected
  while read -r most debian ubuntu expected; do
    CONFIG=()
    rm -f root/proc/sys/*/*
    [[ $most == - ]] || echo "$most" >root/proc/sys/user/max_user_namespaces
    [[ $debian == - ]] || echo "$debian" >root/proc/sys/kernel/unprivileged_userns_clone
    [[ $ubuntu == - ]] || echo "$ubuntu" >root/proc/sys/kernel/apparmor_restrict_unprivileged_userns
    system_look || false
    [[ $(value HAS_UNPRIVILEGED_USER_NAMESPACES) == "$expected" ]] || { echo "$most $debian $ubuntu" && false; }
  done <<'END'
- - - unavailable
0 - - disabled
1000 - - enabled
1000 1 0 enabled
1000 0 - disabled
1000 - 1 disabled
END
}
