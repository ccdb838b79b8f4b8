"""Settings from the environment and `.env`, built once and frozen. No other module reads the environment."""

from __future__ import annotations

import os
from collections.abc import Mapping
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Annotated, Literal, Self

from dotenv import dotenv_values
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
    model_validator,
)

from qa.errors import BadSettings
from qa.types import Mode


def _split(value: object) -> object:
    return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value


def _without_self(value: object) -> object:
    # Our own pages may always frame each other; the keyword is accepted because Content-Security-Policy uses it.
    return tuple(origin for origin in value if origin.strip("'") != "self") if isinstance(value, tuple) else value


Names = Annotated[tuple[str, ...], BeforeValidator(_split)]
# It is copied into a header unchanged, so it must be nothing but an origin.
Origin = Annotated[str, StringConstraints(pattern=r"^https?://(\*\.)?[A-Za-z0-9.-]+(:([0-9]{1,5}|\*))?$")]
Origins = Annotated[tuple[Origin, ...], BeforeValidator(_without_self), BeforeValidator(_split)]


# A host name without a port; a leading `*.` matches one label or more.
Host = Annotated[str, StringConstraints(pattern=r"^(\*\.)?[A-Za-z0-9.:\[\]_-]+$", to_lower=True)]
Hosts = Annotated[tuple[Host, ...], BeforeValidator(_split)]


def _network(value: str) -> str:
    ip_network(value, strict=False)  # its ValueError names what is wrong
    return value


Networks = Annotated[tuple[Annotated[str, AfterValidator(_network)], ...], BeforeValidator(_split)]


class Settings(BaseModel):
    """All settings, each with its default and, as alias, its name in the environment."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True, hide_input_in_errors=True)

    data_dir: Path = Field(Path(".qa-data"), alias="QA_DATA_DIR")
    database_url: str | None = Field(None, alias="QA_DATABASE_URL", repr=False)
    chroma_url: str | None = Field(None, alias="QA_CHROMA_URL")
    vector_store: str | None = Field(None, alias="QA_VECTOR_STORE", pattern=r"^[\w.]+:\w+$")
    embed_model: str = Field("minilm", alias="QA_EMBED_MODEL", min_length=1)
    embed_threads: int = Field(0, alias="QA_EMBED_THREADS", ge=0)
    # Not set: on where the weights are installed.
    reader: Literal["on", "off"] | None = Field(None, alias="QA_READER")
    entailment: Literal["on", "off"] | None = Field(None, alias="QA_ENTAILMENT")
    openai_api_key: str | None = Field(None, alias="OPENAI_API_KEY", repr=False)
    openai_base_url: str | None = Field(None, alias="OPENAI_BASE_URL", pattern=r"^https?://")
    llm_model: str | None = Field(None, alias="QA_LLM_MODEL")
    utility_model: str | None = Field(None, alias="QA_UTILITY_MODEL")
    mode: Mode = Field("auto", alias="QA_MODE")
    on_llm_failure: Literal["extractive", "error"] = Field("extractive", alias="QA_ON_LLM_FAILURE")
    unsupported: Literal["drop", "mark"] = Field("drop", alias="QA_UNSUPPORTED")
    api_keys: Names = Field((), alias="QA_API_KEYS", repr=False)
    rate_limit: str | None = Field(None, alias="QA_RATE_LIMIT")
    token_budget: str | None = Field(None, alias="QA_TOKEN_BUDGET")
    redis_url: str | None = Field(None, alias="QA_REDIS_URL", pattern=r"^rediss?://", repr=False)
    cors_origins: Names = Field((), alias="QA_CORS_ORIGINS")
    allowed_hosts: Hosts = Field((), alias="QA_ALLOWED_HOSTS")
    frame_ancestors: Origins = Field((), alias="QA_FRAME_ANCESTORS")
    max_article_bytes: int = Field(2_000_000, alias="QA_MAX_ARTICLE_BYTES", ge=1_000, le=50_000_000)
    fetch_urls: Literal["off", "on"] = Field("off", alias="QA_FETCH_URLS")
    max_in_flight: int = Field(128, alias="QA_MAX_IN_FLIGHT", ge=1, le=10_000)
    deadline_s: float = Field(60.0, alias="QA_DEADLINE_S", gt=0, le=3_600)
    prompts_dir: Path | None = Field(None, alias="QA_PROMPTS_DIR")
    public_url: str | None = Field(None, alias="QA_PUBLIC_URL", pattern=r"^https?://")
    trusted_proxies: Networks = Field((), alias="QA_TRUSTED_PROXIES")
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field("INFO", alias="QA_LOG_LEVEL")
    log_format: Literal["auto", "json", "console"] = Field("auto", alias="QA_LOG_FORMAT")
    # The standard OpenTelemetry names.
    otlp_endpoint: str | None = Field(None, alias="OTEL_EXPORTER_OTLP_ENDPOINT", pattern=r"^https?://")
    otlp_protocol: Literal["http/protobuf", "grpc"] = Field("http/protobuf", alias="OTEL_EXPORTER_OTLP_PROTOCOL")
    service_name: str = Field("news-qa", alias="OTEL_SERVICE_NAME", min_length=1)

    @model_validator(mode="after")
    def _check_together(self) -> Self:
        if self.mode == "llm" and self.llm_model is None:
            raise ValueError("QA_MODE=llm needs QA_LLM_MODEL: name the model to ask")
        if self.llm_model and not (self.openai_api_key or self.openai_base_url):
            raise ValueError("QA_LLM_MODEL needs OPENAI_API_KEY, or OPENAI_BASE_URL of a server that wants no key")
        if self.vector_store and self.chroma_url:
            raise ValueError("QA_VECTOR_STORE and QA_CHROMA_URL: say one of them, vectors are in one engine")
        if self.database_url and not self.database_url.startswith(("sqlite:///", "postgresql://")):
            raise ValueError("QA_DATABASE_URL: say sqlite:///PATH or postgresql://USER:PASSWORD@HOST/NAME")
        return self

    @property
    def catalog_url(self) -> str:
        """Return the catalog's database URL."""
        return self.database_url or f"sqlite:///{self.data_dir / 'catalog.sqlite3'}"


_KNOWN = {field.alias for field in Settings.model_fields.values()}


def load_settings(environ: Mapping[str, str] | None = None, dotenv: Path | None = Path(".env")) -> Settings:
    """Read settings from `.env` and the environment, which takes precedence. Raises BadSettings naming the variable."""
    values: dict[str, str] = {}
    if dotenv is not None and dotenv.is_file():
        try:
            values |= {key: value for key, value in dotenv_values(dotenv).items() if value is not None}
        except (OSError, UnicodeDecodeError) as exc:
            raise BadSettings(f"{dotenv}: cannot be read: {exc}") from None
    values |= os.environ if environ is None else environ
    ours = {key: value for key, value in values.items() if key.startswith("QA_") or key in _KNOWN}
    unknown = sorted(key for key in ours if key not in _KNOWN)
    if unknown:
        raise BadSettings(f"unknown setting {', '.join(unknown)}; the names are in docs/settings.md")
    try:
        # An empty value means "not set": compose files pass optional variables on that way.
        return Settings.model_validate({key: value for key, value in ours.items() if value != ""})
    except ValidationError as exc:
        first = exc.errors()[0]
        name = str(first["loc"][0]) if first["loc"] else ""
        raise BadSettings(f"{name}: {first['msg']}" if name else first["msg"].removeprefix("Value error, ")) from None


def usable_cores() -> int:
    """Return the number of cores that this process may use, at least 1."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def is_loopback(host: str) -> bool:
    """Tell whether a server bound to this host can only be reached from this machine."""
    if host == "localhost":
        return True
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False
