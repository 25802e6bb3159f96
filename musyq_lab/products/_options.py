"""Options that a method does not use are refused, so that nobody takes a result for what it is not."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from musyq_lab.core.errors import InputError


def refuse_idle(
    key: str, method: str, options: Mapping[str, Any], defaults: Mapping[str, Any], used: Mapping[str, tuple[str, ...]]
) -> None:
    """Refuse an option that was changed and that the chosen method does not use.

    Parameters
    ----------
    key, method : str
        Product and method, for the message.
    options, defaults : mapping of str to object
        Values by name, as given and as they are without the user.
    used : mapping of str to tuple of str
        Methods that use an option; an option that is not listed is every method's.

    Raises
    ------
    InputError
        Naming the option and the methods that take it.
    """
    for name, methods in used.items():
        if method not in methods and name in options and options[name] != defaults[name]:
            raise InputError(
                f'retrieve("{key}", {name}={options[name]!r}) would change nothing: the method {method!r} has no such '
                f"option. Leave it out, or choose method= one of {', '.join(methods)}."
            )
