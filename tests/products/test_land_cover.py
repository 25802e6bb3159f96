"""Land cover: classifiers trained on points, the shipped one, own classes, sequences of years, real ground points."""

import pickle
from pathlib import Path

import dask.base
import numpy as np
import pandas as pd
import pytest
import xarray as xr
from sklearn.ensemble import RandomForestClassifier

from musyq_lab.analysis.accuracy import accuracy
from musyq_lab.core.errors import InputError
from musyq_lab.products import _classifier
from musyq_lab.products._classifier import Classifier, default_classifier, grow, train
from musyq_lab.products._features import LEAST, names_of
from musyq_lab.products._legends import legend
from musyq_lab.products.land_cover import SPEC, land_cover, with_own_classes

FLAG = {flag.name: flag.mask for flag in SPEC.all_flags}
DATES = pd.date_range("2015-01-01", "2017-12-31", freq="16D")
COURSES = {2: (0.85, 0.02, 0), 4: (0.5, 0.35, 200), 12: (0.4, 0.3, 140), 16: (0.1, 0.02, 200)}
MATO_GROSSO = Path(__file__).parents[3] / "shared/data/modis_MOD13Q1_MatoGrosso_2007_2013"


@pytest.fixture(autouse=True, scope="module")
def few_trees():
    """Forests of 20 trees: enough for classes that differ, and five times faster."""
    before = _classifier.TREES
    _classifier.TREES = 20
    yield
    _classifier.TREES = before
    default_classifier.cache_clear()


def made_up(seed=1):
    """Return series of 12 x 12 cells of four classes in blocks, and the classes."""
    draw = np.random.Generator(np.random.Philox(seed))
    numbers = np.array(list(COURSES))
    classes = np.repeat(np.repeat(draw.choice(numbers, (4, 4)), 3, axis=0), 3, axis=1)
    classes[:3, :] = np.repeat(numbers, 3)
    turn = DATES.dayofyear.to_numpy()[:, None, None]
    mean, swing, peak = (np.vectorize(lambda k, i=i: COURSES[k][i])(classes)[None] for i in range(3))
    ndvi = mean + swing * np.cos(2 * np.pi * (turn - peak) / 365.25) + 0.03 * draw.standard_normal((turn.size, 12, 12))
    ndvi[draw.random(ndvi.shape) < 0.2] = np.nan
    coords = {"time": DATES, "latitude": 40 - 0.05 * np.arange(12), "longitude": 110 + 0.05 * np.arange(12)}
    return xr.Dataset({"ndvi": (("time", "latitude", "longitude"), ndvi, {"units": "1"})}, coords), classes


def points_of(series, classes, names=None):
    """Return a ground point for every third cell and the year 2016."""
    rows = [
        {
            "longitude": float(series.longitude[j]) + 0.01,
            "latitude": float(series.latitude[i]) - 0.01,
            "label": names[classes[i, j]] if names else int(classes[i, j]),
            "year": 2016,
        }
        for i in range(12)
        for j in range(12)
        if (i + 2 * j) % 3 == 0
    ]
    return pd.DataFrame(rows)


@pytest.fixture(scope="module")
def scene():
    return made_up()


@pytest.fixture(scope="module")
def trained(scene):
    return train(scene[0], points_of(*scene))


def test_trained_on_points_it_finds_the_classes_of_other_cells_and_years(scene, trained):
    series, classes = scene
    made = land_cover(series, classifier=trained)
    assert (made.land_cover.values == classes[None]).mean() > 0.97
    assert made.sizes["year"] == 3
    assert made.land_cover.attrs["flag_meanings"].split()[11] == "cropland"
    assert float(made.land_cover_probability.min()) > 0.3
    assert (made.second_land_cover != made.land_cover).all()


def test_accuracy_is_out_of_fold(trained):
    assert trained.confusion.sum() == 48
    assert trained.accuracy > 0.9
    report = accuracy(trained.confusion, classes=tuple(trained.classes.values()))
    assert report.overall[0] == pytest.approx(trained.accuracy)


def test_votes_are_those_of_scikit_learn():
    draw = np.random.Generator(np.random.Philox(3))
    x = draw.normal(size=(150, len(names_of(("ndvi",))))).astype(np.float32).astype(float)
    y = np.where(x[:, 0] + x[:, 3] > 0, 4, np.where(x[:, 5] > 0, 10, 12))
    made = grow(x, y, np.arange(150), classes=legend("igbp"), inputs=("ndvi",), validate=False)
    peer = RandomForestClassifier(
        _classifier.TREES,
        min_samples_leaf=_classifier.LEAF_POINTS,
        class_weight="balanced_subsample",
        random_state=_classifier.SEED,
    ).fit(x, y)
    fresh = draw.normal(size=(60, x.shape[1])).astype(np.float32)
    mean, _ = made.shares(fresh)
    np.testing.assert_allclose(mean[:, [3, 9, 11]], peer.predict_proba(fresh), atol=2e-6)
    assert made.predict(fresh).tolist() == peer.predict(fresh).tolist()
    assert np.isnan(made.predict(np.full((1, x.shape[1]), np.nan))).all()


def test_same_seed_same_forest_and_it_travels(scene, trained):
    again = train(scene[0], points_of(*scene))
    assert again.digest == trained.digest
    assert dask.base.tokenize(again) == dask.base.tokenize(trained)
    assert train(scene[0], points_of(*scene), seed=1).digest != trained.digest
    copy = pickle.loads(pickle.dumps(trained))
    assert copy.digest == trained.digest
    assert "sklearn" not in str([type(a) for a in copy.nodes])
    assert "forest" in str(copy)


def test_own_classes_are_numbered_by_name_and_carried_in_the_result(scene):
    series, classes = scene
    names = {2: "wood", 4: "orchard", 12: "field", 16: "sand"}
    own = train(series, points_of(series, classes, names))
    assert list(own.classes.values()) == ["field", "orchard", "sand", "wood"]
    with pytest.raises(InputError, match="with_own_classes"):
        land_cover(series, classifier=own)
    made = with_own_classes(own)(series)
    assert made.land_cover.attrs["flag_meanings"] == "field orchard sand wood"
    said = np.vectorize(own.classes.get)(made.land_cover.values[1].astype(int))
    assert (said == np.vectorize(names.get)(classes)).mean() > 0.97
    lazy = with_own_classes(own)(series.chunk({"latitude": 5})).compute()
    xr.testing.assert_identical(lazy, made)


def test_bits(scene, trained):
    series, _ = scene
    sparse = series.copy(deep=True)
    sparse.ndvi[LEAST - 1 : 23, 0, 0] = np.nan
    sparse.ndvi[:, 5, 5] = sparse.ndvi[:, 5, 5] - 0.9
    made = land_cover(sparse, classifier=trained)
    qa = made.land_cover_qa
    assert int(qa[0, 0, 0]) & FLAG["few_observations"]
    assert np.isnan(made.land_cover[0, 0, 0])
    assert int(qa[1, 5, 5]) & FLAG["outside_training"]
    low = (qa.values & FLAG["low_confidence"]) > 0
    np.testing.assert_array_equal(low, made.land_cover_probability.values < 0.5)


def test_consistency_overrules_a_doubtful_year(scene, trained):
    series, classes = scene
    odd = series.copy(deep=True)
    # In 2016 the fields look half like orchards.
    fields, orchards = np.argwhere(classes == 12), np.argwhere(classes == 4)
    other = odd.ndvi.values[:, *orchards[0]]
    year = odd.time.dt.year.values == 2016
    for i, j in fields:
        odd.ndvi.values[year, i, j] = 0.45 * odd.ndvi.values[year, i, j] + 0.55 * other[year]
    plain = land_cover(odd, classifier=trained)
    smooth = land_cover(odd, classifier=trained, consistency=0.95)
    changed = (smooth.land_cover_qa.values & FLAG["changed_by_consistency"]) > 0
    np.testing.assert_array_equal(changed, plain.land_cover.values != smooth.land_cover.values)
    assert changed[1].any()
    right = [(m.land_cover.values[1] == classes).mean() for m in (plain, smooth)]
    assert right[1] > right[0]
    with pytest.raises(InputError, match="consistency"):
        land_cover(series, classifier=trained, consistency=1.0)


def test_shipped_classifier_knows_plain_cases():
    turn = DATES.dayofyear.to_numpy()
    courses = np.stack([np.full(turn.size, -0.85), 0.9 + 0.0 * turn, 0.1 + 0.02 * np.cos(turn / 58.0)], axis=1)
    courses += 0.01 * np.random.Generator(np.random.Philox(2)).standard_normal(courses.shape)
    evi = np.stack([np.full(turn.size, -0.15), 0.55 + 0.0 * turn, 0.08 + 0.0 * turn], axis=1)
    coords = {"time": DATES}
    made = land_cover(
        ndvi=xr.DataArray(courses, coords, ("time", "x"), attrs={"units": "1"}),
        evi=xr.DataArray(evi, coords, ("time", "x"), attrs={"units": "1"}),
    )
    assert made.land_cover[1].values.tolist() == [17.0, 2.0, 16.0]
    # Out-of-place accuracy at the simulated Earth's places, by the table that ships.
    assert 0.75 < default_classifier(("ndvi", "evi")).accuracy < 0.95
    assert "simulated Earth" in SPEC.methods[0].title


def test_what_is_wrong_is_said(scene, trained):
    series, classes = scene
    points = points_of(series, classes)
    with pytest.raises(InputError, match="label"):
        train(series, points.drop(columns="label"))
    with pytest.raises(InputError, match="start"):
        train(series, points.drop(columns="year"))
    with pytest.raises(InputError, match="two classes"):
        train(series, points.assign(label=4))
    with pytest.raises(InputError, match="no \\['evi'\\]"):
        train(series, points, inputs=["evi"])
    with pytest.raises(InputError, match="none of the classes"):
        train(series, points, classes={1: "a"})
    with pytest.raises(InputError, match="takes a Classifier"):
        with_own_classes(trained)(series, classifier="forest")
    wants = Classifier({2: "a"}, ("ndvi", "evi"), 1, trained.nodes, trained.range, trained.confusion)
    with pytest.raises(InputError, match="looks at them"):
        with_own_classes(wants)(series)


@pytest.mark.skipif(not MATO_GROSSO.exists(), reason=f"{MATO_GROSSO} is not there")
@pytest.mark.slow
def test_real_ground_points_of_mato_grosso():
    import rasterio
    import rioxarray  # noqa: F401  (the accessor .rio)

    times = pd.to_datetime((MATO_GROSSO / "timeline").read_text().split())
    layers = {}
    for name in ("ndvi", "evi"):
        with rasterio.open(MATO_GROSSO / f"{name}.tif") as file:
            values, t, crs = file.read(), file.transform, file.crs
        layers[name] = (("time", "y", "x"), np.where(values > -1e3, values, np.nan), {"units": "1"})
    rows, columns = values.shape[1:]
    coords = {"time": times, "y": t.f + t.e * (np.arange(rows) + 0.5), "x": t.c + t.a * (np.arange(columns) + 0.5)}
    series = xr.Dataset(layers, coords).rio.write_crs(crs)
    points = pd.read_csv(MATO_GROSSO / "samples.csv").rename(columns={"from": "start"})
    points["start"] = pd.to_datetime(points["start"])
    made = train(series, points)
    assert made.first_month == 9
    assert made.confusion.sum() == len(points) == 603
    # 97 % with places of 2 km left out; forest is told from crops without a fault or two.
    assert made.accuracy > 0.95
    report = accuracy(made.confusion, classes=tuple(made.classes.values())).table()
    assert report.loc["Forest", "users"] > 0.98
    assert (report["producers"] > 0.85).all()


def test_points_beyond_the_map_teach_nothing(scene, trained):
    series, classes = scene
    points = points_of(series, classes)
    away = points.head(20).assign(longitude=points.longitude.max() + 30)
    assert train(series, pd.concat([points, away])).digest == trained.digest


def test_labels_are_numbers_or_names_and_never_missing(scene, trained):
    series, classes = scene
    points = points_of(series, classes)
    number = {name: n for n, name in legend("igbp").items()}
    floats = points.assign(label=[float(number.get(x, x)) for x in points.label])
    assert train(series, floats).digest == trained.digest
    with pytest.raises(InputError, match="needs a label"):
        train(series, floats.assign(label=floats.label.where(floats.index > 0)))
