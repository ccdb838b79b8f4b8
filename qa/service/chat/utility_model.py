"""What frontends ask for themselves: titles, tags, follow-ups, JSON objects. Never a question to the articles.

With a model the request is passed on as it came. Without one it is answered from its own words, so that a chat still
gets a title and a caller that wants JSON gets JSON of the shape it asked for.
"""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Mapping
from typing import Any

from qa.errors import ModelFailed
from qa.llm.prompts import estimate_tokens
from qa.service.chat.request import ChatBody, now
from qa.service.http.deps import Service
from qa.text.plain import visible_line
from qa.types import Usage

_TITLE_WORDS = 6
_DEEPEST = 8  # of a JSON schema; one that refers to itself has no end
_USER_LINE = re.compile(r"^\s*(?:USER|user|User|Human|human)\s*:\s*(.+)$", re.MULTILINE)
_KEYS = re.compile(r'"(title|tags|follow_ups|queries|text|prompt)"\s*:')


async def complete(chat: ChatBody, body: Mapping[str, Any], service: Service) -> dict[str, Any]:
    """Return a chat completion for a frontend's own call. Raises ModelFailed."""
    utility = service.library.utility
    if utility is not None:
        try:
            reply = await utility.relay(body, service.settings.deadline_s)
        except ModelFailed as exc:
            service.metrics.upstream.labels(type(exc).__name__).inc()
            raise
        used = _usage(reply)
        service.metrics.note_tokens(used)
        estimated = estimate_tokens(json.dumps([body.get("messages"), reply["choices"]], ensure_ascii=False))
        await service.limits.spend(used.prompt_tokens + used.completion_tokens or estimated)
        return reply
    message, finish = _answer(chat, body)
    choice = {"index": 0, "message": {"role": "assistant", **message}, "logprobs": None, "finish_reason": finish}
    return {
        "id": f"chatcmpl-{secrets.token_hex(12)}",
        "object": "chat.completion",
        "created": now(),
        "model": chat.model,
        "choices": [choice],
        "usage": {"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0},
    }


def _usage(reply: Mapping[str, Any]) -> Usage:
    """Return what the model server counted; nothing where it did not."""
    told = reply.get("usage")
    counts = told if isinstance(told, Mapping) else {}
    prompt, completion = (counts.get(f"{kind}_tokens") for kind in ("prompt", "completion"))
    return Usage(*(one if isinstance(one, int) and one > 0 else 0 for one in (prompt, completion)))


def _answer(chat: ChatBody, body: Mapping[str, Any]) -> tuple[dict[str, Any], str]:
    said = _said_by_user(chat)
    if isinstance(chat.tool_choice, dict) or chat.tool_choice == "required":
        function = _wanted_function(chat, body)
        arguments = json.dumps(_instance(function.get("parameters") or {}, said), ensure_ascii=False)
        call = {
            "id": f"call_{secrets.token_hex(8)}",
            "type": "function",
            "function": {"name": str(function.get("name", "")), "arguments": arguments},
        }
        return {"content": None, "tool_calls": [call]}, "tool_calls"
    wanted = chat.response_format or {}
    if wanted.get("type") == "json_schema":
        schema = (wanted.get("json_schema") or {}).get("schema") or {}
        return {"content": json.dumps(_instance(schema, said), ensure_ascii=False)}, "stop"
    keys = list(dict.fromkeys(_KEYS.findall(chat.messages[-1].content)))
    if keys or wanted.get("type") == "json_object":
        return {"content": json.dumps({key: _value_of(key, said) for key in keys}, ensure_ascii=False)}, "stop"
    return {"content": _title(said)}, "stop"


def _said_by_user(chat: ChatBody) -> str:
    """Return the first thing that the user of the frontend said: its own prompts quote the chat."""
    words = chat.messages[-1].content
    quoted = _USER_LINE.search(words)
    return visible_line(quoted[1] if quoted else words)


def _title(said: str) -> str:
    words = said.split()
    return " ".join(words[:_TITLE_WORDS]).rstrip("?!.,:;") or "News"


def _value_of(key: str, said: str) -> Any:
    if key == "title":
        return _title(said)
    if key == "queries":
        return [said]
    return ["News"] if key == "tags" else [] if key == "follow_ups" else ""


def _wanted_function(chat: ChatBody, body: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the function that the request forces, else its first."""
    tools = body.get("tools")
    offered = [one.get("function") for one in tools if isinstance(one, Mapping)] if isinstance(tools, list) else []
    functions = [one for one in offered if isinstance(one, Mapping)]
    forced = chat.tool_choice.get("function") if isinstance(chat.tool_choice, dict) else None
    name = forced.get("name") if isinstance(forced, Mapping) else None
    return next((one for one in functions if name in (None, one.get("name"))), {"name": name or ""})


def _instance(schema: Any, said: str, name: str = "", depth: int = 0) -> Any:
    """Return the plainest value that fits a JSON schema."""
    if not isinstance(schema, Mapping) or depth > _DEEPEST:
        return ""
    if schema.get("enum"):
        return schema["enum"][0]
    kind = schema.get("type")
    kind = kind[0] if isinstance(kind, list) and kind else kind
    if kind == "object" or "properties" in schema:
        parts = schema.get("properties")
        properties = parts if isinstance(parts, Mapping) else {}
        return {key: _instance(one, said, str(key), depth + 1) for key, one in properties.items()}
    plain: dict[Any, Any] = {"array": [], "integer": 0, "number": 0, "boolean": False, "null": None}
    return plain[kind] if kind in plain else _title(said) if "title" in name.lower() else ""
