"""`qa doctor`: check the settings and the store, and whether the configured model obeys."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Literal

import typer

from qa.cli.common import AsJson, open_catalog, open_library, print_json, read_settings
from qa.errors import BadSettings, EmbeddingFailed, Locked, ModelFailed, ModelUnavailable, QaError

if TYPE_CHECKING:
    from qa.cli.model_exam import Outcome
    from qa.settings import Settings
    from qa.types import Embedder

DONE, WRONG_SETTINGS, SERVICE_AWAY = 0, 2, 3
LISTED_MODELS = 8  # of those that a server says it has
_SQLITE = "sqlite:///"
_STATUS = re.compile(r"HTTP (\d{3})")
_TIMEOUT_S = 5.0


@dataclass(frozen=True, slots=True)
class Finding:
    """What was found about one part, and the exit code that it asks for."""

    part: str
    state: Literal["ok", "off", "failed"]
    message: str
    code: int = DONE


def doctor(as_json: AsJson = False) -> None:
    """Check settings, store and model; three questions to the model show whether it obeys."""
    settings = read_settings()
    findings = [
        Finding("settings", "ok", f"QA_MODE={settings.mode}, QA_DEADLINE_S={settings.deadline_s:g}"),
        *_check_prompts(settings),
        *_check_embedder(settings),
        *_check_reader(settings),
        *_check_store(settings),
    ]
    model, outcomes = _check_model(settings)
    findings.append(model)
    if as_json:
        print_json(_json(settings, findings, outcomes))
    else:
        for finding in findings:
            print(f"{finding.part:9} {finding.state:7} {finding.message}")
        for outcome in outcomes:
            _print_outcome(outcome)
    code = max(finding.code for finding in findings)
    if code:
        raise typer.Exit(code)


def _check_prompts(settings: Settings) -> Iterator[Finding]:
    from qa.llm.prompts import load_prompts

    try:
        load_prompts(settings.prompts_dir)
        yield Finding("prompts", "ok", str(settings.prompts_dir or "as packaged"))
    except BadSettings as exc:
        yield Finding("prompts", "failed", str(exc), WRONG_SETTINGS)


def _check_embedder(settings: Settings) -> Iterator[Finding]:
    from qa.wiring import build_embedder

    try:
        embedder = build_embedder(settings)
        if embedder is None:
            yield Finding("embedder", "off", "QA_EMBED_MODEL=none: only words are searched for")
            return
        embedder.embed_query("doctor")
        yield Finding("embedder", "ok", embedder.model)
    except BadSettings as exc:
        yield Finding("embedder", "failed", str(exc), WRONG_SETTINGS)
    except (EmbeddingFailed, ModelFailed) as exc:
        yield Finding("embedder", "failed", str(exc), SERVICE_AWAY)


def _check_reader(settings: Settings) -> Iterator[Finding]:
    from qa.wiring import build_reader

    try:
        if build_reader(settings) is None:
            yield Finding("reader", "off", "QA_READER=off, or its weights are not installed")
        else:
            yield Finding("reader", "ok", "its weights are installed")
    except BadSettings as exc:
        yield Finding("reader", "failed", str(exc), WRONG_SETTINGS)


def _check_store(settings: Settings) -> Iterator[Finding]:
    in_file = settings.catalog_url.startswith(_SQLITE)
    where = str(settings.data_dir) if in_file else "PostgreSQL"
    if in_file and not _has_catalog(settings):
        # Opening it would make it: a check leaves nothing behind.
        yield Finding("store", "off", f"{where} has no articles yet: qa ingest PATH")
        return
    try:
        with open_library(settings) as library:
            articles, chunks = library.catalog.count()
            behind = sum(state.behind for state in library.projections.states())
        lag = f"; {behind} changes are not indexed yet, which the next question does" if behind else ""
        yield Finding("store", "ok", f"{where}: {articles} articles, {chunks} chunks{lag}")
    except Locked as locked:
        if locked.url is None:
            yield Finding("store", "failed", str(locked), WRONG_SETTINGS)
            return
        with open_catalog() as catalog:
            articles, chunks = catalog.count()
        yield Finding("store", "ok", f"{where}: {articles} articles, {chunks} chunks, served at {locked.url}")
    except BadSettings as exc:
        yield Finding("store", "failed", str(exc), WRONG_SETTINGS)
    except QaError as exc:
        yield Finding("store", "failed", str(exc), SERVICE_AWAY)


def _has_catalog(settings: Settings) -> bool:
    from pathlib import Path

    return Path(settings.catalog_url.removeprefix(_SQLITE)).is_file()


def _check_model(settings: Settings) -> tuple[Finding, list[Outcome]]:
    from qa.cli.model_exam import examine, is_unreadable
    from qa.llm.openai_faults import address_of
    from qa.llm.prompts import load_prompts
    from qa.wiring import build_entailment, build_model

    if settings.llm_model is None:
        return Finding("model", "off", "QA_LLM_MODEL is not set: answers quote the articles"), []
    try:
        where, _ = address_of(settings.openai_base_url)
        model = build_model(settings, settings.llm_model)
        if model is None:
            return Finding("model", "off", "QA_MODE=extractive: answers quote the articles"), []
        prompts, judge = load_prompts(settings.prompts_dir), build_entailment(settings)
    except BadSettings as exc:
        return Finding("model", "failed", str(exc), WRONG_SETTINGS), []
    outcomes, failed = asyncio.run(examine(model, prompts, _embedder(settings), judge, settings.deadline_s))
    if failed is not None:
        return _explain(failed, settings), outcomes
    name = f"{settings.llm_model} at {where}"
    if is_unreadable(outcomes):
        advice = "is OPENAI_BASE_URL the address of an OpenAI-compatible API? It mostly ends in /v1"
        return Finding("model", "failed", f"{name}: {outcomes[0].problems[0]}; {advice}", WRONG_SETTINGS), outcomes
    obeyed = sum(outcome.obeys for outcome in outcomes)
    verdict = "obeys" if obeyed == len(outcomes) else "does not obey"
    return Finding("model", "ok", f"{name} {verdict}: {obeyed} of {len(outcomes)} questions as told"), outcomes


def _embedder(settings: Settings) -> Embedder | None:
    from qa.wiring import build_embedder

    try:
        return build_embedder(settings)
    except (BadSettings, EmbeddingFailed):  # reported already; the exam does without
        return None


def _explain(exc: ModelFailed, settings: Settings) -> Finding:
    """Say what a failure of the server means and what to do about it."""
    message = str(exc)
    status = int(found.group(1)) if (found := _STATUS.search(message)) else 0
    if isinstance(exc, ModelUnavailable):
        return Finding("model", "failed", f"{message}: {_away(message, status, settings)}", SERVICE_AWAY)
    if "quota" in message or "billing" in message:
        return Finding("model", "failed", f"{message}: the account has nothing left to spend", SERVICE_AWAY)
    if status == 401:
        key = "check OPENAI_API_KEY" if settings.openai_api_key else "the server wants a key: set OPENAI_API_KEY"
        return Finding("model", "failed", f"{message.partition(': ')[0]}: {key}", WRONG_SETTINGS)
    served = _served_models(settings)
    if served and settings.llm_model not in served:
        names = ", ".join(served[:LISTED_MODELS]) + (", ..." if len(served) > LISTED_MODELS else "")
        advice = f"the server has no model {settings.llm_model}; set QA_LLM_MODEL to one of {names}"
        return Finding("model", "failed", f"{message.partition(': ')[0]}: {advice}", WRONG_SETTINGS)
    return Finding("model", "failed", message, WRONG_SETTINGS)


def _away(message: str, status: int, settings: Settings) -> str:
    if "reached" in message:
        return "is it running at OPENAI_BASE_URL? Inside a container 127.0.0.1 is the container"
    if not status:
        return f"it is too slow for QA_DEADLINE_S={settings.deadline_s:g}, or hangs"
    return "it is overloaded" if status == 429 else "its log says why"


def _served_models(settings: Settings) -> list[str]:
    """Return the names of the models that the server lists, safe to print; none if it lists none."""
    import httpx2

    from qa.llm.openai_faults import address_of
    from qa.text.plain import visible_line

    headers = {"authorization": f"Bearer {settings.openai_api_key}"} if settings.openai_api_key else {}
    try:
        reply = httpx2.get(
            f"{address_of(settings.openai_base_url)[1].rstrip('/')}/models", headers=headers, timeout=_TIMEOUT_S
        )
        return [visible_line(str(row["id"]))[:80] for row in reply.json()["data"]]
    except (httpx2.HTTPError, ValueError, TypeError, KeyError):
        return []


def _print_outcome(outcome: Outcome) -> None:
    counted = f"{outcome.prompt_tokens} tokens in, {outcome.completion_tokens} out"
    tokens = counted if outcome.prompt_tokens else "the server counts no tokens"
    print(f"  {outcome.name}: {'obeys' if outcome.obeys else 'does not obey'}; {outcome.seconds:.1f} s, {tokens}")
    for problem in outcome.problems:
        print(f"    {problem}")
    if not outcome.obeys and outcome.reply:
        print(f"    it wrote: {outcome.reply}")


def _json(settings: Settings, findings: Sequence[Finding], outcomes: Sequence[Outcome]) -> dict[str, Any]:
    model = next(finding for finding in findings if finding.part == "model")
    examined = bool(outcomes) and model.state == "ok"
    return {
        "checks": [{"part": finding.part, "state": finding.state, "message": finding.message} for finding in findings],
        "model": settings.llm_model,
        "obeys": all(outcome.obeys for outcome in outcomes) if examined else None,
        "questions": [asdict(outcome) | {"obeys": outcome.obeys} for outcome in outcomes],
    }
