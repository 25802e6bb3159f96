"""Which sensor a path belongs to, and which files make its granule: by name first, by content where the name is silent.

A name that says one sensor and a content that says another is an error, not a guess.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from musyq_lab.core.errors import InputError, NotFoundError, SceneError, closest
from musyq_lab.core.sensor import Sensor
from musyq_lab.sensors._marks import marked
from musyq_lab.sensors._registry import SENSORS

_MOST_UNNAMED = 64
"""Files of a folder that are opened to see what they are, where no name tells."""
_READY_MADE = "Values ready made (MOD13, MCD43, Landsat Level-2, GLASS ...) open with ml.open_product."
_PACKED = re.compile(r"\.(tar\.gz|tgz|tar|zip|tiff?\.gz)$", re.IGNORECASE)
_UNPACK = {"tar.gz": "tar -xzf", "tgz": "tar -xzf", "tar": "tar -xf", "zip": "unzip"}
_DEPTH = 5  # a band of a Sentinel-2 L2A SAFE folder lies that deep (GRANULE/*/IMG_DATA/R10m/*.jp2)


@dataclass(frozen=True, slots=True)
class Granule:
    """One granule: the files of one sensor that belong together."""

    sensor: Sensor
    """Whose it is."""
    name: str
    """What its files share."""
    path: Path
    """The file or folder it was found by."""
    files: tuple[Path, ...]
    """All of its files (the folder itself for a sensor that delivers folders), in order of their names."""

    def match(self, pattern: str) -> list[Path]:
        """Return its files whose whole names match a regular expression (case ignored)."""
        return [file for file in self.files if re.fullmatch(pattern, file.name, re.IGNORECASE)]

    def one(self, pattern: str, what: str) -> Path:
        """Return the one file whose name matches.

        Parameters
        ----------
        pattern : str
            Regular expression of the whole name.
        what : str
            Plain words for the message, such as ``"the metadata file (*_MTL.txt)"``.

        Raises
        ------
        SceneError
            If there is none, or there are several.
        """
        found = self.match(pattern)
        if not found:
            raise SceneError(f"{self.path}: granule {self.name} lacks {what}. Put it beside the other files.")
        if len(found) > 1:
            names = ", ".join(file.name for file in found[:5])
            raise SceneError(f"{self.path}: granule {self.name} has {len(found)} candidates for {what}: {names}.")
        return found[0]


def find(path: str | Path | Sequence[str | Path], sensor: str | None = None) -> Granule:
    """Return the granule at a path.

    Parameters
    ----------
    path : str, pathlib.Path or sequence of them
        Any file of the granule, its folder, a folder that holds just one, or all files of one.
    sensor : str, optional
        Key of the sensor where neither name nor content tells.

    Raises
    ------
    NotFoundError
        If there is nothing at the path, or no such sensor.
    InputError
        If the path holds several granules.
    SceneError
        If no sensor knows the files, or name and content contradict each other.
    """
    one = isinstance(path, (str, Path))
    given = [path] if isinstance(path, (str, Path)) else path
    paths = [Path(p).expanduser() for p in given]
    for place in paths:
        if not place.exists():
            raise NotFoundError(f"There is no file or folder {place}.")
        if not (place.is_file() or place.is_dir()):
            raise SceneError(f"{place} is neither a file nor a folder.")
    if not paths:
        raise InputError("open_scene([]) names no file. Give a file, a folder, or the files of one granule.")
    specs = [SENSORS[sensor]] if sensor else [SENSORS[key] for key in SENSORS]
    found = ([] if one else _listed(paths, specs)) or list(_granules(paths, specs, named=sensor is not None))
    if sensor and not found:
        raise SceneError(
            f"{paths[0]} holds no granule of {specs[0].title}, neither by name nor by content. Leave sensor= out, or "
            "give its file."
        )
    return only(found, paths[0])


def find_all(folder: str | Path, sensor: str | None = None) -> list[Granule]:
    """Return the granules in a folder, in order of their names; what no sensor knows by name is left out.

    Raises
    ------
    NotFoundError
        If there is no such folder.
    """
    place = Path(folder).expanduser()
    if not place.is_dir():
        raise NotFoundError(f"There is no folder {place}.")
    specs = [SENSORS[sensor]] if sensor else [SENSORS[key] for key in SENSORS]
    found = _inside(place, specs)
    for child in sorted(c for c in place.iterdir() if c.is_dir() and not any(c in g.files for g in found)):
        found += _inside(child, specs)
    return sorted(found, key=lambda g: (g.name, g.sensor.key))


def _listed(paths: list[Path], specs: Sequence[Sensor]) -> list[Granule]:
    """Return what a list of files makes: of them alone, whatever lies beside them."""
    return list(_grouped(paths, paths[0].parent, specs))


def _granules(paths: list[Path], specs: Sequence[Sensor], *, named: bool) -> Iterator[Granule]:
    if len(paths) > 1:
        return  # a list of names that no sensor knows
    path = paths[0]
    if folder := _delivered(path, specs):
        yield folder
    elif path.is_dir():
        yield from _inside(path, specs) or _below(path, specs) or _unnamed(path, specs)
    elif siblings := [g for g in _inside(path.parent, _named_like(path, specs)) if path in g.files]:
        yield from (_checked(g, path) for g in siblings)
    else:
        yield _by_content(path, specs, named=named)


def _named_like(path: Path, specs: Sequence[Sensor]) -> list[Sensor]:
    """Return the sensors that a file is named after: only they need to look at the thousands beside it."""
    return [spec for spec in specs if granule_name((*spec.patterns, *spec.folders), path.name)]


def _below(folder: Path, specs: Sequence[Sensor]) -> list[Granule]:
    """Return what lies in the folders of a folder."""
    children = sorted(child for child in folder.iterdir() if child.is_dir())
    return [granule for child in children for granule in _inside(child, specs)]


def _unnamed(folder: Path, specs: Sequence[Sensor]) -> list[Granule]:
    """Return the granules in a small folder whose files have lost their names."""
    files = sorted(file for file in folder.iterdir() if file.is_file())
    if len(files) > _MOST_UNNAMED:
        return []
    told = [(file, marked(file, specs)) for file in files]
    return [Granule(said[0], file.stem, file, (file,)) for file, said in told if len(said) == 1]


def _delivered(path: Path, specs: Sequence[Sensor]) -> Granule | None:
    """Return the granule of a sensor that delivers folders (SAFE, SEN3), if the path is one or lies in one."""
    for place in [path, *path.absolute().parents[:_DEPTH]]:
        for spec in specs:
            if name := granule_name(spec.folders, place.name):
                return Granule(spec, name, place, (place,))
    return None


def _inside(folder: Path, specs: Sequence[Sensor]) -> list[Granule]:
    return list(_grouped(sorted(folder.iterdir()), folder, specs))


def _grouped(paths: Iterable[Path], place: Path, specs: Sequence[Sensor]) -> Iterator[Granule]:
    groups: dict[tuple[str, str], list[Path]] = {}
    names: dict[tuple[str, str], str] = {}
    by_key = {spec.key: spec for spec in specs}
    known = [(spec, (*spec.patterns, *spec.folders)) for spec in specs]
    for path in paths:
        for spec, patterns in known:
            if name := granule_name(patterns, path.name):
                group = (spec.key, name.casefold())
                names.setdefault(group, name)
                groups.setdefault(group, []).append(path)
    for group, files in groups.items():
        yield Granule(by_key[group[0]], names[group], files[0] if len(files) == 1 else place, tuple(sorted(files)))


def granule_name(patterns: Sequence[str], name: str) -> str | None:
    """Return what the files of a granule share, if a name matches one of the patterns.

    Two satellites may take granules in the same minutes, and one satellite images of two areas: what a group
    ``platform`` of the pattern matches comes first.
    """
    for pattern in _compiled(tuple(patterns)):
        if match := pattern.fullmatch(name):
            platform = match.groupdict().get("platform")
            return f"{platform}.{match['granule']}" if platform else match["granule"]
    return None


@lru_cache(maxsize=1024)
def _compiled(patterns: tuple[str, ...]) -> tuple[re.Pattern[str], ...]:
    return tuple(re.compile(pattern, re.IGNORECASE) for pattern in patterns)


def _checked(granule: Granule, path: Path) -> Granule:
    """Refuse a file whose content says another sensor than its name."""
    said = marked(path, [SENSORS[key] for key in SENSORS])
    if said and granule.sensor.marks and granule.sensor not in said:
        others = ", ".join(spec.title for spec in said)
        raise SceneError(
            f"{path} was taken for {granule.sensor.title} by its name or by sensor=, but its content says {others}. "
            f'Rename it, or pass sensor="{said[0].key}".'
        )
    return granule


def packed(path: Path) -> str:
    """Return what to do with a file that is packed by its name, empty for one that is not."""
    found = _PACKED.search(path.name)
    if not found:
        return ""
    command = _UNPACK.get(found[1].lower(), "gunzip -k")
    return f"{path} is packed. Unpack it ({command} {path.name}) and open what comes out."


def _by_content(path: Path, specs: Sequence[Sensor], *, named: bool) -> Granule:
    if not path.stat().st_size:
        raise SceneError(f"{path} is empty (0 bytes). Fetch it again.")
    said = list(specs) if named else marked(path, specs)
    if len(said) == 1:
        return _checked(Granule(said[0], path.stem, path, (path,)), path)
    if said:
        raise SceneError(f"{path} may be of {', '.join(s.key for s in said)}. Name it by sensor=.")
    if hint := packed(path):
        raise SceneError(hint)
    hint = closest(path.name, SENSORS) if len(path.suffixes) == 0 else ""
    raise SceneError(
        f"{path} is no granule that MuSyQ Lab knows, neither by name nor by content. ml.SENSORS lists the sensors; "
        f"name one by sensor=. {_READY_MADE}{hint}"
    )


def only(found: list[Granule], path: Path) -> Granule:
    """Return the one granule that was found at a path; none or several are an error that says so."""
    if len(found) == 1:
        return found[0]
    if not found:
        raise SceneError(
            f"{path} holds no granule of a known sensor. ml.SENSORS lists them; name one by sensor= if its files are "
            f"called otherwise. {_READY_MADE}"
        )
    names = ", ".join(f"{g.name} ({g.sensor.key})" for g in found[:6])
    raise InputError(
        f"{path} holds {len(found)} granules: {names}{' ...' if len(found) > 6 else ''}. Give a file of the one you "
        "want, or open all with ml.open_scenes."
    )
