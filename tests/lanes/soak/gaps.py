"""The service, with its event loop's lag recorded: `python -m tests.lanes.soak.gaps FILE serve --port N`.

FILE gets a line for each tick: by how many milliseconds it was late.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import Any, TextIO

import uvicorn

from qa.cli.main import main

_TICK_S = 0.01
_startup = uvicorn.Server.startup
_tasks: list[asyncio.Task[None]] = []


async def _watch(file: TextIO) -> None:
    loop = asyncio.get_running_loop()
    while True:
        due = loop.time() + _TICK_S
        await asyncio.sleep(_TICK_S)
        file.write(f"{(loop.time() - due) * 1_000:.1f}\n")


async def _start(self: uvicorn.Server, sockets: Any = None) -> None:
    await _startup(self, sockets)
    _tasks.append(asyncio.create_task(_watch(_file)))


if __name__ == "__main__":
    with Path(sys.argv.pop(1)).open("a", buffering=1) as _file:
        uvicorn.Server.startup = _start  # type: ignore[method-assign]
        main()
