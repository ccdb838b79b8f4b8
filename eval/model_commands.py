"""The commands that ask a model, or a person: judge, draft-gold and review."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Sequence
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeVar

import typer
from rich.console import Console

from eval.errors import read_prices, reported_errors

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
    kept = cache or out.parent / "judge-cache.jsonl"
    with reported_errors():
        chat, cached = _model(model, kept, MAX_TOKENS, timeout)
        one = Judge(cached, load_prompt("judge"))

        def confirm(surely: Sequence[Call], perhaps: Sequence[Call]) -> None:
            _confirm(cached, surely, perhaps, workers, REPLY_TOKENS, prices, yes)

        if run is not None:
            said = _judge_run(chat, one, run, out, workers, confirm)
        elif agreement is not None and path is not None:
            said = _judge_set(chat, one, agreement, path, limit, out, workers, confirm)
    print(f"{said}\n{cached.calls} calls: {out}")


def _judge_run(chat: OpenAIChat, one: Judge, run: Path, out: Path, workers: int, confirm: Any) -> str:
    from eval.judging.judged import calls_of, claims_of, judge_claims, judged_table, write_judged
    from eval.runs.run import read_run

    claims = claims_of(read_run(run))
    confirm(*calls_of(one, claims))
    found = _run(chat, judge_claims(one, claims, workers=workers, console=Console(stderr=True)))
    write_judged(out, run, one, found)
    return judged_table(found)


def _judge_set(
    chat: OpenAIChat, one: Judge, name: Any, path: Path, limit: int | None, out: Path, workers: int, confirm: Any
) -> str:
    from eval.judging.agreement import add_agreement, agreement_table, calls_of, load_labelled, measure_agreement

    labelled = load_labelled(name, path)[:limit]
    confirm(calls_of(one, labelled), ())
    entry = _run(chat, measure_agreement(name, labelled, one, workers=workers, console=Console(stderr=True)))
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
    from eval.drafting.draft import MAX_TOKENS, REPLY_TOKENS, Drafter, Wanted, draft, parts_of
    from eval.drafting.format import load_drafts, write_drafts
    from eval.models.prompts import load_prompt

    with reported_errors():
        if out.exists() and any(one.draft.status != "proposed" or one.draft.edited for one in load_drafts(out)):
            raise typer.BadParameter(f"{out} holds decisions: choose another --out")
        found = _read(articles)
        known = load(gold) if gold is not None else []
    kept = cache or out.parent / "draft-cache.jsonl"
    with reported_errors():
        chat, cached = _model(model, kept, MAX_TOKENS, timeout)
        drafter = Drafter(cached, load_prompt("draft"), Wanted(answerable, unanswerable, as_of))
        calls = [drafter.call(part) for article in found for part in parts_of(article)]
        _confirm(cached, calls, (), workers, REPLY_TOKENS, read_prices(price_in, price_out), yes)
        console = Console(stderr=True)
        done = _run(chat, draft(drafter, found, known, workers=workers, console=console))
        write_drafts(out, done.drafts)
    for one in done.refused:
        typer.echo(f"refused: {one.source}: {one.reason}", err=True)
    flagged = sum(bool(one.draft.flags) for one in done.drafts)
    print(f"{len(done.drafts)} drafts, {flagged} with a flag, {len(done.refused)} refused, {cached.calls} calls: {out}")
    raise typer.Exit(0 if done.drafts else 1)


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
        ids = {one.id for one in known}
        new = [one for one in read_feedback(server, key) if one.id not in ids]
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
        every = _read(articles or [str(files("qa") / "sample")])
        found = open_review(drafts, target, every, lambda prompt: console.input(prompt, markup=False), console)
        found.run()
    counts = found.counts()
    print(f"{', '.join(f'{count} {state}' for state, count in counts.items())}: {target}")


def _read(paths: list[str]) -> list[Article]:
    from qa import Article, QaError, read

    found: list[Article] = []
    for one in read(paths):
        if not isinstance(one, Article):
            raise QaError(f"{one.source}: {one.reason}")
        found.append(one)
    return found


def _model(name: str | None, cache: Path, max_tokens: int, timeout_s: float) -> tuple[OpenAIChat, CachedModel]:
    """Open the model that the settings name."""
    from eval.models.model_calls import CachedModel, ReplyCache
    from qa import ModelSettings, OpenAIChat, load_settings

    settings = load_settings()
    name = name or settings.llm_model
    if name is None or not (settings.openai_api_key or settings.openai_base_url):
        raise typer.BadParameter(
            "a model is needed: set OPENAI_BASE_URL or OPENAI_API_KEY, and QA_LLM_MODEL or --model"
        )
    # Nobody waits for a single reply here: be more patient than the service, and leave the counting to CachedModel.
    patient = ModelSettings(
        settings.openai_base_url, settings.openai_api_key, name, calls=5, backoff_s=1.0, breaker_failures=1_000_000
    )
    chat = OpenAIChat(patient)
    return chat, CachedModel(chat, ReplyCache(cache), max_tokens=max_tokens, timeout_s=timeout_s)


def _run(chat: OpenAIChat, work: Coroutine[Any, Any, T]) -> T:
    async def whole() -> T:
        try:
            return await work
        finally:
            await chat.aclose()

    return asyncio.run(whole())


def _confirm(
    cached: CachedModel,
    surely: Sequence[Call],
    perhaps: Sequence[Call],
    workers: int,
    reply_tokens: int,
    prices: Prices | None,
    yes: bool,
) -> None:
    from eval.models.model_calls import plan

    ahead = plan(cached, surely, perhaps, workers=workers, reply_tokens=reply_tokens, prices=prices)
    typer.echo(f"{cached.name}: {ahead}", err=True)
    if ahead.most and not yes:
        typer.confirm("begin?", abort=True, err=True)
