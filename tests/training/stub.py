"""A small project with one dependency, installed in a folder, in place of the real one with its two hundred."""

import base64
import hashlib
import zipfile
from pathlib import Path

WHEEL = "Wheel-Version: 1.0\nGenerator: stub\nRoot-Is-Purelib: true\nTag: py3-none-any\n"


def files_of(name: str, version: str, requires: tuple[str, ...] = ()) -> dict[str, str]:
    """Return path -> text of a distribution whose one module says its version."""
    needs = "".join(f"Requires-Dist: {need}\n" for need in requires)
    info = f"{name}-{version}.dist-info"
    metadata = f"Metadata-Version: 2.1\nName: {name.replace('_', '-')}\nVersion: {version}\n{needs}"
    return {f"{name}/__init__.py": f"VERSION = '{version}'\n", f"{info}/METADATA": metadata, f"{info}/WHEEL": WHEEL}


def record(files: dict[str, str], info: str) -> str:
    rows = []
    for path, text in files.items():
        digest = base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()
        rows.append(f"{path},sha256={digest},{len(text.encode())}")
    return "\n".join([*rows, f"{info}/RECORD,,", ""])


def install(site: Path, name: str, version: str, requires: tuple[str, ...] = ()) -> None:
    """Write a distribution as an installer leaves it."""
    files = files_of(name, version, requires)
    info = f"{name}-{version}.dist-info"
    files[f"{info}/RECORD"] = record(files, info) + f"{info}/INSTALLER,,\n{name}/__pycache__/x.pyc,,\n../../bin/x,,\n"
    files[f"{info}/INSTALLER"] = "pip\n"
    for path, text in files.items():
        (site / path).parent.mkdir(parents=True, exist_ok=True)
        (site / path).write_text(text)


def wheel(folder: Path, name: str, version: str) -> Path:
    """Write a wheel."""
    folder.mkdir(parents=True, exist_ok=True)
    files = files_of(name, version)
    files[f"{name}-{version}.dist-info/RECORD"] = record(files, f"{name}-{version}.dist-info")
    path = folder / f"{name}-{version}-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for inside, text in files.items():
            archive.writestr(inside, text)
    return path
