import pytest

from musyq_lab.analysis.regions import countries, region_keys, resolve_region
from musyq_lab.core.errors import InputError, NotFoundError


@pytest.mark.parametrize("word", ["CHN", "chn", "China", "china", 156, "156", "中国"])
def test_a_country_by_any_of_its_names(word):
    assert [c.m49 for c in resolve_region(word).countries] == [156]


def test_codes_below_100_may_have_leading_zeros():
    assert resolve_region("004").name == resolve_region(4).name == "Afghanistan"


def test_the_largest_polygon_names_a_country():
    assert resolve_region(36).name == "Australia"


def test_the_union_holds_every_region_and_each_country_once():
    parts = [c.name for key in region_keys() if key != "belt_and_road" for c in resolve_region(key).countries]
    union = [c.name for c in resolve_region("belt_and_road").countries]
    assert sorted(parts) == sorted(union)
    assert len(set(union)) == len(union) > 150
    assert all(resolve_region(key).countries for key in region_keys())


def test_russia_is_a_region_and_not_in_europe():
    assert [c.m49 for c in resolve_region("russia").countries] == [643]
    assert 643 not in {c.m49 for c in resolve_region("europe").countries}


def test_codes_are_unique():
    codes = [c.m49 for c in countries() if c.m49]
    assert len(set(codes)) == len(codes)


def test_boxes():
    assert resolve_region("70,15,140,55").box == (70, 15, 140, 55)
    assert resolve_region(" 170, -50, -170, -10 ").box == (170, -50, -170, -10)
    assert resolve_region("globe").box == (-180, -90, 180, 90)


@pytest.mark.parametrize(
    "word", ["1,2,3", "a,b,c,d", "0,10,20,5", "0,0,0,10", "0,-95,10,10", "0,0,400,10", "1,2,3,4,5"]
)
def test_a_box_that_is_none(word):
    with pytest.raises(InputError, match="west,south,east,north"):
        resolve_region(word)


@pytest.mark.parametrize(("word", "hint"), [("Belt an road", "belt_and_road"), ("Chnia", "China"), ("Atlantis", "box")])
def test_a_region_that_does_not_exist_is_told_with_the_nearest(word, hint):
    with pytest.raises(NotFoundError, match=hint):
        resolve_region(word)
