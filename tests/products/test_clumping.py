"""Clumping index by land cover: order of the covers, bounds, and the set that was read."""

import numpy as np
import pytest

from musyq_lab.products._clumping import clumping_of, clumping_uncertainty

PLANTS = np.array([k for k in range(1, 17) if k != 15])


def test_leaves_are_clumped_but_not_to_one_heap():
    values = clumping_of(PLANTS)
    assert ((values > 0.5) & (values < 0.9)).all()


def test_needles_are_more_clumped_than_broad_leaves_and_those_than_grass_and_crops():
    assert clumping_of(1) < clumping_of(2) < clumping_of(10)
    assert clumping_of(3) < clumping_of(4) < clumping_of(12)
    assert clumping_of([1, 2, 3, 4, 5]).max() < clumping_of([6, 7, 10, 12]).min()


def test_a_mixed_forest_lies_among_its_parts():
    parts = clumping_of([1, 2, 3, 4])
    assert parts.min() <= clumping_of(5) <= parts.max()


@pytest.mark.parametrize("bare", [15, 17, 0, 255])
def test_where_nothing_grows_there_is_no_clumping(bare):
    assert np.isnan(clumping_of(bare))
    assert np.isnan(clumping_uncertainty(bare))


def test_the_stated_error_covers_the_other_published_set():
    ours, theirs = clumping_of(PLANTS), clumping_of(PLANTS, "beps")
    both = np.isfinite(theirs)
    away = np.abs(ours - theirs)[both] / clumping_uncertainty(PLANTS)[both]
    assert both.sum() == 9
    assert away.max() <= 2.2
    assert np.sqrt(np.mean(away**2)) < 1.5


@pytest.mark.parametrize(
    ("land_cover", "value"), [(1, 0.6), (2, 0.8), (3, 0.6), (4, 0.8), (5, 0.7), (6, 0.5), (10, 0.85), (12, 0.85)]
)
def test_numbers_of_the_beps_model(land_cover, value):
    """A public copy of readb.c of BEPS, b[51] by land cover."""
    assert clumping_of(land_cover, "beps") == value


def test_kept_in_the_type_of_the_map():
    assert clumping_of(PLANTS.astype("float32")).dtype == np.float32
