"""What is asked of the kernel, compared with the kernel's own headers and with what it then does."""

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from musyq_lab.production.isolation import _confine

HEADERS = {
    "x86_64": Path("/usr/include/x86_64-linux-gnu/asm/unistd_64.h"),
    "aarch64": Path("/usr/include/asm-generic/unistd.h"),
}


@pytest.mark.parametrize("machine", HEADERS)
def test_numbers_of_system_calls_are_those_of_the_headers(machine):
    if not HEADERS[machine].exists():
        pytest.skip(f"there is no {HEADERS[machine]}")
    known = dict(re.findall(r"#define __NR(?:3264)?_(\w+)\s+(\d+)", HEADERS[machine].read_text()))
    _, calls = _confine._CALLS[machine]
    for name, number in calls.items():
        assert int(known[name]) == number, name
    for name, number in _confine._YOUNGER.items():
        assert int(known.get(name, number)) == number, name


def test_every_name_that_is_refused_has_a_number():
    for _, calls in _confine._CALLS.values():
        named = set(calls) | set(_confine._YOUNGER)
        old = {"fork", "vfork", "chmod", "chown", "lchown", "utime", "utimes", "futimesat"}  # arm64 never had them
        assert {*_confine._NETWORK, *_confine._OTHERS, *_confine._STARTS, *_confine._INODES} - named <= old


class Machine:
    """The few instructions of classic BPF that the filter is made of, written from the kernel's documentation."""

    def __init__(self, program):
        self.program = program

    def answer(self, architecture, number, first=0):
        memory = {0: number, 4: architecture, 16: first & 0xFFFFFFFF}
        at = value = 0
        while True:
            code, true, false, operand = self.program[at]
            at += 1
            if code == 0x20:
                value = memory[operand]
            elif code == 0x06:
                return operand
            else:
                holds = {0x15: value == operand, 0x35: value >= operand, 0x45: bool(value & operand)}[code]
                at += true if holds else false


ALLOW, REFUSE, ABSENT = 0x7FFF0000, 0x00050001, 0x00050026


@pytest.mark.parametrize("machine", ["x86_64", "aarch64"])
@pytest.mark.parametrize("processes", [False, True])
def test_the_filter_answers_as_it_should(machine, processes):
    architecture, calls = _confine._CALLS[machine]
    filtered = Machine(_confine._program(machine, 4711, processes=processes))
    ask = {**calls, **_confine._YOUNGER}
    for name in ("socket", "ptrace", "kill", "io_uring_setup", "fchmod", "setns", "process_vm_writev"):
        assert filtered.answer(architecture, ask[name]) == REFUSE, name
    assert filtered.answer(architecture, ask["execve"]) == (ALLOW if processes else REFUSE)
    assert filtered.answer(architecture, ask["clone3"]) == (ALLOW if processes else ABSENT)
    assert filtered.answer(architecture, ask["clone"], 0x11) == (ALLOW if processes else REFUSE)
    assert filtered.answer(architecture, ask["clone"], 0x003D0F00) == ALLOW  # the flags of a thread
    assert filtered.answer(architecture, ask["tgkill"], 4711) == ALLOW
    assert filtered.answer(architecture, ask["tgkill"], 4712) == REFUSE
    assert filtered.answer(architecture, ask["prlimit64"], 0) == ALLOW
    assert filtered.answer(architecture, ask["prlimit64"], 1) == REFUSE
    assert filtered.answer(architecture, 63) == ALLOW  # read on arm64, uname on x86-64
    assert filtered.answer(0x40000003, 63) == REFUSE  # the 32-bit calls of x86
    assert filtered.answer(architecture, 0x40000000 + 41) == REFUSE  # socket by its x32 number


def test_jumps_stay_within_the_filter():
    for processes in (False, True):
        program = _confine._program("x86_64", 1, processes=processes)
        for at, (code, true, false, _) in enumerate(program):
            if code in (0x15, 0x35, 0x45):
                assert max(at + 1 + true, at + 1 + false) < len(program)
                assert max(true, false) < 256
        assert program[-1][0] == 0x06


CODE = """
import os, sys, time
import numpy as np, xarray as xr
from musyq_lab.core.spec import Input, Product, Variable
from musyq_lab.production.contract.samples import example
from musyq_lab.production.isolation.run import retrieve_isolated
from musyq_lab.products._retrieval import retrieval
ratio = Variable("ratio", "ratio", "1", valid_range=(0, 60), scale=2e-3)
SPEC = Product("ratio", "Ratio", (ratio,), (Input("reflectance_red"),))
def slow(*, reflectance_red):
    time.sleep(300)
print("ready", flush=True)
retrieve_isolated(retrieval(SPEC)(slow), example(SPEC), uncertainty=False)
"""  # fmt: skip


def children(pid):
    try:
        return [int(x) for x in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except FileNotFoundError:
        return []


def alive(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def until(holds, seconds=60.0):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if found := holds():
            return found
        time.sleep(0.05)
    raise AssertionError("it did not come to pass")


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="needs /proc")
def test_a_process_does_not_outlive_a_killed_caller(tmp_path):
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    with subprocess.Popen([sys.executable, "-c", CODE], stdout=subprocess.PIPE, env=environment, text=True) as caller:
        assert caller.stdout.readline() == "ready\n"
        (child,) = until(lambda: children(caller.pid))
        time.sleep(0.5)  # past its start, where it asks to die with its parent
        caller.send_signal(signal.SIGKILL)
        caller.wait()
    until(lambda: not alive(child))
