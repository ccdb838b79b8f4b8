"""Run one Python client against the service and print its events: one JSON object per line.

    python python_clients.py CLIENT '{"url": ..., "slow_url": ..., "key": ..., "question": ...}'

It runs in the lane's own environment, so it imports nothing of ours, and each client only when it is used.
"""

from __future__ import annotations

import asyncio
import gc
import json
import sys
import time
from collections.abc import Callable
from importlib.metadata import version
from typing import Any

HOLD_S = 2.0  # how long a client stays alive after it cancelled, so that its exit does not close the connection
MODEL, WRONG_MODEL, WRONG_KEY = "news-qa", "gpt-9", "wrong"


def say(kind: str, **data: Any) -> None:
    print(json.dumps({"kind": kind, **data}), flush=True)


def messages(at: dict[str, str]) -> list[dict[str, str]]:
    return [{"role": "system", "content": "Be brief."}, {"role": "user", "content": at["question"]}]


def openai_chat(at: dict[str, str]) -> None:
    import openai

    say("version", name="openai", version=version("openai"))

    def client(url: str = at["url"], key: str = at["key"]) -> openai.OpenAI:
        return openai.OpenAI(base_url=f"{url}/v1", api_key=key, max_retries=0)

    chat: Any = client().chat.completions
    request = {"model": MODEL, "messages": messages(at)}
    say("models", models=[listed.id for listed in client().models.list()])
    whole = chat.create(**request).choices[0].message
    say("whole", text=whole.content, urls=[annotation.url_citation.url for annotation in whole.annotations])
    with chat.stream(**request, stream_options={"include_usage": True}) as stream:
        for _ in stream:
            pass
        final = stream.get_final_completion().choices[0].message
    say("streamed", text=final.content, urls=[annotation.url_citation.url for annotation in final.annotations])
    narrow = chat.create(**request, extra_body={"filters": {"outlets": ["No such outlet"]}})
    say("filtered", status=narrow.news_qa["status"])
    for kind, caller, model in (
        ("unknown_model", client(), WRONG_MODEL),
        ("bad_key", client(key=WRONG_KEY), MODEL),
    ):
        try:
            caller.chat.completions.create(model=model, messages=messages(at))
        except openai.APIStatusError as exc:
            say(kind, status=exc.status_code, code=exc.code, type=type(exc).__name__)
    stream = client(at["slow_url"]).chat.completions.create(**request, stream=True)
    next(chunk for chunk in stream if chunk.choices[0].delta.content)
    stream.close()
    say("cancelled")
    time.sleep(HOLD_S)


def openai_responses(at: dict[str, str]) -> None:
    import openai

    say("version", name="openai", version=version("openai"))
    client: Any = openai.OpenAI(base_url=f"{at['url']}/v1", api_key=at["key"], max_retries=0)
    request = {"model": MODEL, "input": at["question"], "instructions": "Be brief."}

    def urls(reply: Any) -> list[str]:
        return [annotation.url for annotation in reply.output[0].content[0].annotations]

    whole = client.responses.create(**request)
    say("whole", text=whole.output_text, urls=urls(whole))
    with client.responses.stream(**request) as stream:
        for _ in stream:
            pass
        final = stream.get_final_response()
    say("streamed", text=final.output_text, urls=urls(final))
    try:
        client.responses.create(model=WRONG_MODEL, input="x")
    except openai.APIStatusError as exc:
        say("unknown_model", status=exc.status_code, code=exc.code, type=type(exc).__name__)
    slow: Any = openai.OpenAI(base_url=f"{at['slow_url']}/v1", api_key=at["key"], max_retries=0)
    stream = slow.responses.create(**request, stream=True)
    next(event for event in stream if event.type == "response.output_text.delta")
    stream.close()
    say("cancelled")
    time.sleep(HOLD_S)


def langchain(at: dict[str, str]) -> None:
    import openai
    from langchain_openai import ChatOpenAI

    say("version", name="langchain-openai", version=version("langchain-openai"))

    def client(url: str = at["url"], key: str = at["key"], model: str = MODEL) -> Any:
        return ChatOpenAI(base_url=f"{url}/v1", api_key=key, model=model, max_retries=0)

    messages_sent = [("system", "Be brief."), ("human", at["question"])]
    whole = client().invoke(messages_sent)
    say("whole", text=whole.text)
    say("streamed", text="".join(chunk.text for chunk in client().stream(messages_sent)))
    for kind, caller in (("unknown_model", client(model=WRONG_MODEL)), ("bad_key", client(key=WRONG_KEY))):
        try:
            caller.invoke(messages_sent)
        except openai.APIStatusError as exc:
            say(kind, status=exc.status_code, code=exc.code, type=type(exc).__name__)
    stream = client(at["slow_url"]).stream(messages_sent)
    next(chunk for chunk in stream if chunk.text)
    stream.close()
    say("cancelled")
    time.sleep(HOLD_S)


def llamaindex(at: dict[str, str]) -> None:
    import openai
    from llama_index.core.llms import ChatMessage
    from llama_index.llms.openai_like import OpenAILike

    say("version", name="llama-index-llms-openai-like", version=version("llama-index-llms-openai-like"))

    def client(url: str = at["url"], key: str = at["key"], model: str = MODEL) -> Any:
        return OpenAILike(
            api_base=f"{url}/v1", api_key=key, model=model, is_chat_model=True, context_window=8_000, max_retries=0
        )

    messages_sent = [ChatMessage(role=message["role"], content=message["content"]) for message in messages(at)]
    whole = client().chat(messages_sent)
    say(
        "whole",
        text=whole.message.content,
        urls=[annotation.url_citation.url for annotation in whole.raw.choices[0].message.annotations],
    )
    say("streamed", text="".join(chunk.delta for chunk in client().stream_chat(messages_sent)))
    for kind, caller in (("unknown_model", client(model=WRONG_MODEL)), ("bad_key", client(key=WRONG_KEY))):
        try:
            caller.chat(messages_sent)
        except openai.APIStatusError as exc:
            say(kind, status=exc.status_code, code=exc.code, type=type(exc).__name__)
    stream = client(at["slow_url"]).stream_chat(messages_sent)
    next(chunk for chunk in stream if chunk.delta)
    stream.close()
    del stream
    gc.collect()  # its generators reference one another, and only collecting them closes the connection
    say("cancelled")
    time.sleep(HOLD_S)


def litellm(at: dict[str, str]) -> None:
    import litellm as lite

    say("version", name="litellm", version=version("litellm"))

    def ask(url: str = at["url"], key: str = at["key"], model: str = MODEL, stream: bool = False) -> Any:
        return lite.completion(
            model=f"openai/{model}",
            api_base=f"{url}/v1",
            api_key=key,
            messages=messages(at),
            stream=stream,
            max_retries=0,
        )

    def urls(found: Any) -> list[str]:
        return [annotation["url_citation"]["url"] for annotation in found or []]

    whole = ask().choices[0].message
    say("whole", text=whole.content, urls=urls(whole.annotations))
    pieces = [chunk.choices[0].delta for chunk in ask(stream=True)]
    say("streamed", text="".join(piece.content or "" for piece in pieces),
        urls=[url for piece in pieces for url in urls(getattr(piece, "annotations", None))])  # fmt: skip
    for kind, more in (("unknown_model", {"model": WRONG_MODEL}), ("bad_key", {"key": WRONG_KEY})):
        try:
            ask(**more)
        except lite.exceptions.APIError as exc:
            say(kind, status=exc.status_code, type=type(exc).__name__)
        except (lite.exceptions.NotFoundError, lite.exceptions.AuthenticationError) as exc:
            say(kind, status=exc.status_code, type=type(exc).__name__)


def mcp(at: dict[str, str]) -> None:
    say("version", name="mcp", version=version("mcp"))
    asyncio.run(_mcp(at))


async def _mcp(at: dict[str, str]) -> None:
    from mcp import ClientSession
    from mcp.client.streamable_http import streamablehttp_client

    headers = {"authorization": f"Bearer {at['key']}"}
    async with (
        streamablehttp_client(f"{at['url']}/mcp", headers=headers) as (read, write, _),
        ClientSession(read, write) as session,
    ):
        await session.initialize()
        say("tools", tools=sorted(tool.name for tool in (await session.list_tools()).tools))
        answer = (await session.call_tool("ask", {"question": at["question"]})).structuredContent or {}
        say("whole", text=answer["answer"], urls=[citation["url"] for citation in answer["citations"]])
        found = (await session.call_tool("search", {"query": at["question"]})).structuredContent or {}
        article = (await session.call_tool("fetch", {"id": found["results"][0]["id"]})).structuredContent or {}
        say("fetched", text=article["text"], id=article["id"])


CLIENTS: dict[str, Callable[[dict[str, str]], None]] = {
    "openai-chat": openai_chat,
    "openai-responses": openai_responses,
    "langchain": langchain,
    "llamaindex": llamaindex,
    "litellm": litellm,
    "mcp": mcp,
}

if __name__ == "__main__":
    CLIENTS[sys.argv[1]](json.loads(sys.argv[2]))
    say("done")
