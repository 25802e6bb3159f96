"""The quick rules on headers made in memory: a good one has no finding, each single change the one it must have."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from musyq_lab.archive.check.conformity import check_header
from musyq_lab.archive.header import Header, LayerHeader
from musyq_lab.archive.naming import FileName

NAME = FileName("demo", "1deg", "global", "2015001", "v1")
DIMS = ("latitude", "longitude")


def layer(name="flux", **change):
    attributes = {
        "long_name": "mean flux",
        "units": "W m-2",
        "_FillValue": np.int16(-32768),
        "valid_range": np.array([0, 30000], np.int16),
        "scale_factor": 0.02,
    }
    return LayerHeader(name, DIMS, (3, 4), np.dtype("int16"), attributes | change)


def bits(**change):
    flags = {"flag_masks": np.array([1, 2], np.uint16), "flag_meanings": "missing cloud"}
    return LayerHeader("demo_qa", DIMS, (3, 4), np.dtype("uint16"), {"long_name": "quality", **flags, **change})


def axis(name, values, units):
    return xr.Variable(name, np.asarray(values, np.float64), {"units": units})


def header(layers=None, coordinates=None, name=NAME, **said):
    attributes = {
        **{"Conventions": "CF-1.11, ACDD-1.3", "title": "t", "summary": "s", "keywords": "k", "license": "l"},
        **{"source": "s", "history": "h", "id": NAME.stem, "product": "demo", "edition": "1deg", "tile": "global"},
        **{"period": "2015001", "product_version": "v1"},
        **{"time_coverage_start": "2015-01-01T00:00:00Z", "time_coverage_end": "2015-01-05T23:59:59Z"},
        **{"geospatial_lat_min": 48.0, "geospatial_lat_max": 51.0},
        **{"geospatial_lon_min": 10.0, "geospatial_lon_max": 14.0},
    }
    axes = {
        "latitude": axis("latitude", [50.5, 49.5, 48.5], "degrees_north"),
        "longitude": axis("longitude", [10.5, 11.5, 12.5, 13.5], "degrees_east"),
    }
    made = [layer(), bits()] if layers is None else layers
    kept = {key: value for key, value in (attributes | said).items() if value is not None}
    return Header(Path("x.h5"), name, kept, {item.name: item for item in made}, axes | (coordinates or {}))


def found(of):
    return [(f.level, f.group) for f in check_header(of, "x.h5")]


def test_a_good_header_has_no_finding():
    assert found(header()) == []


def test_findings_name_the_file_that_was_asked_for():
    (finding,) = check_header(header(title=None), "folder/x.h5")
    assert finding.files == ("folder/x.h5",)
    assert "title" in finding.advice


@pytest.mark.parametrize("attribute", ["product", "edition", "tile", "period", "product_version"])
def test_each_field_of_the_name_is_compared(attribute):
    (finding,) = check_header(header(**{attribute: "other"}), "x.h5")
    assert (finding.level, finding.group) == ("error", "Name")
    assert f"{attribute} 'other'" in finding.message


def test_a_renamed_file_is_told_once_and_not_for_each_field():
    assert found(header(id="MuSyQ.OTHER.1deg.global.2015001.v1", product="other")) == [("error", "Name")]


def test_a_name_that_is_none_of_ours_is_a_warning_alone():
    assert found(header(name=None)) == [("warning", "Name")]


@pytest.mark.parametrize("attribute", ["summary", "keywords", "license", "source", "history"])
@pytest.mark.parametrize("value", [None, "", "  "])
def test_texts_that_are_absent_or_blank_are_missing(attribute, value):
    assert found(header(**{attribute: value})) == [("warning", "ACDD Global Attributes")]


@pytest.mark.parametrize(
    ("start", "end", "expected"),
    [
        ("2015-01-01", "2015-01-01", []),  # an instant is a period
        ("2015-01-01T08:00:00+08:00", "2015-01-01T00:00:00Z", []),  # equal in UTC
        ("2015-01-01T00:00:01Z", "2015-01-01T00:00:00Z", [("error", "Period")]),
        ("2014-01-02", "2015-01-05", []),  # 364 days before the label: granules may begin earlier
        ("2013-12-30", "2015-01-05", [("error", "Period")]),
        ("2015-13-01", "2015-01-05", [("error", "Period")]),
        (None, "2015-01-05", [("warning", "Period")]),
        (None, None, [("warning", "Period")]),
    ],
)
def test_periods(start, end, expected):
    assert found(header(time_coverage_start=start, time_coverage_end=end)) == expected


@pytest.mark.parametrize("units", ["W m-2", "1", "K", "days since 2000-01-01", "degree", "percent", "m2 m-2"])
def test_units_that_are_some(units):
    assert found(header([layer(units=units), bits()])) == []


@pytest.mark.parametrize("units", ["watts of sun", "W m--2", "W/m2/"])
def test_units_that_are_none(units):
    assert found(header([layer(units=units), bits()])) == [("error", "CF 3.1 Units")]


def test_missing_units_weigh_less_in_a_strangers_file():
    bare = layer()
    bare = replace(bare, attributes={k: v for k, v in bare.attributes.items() if k != "units"})
    assert found(header([bare, bits()])) == [("error", "CF 3.1 Units")]
    assert found(header([bare, bits()], name=None)) == [("warning", "Name"), ("warning", "CF 3.1 Units")]


def test_a_layer_without_any_name_is_a_warning():
    bare = layer()
    bare = replace(bare, attributes={k: v for k, v in bare.attributes.items() if k != "long_name"})
    assert found(header([bare, bits()])) == [("warning", "CF 3.2 Names")]
    assert found(header([replace(bare, attributes={**bare.attributes, "standard_name": "x"}), bits()])) == []


@pytest.mark.parametrize(
    ("attribute", "value", "group"),
    [
        ("ancillary_variables", "demo_qa", None),
        ("ancillary_variables", "demo_qa lost", "CF 3.4 Ancillary data"),
        ("coordinates", "latitude longitude", None),
        ("coordinates", "height", "CF 5 Coordinates"),
        ("grid_mapping", "crs", "CF 5.6 Grid mapping"),
        ("grid_mapping", "crs: latitude longitude", "CF 5.6 Grid mapping"),  # the long form names the mapping too
    ],
)
def test_what_a_layer_names_must_be_there(attribute, value, group):
    expected = [] if group is None else [("error", group)]
    assert found(header([layer(**{attribute: value}), bits()])) == expected
    if attribute == "grid_mapping":
        crs = {"crs": xr.Variable((), 0, {"grid_mapping_name": "latitude_longitude"})}
        assert found(header([layer(**{attribute: value}), bits()], crs)) == []


@pytest.mark.parametrize(
    "change",
    [
        {"_FillValue": np.int16(0)},  # the ends of the range are inside it
        {"_FillValue": np.int16(30000)},
        {"_FillValue": np.int32(-32768)},
        {"valid_range": np.array([0.0, 600.0])},
        {"valid_range": np.array([0, 1, 2], np.int16)},
        {"valid_min": np.float32(0)},
        {"valid_max": np.int32(5)},
        {"scale_factor": 0.0},
        {"scale_factor": np.nan},
        {"scale_factor": np.inf},
        {"scale_factor": np.array([1.0, 2.0])},
    ],
)
def test_packing_that_cannot_be(change):
    assert ("error", "CF 8.1 Packed data") in found(header([layer(**change), bits()]))


@pytest.mark.parametrize("fill", [-1, -32768, 30001, 32767])
def test_fill_values_beyond_the_range_are_good(fill):
    assert found(header([layer(_FillValue=np.int16(fill)), bits()])) == []


def test_a_negative_scale_is_a_scale():
    assert found(header([layer(scale_factor=-0.02), bits()])) == []


@pytest.mark.parametrize(
    "change",
    [
        {"flag_masks": np.array([1], np.uint16)},
        {"flag_masks": np.array([1, 2], np.uint8)},
        {"flag_masks": None},
        {"flag_meanings": "one"},
        {"flag_meanings": None},
        {"flag_values": np.array([1, 2, 3], np.uint16)},
    ],
)
def test_flags_that_do_not_fit(change):
    changed = bits(**change)
    changed = replace(changed, attributes={k: v for k, v in changed.attributes.items() if v is not None})
    assert ("error", "CF 3.5 Flags") in found(header([layer(), changed]))


def latitude(values, units="degrees_north"):
    return {"latitude": axis("latitude", values, units)}


@pytest.mark.parametrize(
    "change",
    [
        latitude([50.5, 50.5, 48.5]),
        latitude([50.5, np.nan, 48.5]),
        latitude([50.5, 48.5, 49.5]),
        latitude([50.5, 49.5, 48.5], "degrees"),
        latitude([50.5, 49.5, 47.5 - 0.6]),
        latitude([90.5, 89.5, 88.5]),
    ],
)
def test_rows_that_are_no_axis(change):
    assert {group for level, group in found(header(coordinates=change)) if level == "error"} == {"Axis latitude"}


def test_rows_may_go_north():
    assert found(header(coordinates=latitude([48.5, 49.5, 50.5]))) == []


@pytest.mark.parametrize(
    ("low", "high", "right"),
    [(48.5, 50.5, True), (48.0, 51.0, True), (47.9, 51.0, False), (48.5, 51.2, False), (None, None, True)],
)
def test_the_box_is_that_of_centres_or_of_edges(low, high, right):
    assert (found(header(geospatial_lat_min=low, geospatial_lat_max=high)) == []) is right


def test_a_map_without_the_coordinate_of_its_rows():
    made = header()
    axes = {"longitude": made.coordinates["longitude"]}
    assert found(replace(made, coordinates=axes)) == [("error", "Axis latitude")]


def test_a_projection_has_to_be_named_and_its_axes_to_have_units():
    dims = {"dims": ("y", "x")}
    axes = {"y": axis("y", [3.0, 2.0, 1.0], "m"), "x": axis("x", [1.0, 2.0, 3.0, 4.0], "m")}
    layers = [replace(layer(), **dims), replace(bits(), **dims)]
    assert {group for _, group in found(header(layers, axes))} == {"CF 5.6 Grid mapping"}
    crs = {"crs": xr.Variable((), 0, {"grid_mapping_name": "transverse_mercator"})}
    named = [replace(item, attributes={**item.attributes, "grid_mapping": "crs"}) for item in layers]
    assert found(header(named, axes | crs)) == []
    axes["y"] = axis("y", [3.0, 2.0, 1.0], "steps of mine")
    assert found(header(named, axes | crs)) == [("error", "Axis y")]


def test_companions_are_laid_out_alike():
    sigma = layer("flux_uncertainty")
    assert found(header([layer(), sigma, bits()])) == []
    other = replace(sigma, dims=DIMS[::-1], shape=(4, 3))
    assert found(header([layer(), other, bits()])) == [("error", "Uncertainty")]
    assert found(header([layer(), layer("flux_uncertainty", units="kW m-2"), bits()])) == [("error", "Uncertainty")]
    # Another spelling of the same unit is the same unit.
    assert found(header([layer(), layer("flux_uncertainty", units="W/m2"), bits()])) == []


def test_no_quality_is_a_warning_and_no_layer_an_error():
    assert found(header([layer()])) == [("warning", "Quality")]
    assert found(header([])) == [("error", "Layers")]


def test_products_of_the_programme_are_compared_with_their_specification():
    name = FileName("lai", "1deg", "global", "2015001", "v1")
    said = {"name": name, "id": name.stem, "product": "lai"}
    wrong = [layer("lai", units="K"), replace(bits(), name="lai_qa")]
    groups = [group for _, group in found(header(wrong, **said))]
    assert "Specification" in groups
    assert "Uncertainty" in groups
