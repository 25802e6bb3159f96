"""What a retrieval is given from files: names, one sigma, means over time, quality of what lies upstream."""

from datetime import datetime

import numpy as np
import pytest
import xarray as xr
from production.chain.stocks import KILOMETRE, PERIOD

from musyq_lab.archive.write import write_product
from musyq_lab.core.attributes import quality_attributes
from musyq_lab.core.errors import ArchiveError
from musyq_lab.core.quality import SCENE_CLOUD, SCENE_DOUBTFUL, SCENE_FLAG, SCENE_SNOW, flag_attributes
from musyq_lab.core.spec import Product, Variable
from musyq_lab.production.chain.makers import COMPOSITE
from musyq_lab.production.chain.reading import averaged, dated, from_product, layers, merged, scene_bits
from musyq_lab.production.chain.task import Read, Task
from musyq_lab.products._registry import RETRIEVALS

SHAPE = KILOMETRE.grid.shape
COORDS = {"latitude": KILOMETRE.grid.latitude, "longitude": KILOMETRE.grid.longitude}
DIMS = ("latitude", "longitude")


def plane(value, units="1", **attrs):
    data = np.full(SHAPE, value, np.float32) if np.isscalar(value) else np.asarray(value)
    return (DIMS, data, {"units": units, **attrs})


def read(label, role="x"):
    return Read(role, f"MuSyQ.AIR.1km.here.{label}.v1.h5", "")


def part(label, value, **more):
    return read(label), xr.Dataset({"x": plane(value), **more}, COORDS)


class TestMean:
    def test_one_file_is_taken_as_it_is(self):
        only = part("2019186", 3.0)
        assert averaged([only], PERIOD)[0] is only[1]

    def test_days_count_alike(self):
        (made,) = averaged([part("2019186-00", 1.0), part("2019186-03", 2.0), part("2019186-06", 6.0)], PERIOD)
        np.testing.assert_allclose(made["x"], 3.0)
        assert made["x"].attrs == {"units": "1"}

    def test_a_file_counts_by_how_much_of_the_period_it_holds_for(self):
        # July (all five days) beside the one pentad of months that begins on 6 July (four of the five)
        (made,) = averaged([part("2019-07", 1.0), part("2019-07-p2", 10.0)], PERIOD)
        np.testing.assert_allclose(made["x"], (5 * 1.0 + 4 * 10.0) / 9, rtol=1e-6)

    def test_a_gap_of_one_file_does_not_make_a_gap_of_the_mean(self):
        holes = np.full(SHAPE, 4.0, np.float32)
        holes[0, 0] = np.nan
        (made,) = averaged([part("2019186-00", 2.0), part("2019186-03", holes)], PERIOD)
        assert made["x"].values[0, 0] == 2.0
        assert made["x"].values[1, 1] == 3.0

    def test_a_gap_of_all_stays_one(self):
        (made,) = averaged([part("2019186-00", np.nan), part("2019186-03", np.nan)], PERIOD)
        assert np.isnan(made["x"].values).all()

    def test_classes_are_never_averaged(self):
        first = part("2019-07", 0.0, land_cover=plane(10.0))
        second = part("2019-07-p2", 1.0, land_cover=plane(12.0))
        (made,) = averaged([second, first], PERIOD)
        assert (made["land_cover"] == 10.0).all()  # of the file that holds for most of the period

    def test_different_layers_are_kept_apart(self):
        other = (read("2019186", "y"), xr.Dataset({"y": plane(1.0)}, COORDS))
        assert [list(ds.data_vars) for ds in averaged([part("2019186", 1.0), other], PERIOD)] == [["x"], ["y"]]


def bits(flags, product=COMPOSITE):
    """Return a quality layer whose first cells have a flag each."""
    values = np.zeros(SHAPE, np.uint16)
    masks = {flag.name: flag.mask for flag in product.all_flags}
    for index, name in enumerate(flags):
        values.ravel()[index] = masks[name]
    return xr.DataArray(values, COORDS, DIMS, attrs=quality_attributes(product))


def test_snow_and_doubt_of_a_composite_reach_the_products_made_of_it():
    said = scene_bits(bits(["snow", "doubtful", "single_look"]))
    first = said.values.ravel()[:4]
    assert list(first) == [SCENE_FLAG["snow_ice"].mask, SCENE_FLAG["low_quality"].mask, 0, 0]
    red = xr.DataArray(np.full(SHAPE, 0.05, np.float32), COORDS, DIMS, attrs={"units": "1"})
    inputs = xr.Dataset({"reflectance_red": red, "reflectance_nir": red * 6, "reflectance_blue": red, "qa": said})
    inputs["reflectance_nir"].attrs["units"] = "1"
    qa = RETRIEVALS["vi"](inputs)["vi_qa"].values.ravel()
    assert qa[0] & SCENE_SNOW.mask
    assert qa[1] & SCENE_DOUBTFUL.mask
    assert not qa[2] & (SCENE_SNOW.mask | SCENE_DOUBTFUL.mask | SCENE_CLOUD.mask)


def test_the_bits_of_a_product_go_on_to_the_next():
    said = scene_bits(bits(["scene_cloud", "scene_snow", "scene_doubtful", "gap_filled"], RETRIEVALS["lai"].spec))
    masks = [SCENE_FLAG[name].mask for name in ("cloud_possible", "snow_ice", "low_quality")]
    assert list(said.values.ravel()[:5]) == [*masks, 0, 0]


@pytest.mark.parametrize("layer", [None, xr.DataArray([1.0]), xr.DataArray(np.array([3], np.uint16))])
def test_a_layer_that_names_no_such_bits_says_nothing(layer):
    assert scene_bits(layer) is None


def test_what_any_file_says_of_a_cell_is_said():
    def ds(name, mask):
        qa = (DIMS, np.full(SHAPE, mask, np.uint16), flag_attributes(SCENE_FLAG.values()))
        return xr.Dataset({name: plane(1.0), "qa": qa}, COORDS)

    whole = merged([ds("a", 16), ds("b", 128), xr.Dataset({"c": plane(2.0)}, COORDS)])
    assert set(whole.data_vars) == {"a", "b", "c", "qa"}
    assert (whole["qa"] == 144).all()
    assert "flag_masks" in whole["qa"].attrs


def test_files_of_other_cells_are_not_joined():
    moved = {"latitude": COORDS["latitude"] + 0.01, "longitude": COORDS["longitude"]}
    with pytest.raises(ValueError, match="latitude"):
        merged([xr.Dataset({"a": plane(1.0)}, COORDS), xr.Dataset({"b": plane(1.0)}, moved)])


def written(folder, key, **data):
    """Write a product file of constant layers."""
    variables = tuple(Variable(n, n, u, dtype="float32", uncertain=True) for n, (_, u) in data.items())
    ds = xr.Dataset({n: plane(v, u) for n, (v, u) in data.items()}, COORDS, {"product": key})
    for variable in variables:
        ds[variable.uncertainty_name] = plane(0.25 * data[variable.name][0], variable.units)
    return write_product(
        ds, folder, spec=Product(key, "T", variables, ()), edition="1km", tile="here", period="2019186"
    )


def test_a_product_file_gives_its_layer_and_its_own_one_sigma(tmp_path):
    made = from_product(written(tmp_path, "fpar", fpar=(0.5, "1")), RETRIEVALS["gpp"].spec)
    assert set(made.data_vars) == {"fpar", "fpar_uncertainty"}
    np.testing.assert_allclose(made["fpar_uncertainty"], 0.125)


def test_the_one_sigma_of_a_file_reaches_the_product_made_of_it(tmp_path):
    spec = RETRIEVALS["gpp"].spec
    names = {"land_cover": (4.0, "1"), "downward_par": (100.0, "W m-2"), "air_temperature_min": (290.0, "K")}
    names |= {"vapour_pressure_deficit": (500.0, "Pa")}
    rest = xr.Dataset({name: plane(*value) for name, value in names.items()}, COORDS)
    sure = rest.assign(fpar=plane(0.5), fpar_uncertainty=plane(1e-4))
    file = from_product(written(tmp_path, "fpar", fpar=(0.5, "1")), spec)
    low, high = (RETRIEVALS["gpp"](inputs) for inputs in (sure, merged([file, rest])))
    np.testing.assert_allclose(high["gpp"], low["gpp"], rtol=1e-5)
    extra = np.sqrt(high["gpp_uncertainty"] ** 2 - low["gpp_uncertainty"] ** 2)
    np.testing.assert_allclose(extra, 0.25 * low["gpp"], rtol=1e-2)  # production is proportional to fpar


def test_par_is_known_by_the_name_that_others_call_it(tmp_path):
    made = from_product(written(tmp_path, "par", par=(80.0, "W m-2")), RETRIEVALS["gpp"].spec)
    assert set(made.data_vars) == {"downward_par", "downward_par_uncertainty"}


def test_layers_come_to_the_grid_of_the_task_with_their_one_sigma(tmp_path):
    path = written(tmp_path, "air", air_temperature=(280.0, "K"))
    window = KILOMETRE.grid.window(115.77, 40.32, 115.79, 40.34)
    task = Task("t", "product", "retrieve", "gpp", "1km", type(KILOMETRE)("small", window), PERIOD, "x.h5")
    made = layers(Read("air_temperature", path.name, str(path)), task)
    assert made["air_temperature"].shape == window.shape
    np.testing.assert_allclose(made["air_temperature"], 280.0)
    np.testing.assert_allclose(made["air_temperature_uncertainty"], 70.0)


def test_a_layer_that_has_gone_since_the_plan_is_named(tmp_path):
    path = written(tmp_path, "air", air_temperature=(280.0, "K"))
    task = Task("t", "product", "retrieve", "gpp", "1km", KILOMETRE, PERIOD, "x.h5")
    with pytest.raises(ArchiveError, match="no longer holds 'wind_speed'"):
        layers(Read("wind_speed", path.name, str(path)), task)


def test_a_date_is_put_before_the_map():
    made = dated(xr.Dataset({"x": plane(1.0)}, COORDS), datetime(2019, 7, 7, 12))
    assert made["x"].dims == ("time", *DIMS)
    assert made["time"].values[0] == np.datetime64("2019-07-07T12:00")
