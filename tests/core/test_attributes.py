"""Attributes: CF and ACDD, the same bytes every time."""

import json
import os
import re
import subprocess
import sys
from importlib.metadata import PackageNotFoundError
from pathlib import Path

import numpy as np
import pytest

from musyq_lab.core.attributes import (
    CONVENTIONS,
    cause_attributes,
    extend_history,
    global_attributes,
    history_line,
    package_version,
    quality_attributes,
    uncertainty_attributes,
    variable_attributes,
)
from musyq_lab.core.quality import Flag
from musyq_lab.core.spec import Input, Method, Product, Variable

DSR = Variable(
    "dsr",
    long_name="downward shortwave radiation",
    units="W m-2",
    standard_name="surface_downwelling_shortwave_flux_in_air",
    valid_range=(0.0, 600.0),
    scale=0.02,
    references=("10.1016/x", "10.1016/y"),
)
SPEC = Product(
    "dsr",
    "Downward radiation",
    (DSR,),
    (Input("altitude"),),
    flags=(Flag(8, "polar_night", "no sun"),),
    references=("10.1/z",),
)


def test_variable():
    assert variable_attributes(DSR, "dsr_qa") == {
        "long_name": "downward shortwave radiation",
        "units": "W m-2",
        "standard_name": "surface_downwelling_shortwave_flux_in_air",
        "ancillary_variables": "dsr_uncertainty dsr_qa",
        "coverage_content_type": "physicalMeasurement",
        "valid_range": [0.0, 600.0],
        "references": "https://doi.org/10.1016/x https://doi.org/10.1016/y",
    }


def test_what_is_unknown_is_left_out():
    attributes = variable_attributes(Variable("x", "x", "1"), "x_qa")
    assert not {"standard_name", "valid_range", "references"} & set(attributes)
    assert "standard_name" not in uncertainty_attributes(Variable("x", "x", "1"))
    assert not {"method", "history"} & set(global_attributes(SPEC))


def test_companions_name_each_other():
    assert uncertainty_attributes(DSR)["standard_name"] == f"{DSR.standard_name} standard_error"
    assert uncertainty_attributes(DSR)["units"] == DSR.units
    quality = quality_attributes(SPEC)
    assert quality["standard_name"] == "quality_flag"
    assert len(quality["flag_masks"]) == len(quality["flag_meanings"].split()) == len(SPEC.all_flags)
    assert quality["flag_masks"][-1] == 256


def test_global():
    attributes = global_attributes(SPEC, method="fast", history="h")
    assert attributes["Conventions"] == CONVENTIONS == "CF-1.11, ACDD-1.3"
    assert (attributes["product"], attributes["method"], attributes["history"]) == ("dsr", "fast", "h")
    assert package_version() in attributes["source"]
    tags = {"geossDataCore", "geossNoMonetaryCharge", "geossUserRegistration", "geossAttribution"}
    assert set(attributes["keywords"].split(", ")) == tags


def test_acdd_in_words_a_person_can_read():
    attributes = global_attributes(SPEC)
    assert attributes["summary"].startswith("Downward radiation: downward shortwave radiation, each with")
    assert attributes["processing_level"] == "Level 3"
    for tag in ("geossUserRegistration", "geossAttribution"):
        assert tag in attributes["license"]
    many = Product("many", "Many", tuple(Variable(f"v{n}", f"layer {n}", "1") for n in range(9)), (), stage="scene")
    assert "layer 5 and 3 more," in global_attributes(many)["summary"]
    assert "layer 6" not in global_attributes(many)["summary"]
    assert "processing_level" not in global_attributes(many)  # of single looks: the grid decides


def test_kinds_of_layers_are_those_of_iso_19115():
    # MD_CoverageContentTypeCode, as ACDD-1.3 lists it
    codes = {"image", "thematicClassification", "physicalMeasurement", "auxiliaryInformation", "qualityInformation"}
    cover = Variable("cover", "cover", "1", dtype="uint8", fill=255, classes=((1, "forest"),))
    kinds = [
        variable_attributes(DSR, "q"),
        variable_attributes(cover, "q"),
        uncertainty_attributes(DSR),
        quality_attributes(SPEC),
    ]
    assert [k["coverage_content_type"] for k in kinds] == [
        "physicalMeasurement",
        "thematicClassification",
        "qualityInformation",
        "qualityInformation",
    ]
    assert {k["coverage_content_type"] for k in kinds} <= codes


@pytest.mark.parametrize(
    "attributes",
    [variable_attributes(DSR, "q"), uncertainty_attributes(DSR), quality_attributes(SPEC), global_attributes(SPEC)],
)
def test_every_value_is_one_a_file_can_hold(attributes):
    for name, value in attributes.items():
        assert re.fullmatch(r"[A-Za-z_]\w*", name)
        assert isinstance(value, (str, list, np.ndarray))
        assert np.asarray(value).dtype.kind in "Ufu"


def test_history_is_one_line_in_a_fixed_order():
    line = history_line("retrieve", {"method": "a\nb", "key": "dsr", "scale": 0.1, "region": None, "path": Path("x/y")})
    assert line.startswith('retrieve(key="dsr", method="a\\nb", path="x/y", region=null, scale=0.1) by musyq-lab ')
    assert "\n" not in line
    assert json.loads(line.split("scale=")[1].split(")")[0]) == 0.1
    assert line == history_line(
        "retrieve", {"scale": 0.1, "path": Path("x/y"), "region": None, "key": "dsr", "method": "a\nb"}
    )


def test_history_grows_downwards():
    assert extend_history("", "a") == "a"
    assert extend_history(extend_history("", "a"), "b").splitlines() == ["a", "b"]


def test_nothing_depends_on_hash_seed_or_zone():
    code = (
        "from musyq_lab.core.attributes import history_line\n"
        "print(history_line('f', {'s': {'b', 'a', 'c', 'd'}, 't': frozenset(['y', 'x'])}))"
    )
    seen = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, "PYTHONHASHSEED": seed, "TZ": zone},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed, zone in [("1", "UTC"), ("2", "Asia/Shanghai"), ("3", "America/St_Johns")]
    }
    assert len(seen) == 1
    assert 's=["a", "b", "c", "d"], t=["x", "y"]' in seen.pop()


def test_a_bare_source_tree_has_an_unknown_version(monkeypatch):
    def missing(name):
        raise PackageNotFoundError(name)

    monkeypatch.setattr("musyq_lab.core.attributes.version", missing)
    package_version.cache_clear()
    try:
        assert package_version() == "0+unknown"
        assert global_attributes(SPEC)["source"] == "musyq-lab 0+unknown"
    finally:
        package_version.cache_clear()


def test_classes_are_cf_flags():
    kinds = Variable(
        "kind", "kind", "1", dtype="uint8", fill=255, valid_range=(1, 3), classes=((1, "tall forest"), (3, "sea"))
    )
    attributes = variable_attributes(kinds, "x_qa")
    assert attributes["flag_values"].tolist() == [1, 3]
    assert attributes["flag_values"].dtype == np.uint8
    assert attributes["flag_meanings"] == "tall_forest sea"
    assert attributes["ancillary_variables"] == "x_qa"


def test_causes_have_the_bits_of_the_inputs_in_their_order():
    spec = Product("x", "X", (Variable("x", "x", "1"),), (Input("reflectance_red"), Input("altitude")))
    attributes = cause_attributes(spec)
    assert attributes["flag_meanings"] == "reflectance_red altitude"
    assert attributes["flag_masks"].tolist() == [1, 2]


def test_the_method_says_whose_it_is():
    method = Method("fast", "Fast one, coefficients of Smith (2001)", references=("10.1/b",))
    spec = Product("x", "X", (Variable("x", "x", "1"),), (), methods=(method,), references=("10.1/a",))
    attributes = global_attributes(spec, method="fast")
    assert attributes["method"] == "fast"
    assert attributes["method_title"] == method.title
    assert attributes["references"] == "https://doi.org/10.1/a https://doi.org/10.1/b"
