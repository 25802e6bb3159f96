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
from musyq_lab.production.chain import _rules, _yearly
from musyq_lab.production.chain.region import Tile
from musyq_lab.production.chain.supply import OBSERVED, Supply, layers_for
from musyq_lab.production.chain.task import Read, Task
from musyq_lab.products._block import call_with
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

    def finish(self) -> list[tuple[str, str]]:
        """Drop what turned out not to be possible once all periods were drawn.

        Returns
        -------
        list of (str, str)
            What is left out, and why: sensors too coarse for the grid, years with too few dates.
        """
        told = [(s, why) for s in self._present() if (why := _rules.too_coarse(s, self.tile.grid))]
        wrong = _yearly.too_few(self.tasks.values())
        for name in wrong:
            del self.tasks[name]
        wanted = [task.key for task in self.tasks.values() if not task.target.startswith(f"{BETWEEN}/")]
        self.tasks = {key: self.tasks[key] for key in self.tasks if key in _yearly.reached(wanted, self.tasks)}
        return [*wrong.items(), *told]

    def _present(self) -> list[str]:
        return sorted({shot.sensor for shot in self.stock.shots} & set(self.sensors))

    def _product(self, key: str, period: Period, path: tuple[str, ...]) -> str:
        """Add the task of a product, and before it those it needs; return its key."""
        name = f"{key}.{period.label}"
        if name in self.tasks:
            return name
        spec = RETRIEVALS[key].spec
        _rules.check_edition(spec, self.edition)
        _rules.check_instant(spec)
        if key == COMPOSITE:
            return self._composite(period)
        _rules.check_support(spec)
        inputs = self._inputs(spec)
        if spec.support == "period":
            return self._of_looks(spec, inputs, period)
        if spec.support == "yearly":
            inputs = tuple(item for item in inputs if not item.optional)
        found = [s for item in inputs if (s := self._supply(spec, item, period, (*path, key)))]
        self._check(spec, inputs, {s.name for s in found})
        task = self._retrieved(spec, period, found)
        if spec.support == "yearly":
            return _yearly.add(self.tasks, task, period, self._target(key, _yearly.year_of(period)))
        self.tasks[name] = task
        return name

    def _retrieved(self, spec: Product, period: Period, found: list[Supply], maker: str = "retrieve") -> Task:
        needs = tuple(dict.fromkeys(s.task for s in found if s.task))
        layers = layers_for(self.stock, [name for s in found for name in s.layers], period)
        reads = tuple(Read(" ".join(sorted(names)), file.name.text, file.path) for file, names in layers.items())
        key = spec.key
        return Task(
            f"{key}.{period.label}", "product", maker, key, self.edition, self.tile, period,
            self._target(key, period), reads, needs, self._made_with(spec),
        )  # fmt: skip

    def _made_with(self, spec: Product) -> tuple[tuple[str, Any], ...]:
        made = {"method": self.method.get(spec.key), **self._own_options(spec.key)}
        return tuple((n, v) for n, v in made.items() if v is not None)

    def _inputs(self, spec: Product) -> tuple[Input, ...]:
        wanted = tuple(spec.variable(n) for n in spec.default) or spec.variables
        return needed_inputs(spec, wanted, self._method(spec))

    def _method(self, spec: Product) -> str:
        names = spec.method_names
        method = self.method.get(spec.key) or (names[0] if names else "")
        if method and method not in names:
            raise NotFoundError(f"{spec.key} has no method {method!r}; it has {', '.join(names)}.")
        return method

    def _check(self, spec: Product, inputs: tuple[Input, ...], names: set[str]) -> None:
        """Let the retrieval refuse now what it would refuse when it runs."""
        retrieval = RETRIEVALS[spec.key]
        if retrieval.check is None:
            return
        makers = {parts(item)[0] for item in inputs if item.name in names} - {""}
        coming = {item.name for item in inputs if item.name in names or parts(item)[0] in makers}
        options = {**retrieval.options, **self._own_options(spec.key)}
        call_with(retrieval.check, {"given": frozenset(coming), "method": self._method(spec), **options})

    def _own_options(self, key: str) -> dict[str, Any]:
        return {n: v for n, v in self.options.items() if n in RETRIEVALS[key].options}

    def _supply(self, spec: Product, item: Input, period: Period, path: tuple[str, ...]) -> Supply | None:
        """Say where an input comes from: a product asked for, the stock, a composite, or the product that makes it."""
        maker = parts(item)[0] or OBSERVED.maker(item.name)
        if maker in self.keys and maker not in path:
            return Supply(item.name, task=self._product(maker, period, path))
        if item.name in OBSERVED.composite and (item.name not in _rules.ANGLES or _rules.takes_reflectance(spec)):
            return self._observed(item, period)
        if layers := OBSERVED.in_stock(item.name, self.stock, period):
            return Supply(item.name, layers=layers)
        if item.optional or (not maker and _rules.makes(spec, item.name)):  # it comes with the others of that file
            return None
        if maker and maker not in path:
            return Supply(item.name, task=self._product(maker, period, path))
        raise InputError(_rules.missing(spec, item))

    def _observed(self, item: Input, period: Period) -> Supply | None:
        try:
            return Supply(item.name, task=self._composite(period))
        except InputError:
            if item.optional:
                return None
            raise

    def _of_looks(self, spec: Product, inputs: tuple[Input, ...], period: Period) -> str:
        """Add a product that is made of all looks of the widest window."""
        if other := next((i for i in inputs if not i.optional and i.name not in OBSERVED.composite), None):
            raise InputError(f"{spec.key} is made of single looks, which have no {other.name}.")
        needs = tuple(self._scene(shot) for shot in self._shots(period))
        task = self._retrieved(spec, period, [Supply("looks", task=need) for need in needs], "looks")
        self.tasks[task.key] = task
        return task.key

    def _shots(self, period: Period) -> list[Shot]:
        """Return the granules of the widest window whose pixels suit the grid; there is one within the period."""
        margin = timedelta(days=(WINDOWS[-1] - WINDOWS[0]) / 2)
        shots = [
            s for s in self.stock.shots
            if s.sensor in OPTICAL and period.start - margin <= s.time < period.end + margin
            and not _rules.too_coarse(s.sensor, self.tile.grid)
        ]  # fmt: skip
        if not any(s.time in period for s in shots):
            raise InputError("no granule whose reflectance could be used was taken then.")
        return shots

    def _composite(self, period: Period) -> str:
        name = f"{COMPOSITE}.{period.label}"
        if name in self.tasks:
            return name
        needs = tuple(self._scene(shot) for shot in self._shots(period))
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
