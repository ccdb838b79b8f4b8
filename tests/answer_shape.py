"""Every rule of the contract that holds for any answer, whoever wrote it."""

import re

from qa.catalog.catalog import Catalog
from qa.types import Answer


def faults(answer: Answer, catalog: Catalog) -> list[str]:
    """Return what is wrong with an answer object; nothing is right for all of them."""
    found: list[str] = []
    numbers = [one.number for one in answer.citations]
    if numbers != list(range(1, len(numbers) + 1)):
        found.append(f"citations are numbered {numbers}")
    if answer.citations and list(dict.fromkeys(int(n) for n in re.findall(r"\[(\d+)\]", answer.answer))) != numbers:
        found.append("markers and citations differ")
    if answer.status == "not_in_sources" and (answer.statements or answer.citations):
        found.append("not in the sources, and yet something is cited")
    if (answer.confidence is None) == (answer.mode == "extractive") or not 0 <= (answer.confidence or 0) <= 1:
        found.append(f"confidence {answer.confidence} in mode {answer.mode}")
    for statement in answer.statements:
        if answer.answer[statement.start : statement.end] != statement.text or not statement.citations:
            found.append(f"statement at {statement.start} is not in the answer, or cites nothing")
    for one in answer.citations:
        article = catalog.text("default", one.source.article_id, one.source.version)
        utf16 = article.text.encode("utf-16-le")[2 * one.start_utf16 : 2 * one.end_utf16].decode("utf-16-le")
        if not one.quote == utf16 == article.text[one.span.start : one.span.end]:
            found.append(f"citation {one.number} is not what stands in {one.source.article_id}")
        if one.source.sha256 != article.source.sha256:
            found.append(f"citation {one.number} has another text's hash")
        if any(one.span.overlaps(furniture) for furniture in article.furniture):
            found.append(f"citation {one.number} is furniture")
    return found
