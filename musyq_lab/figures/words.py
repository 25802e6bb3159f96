"""Every string that a figure writes by itself, once, in English and Chinese.

``say("share_of_area", "zh")`` returns the words; placeholders are filled by keyword. Titles that a caller composes
come from here too (themes, months, units), so that a language is complete or not there at all.
"""

from __future__ import annotations

import re
from types import MappingProxyType
from typing import Literal, get_args

from musyq_lab.core.errors import InputError, NotFoundError, closest

Language = Literal["en", "zh"]
LANGUAGES: tuple[Language, ...] = get_args(Language)

# English first, Chinese second.
WORDS = MappingProxyType(
    {
        # themes
        "dsr_annual": ("Annual solar radiation", "太阳年总辐射"),
        "dsr_monthly": ("Daily solar radiation by month", "各月太阳日辐射"),
        "pv_potential": ("Photovoltaic technical potential", "光伏发电技术潜力"),
        "pv_yield": ("Photovoltaic yield", "光伏单位装机年发电量"),
        "mean_ghi": ("Mean annual global horizontal irradiation", "平均年水平面总辐射"),
        "gpp_annual": ("Annual gross primary production", "年总初级生产力"),
        "npp_annual": ("Annual net primary production", "年净初级生产力"),
        "nep_annual": ("Annual net ecosystem production", "年净生态系统生产力"),
        "gpp_daily": ("Gross primary production", "总初级生产力"),
        "npp_daily": ("Net primary production", "净初级生产力"),
        "nep_daily": ("Net ecosystem production", "净生态系统生产力"),
        "gpp": ("Gross primary production", "总初级生产力"),
        "npp": ("Net primary production", "净初级生产力"),
        "nep": ("Net ecosystem production", "净生态系统生产力"),
        "gpp_season": ("Gross primary production by month", "各月总初级生产力"),
        "npp_anomaly": ("Anomaly of net primary production", "净初级生产力距平"),
        "npp_trend": ("Trend of net primary production", "净初级生产力变化趋势"),
        "npp_total": ("Total net primary production", "净初级生产力总量"),
        "nep_scenarios": ("Net ecosystem production by scenario", "不同方法的净生态系统生产力"),
        "carbon_years": ("Carbon fluxes year by year", "各年碳通量"),
        "carbon_towers": ("Production beside towers", "生产力与通量塔对比"),
        "title": ("{theme}, {region}, {period}", "{region}{theme}（{period}）"),
        "subtitle": ("{unit} · {edition} · {resolution}", "{unit} · {edition} · {resolution}"),
        "resolution_degrees": ("{value}° grid", "{value}°网格"),
        # places
        "globe": ("globe", "全球"),
        "belt_and_road": ("Belt and Road region", "“一带一路”区域"),
        "northern_hemisphere": ("Northern Hemisphere", "北半球"),
        "southern_hemisphere": ("Southern Hemisphere", "南半球"),
        "both_hemispheres": ("Both sides of the equator", "赤道两边"),
        "south_china_sea": ("South China Sea Islands", "南海诸岛"),
        "other": ("Other ({count})", "其他（{count}个）"),
        # legend
        "share_of_area": ("{unit}, share of area", "{unit}，面积比例"),
        "no_data": ("No data", "无数据"),
        "outside": ("Outside the region", "区域以外"),
        "not_significant": ("Trend not significant", "趋势不显著"),
        "uncertain": ("Standard uncertainty exceeds the class width", "标准不确定度大于分级间距"),
        "below": ("< {value}", "< {value}"),
        "above": ("≥ {value}", "≥ {value}"),
        "between": ("{low}–{high}", "{low}–{high}"),
        # axes
        "month": ("Month", "月份"),
        "interval_95": ("Whiskers: 95 % interval.", "误差线：95%置信区间。"),
        "ribbon_95": ("Ribbon: 95 % interval.", "色带：95%置信区间。"),
        "rings_truth": ("Rings: truth of the simulated Earth.", "空心点：模拟地球的真值。"),
        "bar_truth": ("Black bars: truth of the simulated Earth.", "黑线：模拟地球的真值。"),
        "dashes_trend": (
            "Dashes: Theil-Sen trend with its Mann-Kendall p-value.",
            "直线：Theil-Sen趋势与Mann-Kendall检验。",
        ),
        "score_count": ("n = {value}", "n = {value}"),
        "score_r": ("r = {value}", "r = {value}"),
        "score_rmse": ("RMSE = {value} {unit}", "RMSE = {value} {unit}"),
        "score_bias": ("bias = {value} {unit}", "偏差 = {value} {unit}"),
        "forest": ("Forest", "森林"),
        "shrubs": ("Shrubs and savanna", "灌木与稀疏草原"),
        "grass": ("Grass and wetland", "草地与湿地"),
        "crops": ("Crops", "农田"),
        "groups": ("Land cover", "土地覆盖"),
        "ours": ("This work", "本系统"),
        "tower": ("Tower", "通量塔"),
        "simulated_truth": ("Truth of the simulated Earth", "模拟地球真值"),
        # caption
        "carbon_method": (
            "mass of carbon by the light-use efficiency model {method}",
            "光能利用率模型{method}，以碳计",
        ),
        "nep_method": (
            "net primary production less soil respiration: {scenario}",
            "净初级生产力减土壤排放：{scenario}",
        ),
        "trend_method": (
            "Theil-Sen slope; Mann-Kendall test with at most {rate} % false discoveries",
            "Theil-Sen趋势；Mann-Kendall检验，错误比例不大于{rate}%",
        ),
        "anomaly_method": ("{year} less the mean of {period}", "{year}年减{period}平均"),
        "dsr_method": (
            "MERRA-2 irradiance brought to 0.25° by a clear-sky index",
            "MERRA-2辐射，经晴空指数计算，0.25°",
        ),
        "own_dsr_method": ("irradiance of the user's own file", "自备辐射数据"),
        "pv_method": ("suitable land by {suitability}, yield by {chain}", "适宜土地：{suitability}；发电量：{chain}"),
        "method": ("Method: {text}.", "方法：{text}。"),
        "attribution": ("Data: {text}.", "数据：{text}。"),
        "projection": ("Equal-area projection: {name}.", "投影（保持面积）：{name}。"),
        "class_source": ("Classes: {text}.", "分级：{text}。"),
        "disclaimer": (
            "Boundaries and names shown do not imply any opinion on the legal status of any territory.",
            "图中边界与名称不代表对任何领土法律地位的立场。",
        ),
        "no_boundaries": ("Coastlines only; no political boundaries are shown.", "图中有海岸线，不含行政界线。"),
        "review_number": ("Map review number: {number}.", "审图号：{number}。"),
        "no_review_number": ("Map review number: none.", "审图号：无。"),
        "equal_earth": ("Equal Earth", "Equal Earth"),
        "lambert": ("Lambert azimuthal, {latitude}, {longitude}", "Lambert方位，{latitude}，{longitude}"),
        "albers": ("Albers, 25°\u00a0N, 47°\u00a0N, 105°\u00a0E", "Albers，北纬25°、47°，东经105°"),
        # alternative text
        "alt_map": (
            "Map of {title}. Values from {low} to {high} {unit}, area mean {mean}. Highest {place}, {high}. "
            "{share} % of the area lies in the class {label} {unit}.",
            "地图：{title}。数值范围{low}至{high} {unit}，面积加权平均{mean}。最高值{place}，为{high}。"
            "{share}%的面积属于{label} {unit}级。",
        ),
        "alt_empty": ("Map of {title}. No cell has data.", "地图：{title}。没有任何网格有数据。"),
        "alt_bars": (
            "Ranked bars of {title}. First is {first} with {value} {unit} (95 % interval {low} to {high}); "
            "last of the {count} shown by name is {last} with {least}.",
            "排序条形图：{title}。第一为{first}，{value} {unit}（95%置信区间{low}至{high}）；"
            "单独列出的{count}个中最后为{last}，{least}。",
        ),
        "alt_season": (
            "{region}: highest in {peak} with {high}, lowest in {trough} with {low} {unit}.",
            "{region}：最高在{peak}，{high}，最低在{trough}，{low} {unit}。",
        ),
        "alt_season_title": ("Seasonal curves of {title}.", "季节变化曲线：{title}。"),
        "alt_years_title": ("Lines of {title}.", "折线图：{title}。"),
        "alt_years": (
            "{name}: mean {mean} {unit}, highest in {peak} with {high}, lowest in {trough} with {low}.",
            "{name}：平均{mean} {unit}，最高在{peak}年，{high}，最低在{trough}年，{low}。",
        ),
        "alt_ranges_title": (
            "Dots with 95 % intervals of {title}, {count} scenarios.",
            "点与95%置信区间：{title}，{count}种方法。",
        ),
        "alt_ranges": (
            "{region}: from {low} ({least}) to {high} {unit} ({most}).",
            "{region}：{low}（{least}）至{high} {unit}（{most}）。",
        ),
        "alt_scatter": (
            "Scatter of {title}: {count} pairs, r {r}, root mean square error {rmse}, bias {bias} {unit}.",
            "散点图：{title}，{count}对，r {r}，均方根误差{rmse}，偏差{bias} {unit}。",
        ),
        "in_place": ("in {name} ({where})", "在{name}（{where}）"),
        "at_place": ("at {where}", "在{where}"),
        # sections of caption.txt
        "caption": ("Caption", "图注"),
        "alt_text": ("Alternative text", "替代文本"),
        "citation": ("Citation", "引用"),
        # coordinates
        "north": ("{value}°\u00a0N", "北纬{value}°"),
        "south": ("{value}°\u00a0S", "南纬{value}°"),
        "east": ("{value}°\u00a0E", "东经{value}°"),
        "west": ("{value}°\u00a0W", "西经{value}°"),
        # table columns
        "rank": ("Rank", "排名"),
        "country": ("Country", "国家"),
        "region": ("Region", "区域"),
        "area": ("Area", "面积"),
        "suitable_area": ("Suitable area", "适宜面积"),
        "potential": ("Potential", "潜力"),
        "valid_area": ("Area with values", "有值面积"),
        "trend": ("Trend", "趋势"),
        "low_95": ("95 % low", "95%下限"),
        "high_95": ("95 % high", "95%上限"),
    }
)

MONTHS = MappingProxyType(
    {
        "en": ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"),
        "zh": tuple(f"{month}月" for month in range(1, 13)),
    }
)

_SUPERSCRIPT = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
_EXPONENT = re.compile(r"(?<=[A-Za-z])-?\d+(?![\d.])")


def check_language(language: str) -> Language:
    """Return the language if there is one of that name.

    Raises
    ------
    InputError
        If figures are not written in it.
    """
    for known in LANGUAGES:
        if language == known:
            return known
    raise InputError(f"Figures are written in {' or '.join(map(repr, LANGUAGES))}, not in {language!r}.")


def say(key: str, language: str = "en", **values: object) -> str:
    """Return the words for a key.

    Parameters
    ----------
    key : str
        Key of :data:`WORDS`.
    language : {"en", "zh"}
        Language of the figure.
    **values
        What the placeholders stand for.

    Raises
    ------
    NotFoundError
        If the table has no such key.
    """
    column = LANGUAGES.index(check_language(language))
    try:
        text = WORDS[key][column]
    except KeyError:
        raise NotFoundError(f"The table of words has no {key!r}.{closest(key, WORDS)}") from None
    return text.format(**values)


def pretty_units(units: str) -> str:
    """Return a unit as a report writes it: ``"kWh m-2 a-1"`` -> ``"kWh m⁻² a⁻¹"``; a ratio has none."""
    return "" if units == "1" else _EXPONENT.sub(lambda match: match.group().translate(_SUPERSCRIPT), units)


def degrees(latitude: float, longitude: float, language: str = "en", *, digits: int = 1) -> tuple[str, str]:
    """Return latitude and longitude in words: ``("18.1° N", "15.4° E")``."""
    wrapped = (longitude + 180) % 360 - 180
    return (
        say("north" if latitude >= 0 else "south", language, value=f"{abs(latitude):.{digits}f}"),
        say("east" if wrapped >= 0 else "west", language, value=f"{abs(wrapped):.{digits}f}"),
    )
