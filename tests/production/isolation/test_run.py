"""Isolated algorithms give what others give, and hostile ones do no harm."""

import errno
import json
import os
import pickle
from pathlib import Path

import cloudpickle
import dask
import numpy as np
import pytest
import xarray as xr
from conformance.data import example, never
from production.isolation import hostile

from musyq_lab.core.errors import ArchiveError, InputError, MusyqError, NotFoundError, RecipeError
from musyq_lab.core.spec import Input, Product, Variable, Window
from musyq_lab.production.isolation.limits import NOT_ISOLATED, Limits, protections
from musyq_lab.production.isolation.run import isolated, retrieve_isolated
from musyq_lab.products._registry import RETRIEVALS
from musyq_lab.products._retrieval import retrieval

INPUTS = (Input("reflectance_red", uncertainty=(0.005, 0.05)), Input("reflectance_nir"))
SPEC = Product("ratio", "Ratio", (Variable("ratio", "ratio", "1", valid_range=(0.0, 1e6), dtype="float32"),), INPUTS)
HELD = {name for name, on, _ in protections() if on}

held = pytest.mark.skipif(
    {"files", "network", "processes"} != HELD, reason=f"this kernel offers {sorted(HELD) or 'no protection'} only"
)


@pytest.fixture(autouse=True)
def surroundings(monkeypatch, tmp_path):
    monkeypatch.setenv("MUSYQ_DISABLE_JIT", "1")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TMPDIR", str(tmp_path / "temporary"))
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr("tempfile.tempdir", None)
    yield
    assert list((tmp_path / "temporary").iterdir()) == [], "something was left behind"


@pytest.fixture
def scene():
    return example(SPEC)


def ran(body, scene, spec=SPEC, **limits):
    return retrieve_isolated(retrieval(spec)(body), scene, limits=Limits(**limits), uncertainty=False)


class TestResults:
    def test_are_those_of_the_ordinary_call(self, scene):
        scene["reflectance_red"][0, :3] = [np.nan, 1e30, 0.0]
        ordinary = retrieval(SPEC)(hostile.ratio)
        xr.testing.assert_identical(retrieve_isolated(ordinary, scene), ordinary(scene))

    def test_blocks_of_dask_are_lazy_and_give_the_same(self, scene):
        ordinary = retrieval(SPEC)(hostile.ratio)
        with dask.config.set(scheduler=never):
            lazy = isolated(ordinary)(scene.chunk(latitude=5), uncertainty=False)
        assert lazy.ratio.chunks == ((5, 4), (11,))
        xr.testing.assert_identical(lazy.compute(), ordinary(scene, uncertainty=False))

    def test_own_bits_uncertainty_and_method_come_along(self, scene):
        from musyq_lab.core.quality import Flag

        spec = Product(
            "ratio",
            "Ratio",
            SPEC.variables,
            INPUTS,
            methods=("plain", "double"),
            flags=(Flag(8, "bright", "it is bright"),),
        )

        def body(*, reflectance_red, reflectance_nir, method, gain=1.0):
            return gain * reflectance_nir / reflectance_red * (2.0 if method == "double" else 1.0)

        ordinary = retrieval(
            spec,
            quality=lambda *, reflectance_nir: {"bright": reflectance_nir > 0.4},
            uncertainty=lambda *, reflectance_red: 0.1 * reflectance_red,
        )(body)
        made = retrieve_isolated(ordinary, scene, method="double", gain=3.0)
        xr.testing.assert_identical(made, ordinary(scene, method="double", gain=3.0))
        assert (made.ratio_qa.values & 256).any()

    @pytest.mark.parametrize("support", ["series", "yearly", "period", Window(3), "scene"], ids=str)
    def test_of_every_support(self, support):
        def body(*, reflectance_red, reflectance_nir, years=()):
            found = reflectance_nir / reflectance_red
            if support == "scene":
                return {"ratio": found, "ratio_uncertainty": 0.1 * found}
            if support == "yearly":
                return np.stack([found.mean(-1)] * len(years), axis=-1)
            return found.mean(-1) if support == "period" else found

        spec = Product("ratio", "Ratio", SPEC.variables, INPUTS, support=support)
        ordinary = retrieval(spec, uncertainty=lambda *, reflectance_red: np.float64(0.5))(body)
        inputs = example(spec)
        xr.testing.assert_allclose(retrieve_isolated(ordinary, inputs), ordinary(inputs), rtol=1e-12)

    def test_of_a_shipped_product(self):
        inputs = example(RETRIEVALS["vi"].spec)
        made = retrieve_isolated("vi", inputs, variables=["ndvi"], uncertainty=False)
        xr.testing.assert_identical(made, RETRIEVALS["vi"](inputs, variables=["ndvi"], uncertainty=False))

    @pytest.mark.parametrize("shape", [(0, 5), (1, 1)])
    def test_of_an_empty_map_and_of_one_pixel(self, scene, shape):
        part = scene.isel(latitude=slice(shape[0]), longitude=slice(shape[1]))
        xr.testing.assert_identical(ran(hostile.ratio, part), retrieval(SPEC)(hostile.ratio)(part, uncertainty=False))

    def test_single_precision_stays(self, scene):
        assert ran(hostile.ratio, scene.astype("float32", keep_attrs=True)).ratio.dtype == np.float32

    def test_threads_are_let_be(self, scene):
        xr.testing.assert_identical(ran(hostile.uses_a_thread, scene), ran(hostile.ratio, scene))

    def test_a_function_of_a_notebook_goes_by_value(self, scene):
        space = {"__name__": "__main__", "GAIN": 3.0}
        exec(
            "def body(*, reflectance_red, reflectance_nir):\n    return GAIN * reflectance_nir / reflectance_red", space
        )
        np.testing.assert_array_equal(
            ran(space["body"], scene).ratio, 3.0 * scene.reflectance_nir.values / scene.reflectance_red.values
        )

    @pytest.mark.parametrize("pickler", [pickle, cloudpickle], ids=["pickle", "cloudpickle"])
    def test_travel_to_a_worker_with_their_limits(self, pickler):
        again = pickler.loads(pickler.dumps(isolated("vi", Limits(cpu_seconds=7))))
        assert again.limits.cpu_seconds == 7
        assert again.inner is RETRIEVALS["vi"]


class TestLimits:
    @pytest.mark.parametrize(
        ("body", "limits", "words"),
        [
            (hostile.loops, {"cpu_seconds": 1}, "more than 1 s of processor time"),
            (hostile.sleeps, {"wall_seconds": 2.0}, "more than 2 s on the clock"),
            (hostile.eats_memory, {"memory": 200 * 2**20}, "It may take 200 MiB"),
            (hostile.writes_much, {"file_size": 8 * 2**20}, "A file may have 8 MiB"),
            (hostile.raises_its_limits, {}, "not allowed to raise maximum limit"),
            (hostile.crashes, {}, "segmentation fault"),
            (hostile.ends_itself, {}, "without a result"),
            (hostile.leaves, {}, "SystemExit: 3"),
            (hostile.prints_and_aborts, {}, "the last words"),
            (hostile.returns_another_shape, {}, "could not be broadcast"),
            (hostile.returns_objects, {}, "TypeError: .* not supported"),
            (hostile.divides, {}, r"ZeroDivisionError: .* \(in divides, line"),
        ],
        ids=lambda x: getattr(x, "__name__", ""),
    )
    def test_are_told_in_words(self, scene, body, limits, words):
        with pytest.raises(RecipeError, match=words) as caught:
            ran(body, scene, **limits)
        assert "'ratio'" in str(caught.value)
        assert str(caught.value).isprintable()
        assert not Path("pickle-went-off").exists()

    @held
    @pytest.mark.parametrize(
        "body",
        [
            hostile.forks,
            hostile.starts_a_program,
            hostile.writes_beyond,
            hostile.opens_a_socket,
            hostile.signals_its_parent,
            hostile.reads_the_environment_of_its_parent,
            hostile.limits_its_parent,
            hostile.changes_rights,
        ],
        ids=lambda f: f.__name__,
    )
    def test_what_the_kernel_refuses(self, scene, body):
        with pytest.raises(RecipeError, match=r"(PermissionError|not permitted).* no network, no further processes"):
            ran(body, scene)

    @held
    def test_own_files_are_read_only_where_they_are_named(self, scene, tmp_path_factory):
        place = tmp_path_factory.mktemp("own") / "gain.txt"
        place.write_text("2.5")
        with pytest.raises(RecipeError, match="Permission denied"):
            ran(hostile.reads(str(place)), scene)
        assert (ran(hostile.reads(str(place)), scene, readable=(str(place),)).ratio == 2.5).all()

    @held
    def test_processes_may_be_allowed(self, scene):
        def body(*, reflectance_red, reflectance_nir):
            import subprocess

            return reflectance_red * float(subprocess.run(["/bin/echo", "4"], capture_output=True, check=True).stdout)

        made = ran(body, scene, processes=200)
        np.testing.assert_allclose(made.ratio, 4.0 * scene.reflectance_red)

    def test_a_result_that_is_larger_than_a_file_may_be_is_told(self, scene):
        with pytest.raises(RecipeError, match="File too large"):
            ran(hostile.ratio, scene, file_size=2000)

    def test_the_environment_is_empty_and_so_is_the_folder(self, scene, monkeypatch):
        monkeypatch.setenv("SECRET_TOKEN", "x")
        told = float(ran(hostile.tells_its_environment, scene).ratio[0, 0])
        assert told % 100 < 20  # a dozen variables of ours
        assert told - told % 100 == 1000  # no secret, in the folder, which is empty

    def test_inputs_cannot_be_changed(self, scene):
        before = scene.copy(deep=True)
        ran(hostile.changes_its_inputs, scene)
        xr.testing.assert_identical(scene, before)

    def test_errors_of_ours_keep_their_class(self, scene):
        with pytest.raises(InputError, match=r"^the year 1900 has no data$"):
            ran(hostile.raises_ours, scene)

    def test_a_temporary_folder_that_is_full_or_missing_is_told(self, scene, monkeypatch, tmp_path):
        monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "missing"))
        with pytest.raises(ArchiveError, match=r"'ratio' could not be handed .*missing.* TMPDIR"):
            ran(hostile.ratio, scene)
        monkeypatch.setattr("tempfile.tempdir", None)

        def full(*_, **__):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

        monkeypatch.setattr(np, "save", full)
        with pytest.raises(ArchiveError, match="No space left"):
            ran(hostile.ratio, scene)

    def test_workers_of_dask_isolate_too(self, scene):
        ordinary = retrieval(SPEC)(hostile.ratio)
        lazy = isolated(ordinary)(scene.chunk(latitude=5), uncertainty=False)
        with dask.config.set(scheduler="processes", num_workers=1):
            xr.testing.assert_identical(lazy.compute(), ordinary(scene, uncertainty=False))

    def test_the_check_of_a_retrieval_runs_there_too(self, scene):
        def check(*, given):
            raise InputError(f"{sorted(given)} in process {os.getpid()}")

        with pytest.raises(InputError) as caught:
            isolated(retrieval(SPEC, check=check)(hostile.ratio))(scene, uncertainty=False)
        assert "reflectance_nir" in str(caught.value)
        assert str(os.getpid()) not in str(caught.value)

    def test_what_cannot_be_sent_is_told(self, scene):
        import threading

        lock = threading.Lock()

        def body(*, reflectance_red, reflectance_nir):
            with lock:
                return reflectance_red

        with pytest.raises(InputError, match="cannot be sent to another process"):
            ran(body, scene)

    @held
    def test_strict_runs_where_nothing_is_lacking(self, scene):
        assert ran(hostile.ratio, scene, strict=True).ratio.shape == (9, 11)

    def test_strict_refuses_where_a_protection_is_lacking(self):
        from musyq_lab.production.isolation import _process

        error = _process._error("ratio", {"kind": "_LackingError", "text": "files, network"}, Limits(strict=True))
        assert isinstance(error, InputError)
        assert "lacks protections" in str(error)
        assert "(files, network)" in str(error)

    def test_what_is_not_isolated_is_said(self, scene):
        assert (ran(hostile.reads_what_anybody_may, scene).ratio == 1.0).all()
        assert any("/etc/passwd" in line for line in NOT_ISOLATED)


def header(shape, dtype="<f8", **more):
    row = {"name": "", "dims": [], "dtype": dtype, "shape": list(shape)}
    bits = [{**row, "dtype": "<u2"}, {**row, "dtype": "<u4"}]
    return {"arrays": [row, *bits], **more}


def data(shape, value=1.0, qa=0, cause=0):
    parts = np.full(shape, value), np.full(shape, qa, "u2"), np.full(shape, cause, "u4")
    return b"".join(part.tobytes() for part in parts)


class TestForgeries:
    """A result is bytes from somebody else: whatever they say, it is refused or is what was asked for."""

    def test_one_that_is_as_it_should_be_passes(self, scene):
        made = ran(hostile.forged(header((9, 11)), data((9, 11))), scene)
        assert (made.ratio == 1.0).all()

    @pytest.mark.parametrize(
        ("head", "rest", "words"),
        [
            (b"not json", b"", "no JSON"),
            (b"[" * 100_000, b"", "no JSON"),
            ({"arrays": 5}, b"", "lists no arrays"),
            ([], b"", "lists no arrays"),
            ({"arrays": [[]]}, b"", "cannot be"),
            (header((9, 11), "|O"), data((9, 11)), "cannot be"),
            (header((9, 11), "<f8,<f8"), data((9, 11)), "cannot be"),
            (header((9, -11)), data((9, 11)), "cannot be"),
            (header((2**39, 2**39)), data((9, 11)), "shorter"),
            (header((9, 11.0)), data((9, 11)), "cannot be"),
            (header((9, 12)), data((9, 12)), "were wanted"),
            (header((9, 11)), data((9, 11)) + b"more", "longer"),
            (header((9, 11)), data((9, 11))[:-1], "shorter"),
            (header((9, 11)), data((9, 11), value=-1.0), "outside 0 to 1e"),
            (header((9, 11)), data((9, 11), value=np.inf), "outside 0 to 1e"),
            (header((9, 11)), data((9, 11), qa=1 << 15), "quality bits"),
            (header((9, 11)), data((9, 11), cause=1 << 2), "bits of inputs"),
            ({"arrays": [], "error": {"kind": "InputError", "text": "mine"}}, b"", "^mine$"),
            ({"arrays": [], "error": "text"}, b"", "failed in its own process"),
        ],
    )
    def test_others_are_refused(self, scene, monkeypatch, head, rest, words):
        """The bytes stand in the file as a process would have left them."""
        from musyq_lab.production.isolation import _process

        text = head if isinstance(head, bytes) else json.dumps(head).encode()

        def left(who, request, work, result, printed, limits):
            result.write(len(text).to_bytes(8, "little") + text + rest)
            result.flush()
            return 0

        monkeypatch.setattr(_process, "_watched", left)
        with pytest.raises(MusyqError, match=words):
            ran(hostile.ratio, scene)

    def test_one_of_a_real_process_is_refused(self, scene):
        with pytest.raises(RecipeError, match="no JSON"):
            ran(hostile.forged(b"not json"), scene)

    def test_odd_side_notes_do_no_harm(self, scene):
        head = header((9, 11), events=7, lacking={"a": 1}, peak="much")
        assert ran(hostile.forged(head, data((9, 11))), scene).ratio.shape == (9, 11)

    def test_a_scene_may_not_change_its_grid(self):
        def body(*, reflectance_red, reflectance_nir):
            return {"ratio": (reflectance_nir / reflectance_red).isel(latitude=slice(4))}

        spec = Product("ratio", "Ratio", SPEC.variables, INPUTS, support="scene")
        with pytest.raises(RecipeError, match="the inputs have"):
            ran(body, example(spec), spec)

    def test_the_request_is_plain_json(self):
        from musyq_lab.production.isolation import _process

        request = _process._request(Path("/a"), Path("/b"), 5, "values", Limits(), audit=False)
        assert json.loads(json.dumps(request)) == request


class TestSettings:
    @pytest.mark.parametrize(
        "wrong",
        [
            {"cpu_seconds": 0},
            {"cpu_seconds": 1.5},
            {"memory": -1},
            {"memory": True},
            {"processes": -1},
            {"open_files": 3},
            {"wall_seconds": float("inf")},
            {"wall_seconds": "10"},
            {"readable": "/home"},
        ],
        ids=str,
    )
    def test_what_is_no_limit_is_refused(self, wrong):
        with pytest.raises(InputError, match=rf"Limits\({next(iter(wrong))}"):
            Limits(**wrong)

    def test_what_is_no_algorithm_is_refused(self):
        with pytest.raises(InputError, match="got function"):
            isolated(hostile.ratio)
        with pytest.raises(NotFoundError):
            isolated("no_such")

    def test_an_isolated_one_may_be_isolated_with_other_limits(self):
        first = isolated("vi", Limits(cpu_seconds=3))
        assert isolated(first, Limits(cpu_seconds=4)).inner is RETRIEVALS["vi"]

    def test_notebooks_show_limits_and_what_is_not_isolated(self):
        for shown in (isolated("vi")._repr_html_(), Limits()._repr_html_(), protections()._repr_html_()):
            assert "no virtual machine" in shown
        assert "2048 MiB" in Limits()._repr_html_()
        assert "isolated retrieval vi" in repr(isolated("vi"))
        assert "Not isolated:" in repr(protections())
