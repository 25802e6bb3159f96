"""What the Linux kernel is asked to hold a process to: Landlock for files, a seccomp filter for system calls.

Both need no privileges, cannot be undone by the process, and are inherited by what it starts. Called by the isolated
process itself before any of the algorithm's code is loaded; the standard library alone is used.

Numbers: include/uapi/linux/landlock.h, seccomp.h, filter.h, audit.h, and the tables of system calls of x86-64 and of
arm64 (include/uapi/asm-generic/unistd.h).
"""

from __future__ import annotations

import ctypes
import errno
import os
import platform
import resource
import struct
from collections.abc import Iterable, Sequence

PROTECTIONS = {
    "files": "Landlock and seccomp: files are written in a temporary folder only, your own are not read, and no "
    "rights, owners or dates are changed",
    "network": "seccomp: no socket can be made",
    "processes": "seccomp: no process is started, traced or signalled",
}
"""Name of a protection -> what it does."""

_PR_SET_PDEATHSIG, _PR_SET_NO_NEW_PRIVS, _PR_GET_SECCOMP, _PR_SET_SECCOMP = 1, 38, 21, 22
_SECCOMP_MODE_FILTER = 2
_SIGKILL = 9

# --- Landlock: the same three numbers on every architecture.
_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
_VERSION_FLAG = 1
_RULE_PATH_BENEATH = 1
_EXECUTE, _WRITE_FILE, _READ_FILE, _READ_DIR = 1 << 0, 1 << 1, 1 << 2, 1 << 3
_OF_FILES = _EXECUTE | _WRITE_FILE | _READ_FILE | 1 << 14 | 1 << 15  # those that apply to a file itself
# Rights by version of the interface: 13 in the first, then refer, truncate, (network), ioctl on devices.
_RIGHTS = ((1, (1 << 13) - 1), (2, 1 << 13), (3, 1 << 14), (5, 1 << 15))

# --- seccomp: one class of instructions, three answers.
_LOAD, _EQUAL, _AT_LEAST, _ANY_BIT, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_ALLOW, _REFUSE = 0x7FFF0000, 0x00050000
_NUMBER_AT, _ARCHITECTURE_AT, _FIRST_ARGUMENT_AT = 0, 4, 16
_CLONE_THREAD = 0x00010000
_X32 = 0x40000000

_CALLS: dict[str, tuple[int, dict[str, int]]] = {
    "x86_64": (
        0xC000003E,
        {
            "socket": 41, "socketpair": 53, "clone": 56, "fork": 57, "vfork": 58, "execve": 59, "kill": 62, "chmod": 90,
            "fchmod": 91, "chown": 92, "fchown": 93, "lchown": 94, "ptrace": 101, "rt_sigqueueinfo": 129, "utime": 132,
            "mount": 165, "setxattr": 188, "lsetxattr": 189, "fsetxattr": 190, "removexattr": 197, "lremovexattr": 198,
            "fremovexattr": 199, "tkill": 200, "tgkill": 234, "utimes": 235, "keyctl": 250, "fchownat": 260,
            "futimesat": 261, "fchmodat": 268, "unshare": 272, "utimensat": 280, "rt_tgsigqueueinfo": 297,
            "perf_event_open": 298, "prlimit64": 302, "setns": 308, "process_vm_readv": 310, "process_vm_writev": 311,
            "bpf": 321, "execveat": 322,
        },
    ),
    "aarch64": (
        0xC00000B7,
        {
            "setxattr": 5, "lsetxattr": 6, "fsetxattr": 7, "removexattr": 14, "lremovexattr": 15, "fremovexattr": 16,
            "mount": 40, "fchmod": 52, "fchmodat": 53, "fchownat": 54, "fchown": 55, "utimensat": 88, "unshare": 97,
            "ptrace": 117, "kill": 129, "tkill": 130, "tgkill": 131, "rt_sigqueueinfo": 138, "socket": 198,
            "socketpair": 199, "keyctl": 219, "clone": 220, "execve": 221, "rt_tgsigqueueinfo": 240,
            "perf_event_open": 241, "prlimit64": 261, "setns": 268, "process_vm_readv": 270, "process_vm_writev": 271,
            "bpf": 280, "execveat": 281,
        },
    ),
}  # fmt: skip
# Younger calls have one number on both. io_uring would make sockets behind the filter's back.
_YOUNGER = {
    "pidfd_send_signal": 424, "io_uring_setup": 425, "pidfd_open": 434, "clone3": 435, "pidfd_getfd": 438,
    "fchmodat2": 452, "setxattrat": 463, "removexattrat": 466,
}  # fmt: skip
_NETWORK = ("socket", "socketpair", "io_uring_setup")
_OTHERS = (
    "ptrace", "process_vm_readv", "process_vm_writev", "kill", "tkill", "pidfd_send_signal", "pidfd_open",
    "pidfd_getfd", "rt_sigqueueinfo", "rt_tgsigqueueinfo", "mount", "unshare", "setns", "bpf", "perf_event_open",
    "keyctl",
)  # fmt: skip
# Landlock does not look at who owns a file, who may read it and when it was changed.
_INODES = (
    "chmod", "fchmod", "fchmodat", "fchmodat2", "chown", "fchown", "lchown", "fchownat", "utime", "utimes", "futimesat",
    "utimensat", "setxattr", "lsetxattr", "fsetxattr", "setxattrat", "removexattr", "lremovexattr", "fremovexattr",
    "removexattrat",
)  # fmt: skip
_STARTS = ("fork", "vfork", "execve", "execveat")


def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def landlock_version() -> int:
    """Return the version of the kernel's Landlock interface, 0 where there is none."""
    try:
        return max(int(_libc().syscall(_CREATE_RULESET, None, 0, _VERSION_FLAG)), 0)
    except (OSError, AttributeError):
        return 0


def seccomp_offered() -> bool:
    """Return whether the kernel takes seccomp filters and the numbers of its system calls are known here."""
    try:
        return platform.machine() in _CALLS and _libc().prctl(_PR_GET_SECCOMP, 0, 0, 0, 0) >= 0
    except (OSError, AttributeError):
        return False


def die_with_parent(parent: int) -> None:
    """End this process when the one that started it ends, however that happens."""
    try:
        _libc().prctl(_PR_SET_PDEATHSIG, _SIGKILL, 0, 0, 0)
    except (OSError, AttributeError):
        return  # not Linux: the limits remain
    if os.getppid() != parent:
        os._exit(1)


def limit(cpu_seconds: int, memory: int, file_size: int, processes: int, open_files: int) -> None:
    """Set the resource limits of this process; hard ones, so that it cannot raise them."""
    with open("/proc/self/statm") as file:  # noqa: PTH123  (Path would be one more import of the isolated process)
        mapped = int(file.read().split()[0]) * resource.getpagesize()
    used = resource.getrusage(resource.RUSAGE_SELF)
    seconds = int(used.ru_utime + used.ru_stime) + cpu_seconds
    wanted = {
        resource.RLIMIT_CORE: (0, 0),
        resource.RLIMIT_CPU: (seconds, seconds + 1),
        resource.RLIMIT_AS: (mapped + memory, mapped + memory),
        resource.RLIMIT_FSIZE: (file_size, file_size),
        resource.RLIMIT_NOFILE: (open_files, open_files),
    }
    if processes:
        tasks = _tasks() + processes
        wanted[resource.RLIMIT_NPROC] = (tasks, tasks)
    for what, (soft, hard) in wanted.items():
        resource.setrlimit(what, (_at_most(soft, what), _at_most(hard, what)))


def _at_most(value: int, what: int) -> int:
    """Return a limit, or the one that this process is under already where that is less."""
    most = resource.getrlimit(what)[1]
    return value if most == resource.RLIM_INFINITY else min(value, most)


def _tasks() -> int:
    """Return how many tasks of this user there are: the limit counts them all."""
    count = 0
    for name in os.listdir("/proc"):  # noqa: PTH208
        try:
            if name.isdigit() and os.stat(f"/proc/{name}").st_uid == os.getuid():  # noqa: PTH116
                count += len(os.listdir(f"/proc/{name}/task"))  # noqa: PTH208
        except OSError:
            continue  # it has ended
    return count


def drop_capabilities() -> None:
    """Give up what root may do beyond others, such as raising limits again."""
    version_3, own = 0x20080522, 0
    try:
        _libc().capset(struct.pack("=Ii", version_3, own), struct.pack("=6I", *[0] * 6))
    except (OSError, AttributeError):
        return  # not Linux


def confine_files(writable: Iterable[str], readable: Iterable[str]) -> bool:
    """Let this process write beneath some folders only and read beneath those and some others only.

    Parameters
    ----------
    writable, readable : iterable of str
        Files and folders; what does not exist is left out.

    Returns
    -------
    bool
        Whether the kernel does so from now on.
    """
    version = landlock_version()
    if not version:
        return False
    libc = _libc()
    rights = sum(bits for since, bits in _RIGHTS if since <= version)
    attributes = struct.pack("=Q", rights)
    rules = libc.syscall(_CREATE_RULESET, attributes, len(attributes), 0)
    if rules < 0:
        return False
    try:
        reading = _EXECUTE | _READ_FILE | _READ_DIR
        granted = [(path, rights) for path in writable] + [(path, reading) for path in readable]
        if not all(_grant(libc, rules, path, allowed & rights) for path, allowed in granted):
            return False
        libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
        return bool(libc.syscall(_RESTRICT_SELF, rules, 0) == 0)
    finally:
        os.close(rules)


def _grant(libc: ctypes.CDLL, rules: int, path: str, allowed: int) -> bool:
    try:
        descriptor = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return True  # there is nothing to allow
    try:
        if not os.path.isdir(path):  # noqa: PTH112
            allowed &= _OF_FILES
        rule = struct.pack("=Qi", allowed, descriptor)
        return bool(libc.syscall(_ADD_RULE, rules, _RULE_PATH_BENEATH, rule, 0) == 0)
    finally:
        os.close(descriptor)


def confine_calls(*, processes: bool) -> bool:
    """Refuse this process sockets, signals and tracing, and unless ``processes`` new processes (threads are let be).

    Returns
    -------
    bool
        Whether the kernel does so from now on.
    """
    machine = platform.machine()
    if machine not in _CALLS:
        return False
    program = _program(machine, os.getpid(), processes=processes)
    raw = b"".join(struct.pack("=HBBI", *line) for line in program)
    kept = ctypes.create_string_buffer(raw, len(raw))
    # struct sock_fprog: a number of instructions, padded, and where they lie.
    header = ctypes.create_string_buffer(struct.pack("@HP", len(program), ctypes.addressof(kept)))
    libc = _libc()
    if libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0:
        return False
    return bool(libc.prctl(_PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, ctypes.byref(header), 0, 0) == 0)


Line = tuple[int, int, int, int]


def _program(machine: str, own: int, *, processes: bool) -> list[Line]:
    """Return the filter: a line is (code, lines to skip if true, if false, operand)."""
    architecture, calls = _CALLS[machine]
    calls = {**calls, **_YOUNGER}
    refuse, allow = _RETURN, (_RETURN, 0, 0, _ALLOW)
    lines: list[Line] = [
        (_LOAD, 0, 0, _ARCHITECTURE_AT),
        (_EQUAL, 1, 0, architecture),
        (refuse, 0, 0, _REFUSE | errno.EPERM),  # the calls of another architecture have other numbers
        (_LOAD, 0, 0, _NUMBER_AT),
        (_AT_LEAST, 0, 1, _X32),
        (refuse, 0, 0, _REFUSE | errno.EPERM),
    ]
    names = (*_NETWORK, *_OTHERS, *_INODES, *(() if processes else _STARTS))
    for name in names:
        if name in calls:
            lines += [(_EQUAL, 0, 1, calls[name]), (refuse, 0, 0, _REFUSE | errno.EPERM)]
    # A program may end itself by a signal (abort does), and set the limits of nobody else.
    lines += _own_only(calls["tgkill"], (own,)) + _own_only(calls["prlimit64"], (0, own))
    if not processes:
        # Threads are made by the older call, whose flags a filter can see; the younger one says it does not exist.
        lines += [(_EQUAL, 0, 1, calls["clone3"]), (refuse, 0, 0, _REFUSE | errno.ENOSYS)]
        lines += [
            (_EQUAL, 0, 4, calls["clone"]),
            (_LOAD, 0, 0, _FIRST_ARGUMENT_AT),
            (_ANY_BIT, 0, 1, _CLONE_THREAD),
            allow,
            (refuse, 0, 0, _REFUSE | errno.EPERM),
        ]
    return [*lines, allow]


def _own_only(number: int, allowed: Sequence[int]) -> list[Line]:
    """Return the lines that allow a call only where its first argument is one of some numbers."""
    tests: list[Line] = [(_EQUAL, len(allowed) - index, 0, value & 0xFFFFFFFF) for index, value in enumerate(allowed)]
    return [
        (_EQUAL, 0, len(tests) + 3, number),
        (_LOAD, 0, 0, _FIRST_ARGUMENT_AT),
        *tests,
        (_RETURN, 0, 0, _REFUSE | errno.EPERM),
        (_RETURN, 0, 0, _ALLOW),
    ]
