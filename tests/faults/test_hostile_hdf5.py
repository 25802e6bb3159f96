"""Hostile HDF5 files at every door: products, plain rasters, catalogs, sensors, peers, addresses. None comes in."""

import random
import shutil
import zlib
from pathlib import Path

import h5py
import numpy as np
import pytest
import yaml
from archive.samples import NAME, SPEC, dataset
from faults.granules import MAKERS
from faults.hostile_hdf5 import BYTES, HARMLESS, MEGABYTE, REFUSED, SECRET, circles, packed, secrets
from files.web import serving

from musyq_lab.archive.foreign import open_field
from musyq_lab.archive.open import open_product
from musyq_lab.archive.write import write_product
from musyq_lab.catalog._files import open_raster
from musyq_lab.catalog.open import open_catalog
from musyq_lab.core.errors import ArchiveError, MusyqError
from musyq_lab.files import bounded
from musyq_lab.files.remote import forget
from musyq_lab.files.safety import check_hdf5, opened
from musyq_lab.sensors._open import open_scene

MIB = 2**20


@pytest.fixture(scope="module")
def good(tmp_path_factory):
    return write_product(dataset(12, 14, 2), tmp_path_factory.mktemp("good"), spec=SPEC, **NAME)


@pytest.fixture
def bad(good, tmp_path):
    """A copy to spoil, a secret beside it."""
    secrets(tmp_path)
    return Path(shutil.copy(good, tmp_path))


def spoil(path, make):
    with h5py.File(path, "a") as file:
        make(file, path.parent)


def by_catalog(path):
    source = {"driver": "musyq_product", "args": {"urlpath": f"{{{{ CATALOG_DIR }}}}/{path.name}"}}
    other = {"driver": "netcdf", "args": {"urlpath": f"{{{{ CATALOG_DIR }}}}/{path.name}"}}
    other["args"]["xarray_kwargs"] = {"engine": "h5netcdf"}
    (path.parent / "catalog.yml").write_text(yaml.safe_dump({"sources": {"ours": source, "theirs": other}}))
    catalog = open_catalog(path.parent / "catalog.yml")
    with pytest.raises(ArchiveError):
        catalog["theirs"].read()
    return catalog["ours"].read()


DOORS = (check_hdf5, open_product, open_raster, lambda path: open_field(path, "flux"), by_catalog)


@pytest.mark.parametrize("make", REFUSED, ids=lambda make: make.__name__)
def test_what_is_hostile_is_refused_at_every_door(bad, make):
    check_hdf5(bad)
    spoil(bad, make)
    # A crowd takes a while to be counted; once is enough.
    for door in DOORS[:1] if make.__name__ == "crowd" else DOORS:
        with pytest.raises(ArchiveError, match=REFUSED[make]) as told:
            door(bad)
        assert bad.name in str(told.value)


def test_and_at_an_address(good, tmp_path):
    secrets(tmp_path)
    for number, make in enumerate(REFUSED):
        if make.__name__ not in ("crowd", "crowd_of_attributes"):
            spoil(Path(shutil.copy(good, tmp_path / f"{number}.h5")), make)
    forget()
    with serving(tmp_path) as web:
        for number, make in enumerate(REFUSED):
            if (tmp_path / f"{number}.h5").exists():
                with pytest.raises(ArchiveError, match=REFUSED[make]):
                    open_product(web.url(f"{number}.h5"))
        assert not any("secret" in name for name, _ in web.asked)
    forget()


@pytest.mark.parametrize("make", HARMLESS, ids=lambda make: make.__name__)
def test_what_is_only_odd_opens_as_before(bad, good, make):
    spoil(bad, make)
    check_hdf5(bad)
    opened, before = open_product(bad).load(), open_product(good).load()
    for name in before.data_vars:
        np.testing.assert_array_equal(opened[name], before[name])
    assert not any((opened[name] == SECRET).any() for name in before.data_vars)


SENSORS = ("fy4a_agri", "fy3_virr", "fy3_mersi1", "fy3d_mersi2", "goes_abi", "npp_viirs", "s3_olci", "s3_slstr")
SOME = [make for make in REFUSED if make.__name__ in ("relative_link", "virtual", "giant_chunk", "deflated_twice")]


def hdf5_files(place):
    files = [place] if place.is_file() else [path for path in place.rglob("*") if path.is_file()]
    return sorted(path for path in files if h5py.is_hdf5(path))


@pytest.mark.slow
@pytest.mark.parametrize("sensor", SENSORS)
def test_no_granule_comes_in(sensor, tmp_path):
    """Each of some faults in every HDF5 file of a granule, as much as opening it reads."""
    secrets(tmp_path)
    (tmp_path / "good").mkdir()
    place = MAKERS[sensor](tmp_path / "good")
    open_scene(place, sensor)
    for make in SOME:
        copy = tmp_path / make.__name__
        shutil.copytree(tmp_path / "good", copy)
        spoiled = copy / place.relative_to(tmp_path / "good")
        files = hdf5_files(spoiled)
        assert files
        for path in files:
            spoil(path, make)
        with pytest.raises(MusyqError, match=r"refused|is a link|virtual|filter|MiB"):
            open_scene(spoiled, sensor)


def test_no_peer_comes_in(tmp_path):
    secrets(tmp_path)
    path = tmp_path / "MuSyQ.LAI.1km.2015001.h5"
    with h5py.File(path, "w") as file:
        file["LAI"] = np.full((3, 4), 250, "int16")
        file["LAI"].attrs["scale_factor"] = 0.01
        file["latitude"], file["longitude"] = np.linspace(40, 39, 3), np.linspace(100, 101, 4)
    assert float(open_product(path)["lai"].mean()) == pytest.approx(2.5)
    for make in SOME:
        copy = tmp_path / make.__name__ / path.name
        copy.parent.mkdir()
        shutil.copy(path, copy)
        spoil(copy, make)
        with pytest.raises(ArchiveError, match="refused"):
            open_product(copy)


@pytest.mark.parametrize("damage", BYTES, ids=lambda damage: damage.__name__)
def test_broken_bytes_end_in_plain_words_or_in_the_values_that_were_written(good, tmp_path, damage):
    """25 of each kind; a layer that still reads is compared with what its checksum would have told."""
    data, seen = good.read_bytes(), 0
    for seed in range(25):
        path = tmp_path / str(seed) / good.name
        path.parent.mkdir()
        path.write_bytes(damage(data, random.Random(seed)))
        shutil.copy(f"{good}.sha256", path.parent)
        with pytest.raises(ArchiveError):
            open_product(path, verify=True)
        try:
            open_product(path)["flux"].values  # noqa: B018
        except (MusyqError, ValueError, KeyError):  # xarray's own where a coordinate was hit
            seen += 1
    assert seen > 0 or damage.__name__ == "scattered"


def bomb(path, name, size):
    """Put in place of a layer one whose first chunk unpacks to far more than it says."""
    with h5py.File(path, "a") as file:
        old = file[name]
        made = file.create_dataset(f"{name}_new", old.shape, old.dtype, chunks=old.chunks, compression="gzip")
        for axis, dimension in enumerate(old.dims):
            made.dims[axis].attach_scale(dimension[0])
        made.id.write_direct_chunk((0,) * made.ndim, packed(size))
        del file[name]
        file.move(f"{name}_new", name)


@pytest.mark.parametrize("dtype", ["float32", "int32", "int16", "float64"])
@pytest.mark.parametrize("address", [False, True])
def test_a_chunk_unpacks_to_no_more_than_it_says(tmp_path, dtype, address):
    """150 MB in 150 kB, for a chunk of 16 to 64 kB: the library itself would make them."""
    shape = (2, 64, 64)
    path = tmp_path / "MuSyQ.LAI.1km.2015001.h5"
    with h5py.File(path, "w") as file:
        layer = file.create_dataset("LAI", shape[1:], dtype, chunks=(64, 64), compression="gzip")
        layer.attrs["scale_factor"] = 0.01
        layer.id.write_direct_chunk((0, 0), packed(150 * MEGABYTE))
        file["latitude"], file["longitude"] = np.linspace(40, 39, 64), np.linspace(100, 101, 64)
    forget()
    check_hdf5(path)
    if address:
        with serving(tmp_path) as web, opened(web.url(path.name)) as file:
            layer = file["LAI"]
            with pytest.raises(ArchiveError, match="packed bytes for"):
                bounded.read(layer)
        return
    for door in (lambda: open_product(path)["lai"].values, lambda: open_field(path, "LAI").values):
        with pytest.raises(ArchiveError):
            door()
    with h5py.File(path) as file, pytest.raises(ArchiveError, match="packed bytes for"):
        bounded.read(file["LAI"])


def test_a_bomb_within_the_size_of_its_chunk_is_found_too(tmp_path):
    """150 kB of packed bytes for a chunk of 4 MB: not too many, but they unpack to 150 MB."""
    raw = packed(150 * MEGABYTE)
    assert bounded._SUSPECT < len(raw) < 4 * MIB
    with h5py.File(tmp_path / "x.h5", "w") as file:
        layer = file.create_dataset("v", (1024, 1024), "f4", chunks=(1024, 1024), compression="gzip")
        layer.id.write_direct_chunk((0, 0), raw)
        with pytest.raises(ArchiveError, match="does not unpack to its 4194304 bytes"):
            bounded.read(layer, (5, slice(3, 9)))


OPTIONS = (
    {"compression": "gzip"},
    {"compression": "gzip", "shuffle": True, "fletcher32": True},
    *({"compression": "lzf"}, {"scaleoffset": 3}, {"fletcher32": True}, {}),
)
KEYS = ((), (3,), (slice(5, 100), slice(60, 70)), (-1, slice(None)), (slice(0, 0),), (slice(1, 90, 7), 3))


@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_what_is_honest_is_read_as_it_is(tmp_path, options):
    dice = np.random.default_rng(4)
    with h5py.File(tmp_path / "x.h5", "w") as file:
        layer = file.create_dataset("v", data=dice.random((130, 70)).astype("f4"), chunks=(64, 32), **options)
        for key in KEYS:
            np.testing.assert_array_equal(bounded.read(layer, key), layer[key])
        noise = dice.integers(0, 256, (700, 700), "u1")  # packs to no less: its chunk is looked at
        whole = file.create_dataset("w", data=noise, chunks=(700, 700), **options)
        np.testing.assert_array_equal(bounded.read(whole, (slice(3), 5)), whole[:3, 5])
        assert bounded.read(file.create_dataset("scalar", data=4)) == 4
    check_hdf5(tmp_path / "x.h5")


def test_a_chunk_that_skipped_its_filter_is_read(tmp_path):
    with h5py.File(tmp_path / "x.h5", "w") as file:
        skipped = file.create_dataset("v", (2**18,), "i4", chunks=(2**18,), compression="gzip")
        skipped.id.write_direct_chunk((0,), np.arange(2**18, dtype="i4").tobytes(), filter_mask=1)
    with h5py.File(tmp_path / "x.h5") as file:
        np.testing.assert_array_equal(bounded.read(file["v"]), np.arange(2**18))


def test_texts_and_whole_datasets_are_bounded(tmp_path, monkeypatch):
    with h5py.File(tmp_path / "x.h5", "w") as file:
        texts = file.create_dataset("texts", data=["站点", "b" * 300, ""], dtype=h5py.string_dtype())
        assert bounded.read(texts).tolist() == ["站点", "b" * 300, ""]
        assert bounded.read(texts, (slice(1),)).tolist() == ["站点"]
        vast = file.create_dataset("vast", (2**14, 2**14), "f8", chunks=(128, 128), compression="gzip")
        with pytest.raises(ArchiveError, match="too much to be read in full"):
            bounded.read(vast)
        assert bounded.read(vast, (3, slice(4))).tolist() == [0.0] * 4
        with pytest.raises(ArchiveError, match="neither numbers nor texts"):
            bounded.read(file.create_dataset("ragged", (2,), h5py.vlen_dtype("f8")))
        monkeypatch.setattr(bounded, "MAX_TEXT", 200)
        with pytest.raises(ArchiveError, match="texts of more than"):
            bounded.read(texts)
        monkeypatch.setattr(bounded, "MAX_TEXTS", 2)
        with pytest.raises(ArchiveError, match="more than 2 texts"):
            bounded.read(texts)


def test_a_coordinate_that_would_fill_the_memory_is_not_read(bad):
    """The layer flux named as a coordinate, and declared to hold 32 GB of which nothing is stored."""
    with h5py.File(bad, "a") as file:
        vast = file.create_dataset("vast", (2, 2**15, 2**15), "f8", chunks=(1, 128, 128), compression="gzip")
        vast.dims[0].attach_scale(file["month"])
        file["flux"].attrs["coordinates"] = "vast"
    with pytest.raises(ArchiveError):
        open_product(bad)


def test_circles_are_walked_once(bad):
    spoil(bad, circles)
    with h5py.File(bad) as file:
        from musyq_lab.files.safety import _datasets

        names = [dataset.name for dataset in _datasets(file, str(bad))]
    assert len(names) == len(set(names)) < 40
    assert zlib.decompress(packed(MIB)) == bytes(MIB)
