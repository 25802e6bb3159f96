"""What the content of a file says of its sensor."""

import h5py
import pytest

from musyq_lab.core.sensor import Band, Mark, Sensor
from musyq_lab.sensors._marks import HEAD, marked


def sensor(key, *marks):
    return Sensor(
        key=key,
        title=key,
        platforms=("P",),
        bands=(Band("red", "1", 0.65, 0.05, 30),),
        resolution=30,
        swath=10,
        years=(2000, None),
        patterns=(r"(?P<granule>x)",),
        reader="h5py",
        marks=marks,
    )


TEXT = sensor("text", Mark("text", r'SENSOR_ID\s*=\s*"TM"'))
BINARY = sensor("binary", Mark("bytes", r"^\x01\x02"))
HDF = sensor("hdf", Mark("hdf5", "^FY-3D", attribute="Satellite Name"), Mark("hdf5", "never", attribute="x"))
HDF4 = sensor("hdf4", Mark("hdf4", "MODIS", attribute="CoreMetadata.0"))
NONE = sensor("none")
ALL = (TEXT, BINARY, HDF, HDF4, NONE)


def said(path):
    return [spec.key for spec in marked(path, ALL)]


def test_text_in_any_case_within_the_head(tmp_path):
    path = tmp_path / "x.txt"
    path.write_text('GROUP\n sensor_id = "tm"\n')
    assert said(path) == ["text"]
    path.write_bytes(b" " * HEAD + b'SENSOR_ID = "TM"')
    assert said(path) == []
    path.write_bytes(b"\x01\x02\x03")
    assert said(path) == ["binary"]


def test_attributes_of_hdf5(tmp_path):
    path = tmp_path / "x.h5"
    with h5py.File(path, "w") as file:
        file.attrs["Satellite Name"] = b"FY-3D"
        file.attrs["SENSOR_ID"] = 'SENSOR_ID = "TM"'  # text marks are not looked for in HDF
    assert said(path) == ["hdf"]
    with h5py.File(path, "a") as file:
        file.attrs["Satellite Name"] = "FY-3A"
    assert said(path) == []


def test_what_cannot_be_read_says_nothing(tmp_path):
    path = tmp_path / "x.h5"
    with h5py.File(path, "w") as file:
        file.attrs["Satellite Name"] = "FY-3D"
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    assert said(path) == []
    path.write_bytes(b"\x0e\x03\x13\x01 truncated HDF4")
    assert said(path) == []
    path.write_bytes(b"")
    assert said(path) == []
    assert said(tmp_path) == []
    assert said(tmp_path / "absent") == []


@pytest.mark.parametrize("size", [1, 3, 7, 8, 100])
def test_heads_of_any_length(tmp_path, size):
    path = tmp_path / "x"
    path.write_bytes((b"\x89HDF\r\n\x1a\n" + bytes(200))[:size])
    assert said(path) == []
