"""Classifiers of land cover: forests grown on dated ground points, and what they say of a block of series."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, lru_cache
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from musyq_lab.core.errors import InputError
from musyq_lab.core.resources import resource
from musyq_lab.kernels.forest import LEAF, vote
from musyq_lab.products._features import LEAST, names_of, series_features
from musyq_lab.products._legends import legend

__all__ = ["Classifier", "default_classifier", "grow", "shipped_classifier", "train"]

Array = NDArray[Any]

TREES = 100
"""Trees of a forest: the error of the mean of their votes is a tenth of their spread."""
LEAF_POINTS = 3
"""Least points of a leaf."""
SEED = 20260
_FOLDS = 5
_NOISE, _GAPS = 0.02, 0.25  # given to the shipped series: error of an index, share of missing dates
_FILL = -32768
_BLOCK = 0.02  # deg: points closer than this share their fate in cross-validation


@dataclass(frozen=True, eq=False)
class Classifier:
    """A forest that knows classes by the features of a year; picklable, without scikit-learn."""

    classes: Mapping[int, str]
    """Number and name of each class."""
    inputs: tuple[str, ...]
    """Series it looks at, in the order of its features."""
    first_month: int
    """Month with which its years begin."""
    nodes: tuple[Array, ...] = field(repr=False)
    """Roots, nodes and shares of the leaves, as in :func:`musyq_lab.kernels.forest.vote`."""
    range: Array = field(repr=False)
    """Lowest and highest value of each feature in training, (2, feature)."""
    confusion: Array = field(repr=False)
    """Points out of their fold: rows are predicted classes, columns true ones, in the order of ``classes``."""

    @property
    def accuracy(self) -> float:
        """Share of points that are classified rightly when neither they nor their neighbours were trained on."""
        total = self.confusion.sum()
        return float(np.trace(self.confusion) / total) if total else float("nan")

    @property
    def features(self) -> tuple[str, ...]:
        """Names of the features."""
        return names_of(self.inputs)

    def shares(self, features: Array) -> tuple[Array, Array]:
        """Return mean share of each class over the trees and mean of its square, (..., class)."""
        x = np.ascontiguousarray(features, np.float32).reshape(-1, features.shape[-1])
        mean, square = vote(x, *self.nodes)
        shape = (*features.shape[:-1], len(self.classes))
        return mean.reshape(shape), square.reshape(shape)

    def predict(self, features: Array) -> Array:
        """Return the class of features, (..., feature) -> (...); NaN where a feature is missing."""
        mean, _ = self.shares(features)
        numbers = np.array(list(self.classes), np.float64)
        known = np.isfinite(mean[..., 0])
        return np.where(known, numbers[np.argmax(np.nan_to_num(mean), axis=-1)], np.nan)

    def unlike(self, features: Array) -> Array:
        """Return the share of features outside the range of the training, (...)."""
        low, high = self.range
        return np.asarray(((features < low) | (features > high)).mean(axis=-1))

    def __dask_tokenize__(self) -> tuple[Any, ...]:
        """Everything that decides on a result."""
        return ("musyq_lab.Classifier", self.digest)

    @cached_property
    def digest(self) -> str:
        """Fingerprint of the forest, its classes and its inputs."""
        found = hashlib.sha256(repr((dict(self.classes), self.inputs, self.first_month)).encode())
        for array in (*self.nodes, self.range):
            found.update(np.ascontiguousarray(array).tobytes())
        return found.hexdigest()[:16]

    def __str__(self) -> str:
        """Name it in the history of what it makes."""
        names = ", ".join(self.classes.values())
        return f"forest {self.digest} of {'+'.join(self.inputs)} for {names}; cross-validated {self.accuracy:.3f}"

    def __repr__(self) -> str:
        """Say what it knows."""
        return f"<Classifier {self}>"


def grow(
    features: Array,
    labels: Array,
    groups: Array,
    *,
    classes: Mapping[int, str],
    inputs: Sequence[str],
    first_month: int = 1,
    seed: int = SEED,
    validate: bool = True,
) -> Classifier:
    """Grow a forest on features.

    Parameters
    ----------
    features : array, shape (point, feature)
        In the order of :func:`musyq_lab.products._features.names_of`.
    labels : array of int, shape (point,)
        Class of each point.
    groups : array, shape (point,)
        Place of each point: points of one place are never in training and test at once.
    classes : mapping of int to str
        All classes, in the order of the result.
    inputs : sequence of str
        Series that the features describe.
    first_month : int
        Month with which a year begins.
    seed : int
        Same seed, same forest.
    validate : bool
        Whether to cross-validate.

    Raises
    ------
    InputError
        If fewer than two classes or places are left.
    """
    complete = np.isfinite(features).all(axis=1)
    x, y, places = features[complete], np.asarray(labels)[complete], np.asarray(groups)[complete]
    found = sorted(set(y.tolist()))
    if len(found) < 2:
        raise InputError(f"A classifier needs points of two classes with {LEAST} values a year; got {found}.")
    numbers = np.array(list(classes))
    confusion = np.zeros((numbers.size, numbers.size), np.int64)
    if validate:
        confusion += _out_of_fold(x, y, places, numbers.tolist(), seed)
    nodes = _nodes(_forest(seed).fit(x, y), numbers)
    limits = np.stack([x.min(axis=0), x.max(axis=0)])
    return Classifier(dict(classes), tuple(inputs), first_month, nodes, limits, confusion)


def _out_of_fold(x: Array, y: Array, places: Array, numbers: list[int], seed: int) -> Array:
    """Return the confusion of points whose place was left out of the training; rows are predicted classes."""
    from sklearn.model_selection import StratifiedGroupKFold

    confusion = np.zeros((len(numbers), len(numbers)), np.int64)
    folds = min(_FOLDS, np.unique(places).size)
    if folds > 1:
        parts = StratifiedGroupKFold(folds, shuffle=True, random_state=seed).split(x, y, places)
        for known, asked in parts:
            said = _forest(seed).fit(x[known], y[known]).predict(x[asked])
            for a, b in zip(said.tolist(), y[asked].tolist(), strict=True):
                confusion[numbers.index(a), numbers.index(b)] += 1
    return confusion


def _forest(seed: int) -> Any:
    from sklearn.ensemble import RandomForestClassifier

    return RandomForestClassifier(
        TREES, min_samples_leaf=LEAF_POINTS, class_weight="balanced_subsample", random_state=seed, n_jobs=1
    )


def _nodes(model: Any, numbers: Array) -> tuple[Array, ...]:
    """Return the trees of a fitted forest as arrays: scikit-learn stores the left child right behind its parent."""
    column = np.searchsorted(numbers, model.classes_)
    roots, features, thresholds, others, shares = [], [], [], [], []
    first, leaves = 0, 0
    for tree in (estimator.tree_ for estimator in model.estimators_):
        leaf = tree.children_left < 0
        if not (tree.children_left[~leaf] == np.flatnonzero(~leaf) + 1).all():
            raise AssertionError("A left child does not follow its parent.")
        roots.append(first)
        features.append(np.where(leaf, LEAF, tree.feature))
        thresholds.append(np.where(leaf, 0.0, tree.threshold))
        others.append(np.where(leaf, leaves + np.cumsum(leaf) - 1, tree.children_right + first))
        share = np.zeros((int(leaf.sum()), numbers.size))
        value = tree.value[leaf, 0, :]
        share[:, column] = value / value.sum(axis=1, keepdims=True)
        shares.append(share)
        first, leaves = first + tree.node_count, leaves + int(leaf.sum())
    # float32 holds node numbers below 2^24 exactly, and trees of scikit-learn compare float32 features.
    rows = np.stack([np.concatenate(part) for part in (features, thresholds, others)], axis=1)
    return tuple(np.asarray(a, np.float32) for a in (roots, rows, np.concatenate(shares)))


def train(
    series: xr.Dataset,
    points: pd.DataFrame,
    *,
    inputs: Sequence[str] | None = None,
    classes: Mapping[int, str] | None = None,
    seed: int = SEED,
) -> Classifier:
    """Train a classifier of land cover on dated ground points.

    Parameters
    ----------
    series : xarray.Dataset
        Series (``time`` and two dimensions of place) of ``ndvi``, ``evi`` or reflectance.
    points : pandas.DataFrame
        One row a point: ``longitude`` and ``latitude`` in degrees, ``label`` (name or number of the class), and the
        stretch of a year that it holds for: ``start`` (first day), or ``year``.
    inputs : sequence of str, optional
        Which series to look at; all of the dataset that have a time by default.
    classes : mapping of int to str, optional
        Numbers and names of the classes. By default IGBP's where the labels are its names or numbers, else 1, 2, ...
        in the order of the names.
    seed : int
        Same seed, same forest.

    Returns
    -------
    Classifier
        For ``ml.retrieve("land_cover", series, classifier=...)``; ``.accuracy`` and ``.confusion`` are out of fold,
        with points of the same 0.02 degrees never on both sides. Points beyond the map are left out.

    Raises
    ------
    InputError
        If a column is missing, a label unknown, or too few points remain.
    """
    names = tuple(inputs or (str(n) for n, a in series.data_vars.items() if "time" in a.dims))
    if missing := [c for c in ("longitude", "latitude", "label") if c not in points]:
        raise InputError(f"train() needs columns longitude, latitude, label, and start or year; {missing} are missing.")
    if not names or (absent := [n for n in names if n not in series]):
        raise InputError(f"train() needs series along time; the dataset has no {absent if names else 'such variable'}.")
    numbers, legend_of = _labels(points["label"], classes)
    begin = _starts(points)
    rows = _point_features(series[list(names)], points, begin)
    block = np.floor(points[["longitude", "latitude"]].to_numpy(float) / _BLOCK)
    _, groups = np.unique(block, axis=0, return_inverse=True)
    month = int(np.bincount(begin.astype("datetime64[M]").astype(int) % 12 + 1).argmax())
    return grow(rows, numbers, groups.ravel(), classes=legend_of, inputs=names, first_month=month, seed=seed)


def _point_features(series: xr.Dataset, points: pd.DataFrame, begin: NDArray[np.datetime64]) -> Array:
    """Return the features of the year that begins at each point's date, (point, feature)."""
    chosen = _at_points(series, points)
    time = series["time"].values.astype("datetime64[s]").astype(np.float64) / 86400.0
    month = begin.astype("datetime64[M]")
    end = (month + 12).astype("datetime64[D]") + (begin - month.astype("datetime64[D]"))
    rows = [
        series_features({n: a[k] for n, a in chosen.items()}, time, [b.astype(int)], [e.astype(int)])[0][0]
        for k, (b, e) in enumerate(zip(begin, end, strict=True))
    ]
    return np.array(rows)


def _labels(labels: pd.Series[Any], classes: Mapping[int, str] | None) -> tuple[Array, Mapping[int, str]]:
    """Return the class number of each label, and the classes."""
    if labels.isna().any():
        raise InputError(f"train() needs a label for every point; {int(labels.isna().sum())} have none.")
    # A column that once held gaps has its whole numbers as floats.
    texts = [str(int(x)) if isinstance(x, float) and x.is_integer() else str(x) for x in labels]
    known = classes or legend("igbp")
    number = {**{name: n for n, name in known.items()}, **{str(n): n for n in known}}
    if classes is None and not set(texts) <= set(number):
        known = dict(enumerate(sorted(set(texts)), start=1))
        number = {name: n for n, name in known.items()}
    if unknown := sorted(set(texts) - set(number)):
        raise InputError(f"train() finds labels {unknown} that are none of the classes {dict(known)}.")
    return np.array([number[x] for x in texts]), known


def _starts(points: pd.DataFrame) -> NDArray[np.datetime64]:
    if "start" in points:
        return points["start"].to_numpy("datetime64[D]")
    if "year" in points:
        return np.array([f"{int(y):04d}-01-01" for y in points["year"]], "datetime64[D]")
    raise InputError("train() needs a column start (first day of the year that a point holds for) or year.")


def _at_points(series: xr.Dataset, points: pd.DataFrame) -> dict[str, Array]:
    """Return the series of the nearest cell of each point, (point, time) by input."""
    if {"longitude", "latitude"} <= set(series.indexes):
        where = {"longitude": points["longitude"].to_numpy(float), "latitude": points["latitude"].to_numpy(float)}
    elif {"x", "y"} <= set(series.indexes):
        import rioxarray  # noqa: F401  (the accessor .rio)
        from pyproj import Transformer

        if series.rio.crs is None:
            raise InputError("train() cannot place the points: the series have x and y but no CRS. Use .rio.write_crs.")
        turn = Transformer.from_crs("EPSG:4326", series.rio.crs, always_xy=True)
        x, y = turn.transform(points["longitude"].to_numpy(float), points["latitude"].to_numpy(float))
        where = {"x": x, "y": y}
    else:
        raise InputError(f"train() needs series over longitude and latitude, or x and y; got {dict(series.sizes)}.")
    index = {name: ("point", np.asarray(value)) for name, value in where.items()}
    found = series.sel({name: xr.DataArray(v, dims=d) for name, (d, v) in index.items()}, method="nearest").load()
    on_map = np.logical_and.reduce([_within(series[name].values, v) for name, (_, v) in index.items()])
    # Points beyond the map must not learn from its edge.
    found = found.where(xr.DataArray(on_map, dims="point"))
    return {str(n): a.transpose("point", "time").values for n, a in found.data_vars.items()}


def _within(centres: Array, places: Array) -> Array:
    """Tell which places are at most a cell beyond the outermost centres; one cell alone tells no size."""
    if centres.size < 2:
        return np.ones(places.shape, bool)
    step = np.abs(np.diff(centres)).max()
    return np.asarray((places >= centres.min() - step) & (places <= centres.max() + step))


@lru_cache(maxsize=4)
def default_classifier(inputs: tuple[str, ...] = ("ndvi", "evi")) -> Classifier:
    """Return the classifier that ships: IGBP classes, grown at first use on series of the simulated Earth.

    Parameters
    ----------
    inputs : tuple of str
        ``("ndvi",)`` or ``("ndvi", "evi")``.
    """
    with np.load(resource("catalogs/land_cover/training.npz")) as table:
        rows = {name: table[name] for name in table.files}
    return shipped_classifier(rows, inputs)


def shipped_classifier(rows: Mapping[str, Any], inputs: tuple[str, ...], *, validate: bool = False) -> Classifier:
    """Grow a classifier on the shipped series, with noise and gaps as observations have them.

    Parameters
    ----------
    rows : mapping
        Arrays of ``catalogs/land_cover/training.npz``.
    inputs : tuple of str
        Which series.
    validate : bool
        Whether to cross-validate by place anew, instead of taking the confusion that the table holds.
    """
    draw = np.random.Generator(np.random.Philox(SEED))
    shape = rows["ndvi"].shape
    # Errors and gaps of both indices come from the same reflectances.
    noise, seen = draw.standard_normal(shape), draw.random(shape) >= _GAPS
    given = {}
    for name in inputs:
        values = rows[name] * float(rows["scale"]) + _NOISE * noise
        given[name] = np.where(seen & (rows[name] > _FILL), values, np.nan)
    start = float(np.datetime64("2018-01-01", "D").astype(int))
    time = start - 1.0 + rows["day"]
    features = series_features(given, time, [start], [start + 365.0])[0][:, 0]
    made = grow(features, rows["land_cover"], rows["place"], classes=legend("igbp"), inputs=inputs, validate=validate)
    confusion = rows.get("confusion_" + "_".join(inputs), made.confusion)
    return made if validate else replace(made, confusion=np.asarray(confusion, np.int64))
