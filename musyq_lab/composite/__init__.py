"""Multi-sensor synergy over a period: looks chosen, weighted and made one value; gaps in time filled."""

import sys
from types import ModuleType
from typing import Any


class _Callable(ModuleType):
    """``ml.composite`` names the function, and this package once one of its modules was imported first: both work."""

    def __call__(self, *arguments: Any, **keywords: Any) -> Any:
        """Call :func:`musyq_lab.composite.composite.composite`."""
        from musyq_lab.composite.composite import composite

        return composite(*arguments, **keywords)


sys.modules[__name__].__class__ = _Callable
