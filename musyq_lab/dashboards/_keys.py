"""What the page's own script does: keys of the map, and a word where the server takes more than a moment."""

from __future__ import annotations

from typing import Any

import param
from panel.custom import JSComponent

# The server answers messages in their order: a ping that comes back late has waited for the work before it.
_SCRIPT = """
export function render({ model, el }) {
  const busy = document.createElement("div")
  busy.setAttribute("role", "status")
  busy.textContent = ""
  busy.style.cssText = "position:fixed;top:6px;left:50%;padding:2px 10px;border-radius:9px;background:#d0006f;" +
    "color:#fff;font:12px sans-serif;z-index:9;display:none"
  el.appendChild(busy)
  const show = (on) => { busy.style.display = on ? "block" : "none"; busy.textContent = on ? "Working …" : "" }
  let timer = null
  const ping = () => {
    if (!el.isConnected) { forget(); return }
    if (timer) return
    timer = setTimeout(() => show(true), 200)
    setTimeout(() => { model.ping = model.ping + 1 }, 0)
  }
  model.on("pong", () => { clearTimeout(timer); timer = null; show(false) })
  const typed = (event) => event.composedPath().some((n) => n.tagName && (
    /^(INPUT|TEXTAREA|SELECT|BUTTON)$/.test(n.tagName) || n.isContentEditable
    || /^(slider|tab|option|listbox)$/.test((n.getAttribute && n.getAttribute("role")) || "")))
  const pressed = (event) => {
    if (!el.isConnected) { forget(); return }
    if (typed(event) || event.ctrlKey || event.metaKey || event.altKey) return
    const step = {ArrowRight: 1, ArrowLeft: -1}[event.key]
    if (step) { model.step = {by: step, count: (model.step.count || 0) + 1} }
    else if (event.key === " ") { model.toggles = model.toggles + 1 }
    else return
    event.preventDefault()
  }
  const asked = ["pointerup", "keyup", "change"]
  const forget = () => {
    document.removeEventListener("keydown", pressed)
    asked.forEach((name) => document.removeEventListener(name, ping))
  }
  document.addEventListener("keydown", pressed)
  asked.forEach((name) => document.addEventListener(name, ping))
}
"""


class Keys(JSComponent):
    """Listens to the keyboard of the page, unless it is used to type, to slide or to choose.

    It also says so where the server has not answered for 200 ms after something was done.
    """

    step: Any = param.Dict({"by": 0, "count": 0}, doc="Last step asked for, and how many there were.")
    toggles: Any = param.Integer(0, doc="How often space was pressed.")
    ping: Any = param.Integer(0, doc="Counts what was done in the browser.")
    pong: Any = param.Integer(0, doc="Last of them that was answered.")

    _esm = _SCRIPT

    def __init__(self, **params: Any) -> None:
        super().__init__(**params)  # type: ignore[no-untyped-call]
        self.param.watch(lambda event: self.param.update(pong=event.new), "ping")
