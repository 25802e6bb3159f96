r"""Breaks in series of fields: dates at which level or trend changes, with the limits of each date.

A series is the sum of a season, straight pieces and noise, as in BFAST (Verbesselt et al. 2010,
doi:10.1016/j.rse.2009.08.014). The season is a sum of harmonics of the year; it and the pieces are fitted in turn until
the breaks stay. How breaks are found and tested is told in :mod:`musyq_lab.analysis._break_search`: one at a time, each
only if it is stronger than what noise without any break shows in ``level`` of all cases. Noise whose successive values
are alike is allowed for; where they are very much alike (a correlation of 0.6) and values are few, false breaks are
about twice to four times as frequent as ``level`` says.

A piece holds ``least`` values or more, so that breaks near the ends, and close to one another, are not found.
"""

from __future__ import annotations

from typing import Any, Literal, get_args

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from musyq_lab.analysis._break_search import Found, search
from musyq_lab.analysis.trend import _DAYS_A_YEAR, _times
from musyq_lab.core.errors import InputError

__all__ = ["break_course", "breaks"]

Model = Literal["trend", "level"]
Floats = NDArray[np.float64]

_ROUNDS = 4
_HARMONICS = 3
_VALUES = 2_000_000  # of one block of rows: some ten arrays of 16 MB
_LAYERS = {
    "place": "first value after the break, as a position",
    "low": "earliest position of the break",
    "high": "latest position of the break",
    "shift": "step at the break",
    "slope_before": "slope before the break",
    "slope_after": "slope after the break",
    "p_value": "chance of so strong a break in noise without one",
}


def breaks(
    da: xr.DataArray,
    dim: str = "time",
    *,
    model: Model = "trend",
    most: int = 3,
    level: float = 0.05,
    confidence: float = 0.95,
    least: int | None = None,
    season: bool = True,
) -> xr.Dataset:
    """Return the breaks of every series.

    Parameters
    ----------
    da : xarray.DataArray
        Numpy or dask; NaN for gaps, as which infinite values count, too.
    dim : str
        Dimension along which breaks are looked for: dates, or rising numbers such as years.
    model : {"trend", "level"}
        Whether the series between breaks are straight lines or levels. Levels see a trend as breaks.
    most : int
        Most breaks of a series; a short one is given fewer: one for each 24 (trend) or 16 (level) steps.
    level : float
        Chance with which a series without breaks is given one, within (0, 1).
    confidence : float
        Of the limits of the dates, within (0, 1).
    least : int, optional
        Fewest values between breaks, and before the first and after the last one; 15 % of the steps if not given, with
        6 (trend) or 4 (level) at least.
    season : bool
        Whether a yearly course is taken off (only for dates: two years or more, three steps a year or more).

    Returns
    -------
    xarray.Dataset
        ``count``; along ``break`` (1 to ``most``, in order of time, NaT or NaN where there are fewer) ``date``, which
        is that of the first value after the break, with ``date_low`` and ``date_high``, ``shift`` (units of ``da``),
        ``slope_before`` and ``slope_after`` (per year for dates, else per unit of ``dim``), ``p_value``.

    Raises
    ------
    InputError
        If the dimension is missing, does not rise or is too short, or an option is out of its range.
    """
    setting = _Setting(da, dim, model, most, level, confidence, least, season)
    made = xr.apply_ufunc(
        _layers,
        _whole(da, dim),
        kwargs={"setting": setting},
        input_core_dims=[[dim]],
        output_core_dims=[["break", "layer"]],
        dask="parallelized",
        output_dtypes=[np.float64],
        dask_gufunc_kwargs={"output_sizes": {"break": most, "layer": len(_LAYERS)}},
    )
    return _dressed(made, da, dim, setting)


def break_course(da: xr.DataArray, dim: str = "time", **options: Any) -> xr.Dataset:
    """Return the pieces and the season that :func:`breaks` fits, step by step.

    Parameters
    ----------
    da : xarray.DataArray
        As for :func:`breaks`.
    dim : str
        Dimension of time.
    **options
        Those of :func:`breaks`.

    Returns
    -------
    xarray.Dataset
        ``pieces`` and ``season`` (units of ``da``), dimensions as given; their sum is the fitted course.
    """
    setting = _Setting(da, dim, **options)
    made = xr.apply_ufunc(
        _course,
        _whole(da, dim),
        kwargs={"setting": setting},
        input_core_dims=[[dim]],
        output_core_dims=[[dim], [dim]],
        dask="parallelized",
        output_dtypes=[np.float64, np.float64],
    )
    units = {key: da.attrs[key] for key in ("units",) if key in da.attrs}
    texts = ("straight pieces between breaks", "yearly course")
    layers = {
        name: layer.transpose(*da.dims).assign_attrs(long_name=text, **units)
        for name, layer, text in zip(("pieces", "season"), made, texts, strict=True)
    }
    return xr.Dataset(layers)


class _Setting:
    """What :func:`breaks` is asked for, checked, with the values that follow from it."""

    def __init__(
        self,
        da: xr.DataArray,
        dim: str,
        model: Model = "trend",
        most: int = 3,
        level: float = 0.05,
        confidence: float = 0.95,
        least: int | None = None,
        season: bool = True,
    ) -> None:
        if dim not in da.dims:
            raise InputError(f"breaks(dim={dim!r}) needs that dimension, got {da.dims}. Name the one of time.")
        if model not in get_args(Model):
            raise InputError(f"breaks(model={model!r}) is none. Use one of {', '.join(get_args(Model))}.")
        if not (0 < level < 1 and 0 < confidence < 1 and most >= 1):
            raise InputError(
                f"breaks() needs level and confidence within (0, 1) and most >= 1, got {level}, {confidence}, {most}."
            )
        self.times, self.unit = _times(da, dim)
        self.slope = model == "trend"
        fewest = 6 if self.slope else 4
        self.least = max(fewest, int(0.15 * self.times.size)) if least is None else least
        if self.least < fewest - 2:
            raise InputError(f"breaks(least={least}) is too few for a {model}. Give {fewest - 2} or more.")
        if self.times.size < 2 * self.least:
            raise InputError(
                f"breaks() needs {2 * self.least} steps or more along {dim} for one break of this model, got "
                f"{self.times.size}. Give a longer series, or a smaller least="
            )
        self.most, self.level, self.confidence = most, level, confidence
        # With fewer values a piece more would fit the noise away that breaks are compared with.
        self.tried = max(1, min(most, self.times.size // (8 * (3 if self.slope else 2))))
        self.harmonics = self._harmonics(da, dim) if season else np.zeros((self.times.size, 0))

    def _harmonics(self, da: xr.DataArray, dim: str) -> Floats:
        """Return sine and cosine of the year and its parts (times, 2 k); none where a year has no course."""
        span = self.times[-1] - self.times[0]
        rate = (self.times.size - 1) / span
        if not np.issubdtype(da[dim].dtype, np.datetime64) or span < 1.75 or rate < 2.9:
            return np.zeros((self.times.size, 0))
        days = da[dim].values.astype("datetime64[s]").astype(np.float64) / 86400.0
        count = min(_HARMONICS, int((round(rate) - 1) // 2))
        angle = 2.0 * np.pi * np.outer(days / _DAYS_A_YEAR, np.arange(1, count + 1))
        return np.concatenate([np.sin(angle), np.cos(angle)], axis=1)

    def found(self, rows: Floats) -> tuple[Found, Floats, Floats]:
        """Return breaks, the chance of each, and season of rows of values (rows, times)."""
        options: dict[str, Any] = {"least": self.least, "slope": self.slope, "level": self.level}
        options |= {"confidence": self.confidence, "most": self.tried, "beside": self.harmonics.shape[1]}
        season = _season(rows, self.harmonics, self.times)
        made, chance = search(rows - season, self.times, **options)
        # Each row goes on until its own breaks stay, so that no row depends on its neighbours.
        active = np.arange(len(rows) if self.harmonics.shape[1] else 0)
        for _ in range(_ROUNDS):
            if not active.size:
                break
            season[active] = _season(rows[active] - made.fitted[active], self.harmonics)
            again, chance[active] = search(rows[active] - season[active], self.times, **options)
            moved = (again.place != made.place[active]).any(axis=1)
            for kept, new in zip(made, again, strict=True):
                kept[active] = new
            active = active[moved]
        return made, chance, season


def _whole(da: xr.DataArray, dim: str) -> xr.DataArray:
    return da.chunk({dim: -1}) if da.chunks is not None else da


def _blocks(values: NDArray[Any]) -> tuple[list[Floats], tuple[int, ...]]:
    """Return the series as blocks of rows of a bounded number of values, and the shape without that of time."""
    rows = np.asarray(values, np.float64).reshape(-1, values.shape[-1])
    with np.errstate(invalid="ignore"):
        rows = np.where(np.isfinite(rows), rows, np.nan)
    count = max(1, _VALUES // values.shape[-1])
    return [rows[at : at + count] for at in range(0, len(rows), count)], values.shape[:-1]


def _season(rows: Floats, harmonics: Floats, times: Floats | None = None) -> Floats:
    """Return the yearly course of each row; with times, a straight line is fitted beside it, else a level."""
    if not harmonics.shape[1]:
        return np.zeros_like(rows)
    beside = [np.ones(len(harmonics))] + ([] if times is None else [times - times.mean()])
    basis = np.column_stack([harmonics, *beside])
    known = np.isfinite(rows)
    size = basis.shape[1]
    products = (basis[:, :, None] * basis[:, None, :]).reshape(len(basis), -1)
    normal = (known @ products).reshape(-1, size, size)
    right = np.where(known, rows, 0.0) @ basis
    # Rows with too few values to tell a season keep their normal equations solvable and get next to none.
    normal += 1e-9 * known.shape[1] * np.eye(size)
    weight = np.linalg.solve(normal, right[..., None])[..., 0]
    enough = known.sum(axis=1, keepdims=True) > 2 * size
    return np.where(enough, weight[:, : harmonics.shape[1]] @ harmonics.T, 0.0)


def _layers(values: NDArray[Any], *, setting: _Setting) -> Floats:
    """Return the layers, shape (..., break, layer)."""
    blocks, shape = _blocks(values)
    parts = [np.zeros((0, setting.tried, len(_LAYERS)))]
    for rows in blocks:
        made, chance, _ = setting.found(rows)
        steps = made.after[..., 0] - made.before[..., 0]
        parts.append(
            np.stack([made.place, made.low, made.high, steps, made.before[..., 1], made.after[..., 1], chance], axis=-1)
        )
    whole = np.concatenate(parts)
    whole[whole[..., 0] >= setting.times.size] = np.nan
    whole = np.pad(whole, ((0, 0), (0, setting.most - setting.tried), (0, 0)), constant_values=np.nan)
    return whole.reshape(*shape, *whole.shape[1:])


def _course(values: NDArray[Any], *, setting: _Setting) -> tuple[Floats, Floats]:
    blocks, _ = _blocks(values)
    made = [setting.found(rows) for rows in blocks]
    empty = [np.zeros((0, values.shape[-1]))]
    pieces = np.concatenate([*empty, *(found.fitted for found, _, _ in made)]).reshape(values.shape)
    season = np.concatenate([*empty, *(course for _, _, course in made)]).reshape(values.shape)
    return pieces, season


def _dressed(made: xr.DataArray, da: xr.DataArray, dim: str, setting: _Setting) -> xr.Dataset:
    """Split the layers, turn positions into dates and describe them."""
    units = str(da.attrs.get("units", ""))
    rate = " ".join(
        part for part in (units if units != "1" else "", f"{setting.unit}-1" if setting.unit else "") if part
    )
    layers = {name: made.isel(layer=index, drop=True) for index, name in enumerate(_LAYERS)}
    count = layers["place"].notnull().sum("break").astype(np.int16)
    out = {"count": count.assign_attrs(long_name="breaks of the series", units="1")}
    for name, position in (("date", "place"), ("date_low", "low"), ("date_high", "high")):
        text = _LAYERS[position].replace(", as a position", "").replace("position", "date")
        out[name] = _dates(layers[position], da[dim].values).assign_attrs(long_name=text)
    own = {"shift": units, "slope_before": rate or "1", "slope_after": rate or "1", "p_value": "1"}
    for name, unit in own.items():
        out[name] = layers[name].assign_attrs({"long_name": _LAYERS[name]} | ({"units": unit} if unit else {}))
    for name in ("date_low", "date_high"):
        out[name].attrs["confidence"] = setting.confidence
    return xr.Dataset(out).assign_coords({"break": np.arange(1, setting.most + 1)})


def _dates(position: xr.DataArray, labels: NDArray[Any]) -> xr.DataArray:
    """Return the labels at positions, none where there is none."""
    dates = np.issubdtype(labels.dtype, np.datetime64)
    nothing = np.datetime64("NaT") if dates else np.nan
    table = np.append(labels if dates else labels.astype(np.float64), nothing)
    # A break lies before the last step, its limits may reach the end of the series.
    last = labels.size - 1

    def at(values: NDArray[Any]) -> NDArray[Any]:
        known = np.isfinite(values)
        return np.asarray(table[np.where(known, np.clip(np.nan_to_num(values), 0, last), labels.size).astype(np.int64)])

    made: xr.DataArray = xr.apply_ufunc(at, position, dask="parallelized", output_dtypes=[table.dtype])
    return made
