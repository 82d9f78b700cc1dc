"""When a terminal that a test holds in its hand has come to rest: its loop has nothing left to do.

Textual's own pilot sleeps 20 ms before and after every key and asks the processor's clock whether anything happened
meanwhile. Here the loop is asked: a key takes as long as the work it makes. Where threads are at work the loop cannot
know, and Textual's way is kept.
"""

import asyncio
from time import monotonic

import textual.app
import textual.pilot
from textual import active_app
from textual._wait import wait_for_idle as wait_for_processor
from textual.screen import Screen

TURNS = 3
"""A task that was woken runs in the next turn of the loop, and what it wakes in the one after."""


async def wait_for_rest(min_sleep: float = 0, max_sleep: float = 1) -> None:
    """Until nothing is to be run and the page is painted; at most ``max_sleep`` seconds."""
    app, until_s = active_app.get(), monotonic() + max_sleep
    await _empty_loop(until_s)
    if any(worker.is_running for worker in app.workers):
        await wait_for_processor(min_sleep, max_sleep)
        return
    while _is_to_be_painted(app.screen) and monotonic() < until_s:
        # A timer of the screen would do it within a sixtieth of a second.
        app.screen._on_timer_update()
        await _empty_loop(until_s)


def _is_to_be_painted(screen: Screen[object]) -> bool:
    return bool(
        screen._layout_required or screen._recompose_required or screen._dirty_widgets or screen._callbacks
    )


async def _empty_loop(until_s: float) -> None:
    loop, quiet = asyncio.get_running_loop(), 0
    while quiet < TURNS and monotonic() < until_s:
        await asyncio.sleep(0)
        # The loop tells no other way what is due.
        quiet = 0 if loop._ready else quiet + 1  # type: ignore[attr-defined]


def use() -> None:
    """Let every pilot of this process wait like this."""
    textual.app.wait_for_idle = textual.pilot.wait_for_idle = wait_for_rest  # type: ignore[attr-defined]
