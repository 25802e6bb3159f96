"""Start a notebook's kernel as Binder would: 2 GB of address space, one CPU, and no network at all.

``limited_kernel.py [-m MODULE | SCRIPT] ARGUMENTS`` runs a module or script of Python within the limits. Child
processes inherit them. Where the system does not let a process leave the network, names and addresses of others are
refused in the interpreter itself, which children do not inherit.
"""

import ctypes
import fcntl
import os
import re
import resource
import runpy
import socket
import struct
import sys
from pathlib import Path
from typing import Any

GIGABYTES = float(os.environ.get("MUSYQ_LIMIT_GB", "2"))
"""Address space, of each process (2**30 bytes)."""
_NEW_USER, _NEW_NETWORK = 0x10000000, 0x40000000  # <linux/sched.h>
_SET_FLAGS, _UP = 0x8914, 0x1  # <linux/sockios.h>, <linux/if.h>
_HERE = ("127.0.0.1", "::1", "localhost", "")


def limit() -> None:
    """Bound memory and processor of this process and its children."""
    most = int(GIGABYTES * 2**30)
    resource.setrlimit(resource.RLIMIT_AS, (most, most))
    processors = sorted(os.sched_getaffinity(0))
    turn = re.sub(r"\D", "", os.environ.get("PYTEST_XDIST_WORKER", "")) or os.getpid()  # not all on the same one
    os.sched_setaffinity(0, {processors[int(turn) % len(processors)]})


def leave_network() -> bool:
    """Move into a network that holds this machine's loopback alone; whether the system allows it."""
    libc = ctypes.CDLL(None, use_errno=True)
    user, group = os.getuid(), os.getgid()
    if libc.unshare(_NEW_NETWORK) != 0:
        if libc.unshare(_NEW_USER | _NEW_NETWORK) != 0:
            return False
        Path("/proc/self/setgroups").write_text("deny", "ascii")
        Path("/proc/self/uid_map").write_text(f"{user} {user} 1", "ascii")
        Path("/proc/self/gid_map").write_text(f"{group} {group} 1", "ascii")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as inner:
        fcntl.ioctl(inner, _SET_FLAGS, struct.pack("16sH14x", b"lo", _UP))  # dask's workers talk over it
    return True


def refuse_others(event: str, arguments: tuple[Any, ...]) -> None:
    """Audit hook: no socket may reach another machine."""
    if event == "socket.getaddrinfo" and str(arguments[0] or "") not in _HERE:
        raise OSError(f"this kernel has no network: {arguments[0]}")
    if event == "socket.connect" and isinstance(arguments[1], tuple) and arguments[1][0] not in _HERE:
        raise OSError(f"this kernel has no network: {arguments[1]}")


def main() -> None:
    """Bound this process, then become what is to be run."""
    limit()
    if leave_network():
        os.environ["MUSYQ_NETWORK"] = "none"
        os.execv(sys.executable, [sys.executable, *sys.argv[1:]])
    os.environ["MUSYQ_NETWORK"] = "refused"
    sys.addaudithook(refuse_others)
    if sys.argv[1] == "-m":
        sys.argv = sys.argv[2:]
        runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
    else:
        sys.argv = sys.argv[1:]
        runpy.run_path(sys.argv[0], run_name="__main__")


if __name__ == "__main__":
    main()
