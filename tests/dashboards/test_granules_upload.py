"""What a visitor hands in: whole granules get in; too much, packed, misnamed or crafted files do not."""

import io
import tarfile
import zipfile
from types import SimpleNamespace

import pytest

from musyq_lab.core.errors import InputError, MusyqError
from musyq_lab.core.resources import resource
from musyq_lab.dashboards import _granules_upload as module
from musyq_lab.dashboards._granules_upload import LIMITS, Upload, _Dropper, check, stored
from musyq_lab.sensors._open import open_granule

NAME = "LC08_L1TP_195025_20130707_20170503_01_T1"


@pytest.fixture(scope="module")
def granule() -> dict[str, bytes]:
    folder = resource(f"catalogs/samples/landsat/{NAME}")
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def test_a_granule_gets_in_and_opens(granule, tmp_path):
    found = stored(granule, tmp_path)
    assert found.name == NAME
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == granule
    assert "red" in open_granule(found, resolution=None, calibration="counts")


@pytest.mark.parametrize(
    "name",
    [
        "../LC08_B1.TIF", "..", "/etc/passwd", "a/b.tif", "a\\b.tif", ".hidden", "", " x.tif", "x\0.tif", "x\n.tif",
        "C:x.tif", "~x", "-rf", "x" * 300, "图.tif", "a b.tif", "%2e%2e%2fx", "x;rm.tif", "$(x).tif", "CON|x",
    ],
)  # fmt: skip
def test_names_stay_names(granule, name, tmp_path):
    with pytest.raises(InputError, match="name"):
        stored({**granule, name: b"x"}, tmp_path)
    assert list(tmp_path.iterdir()) == []


def packed(kind: str) -> bytes:
    buffer = io.BytesIO()
    if kind == "zip":
        with zipfile.ZipFile(buffer, "w") as archive:
            archive.writestr("../../evil", "x")
    else:
        with tarfile.open(fileobj=buffer, mode="w" + kind) as archive:
            archive.addfile(tarfile.TarInfo("../../evil"))
    return buffer.getvalue()


@pytest.mark.parametrize("kind", ["zip", "", ":gz", ":bz2", ":xz"])
def test_archives_are_not_taken_whatever_they_are_called(granule, kind):
    first = next(iter(granule))
    with pytest.raises(InputError, match="unpack it"):
        check({**granule, first: packed(kind)})


def test_too_much_is_told(granule, monkeypatch):
    monkeypatch.setattr(LIMITS, "most", 1000)
    with pytest.raises(InputError, match=r"at most 1 kB can be handed in.*ml\.look"):
        check(granule)


def test_what_no_sensor_delivers(granule):
    for files in ({"holiday.jpg": b"\xff\xd8"}, {**granule, "notes.txt": b"hello"}, {"x.vrt": b"<VRTDataset/>"}):
        with pytest.raises(InputError, match="No sensor delivers"):
            check(files)
    with pytest.raises(InputError, match="No file"):
        check({})
    with pytest.raises(InputError, match="is empty"):
        check({**granule, next(iter(granule)): b""})
    with pytest.raises(InputError, match="at most 40"):
        check({f"{NAME}_B{k}.TIF": b"x" for k in range(41)})
    with pytest.raises(InputError, match="but for capitals"):
        check({f"{NAME}_B1.TIF": b"x", f"{NAME}_b1.tif": b"x"})


def test_a_raster_that_leads_elsewhere_is_not_opened(granule, tmp_path):
    """GDAL would tell a VRT by its content and read the file, or the address, that it names."""
    band = next(name for name in granule if name.endswith("_B4.TIF"))
    source = '<SourceFilename relativeToVRT="0">/vsicurl/http://127.0.0.1:9/x.tif</SourceFilename>'
    vrt = (
        '<VRTDataset rasterXSize="41" rasterYSize="41"><VRTRasterBand dataType="UInt16" band="1"><SimpleSource>'
        f"{source}</SimpleSource></VRTRasterBand></VRTDataset>"
    )
    found = stored({**granule, band: vrt.encode()}, tmp_path)
    with pytest.raises(MusyqError, match="neither GeoTIFF nor JPEG 2000"):
        open_granule(found, resolution=None, calibration="counts")


def event(name: str, data: bytes, chunk: int = 1, total: int = 1):
    told = {"name": name, "chunk": chunk, "total_chunks": total, "data": data, "type": "image/tiff"}
    return SimpleNamespace(event_name="upload_event", data=told)


def test_the_cap_holds_against_a_browser_that_ignores_it(monkeypatch):
    monkeypatch.setattr(LIMITS, "most", 1000)
    refused: list = []
    dropper = _Dropper(refused.append, multiple=True)
    dropper._process_event(event("a", b"x" * 900))
    assert dropper.value == {"a": b"x" * 900}
    for chunk in range(1, 50):  # it says that there are many more pieces to come
        dropper._process_event(event("b", b"x" * 90, chunk, 1000))
    assert "can be handed in" in refused[0]
    assert dropper.value == {}
    assert sum(len(part) for parts in dropper._file_buffer.values() for part in parts) <= 1000


def test_many_small_files_are_capped_as_well():
    refused: list = []
    dropper = _Dropper(refused.append, multiple=True)
    for number in range(100):
        dropper._process_event(event(f"{number}", b"x"))
    assert "At most 40 files" in refused[0]
    assert len(dropper.value) <= 40


def test_a_file_that_is_taken_back_makes_room(monkeypatch):
    monkeypatch.setattr(LIMITS, "most", 1000)
    refused: list = []
    dropper = _Dropper(refused.append, multiple=True)
    for _ in range(3):
        dropper._process_event(event("a", b"x" * 900))
        dropper._process_event(SimpleNamespace(event_name="delete_event", data={"name": "a"}))
    assert refused == []


def test_files_are_deleted_with_the_page_and_errors_name_no_folder(granule, monkeypatch, tmp_path):
    place = module.PLACE.__class__()
    place.limits = type(place.limits)(folder=tmp_path)
    monkeypatch.setattr(module, "PLACE", place)
    shown, refused = [], []
    upload = Upload(shown.append, refused.append)
    assert not upload.allowed, "in a notebook one has the path"
    upload.take({name: data.decode() if name.endswith(".txt") else data for name, data in granule.items()})
    assert [g.name for g in shown] == [NAME]
    first = shown[0].path
    assert first.exists()
    upload.take({name: data for name, data in granule.items() if not name.endswith("MTL.txt")})
    assert "lacks its metadata file" in refused[-1]
    upload.dropper.value = {"holiday.jpg": b"x"}
    assert "1 file, 1 bytes, are here" in upload._here.value
    upload.take({"holiday.jpg": b"x"})
    assert "No sensor" in refused[-1]
    assert all(str(tmp_path) not in text for text in refused)
    upload.close()
    assert not first.exists()
    assert list(tmp_path.iterdir()) == []
