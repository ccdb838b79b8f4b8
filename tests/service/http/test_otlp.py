"""Traces as a collector receives them over OTLP/HTTP, decoded with OpenTelemetry's own protobuf classes."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from qa.service.app import create_app
from tests.scripted_server import ScriptedServer, Status as Refusing
from tests.service.serving import BRIDGE, running, settings_for

QUESTION = "When did the kanarie bridge open again?"
ARTICLE = BRIDGE | {"text": "The kanarie bridge opened again on Monday. Nobody was hurt.", "title": "A kanarie bridge"}


@dataclass
class Collector:
    """An OTLP receiver on a free port: the raw bodies, and their decoded spans."""

    url: str
    bodies: list[bytes] = field(default_factory=list)
    paths: set[str] = field(default_factory=set)
    kinds: set[str] = field(default_factory=set)

    def requests(self) -> list[ExportTraceServiceRequest]:
        """Return every export."""
        return [ExportTraceServiceRequest.FromString(body) for body in self.bodies]

    def spans(self) -> list[Span]:
        """Return every span, in order of their end."""
        scopes = [
            scope for request in self.requests() for about in request.resource_spans for scope in about.scope_spans
        ]
        return [span for scope in scopes for span in scope.spans]


@contextmanager
def collecting() -> Iterator[Collector]:
    """Run a collector on a local socket."""

    class Receiver(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            found.bodies.append(self.rfile.read(int(self.headers["content-length"])))
            found.paths.add(self.path)
            found.kinds.add(self.headers["content-type"])
            self.send_response(200)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Receiver) as server:
        found = Collector(f"http://127.0.0.1:{server.server_address[1]}")
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield found
        finally:
            server.shutdown()
            thread.join()


def _ask(folder: Path, model: ScriptedServer, path: str, body: dict[str, Any]) -> Collector:
    """Ask a served application that exports its traces, stop it, and return what was collected."""
    with collecting() as found:
        settings = settings_for(
            folder / "store",
            llm_model="scripted",
            openai_base_url=model.url,
            on_llm_failure="error",
            otlp_endpoint=found.url,
            service_name="news of the harbour",
        )
        with (
            running(create_app(settings)) as port,
            httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60) as http,
        ):
            http.post("/v1/articles", json=ARTICLE).raise_for_status()
            http.post(path, json=body)
    return found  # what was waiting is sent while the application closes


@pytest.mark.parametrize("stream", [False, True])
def test_a_collector_gets_a_span_for_each_stage(tmp_path: Path, stream: bool) -> None:
    """Each is a child of the route's span and within its times; the service name is the configured one."""
    with ScriptedServer() as model:
        found = _ask(tmp_path, model, "/v1/ask", {"question": QUESTION, "as_of": "2023-03-22", "stream": stream})
    assert found.paths == {"/v1/traces"}
    assert found.kinds == {"application/x-protobuf"}
    named = [
        {attribute.key: attribute.value.string_value for attribute in about.resource.attributes}
        for request in found.requests()
        for about in request.resource_spans
    ]
    assert {resource["service.name"] for resource in named} == {"news of the harbour"}
    whole = next(span for span in found.spans() if span.name == "POST /v1/ask")
    mine = [span for span in found.spans() if span.trace_id == whole.trace_id]
    by_id = {span.span_id: span.name for span in mine}
    assert {span.name: by_id.get(span.parent_span_id) for span in mine} == {
        "POST /v1/ask": None,
        "retrieve": "POST /v1/ask",
        "words": "retrieve",
        "evidence": "POST /v1/ask",
        "model": "POST /v1/ask",
        "verify": "POST /v1/ask",
    }
    assert whole.kind == Span.SPAN_KIND_SERVER
    assert next(span.kind for span in mine if span.name == "model") == Span.SPAN_KIND_CLIENT
    for span in mine:
        assert whole.start_time_unix_nano <= span.start_time_unix_nano <= span.end_time_unix_nano
        assert span.end_time_unix_nano <= whole.end_time_unix_nano


@pytest.mark.parametrize("answers", [True, False])
@pytest.mark.parametrize("path", ["/v1/ask", "/v1/chat/completions", "/v1/responses", "/api/chat"])
def test_no_text_reaches_the_collector(tmp_path: Path, path: str, answers: bool) -> None:
    """No words of the question, the article or the model server, in any API, whether the model answers or fails."""
    messages = [{"role": "user", "content": QUESTION, "parts": [{"type": "text", "text": QUESTION}]}]
    body = {"question": QUESTION} if path == "/v1/ask" else {"messages": messages, "input": QUESTION}
    script = [] if answers else [Refusing(401, error={"message": "kanarie"})]
    with ScriptedServer(script) as model:
        found = _ask(tmp_path, model, path, body)
    spans = [span for span in found.spans() if span.name in (f"POST {path}", "model")]
    assert {span.name for span in spans} == {f"POST {path}", "model"}
    assert {span.status.code for span in spans if span.name == "model"} == {
        Status.STATUS_CODE_UNSET if answers else Status.STATUS_CODE_ERROR
    }
    assert not [body for body in found.bodies if b"kanarie" in body]
