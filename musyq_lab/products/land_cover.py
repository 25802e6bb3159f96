r"""Land cover: the class of each year, from the course of vegetation indices through it.

Features of a year (percentiles, mean, deviation and three harmonics of each series, by least squares through the
observations that are there) are put to a forest of decision trees; the class of the largest mean share of votes is
given,

.. math:: c = \arg\max_k \bar p_k, \qquad \bar p_k = \frac{1}{T} \sum_{t=1}^{T} p_{kt}

with :math:`p_{kt}` the share of class k in the leaf that tree t leads to, and :math:`\bar p_c` its probability. Its
uncertainty is the error of a mean over the T trees: it says how far another forest on the same points would differ,
not whether the points were right.

The classifier that ships knows the 17 classes of IGBP from the simulated Earth (``catalogs/land_cover``): it shows how
the method works, and is no substitute for ground points of the area. ``classifier=`` takes one trained on those
(``train`` of :mod:`musyq_lab.products._classifier`); one of other classes than IGBP's is called itself with the series.
The programme's own training samples and its 42 classes by climate zone are not public. Water, towns, snow and barren
ground have no course of their own: indices alone tell them badly apart.

``consistency`` above 0 smooths the sequence of years: the likeliest path through the classes if each stays from one
year to the next with that probability (Viterbi). Years then depend on one another.

References: Breiman 2001 (forests), Friedl et al. 2010 (MCD12Q1), Abercrombie & Friedl 2016 (sequence of years).
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from musyq_lab.core.errors import InputError
from musyq_lab.core.quality import Flag
from musyq_lab.core.spec import Input, Method, Product, Variable
from musyq_lab.kernels.forest import sequence
from musyq_lab.products._classifier import Classifier, default_classifier
from musyq_lab.products._features import LEAST, series_features, year_bounds
from musyq_lab.products._last import Last
from musyq_lab.products._legends import legend
from musyq_lab.products._retrieval import Retrieval, retrieval

Array = NDArray[Any]

# Red follows from near infrared and NDVI.
_BANDS = ("blue", "green", "nir", "swir1", "swir2")
_SERIES = ("ndvi", "evi", *(f"reflectance_{band}" for band in _BANDS))
_SHIPPED = ("ndvi", "evi")
_CONFIDENT = 0.5  # half of the votes: no other class can have more
_UNLIKE = 0.2  # share of features beyond the training from which a forest extrapolates


def _class_variable(name: str, text: str) -> Variable:
    return Variable(
        name,
        text,
        "1",
        standard_name="area_type" if name == "land_cover" else "",
        valid_range=(1, 17),
        dtype="uint8",
        fill=255,
        colour_map="tab20",
        classes=tuple(legend("igbp").items()),
    )


SPEC = Product(
    key="land_cover",
    title="Land cover",
    variables=(
        _class_variable("land_cover", "land cover class (IGBP)"),
        Variable(
            "land_cover_probability",
            "share of the trees' votes for the class",
            "1",
            valid_range=(0.0, 1.0),
            scale=1e-4,
        ),
        _class_variable("second_land_cover", "class with the second largest share of votes (IGBP)"),
    ),
    inputs=(
        Input("ndvi", source="product:vi"),
        *(Input(name, optional=True) for name in _SERIES[1:]),
    ),
    editions=("1km", "30m"),
    support="yearly",
    methods=(
        Method(
            "random_forest",
            title="Random forest on percentiles and harmonics of a year; shipped classifier trained on the simulated "
            "Earth, not on ground points; the programme's own samples are not public",
            references=("10.1023/A:1010933404324",),
        ),
    ),
    flags=(
        Flag(8, "few_observations", f"a series has fewer than {LEAST} observations in the year, so there is no class"),
        Flag(9, "low_confidence", "the class has less than half of the votes"),
        Flag(10, "outside_training", "a fifth or more of the features lie outside what the classifier was trained on"),
        Flag(11, "changed_by_consistency", "the class was changed to agree with the years before and after"),
    ),
    references=("10.1023/A:1010933404324", "10.1016/j.rse.2009.08.016", "10.1109/TGRS.2015.2463689"),
)


def _chosen(classifier: Any, series: dict[str, Array]) -> Classifier:
    """Return the classifier, the one that ships by default, if it fits what is there."""
    if classifier is None:
        return default_classifier(tuple(name for name in _SHIPPED if name in series))
    if not isinstance(classifier, Classifier):
        raise InputError(f'retrieve("land_cover") takes a Classifier made by train(), got {type(classifier).__name__}.')
    if missing := [name for name in classifier.inputs if name not in series]:
        raise InputError(f'retrieve("land_cover") needs {missing} for this classifier, which looks at them.')
    return classifier


def _arrays(given: dict[str, Any]) -> dict[str, Array]:
    """Return the series among what a function is given."""
    return {name: given[name] for name in _SERIES if name in given}


class _Votes(NamedTuple):
    """What the forest says of the features, each array (..., year)."""

    classifier: Classifier
    mean: Array
    """(..., year, class) mean share of each class."""
    square: Array
    """(..., year, class) mean of its square."""
    number: Array
    """Observations of the series that has fewest."""
    unlike: Array
    """Share of features beyond the training."""


@Last
def _votes(classifier: Classifier | None, series: dict[str, Array], time: Array, years: tuple[int, ...]) -> _Votes:
    chosen = _chosen(classifier, series)
    begin, end = year_bounds(years, chosen.first_month)
    features, number = series_features({name: series[name] for name in chosen.inputs}, time, begin, end)
    return _Votes(chosen, *chosen.shares(features), number, chosen.unlike(features))


def _best(shares: Array, consistency: float) -> tuple[Array, Array, Array]:
    """Return the position of the class, that of the largest share, and of the largest of the others; (..., year)."""
    known = np.isfinite(shares[..., 0])
    filled = np.where(known[..., None], shares, -1.0)
    first = np.argmax(filled, axis=-1)
    best = first
    if consistency > 0.0:
        path = sequence(np.ascontiguousarray(shares), consistency)
        best = np.where(known, np.nan_to_num(path), first).astype(np.intp)
    others = filled.copy()
    np.put_along_axis(others, best[..., None], -2.0, axis=-1)
    return best, first, np.argmax(others, axis=-1)


def _check(consistency: float) -> float:
    if not 0.0 <= consistency < 1.0:
        raise InputError(f'retrieve("land_cover") takes consistency within [0, 1), got {consistency!r}.')
    return float(consistency)


def _classify(
    *,
    time: Array,
    years: tuple[int, ...],
    variables: tuple[str, ...],
    classifier: Classifier | None = None,
    consistency: float = 0.0,
    **series: Array,
) -> Any:
    """Class, its probability and the second class of each year, by a classifier of any classes."""
    votes = _votes(classifier, series, time, years)
    mean = votes.mean
    best, _, second = _best(mean, _check(consistency))
    known, numbers = np.isfinite(mean[..., 0]), np.array(list(votes.classifier.classes), np.float64)
    made = {
        "land_cover": numbers[best],
        "land_cover_probability": np.take_along_axis(mean, best[..., None], axis=-1)[..., 0],
        "second_land_cover": numbers[second],
    }
    dtype = np.result_type(*(x.dtype for x in series.values()))
    return [np.where(known, made[name], np.nan).astype(dtype) for name in variables]


def _bits(
    *,
    time: Array,
    years: tuple[int, ...],
    classifier: Classifier | None,
    consistency: float,
    **series: Any,
) -> dict[str, Array]:
    """Return where each of the product's own bits holds."""
    votes = _votes(classifier, _arrays(series), time, years)
    best, first, _ = _best(votes.mean, consistency)
    share = np.take_along_axis(votes.mean, best[..., None], axis=-1)[..., 0]
    return {
        "few_observations": votes.number < LEAST,
        "low_confidence": share < _CONFIDENT,
        "outside_training": votes.unlike >= _UNLIKE,
        "changed_by_consistency": best != first,
    }


def _sigmas(
    *,
    time: Array,
    years: tuple[int, ...],
    variables: tuple[str, ...],
    classifier: Classifier | None,
    consistency: float,
    **series: Array,
) -> list[Array]:
    """Return the error of the mean over the trees for the probability, 0 for classes."""
    votes = _votes(classifier, _arrays(series), time, years)
    best, _, _ = _best(votes.mean, consistency)
    m, s = (np.take_along_axis(x, best[..., None], axis=-1)[..., 0] for x in (votes.mean, votes.square))
    error = np.sqrt(np.maximum(s - m * m, 0.0) / votes.classifier.nodes[0].size)
    return [error if name == "land_cover_probability" else np.zeros_like(error) for name in variables]


@retrieval(SPEC, quality=_bits, uncertainty=_sigmas)
def land_cover(
    *,
    time: Array,
    years: tuple[int, ...],
    variables: tuple[str, ...],
    classifier: Classifier | None = None,
    consistency: float = 0.0,
    **series: Array,
) -> Any:
    """Class, its probability and the second class of each year.

    Options: ``classifier``, made by ``train`` on ground points (the shipped one by default, on NDVI and, where there,
    EVI); ``consistency``, probability with which a class stays from one year to the next (0: each year for itself). A
    classifier's years begin with the month of its points; a year is labelled by the one it begins in.
    """
    if classifier is not None and not set(classifier.classes.items()) <= set(legend("igbp").items()):
        raise InputError(
            'retrieve("land_cover") gives IGBP classes; this classifier has its own. Use '
            "musyq_lab.products.land_cover.with_own_classes(classifier)(series)."
        )
    return _classify(
        time=time, years=years, variables=variables, classifier=classifier, consistency=consistency, **series
    )


def with_own_classes(classifier: Classifier) -> Retrieval:
    """Return the retrieval of land cover with the classes of a classifier in place of IGBP's.

    Parameters
    ----------
    classifier : Classifier
        From ``train``.

    Returns
    -------
    Retrieval
        Called as ``ml.retrieve.land_cover``: with the series, ``variables``, ``consistency`` and so on.
    """
    classes = tuple(classifier.classes.items())
    numbers = [number for number, _ in classes]
    own = tuple(
        replace(
            v,
            long_name=v.long_name.replace("IGBP", "own legend"),
            classes=classes,
            valid_range=(min(numbers) - 0.5, max(numbers) + 0.5),
        )
        if v.classes
        else v
        for v in SPEC.variables
    )
    spec = replace(SPEC, variables=own)
    return Retrieval(spec, partial(_classify, classifier=classifier), _bits, _sigmas)
