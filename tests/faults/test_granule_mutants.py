"""Damaged granules of every sensor: a plain error that names the file, in little time and memory, and never a crash.

``python tests/faults/mutate_granules.py --count 1000`` does it at length.
"""

import json
import random
import subprocess
import sys
from pathlib import Path

import pytest
from faults.granules import MAKERS
from faults.mutate_granules import DAMAGES, MEGABYTES
from faults.mutate_granules import MAKERS as EVERY

from musyq_lab.sensors._folder import open_scenes
from musyq_lab.sensors._registry import SENSORS

COUNT = 6 * len(EVERY)


def test_every_sensor_has_a_granule():
    assert {key.partition("/")[0] for key in MAKERS} == set(SENSORS)


@pytest.mark.parametrize("how", DAMAGES, ids=lambda how: how.__name__)
def test_damage_is_done_and_can_be_repeated(how):
    data = bytes(range(256)) * 40
    assert how(data, random.Random(4)) == how(data, random.Random(4))
    assert any(how(data, random.Random(seed)) != data for seed in range(4))


@pytest.mark.slow
def test_mutants_never_win():
    command = [
        sys.executable,
        str(Path(__file__).with_name("mutate_granules.py")),
        "--count",
        str(COUNT),
        "--seed",
        "5",
    ]
    done = subprocess.run(command, capture_output=True, text=True, timeout=550, check=True)
    result = json.loads(done.stdout)
    # How long a mutant took depends on what else the machine does; the script by itself judges that as well.
    won = [mutant for mutant in result["won"] if mutant["verdict"] not in ("read", "refused")]
    assert won == []
    assert result["largest"]["megabytes"] <= MEGABYTES
    assert result["mutants"] == COUNT
    assert result["verdicts"]["refused"] > COUNT // 4


def test_one_bad_granule_costs_nothing_else(tmp_path):
    """Granules of several sensors in a folder each; one is cut to nothing."""
    for key in ("landsat_oli", "fy3_virr", "himawari_ahi"):
        (tmp_path / key).mkdir()
        MAKERS[key](tmp_path / key)
    for file in (tmp_path / "fy3_virr").iterdir():
        file.write_bytes(b"")
    scenes = open_scenes(tmp_path)
    assert sorted(scene.attrs["sensor"] for scene in scenes.values()) == ["himawari_ahi", "landsat_oli"]
    ((name, reason),) = scenes.rejected.items()
    assert "empty (0 bytes)" in reason
    assert name in scenes.table()[-1] or any(name in row for row in scenes.table())
