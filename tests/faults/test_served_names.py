"""Two hundred hostile names in the addresses of the pages: each gets words, none gets a file of the machine."""

import builtins
import io
import itertools
import os
from html import unescape
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from faults.hostile_names import names

from musyq_lab.archive.write import write_product
from musyq_lab.core.errors import MusyqError
from musyq_lab.dashboards._shelf import Shelf
from musyq_lab.dashboards.download import Download
from musyq_lab.dashboards.granules import Granules

pytestmark = pytest.mark.slow

TARGETS = ("etc/passwd", "secret.h5", "secret.geojson", "proc/self/environ", "windows/win.ini")
WAYS = ("../../{}", "/{}", "~/{}", "./{}", "file:///{}", "/vsizip//{}", "memory://{}", "{}\x00.h5", "<script src='{}'>")
NAMES = [name for name in names(200) if name.strip()]
NAMES += [way.format(target) for way, target in itertools.product(WAYS, TARGETS)]


@pytest.fixture
def shelf(tmp_path, monkeypatch) -> Shelf:
    monkeypatch.setenv("MUSYQ_HOME", str(tmp_path / "home"))
    root = tmp_path / "shelf"
    root.mkdir()
    layers = {"lai": (("latitude", "longitude"), np.ones((4, 4), np.float32), {"units": "1"})}
    axes = {"latitude": 36.2 - 0.01 * np.arange(4), "longitude": 103.0 + 0.01 * np.arange(4)}
    write_product(xr.Dataset(layers, axes, {"product": "lai"}), root, edition="1km", tile="demo", period="2019001")
    (tmp_path / "secret.geojson").write_text('{"type": "Point", "coordinates": [103.01, 36.19]}')
    (tmp_path / "secret.h5").write_bytes(b"root:x:0:0")
    monkeypatch.chdir(root)
    return Shelf([root], tmp_path / "results")


@pytest.fixture
def touched(monkeypatch) -> list[str]:
    """Every file that is opened, by whichever way Python has."""
    seen: list[str] = []

    def watch(module, name):
        original = getattr(module, name)

        def watched(path, *args, **kwargs):
            seen.append(str(path))
            return original(path, *args, **kwargs)

        monkeypatch.setattr(module, name, watched)

    for module, name in ((builtins, "open"), (io, "open"), (os, "open"), (Path, "open"), (Path, "read_text")):
        watch(module, name)
    return seen


def test_there_are_two_hundred_of_them():
    assert len(set(NAMES)) >= 200


@pytest.mark.parametrize(("page", "key"), [(Download, "data"), (Granules, "granule")])
def test_no_name_opens_what_is_not_on_the_shelf(shelf, touched, page, key):
    for name in NAMES:
        with pytest.raises(MusyqError, match=r"nothing named|no granule"):
            page.open(shelf, {key: name})
    assert not any(word in path for path in touched for word in ("passwd", "secret", "environ", "win.ini"))


def test_no_region_or_period_opens_a_file(shelf, touched):
    page = Download.open(shelf, {})
    for choice in ("region", "period"):
        for name in NAMES:
            setattr(page, choice, name)
            assert page.alert.visible, name
            assert "root:x" not in unescape(page.alert.object)
            assert "<script" not in page.alert.object
        setattr(page, choice, "")
        assert not page.alert.visible
    assert not any(word in path for path in touched for word in ("passwd", "secret", "environ", "win.ini"))


def test_no_name_of_a_variable_or_band_does(shelf, touched):
    page = Download.open(shelf, {"variables": NAMES[0]})
    assert "no variable" in page.alert.object
    page = Granules.open(shelf, {"band": NAMES[0]})
    assert "no band" in page.alert.object
    assert not any("passwd" in path for path in touched)
