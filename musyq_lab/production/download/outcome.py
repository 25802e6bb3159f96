"""A finished download: where it lies, what it is, and its bytes for those who send it on."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from musyq_lab.core.registry import html_table
from musyq_lab.production.download.estimate import Estimate, size

_PIECE = 2**20
_EPOCH = (1980, 1, 1, 0, 0, 0)  # the earliest a ZIP can say: its bytes depend on the files alone


@dataclass(frozen=True, slots=True)
class Download:
    """A finished download."""

    path: Path
    """The file, or the folder of files."""
    files: tuple[Path, ...]
    """All files of the data, in order of their names."""
    sha256: str
    """Of the file; of a folder, that of its list of checksums."""
    nbytes: int
    """Of all files together."""
    checksums: Path
    """List of checksums beside it, as ``sha256sum -c`` reads it."""
    attribution: Path
    """Text beside it: whose data, on what terms, how to cite."""
    receipt: Path
    """Receipt beside it; names no person."""
    estimate: Estimate
    """What was expected."""

    @property
    def media_type(self) -> str:
        """MIME type of what :meth:`stream` gives."""
        if self.path.is_dir():
            return "application/zip"
        return {".nc": "application/x-netcdf", ".csv": "text/csv; charset=utf-8"}.get(
            self.path.suffix, "application/octet-stream"
        )

    @property
    def stream_name(self) -> str:
        """File name of what :meth:`stream` gives."""
        return f"{self.path.name}.zip" if self.path.is_dir() else self.path.name

    def stream(self, piece: int = _PIECE) -> Iterator[bytes]:
        """Yield the bytes of the file, or of a ZIP (not compressed again) of the folder and its side files.

        Parameters
        ----------
        piece : int
            Bytes read at once.
        """
        if not self.path.is_dir():
            yield from _pieces(self.path, piece)
            return
        sink = _Sink()
        with zipfile.ZipFile(sink, "w", zipfile.ZIP_STORED) as archive:
            for path in (*self.files, self.checksums, self.attribution):
                info = zipfile.ZipInfo(path.relative_to(self.path.parent).as_posix(), _EPOCH)
                info.external_attr = 0o644 << 16
                with archive.open(info, "w", force_zip64=True) as member:
                    for data in _pieces(path, piece):
                        member.write(data)
                        yield sink.taken()
        yield sink.taken()

    def table(self) -> list[list[str]]:
        """Return it as rows of text, the header first."""
        return [
            ["download", ""],
            ["path", str(self.path)],
            ["files", f"{len(self.files):,}, {size(self.nbytes)}"],
            ["sha256", self.sha256],
            ["how to cite", str(self.attribution)],
        ]

    def __fspath__(self) -> str:
        """Return the path, so that a download can be opened as one."""
        return str(self.path)

    def _repr_html_(self) -> str:
        return html_table(self.table(), f"Downloaded {self.path.name}")


class _Sink(io.RawIOBase):
    """A file that cannot seek and hands out what was written to it."""

    def __init__(self) -> None:
        self._held = bytearray()

    def writable(self) -> bool:
        return True

    def write(self, data: object) -> int:
        self._held += data  # type: ignore[arg-type]
        return len(data)  # type: ignore[arg-type]

    def taken(self) -> bytes:
        """Return what was written since the last time."""
        data = bytes(self._held)
        self._held.clear()
        return data


def _pieces(path: Path, piece: int) -> Iterator[bytes]:
    with path.open("rb") as file:
        while data := file.read(piece):
            yield data
