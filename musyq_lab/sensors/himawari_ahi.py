"""Himawari-8 and -9 AHI, Himawari Standard Data (HSD), whole or packed by bzip2, any number of segments."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

import xarray as xr

from musyq_lab.core.errors import SceneError
from musyq_lab.core.sensor import Band, Calibration, Mark, Sensor
from musyq_lab.files.lazy import dask_array
from musyq_lab.sensors._calibrate import Counts, Linear, Planck
from musyq_lab.sensors._disk import View, projection
from musyq_lab.sensors._geostationary import averaged, coarse, scan_angles, scene_of_counts
from musyq_lab.sensors._granule import Granule
from musyq_lab.sensors._hsd import Segment, SegmentedLayer, line_times, read_segment
from musyq_lab.sensors._scene import Acquisition

SPEC = Sensor(
    key="himawari_ahi",
    title="Himawari AHI",
    platforms=("Himawari-8", "Himawari-9"),
    resolution=2000,
    swath=12_000,
    years=(2015, None),
    bands=(
        Band("blue", "B01", 0.4706, 0.0407, 1000, 2043.1),
        Band("blue", "B01", 0.4706, 0.0407, 2000, 2043.1),
        Band("green", "B02", 0.5100, 0.0307, 1000, 1919.6),
        Band("green", "B02", 0.5100, 0.0307, 2000, 1919.6),
        Band("red", "B03", 0.6391, 0.0817, 500, 1622.4),
        Band("red", "B03", 0.6391, 0.0817, 1000, 1622.4),
        Band("red", "B03", 0.6391, 0.0817, 2000, 1622.4),
        Band("nir", "B04", 0.8567, 0.0345, 1000, 970.2),
        Band("nir", "B04", 0.8567, 0.0345, 2000, 970.2),
        Band("swir1", "B05", 1.6101, 0.0409, 2000, 238.6),
        Band("swir2", "B06", 2.2568, 0.0441, 2000, 74.1),
        Band("mir", "B07", 3.8854, 0.2006, 2000),
        Band("vapour_upper", "B08", 6.2428, 0.8219, 2000),
        Band("b09", "B09", 6.9411, 0.4019, 2000),
        Band("vapour_lower", "B10", 7.3468, 0.1871, 2000),
        Band("tir_8_6", "B11", 8.5927, 0.3727, 2000),
        Band("ozone", "B12", 9.6373, 0.3779, 2000),
        Band("tir_10_4", "B13", 10.4075, 0.4189, 2000),
        Band("tir1", "B14", 11.2396, 0.6678, 2000),
        Band("tir2", "B15", 12.3807, 0.9656, 2000),
        Band("carbon_dioxide", "B16", 13.2807, 0.5638, 2000),
    ),
    # Full disk, Japan and target areas of the same ten minutes are images of their own.
    patterns=(r"(?P<granule>HS_H0[89]_\d{8}_\d{4})_B\d\d_(?P<platform>\w{4})_R\d\d_S\d{4}\.dat(?:\.bz2)?",),
    marks=(Mark("bytes", r"^\x01[\s\S]{5}Himawari-"),),
    reader="numpy",
    geometry="geostationary",
    quirks=(
        "Blue, green and nir have 1000 m, red 500 m; on a coarser grid they are means of radiance. Only bands of the "
        "grid itself have counts.",
        "Reflective bands use the updated gain and offset of header block 5 where there are any.",
        "Centres, widths and irradiances are those of Himawari-8; Himawari-9 differs by less than 0.02 um.",
        "The headers of the bands agree on the satellite's place to a few kilometres; the first band's is used.",
    ),
    references=(
        "JMA, Himawari-8/9 Himawari Standard Data User's Guide, version 1.3 (block layout as satpy's reader has it)",
        "Bessho et al. 2016, doi:10.2151/jmsj.2016-009",
        "Centre, width and irradiance from JMA's responses of Himawari-8 and TSIS-1 HSRS (doi:10.1029/2022EA002637)",
    ),
)

_NATIVE = {**dict.fromkeys(range(1, 17), 2000), 1: 1000, 2: 1000, 4: 1000, 3: 500}
_LINES, _PACKED_LINES = 50, 110  # of a block: on the grid that is opened; at 2000 m


def open(granule: Granule, *, resolution: float, calibration: Calibration) -> xr.Dataset:
    """Open an image lazily (see :func:`musyq_lab.sensors._open.open_scene`)."""
    images = _images(granule, [read_segment(path) for path in granule.files])
    usable = {
        b: images[int(b.native[1:])]
        for b in granule.sensor.bands_of()
        if b.resolution == resolution and int(b.native[1:]) in images and _offered(b, calibration)
    }
    if not usable:
        raise SceneError(
            f"{granule.path}: granule {granule.name} has none of the bands of {resolution:g} m. It has "
            f"{', '.join(f'B{n:02d}' for n in images)}."
        )
    counts = [_counts(band, segments) for band, segments in usable.items()]
    first = min(usable, key=lambda b: abs(_NATIVE[int(b.native[1:])] - resolution))
    view = _view(usable[first], _NATIVE[int(first.native[1:])], resolution)
    return scene_of_counts(
        granule,
        _acquisition(granule, usable, resolution),
        counts,
        view,
        calibration=calibration,
        corrections={b.name: s[0].temperature for b, s in usable.items() if b.thermal},
    )


def _offered(band: Band, calibration: Calibration) -> bool:
    """Leave means of counts out: they are no stored numbers."""
    return calibration != "counts" or _NATIVE[int(band.native[1:])] == band.resolution


def _images(granule: Granule, segments: Sequence[Segment]) -> dict[int, tuple[Segment, ...]]:
    """Group the segments by band, and refuse what does not belong together."""
    areas = sorted({s.area for s in segments})
    satellites = sorted({s.satellite for s in segments})
    if len(areas) > 1 or len(satellites) > 1:
        raise SceneError(
            f"{granule.path} holds files of several images: {', '.join(satellites)}; areas {', '.join(areas)}. Give "
            "the files of one as a list."
        )
    bands = defaultdict(list)
    for segment in segments:
        bands[segment.band].append(segment)
    return {band: _ordered(granule, bands[band]) for band in sorted(bands)}


def _ordered(granule: Granule, segments: Sequence[Segment]) -> tuple[Segment, ...]:
    ordered = sorted(segments, key=lambda s: s.number)
    layouts = {(s.total, s.lines, s.columns, s.grid, s.projection) for s in ordered}
    numbers = [s.number for s in ordered]
    fitting = all(s.first - 1 == (s.number - 1) * s.lines and 1 <= s.number <= s.total for s in ordered)
    if len(layouts) > 1 or len(set(numbers)) < len(numbers) or not fitting:
        raise SceneError(
            f"{granule.path}: the segments {numbers} of band {ordered[0].band} do not make one image. Files of several "
            "images lie together, or a header is damaged."
        )
    return tuple(ordered)


def _counts(band: Band, segments: Sequence[Segment]) -> Counts:
    native = _NATIVE[segments[0].band]
    one = segments[0]
    # A packed segment is unpacked for each of its blocks: fewer and larger ones.
    rows = _PACKED_LINES * 2000 / native if one.compressed else _LINES * band.resolution / native
    lines = min(one.lines, round(rows))
    layer = SegmentedLayer(tuple(segments), one.lines * one.total)
    array = dask_array(layer, (lines, one.columns), [str(s.path) for s in segments], f"B{one.band:02d}")
    radiance = one.updated if one.updated.gain else one.nominal
    counts = Counts(
        band,
        xr.DataArray(array, dims=("y", "x")),
        fills=tuple(float(f) for f in one.fills),
        saturation=float(2**one.bits - 1),
        radiance=radiance,
        reflectance=None if band.thermal else Linear(radiance.gain * one.albedo, radiance.offset * one.albedo),
        planck=_planck(one) if band.thermal else None,
    )
    factor = round(band.resolution / native)
    return averaged(counts, factor) if factor > 1 else counts


def _planck(segment: Segment) -> Planck:
    """Planck's law at the central wavelength with the constants of the file (the guide, section 4.5)."""
    light, planck, boltzmann = segment.constants
    metres = segment.wavelength * 1e-6
    return Planck(2.0 * planck * light**2 / metres**5 * 1e-6, planck * light / (boltzmann * metres))


def _view(segments: Sequence[Segment], native: float, resolution: float) -> View:
    one = segments[0]
    longitude, distance, equatorial, polar = one.projection
    height = distance - equatorial
    cfac, lfac, coff, loff = one.grid
    if not (cfac > 0 and lfac > 0):
        raise SceneError(f"{one.path} has scaling factors {cfac:g} and {lfac:g}. Its header is damaged.")
    factor = round(resolution / native)
    lines = one.lines * one.total
    times = line_times(segments, lines)
    return View(
        coarse(scan_angles(one.columns, coff, cfac, height), factor),
        coarse(-scan_angles(lines, loff, lfac, height), factor),
        projection(longitude, height, axes=(equatorial, polar), what=one.path),
        times[factor // 2 :: factor][: lines // factor],
        (one.satellite_position[0], one.satellite_position[1], one.satellite_position[2] - equatorial),
    )


def _acquisition(granule: Granule, usable: dict[Band, tuple[Segment, ...]], resolution: float) -> Acquisition:
    segments = [s for group in usable.values() for s in group]
    attributes: dict[str, object] = {"area": segments[0].area}
    there = {b.name for b in usable}
    lacking = [b.name for b in granule.sensor.bands_of() if b.resolution == resolution and b.name not in there]
    if lacking:
        attributes["bands_missing"] = ", ".join(lacking)
    gaps = {
        f"{b.native} {', '.join(str(n) for n in range(1, s[0].total + 1) if n not in {x.number for x in s})}"
        for b, s in usable.items()
        if len(s) < s[0].total
    }
    if gaps:
        attributes["segments_missing"] = "; ".join(sorted(gaps))
    return Acquisition(
        segments[0].satellite, min(s.start for s in segments), max(s.end for s in segments), "HSD", attributes
    )
