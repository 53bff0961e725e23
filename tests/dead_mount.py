"""A file system whose server never answers: whoever touches it hangs, as on a dead CVMFS or NFS.

Run as root in a mount namespace: ``python dead_mount.py FOLDER``. It mounts a FUSE file system there
and returns; a process stays behind that holds the mount, and never says a word. It ends by itself when
the process that started this program has ended, so that nothing remains.
"""

import ctypes
import os
import sys
import time
from pathlib import Path

_MS_NOSUID_NODEV = 2 | 4


def mount(folder: str) -> None:
    """Mount there what nobody serves.

    Raises:
        OSError: the kernel refuses.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    device = os.open("/dev/fuse", os.O_RDWR)
    options = f"fd={device},rootmode=40000,user_id=0,group_id=0,allow_other"
    arguments = (b"cvmfs2", folder.encode(), b"fuse", _MS_NOSUID_NODEV, options.encode())
    if libc.mount(*arguments) != 0:
        raise OSError(ctypes.get_errno(), f"cannot mount FUSE at {folder}")


def main() -> None:
    """Mount, and leave a process behind that holds the mount."""
    owner = os.getppid()
    mount(sys.argv[1])
    if os.fork():
        return
    os.setsid()
    for descriptor in range(3):
        os.close(descriptor)
    os.chdir("/")
    while Path(f"/proc/{owner}").exists():
        time.sleep(0.2)


if __name__ == "__main__":
    main()
