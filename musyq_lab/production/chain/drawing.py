"""Drawing the tasks of a period: every product followed to its inputs."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, ClassVar

from musyq_lab.archive.naming import FileName
from musyq_lab.catalog.stock import Shot, Stock
from musyq_lab.core.errors import InputError, NotFoundError
from musyq_lab.core.period import Period
from musyq_lab.core.spec import Input, Product
from musyq_lab.production.chain.region import Tile
from musyq_lab.production.chain.supply import OBSERVED, Supply, layers_for
from musyq_lab.production.chain.task import Read, Task
from musyq_lab.products._inputs import needed_inputs
from musyq_lab.products._registry import RETRIEVALS
from musyq_lab.products._resolve import parts

WINDOWS = (5.0, 10.0, 15.0)
"""Lengths (days) of the windows a composite may take looks from."""
COMPOSITE = "lsr"
"""Product whose files hold the composites of reflectance."""
BETWEEN = "intermediate"
"""Folder, within that of the production, of files that nobody asked for."""
OPTICAL = (
    *("landsat_oli", "landsat_etm", "landsat_tm", "sentinel2_msi", "gf1_wfv", "gf6_wfv", "hj1_ccd"),
    *("modis", "fy3d_mersi2", "npp_viirs"),
)
"""Sensors whose reflectance a composite takes, finest first."""


@dataclass
class Drawing:
    """A plan of five-day products while it is drawn."""

    sensors: ClassVar[tuple[str, ...]] = OPTICAL
    """Sensors whose granules it takes."""

    keys: tuple[str, ...]
    tile: Tile
    edition: str
    stock: Stock
    method: dict[str, str]
    options: dict[str, Any]
    tasks: dict[str, Task] = field(default_factory=dict)

    def draw(self, period: Period) -> None:
        """Add what a period needs, all or nothing."""
        before = dict(self.tasks)
        try:
            for key in self.keys:
                self._product(key, period, ())
        except InputError:
            self.tasks = before
            raise

    def _product(self, key: str, period: Period, path: tuple[str, ...]) -> str:
        """Add the task of a product, and before it those it needs; return its key."""
        name = f"{key}.{period.label}"
        if name in self.tasks:
            return name
        if key == COMPOSITE:
            return self._composite(period)
        spec = RETRIEVALS[key].spec
        found = [self._supply(spec, item, period, (*path, key)) for item in self._inputs(spec)]
        needs = tuple(dict.fromkeys(s.task for s in found if s and s.task))
        layers = layers_for(self.stock, [name for s in found if s for name in s.layers], period)
        reads = tuple(Read(" ".join(sorted(names)), file.name.text, file.path) for file, names in layers.items())
        made = {"method": self.method.get(key), **self._own_options(key)}
        self.tasks[name] = Task(
            name, "product", "retrieve", key, self.edition, self.tile, period, self._target(key, period), reads, needs,
            tuple((n, v) for n, v in made.items() if v is not None),
        )  # fmt: skip
        return name

    def _inputs(self, spec: Product) -> tuple[Input, ...]:
        names = spec.method_names
        wanted = tuple(spec.variable(n) for n in spec.default) or spec.variables
        method = self.method.get(spec.key) or (names[0] if names else "")
        if method and method not in names:
            raise NotFoundError(f"{spec.key} has no method {method!r}; it has {', '.join(names)}.")
        return needed_inputs(spec, wanted, method)

    def _own_options(self, key: str) -> dict[str, Any]:
        return {n: v for n, v in self.options.items() if n in RETRIEVALS[key].options}

    def _supply(self, spec: Product, item: Input, period: Period, path: tuple[str, ...]) -> Supply | None:
        """Say where an input comes from: a product asked for, the stock, a composite, or the product that makes it."""
        maker = parts(item)[0] or OBSERVED.maker(item.name)
        if maker in self.keys and maker not in path:
            return Supply(item.name, task=self._product(maker, period, path))
        if item.name in OBSERVED.composite:
            return self._observed(item, period)
        if layers := OBSERVED.in_stock(item.name, self.stock, period):
            return Supply(item.name, layers=layers)
        if item.optional:
            return None
        if maker and maker not in path:
            return Supply(item.name, task=self._product(maker, period, path))
        raise InputError(
            f"{spec.key} needs {item.name} ({item.units}), which no product asked for makes and the catalog does not "
            "have then."
        )

    def _observed(self, item: Input, period: Period) -> Supply | None:
        try:
            return Supply(item.name, task=self._composite(period))
        except InputError:
            if item.optional:
                return None
            raise

    def _composite(self, period: Period) -> str:
        name = f"{COMPOSITE}.{period.label}"
        if name in self.tasks:
            return name
        margin = timedelta(days=(WINDOWS[-1] - WINDOWS[0]) / 2)
        shots = [
            s for s in self.stock.shots if s.sensor in OPTICAL and period.start - margin <= s.time < period.end + margin
        ]
        if not any(s.time in period for s in shots):
            raise InputError("no granule whose reflectance could be used was taken then.")
        needs = tuple(self._scene(shot) for shot in shots)
        self.tasks[name] = Task(
            name, "product", "composite", COMPOSITE, self.edition, self.tile, period, self._target(COMPOSITE, period),
            needs=needs, options=(("windows", WINDOWS),),
        )  # fmt: skip
        return name

    def _scene(self, shot: Shot) -> str:
        name = f"scene.{shot.sensor}.{shot.name}"
        if name not in self.tasks:
            moment = Period(shot.time, shot.time, f"{shot.time:%Y%j}-{shot.time:%H%M}")
            target = f"{BETWEEN}/scenes/{shot.sensor}.{shot.name}.nc"
            reads = (Read("granule", shot.name, shot.path),)
            self.tasks[name] = Task(
                name, "scene", "standardize", "", self.edition, self.tile, moment, target, reads,
                options=(("adjust_to", "modis"), ("aod", "scene"), ("sensor", shot.sensor)),
            )  # fmt: skip
        return name

    def _target(self, key: str, period: Period) -> str:
        text = FileName(key, self.edition, self.tile.name, period.label, "v1").text
        return text if key in self.keys else f"{BETWEEN}/{text}"
