"""Evidence and verdicts for the tests of statements as models write them."""

from qa.types import Evidence, Source, Span
from qa.verification.verify import check

SHOWN = ("supported", "partial")


def evidence(words, *, context="", title=None, outlet=None, day=None, article="a"):
    source = Source(article, 1, "0" * 64, title, outlet, None, day)
    return Evidence(source, Span(0, len(words)), words, 1.0, context)


def verdict(statement, cited, others=()):
    cited = [evidence(sentence) if isinstance(sentence, str) else sentence for sentence in cited]
    return check(statement, cited, [*cited, *others])


def assert_supported(statement, *cited, others=()):
    assert verdict(statement, cited, others) == ("supported", ())


def assert_shown(statement, *cited, others=()):
    support, reasons = verdict(statement, cited, others)
    assert support in SHOWN, reasons


def assert_refused(statement, *cited, others=()):
    support, reasons = verdict(statement, cited, others)
    assert support == "unsupported", reasons
