"""Chat frontends' own calls: titles, tags, follow-up suggestions, JSON objects. Never a question about the articles.

With a chat model the request is relayed unchanged. Without one the reply is made from the request itself, so that a
chat still gets a title, and a caller that wants JSON gets valid JSON of the requested schema.
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
_MAX_DEPTH = 8  # of a JSON schema, which may be recursive
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
    """Return the token counts that the model server reported, zero if it reported none."""
    usage = reply.get("usage")
    counts = usage if isinstance(usage, Mapping) else {}
    prompt, completion = (counts.get(f"{kind}_tokens") for kind in ("prompt", "completion"))
    return Usage(*(tokens if isinstance(tokens, int) and tokens > 0 else 0 for tokens in (prompt, completion)))


def _answer(chat: ChatBody, body: Mapping[str, Any]) -> tuple[dict[str, Any], str]:
    user_text = _first_user_text(chat)
    if isinstance(chat.tool_choice, dict) or chat.tool_choice == "required":
        function = _forced_function(chat, body)
        arguments = json.dumps(_instance(function.get("parameters") or {}, user_text), ensure_ascii=False)
        call = {
            "id": f"call_{secrets.token_hex(8)}",
            "type": "function",
            "function": {"name": str(function.get("name", "")), "arguments": arguments},
        }
        return {"content": None, "tool_calls": [call]}, "tool_calls"
    response_format = chat.response_format or {}
    if response_format.get("type") == "json_schema":
        schema = (response_format.get("json_schema") or {}).get("schema") or {}
        return {"content": json.dumps(_instance(schema, user_text), ensure_ascii=False)}, "stop"
    keys = list(dict.fromkeys(_KEYS.findall(chat.messages[-1].content)))
    if keys or response_format.get("type") == "json_object":
        return {"content": json.dumps({key: _value_of(key, user_text) for key in keys}, ensure_ascii=False)}, "stop"
    return {"content": _title(user_text)}, "stop"


def _first_user_text(chat: ChatBody) -> str:
    """Return the user's first message, from the chat that the frontend's prompt quotes."""
    prompt = chat.messages[-1].content
    quoted = _USER_LINE.search(prompt)
    return visible_line(quoted[1] if quoted else prompt)


def _title(user_text: str) -> str:
    words = user_text.split()
    return " ".join(words[:_TITLE_WORDS]).rstrip("?!.,:;") or "News"


def _value_of(key: str, user_text: str) -> Any:
    if key == "title":
        return _title(user_text)
    if key == "queries":
        return [user_text]
    return ["News"] if key == "tags" else [] if key == "follow_ups" else ""


def _forced_function(chat: ChatBody, body: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the function that the request forces, or else the first one."""
    tools = body.get("tools")
    offered = [tool.get("function") for tool in tools if isinstance(tool, Mapping)] if isinstance(tools, list) else []
    functions = [function for function in offered if isinstance(function, Mapping)]
    forced = chat.tool_choice.get("function") if isinstance(chat.tool_choice, dict) else None
    name = forced.get("name") if isinstance(forced, Mapping) else None
    return next((function for function in functions if name in (None, function.get("name"))), {"name": name or ""})


def _instance(schema: Any, user_text: str, name: str = "", depth: int = 0) -> Any:
    """Return a minimal value that validates against a JSON schema."""
    if not isinstance(schema, Mapping) or depth > _MAX_DEPTH:
        return ""
    if schema.get("enum"):
        return schema["enum"][0]
    kind = schema.get("type")
    kind = kind[0] if isinstance(kind, list) and kind else kind
    if kind == "object" or "properties" in schema:
        parts = schema.get("properties")
        properties = parts if isinstance(parts, Mapping) else {}
        return {key: _instance(value, user_text, str(key), depth + 1) for key, value in properties.items()}
    plain: dict[Any, Any] = {"array": [], "integer": 0, "number": 0, "boolean": False, "null": None}
    return plain[kind] if kind in plain else _title(user_text) if "title" in name.lower() else ""
