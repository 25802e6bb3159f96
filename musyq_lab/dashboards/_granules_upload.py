"""A small granule handed in by a visitor: a cap that is told, names that are checked, no archives.

The browser refuses what is too large and says so; a browser that was tampered with is stopped by the same cap here. The
content of the files is checked by the readers themselves, as that of any file: only drivers of their own kind open
them, HDF5 may not lead elsewhere, XML has no entities. That is not isolation: a reader runs in the server's process.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import panel.models.file_dropper  # noqa: F401  # so that a page knows it before it is asked to show it

from musyq_lab.core.errors import InputError, MusyqError, SceneError
from musyq_lab.dashboards._download_work import PLACE
from musyq_lab.dashboards._extension import pn
from musyq_lab.dashboards._page import COLUMN, text
from musyq_lab.dashboards._stream import DESK
from musyq_lab.production.download.estimate import size
from musyq_lab.sensors._granule import Granule, find, granule_name
from musyq_lab.sensors._open import open_granule
from musyq_lab.sensors._registry import SENSORS

MOST_FILES = 40
"""Files of one granule."""

_SMALL = ".filepond--drop-label label {font-size: 11px}"
_CHUNK = 10**6  # bytes of one message of the websocket
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,180}")
# First bytes of ZIP, gzip, bzip2, xz, 7-Zip, RAR, zstd.
_PACKED = (b"PK\x03\x04", b"PK\x05\x06", b"\x1f\x8b", b"BZh", b"\xfd7zXZ", b"7z\xbc\xaf", b"Rar!", b"\x28\xb5\x2f\xfd")
_TAR = (257, b"ustar")


@dataclass(slots=True)
class UploadLimits:
    """What visitors of a served platform may hand in."""

    most: int = 20_000_000
    """Bytes of all files of a granule; 0 allows none."""


LIMITS = UploadLimits()
"""Those of this process; a server may change them."""


def check(files: Mapping[str, bytes]) -> None:
    """Refuse files that are not to be written.

    Parameters
    ----------
    files : mapping of str to bytes
        Name -> content.

    Raises
    ------
    InputError
        If there are too many or too large ones, a name could lead out of a folder or is of no sensor, or one is packed.
    """
    if not files:
        raise InputError("No file was handed in.")
    if len(files) > MOST_FILES:
        raise InputError(f"{len(files)} files were handed in; a granule has at most {MOST_FILES}.")
    if (total := sum(map(len, files.values()))) > LIMITS.most:
        raise InputError(_too_large(total))
    if len({name.casefold() for name in files}) < len(files):
        raise InputError("Two files have the same name but for capitals.")
    for name, data in files.items():
        if not _NAME.fullmatch(name):
            raise InputError(f"{name[:60]!r} cannot be the name of a file here: use letters, digits, '.', '_' and '-'.")
        if data.startswith(_PACKED) or data[_TAR[0] :][:5] == _TAR[1]:
            raise InputError(f"{name} is packed. Archives are not taken: unpack it and hand in its files.")
        if not data:
            raise InputError(f"{name} is empty.")
    if not any(all(granule_name(SENSORS[key].patterns, name) for name in files) for key in SENSORS):
        raise InputError(
            f"No sensor delivers files called {', '.join(list(files)[:3])}. Keep the names under which they were "
            "delivered, and hand in the files of one granule only."
        )


def _too_large(total: int) -> str:
    return (
        f"The files have {size(total)}; at most {size(LIMITS.most)} can be handed in. Hand in fewer bands, or look at "
        "the granule in a notebook: ml.look(path)."
    )


def stored(files: Mapping[str, bytes], folder: Path) -> Granule:
    """Write checked files into an empty folder and return the granule that they make.

    Raises
    ------
    InputError, SceneError
        If they are not to be written, or make no granule.
    """
    check(files)
    for name, data in files.items():
        with (folder / name).open("xb") as file:
            file.write(data)
    found = find(folder)
    if not all(path.is_file() and path.parent == folder for path in found.files):
        raise SceneError("The files make no granule.")
    return found


class _Dropper(pn.widgets.FileDropper):  # type: ignore[misc]  # see pn
    """Panel's widget, which by itself would take any number of bytes from a browser that was tampered with."""

    def __init__(self, refuse: Callable[[str], None], **params: Any) -> None:
        self._refuse = refuse
        self._held: dict[str, int] = {}
        super().__init__(**params)

    def _process_event(self, event: Any) -> None:
        data = event.data
        name = str(data.get("name", ""))[:300]
        if event.event_name == "delete_event":
            self._held.pop(name, None)
            self._file_buffer.pop(name, None)
        else:
            self._held[name] = (self._held.get(name, 0) if data["chunk"] != 1 else 0) + len(data["data"])
            total = sum(self._held.values())
            if total > LIMITS.most or len(self._held) > MOST_FILES:
                self.clear()
                self._refuse(
                    _too_large(total) if total > LIMITS.most else f"At most {MOST_FILES} files can be handed in."
                )
                return
            if data["chunk"] != 1 and name not in self._file_buffer:
                return  # the rest of what was refused
        super()._process_event(event)

    def clear(self) -> None:
        """Forget all that was handed in."""
        self._held.clear()
        self._file_buffer.clear()
        self.param.update(value={}, mime_type={})


class Upload:
    """A field to hand in a granule, on a served platform that allows it.

    Parameters
    ----------
    done : callable
        Called with the :class:`Granule`.
    refuse : callable
        Called with the reason why there is none.
    """

    def __init__(self, done: Callable[[Granule], None], refuse: Callable[[str], None]) -> None:
        self._done, self._refuse = done, refuse
        self._folder: Path | None = None
        served = pn.state.curdoc is not None and pn.state.curdoc.session_context is not None and DESK.serving
        self.allowed = bool(served and LIMITS.most > 0)
        cap = f"{LIMITS.most // 1000}KB"
        self.dropper = _Dropper(
            refuse, multiple=True, max_file_size=cap, max_total_file_size=cap, max_files=MOST_FILES,
            chunk_size=_CHUNK, previews=[], width=COLUMN - 20, height=110, stylesheets=[_SMALL],
        )  # fmt: skip
        self.button = pn.widgets.Button(name="Look at these files", width=COLUMN - 20, disabled=True)
        self.button.on_click(lambda _: self.take(self.dropper.value))
        self._show = pn.widgets.Toggle(name="Hand in a granule", width=COLUMN - 20)
        note = text(css_classes=["musyq-small"], margin=(0, 10))
        note.value = (
            f"All files of one granule, unpacked, at most {size(LIMITS.most)} together. They are deleted when the page "
            "is closed."
        )
        self._here = text(css_classes=["musyq-small"], margin=(0, 10))
        self.dropper.param.watch(self._arrived, "value")
        field = pn.Column(note, self.dropper, self._here, self.button, margin=0, visible=False)
        self._show.link(field, value="visible")
        self.layout = pn.Column(self._show, field, margin=0) if self.allowed else pn.Column(margin=0)
        if self.allowed:
            pn.state.on_session_destroyed(lambda _: self.close())

    def _arrived(self, *_: Any) -> None:
        """Say which files have arrived: large ones take a while."""
        files = self.dropper.value
        self.button.disabled = not files
        count = f"{len(files)} file{'s' if len(files) != 1 else ''}"
        self._here.value = f"<p>{count}, {size(sum(map(len, files.values())))}, are here.</p>" if files else ""

    def take(self, files: Mapping[str, bytes | str]) -> None:
        """Write the files and show the granule, or say why not."""
        plain = {name: data.encode() if isinstance(data, str) else bytes(data) for name, data in files.items()}
        try:
            check(plain)
            self.close()
            self._folder = PLACE.folder()
            granule = stored(plain, self._folder)
            open_granule(granule, resolution=None, calibration="counts")  # a part of a granule is told here
        except (MusyqError, OSError) as error:
            self._refuse(str(error).replace(f"{self._folder}/", "").replace(str(self._folder), "What was handed in"))
            return
        self.dropper.clear()
        self._done(granule)

    def close(self) -> None:
        """Delete what was handed in."""
        if self._folder is not None:
            PLACE.drop(self._folder)
            self._folder = None
