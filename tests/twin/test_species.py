"""Vegetation of the classes: complete, inside published ranges, and other in the scored set."""

import pytest

from musyq_lab.core.errors import InputError
from musyq_lab.twin._species import MEMBERS, OFFSETS, WHEAT, offset, species
from musyq_lab.twin.cover import IGBP

VEGETATED = [number for number in IGBP if number not in (15, 17)]

# Mean and standard deviation of LAI (Asner et al. 2003, as in its abstract: deserts and plantations bound all biomes).
DESERT, PLANTATION = (1.3, 0.9), (8.7, 4.3)


@pytest.mark.parametrize("members", MEMBERS)
@pytest.mark.parametrize("number", IGBP)
def test_every_class_is_in_range(number, members):
    kind = species(number, members)
    assert 0 <= kind.lai <= PLANTATION[0]
    assert 0.5 <= kind.clumping <= 1
    assert 0 <= kind.height <= 40
    assert 0 <= kind.evergreen <= 1
    assert 30 <= kind.leaf_angle <= 80  # ATBD 2.1
    assert 0.05 <= kind.hotspot <= 0.5
    assert 1.2 <= kind.n <= 1.8
    assert 20 <= kind.cab <= 90
    assert 0.003 <= kind.cm <= 0.015
    assert 0.59 <= kind.water_share <= 0.85


@pytest.mark.parametrize("number", [15, 17])
@pytest.mark.parametrize("members", MEMBERS)
def test_nothing_grows_on_ice_and_water(number, members):
    assert species(number, members).lai == 0
    assert species(number, members).clumping == 1


def test_desert_is_the_sparsest_and_rain_forest_the_densest():
    lai = {number: species(number).lai for number in VEGETATED}
    assert min(lai, key=lai.get) == 16
    assert max(lai, key=lai.get) == 2
    assert lai[16] < DESERT[0] - DESERT[1] + 0.1


def test_needles_clump_most():
    assert species(1).clumping == min(species(n).clumping for n in VEGETATED)


@pytest.mark.parametrize("number", VEGETATED)
def test_the_scored_set_is_another(number):
    first, second = species(number), species(number, "scored")
    for name in OFFSETS:
        assert getattr(first, name) != getattr(second, name), name
    assert second.lai == pytest.approx(0.88 * first.lai)
    for name in ("height", "base", "delay", "rise", "evergreen"):
        assert getattr(first, name) == getattr(second, name)


def test_offset_is_documented_arithmetic():
    moved = offset(WHEAT, "scored")
    for name, (how, by) in OFFSETS.items():
        before = getattr(WHEAT, name)
        assert getattr(moved, name) == pytest.approx(before * by if how == "times" else before + by)


@pytest.mark.parametrize("number", [0, 18, -1])
def test_an_unknown_class_is_refused(number):
    with pytest.raises(InputError, match="1 to 17"):
        species(number)


def test_an_unknown_set_is_refused():
    with pytest.raises(InputError, match="training"):
        species(12, "secret")
