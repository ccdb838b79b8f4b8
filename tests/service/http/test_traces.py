"""Traces: the spans of a request, their parents, and that they contain no text."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import StatusCode

from qa.errors import BadSettings
from qa.service.app import create_app
from qa.service.http.traces import Traces
from tests import ROOT
from tests.fakes import HashEmbedder
from tests.scripted_server import ScriptedServer, Status
from tests.service.serving import BRIDGE, opened, settings_for

ASKED = {"question": "When did the bridge open again?", "as_of": "2023-03-22"}
PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


def _ask(
    folder: Path, server: ScriptedServer, path: str = "/v1/ask", headers: dict[str, str] | None = None, **body: Any
) -> tuple[Any, list[ReadableSpan]]:
    """Ask an application with traces; return its reply and the spans of that request, in order of their end."""
    exporter = InMemorySpanExporter()
    traces = Traces(exporter)
    settings = settings_for(folder / "store", llm_model="scripted", openai_base_url=server.url, on_llm_failure="error")
    app = create_app(settings, traces=traces)
    with TestClient(app, base_url="http://localhost", raise_server_exceptions=False) as http:
        http.post("/v1/articles", json=BRIDGE)
        traces.flush()
        exporter.clear()
        reply = http.post(path, json=body or ASKED, headers=headers)
        traces.flush()
        return reply, list(exporter.get_finished_spans())


@pytest.mark.parametrize("stream", [False, True])
def test_a_request_is_one_trace_from_its_caller_to_the_model_server(tmp_path: Path, stream: bool) -> None:
    """Each stage is a child span; the trace is the caller's, and its `traceparent` is passed on to the model server."""
    with ScriptedServer() as server:
        reply, spans = _ask(tmp_path, server, headers={"traceparent": PARENT}, stream=stream, **ASKED)
        sent = server.seen[0].headers["traceparent"]
    assert reply.status_code == 200
    by_id = {span.context.span_id: span for span in spans}
    tree = {span.name: by_id[span.parent.span_id].name if span.parent.span_id in by_id else None for span in spans}
    assert tree == {
        "POST /v1/ask": None,
        "retrieve": "POST /v1/ask",
        "words": "retrieve",
        "evidence": "POST /v1/ask",
        "model": "POST /v1/ask",
        "verify": "POST /v1/ask",
    }
    assert {f"{span.context.trace_id:032x}" for span in spans} == {PARENT[3:35]}
    whole, model = (next(span for span in spans if span.name == name) for name in ("POST /v1/ask", "model"))
    assert f"{whole.parent.span_id:016x}" == PARENT[36:52]
    assert sent == f"00-{PARENT[3:35]}-{model.context.span_id:016x}-01"
    assert whole.attributes == {
        "http.request.method": "POST",
        "http.route": "/v1/ask",
        "http.response.status_code": 200,
        "news_qa.request_id": reply.headers["x-request-id"],
        "news_qa.answer": "answered",
        "news_qa.mode": "llm",
    }


def test_the_vector_leg_is_a_span(tmp_path: Path) -> None:
    """With an embedder the search has a span for each of its two indexes."""
    exporter = InMemorySpanExporter()
    traces = Traces(exporter)
    app = create_app(settings_for(tmp_path / "store"), traces=traces)
    with TestClient(app, base_url="http://localhost") as http:
        from qa.indexes.chroma_index import ChromaIndex

        library, embedder = opened(app).library, HashEmbedder()
        library.retriever._embedder = embedder
        library.retriever._vectors = index = ChromaIndex(tmp_path / "chroma", library.catalog.id, embedder.model)
        http.post("/v1/ask", json=ASKED)
        traces.flush()
        index.close()
    assert {"words", "vectors"} <= {span.name for span in exporter.get_finished_spans()}


@pytest.mark.parametrize("path", ["/v1/ask", "/kanarie?q=kanarie", "/v1/articles/kanarie"])
def test_spans_hold_no_text(tmp_path: Path, path: str) -> None:
    """No question, URL, key, model output or exception message is in a span's name, attributes or events."""
    with ScriptedServer([Status(401, error={"message": "kanarie"})]) as server:
        headers = {"Authorization": "Bearer kanarie", "tracestate": "a=b"}
        _, spans = _ask(tmp_path, server, path, headers, question="Did the kanarie bridge open?", as_of="2023-03-22")
    assert spans
    assert "kanarie" not in " ".join(span.to_json() for span in spans)
    assert not any(span.events for span in spans)
    if path == "/v1/ask":
        assert {span.name for span in spans if span.status.status_code is StatusCode.ERROR} == {"model", "POST /v1/ask"}
        assert next(span for span in spans if span.name == "model").attributes["error.type"] == "AuthenticationError"


def test_off_is_off(tmp_path: Path) -> None:
    """Without the endpoint the SDK is not loaded; with it but without the extra, the start fails with a clear error."""
    code = "import sys; import qa.service.app; print('qa.service.http.traces' in sys.modules)"
    root = ROOT
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=root, check=True)
    assert done.stdout == "False\n"
    try:
        import opentelemetry.exporter.otlp.proto.http  # noqa: F401
    except ImportError:
        with pytest.raises(BadSettings, match=r"news-qa\[otel\]"):
            create_app(settings_for(tmp_path, otlp_endpoint="http://127.0.0.1:4318"))
