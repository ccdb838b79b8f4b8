"""The page in a browser: asking, streaming, citations, conflicts, refusals and errors."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from qa.errors import ModelUnavailable
from qa.service.app import create_app
from qa.types import Conflict, ConflictValue, Rejected, ResolvedDate
from tests.lanes.browser.conftest import DESKTOP, PHONE, ask
from tests.lanes.browser.scripted import CitedSentence, Stage, staged
from tests.service.serving import running, settings_for

Visit = Callable[..., Any]

RAIN = "😀 Fair 👨‍👩‍👧 today 🏴󠁧󠁢󠁥󠁮󠁧󠁿.\n\n" + "Rain fell. 🌧 " * 300
QUOTES = {
    "emoji": (f"{RAIN}\n\nThe lamp 🗼 cost €4.2 million.", "The lamp 🗼 cost €4.2 million."),
    "combining": (
        "Cafe\u0301 owners said no. 𝔘 Cafe\u0301 owners said no again.",
        "𝔘 Cafe\u0301 owners said no again.",
    ),
    "arabic": ("😀 كان الطقس جميلا.\n\nيُفتح الجسر في حيفا يوم الاثنين. لم يصب أحد.", "يُفتح الجسر في حيفا يوم الاثنين."),
    "hebrew": ("מזג האוויר היה נאה 🌤.\n\nהגשר ייפתח ביום שני.", "הגשר ייפתח ביום שני."),
    "hidden": ("He said \u202eevil\u202c once.\n\nThe bridge\u200b opened.", "The bridge\u200b opened."),
}
BRIDGE = {
    "id": "bridge",
    "title": "Bridge opens",
    "outlet": "Corvane Wire",
    "url": "https://wire.example/bridge",
    "published_at": "2023-03-21",
    "text": "The bridge opened on Monday. It cost 4 million euros. Nobody was hurt.\n\nLeave a Reply\n",
}
OPENED = CitedSentence("The bridge opened on Monday.", "bridge", "The bridge opened on Monday.")
COST = CitedSentence("It cost 4 million euros.", "bridge", "It cost 4 million euros.")
PLANT = '<img src=x onerror="window.planted=1"></p><script>window.planted=1</script>{{7*7}}'
PLANTED = {
    "id": "planted",
    "title": f"{PLANT} title",
    "outlet": f"{PLANT} outlet",
    "url": "javascript:window.planted=1",
    "published_at": f"{PLANT} day",
    "text": f"{PLANT} A planted text. The end.",
}


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """Serve articles whose answers the tests script."""
    rows = [{"id": name, "text": text} for name, (text, _) in QUOTES.items()]
    with staged(tmp_path_factory.mktemp("staged"), BRIDGE, PLANTED, *rows) as served:
        yield served


@pytest.fixture(autouse=True)
def _reset(request: pytest.FixtureRequest) -> None:
    if "stage" in request.fixturenames:
        stage = request.getfixturevalue("stage")
        stage.sentences, stage.more, stage.pause, stage.fails = (OPENED, COST), {}, None, None
        stage.asked.clear()
        stage.fake.ended.clear()
        stage.fake.over.clear()


@pytest.fixture(scope="module")
def samples(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """Serve the sample articles, with extractive answers."""
    app = create_app(settings_for(tmp_path_factory.mktemp("samples") / "store"), load_samples=True)
    with running(app) as port:
        yield port


def test_an_answer_is_shown_as_it_comes(visit: Visit, stage: Stage) -> None:
    """The first sentence and its marker are shown while the second is streaming; Stop is offered until the end."""
    page = visit(stage.port)
    stage.pause = 1
    turn = ask(page, "When did the bridge open?", whole=False)
    turn.locator(".marker").wait_for()
    assert turn.locator(".said").text_content() == "The bridge opened on Monday. [1]"
    assert turn.locator(".reply").get_attribute("aria-busy") == "true"
    assert page.locator("#stop").is_visible()
    stage.pause = None
    turn.locator(".reply[aria-busy=false]").wait_for()
    assert turn.locator(".statement p").all_text_contents() == [
        "The bridge opened on Monday. [1]",
        "It cost 4 million euros. [2]",
    ]
    assert turn.locator(".verdict").all_text_contents() == ["✓ supported"] * 2
    assert page.locator("#stop").is_hidden()


@pytest.mark.parametrize("name", QUOTES)
@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_a_marker_opens_the_exact_words(visit: Visit, stage: Stage, name: str, size: tuple[int, int]) -> None:
    """The mark's text is the quote and the panel's text is the article, to the code point, and the mark is in view."""
    from qa.text.normalise import normalise

    text, quote = (normalise(text) for text in QUOTES[name])
    stage.sentences = (CitedSentence("So it was.", name, quote),)
    page = visit(stage.port, size=size)
    turn = ask(page, "What was it?")
    turn.locator(".marker").click()
    page.locator("#reader mark").wait_for()
    assert page.locator("#reader mark").text_content() == quote
    assert page.locator("#reader article").text_content() == text
    box = page.locator("#reader mark").bounding_box()
    assert box["y"] >= 0
    assert box["y"] + box["height"] <= size[1]
    direction = page.locator("#reader article").evaluate("(article) => getComputedStyle(article).direction")
    assert direction == ("rtl" if name in ("arabic", "hebrew") else "ltr")


def test_the_panel_says_whose_words_they_are(visit: Visit, stage: Stage) -> None:
    """Title, outlet and day, our page and the original as links, boilerplate in grey."""
    page = visit(stage.port)
    ask(page, "When did the bridge open?").locator(".marker").first.click()
    panel = page.locator("#reader")
    panel.locator("mark").wait_for()
    assert panel.locator("h2").text_content() == "Bridge opens"
    assert panel.locator(".about").first.text_content() == "Corvane Wire · 21 March 2023"
    links = [link.get_attribute("href") for link in panel.locator(".links a").all()]
    assert links == ["/articles/bridge?span=0-28", "https://wire.example/bridge"]
    assert panel.locator(".furniture").text_content().strip() == "Leave a Reply"


def test_nothing_planted_becomes_markup(visit: Visit, stage: Stage) -> None:
    """Whatever a question, a model or an article says is text on the page, and only http(s) addresses become links."""
    stage.sentences = (
        CitedSentence(f"{PLANT} said.", "planted", f"{PLANT} A planted text.", "partial", (f"{PLANT} reason",)),
    )
    value = ConflictValue(f"{PLANT} value", (1,), (f"{PLANT} outlet",), (f"{PLANT} day",))
    stage.more = {
        "status": "conflicting",
        "conflicts": (Conflict(f"{PLANT} about", (value, value)),),
        "dates": (ResolvedDate(1, f"{PLANT} phrase", f"{PLANT} resolved", f"{PLANT} basis"),),
        "rejected": (Rejected(f"{PLANT} why", f"{PLANT} what"),),
        "degraded": (f"{PLANT} part",),
        "question": f"{PLANT} question",
        "model": f"{PLANT} model",
        "mode": "llm",
    }
    page = visit(stage.port)
    turn = ask(page, f"{PLANT} asked")
    turn.locator(".marker").first.click()
    page.locator("#reader mark").wait_for()
    shown = page.locator("body").text_content()
    fields = ("title", "said", "reason", "value", "outlet", "about", "phrase", "basis", "why", "what", "part",
              "question", "model", "asked", "A planted text.")  # fmt: skip
    assert [name for name in fields if f"{PLANT} {name}" not in shown] == []
    assert page.evaluate("window.planted") is None
    assert page.locator("body img, body script, body iframe").count() == 0
    links = page.locator("a[href]").evaluate_all("(links) => links.map((link) => link.protocol)")
    assert set(links) == {"http:"}
    assert page.locator("#reader .links a").count() == 1, "the javascript: address is no link"


def test_text_can_not_be_read_as_html(visit: Visit, stage: Stage) -> None:
    """The CSP itself forbids it: even our own script would fail."""
    page = visit(stage.port, expected_errors=("policy require-trusted-types-for", "requires 'TrustedHTML'"))
    assert (
        page.evaluate("() => { try { document.body.innerHTML = '<b>'; return 'done'; } catch { return 'refused'; } }")
        == "refused"
    )


def test_a_refusal_looks_like_one(visit: Visit, samples: int) -> None:
    """A refusal has a box of its own that lists what was read, and no statements or sources."""
    turn = ask(visit(samples), "How old is Dorothea Lanyon, the bus driver?")
    assert "Not in the articles" in turn.locator(".refusal").text_content()
    assert turn.locator(".statement, .sources").count() == 0
    assert turn.locator(".actions .about").inner_text() != "0.0 s"  # everything takes some time
    turn.locator("summary").click()
    assert turn.locator(".refusal li").count() > 1


@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_a_conflict_stands_side_by_side(visit: Visit, samples: int, size: tuple[int, int]) -> None:
    """The values are side by side, each with its outlet and day, and each marker opens the quote."""
    page = visit(samples, size=size)
    turn = ask(page, "What will it cost to rebuild the eastern approach of the Orrin Bridge?")
    values = turn.locator(".conflict .value")
    by_value = dict(zip(values.locator("strong").all_text_contents(), values.all_text_contents(), strict=True))
    assert sorted(by_value) == ["€38 million", "€46 million"]
    assert "The Brasswick Ledger, 12 March 2026" in by_value["€46 million"]
    left, right = values.nth(0).bounding_box(), values.nth(1).bounding_box()
    assert left["y"] == right["y"]
    assert left["x"] + left["width"] <= right["x"]
    values.filter(has_text="€38 million").locator(".marker").click()
    page.locator("#reader mark").wait_for()
    assert "€38 million" in page.locator("#reader mark").text_content()


def test_verdicts_and_what_is_missing_are_told(visit: Visit, stage: Stage) -> None:
    """Each sentence has its verdict and reasons; omissions, degraded parts and resolved dates are shown."""
    doubted = CitedSentence(
        "It cost 5 million euros.", "bridge", "It cost 4 million euros.", "unsupported", ("5 is not in it",)
    )
    stage.sentences = (OPENED, doubted)
    stage.more = {
        "status": "partial",
        "complete": False,
        "degraded": ("llm",),
        "rejected": (Rejected("number not in cited text", "It cost 6 million."),),
        "dates": (ResolvedDate(1, "on Monday", "2023-03-20", "published 2023-03-21 (Tuesday)"),),
    }
    turn = ask(visit(stage.port), "What did it cost?")
    assert turn.locator(".verdict").all_text_contents() == ["✓ supported", "✗ not supported"]
    assert turn.locator(".reasons").all_text_contents() == ["5 is not in it"]
    notices = " ".join(turn.locator(".notice").all_text_contents())
    assert "in part only" in notices
    assert "not complete" in notices
    assert "model was away" in notices
    assert "“on Monday” [1] is 20 March 2023" in turn.locator(".dates").text_content()
    assert turn.locator(".rejected li").is_hidden()
    turn.locator(".rejected summary").click()
    assert turn.locator(".rejected li").text_content() == "It cost 6 million.number not in cited text"


def test_stop_ends_the_work(visit: Visit, stage: Stage) -> None:
    """Stop keeps what has arrived and says so, and the server stops working on the answer."""
    page = visit(stage.port)
    stage.pause = 1
    turn = ask(page, "When?", whole=False)
    turn.locator(".marker").wait_for()
    page.click("#stop")
    turn.locator(".notice.stopped").wait_for()
    assert turn.locator(".said").text_content() == "The bridge opened on Monday. [1]"
    assert stage.fake.over.wait(3)
    assert stage.fake.ended == ["cancelled"]
    assert page.locator("#send").is_visible()


def test_a_failure_is_told_and_can_be_tried_again(visit: Visit, stage: Stage) -> None:
    """An error in the stream is shown in words, and the same question can be asked again."""
    stage.fails = ModelUnavailable("secret inside")
    page = visit(stage.port)
    turn = ask(page, "When?")
    assert "the model is away; try again later" in turn.locator("[role=alert]").text_content()
    stage.fails = None
    turn.get_by_role("button", name="Ask again").click()
    page.locator(".turn").nth(1).locator(".statement").first.wait_for()


def test_the_whole_way_by_keyboard(visit: Visit, stage: Stage) -> None:
    """Type, insert a line break, send, tab to a marker, open it, close with Escape: the focus is never lost."""
    page = visit(stage.port)
    page.keyboard.type("When did")
    page.keyboard.press("Shift+Enter")
    page.keyboard.type("the bridge open?")
    page.keyboard.press("Enter")
    page.locator(".reply[aria-busy=false]").wait_for()
    assert stage.asked[0].question == "When did\nthe bridge open?"
    focused = "document.activeElement.className"
    for _ in range(20):
        page.keyboard.press("Shift+Tab")
        if page.evaluate(focused) == "marker":
            break
    number = page.evaluate("document.activeElement.dataset.number")
    page.keyboard.press("Enter")
    page.locator("#reader mark").wait_for()
    assert page.evaluate("document.activeElement.closest('#reader') !== null")
    page.keyboard.press("Escape")
    assert page.locator("#reader").is_hidden()
    assert page.evaluate("[document.activeElement.className, document.activeElement.dataset.number]") == [
        "marker",
        number,
    ]


def test_bounds_and_the_conversation_go_with_a_question(visit: Visit, samples: int, stage: Stage) -> None:
    """Days, outlets and the earlier turns are sent; a new conversation starts empty."""
    page = visit(stage.port)
    page.click("#filters summary")
    page.fill("#after", "2023-03-01")
    page.fill("#as_of", "2023-03-22")
    ask(page, "When did the bridge open?")
    ask(page, "What did it cost?")
    first, second = stage.asked
    assert (first.filters.after, first.filters.before, first.as_of) == ("2023-03-01", None, "2023-03-22")
    assert [(turn.role, turn.content) for turn in second.history] == [
        ("user", "When did the bridge open?"),
        ("assistant", "The bridge opened on Monday. [1] It cost 4 million euros. [2]"),
    ]
    page.click("#fresh")
    assert page.locator(".turn").count() == 0
    ask(page, "When?")
    assert stage.asked[2].history == ()
    page = visit(samples)
    page.click("#filters summary")
    page.get_by_label("Corvane Wire").check()
    turn = ask(page, "How many people were hurt on the Orrin Bridge?")
    outlets = turn.locator(".sources .about").all_text_contents()
    assert outlets
    assert all("Corvane Wire" in about for about in outlets if "article" not in about)


def test_copying_brings_the_sources_along(visit: Visit, stage: Stage) -> None:
    """The answer as plain text, with numbered sources and full URLs."""
    page = visit(stage.port, permissions=["clipboard-read", "clipboard-write"])
    stage.sentences = (OPENED,)
    turn = ask(page, "When did the bridge open?")
    turn.get_by_role("button", name="Copy with sources").click()
    turn.get_by_role("button", name="Copied").wait_for()
    assert page.evaluate("navigator.clipboard.readText()") == (
        "When did the bridge open?\n\nThe bridge opened on Monday. [1]\n\nSources\n\n"
        "[1] Bridge opens (Corvane Wire · 21 March 2023)\n    “The bridge opened on Monday.”\n"
        f"    http://127.0.0.1:{stage.port}/articles/bridge?span=0-28\n"
    )


def test_without_scripts_the_form_answers(visit: Visit, samples: int) -> None:
    """The same page answers as plain HTML, with the same filters."""
    page = visit(samples, java_script_enabled=False)
    page.fill("#q", "What will it cost to rebuild the eastern approach of the Orrin Bridge?")
    page.click("#send")
    page.locator(".answer .marker").first.click()
    assert "€46 million" in page.locator("mark").text_content()
