"""Stepping and playing: by buttons, by keys, and the answer that tells a waiting browser."""

from typing import ClassVar

import pytest

from musyq_lab.dashboards import _play
from musyq_lab.dashboards._keys import Keys
from musyq_lab.dashboards._play import Play


class Clock:
    """A stand-in for Panel's periodic callback, which needs a running loop."""

    running: ClassVar[list["Clock"]] = []

    def __init__(self, callback, period: int) -> None:
        self.callback, self.period = callback, period
        Clock.running.append(self)

    def stop(self) -> None:
        Clock.running.remove(self)


@pytest.fixture
def play(monkeypatch) -> tuple[Play, list[int]]:
    Clock.running.clear()
    monkeypatch.setattr(_play.pn.state, "add_periodic_callback", lambda callback, period: Clock(callback, period))
    moves: list[int] = []
    return Play(moves.append, 190), moves


def test_buttons_step(play):
    player, moves = play
    player.next.clicks += 1
    player.back.clicks += 1
    assert moves == [1, -1]


def test_it_plays_until_it_is_paused(play):
    player, moves = play
    player.button.clicks += 1
    assert player.playing
    assert player.button.name.endswith("Pause")
    for _ in range(3):
        Clock.running[0].callback()
    assert moves == [1, 1, 1]
    assert 300 <= Clock.running[0].period <= 2000
    player.button.clicks += 1
    assert not player.playing
    assert Clock.running == []
    assert player.button.name.endswith("Play")


def test_a_step_by_hand_pauses(play):
    player, moves = play
    player.toggle()
    player.back.clicks += 1
    assert not player.playing
    assert moves == [-1]


def test_keys_do_what_the_buttons_do(play):
    player, moves = play
    player.keys.step = {"by": 1, "count": 1}
    player.keys.step = {"by": 1, "count": 2}  # the same key twice is two steps
    player.keys.step = {"by": -1, "count": 3}
    assert moves == [1, 1, -1]
    player.keys.toggles += 1
    assert player.playing
    player.keys.toggles += 1
    assert not player.playing


def test_where_there_is_nothing_to_play_nothing_happens(play):
    player, moves = play
    player.row.visible = False
    player.toggle()
    player.keys.step = {"by": 1, "count": 1}
    assert not player.playing
    assert moves == []


def test_every_ping_is_answered():
    keys = Keys()
    for count in (1, 2, 7):
        keys.ping = count
        assert keys.pong == count


def test_the_script_fetches_nothing():
    assert "http" not in Keys._esm
    assert "import " not in Keys._esm
