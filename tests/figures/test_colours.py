"""Ramps are even in lightness, in order in grey, and told apart by colour-blind readers."""

import numpy as np
import pytest

from musyq_lab.core.errors import InputError, NotFoundError
from musyq_lab.figures.colours import RAMPS, class_colours


def rgb(colours):
    return np.array([[int(c[i : i + 2], 16) / 255 for i in (1, 3, 5)] for c in colours])


def linear(values):
    return np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)


def cielab(values):
    """CIE 1976 L*a*b* under D65, written from its definition: another space than the ramps were made in."""
    to_xyz = np.array(
        [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.072175], [0.0193339, 0.119192, 0.9503041]]
    )
    xyz = linear(values) @ to_xyz.T / [0.95047, 1.0, 1.08883]
    f = np.where(xyz > (6 / 29) ** 3, np.cbrt(xyz), xyz * (29 / 6) ** 2 / 3 + 4 / 29)
    return np.stack([116 * f[:, 1] - 16, 500 * (f[:, 0] - f[:, 1]), 200 * (f[:, 1] - f[:, 2])], axis=1)


# Deuteranopia and protanopia at full severity: Machado, Oliveira and Fernandes (2009), doi 10.1109/TVCG.2009.113.
BLINDNESS = {
    "deuteranopia": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.01182, 0.04294, 0.968881]],
    "protanopia": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
}


@pytest.mark.parametrize("name", RAMPS)
@pytest.mark.parametrize("count", [5, 8])
def test_lightness_falls_in_even_steps(name, count):
    lightness = cielab(rgb(class_colours(name, count)))[:, 0]
    steps = -np.diff(lightness)
    assert steps.min() > 0.55 * steps.mean()
    assert steps.max() < 1.45 * steps.mean()


@pytest.mark.parametrize("name", RAMPS)
@pytest.mark.parametrize("blindness", BLINDNESS)
def test_neighbours_differ_for_colour_blind_readers(name, blindness):
    seen = np.clip(linear(rgb(class_colours(name, 8))) @ np.array(BLINDNESS[blindness]).T, 0, 1)
    encoded = np.where(seen <= 0.0031308, 12.92 * seen, 1.055 * seen ** (1 / 2.4) - 0.055)
    distance = np.linalg.norm(np.diff(cielab(encoded), axis=0), axis=1)
    assert distance.min() > 6.0  # the eye tells about 2.3 apart side by side


def test_maps_of_different_variables_look_different():
    ends = {class_colours(name, 8)[-1] for name in RAMPS}
    assert len(ends) == len(RAMPS)


@pytest.mark.parametrize("name", ["jet", "rainbow", "jet_r", "turbo"])
def test_rainbows_are_refused(name):
    with pytest.raises(InputError, match="rainbow"):
        class_colours(name, 6)


def test_maps_of_matplotlib_work():
    assert len(set(class_colours("cividis", 6))) == 6


def test_an_unknown_map_is_told():
    with pytest.raises(NotFoundError, match="musyq_radiation"):
        class_colours("musyq_radiaton", 6)
