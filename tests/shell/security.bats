#!/usr/bin/env bats
# security.sh alone: is a collector on this machine? The rest is in tests/worker_configuration.toml.

bats_require_minimum_version 1.5.0

setup() {
  load helper
  # shellcheck source=/dev/null
  source "$LIB/security.sh"
  RESOURCES_ROOT=$PWD/root HOSTNAME=node.example.org
  mkdir -p root/proc/net
  cat >root/proc/net/fib_trie <<'END'
Main:
  +-- 0.0.0.0/0 3 0 5
     |-- 0.0.0.0
        /0 universe UNICAST
     |-- 10.1.2.3
        /32 host LOCAL
     |-- 10.1.2.255
        /32 link BROADCAST
END
}

@test "a collector on this machine: by address, or by what it calls itself" {
  for COLLECTORS_ALL in 127.0.0.1:9618 127.9.9.9 localhost:1 '[::1]:9618' 10.1.2.3:9618 node:1 NODE.example.org:1 \
    'far:9618,10.1.2.3:9618?sock=collector' '<10.1.2.3:9618?addrs=10.1.2.3-9618>'; do
    _security_local_collector || { echo "$COLLECTORS_ALL" && false; }
  done
}

@test "a collector elsewhere" {
  for COLLECTORS_ALL in pool.example.org:9618 10.1.2.255:9618 0.0.0.0:1 nodes:1 '[2001:db8::1]:9618' 'a:1,b:2'; do
    ! _security_local_collector || { echo "$COLLECTORS_ALL: $REPLY" && false; }
  done
}
