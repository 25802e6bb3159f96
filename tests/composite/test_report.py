"""What became of every scene."""

import json

import numpy as np
import pytest
import xarray as xr
from composite.looks_at import GRID, bit, scene

from musyq_lab.composite.composite import composite
from musyq_lab.composite.report import ATTRIBUTE, load_report
from musyq_lab.core.errors import InputError


def quarter() -> np.ndarray:
    qa = np.zeros(GRID.shape, np.uint16)
    qa[: GRID.rows // 4] = bit("cloud")
    return qa


SCENES = [
    scene("whole", "2019-07-02T03:00:00Z"),
    scene("part", "2019-07-02T05:00:00Z", "gf1_wfv", qa=quarter()),
    scene("clouded", "2019-07-01T03:00:00Z", qa=bit("cloud")),
    scene("late", "2019-07-20T03:00:00Z"),
    scene("no angles").drop_vars("sun_azimuth"),
    "missing.hdf",
]


@pytest.mark.parametrize("chunks", [None, {"latitude": 5}])
def test_every_scene_is_in_the_report_with_its_share_of_the_area(chunks):
    scenes = [s.chunk(chunks) if chunks and isinstance(s, xr.Dataset) else s for s in SCENES]
    report = load_report(composite(scenes, period="2019-07-02", method="mean")).set_index("granule")
    assert sorted(report.index) == sorted(["whole", "part", "clouded", "late", "no angles", "missing.hdf"])
    assert report.read.to_dict() == {
        "whole": True, "part": True, "clouded": True, "late": False, "no angles": False, "missing.hdf": False
    }  # fmt: skip
    used = {"whole": 1.0, "part": 0.75, "clouded": 0, "late": 0, "no angles": 0, "missing.hdf": 0}
    assert report.used.to_dict() == pytest.approx(used)
    assert report.sensor["part"] == "gf1_wfv"
    assert report.time["whole"] == "2019-07-02T03:00:00Z"
    assert (report.reason[report.read] == "").all()
    assert "outside" in report.reason["late"]
    assert "sun_azimuth" in report.reason["no angles"]


def test_the_report_is_an_attribute_that_any_file_can_hold():
    text = composite(SCENES, period="2019-07-02", method="mean").attrs[ATTRIBUTE]
    assert isinstance(text, str)
    assert len(json.loads(text)) == len(SCENES)


def test_a_dataset_without_a_report_is_refused():
    with pytest.raises(InputError, match="load_report"):
        load_report(xr.Dataset())
