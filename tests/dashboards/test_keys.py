"""The page's own script, run as a browser runs it: which keys step, which are left alone, when "Working" is said."""

import json
import shutil
import subprocess

import pytest

from musyq_lab.dashboards._keys import _SCRIPT, Keys

# Little of a browser: listeners by name, timers that are run by hand, a model that notes what it is told.
_BROWSER = """
const listeners = {}, timers = []
globalThis.document = {
  createElement: () => ({style: {}, setAttribute(name, value) { this[name] = value }}),
  addEventListener: (name, call) => { (listeners[name] ??= new Set()).add(call) },
  removeEventListener: (name, call) => listeners[name].delete(call),
}
globalThis.setTimeout = (call, wait) => { timers.push({call, wait, on: true}); return timers.length }
globalThis.clearTimeout = (number) => { if (number) timers[number - 1].on = false }
const run = (wait) => { for (const t of timers) if (t.on && t.wait === wait) { t.on = false; t.call() } }
const on = {}
const model = {step: {by: 0, count: 0}, toggles: 0, ping: 0, on: (name, call) => { on[name] = call }}
const el = {isConnected: true, appendChild(child) { this.child = child }}
let prevented = 0
const fire = (name, event = {}) => { for (const call of [...(listeners[name] ?? [])]) call({
  composedPath: () => [], preventDefault: () => { prevented += 1 }, ...event}) }
const node = (tagName, role, isContentEditable = false) =>
  ({tagName, isContentEditable, getAttribute: (name) => name === "role" ? role : null})
const count = () => Object.values(listeners).reduce((n, calls) => n + calls.size, 0)
render({model, el})
const said = []
const note = () => said.push({step: model.step, toggles: model.toggles, ping: model.ping, prevented,
  shown: el.child.style.display, text: el.child.textContent, listeners: count()})
"""
# With no style of its own, a new element is hidden by its cssText.


def play(script: str) -> list[dict]:
    """What the page's script did at each ``note()`` of a play."""
    if shutil.which("node") is None:
        pytest.skip("runs the page's own script")
    whole = _SCRIPT.replace("export function", "function") + _BROWSER + script
    whole += "\nconsole.log(JSON.stringify(said))"
    out = subprocess.run(["node", "-e", whole], capture_output=True, text=True, timeout=30, check=False)
    assert out.returncode == 0, out.stderr
    return json.loads(out.stdout)


def test_arrows_step_and_space_plays():
    right, left, space, other = play("""
fire("keydown", {key: "ArrowRight"}); note()
fire("keydown", {key: "ArrowLeft"}); note()
fire("keydown", {key: " "}); note()
for (const key of ["a", "Enter", "Tab", "ArrowUp", "Escape"]) fire("keydown", {key}); note()
""")
    assert right["step"] == {"by": 1, "count": 1}
    assert left["step"] == {"by": -1, "count": 2}, "counted, so that the same key twice is two changes"
    assert (space["toggles"], space["prevented"]) == (1, 3), "the page does not scroll"
    assert {k: other[k] for k in ("step", "toggles", "prevented")} == {
        k: space[k] for k in ("step", "toggles", "prevented")
    }


@pytest.mark.parametrize(
    "where",
    ['node("INPUT")', 'node("TEXTAREA")', 'node("SELECT")', 'node("BUTTON")', 'node("DIV", null, true)']
    + [f'node("DIV", "{role}")' for role in ("slider", "tab", "option", "listbox")],
)
def test_keys_that_type_slide_or_choose_are_left_alone(where):
    (after,) = play(f"""
for (const key of ["ArrowRight", " "]) fire("keydown", {{key, composedPath: () => [{where}, node("BODY"), {{}}]}})
note()
""")
    assert (after["step"]["count"], after["toggles"], after["prevented"]) == (0, 0, 0)


def test_keys_elsewhere_on_the_page_are_heard():
    (after,) = play('fire("keydown", {key: " ", composedPath: () => [node("DIV", "img"), node("BODY"), {}]}); note()')
    assert after["toggles"] == 1


@pytest.mark.parametrize("held", ["ctrlKey", "metaKey", "altKey"])
def test_shortcuts_of_the_browser_stay_its_own(held):
    (after,) = play(f'fire("keydown", {{key: "ArrowLeft", {held}: true}}); note()')
    assert (after["step"]["count"], after["prevented"]) == (0, 0)


@pytest.mark.parametrize("event", ["pointerup", "keyup", "change"])
def test_a_slow_answer_is_told_and_a_quick_one_is_not(event):
    sent, slow, answered, quick = play(f"""
fire("{event}"); run(0); note()
run(200); note()
on.pong(); note()
fire("{event}"); run(0); on.pong(); run(200); note()
""")
    assert sent["ping"] == 1
    assert sent["text"] == ""
    assert (slow["shown"], slow["text"]) == ("block", "Working …")
    assert (answered["shown"], answered["text"]) == ("none", "")
    assert (quick["ping"], quick["text"]) == (2, "")


def test_several_gestures_before_the_answer_ask_once():
    (after,) = play('fire("pointerup"); fire("keyup"); fire("change"); run(0); note()')
    assert after["ping"] == 1


def test_a_page_that_is_gone_listens_no_more():
    before, after = play("""
note()
el.isConnected = false
fire("keydown", {key: "ArrowRight"}); note()
""")
    assert before["listeners"] == 4
    assert after["listeners"] == 0
    assert after["step"]["count"] == 0


def test_the_word_is_for_ears_too():
    assert '"role", "status"' in _SCRIPT


def test_a_step_twice_is_two_changes():
    keys, seen = Keys(), []
    keys.param.watch(lambda event: seen.append(event.new["by"]), "step")
    for count in (1, 2):
        keys.step = {"by": 1, "count": count}
    assert seen == [1, 1]
