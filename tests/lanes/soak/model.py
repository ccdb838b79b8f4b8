"""A model server that fails at random: `python -m tests.lanes.soak.model PORT SEED`; with `--good` it never fails."""

from __future__ import annotations

import asyncio
import random
import sys
from dataclasses import dataclass

from tests.scripted_server import (
    Act,
    Computed,
    Hang,
    HangUp,
    Json,
    Raw,
    ScriptedServer,
    Status,
    Stream,
    cite_first_sentence,
    traitor,
)

_ACTS: tuple[tuple[Act, int], ...] = (
    (Computed(cite_first_sentence), 70),
    (Computed(traitor), 8),
    (Status(503), 5),
    (Status(429, {"retry-after": "1"}), 4),
    (Status(500), 3),
    (HangUp(), 3),
    (Hang(), 1),
    (Raw(b"<html>busy</html>", "text/html"), 2),
    (Stream(("Half a sen", "tence"), cut_after=300), 2),
    (Stream(("The end is missing",), finish="length"), 2),
)


@dataclass(frozen=True)
class Moody:
    """Play a random act, by a seed."""

    dice: random.Random

    async def play(self, request: Json, writer: asyncio.StreamWriter) -> None:
        """Answer, or fail in one of the ways that model servers fail."""
        acts, weights = zip(*_ACTS, strict=True)
        await self.dice.choices(acts, weights)[0].play(request, writer)


class Forgetful(ScriptedServer):
    """A server on a given port that keeps no record of its requests."""

    def __init__(self, port: int, act: Act) -> None:
        super().__init__([act])
        self._port = port

    async def run(self) -> None:
        """Serve until the process ends."""
        server = await asyncio.start_server(self._serve, "127.0.0.1", self._port)
        async with server:
            while True:
                await asyncio.sleep(10)
                self.seen.clear()


if __name__ == "__main__":
    mood = _ACTS[0][0] if "--good" in sys.argv else Moody(random.Random(int(sys.argv[2])))
    asyncio.run(Forgetful(int(sys.argv[1]), mood).run())
