"""The builder of the atmosphere tables: its fits, its solver of multiple scattering, its store, its file."""

import importlib
import json
import sys
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from scipy.special import expn

from musyq_lab.core.errors import InputError

FOLDER = Path(__file__).resolve().parents[2] / "catalogs" / "atmosphere"
NAMES = ("runs", "gases", "adding", "scattering", "tables", "accuracy", "derive")


@pytest.fixture(scope="module")
def builder():
    """The scripts of the builder, imported by their plain names and forgotten afterwards."""
    before = {name: sys.modules.pop(name, None) for name in NAMES}
    sys.path.insert(0, str(FOLDER))
    try:
        yield {name: importlib.import_module(name) for name in NAMES}
    finally:
        sys.path[:] = [path for path in sys.path if path != str(FOLDER)]
        for name, module in before.items():
            sys.modules.pop(name, None)
            if module is not None:
                sys.modules[name] = module


def answer(question):
    """What a run would say: numbers that tell the question."""
    return (question["wavelength"], [question["sun_zenith"], question["view_zenith"]])


def test_a_chunk_is_kept_whole_or_not_at_all(builder, tmp_path):
    runs = builder["runs"]
    chunk = next(iter(runs.chunks()))
    runs.store(tmp_path, chunk, answer, 2)
    assert [path.name for path in tmp_path.iterdir()] == [f"{chunk.name}.json"]
    stored = json.loads((tmp_path / f"{chunk.name}.json").read_text("utf-8"))
    assert stored == [list(answer(question)) for question in chunk.runs]

    def broken(question):
        raise InputError("no answer")

    with pytest.raises(InputError):
        runs.store(tmp_path, runs.Chunk("other", chunk.runs[:2]), broken, 1)
    assert not (tmp_path / "other.json").exists()


def test_only_what_is_missing_is_run(builder, tmp_path, monkeypatch):
    runs = builder["runs"]
    few = [runs.Chunk(name, tuple(chunk.runs[:2])) for name, chunk in zip("abc", runs.chunks(), strict=False)]
    asked = []

    def run(**question):
        asked.append(question)
        if question["wavelength"] == few[1].runs[0]["wavelength"]:
            raise InputError("6S gives NaN here")
        return [1.0]

    monkeypatch.setattr(runs, "chunks", lambda: iter(few))
    monkeypatch.setattr(runs._sixs, "run", run)
    monkeypatch.setattr(runs._sixs, "solar_spectrum", lambda: [1.0] * 841)
    (tmp_path / "a.json").write_text("[]")
    with pytest.raises(SystemExit, match="b: 6S gives NaN"):
        runs.run_all(tmp_path, 1)
    assert {question["wavelength"] for question in asked} == {chunk.runs[0]["wavelength"] for chunk in few[1:]}
    assert (tmp_path / "c.json").exists()
    with pytest.raises(SystemExit, match="missing"):
        runs.load(tmp_path, "b")


def test_chunks_have_names_of_their_own(builder):
    names = [chunk.name for chunk in builder["runs"].chunks()]
    assert len(names) == len(set(names))
    assert all(chunk.runs for chunk in builder["runs"].chunks())


def test_fits_find_the_coefficients(builder):
    gases, x = builder["gases"], np.geomspace(0.1, 500, 15)
    a, b = np.array([1e-3, 0.02, 0.5]), np.array([1e-3, 0.1, 2.0])
    exact = np.exp(-a * x[:, None] / np.sqrt(1 + b * x[:, None]))
    found = gases.fit_goody(x, exact.round(5))
    np.testing.assert_allclose(np.exp(-found[0] * x[:, None] / np.sqrt(1 + found[1] * x[:, None])), exact, atol=1.5e-5)
    m = np.array([1.0, 1.2, 2.0, 3.0, 4.0, 5.8, 8.7])
    exact = np.exp(-0.05 * (np.sqrt(1 + 20.0 * m) - 1) - 0.01 * m)[:, None]
    big, c, d = gases.fit_malkmus(m, exact.round(5))
    np.testing.assert_allclose(np.exp(-big * (np.sqrt(1 + c * m) - 1) - d * m), exact[:, 0], atol=2e-5)


def test_what_is_not_seen_does_not_absorb(builder):
    x = np.geomspace(0.1, 500, 15)
    clear = np.full((15, 2), 1.0)
    assert (np.array(builder["gases"].fit_goody(x, clear)) == 0).all()
    assert (np.array(builder["gases"].fit_malkmus(x, clear)) == 0).all()


def test_a_bad_fit_stops_the_builder(builder):
    x = np.geomspace(0.1, 500, 15)
    with pytest.raises(SystemExit, match="fitted"):
        builder["gases"].fit_goody(x, np.where(np.arange(15) % 2, 0.9, 0.5)[:, None])


@pytest.fixture(scope="module")
def slab(builder):
    """An aerosol without absorption, of the asymmetry 0.6 (Henyey and Greenstein), over molecules."""
    solver = builder["adding"].Solver(np.array([0.0, 30.0, 60.0, 75.0]))
    peaked = solver.harmonics((2 * np.arange(30) + 1) * 0.6 ** np.arange(30))
    clear = solver.harmonics(np.array([1.0, 0.0, 0.5]))
    return solver, clear, peaked


def test_light_that_nothing_absorbs_is_conserved(slab):
    solver, _, peaked = slab
    whole = solver._layer(1.5, *peaked)
    out = solver.weight @ (whole.reflected[0] + whole.transmitted[0]) + whole.beam
    np.testing.assert_allclose(out, 1.0, atol=2e-3)


def test_two_halves_make_a_whole(slab):
    solver, _, peaked = slab
    half, whole = solver._layer(0.4, *peaked), solver._layer(0.8, *peaked)
    both = solver._add(half, half)
    np.testing.assert_allclose(both.reflected, whole.reflected, atol=2e-5)
    np.testing.assert_allclose(both.transmitted_below, whole.transmitted, atol=2e-5)


def test_light_can_be_reversed(slab):
    solver, clear, peaked = slab
    multiple = solver.multiple(0.2, 0.6, 0.9, (clear, peaked))
    np.testing.assert_allclose(multiple, multiple.transpose(0, 2, 1), rtol=2e-3, atol=1e-6)


@pytest.mark.parametrize(("depth", "albedo"), [(1.0, 0.95), (0.3, 1.0), (2.0, 0.7)])
def test_isotropic_scattering_solves_the_equation_of_schwarzschild_and_milne(builder, depth, albedo):
    """S(t) = albedo / 2 int S E1(|t - t'|) dt' + albedo / 4 exp(-t / mu0), solved on 400 sheets."""
    adding = builder["adding"]
    solver = adding.Solver(np.array([0.0, 50.0]))
    even = solver.harmonics(np.array([1.0]))
    found = adding.at_azimuth(solver.multiple(depth, 0.0, albedo, ((even[0] * albedo, even[1] * albedo), even)), [0.0])
    edges = np.linspace(0, depth, 401)
    middle, mu = (edges[1:] + edges[:-1]) / 2, np.cos(np.radians([0.0, 50.0]))

    def inside(t):  # integral of E1 from 0 to t
        return np.sign(t) * (1 - expn(2, np.abs(t)))

    kernel = inside(edges[1:] - middle[:, None]) - inside(edges[:-1] - middle[:, None])
    for i, sun in enumerate(mu):
        first = albedo / 4 * np.exp(-middle / sun)
        later = np.linalg.solve(np.eye(400) - albedo / 2 * kernel, first) - first
        for j, view in enumerate(mu):
            escaping = np.exp(-edges[:-1] / view) - np.exp(-edges[1:] / view)
            assert found[j, i, 0] == pytest.approx(later @ escaping / sun, rel=5e-3)


def test_few_scatterings_are_the_single_ones(slab):
    """A thin layer scatters twice in proportion to the square of its depth."""
    solver, clear, peaked = slab
    thin, thinner = (solver.multiple(t, 0.0, 1.0, (clear, peaked))[0, 0, 0] for t in (2e-2, 1e-2))
    assert thin / thinner == pytest.approx(4.0, rel=0.15)


def test_the_forward_peak_closes_the_mean(builder):
    adding, runs = builder["adding"], builder["runs"]
    angles = np.array(runs.SCATTERING_ANGLES)
    g = 0.65
    exact = (1 - g**2) / (1 + g**2 - 2 * g * np.cos(np.radians(angles))) ** 1.5
    coefficients = adding.expansion(adding.complete(angles, exact))
    assert coefficients[0] == pytest.approx(1.0, abs=1e-9)
    np.testing.assert_allclose(coefficients[1:6] / (2 * np.arange(1, 6) + 1), g ** np.arange(1, 6), atol=0.02)


def test_the_file_depends_on_the_data_alone(builder, tmp_path):
    data = xr.Dataset({"a": (("x", "y"), np.arange(12.0, dtype=np.float32).reshape(3, 4), {"units": "1"})})
    for name in ("one.nc", "two.nc"):
        builder["tables"].write(data, tmp_path / name)
    assert (tmp_path / "one.nc").read_bytes() == (tmp_path / "two.nc").read_bytes()


def test_states_of_the_comparison_are_repeatable_and_within_the_tables(builder):
    accuracy = builder["accuracy"]
    states = accuracy.states("modis", "1")
    assert states == accuracy.states("modis", "1") != accuracy.states("modis", "2")
    for state in states:
        assert state["sun_zenith"] <= 80
        assert state["view_zenith"] <= 70
        assert 0 < state["aod"] <= 2
        assert state["water_vapour"] <= 80


def test_an_unknown_step_is_refused(builder, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["derive.py", "everything"])
    with pytest.raises(SystemExit):
        builder["derive"].main()
    assert "runs, table, accuracy" in capsys.readouterr().err
