r"""Cloud, cloud shadow, snow and water as quality bits, from whatever bands a scene has.

The tests are those of :mod:`musyq_lab.kernels.cloud`: haze (the haze-optimized transform), NDSI over snow, reflectance
at 1.38 um, temperature, whiteness. Each is compared with the clear parts of the same scene
(:mod:`musyq_lab.standard._cloud_background`), as Fmask compares temperature and variability (Zhu & Woodcock 2012, doi
10.1016/j.rse.2011.10.028; Zhu, Wang & Woodcock 2015, doi 10.1016/j.rse.2014.12.014), and with other days of the same
view where they are given. Which tests run depends on the bands alone:

=====================  ==============================================================================================
bands                  tests
=====================  ==============================================================================================
visible, NIR           haze, whiteness; white ground below a low Sun is taken for snow (it may be overcast)
and 1.6 um             snow by NDSI, and cloud over it
and 1.38 um            cirrus, by excess over the scene
and 11 um              cold, by excess over the scene; 3.8 degC for snow; by night alone
and 12 um              thin ice cloud by the split window (bit ``cirrus``)
no blue                half the red stands for haze, in units of how it varies over the scene
=====================  ==============================================================================================

It costs two passes over the scene: one that counts (exact sums of integers, the same for any chunks), one that decides.

What it is worth (``benchmarks/cloud_accuracy.py``; cloud is an optical depth of 0.5 under the pixel's point spread).
On 124 simulated scenes of seeds that no number was fitted to, though a few that failed led to corrections:

================  ======  ==============  ====================
sensor            scenes  pixels right    missed of the cloud
================  ======  ==============  ====================
Landsat OLI       4       98.2 %          1.9 %
Sentinel-2 MSI    24      97.1 %          3.1 % (with ``companions``)
FY-3D MERSI-2     12      93.0 %          7.2 %
MODIS             12      92.3 %          6.2 %
FY-4A AGRI        20      90.0 %          9.3 %
GF-1 WFV          32      89.9 %          13.9 % (4 to 5 % where there is no snow)
Himawari AHI      20      89.5 %          10.2 %
================  ======  ==============  ====================

Beside CFMask on 20 real scenes of Landsat-8, 91 % of the pixels agree on average, 77 % in the worst (patchy snow).

Where it fails: pixels of kilometres hold parts of clouds, which look like haze; thin cloud over all of a scene is taken
for its clear state, unless other days are given; without a band at 1.6 um cloud over snow is hardly seen, and overcast
below a low Sun may be called snow; the temperature of clear land is one number for a scene, which says little where it
spans climates; by night only what is colder than the part by day, or than other days, is found. The weights of the
measures, the thresholds and the percentiles were fitted to other simulated scenes and to those real ones, and are not
of any paper.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any, Literal, get_args

import dask.array as da
import numpy as np
import xarray as xr
from numpy.typing import NDArray

from musyq_lab.core.errors import InputError
from musyq_lab.core.quality import QA_DTYPE, SCENE_FLAG
from musyq_lab.kernels import cloud as kernels
from musyq_lab.sensors._registry import SENSORS
from musyq_lab.standard import layout
from musyq_lab.standard._cloud_background import Background, Counts, Floats, background, count, total
from musyq_lab.standard._cloud_planes import Planes, clear_before, planes_of, same_view
from musyq_lab.standard._cloud_shadow import shadow
from musyq_lab.standard._cloud_shape import grown

Source = Literal["either", "tests", "producer"]

_COARSE = 500.0  # m

FLAGS = ("cloud", "cloud_possible", "cloud_shadow", "snow_ice", "water", "cirrus")
"""Quality bits that :func:`classify` sets."""


def classify(
    scene: xr.Dataset,
    *,
    source: Source = "either",
    dilate: int = 0,
    companions: Sequence[xr.Dataset] = (),
    previous: xr.Dataset | Sequence[xr.Dataset] | None = None,
) -> xr.Dataset:
    """Set the bits cloud, cloud_possible, cloud_shadow, snow_ice, water, cirrus and night of a scene, lazily.

    Parameters
    ----------
    scene : xarray.Dataset
        Standard scene with reflectance at the top of the atmosphere and, where the sensor has it, brightness
        temperature. Without angles there is no shadow, and the Sun is taken to stand at 45 deg.
    source : {"either", "tests", "producer"}
        ``"tests"`` replaces the producer's bits, ``"either"`` sets a bit where the tests or the producer do,
        ``"producer"`` leaves them alone and only widens cloud.
    dilate : int
        Pixels by which cloud is widened, 0 for none.
    companions : sequence of Dataset
        Standard scenes of the same granule on its other grids (projected, of one CRS): bands that the scene lacks are
        taken from them, such as those at 1.6 and 1.38 um of Sentinel-2 for its 10 m grid; nearest pixel.
    previous : Dataset or sequence of Dataset, optional
        Standard scenes of the same pixels at the same hour of other days (one Dataset may hold them along a dimension
        ``time``), for geostationary sensors: what is compared with the clear parts of the scene is then the excess over
        the pixel's own lowest haze and highest temperature, the second of each from five scenes on.

    Returns
    -------
    xarray.Dataset
        With these bits in ``qa`` (uint16); pixels without data keep theirs.

    Raises
    ------
    InputError
        If the scene is not at the top of the atmosphere, lacks a red or a near infrared band, ``previous`` is of other
        pixels, or a parameter makes no sense.
    """
    _check(scene, source, dilate)
    if source == "producer":
        wide = grown(layout.flagged(scene, "cloud"), dilate)
        return _recorded(layout.with_flag(scene, "cloud", wide), source, dilate, None, "kept")
    planes = planes_of(scene, companions)
    days = same_view(planes, previous)
    code = _code(planes, days)
    found = {name: (code & kernels.BITS[name]).astype(bool) for name in kernels.BITS}
    if source == "either":
        found["cloud"] = found["cloud"] | layout.flagged(scene, "cloud").variable
    found["cloud"] = _widened(planes, found["cloud"], dilate)
    dark, said = shadow(planes, found["cloud"].data, found["water"].data)
    found["cloud_shadow"] = planes.variable(dark)
    for name in ("cloud_possible", "snow_ice", "water"):
        found[name] = found[name] & ~found["cloud"]
    kept = scene if source == "either" else _without(scene, FLAGS)
    for name, where in found.items():
        kept = layout.with_flag(kept, name, planes.array(where))
    return _recorded(kept, source, dilate, days, said)


def _check(scene: xr.Dataset, source: str, dilate: int) -> None:
    layout.require(scene, "cloud.classify", variables=["reflectance"], level=layout.TOP)
    if source not in get_args(Source):
        raise InputError(f"source={source!r}: expected one of {', '.join(get_args(Source))}.")
    if not isinstance(dilate, int | np.integer) or isinstance(dilate, bool) or not 0 <= dilate <= 100:
        raise InputError(f"dilate={dilate!r}: expected a whole number of pixels, 0 to 100.")


def _recorded(scene: xr.Dataset, source: str, dilate: int, days: Sequence[Planes] | None, shadows: str) -> xr.Dataset:
    parameters = {"source": source, "dilate": int(dilate), "previous": len(days or ()), "shadow": shadows}
    return layout.add_step(scene, "classify", parameters)


def _without(scene: xr.Dataset, names: Sequence[str]) -> xr.Dataset:
    """Return the scene with some bits cleared."""
    if "qa" not in scene:
        return scene
    keep = np.iinfo(QA_DTYPE).max & ~sum(SCENE_FLAG[name].mask for name in names)
    return scene.assign(qa=(scene["qa"] & QA_DTYPE.type(keep)).assign_attrs(scene["qa"].attrs))


def _widened(planes: Planes, cloud: xr.Variable, dilate: int) -> xr.Variable:
    return grown(planes.array(cloud), dilate).variable & planes.variable(planes.measured())


def _code(planes: Planes, days: Sequence[Planes]) -> xr.Variable:
    """Return the bits of the kernel, from a pass that counts and one that decides."""
    before = clear_before(days, planes)
    counts = total(partial(_counts, depths=planes.depths), *planes.measured_by(), *before)
    make = partial(background, blue=planes.blue, swir=planes.swir, days=bool(days))
    clear = make(counts) if isinstance(counts, np.ndarray) else _one(make, counts)
    inputs: tuple[Any, ...] = (*planes.arrays(), *before)
    decide = partial(_decide, depths=planes.depths, threshold=_threshold(planes))
    if not isinstance(inputs[0], da.Array):
        return planes.variable(decide(clear, *inputs))
    pairs = [part for array in inputs for part in (array, "yx")]
    made = da.blockwise(
        decide, "yx", clear, "k", *pairs, dtype=QA_DTYPE, concatenate=True, meta=np.empty((0, 0), QA_DTYPE)
    )
    return planes.variable(made)


def _threshold(planes: Planes) -> float:
    spec = SENSORS.get(str(planes.scene.attrs.get("sensor", "")))
    if not (planes.thermal or planes.cirrus):
        return kernels.THRESHOLD["haze"]
    return kernels.THRESHOLD["coarse" if spec is not None and spec.resolution >= _COARSE else "fine"]


def _one(make: Any, counts: da.Array) -> Any:
    """Return what is made of counts of one chunk, lazily."""
    return da.map_blocks(
        make,
        counts.rechunk(-1),
        dtype=np.float32,
        drop_axis=[1, 2],
        chunks=((len(Background._fields),),),
        meta=np.empty(0, np.float32),
    )


def _counts(*planes: Floats, depths: tuple[float, ...]) -> Counts:
    given = _packed(planes)
    haze, soil, index, kind = kernels.measures(*given[:9], *map(np.float32, depths))
    temperature, sun, cirrus, clearest, warmest = given[5], given[6], *given[9:]
    haze = np.where(np.isfinite(clearest), haze - clearest + np.float32(kernels.SAME_HAZE), haze)
    warm = np.where(np.isfinite(warmest), temperature - warmest + np.float32(kernels.SAME_TEMPERATURE), temperature)
    return count(haze, soil, index, kind, warm, cirrus, sun)


def _decide(clear: Floats, *planes: Floats, depths: tuple[float, ...], threshold: float) -> NDArray[np.uint16]:
    given = _packed(planes)
    code = kernels.decide(*given[:9], *map(np.float32, depths), *given[9:], *clear, np.float32(threshold))
    return np.asarray(code, QA_DTYPE)


def _packed(planes: Sequence[Floats]) -> list[Floats]:
    """Return the planes of a block in one memory layout, for which alone the kernels are then compiled."""
    return [np.ascontiguousarray(plane) for plane in planes]
