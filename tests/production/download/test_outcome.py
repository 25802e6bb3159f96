"""A finished download as those see it who send it on."""

import hashlib
import io
import zipfile

from archive.samples import SPEC
from production.download.conftest import utm

from musyq_lab.production.download.download import download


def test_a_file_streams_as_it_is(tmp_path):
    made = download(utm(), out=tmp_path)
    data = b"".join(made.stream(1000))
    assert hashlib.sha256(data).hexdigest() == made.sha256
    assert len(data) == made.nbytes
    assert max(len(piece) for piece in made.stream(1000)) == 1000
    assert (made.stream_name, made.media_type) == (made.path.name, "application/x-netcdf")
    assert open(made, "rb").read() == data  # noqa: PTH123, SIM115  (it is a path by itself)


def test_a_folder_streams_as_a_zip_with_its_attribution(cube, tmp_path):
    made = download(cube, "100,46,102,47", "2015-07", spec=SPEC, format="COG", out=tmp_path)
    pieces = list(made.stream(512))
    assert (made.stream_name, made.media_type) == (f"{made.path.name}.zip", "application/zip")
    with zipfile.ZipFile(io.BytesIO(b"".join(pieces))) as archive:
        assert archive.testzip() is None
        names = set(archive.namelist())
        assert names == {p.relative_to(tmp_path).as_posix() for p in (*made.files, made.attribution, made.checksums)}
        for path in made.files:
            assert archive.read(path.relative_to(tmp_path).as_posix()) == path.read_bytes()
    assert max(map(len, pieces)) < 20_000  # nothing is gathered in memory
    assert b"".join(made.stream()) == b"".join(made.stream(7))
    assert made.nbytes == sum(path.stat().st_size for path in made.files)


def test_it_shows_itself(tmp_path):
    made = download(utm(), out=tmp_path, filename="<名>")
    html = made._repr_html_()
    assert "&lt;名&gt;.nc" in html
    assert made.sha256 in html
