"""The commands that use a model or a person: judge, draft-gold, draft-feedback and review."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Sequence
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeVar

import typer
from rich.console import Console

from eval.cli.common import read_prices, reported_errors

if TYPE_CHECKING:
    from eval.judging.judge import Judge
    from eval.models.estimate import Prices
    from eval.models.model_calls import CachedModel, Call
    from qa import Article, OpenAIChat

T = TypeVar("T")
ModelOption = Annotated[str | None, typer.Option("--model", help="Another model than QA_LLM_MODEL.")]
CacheOption = Annotated[Path | None, typer.Option(help="Where replies are kept; beside --out if left out.")]
WorkersOption = Annotated[int, typer.Option(min=1, max=64, help="Calls at once.")]
YesOption = Annotated[bool, typer.Option("--yes", help="Begin without asking.")]
PriceInOption = Annotated[float | None, typer.Option("--price-in", min=0, help="What a million prompt tokens cost.")]
PriceOutOption = Annotated[float | None, typer.Option("--price-out", min=0, help="What a million written tokens cost.")]
ArticlesOption = Annotated[list[str] | None, typer.Option(help="Articles; the sample articles if left out.")]
TimeoutOption = Annotated[float, typer.Option(min=1, help="Seconds for one call, repeats included.")]


def judge(
    out: Annotated[Path, typer.Option(help="The judgements; with --agreement the file of agreements.")],
    run: Annotated[Path | None, typer.Option(exists=True, help="Judge the statements of this run.")] = None,
    agreement: Annotated[
        Literal["wice", "qags_cnndm"] | None, typer.Option(help="Measure the judge against people's labels.")
    ] = None,
    path: Annotated[Path | None, typer.Option(exists=True, help="The folder of that set.")] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="Only the first so many claims of the set.")] = None,
    model: ModelOption = None,
    cache: CacheOption = None,
    workers: WorkersOption = 4,
    timeout: TimeoutOption = 120.0,
    price_in: PriceInOption = None,
    price_out: PriceOutOption = None,
    yes: YesOption = False,
) -> None:
    """Let a model judge whether statements follow from what they cite, or measure how far it agrees with people."""
    from eval.judging.judge import MAX_TOKENS, REPLY_TOKENS, Judge
    from eval.models.prompts import load_prompt

    if (run is None) == (agreement is None) or (agreement is None) != (path is None):
        raise typer.BadParameter("say --run, or --agreement and --path")
    prices = read_prices(price_in, price_out)
    cache_path = cache or out.parent / "judge-cache.jsonl"
    with reported_errors():
        chat, cached = _open_model(model, cache_path, MAX_TOKENS, timeout)
        judging_model = Judge(cached, load_prompt("judge"))

        def confirm(certain: Sequence[Call], possible: Sequence[Call]) -> None:
            _confirm(cached, certain, possible, workers, REPLY_TOKENS, prices, yes)

        if run is not None:
            summary = _judge_run(chat, judging_model, run, out, workers, confirm)
        elif agreement is not None and path is not None:
            summary = _judge_set(chat, judging_model, agreement, path, limit, out, workers, confirm)
    print(f"{summary}\n{cached.calls} calls: {out}")


def _judge_run(chat: OpenAIChat, judging_model: Judge, run: Path, out: Path, workers: int, confirm: Any) -> str:
    from eval.judging.judgements import calls_of, claims_of, judge_claims, judgement_summary, write_judgements
    from eval.runs.run import read_run

    claims = claims_of(read_run(run))
    confirm(*calls_of(judging_model, claims))
    judgements = _run_and_close(
        chat, judge_claims(judging_model, claims, workers=workers, console=Console(stderr=True))
    )
    write_judgements(out, run, judging_model, judgements)
    return judgement_summary(judgements)


def _judge_set(
    chat: OpenAIChat,
    judging_model: Judge,
    name: Any,
    path: Path,
    limit: int | None,
    out: Path,
    workers: int,
    confirm: Any,
) -> str:
    from eval.judging.agreement import add_agreement, agreement_table, calls_of, load_labelled, measure_agreement

    claims = load_labelled(name, path)[:limit]
    confirm(calls_of(judging_model, claims), ())
    console = Console(stderr=True)
    entry = _run_and_close(chat, measure_agreement(name, claims, judging_model, workers=workers, console=console))
    add_agreement(out, entry)
    return agreement_table(entry)


def draft_gold(
    articles: Annotated[list[str], typer.Argument(help="Articles: files, folders, globs.")],
    out: Annotated[Path, typer.Option(help="The drafts, for `eval review`.")],
    gold: Annotated[Path | None, typer.Option(exists=True, help="Gold questions that are there already.")] = None,
    answerable: Annotated[int, typer.Option(min=0, help="Of each article, or part of a long one.")] = 4,
    unanswerable: Annotated[int, typer.Option(min=0, help="Near misses, as above.")] = 1,
    as_of: Annotated[
        str | None, typer.Option(help="The day they are asked on; that of the article if left out.")
    ] = None,
    model: ModelOption = None,
    cache: CacheOption = None,
    workers: WorkersOption = 4,
    timeout: TimeoutOption = 300.0,
    price_in: PriceInOption = None,
    price_out: PriceOutOption = None,
    yes: YesOption = False,
) -> None:
    """Propose gold questions with their spans, for a person to decide on; refuse what can be none, with its reason."""
    from eval.dataset.format import load
    from eval.drafting.draft import MAX_TOKENS, REPLY_TOKENS, Drafter, DraftOptions, draft, parts_of
    from eval.drafting.format import load_drafts, write_drafts
    from eval.models.prompts import load_prompt

    with reported_errors():
        if out.exists() and any(draft.draft.status != "proposed" or draft.draft.edited for draft in load_drafts(out)):
            raise typer.BadParameter(f"{out} holds decisions: choose another --out")
        sources = _read(articles)
        known = load(gold) if gold is not None else []
    cache_path = cache or out.parent / "draft-cache.jsonl"
    with reported_errors():
        chat, cached = _open_model(model, cache_path, MAX_TOKENS, timeout)
        drafter = Drafter(cached, load_prompt("draft"), DraftOptions(answerable, unanswerable, as_of))
        calls = [drafter.call(part) for article in sources for part in parts_of(article)]
        _confirm(cached, calls, (), workers, REPLY_TOKENS, read_prices(price_in, price_out), yes)
        console = Console(stderr=True)
        result = _run_and_close(chat, draft(drafter, sources, known, workers=workers, console=console))
        write_drafts(out, result.drafts)
    for refusal in result.refused:
        typer.echo(f"refused: {refusal.source}: {refusal.reason}", err=True)
    drafts, refused = len(result.drafts), len(result.refused)
    flagged = sum(bool(question.draft.flags) for question in result.drafts)
    print(f"{drafts} drafts, {flagged} with a flag, {refused} refused, {cached.calls} calls: {out}")
    raise typer.Exit(0 if result.drafts else 1)


def draft_feedback(
    server: Annotated[str, typer.Option(help="The address of the running service.")],
    out: Annotated[Path, typer.Option(help="The drafts, for `eval review`.")],
    key: Annotated[str | None, typer.Option(envvar="QA_EVAL_KEY", help="A key with the scope admin.")] = None,
) -> None:
    """Make draft questions of the ratings that readers gave; a person decides on each with `eval review`."""
    from eval.drafting.format import load_drafts, write_drafts
    from eval.drafting.from_feedback import read_feedback

    with reported_errors():
        known = load_drafts(out) if out.exists() else []
        ids = {draft.id for draft in known}
        new = [draft for draft in read_feedback(server, key) if draft.id not in ids]
        write_drafts(out, [*known, *new])
    print(f"{len(new)} new drafts, {len(known)} from before: {out}")


def review(
    drafts: Annotated[Path, typer.Argument(exists=True, help="What `eval draft-gold` wrote.")],
    gold: Annotated[
        Path | None, typer.Option(help="Where accepted questions go; beside the drafts if left out.")
    ] = None,
    articles: ArticlesOption = None,
) -> None:
    """Show drafts one by one and accept, edit or reject each; every decision is kept at once."""
    from eval.drafting.review import open_review

    console = Console(highlight=False)
    target = gold or drafts.with_suffix(".gold.jsonl")
    with reported_errors():
        sources = _read(articles or [str(files("qa") / "sample")])
        session = open_review(drafts, target, sources, lambda prompt: console.input(prompt, markup=False), console)
        session.run()
    counts = session.counts()
    print(f"{', '.join(f'{count} {state}' for state, count in counts.items())}: {target}")


def _read(paths: list[str]) -> list[Article]:
    from qa import Article, QaError, read

    articles: list[Article] = []
    for article in read(paths):
        if not isinstance(article, Article):
            raise QaError(f"{article.source}: {article.reason}")
        articles.append(article)
    return articles


def _open_model(name: str | None, cache: Path, max_tokens: int, timeout_s: float) -> tuple[OpenAIChat, CachedModel]:
    """Open the model that the settings name."""
    from eval.models.model_calls import CachedModel, ReplyCache
    from qa import ModelSettings, OpenAIChat, load_settings

    settings = load_settings()
    name = name or settings.llm_model
    if name is None or not (settings.openai_api_key or settings.openai_base_url):
        raise typer.BadParameter(
            "a model is needed: set OPENAI_BASE_URL or OPENAI_API_KEY, and QA_LLM_MODEL or --model"
        )
    # No user waits for a single reply here: retry more often than the service, and leave it to CachedModel to notice
    # that the server is unavailable (the circuit breaker never opens).
    retrying = ModelSettings(
        settings.openai_base_url, settings.openai_api_key, name, calls=5, backoff_s=1.0, breaker_failures=1_000_000
    )
    chat = OpenAIChat(retrying)
    return chat, CachedModel(chat, ReplyCache(cache), max_tokens=max_tokens, timeout_s=timeout_s)


def _run_and_close(chat: OpenAIChat, work: Coroutine[Any, Any, T]) -> T:
    async def run() -> T:
        try:
            return await work
        finally:
            await chat.aclose()

    return asyncio.run(run())


def _confirm(
    cached: CachedModel,
    certain: Sequence[Call],
    possible: Sequence[Call],
    workers: int,
    reply_tokens: int,
    prices: Prices | None,
    yes: bool,
) -> None:
    from eval.models.model_calls import plan

    ahead = plan(cached, certain, possible, workers=workers, reply_tokens=reply_tokens, prices=prices)
    typer.echo(f"{cached.name}: {ahead}", err=True)
    if ahead.max_calls and not yes:
        typer.confirm("begin?", abort=True, err=True)
