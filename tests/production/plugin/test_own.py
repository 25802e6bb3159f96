"""Algorithms of the user's own, in each of the ways they come: a package, a notebook, a file."""

import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from conformance.data import example

import musyq_lab as ml
from musyq_lab.archive.open import open_product
from musyq_lab.archive.write import write_product
from musyq_lab.core.errors import InputError, NotFoundError
from musyq_lab.production.contract import session
from musyq_lab.production.contract.check import check_algorithm
from musyq_lab.production.contract.own import load_algorithm, session_algorithms
from musyq_lab.production.isolation.run import retrieve_isolated
from musyq_lab.products._registry import PRODUCTS, RETRIEVALS

SOURCE = Path(__file__).parent / "source"
KEY = "greenness"


@pytest.fixture(autouse=True)
def surroundings(monkeypatch):
    monkeypatch.setenv("MUSYQ_DISABLE_JIT", "1")
    monkeypatch.setattr(PRODUCTS, "_added", {})
    monkeypatch.setattr(RETRIEVALS, "_added", {})
    monkeypatch.setattr(session, "_passed", {})


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """The package, installed by pip into a folder of its own without a network."""
    target = tmp_path_factory.mktemp("site")
    copy = tmp_path_factory.mktemp("source")
    for file in (p for p in SOURCE.rglob("*") if p.is_file() and p.suffix in (".py", ".toml")):
        place = copy / file.relative_to(SOURCE)
        place.parent.mkdir(exist_ok=True)
        place.write_bytes(file.read_bytes())
    options = ["--no-deps", "--no-build-isolation", "--no-index", "--disable-pip-version-check", "--quiet"]
    command = [sys.executable, "-m", "pip", "install", *options, "--target", str(target), str(copy)]
    found = subprocess.run(command, capture_output=True, text=True, check=False)
    if "No module named pip" in found.stderr:
        pytest.skip("this environment has no pip")
    assert found.returncode == 0, found.stderr
    return target


@pytest.fixture
def installed(site, monkeypatch):
    monkeypatch.syspath_prepend(str(site))
    yield
    for name in [n for n in sys.modules if n.startswith("musyq_greenness")]:
        del sys.modules[name]


class TestPackage:
    def test_appears_without_being_imported(self, installed):
        assert KEY in ml.PRODUCTS
        assert KEY in dir(ml.retrieve)
        assert "musyq_greenness.greenness" not in sys.modules
        assert any(KEY in row and "Green chromatic coordinate" in row for row in PRODUCTS.table())

    def test_is_retrieved_beside_ours(self, installed):
        ds = example(PRODUCTS[KEY]).assign(example(PRODUCTS["vi"])[["reflectance_nir"]])
        made = ml.retrieve([KEY, "vi"], ds, variables=["green_share", "ndvi"])
        total = ds.reflectance_blue + ds.reflectance_green + ds.reflectance_red
        np.testing.assert_allclose(made.green_share, ds.reflectance_green / total, rtol=1e-12)
        assert {"ndvi", "green_share_uncertainty", "greenness_qa"} <= set(made.data_vars)
        assert "Share of green" in ml.retrieve.greenness.__doc__

    def test_keeps_the_contract_and_production_takes_it(self, installed):
        assert not session.passed(KEY)
        assert session.require(KEY).passed
        assert session.passed(KEY)

    def test_is_stored_and_isolated_like_ours(self, installed, tmp_path):
        ds = example(PRODUCTS[KEY])
        made = ml.retrieve(KEY, ds)
        xr.testing.assert_identical(retrieve_isolated(KEY, ds), made)
        path = write_product(made, tmp_path, edition="1km", tile="test", period="2019001")
        assert path.name.startswith("MuSyQ.GREENNESS.")
        assert float(abs(open_product(path).green_share - made.green_share).max()) <= 0.5001e-4

    def test_is_gone_with_its_package(self):
        assert KEY not in ml.PRODUCTS


CELL = """
import sys
import musyq_lab as ml
from musyq_lab.core.spec import Input, Product, Variable
from musyq_lab.production.contract.check import check_algorithm
from musyq_lab.production.contract.samples import example
from musyq_lab.production.isolation.run import retrieve_isolated

GAIN = 2.0
SPEC = Product("mine", "Mine", (Variable("mine", "mine", "1", valid_range=(0, 200), scale=1e-2),),
               (Input("reflectance_red", uncertainty=(0.01, 0.0)), Input("reflectance_nir")))

@ml.algorithm(SPEC)
def mine(*, reflectance_red, reflectance_nir):
    return GAIN * reflectance_nir / reflectance_red

report = check_algorithm("mine", quick=True)
assert report.passed, report
ds = example(SPEC)
import dask, xarray as xr
with dask.config.set(scheduler="processes", num_workers=1):
    far = ml.retrieve("mine", ds.chunk(latitude=5)).compute()
xr.testing.assert_identical(far, ml.retrieve("mine", ds))
xr.testing.assert_identical(retrieve_isolated("mine", ds), far)
sys.stdout.write("all the same")
"""


def test_a_function_of_main_works_everywhere(tmp_path):
    """As in a notebook: its module is __main__, which no other process can import."""
    found = subprocess.run(
        [sys.executable, "-c", CELL], capture_output=True, text=True, cwd=tmp_path, check=False, timeout=120
    )
    assert found.stdout == "all the same", found.stderr[-3000:]


OWN = """
from musyq_lab.core.spec import Input, Product, Variable
from musyq_lab.products._retrieval import algorithm

SPEC = Product("own", "Own", (Variable("own", "own", "1", valid_range=(0, 60), scale=2e-3),),
               (Input("reflectance_red", uncertainty=(0.01, 0.0)), Input("reflectance_nir")))

@algorithm(SPEC)
def own(*, reflectance_red, reflectance_nir):
    return reflectance_nir / reflectance_red
"""


class TestFile:
    @pytest.fixture
    def file(self, tmp_path):
        path = tmp_path / "日射 own.py"
        path.write_text(OWN, encoding="utf-8")
        return path

    def test_is_registered_checked_and_sent_away(self, file):
        made = load_algorithm(file)
        assert RETRIEVALS["own"] is made
        report = check_algorithm("own", quick=True)
        assert report.passed, report

    def test_is_sent_to_a_process_that_never_saw_the_file(self, file, tmp_path):
        import cloudpickle

        load_algorithm(file)
        ds = example(PRODUCTS["own"])
        (tmp_path / "sent").write_bytes(cloudpickle.dumps((session_algorithms(), ds, ml.retrieve("own", ds))))
        file.unlink()
        code = (
            "import sys, pickle, xarray as xr, musyq_lab as ml\n"
            "from musyq_lab.production.contract.own import adopt\n"
            "algorithms, ds, expected = pickle.load(open(sys.argv[1], 'rb'))\n"
            "assert 'own' not in ml.PRODUCTS\n"
            "adopt(algorithms)\n"
            "xr.testing.assert_identical(ml.retrieve('own', ds).drop_attrs(), expected.drop_attrs())\n"
        )
        found = subprocess.run(
            [sys.executable, "-c", code, str(tmp_path / "sent")], capture_output=True, text=True, check=False
        )
        assert found.returncode == 0, found.stderr

    def test_is_loaded_anew_when_it_changes(self, file):
        load_algorithm(file)
        file.write_text(OWN.replace("return reflectance_nir", "return 2 * reflectance_nir"), encoding="utf-8")
        load_algorithm(file)
        ds = example(PRODUCTS["own"])
        np.testing.assert_array_equal(ml.retrieve("own", ds).own, 2 * ds.reflectance_nir / ds.reflectance_red)

    @pytest.mark.parametrize(
        ("old", "new", "words"),
        [
            ("SPEC = ", "SPECIAL = ", "line 8: NameError"),
            ("def own", "def mine", "no function 'own'"),
            ("def own(", "def own(:", "line 9: SyntaxError"),
            ('Product("own"', 'Product("dsr"', "ships with MuSyQ Lab"),
            ("reflectance_nir):", "nir):", "takes no parameter 'reflectance_nir'"),
            ("reflectance_nir):", "reflectance_nir, gain):", "takes 'gain'"),
            ("@algorithm(SPEC)", "", "no function 'own' made by"),
            (OWN, "x = 1", "no SPEC"),
        ],
    )
    def test_what_is_wrong_in_it_is_told(self, file, old, new, words):
        assert old in OWN
        file.write_text(OWN.replace(old, new), encoding="utf-8")
        with pytest.raises(InputError, match=words):
            load_algorithm(file)

    def test_what_is_no_file_is_told(self, tmp_path):
        with pytest.raises(NotFoundError, match="no file"):
            load_algorithm(tmp_path / "absent.py")
        (tmp_path / "table.csv").write_text("a")
        with pytest.raises(InputError, match="no Python file"):
            load_algorithm(tmp_path / "table.csv")


class TestBrokenPackages:
    @pytest.fixture
    def package(self, tmp_path, monkeypatch):
        def make(source, name=KEY):
            info = tmp_path / "broken-1.0.dist-info"
            info.mkdir()
            (info / "METADATA").write_text("Metadata-Version: 2.1\nName: broken\nVersion: 1.0\n")
            (info / "entry_points.txt").write_text(f"[musyq_lab.products]\n{name} = broken_{name}\n")
            (tmp_path / f"broken_{name}.py").write_text(textwrap.dedent(source))
            monkeypatch.syspath_prepend(str(tmp_path))

        return make

    def test_one_that_cannot_be_imported_says_whose_it_is(self, package):
        package("import no_such_library_at_all", "lost")
        with pytest.raises(ModuleNotFoundError) as caught:
            ml.PRODUCTS["lost"]
        assert "plug-in 'lost' of the package broken" in caught.value.__notes__[0]

    def test_one_whose_names_differ_is_told(self, package):
        package("from musyq_lab.products.vi import SPEC", "other")
        with pytest.raises(InputError, match="calls itself 'vi'"):
            ml.PRODUCTS["other"]
