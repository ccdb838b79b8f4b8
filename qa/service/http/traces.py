"""OpenTelemetry traces, when `OTEL_EXPORTER_OTLP_ENDPOINT` is set. The only file that imports opentelemetry.

It is itself imported only when tracing is on. FastAPI's own traces stay off: their attributes contain the path and
query of each URL, which name articles and may contain anything. The tracer provider is private, not the process's
global one: Chroma and the MCP library would write spans to that, with contents we cannot vouch for.
"""

from __future__ import annotations

from collections.abc import Iterable
from importlib import import_module

from opentelemetry.sdk.resources import SERVICE_NAME, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter
from opentelemetry.trace import Span as OtelSpan, SpanKind, StatusCode, Tracer, format_trace_id, set_span_in_context
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from qa.errors import BadSettings
from qa.tracing import Attributes

_CONTEXT = TraceContextTextMapPropagator()
_HEADERS = (b"traceparent", b"tracestate")


class Span:
    """An OpenTelemetry span behind the interface of `qa.tracing`."""

    def __init__(self, tracer: Tracer, span: OtelSpan) -> None:
        self._tracer = tracer
        self._span = span

    @property
    def trace_id(self) -> str:
        """Return the id of the trace, in the hex form that tracing UIs show."""
        return format_trace_id(self._span.get_span_context().trace_id)

    def child(self, name: str, attributes: Attributes, *, outgoing: bool = False) -> Span:
        """Start a child span."""
        kind = SpanKind.CLIENT if outgoing else SpanKind.INTERNAL
        inside = set_span_in_context(self._span)
        return Span(self._tracer, self._tracer.start_span(name, inside, kind, attributes=dict(attributes)))

    def headers(self) -> dict[str, str]:
        """Return the W3C `traceparent` header for outgoing requests."""
        carrier: dict[str, str] = {}
        _CONTEXT.inject(carrier, set_span_in_context(self._span))
        return carrier

    def end(self, error: str | None = None) -> None:
        """End the span."""
        if error is not None:
            self._span.set_attribute("error.type", error)
            self._span.set_status(StatusCode.ERROR)
        self._span.end()

    def end_request(self, method: str, route: str, status: int, known: Attributes) -> None:
        """End the span of a request, whose name and attributes are only known now."""
        self._span.update_name(f"{method} {route}")
        self._span.set_attributes({"http.request.method": method, "http.route": route, **known})
        self._span.set_attribute("http.response.status_code", status)
        self.end(str(known.get("news_qa.error", status)) if status >= 500 or not status else None)


class Traces:
    """The tracer of one application."""

    def __init__(self, exporter: SpanExporter, name: str = "news-qa") -> None:
        self._provider = TracerProvider(resource=Resource.create({SERVICE_NAME: name}), shutdown_on_exit=False)
        self._provider.add_span_processor(BatchSpanProcessor(exporter))
        self._tracer = self._provider.get_tracer("qa")

    def request(self, headers: Iterable[tuple[bytes, bytes]]) -> Span:
        """Start the span of a request, as part of the caller's trace if it sent a `traceparent` header."""
        carrier = {name.decode("latin-1"): value.decode("latin-1") for name, value in headers if name in _HEADERS}
        return Span(self._tracer, self._tracer.start_span("request", _CONTEXT.extract(carrier), SpanKind.SERVER))

    def flush(self) -> None:
        """Export all finished spans."""
        self._provider.force_flush()

    def close(self) -> None:
        """Export all finished spans and stop."""
        self._provider.shutdown()


def open_traces(endpoint: str, protocol: str, name: str) -> Traces:
    """Return Traces that export to an OTLP endpoint. Raises BadSettings if the extra is not installed."""
    try:
        if protocol == "grpc":
            exporter = import_module("opentelemetry.exporter.otlp.proto.grpc.trace_exporter")
            return Traces(exporter.OTLPSpanExporter(endpoint=endpoint), name)
        exporter = import_module("opentelemetry.exporter.otlp.proto.http.trace_exporter")
    except ImportError as exc:
        raise BadSettings("OTEL_EXPORTER_OTLP_ENDPOINT needs the extra: pip install 'news-qa[otel]'") from exc
    return Traces(exporter.OTLPSpanExporter(endpoint=f"{endpoint.rstrip('/')}/v1/traces"), name)
