"""The invariants of every answer object, extractive or from a model."""

import re

from qa.catalog.catalog import Catalog
from qa.types import Answer


def faults(answer: Answer, catalog: Catalog) -> list[str]:
    """Return the violated invariants of an answer; an empty list if there are none."""
    found: list[str] = []
    numbers = [citation.number for citation in answer.citations]
    if numbers != list(range(1, len(numbers) + 1)):
        found.append(f"citations are numbered {numbers}")
    if answer.citations and list(dict.fromkeys(int(n) for n in re.findall(r"\[(\d+)\]", answer.answer))) != numbers:
        found.append("markers and citations differ")
    if answer.status == "not_in_sources" and (answer.statements or answer.citations):
        found.append("not in the sources, and yet something is cited")
    if (answer.confidence is None) == (answer.mode == "extractive") or not 0 <= (answer.confidence or 0) <= 1:
        found.append(f"confidence {answer.confidence} in mode {answer.mode}")
    if short := answer.short_answer:
        cited = answer.citations[short.citation - 1]
        text = catalog.text("default", cited.source.article_id, cited.source.version).text
        if (
            not cited.span.start <= short.start < short.end <= cited.span.end
            or text[short.start : short.end] != short.text
        ):
            found.append(f"the short answer {short} is not inside citation {short.citation}")
    for statement in answer.statements:
        if answer.answer[statement.start : statement.end] != statement.text or not statement.citations:
            found.append(f"statement at {statement.start} is not in the answer, or cites nothing")
    for citation in answer.citations:
        article = catalog.text("default", citation.source.article_id, citation.source.version)
        utf16 = article.text.encode("utf-16-le")[2 * citation.start_utf16 : 2 * citation.end_utf16].decode("utf-16-le")
        if not citation.quote == utf16 == article.text[citation.span.start : citation.span.end]:
            found.append(f"citation {citation.number} does not match the text of {citation.source.article_id}")
        if citation.source.sha256 != article.source.sha256:
            found.append(f"citation {citation.number} has another text's hash")
        if any(citation.span.overlaps(furniture) for furniture in article.furniture):
            found.append(f"citation {citation.number} is furniture")
    return found
