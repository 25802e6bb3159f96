"""The vegetation of each class: within what its sources allow, apart in both sets, unchangeable."""

from dataclasses import FrozenInstanceError, astuple, fields

import pytest

from musyq_lab.twin._species import MEMBERS, OFFSETS, WHEAT, Species, offset, species

GROWING = [n for n in range(1, 18) if n not in (15, 17)]
# Mean and standard deviation of leaf area by biome: Asner, Scurlock & Hicke 2003, table 2 (doi
# 10.1046/j.1466-822X.2003.00026.x), quoted from memory, for matching IGBP classes
ASNER = {2: (4.8, 1.7), 3: (4.6, 2.4), 4: (5.1, 1.6), 7: (2.1, 1.6), 10: (1.7, 1.2), 11: (6.3, 2.3), 12: (3.6, 2.1)}


@pytest.mark.parametrize("number", ASNER)
def test_leaf_area_is_within_a_deviation_of_its_biome(number):
    mean, deviation = ASNER[number]
    assert abs(species(number).lai - mean) <= deviation + 0.05


@pytest.mark.parametrize("members", MEMBERS)
@pytest.mark.parametrize("number", GROWING)
def test_leaves_are_those_of_the_training_base(number, members):
    """Weiss, Baret & Jay 2020: N 1.2 to 1.8, Cab 20 to 90, leaf water 60 to 85 % of fresh mass; needles are drier."""
    kind = species(number, members)
    assert 1.2 <= kind.n <= 1.8
    assert 20 <= kind.cab <= 90
    assert 0.003 <= kind.cm <= (0.03 if number == 1 else 0.011)
    assert 0.595 <= kind.water_share <= 0.85
    assert 0.5 < kind.clumping <= 1
    assert 30 <= kind.leaf_angle <= 75


@pytest.mark.parametrize("number", GROWING)
def test_the_sets_differ_in_every_offset_and_nothing_else(number):
    one, other = species(number), species(number, "scored")
    for field in fields(Species):
        same = getattr(one, field.name) == getattr(other, field.name)
        assert same == (field.name not in OFFSETS) or (field.name == "n" and one.n == 1.8), field.name


@pytest.mark.parametrize("number", [15, 17])
def test_bare_classes_are_bare_in_both_sets(number):
    assert species(number) == species(number, "scored")
    assert species(number).lai == species(number).height == 0.0


def test_bounds_hold_after_the_offset():
    thick = Species(3.0, 0.5, 0.98, 5.0, n=1.75)
    moved = offset(thick, "scored")
    assert (moved.n, moved.clumping) == (1.8, 1.0)
    assert moved.lai == pytest.approx(2.64)


def test_wheat_ripens_at_once_and_keeps_no_leaf():
    assert WHEAT.evergreen == 0.0
    assert WHEAT.fall > WHEAT.rise
    assert offset(WHEAT, "scored") != WHEAT


def test_a_vegetation_cannot_be_changed():
    with pytest.raises(FrozenInstanceError):
        species(1).lai = 9.0
    assert species(1) is species(1)
    assert len(astuple(species(1))) == 16
