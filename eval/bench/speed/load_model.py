"""A scripted model server on a free local port: it streams the evidence back, word by word at a fixed rate."""

from __future__ import annotations

import asyncio
import json
import re
from types import TracebackType
from typing import Any, Self

_EVIDENCE = re.compile(r"(?m)^\[([a-z]\d|\d[a-z]|s[0-9a-z]{5})\] (.+)$")
_PIECE = re.compile(r"\S+\s*")


class ModelServer:
    """Answers each request with evidence sentences and their ids, at most `tokens` words, at `tokens_per_s`."""

    def __init__(self, tokens: int = 200, tokens_per_s: float = 20.0) -> None:
        self.tokens = tokens
        self.tokens_per_s = tokens_per_s
        self.url = ""
        self._server: asyncio.Server | None = None
        self._writing: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}/v1"
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None
    ) -> None:
        assert self._server is not None
        self._server.close()
        for task in self._writing:
            task.cancel()
        await asyncio.gather(*self._writing, return_exceptions=True)

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.ensure_future(self._serve(reader, writer))
        self._writing.add(task)
        task.add_done_callback(self._writing.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            length = re.search(r"(?im)^content-length: (\d+)", head)
            body = json.loads(await reader.readexactly(int(length[1]) if length else 0))
            await self._write(writer, _pieces(body, self.tokens))
        except (ConnectionError, asyncio.IncompleteReadError):
            pass  # the service disconnected, because its reader did
        finally:
            writer.close()

    async def _write(self, writer: asyncio.StreamWriter, pieces: list[str]) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n")
        loop = asyncio.get_running_loop()
        # Everything is encoded before the first word, because the measured service shares the cores.
        words = [_chunk([{"index": 0, "delta": {"content": piece}, "finish_reason": None}]) for piece in pieces]
        usage = {"prompt_tokens": 0, "completion_tokens": len(pieces), "total_tokens": len(pieces)}
        end = [_chunk([{"index": 0, "delta": {}, "finish_reason": "stop"}]), _chunk([], usage), b"data: [DONE]\n\n"]
        done: asyncio.Future[None] = loop.create_future()
        began = loop.time()

        def write(number: int) -> None:
            if writer.is_closing():
                done.set_exception(ConnectionResetError("the reader left"))
                return
            writer.write(words[number])
            if number + 1 == len(words):
                done.set_result(None)
            else:  # each word is due at a fixed time after the start, so that a late one does not delay the rest
                waiting[0] = loop.call_at(began + (number + 2) / self.tokens_per_s, write, number + 1)

        waiting = [loop.call_at(began + 1 / self.tokens_per_s, write, 0)]
        try:
            await done
        finally:
            waiting[0].cancel()
        writer.write(b"".join(end))
        await writer.drain()


def _pieces(body: dict[str, Any], tokens: int) -> list[str]:
    prompt = "\n".join(message["content"] for message in body["messages"] if message["role"] == "user")
    pieces: list[str] = []
    for key, sentence in _EVIDENCE.findall(prompt):
        words = _PIECE.findall(f"{sentence} [{key}]\n")
        if pieces and len(pieces) + len(words) > tokens:
            break
        pieces += words
    return pieces or ["NOT_IN_SOURCES"]


def _chunk(choices: list[dict[str, Any]], usage: dict[str, int] | None = None) -> bytes:
    head = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 0, "model": "scripted"}
    return b"data: " + json.dumps({**head, "choices": choices, "usage": usage}).encode() + b"\n\n"
