"""MuSyQ Lab: the open laboratory for multi-source synergized quantitative remote sensing.

``import musyq_lab as ml`` loads nothing heavy: each public name is imported when it is first used.
"""

import importlib
from typing import Any

# Public name -> where it lives. Texts, so that no layer is imported before it is needed.
_PUBLIC = {
    "PRODUCTS": "musyq_lab.products._registry:PRODUCTS",
    "RECIPES": "musyq_lab.production.recipes:RECIPES",
    "SENSORS": "musyq_lab.sensors._registry:SENSORS",
    "add_overviews": "musyq_lab.archive.overviews:add",
    "algorithm": "musyq_lab.products._retrieval:algorithm",
    "breaks": "musyq_lab.analysis.breaks:breaks",
    "carbon_years": "musyq_lab.twin.years:carbon_years",
    "change": "musyq_lab.dashboards.change:change",
    "check": "musyq_lab.training.check:check",
    "check_algorithm": "musyq_lab.production.contract.check:check_algorithm",
    "check_archive": "musyq_lab.archive.check.run:check_archive",
    "clear_background": "musyq_lab.analysis.background:clear_background",
    "composite": "musyq_lab.composite.composite:composite",
    "compute": "musyq_lab.dashboards.compute:compute",
    "crosswalk": "musyq_lab.products._legends:crosswalk",
    "describe": "musyq_lab.archive.metadata.describe:describe",
    "download": "musyq_lab.production.download.download:download",
    "estimate_download": "musyq_lab.production.download.download:estimate",
    "evaluate": "musyq_lab.analysis.expression:evaluate",
    "explain": "musyq_lab.products._explain:explain",
    "explore": "musyq_lab.dashboards.explorer:explore",
    "forecast": "musyq_lab.production.chain.forecast:forecast",
    "integrate": "musyq_lab.analysis.daytime:integrate",
    "load_algorithm": "musyq_lab.production.contract.own:load_algorithm",
    "look": "musyq_lab.dashboards.granules:look",
    "open_catalog": "musyq_lab.catalog.open:open_catalog",
    "open_gbov": "musyq_lab.archive.ground:open_gbov",
    "open_ozflux_longwave": "musyq_lab.archive.stations:open_ozflux_longwave",
    "open_product": "musyq_lab.archive.open:open_product",
    "open_scene": "musyq_lab.sensors._open:open_scene",
    "open_scenes": "musyq_lab.sensors._folder:open_scenes",
    "open_simulation": "musyq_lab.twin.simulate:open_simulation",
    "open_surfrad": "musyq_lab.archive.stations:open_surfrad",
    "plan": "musyq_lab.production.chain.produce:plan",
    "platform": "musyq_lab.dashboards.platform:platform",
    "produce": "musyq_lab.production.chain.produce:produce",
    "receipts": "musyq_lab.production.download.registration:receipts",
    "register": "musyq_lab.production.download.registration:register",
    "reproduce": "musyq_lab.production.chain.reproduce:reproduce",
    "retrieve": "musyq_lab.products._retrieve:retrieve",
    "retrieve_isolated": "musyq_lab.production.isolation.run:retrieve_isolated",
    "run_recipe": "musyq_lab.production.run:run_recipe",
    "scene_grids": "musyq_lab.sensors._open:scene_grids",
    "simulate": "musyq_lab.twin.simulate:simulate",
    "soil_water": "musyq_lab.products._bucket:soil_water",
    "spectral_response": "musyq_lab.sensors._response:response",
    "standardize": "musyq_lab.standard.pipeline:standardize",
    "train_land_cover": "musyq_lab.products._classifier:train",
    "trend": "musyq_lab.analysis.trend:trend",
    "true_colour": "musyq_lab.figures.quicklook:true_colour",
    "tune": "musyq_lab.dashboards.tune:tune",
    "write_product": "musyq_lab.archive.write:write_product",
}

__all__ = sorted(_PUBLIC)  # noqa: PLE0605  (a computed list: names live in one place)


def __getattr__(name: str) -> Any:
    """Import a public name on first use (PEP 562)."""
    if name == "__version__":
        from musyq_lab.core.attributes import package_version

        return package_version()
    try:
        module, attribute = _PUBLIC[name].split(":")
    except KeyError:
        known = ", ".join(__all__)
        raise AttributeError(f"module 'musyq_lab' has no attribute {name!r}. Public names: {known}") from None
    value = getattr(importlib.import_module(module), attribute)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """Return the public names, so that completion shows them."""
    return [*__all__, "__version__"]
