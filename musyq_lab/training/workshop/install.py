"""Install MuSyQ Lab from the folder this file lies in, without a network. Needs nothing but Python itself."""

# ruff: noqa: T201  (it is a program that talks to whoever runs it)

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
MANIFEST = "manifest.json"


def main(arguments: list[str]) -> int:
    """Check the folder, make a virtual environment and fill it; return the exit code."""
    target = Path(arguments[0]) if arguments else HERE / "venv"
    try:
        manifest = read_manifest(HERE)
        check_python(manifest)
        print(f"Comparing {len(manifest['files'])} files with {MANIFEST} ...", flush=True)
        check_files(HERE, manifest)
        python = make_environment(target)
        install(HERE, python)
    except Refusal as refusal:
        print(refusal, file=sys.stderr)
        return 1
    print(f"Done: {target}. Begin with `sh start.sh` (Linux, macOS) or `start.bat` (Windows).")
    return 0


class Refusal(Exception):  # noqa: N818  (a plain message to the user, no fault of the program)
    """What is wrong and what to do, in a sentence."""


def read_manifest(folder: Path) -> dict[str, Any]:
    """Return the manifest of a folder that is packed to the end."""
    try:
        manifest: dict[str, Any] = json.loads((folder / MANIFEST).read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise Refusal(f"{MANIFEST} cannot be read ({error}). Copy the whole folder again.") from error
    if not manifest.get("complete"):
        raise Refusal("This folder was not packed to the end. Run `musyq workshop pack` on it again, then copy it.")
    return manifest


def check_python(manifest: dict[str, Any]) -> None:
    """Refuse another Python or platform than the wheels are made for."""
    here = {"python": "{}.{}".format(*sys.version_info[:2]), "platform": sysconfig.get_platform()}
    for what, found in here.items():
        if manifest[what] != found:
            raise Refusal(
                f"This folder is for {what} {manifest[what]}, and this is {what} {found}. Install Python "
                f"{manifest['python']} for {manifest['platform']}, or pack a folder here: `musyq workshop pack DIR`."
            )


def check_files(folder: Path, manifest: dict[str, Any]) -> None:
    """Refuse a folder in which a file is missing or not what was packed."""
    for name, expected in manifest["files"].items():
        try:
            with (folder / name).open("rb") as file:
                found = hashlib.file_digest(file, "sha256").hexdigest()
        except OSError as error:
            raise Refusal(f"{name} cannot be read: {error.strerror}. Copy the whole folder again.") from error
        if found != expected:
            raise Refusal(f"{name} is not what was packed: its checksum differs. Copy the whole folder again.")


def make_environment(target: Path) -> Path:
    """Make a virtual environment and return its Python."""
    print(f"Making {target} ...", flush=True)
    if subprocess.run([sys.executable, "-m", "venv", str(target)], check=False).returncode:
        raise Refusal("Python could not make a virtual environment. On Debian and Ubuntu install python3-venv first.")
    return target / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def install(folder: Path, python: Path) -> None:
    """Install what requirements.txt lists, from the wheels alone; pip compares their checksums, too."""
    print("Installing; this takes one to five minutes ...", flush=True)
    command = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input"]
    command += ["--no-index", "--find-links", str(folder / "wheels"), "--require-hashes"]
    command += ["--requirement", str(folder / "requirements.txt")]
    if subprocess.run(command, check=False, env=_without_settings()).returncode:
        raise Refusal("pip could not install from the wheels; its message is above.")


def _without_settings() -> dict[str, str]:
    """Return the environment without settings of pip that name other sources."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PIP_")}
    return kept | {"PIP_CONFIG_FILE": os.devnull}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
