#!/usr/bin/env bats
# cvmfs.sh: which repositories are looked at, what a look comes to, and that one which hangs is left alone.
# shellcheck disable=SC2329,SC2218  # cvmfs.sh calls what is defined here

bats_require_minimum_version 1.5.0

setup() {
  load helper
  for module in log clock config job cvmfs; do
    # shellcheck source=/dev/null
    source "$LIB/$module.sh"
  done
  CVMFS_MOUNT_DIR=$PWD/cvmfs CVMFS_WAIT_S=1 RESOURCES_ROOT=$PWD/root
  mkdir -p cvmfs/good.org/bin cvmfs/empty.org root/proc/self
  : >root/proc/self/mountinfo
}

@test "cvmfs: those that are asked for, those that are mounted, each once" {
  run -1 cvmfs_repositories
  config_set GLIDEIN_CVMFS_Require need.org,both.org
  config_set GLIDEIN_CVMFS_Repositories 'both.org, nice.org,../etc,-x'
  cat >root/proc/self/mountinfo <<END
90 22 0:50 / $CVMFS_MOUNT_DIR/there.org ro,nosuid - fuse cvmfs2 ro
91 22 0:51 / $CVMFS_MOUNT_DIR/both.org ro,nosuid - fuse cvmfs2 ro
92 22 0:52 / $CVMFS_MOUNT_DIR ro - autofs /etc/auto.cvmfs rw
93 22 0:53 / /home rw - nfs4 server:/home rw
END
  cvmfs_repositories 2>log
  [[ $REPLY == 'need.org both.org nice.org there.org' ]]
  grep -q "not the name of a CVMFS repository: '../etc'" log
}

@test "cvmfs: what a look says" {
  cvmfs_look good.org && [[ $REPLY == ok ]]
  cvmfs_look empty.org && [[ $REPLY == 'there, but empty' ]]
  cvmfs_look none.org && [[ $REPLY == 'not there' ]]
}

@test "cvmfs: a path in one that hangs is not touched, and waited for once only" {
  cvmfs_look() { sleep 60; }
  SECONDS=0
  run -1 cvmfs_reachable "$CVMFS_MOUNT_DIR/dead.org/bin/x"
  cvmfs_note dead.org ''
  cvmfs_look() { echo touched >>log; }
  run -1 cvmfs_reachable "$CVMFS_MOUNT_DIR/dead.org/image.sif"
  [[ $SECONDS -lt 30 && ! -e log ]]
  cvmfs_reachable /usr/bin/x
}

@test "cvmfs: PATH keeps its order, and loses only what does not answer" {
  PATH=$CVMFS_MOUNT_DIR/good.org/bin:$PATH:$CVMFS_MOUNT_DIR/none.org/bin
  before=$PATH
  cvmfs_path
  [[ $PATH == "${before%:*}" ]]
}
