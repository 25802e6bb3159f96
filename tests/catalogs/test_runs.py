"""The questions to 6S: legal, as many as documented, and at the angles that they stand for."""

import json

import numpy as np
import pytest

from musyq_lab.standard import _sixs


@pytest.fixture(scope="module")
def chunks(scripts):
    return list(scripts["runs"].chunks())


def test_every_question_is_one_that_6s_answers(chunks):
    for chunk in chunks:
        for question in chunk.runs:
            _sixs._check(question["sun_zenith"], question["view_zenith"], question["aod"], question["altitude"])
            assert _sixs._spectrum(question["wavelength"], None).startswith("-1\n")
            assert 0 <= question["relative_azimuth"] <= 180


def test_there_are_as_many_as_the_documentation_says(chunks):
    """About 3,500 with aerosol and 15,000 without."""
    hazy = sum(question["aod"] > 0 for chunk in chunks for question in chunk.runs)
    clear = sum(question["aod"] == 0 for chunk in chunks for question in chunk.runs)
    assert hazy == pytest.approx(3500, rel=0.15)
    assert clear == pytest.approx(15_000, rel=0.15)


def test_no_question_is_asked_twice_in_a_chunk(chunks):
    for chunk in chunks:
        asked = [tuple(sorted(question.items())) for question in chunk.runs]
        assert len(asked) == len(set(asked)), chunk.name


def test_phase_functions_are_asked_at_their_scattering_angles(scripts, chunks):
    runs = scripts["runs"]
    chunk = next(chunk for chunk in chunks if chunk.name == "phase_0.5525")
    for question, angle in zip(chunk.runs, runs.SCATTERING_ANGLES, strict=True):
        s, v, a = (np.radians(question[name]) for name in ("sun_zenith", "view_zenith", "relative_azimuth"))
        cosine = -np.cos(s) * np.cos(v) - np.sin(s) * np.sin(v) * np.cos(a)
        assert np.degrees(np.arccos(cosine)) == pytest.approx(angle, abs=1e-6)
        assert question["sun_zenith"] < 81


def test_scattering_angles_are_the_nodes_beyond_the_peak(scripts):
    angles = np.array(scripts["runs"].SCATTERING_ANGLES)
    assert (np.diff(angles) > 0).all()
    assert 20 < angles[0] < 23
    every = np.degrees(np.arccos(np.polynomial.legendre.leggauss(80)[0]))
    assert angles.size == (every > 20).sum() == 71
    np.testing.assert_allclose(np.polynomial.legendre.legval(np.cos(np.radians(angles)), np.eye(81)[80]), 0, atol=1e-9)


def test_pairs_are_all_states_but_those_of_reciprocity(scripts):
    runs = scripts["runs"]
    pairs = set(runs.pairs())
    for sun in runs.PATH_ZENITHS:
        for view in runs.PATH_ZENITHS:
            assert ((sun, view) in pairs) != ((view, sun) in pairs) or sun == view
    assert (80.0, 80.0) not in pairs
    assert (72.0, 72.0) in pairs


def test_molecules_next_to_nothing_are_not_asked_under_haze(scripts, chunks):
    runs = scripts["runs"]
    high = [q for c in chunks for q in c.runs if q["altitude"] > 0 and q["aod"] > 0]
    assert max(question["wavelength"] for question in high) < runs.DRY
    assert runs.depends(2.2, 0.0)
    assert not runs.depends(2.2, 2.5)


def test_wavelengths_lie_one_step_beyond_the_nodes_of_6s(scripts):
    """Those of the docstring: 0.400 um and on."""
    nodes = (0.400, 0.412, 0.443, 0.470, 0.488, 0.515, 0.550, 0.590, 0.633, 0.670, 0.694, 0.760, 0.860, 1.240, 1.536)
    nodes += (1.650, 1.950, 2.250, 3.750)
    for wavelength in scripts["runs"].NODES[:-1]:
        below = max(node for node in nodes if node < wavelength + 1e-9)
        assert 0 < wavelength - below < 2 * _sixs.STEP + 1e-9, wavelength


def test_answers_come_back_as_they_were(scripts, tmp_path):
    runs = scripts["runs"]
    triple = (0.9, 0.8, 0.72)
    run = _sixs.Run(0.2, 0.1, 0.05, 0.9, 0.8, 0.1, triple, triple, triple, triple, (0.2, 0.3), (1.1, 0.4), 0.9, 1013.0)
    runs.store(tmp_path, runs.Chunk("one", ({"wavelength": 0.55},)), lambda question: run, 1)
    assert runs.load(tmp_path, "one") == [run]
    assert json.loads((tmp_path / "one.json").read_text("utf-8"))[0][0] == 0.2
    assert not list(tmp_path.glob("*.part"))


def test_answers_keep_the_order_of_the_questions(scripts, tmp_path):
    """However the threads finish."""
    import time

    runs = scripts["runs"]
    chunk = runs.Chunk("many", tuple({"k": k} for k in range(12)))

    def answer(question):
        time.sleep(0.01 * (question["k"] % 3 == 0))
        return [question["k"]]

    runs.store(tmp_path, chunk, answer, 4)
    assert json.loads((tmp_path / "many.json").read_text("utf-8")) == [[k] for k in range(12)]
