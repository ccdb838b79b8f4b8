"""Traces on the wire: what a collector that speaks OTLP over HTTP gets of an answer, decoded as it would decode it."""

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
    """An OTLP receiver on a free port: the bodies as they came, and what they say."""

    url: str
    bodies: list[bytes] = field(default_factory=list)
    paths: set[str] = field(default_factory=set)
    kinds: set[str] = field(default_factory=set)

    def requests(self) -> list[ExportTraceServiceRequest]:
        """Return every export."""
        return [ExportTraceServiceRequest.FromString(one) for one in self.bodies]

    def spans(self) -> list[Span]:
        """Return every span, by its end."""
        scopes = [scope for one in self.requests() for about in one.resource_spans for scope in about.scope_spans]
        return [span for scope in scopes for span in scope.spans]


@contextmanager
def collecting() -> Iterator[Collector]:
    """Receive on a socket of this machine."""

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
    """Under the route's span, with times that lie within it, from the service's own name."""
    with ScriptedServer() as model:
        found = _ask(tmp_path, model, "/v1/ask", {"question": QUESTION, "as_of": "2023-03-22", "stream": stream})
    assert found.paths == {"/v1/traces"}
    assert found.kinds == {"application/x-protobuf"}
    named = [
        {one.key: one.value.string_value for one in about.resource.attributes}
        for request in found.requests()
        for about in request.resource_spans
    ]
    assert {one["service.name"] for one in named} == {"news of the harbour"}
    whole = next(one for one in found.spans() if one.name == "POST /v1/ask")
    mine = [one for one in found.spans() if one.trace_id == whole.trace_id]
    by_id = {one.span_id: one.name for one in mine}
    assert {one.name: by_id.get(one.parent_span_id) for one in mine} == {
        "POST /v1/ask": None,
        "retrieve": "POST /v1/ask",
        "words": "retrieve",
        "evidence": "POST /v1/ask",
        "model": "POST /v1/ask",
        "verify": "POST /v1/ask",
    }
    assert whole.kind == Span.SPAN_KIND_SERVER
    assert next(one.kind for one in mine if one.name == "model") == Span.SPAN_KIND_CLIENT
    for one in mine:
        assert whole.start_time_unix_nano <= one.start_time_unix_nano <= one.end_time_unix_nano
        assert one.end_time_unix_nano <= whole.end_time_unix_nano


@pytest.mark.parametrize("answers", [True, False])
@pytest.mark.parametrize("path", ["/v1/ask", "/v1/chat/completions", "/v1/responses", "/api/chat"])
def test_no_text_reaches_the_collector(tmp_path: Path, path: str, answers: bool) -> None:
    """Neither the question nor the article's words nor the model server's, on any wire, whether it answers or fails."""
    asked = [{"role": "user", "content": QUESTION, "parts": [{"type": "text", "text": QUESTION}]}]
    body = {"question": QUESTION} if path == "/v1/ask" else {"messages": asked, "input": QUESTION}
    script = [] if answers else [Refusing(401, error={"message": "kanarie"})]
    with ScriptedServer(script) as model:
        found = _ask(tmp_path, model, path, body)
    spans = [one for one in found.spans() if one.name in (f"POST {path}", "model")]
    assert {one.name for one in spans} == {f"POST {path}", "model"}
    assert {one.status.code for one in spans if one.name == "model"} == {
        Status.STATUS_CODE_UNSET if answers else Status.STATUS_CODE_ERROR
    }
    assert not [one for one in found.bodies if b"kanarie" in one]
