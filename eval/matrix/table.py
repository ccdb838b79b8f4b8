"""The matrix as a Markdown table: two lines for each model and set, what is shown and what the model wrote. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence

from eval.matrix.results import Checked, Figure, Result, Spending, View

_HEAD = (
    "model", "set", "n", "view", "right", "span F1", "refused rightly", "refused wrongly", "false pass", "false strip",
    "replaced", "fell back", "tokens in / out", "seconds p50 / p95", "cost of 1,000", "server", "run",
)  # fmt: skip
_MARKUP = re.compile(r"([\\`*_\[\]<>|])")


def table(results: Sequence[Result]) -> str:
    """Return the results as a Markdown table, in their order."""
    lines = [_HEAD, tuple("---" for _ in _HEAD)]
    for result in results:
        lines += [_checked(result), _as_written(result)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _checked(result: Result) -> tuple[str, ...]:
    n = f"{result.n}" if result.n == result.of else f"{result.n} of {result.of}"
    failed = f", {result.failed} failed" if result.failed else ""
    commit = f", {result.manifest.commit[:7]}" if result.manifest.commit else ""
    checked: Checked = result.checked
    return (
        _plain(result.model),
        _plain(result.set),
        n + failed,
        "checked",
        *_shared(checked),
        *map(_share, (checked.false_strip, checked.replaced, checked.fell_back)),
        *_spent(result.spending),
        _plain(result.server),
        result.date + commit,
    )


def _as_written(result: Result) -> tuple[str, ...]:
    return ("", "", "", "as written", *_shared(result.as_written), *[""] * 8)


def _shared(view: View) -> tuple[str, ...]:
    plain = map(_share, (view.span_f1, view.refused_rightly, view.refused_wrongly))
    return (_with_interval(view.right), *plain, _with_interval(view.false_pass))


def _spent(spending: Spending) -> tuple[str, str, str]:
    cost = "-" if spending.cost is None else f"{spending.cost * 1_000:.2f}"
    tokens = (spending.prompt_tokens, spending.completion_tokens)
    return (
        " / ".join("-" if count is None else f"{count:,.0f}" for count in tokens),
        f"{spending.seconds_p50:.1f} / {spending.seconds_p95:.1f}",
        cost,
    )


def _share(figure: Figure) -> str:
    return "-" if figure.value is None else _two(figure.value)


def _with_interval(figure: Figure) -> str:
    """Return the value with its 95 % interval, if there is one: `.72 [.65, .79]`."""
    if figure.low is None or figure.high is None:
        return _share(figure)
    return f"{_share(figure)} [{_two(figure.low)}, {_two(figure.high)}]"


def _two(value: float) -> str:
    return f"{value:.2f}".removeprefix("0")


def _plain(text: str) -> str:
    """Return text of a file that anyone may have sent, without an effect on the table or the page."""
    return _MARKUP.sub(r"\\\1", " ".join(text.split()))
