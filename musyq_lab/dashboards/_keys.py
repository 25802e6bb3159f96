"""Keys of the map: arrows step through time, space plays and pauses."""

from __future__ import annotations

from typing import Any

import param
from panel.custom import JSComponent

_SCRIPT = """
export function render({ model, el }) {
  el.style.display = "none"
  const busy = (event) => {
    const inside = event.composedPath().find((n) => n.tagName && (
      /^(INPUT|TEXTAREA|SELECT|BUTTON)$/.test(n.tagName) || n.isContentEditable
      || (n.getAttribute && /^(slider|tab|option|listbox)$/.test(n.getAttribute("role") || ""))))
    return inside !== undefined
  }
  const pressed = (event) => {
    if (!el.isConnected) { document.removeEventListener("keydown", pressed); return }
    if (busy(event) || event.ctrlKey || event.metaKey || event.altKey) return
    const step = {ArrowRight: 1, ArrowLeft: -1}[event.key]
    if (step) { model.step = {by: step, count: (model.step.count || 0) + 1} }
    else if (event.key === " ") { model.toggles = model.toggles + 1 }
    else return
    event.preventDefault()
  }
  document.addEventListener("keydown", pressed)
}
"""


class Keys(JSComponent):
    """Listens to the keyboard of the page, unless it is used to type, to slide or to choose."""

    step: Any = param.Dict({"by": 0, "count": 0}, doc="Last step asked for, and how many there were.")
    toggles: Any = param.Integer(0, doc="How often space was pressed.")

    _esm = _SCRIPT
