"""HDF4 files written and read again with pyhdf."""

import sys
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


def test_attributes_of_every_type_come_back(tmp_path):
    values = {kind: np.array([0, 1, 100], kind) for kind in KINDS}
    write(tmp_path / "a.hdf", values, [Layer("x", np.zeros(2, "u1"), (), values)])
    file = SD(str(tmp_path / "a.hdf"))
    codes = {"int8": SDC.INT8, "uint8": SDC.UINT8, "int16": SDC.INT16, "uint16": SDC.UINT16, "int32": SDC.INT32,
             "uint32": SDC.UINT32, "float32": SDC.FLOAT32, "float64": SDC.FLOAT64}  # fmt: skip
    for held in (file.attributes(full=1), file.select("x").attributes(full=1)):
        for kind, (value, _, code, count) in held.items():
            assert (list(value), count) == ([0, 1, 100], 3)
            assert code == codes[kind]
    file.end()


def test_long_texts_are_kept_whole(tmp_path):
    text = "GROUP = X\n" * 6000  # HDF-EOS splits at 32 000; the library itself keeps 65 535 in one
    write(tmp_path / "a.hdf", {"CoreMetadata.0": text}, layers())
    assert SD(str(tmp_path / "a.hdf")).attributes()["CoreMetadata.0"] == text


@pytest.mark.parametrize("shape", [(1,), (1, 1), (3, 1, 2), (2, 2, 2, 2)])
def test_small_shapes_without_names_of_axes(tmp_path, shape):
    data = np.arange(np.prod(shape), dtype=np.int16).reshape(shape)
    write(tmp_path / "a.hdf", {}, [Layer("x", data)])
    sds = SD(str(tmp_path / "a.hdf")).select("x")
    np.testing.assert_array_equal(np.reshape(sds.get(), shape), data)


def test_arrays_of_any_order_in_memory_are_stored_by_rows(tmp_path):
    base = np.arange(3000, dtype=np.int32).reshape(50, 60)
    made = {"turned": base.T, "columns": np.asfortranarray(base), "part": base[::2, 1::3], "back": base[::-1]}
    write(tmp_path / "a.hdf", {}, [Layer(name, data) for name, data in made.items()])
    file = SD(str(tmp_path / "a.hdf"))
    for name, data in made.items():
        np.testing.assert_array_equal(file.select(name).get(), data)


@pytest.mark.parametrize("value", [np.nan, np.inf, -0.0, 1e-38])
def test_odd_numbers_come_back_bit_by_bit(tmp_path, value):
    data = np.full((40, 60), value, np.float32)
    write(tmp_path / "a.hdf", {}, [Layer("x", data)])
    assert SD(str(tmp_path / "a.hdf")).select("x").get().tobytes() == data.tobytes()


def test_only_large_layers_are_packed(tmp_path):
    made = [Layer("small", np.zeros(4096, "u1")), Layer("large", np.zeros(4097, "u1"))]
    write(tmp_path / "a.hdf", {}, made)
    known = hdf4.datasets(tmp_path / "a.hdf")
    assert [known[name].storage.compressed for name in ("small", "large")] == [False, True]


def test_axes_of_one_name_have_one_size(tmp_path):
    shared = [Layer(name, np.zeros((4, 6), "u1"), ("y:S", "x:S")) for name in "ab"]
    write(tmp_path / "a.hdf", {}, shared)
    known = SD(str(tmp_path / "a.hdf")).datasets()
    assert {tuple(entry[0]) for entry in known.values()} == {("y:S", "x:S")}


@pytest.mark.parametrize("folder", ["é ü", "x" * 200 + "/" + "y" * 200 + "/" + "z" * 200], ids=["letters", "long"])
def test_folders_of_odd_names_leave_no_trace(tmp_path, folder):
    other = tmp_path / folder
    other.mkdir(parents=True)
    write(tmp_path / "a.hdf", {}, layers(), swath="S")
    write(other / "a.hdf", {}, layers(), swath="S")
    assert SD(str(other / "a.hdf")).select("Latitude").get().shape == (60,)
    short, far = (folder / "a.hdf" for folder in (tmp_path, other))
    assert folder.encode() not in far.read_bytes()
    if len(str(far)) < 512:
        assert short.read_bytes() == far.read_bytes()


def test_files_without_pyhdf_are_refused_with_the_way_to_it(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyhdf.error", None)
    with pytest.raises(ArchiveError, match="pip install pyhdf"):
        write(tmp_path / "a.hdf", {}, layers())
    assert not list(tmp_path.iterdir())


def test_a_type_that_hdf4_lacks_is_an_error(tmp_path):
    with pytest.raises(KeyError, match="int64"):
        write(tmp_path / "a.hdf", {}, [Layer("x", np.zeros(3, np.int64))])
    # And the lock is free again.
    write(tmp_path / "b.hdf", {}, layers())
    assert SD(str(tmp_path / "b.hdf")).info()[0] == len(layers())
