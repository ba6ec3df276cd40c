"""Work that a cancellation does not end."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

_Answer = TypeVar("_Answer")

#: Work that must be done to its end: the event loop itself keeps only weak references.
_UNDER_WAY: set[asyncio.Future[Any]] = set()


async def uncancelled(work: Coroutine[Any, Any, _Answer]) -> _Answer:
    """Await work that goes on when the awaiting is cancelled.

    The cancellation keeps its message, by which Airflow knows that a person acted and `on_kill` is
    due; `sync_to_async` would lose it. And Airflow 3.3.2 cancels a trigger about once a second
    until it has ended, which would cut a longer `on_kill` off.
    """
    task = asyncio.ensure_future(work)
    _UNDER_WAY.add(task)
    task.add_done_callback(_UNDER_WAY.discard)
    return await asyncio.shield(task)
