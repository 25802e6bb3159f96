"""GF-1 Wide Field of View cameras: Level-1A scenes in sensor geometry, cut to the world.

Counts of 10 bits in a GeoTIFF of four bands without place, the producer's XML, and rational polynomials (.rpb). Of the
four cameras side by side the one that sees the middle of the world takes the scene. Lines follow the flight to the
south, samples run from west to east; a pixel lies on the ellipsoid, and so the image has no relief displacement.

What differs from a real scene: it is as large as the world (4000 lines and samples at most) instead of 12 000 samples,
and compressed; the polynomials have no terms of height, as the image has none; bands are registered. No scene at night.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from musyq_lab.core.errors import InputError
from musyq_lab.kernels.solar import sun_position
from musyq_lab.sensors._calibrate import Linear
from musyq_lab.sensors._gaofen_gains import published
from musyq_lab.sensors.gf1_wfv import SPEC
from musyq_lab.twin.granules._gaofen_rpb import fit, write_rpb
from musyq_lab.twin.granules._gaofen_text import Scene, metadata
from musyq_lab.twin.granules._map import across, middle, outline, sunlit
from musyq_lab.twin.granules._raster import counts, write_tiff
from musyq_lab.twin.grid import WorldGrid
from musyq_lab.twin.instrument import Image, Instrument, Pixels
from musyq_lab.twin.orbit import SPHERE, Overpass, SunSynchronous

Floats = NDArray[np.float64]

INSTRUMENT = Instrument(
    sensor="gf1_wfv",
    platform="GF-1",
    orbit=SunSynchronous(
        # 645 km, descending at 10:30 (Lu et al. 2023, doi 10.1007/978-981-99-4098-1_3); 98.05 degrees; repeats after 41
        # days, in which 604 nodal periods of that height and inclination fit. Node: the two scenes
        # GF1_WFV2_E118.9_N24.3 and GF1_WFV3_E120.2_N22.2 of 10 July 2020 agree on it within 0.02 degree. The real
        # track is not held to a grid: scenes of other years lie up to 10 degrees off what the cycle says.
        altitude=644_500.0,
        inclination=98.05,
        descending=True,
        orbits=604,
        days=41,
        swath=420.0,
        epoch=datetime(2020, 7, 10),
        node=114.51,
        node_time=10.5,
    ),
)

LIMIT = 4000
"""Most lines and samples."""
LARGEST = 1023
"""Largest count of 10 bits; 0 is fill."""

SAMPLES = 12_000
"""Samples of a line (recalled, not read in a document)."""
SAMPLING = 16.0
"""Distance of samples at nadir, and of lines (m)."""
# Middle of each camera right of nadir, to the west (deg): recalled; the scenes above agree with WFV2 and WFV3, and the
# swath of all four is 842 km (Lu et al. 2023), as these make it.
_TILT = {"WFV1": 24.0, "WFV2": 8.0, "WFV3": -8.0, "WFV4": -24.0}
_STEP = SAMPLING / 644_500.0
_LINE = SAMPLING / SPHERE
# Point spread on the ground, full width at half maximum, in samples: assumed (modulation 0.28 at half the sampling
# frequency).
_SPREAD = 1.2


@dataclass(frozen=True)
class _Cut:
    """The part of a camera's image that is made."""

    camera: str
    top: int
    """First line, counted from abeam of the place."""
    left: int
    """First sample."""
    lines: int
    samples: int

    def scan(self, sample: Floats) -> Floats:
        """Return the angle from nadir (rad), positive to the right, of samples counted in the cut."""
        return _scan(self.camera, sample + self.left)


def _scan(camera: str, sample: Floats | float) -> Floats:
    return np.asarray(math.radians(_TILT[camera]) - np.arctan((np.asarray(sample) - (SAMPLES - 1) / 2) * _STEP))


def _image(overpass: Overpass, camera: str, longitude: Floats, latitude: Floats) -> tuple[Floats, Floats]:
    """Return line (from abeam of the place) and sample of places on the ellipsoid."""
    angle = across(overpass, longitude, latitude)
    scan = np.arctan2(np.sin(angle), overpass.radius / SPHERE - np.cos(angle))
    off = np.clip(math.radians(_TILT[camera]) - scan, -1.5, 1.5)
    return overpass.along(longitude, latitude) / _LINE, np.tan(off) / _STEP + (SAMPLES - 1) / 2


def _cut(overpass: Overpass, grid: WorldGrid) -> _Cut | None:
    """Return what is made, None where no camera sees the world."""
    here = tuple(map(np.array, middle(grid)))
    offsets = {camera: float(_image(overpass, camera, *here)[1]) - (SAMPLES - 1) / 2 for camera in _TILT}
    camera = min(offsets, key=lambda c: (abs(offsets[c]), c))
    centre = [float(part) for part in _image(overpass, camera, *here)]
    spans = []
    for part, at in zip(_image(overpass, camera, *outline(grid)), centre, strict=True):
        first, last = math.floor(float(part.min())), math.ceil(float(part.max()))
        spans.append((max(first, round(at) - LIMIT // 2), min(last, round(at) + LIMIT // 2 - 1)))
    left, right = max(spans[1][0], 0), min(spans[1][1], SAMPLES - 1)
    if right - left < 1:
        return None
    return _Cut(camera, spans[0][0], left, spans[0][1] - spans[0][0] + 1, right - left + 1)


def pixels(overpass: Overpass, grid: WorldGrid) -> tuple[Pixels, ...]:
    """Return the pixel centres of an overpass.

    Parameters
    ----------
    overpass
        Of GF-1.
    grid
        The world.

    Returns
    -------
    tuple of Pixels
        One grid; empty at night and where no camera sees the world.
    """
    cut = _cut(overpass, grid) if sunlit(overpass.time, *middle(grid)) else None
    if cut is None:
        return ()
    scan = cut.scan(np.arange(cut.samples, dtype=np.float64))
    along: Floats = (np.arange(cut.lines, dtype=np.float64) + cut.top) * _LINE
    longitude, latitude = overpass.ground(along[:, np.newaxis], overpass.across_of(scan))
    middle_sample = abs(float(scan[cut.samples // 2]))
    angle = float(overpass.across_of(np.array(middle_sample)))
    slant = SPHERE * math.sin(angle) / math.sin(middle_sample) if middle_sample > 1e-6 else 644_500.0
    wide = slant * _STEP / math.cos(middle_sample + angle)
    footprint = _SPREAD * math.sqrt(wide * SAMPLING)
    names = tuple(b.name for b in SPEC.bands_of(cut.camera))
    extra = {"cut": cut, "variant": cut.camera}
    return (Pixels(names, SAMPLING, longitude, latitude, footprint, extra=extra),)


def write(overpass: Overpass, images: Sequence[Image], folder: Path) -> Path:
    """Write a scene.

    Parameters
    ----------
    overpass
        Of GF-1.
    images
        The one that :func:`pixels` asks for.
    folder
        Empty folder.

    Returns
    -------
    pathlib.Path
        The image.
    """
    (image,) = images
    cut = image.pixels.extra["cut"]
    assert isinstance(cut, _Cut)
    scene = _scene(overpass, image, cut)
    lines = gains(cut.camera, overpass.time.year)
    distance = float(sun_position(np.datetime64(overpass.time)).distance)
    shade = (np.cos(np.radians(image.sun_zenith)) / (math.pi * distance**2)).astype(np.float32)
    stored = [
        counts(image.values[b.name] * (shade * np.float32(b.e0 or 0.0)), *lines[b.native], (1, LARGEST))
        for b in SPEC.bands_of(cut.camera)
    ]
    path = folder / f"{scene.name}.tiff"
    write_tiff(path, np.stack(stored), None)
    down, right = np.meshgrid(*(np.linspace(0, size - 1, 25) for size in scene.shape), indexing="ij")
    places = overpass.ground((down + cut.top) * _LINE, overpass.across_of(cut.scan(right)))
    write_rpb(folder / f"{scene.name}.rpb", fit(down.ravel(), right.ravel(), places[1].ravel(), places[0].ravel()))
    (folder / f"{scene.name}.xml").write_text(metadata(scene), "ascii")
    return path


def gains(camera: str, year: int) -> dict[str, Linear]:
    """Return what makes radiance (W m-2 sr-1 um-1) of counts: native band -> gain and offset of the nearest year.

    Parameters
    ----------
    camera
        ``"WFV1"`` to ``"WFV4"``.
    year
        Of the scene.
    """
    found = published("gf1_wfv", "GF-1", camera, year, [b.native for b in SPEC.bands_of(camera)])
    if found is None:
        raise InputError(f"No coefficients of GF-1 {camera} are published. Take one of WFV1 to WFV4.")
    return dict(found.lines)


def _scene(overpass: Overpass, image: Image, cut: _Cut) -> Scene:
    longitude, latitude = image.pixels.longitude, image.pixels.latitude
    shape = longitude.shape
    at = (shape[0] // 2, shape[1] // 2)
    east, north = float(longitude[at]), float(latitude[at])
    places = {"TopLeft": (0, 0), "TopRight": (0, -1), "BottomRight": (-1, -1), "BottomLeft": (-1, 0)}
    where = f"{'E' if east >= 0 else 'W'}{abs(east):.1f}_{'N' if north >= 0 else 'S'}{abs(north):.1f}"
    orbit = int(str(overpass.details.get("orbit_number", 0)))
    when = overpass.seen_at(longitude[[0, at[0], -1], at[1]], latitude[[0, at[0], -1], at[1]])
    first, centre, last = (t.astype("datetime64[us]").item() for t in when)
    sun = _middle(image.sun_zenith, at), _middle(image.sun_azimuth, at)
    view = _middle(image.view_zenith, at), _middle(image.view_azimuth, at)
    return Scene(
        name=f"GF1_{cut.camera}_{where}_{centre:%Y%m%d}_L1A{orbit * 10 + int(cut.camera[-1]):010d}",
        camera=cut.camera,
        orbit=orbit,
        times=(first, centre, last),
        shape=(shape[0], shape[1]),
        roll=_TILT[cut.camera],
        sun=sun,
        view=view,
        corners={name: (float(latitude[at]), float(longitude[at])) for name, at in places.items()},
    )


def _middle(values: NDArray[np.float32], at: tuple[int, int]) -> float:
    """Return the value in the middle, the mean of all where the world does not reach it."""
    value = float(values[at])
    return float(np.nanmean(values)) if math.isnan(value) else value
