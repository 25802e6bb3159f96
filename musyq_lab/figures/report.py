"""A report's figures: the same region, period, language, citation and provenance behind each of them.

A recipe makes one :class:`Report` and asks it for maps, bars and curves; every figure becomes a bundle whose ``.py``
file draws it again from the numbers beside it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd
import xarray as xr
from matplotlib.figure import Figure

from musyq_lab.analysis.regions import Region
from musyq_lab.figures.bundle import save_figure
from musyq_lab.figures.charts import BAR_COLOUR, draw_ranked_bars, draw_seasonal_cycle
from musyq_lab.figures.classes import class_table
from musyq_lab.figures.describe import describe_bars, describe_map, describe_seasonal_cycle
from musyq_lab.figures.maps import draw_map
from musyq_lab.figures.ranges import describe_ranges, draw_ranges
from musyq_lab.figures.regions import map_region
from musyq_lab.figures.scatter import describe_scatter, draw_scatter
from musyq_lab.figures.timeline import YearLine, describe_years, draw_years
from musyq_lab.figures.words import pretty_units, say

_TOP = 20


@dataclass(frozen=True)
class Report:
    """What the figures of one report share."""

    folder: Path
    """Where the bundles go, one folder a figure."""
    place: Region
    """What the report is about."""
    period: str
    """Period in words: ``"2011-2015"``."""
    language: str = "en"
    """``"en"`` or ``"zh"``."""
    attribution: str = ""
    """Whose data are shown."""
    citation: str = ""
    """How to cite the figures."""
    provenance: Mapping[str, Any] = field(default_factory=dict)
    """Where the numbers come from."""
    borders: bool = False
    """Whether maps show country lines."""
    review_number: str = ""
    """Number of the map review."""

    def title(self, theme: str) -> str:
        """Return theme, region and period as a heading."""
        name = (self.place.name_zh or self.place.name) if self.language == "zh" else self.place.name
        return say("title", self.language, theme=say(theme, self.language), region=name, period=self.period)

    def map(
        self, theme: str, values: xr.DataArray, *, classes: str, method: str, uncertainty: xr.DataArray | None = None,
        significant: xr.DataArray | None = None, name: str = "",
    ) -> Figure:  # fmt: skip
        """Draw and keep a classed map.

        Parameters
        ----------
        theme : str
            Key of the words, and name of the layer in the file.
        values, uncertainty : DataArray, dims (latitude, longitude)
            The field and its one sigma.
        classes : str
            Name of the class table.
        method : str
            One line for the caption.
        significant : DataArray, optional
            Where a trend is significant, in place of ``uncertainty``.
        name : str, optional
            Of the bundle; the theme by default.
        """
        table, region = class_table(classes), map_region(self.place)
        shown: dict[str, Any] = {
            "classes": table,
            "title": self.title(theme),
            "region": region,
            "language": self.language,
        }
        said: dict[str, Any] = {
            "subtitle": self._subtitle(table.units, values),
            "borders": self.borders,
            "method": method,
            "attribution": self.attribution,
            "review_number": self.review_number,
        }
        beside: dict[str, Any] = {"uncertainty": uncertainty, "significant": significant}
        figure = draw_map(values, **beside, **shown, **said)
        given = {key: layer for key, layer in beside.items() if layer is not None}
        drawn = {theme: values} | {f"{theme}_{key}": _numbers(layer) for key, layer in given.items()}
        bundle = name or theme
        code = _MAP_CODE.format(
            bundle=bundle,
            name=theme,
            classes=classes,
            place=_word(self.place),
            sigma="".join(f'{key}=numbers["{theme}_{key}"], ' for key in given),
            rest=_keywords({"title": shown["title"], "language": self.language, **said}),
        )
        self._keep(figure, bundle, xr.Dataset(drawn), code, describe_map(values, **shown), method)
        return figure

    def bars(
        self, name: str, theme: str, data: pd.DataFrame, columns: tuple[str, str, str], *, units: str,
        colour: str = BAR_COLOUR,
    ) -> Figure:  # fmt: skip
        """Draw and keep ranked bars with 95 % whiskers.

        Parameters
        ----------
        name : str
            Of the bundle.
        theme : str
            Key of the words.
        data : DataFrame
            One row a country or region, with names in ``name`` and ``name_zh``.
        columns : tuple of str
            Columns of the value and of the ends of its interval.
        units : str
            UDUNITS spelling.
        colour : str
            Of the bars.
        """
        label = "name_zh" if self.language == "zh" else "name"
        value, low, high = columns
        how: dict[str, Any] = {"units": units, "title": self.title(theme), "language": self.language, "top": _TOP}
        figure = draw_ranked_bars(data, value, low, high, label, caption=self._source(), colour=colour, **how)
        rest = _keywords(how if colour == BAR_COLOUR else how | {"colour": colour})
        code = _BARS_CODE.format(name=name, columns=(value, low, high, label), rest=rest)
        described = describe_bars(data, value, low, high, label, **how)
        self._keep(figure, name, data[[label, value, low, high]], code, described, "")
        return figure

    def season(self, name: str, theme: str, data: pd.DataFrame, *, units: str) -> Figure:
        """Draw and keep seasonal cycles; ``data`` as :func:`~musyq_lab.figures.charts.draw_seasonal_cycle` wants it."""
        how: dict[str, Any] = {"units": units, "title": self.title(theme), "language": self.language}
        figure = draw_seasonal_cycle(data, caption=self._source(), **how)
        code = _SEASON_CODE.format(name=name, rest=_keywords(how))
        self._keep(figure, name, data, code, describe_seasonal_cycle(data, **how), "")
        return figure

    def years(self, name: str, theme: str, data: pd.DataFrame, lines: Sequence[YearLine], *, units: str) -> Figure:
        """Draw and keep totals year by year; ``data`` and ``lines`` as :func:`~.timeline.draw_years` wants them."""
        how: dict[str, Any] = {"units": units, "title": self.title(theme), "language": self.language}
        figure = draw_years(data, lines, caption=self._source(), **how)
        code = _YEARS_CODE.format(name=name, lines=", ".join(map(repr, lines)), rest=_keywords(how))
        self._keep(figure, name, data, code, describe_years(data, lines, **how), "")
        return figure

    def ranges(self, name: str, theme: str, data: pd.DataFrame, *, units: str) -> Figure:
        """Draw and keep scenarios side by side; ``data`` as :func:`~.ranges.draw_ranges` wants it."""
        how: dict[str, Any] = {"units": units, "title": self.title(theme), "language": self.language}
        figure = draw_ranges(data, caption=self._source(), **how)
        code = _RANGES_CODE.format(name=name, rest=_keywords(how))
        self._keep(figure, name, data, code, describe_ranges(data, **how), "")
        return figure

    def scatter(
        self, name: str, theme: str, data: pd.DataFrame, columns: tuple[str, str], *, units: str,
        labels: tuple[str, str], group: str = "",
    ) -> Figure:  # fmt: skip
        """Draw and keep points against a reference; arguments as :func:`~.scatter.draw_scatter` wants them."""
        how: dict[str, Any] = {"units": units, "title": self.title(theme), "language": self.language}
        figure = draw_scatter(data, *columns, labels=labels, group=group, caption=self._source(), **how)
        rest = _keywords(how | {"labels": labels, "group": group})
        code = _SCATTER_CODE.format(name=name, columns=columns, rest=rest)
        self._keep(figure, name, data, code, describe_scatter(data, *columns, **how), "")
        return figure

    def _subtitle(self, units: str, values: xr.DataArray) -> str:
        step = abs(float(values["latitude"][1] - values["latitude"][0])) if values.sizes["latitude"] > 1 else 0.0
        grid = say("resolution_degrees", self.language, value=f"{step:.3g}")
        return say("subtitle", self.language, unit=pretty_units(units), edition=self.period, resolution=grid)

    def _source(self) -> str:
        return say("attribution", self.language, text=self.attribution) if self.attribution else ""

    def _keep(
        self, figure: Figure, name: str, data: pd.DataFrame | xr.Dataset, code: str, alt_text: str, method: str
    ) -> None:
        method_words = say("method", self.language, text=method) if method else ""
        caption = " ".join(filter(None, (figure_title(figure), method_words, self._source())))
        save_figure(
            figure, self.folder, name, data=data, code=code, caption=caption or name, alt_text=alt_text,
            citation=self.citation or caption or name, provenance=self.provenance, language=self.language,
        )  # fmt: skip


def figure_title(figure: Figure) -> str:
    """Return the heading of a drawn figure."""
    texts = [text.get_text() for text in figure.texts if text.get_text().strip()]
    return texts[0] if texts else ""


def _numbers(layer: xr.DataArray) -> xr.DataArray:
    """Return a layer as a file keeps it: truths as 0 and 1."""
    return layer.astype("int8") if layer.dtype == bool else layer


def _word(place: Region) -> str:
    """Return what :func:`~musyq_lab.analysis.regions.resolve_region` understands as this place."""
    return place.key if place.box is None else ",".join(f"{edge:g}" for edge in place.box)


def _keywords(values: Mapping[str, Any]) -> str:
    return ", ".join(f"{key}={value!r}" for key, value in values.items())


_MAP_CODE = """import xarray as xr

from musyq_lab import figures

numbers = xr.open_dataset("{bundle}.nc", engine="h5netcdf")
figure = figures.draw_map(
    numbers["{name}"], classes=figures.class_table("{classes}"), region=figures.map_region("{place}"), {sigma}
    {rest}
)
figure.savefig("{bundle}_again.png", dpi=300)
"""

_BARS_CODE = """import pandas as pd

from musyq_lab import figures

data = pd.read_csv("{name}.csv")
figure = figures.draw_ranked_bars(data, *{columns}, {rest})
figure.savefig("{name}_again.png", dpi=300)
"""

_SEASON_CODE = """import pandas as pd

from musyq_lab import figures

data = pd.read_csv("{name}.csv")
figure = figures.draw_seasonal_cycle(data, {rest})
figure.savefig("{name}_again.png", dpi=300)
"""

_YEARS_CODE = """import pandas as pd

from musyq_lab import figures
from musyq_lab.figures.timeline import YearLine

nan = float("nan")
data = pd.read_csv("{name}.csv")
figure = figures.draw_years(data, ({lines},), {rest})
figure.savefig("{name}_again.png", dpi=300)
"""

_RANGES_CODE = """import pandas as pd

from musyq_lab import figures

data = pd.read_csv("{name}.csv")
figure = figures.draw_ranges(data, {rest})
figure.savefig("{name}_again.png", dpi=300)
"""

_SCATTER_CODE = """import pandas as pd

from musyq_lab import figures

data = pd.read_csv("{name}.csv")
figure = figures.draw_scatter(data, *{columns}, {rest})
figure.savefig("{name}_again.png", dpi=300)
"""
