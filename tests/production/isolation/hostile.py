"""Functions that do what an isolated algorithm may not, or cannot be relied on not to do."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np

from musyq_lab.core.errors import InputError


def ratio(*, reflectance_red, reflectance_nir):
    return reflectance_nir / reflectance_red


def loops(**_):
    while True:
        pass


def sleeps(**_):
    time.sleep(600)


def eats_memory(**_):
    kept = []
    while True:
        kept.append(np.ones(10**6))


def forks(**_):
    while True:
        os.fork()


def starts_a_program(**_):
    subprocess.run(["/bin/echo"], check=True)


def writes_much(**_):
    with Path("big").open("wb") as file:
        for _ in range(10 * 1024):
            file.write(bytes(2**20))


def writes_beyond(**_):
    Path.home().parent.joinpath("left-behind").write_text("x")


def opens_a_socket(**_):
    socket.socket()


def signals_its_parent(**_):
    os.kill(os.getppid(), signal.SIGKILL)


def reads_the_environment_of_its_parent(**_):
    return float(len(Path(f"/proc/{os.getppid()}/environ").read_bytes()))


def limits_its_parent(**_):
    import resource

    resource.prlimit(os.getppid(), resource.RLIMIT_NOFILE, (3, 3))


def changes_rights(**_):
    os.chmod("/etc/passwd", 0o644)  # noqa: PTH101


def raises_its_limits(**_):
    import resource

    resource.setrlimit(resource.RLIMIT_AS, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))


def crashes(**_):
    import ctypes

    ctypes.string_at(0)


def ends_itself(**_):
    os._exit(0)


def leaves(**_):
    sys.exit(3)


def prints_and_aborts(**_):
    os.write(1, b"\xff\x00\x1b[31mthe last words\n")
    os.abort()


def returns_another_shape(**_):
    return np.ones((3, 4))


def returns_objects(*, reflectance_red, **_):
    return np.array([Bomb()] * reflectance_red.size, dtype=object).reshape(reflectance_red.shape)


class Bomb:
    """Unpickling it would leave a mark."""

    def __reduce__(self):
        return os.system, ("touch pickle-went-off",)


def raises_ours(**_):
    raise InputError("the year 1900 has no data")


def divides(**_):
    return 1 // 0


def forged(header, data=b""):
    """Return a function that writes a result of its own making and ends."""

    def body(**_):
        text = header if isinstance(header, bytes) else json.dumps(header).encode()
        for descriptor in range(3, 64):
            try:
                os.ftruncate(descriptor, 0)
                os.pwrite(descriptor, len(text).to_bytes(8, "little") + text + data, 0)
            except OSError:
                continue
        os._exit(0)

    return body


def uses_a_thread(*, reflectance_red, reflectance_nir):
    found = []
    worker = threading.Thread(target=lambda: found.append(reflectance_nir / reflectance_red))
    worker.start()
    worker.join()
    return found[0]


def tells_its_environment(*, reflectance_red, **_):
    told = [len(os.environ), "SECRET_TOKEN" in os.environ, Path.cwd().name == "work", len(list(Path.cwd().iterdir()))]
    weights = [1.0, 100.0, 1000.0, 10000.0]
    return reflectance_red * 0 + sum(w * float(x) for w, x in zip(weights, told, strict=True))


def reads_what_anybody_may(*, reflectance_red, **_):
    return reflectance_red * 0 + float("root" in Path("/etc/passwd").read_text())


def reads(path):
    """Return a function that reads a number from a file."""

    def body(*, reflectance_red, **_):
        return reflectance_red * 0 + float(Path(path).read_text())

    return body


def changes_its_inputs(*, reflectance_red, reflectance_nir):
    reflectance_red[...] = 1.0
    return reflectance_nir / reflectance_red
