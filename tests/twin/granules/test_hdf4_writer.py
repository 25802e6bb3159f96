"""HDF4 files written and read again with pyhdf."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from pyhdf.HDF import HDF
from pyhdf.SD import SD, SDC

from musyq_lab.core.errors import ArchiveError
from musyq_lab.files import hdf4
from musyq_lab.twin.granules._hdf4 import Layer, Table, write

KINDS = ("int8", "uint8", "int16", "uint16", "int32", "uint32", "float32", "float64")


def layers(seed=0):
    random = np.random.default_rng(seed)
    made = [
        Layer(f"of {kind}", random.integers(0, 100, (3, 40, 60)).astype(kind), ("b:S", "y:S", "x:S"), {"units": "none"})
        for kind in KINDS
    ]
    return [*made, Layer("Latitude", np.linspace(0, 1, 60, dtype="f4"), ("x:S",), geo=True)]


TABLE = Table(
    "Scans",
    {
        "Number": np.array([1, 2, 70000], np.int32),
        "Flags": np.array([0, 1, 2**31], np.uint32),
        "Angle": np.array([0.5, -1.5, 3.25], np.float32),
        "Time": np.array([757382410.25, 0.0, 1.0], np.float64),
        "Type": np.array([b"D   ", b"N   ", b"M   "]),
    },
)


def test_values_types_dims_and_attributes_come_back(tmp_path):
    path = tmp_path / "a.hdf"
    attributes = {"text": "x\ny", "one": np.int32(3), "many": np.array([1.5, 2.5], np.float32)}
    write(path, attributes, layers())
    file = SD(str(path))
    assert file.attributes() == {"text": "x\ny", "one": 3, "many": [1.5, 2.5]}
    assert file.attributes(full=1)["many"][2] == SDC.FLOAT32
    for layer in layers():
        sds = file.select(layer.name)
        np.testing.assert_array_equal(sds.get(), layer.data)
        assert tuple(sds.dim(k).info()[0] for k in range(layer.data.ndim)) == layer.dims
        assert sds.attributes() == dict(layer.attributes)
        if layer.name != "of int8":  # pyhdf returns it as a wider type
            assert sds.get().dtype == layer.data.dtype
    file.end()


def test_our_own_reader_takes_it(tmp_path):
    path = tmp_path / "a.hdf"
    write(path, {"text": "t"}, layers(), swath="S", tables=[TABLE])
    known = hdf4.datasets(path)
    assert {layer.name for layer in layers()} <= set(known)
    assert known["of uint16"].storage.compressed
    assert not known["Latitude"].storage.compressed
    for layer in layers():
        np.testing.assert_array_equal(hdf4.open_dataset(path, layer.name).values, layer.data)


def test_large_constant_layers_are_small(tmp_path):
    path = tmp_path / "a.hdf"
    write(path, {}, [Layer("empty", np.full((20, 400, 1354), 65535, np.uint16))])
    assert path.stat().st_size < 200_000


def test_groups_of_a_swath(tmp_path):
    import pyhdf.V
    import pyhdf.VS  # noqa: F401

    path = tmp_path / "a.hdf"
    write(path, {}, layers(), swath="MODIS_SWATH", tables=[TABLE])
    references = {name: SD(str(path)).select(name).ref() for name in ("Latitude", "of int8")}
    file = HDF(str(path))
    groups, records = file.vgstart(), file.vstart()
    top = groups.attach(groups.find("MODIS_SWATH"))
    assert top._class == "SWATH"
    parts = [groups.attach(reference) for _, reference in top.tagrefs()]
    assert [part._name for part in parts] == ["Geolocation Fields", "Data Fields", "Swath Attributes"]
    assert parts[0].tagrefs() == [(720, references["Latitude"])]
    assert (720, references["of int8"]) in parts[1].tagrefs()
    assert len(parts[1].tagrefs()) == len(KINDS)
    for part in (*parts, top):
        part.detach()
    groups.end()
    records.end()
    file.close()


def test_records_of_a_table(tmp_path):
    import pyhdf.VS  # noqa: F401

    path = tmp_path / "a.hdf"
    write(path, {}, layers(), tables=[TABLE])
    file = HDF(str(path))
    records = file.vstart()
    table = records.attach("Scans")
    assert table.inquire()[2] == list(TABLE.columns)
    for record, *expected in zip(table[:], *TABLE.columns.values(), strict=True):
        assert record == [v.decode() if isinstance(v, bytes) else v for v in expected]
    table.detach()
    records.end()
    file.close()


def test_the_same_content_has_the_same_bytes_wherever_it_is_written(tmp_path):
    def one(number):
        # In folders whose names differ, and differ in length: the library writes them into the file.
        folder = tmp_path / ("x" * (number + 1))
        folder.mkdir()
        path = folder / "a.hdf"
        write(path, {"n": np.int32(5)}, layers(number % 2), swath="S", tables=[TABLE])
        return path.read_bytes()

    with ThreadPoolExecutor(4) as pool:
        made = list(pool.map(one, range(8)))
    assert len(set(made[::2])) == 1
    assert len(set(made[1::2])) == 1
    assert made[0] != made[1]
    assert str(tmp_path).encode() not in made[0]


def test_an_old_file_is_replaced(tmp_path):
    path = tmp_path / "a.hdf"
    write(path, {"old": "yes"}, layers(1))
    write(path, {}, layers(0))
    assert SD(str(path)).attributes() == {}


def test_a_folder_that_does_not_exist_is_named(tmp_path):
    path = tmp_path / "nowhere" / "a.hdf"
    with pytest.raises(ArchiveError, match=r"nowhere.a\.hdf"):
        write(path, {}, layers())
