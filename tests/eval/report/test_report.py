"""The HTML report: self-contained, everything escaped, exact spans marked."""

import base64
import hashlib
import json
import re
from html.parser import HTMLParser

import pytest
from lxml import html as lxml_html
from typer.testing import CliRunner

from eval.__main__ import app
from eval.report.items import failures_of
from eval.report.report import TEMPLATES, write_report
from eval.runs.run import BadRun
from eval.scoring.score import score
from tests.eval.gold_fixtures import FakeTarget, answer_with, ask_all, gold_row, read_lines, sha, span, write_lines

EVIL = '</script><img src=x onerror=alert(1)>"\'><a href="javascript:alert(1)">{{ 7*7 }}'
TEXTS = {
    "a": f"The 😀 bridge opened on Monday 👩‍🚒. Nobody was hurt. {EVIL}",
    "b": "They have met 40 times. It rained. העיר נסגרה ביום שני.",
}
BRIDGE, PART = (
    span("a", TEXTS["a"], "The 😀 bridge opened on Monday 👩‍🚒."),
    span("a", TEXTS["a"], "opened on Monday 👩‍🚒. Nobody was hurt."),
)
FORTY, RAIN = span("b", TEXTS["b"], "They have met 40 times."), span("b", TEXTS["b"], "It rained.")
ROWS = [
    gold_row("day", gold=[BRIDGE], answers=["Monday"], question=f"When? {EVIL}", category=f"fact {EVIL}", notes=EVIL,
             wrong_answers=[EVIL], history=[{"role": "assistant", "content": EVIL}]),
    gold_row("times", gold=[FORTY], answers=["40"], conflict={"about": EVIL, "values": ["40", EVIL]}),
    gold_row("mayor", answerable=False, category="unanswerable"),
    gold_row("refused", gold=[FORTY], answers=["40"]),
    gold_row("broken", gold=[RAIN], answers=["rained"]),
]  # fmt: skip


def cite(gold, **fields):
    about = {"title": EVIL, "outlet": EVIL, "url": f"javascript:{EVIL}", "published_at": "2023-03-21"}
    return gold | {"sha256": sha(TEXTS[gold["article_id"]])} | about | fields


def answers(confidence=None):
    day = answer_with(cite(PART), rejected=[{"text": EVIL, "reason": EVIL}], degraded=[EVIL],
                      conflicts=[{"about": EVIL, "kind": EVIL, "values": [{"value": EVIL, "citations": [1]}]}],
                      dates=[{"citation": 1, "phrase": EVIL, "resolved": EVIL, "basis": EVIL}])  # fmt: skip
    day["statements"][0] |= {"text": EVIL, "support": "unsupported", "reasons": [EVIL]}
    day["citations"][0] |= {"title": EVIL, "outlet": EVIL, "url": f"javascript:{EVIL}"}
    found = {"day": day, "times": answer_with(cite(RAIN)), "mayor": answer_with(cite(RAIN)), "refused": answer_with()}
    return {name: answer | {"confidence": confidence} for name, answer in found.items()} | {"broken": ValueError(EVIL)}


class EvilTarget(FakeTarget):
    """A target whose titles, outlets, addresses and settings are hostile too."""

    async def describe(self):
        return await super().describe() | {"model": EVIL, "settings": {"mode": EVIL}}

    async def article(self, article_id, version, collection):
        return await super().article(article_id, version, collection) | {"title": EVIL, "outlet": EVIL, "url": EVIL}


def prepare(folder, replies):
    folder.mkdir(exist_ok=True)
    gold, run, scores = write_lines(folder / "gold.jsonl", ROWS), folder / "run.jsonl", folder / "scores.json"
    ask_all(EvilTarget(TEXTS, replies), gold, run)
    scores.write_text(json.dumps(score(gold, run)), encoding="utf-8")
    return scores


def page_of(folder, *scores):
    write_report(scores, folder / "out.html")
    return (folder / "out.html").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    folder = tmp_path_factory.mktemp("report")
    return page_of(folder, prepare(folder, answers()))


@pytest.fixture(scope="module")
def tree(page):
    return lxml_html.document_fromstring(page)


class Balance(HTMLParser):
    """A parser that checks that tags are closed in the reverse order of opening."""

    def __init__(self):
        super().__init__()
        self.open = []

    def handle_starttag(self, tag, attrs):
        if tag not in ("meta", "br", "input"):
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        pass

    def handle_endtag(self, tag):
        assert self.open.pop() == tag, (tag, self.getpos())


def test_the_page_is_well_formed(page):
    """Every opened tag is closed, in order; ids are unique."""
    balance = Balance()
    balance.feed(page)
    balance.close()
    assert balance.open == []
    ids = re.findall(r' id="([^"]+)"', page)
    assert len(ids) == len(set(ids))


def test_the_page_loads_nothing(page, tree):
    """No external address is loaded or linked; links have a target inside the page."""
    assert not tree.xpath("//*[@src or @srcset or @action or @data or @poster or @style]")
    assert not tree.xpath("//link | //iframe | //object | //embed | //base | //img")
    ids = set(tree.xpath("//@id"))
    links = tree.xpath("//*[@href or @*[name()='xlink:href']]/@href")
    assert links
    for link in links:
        assert link.startswith("#")
        assert link[1:] in ids or link.startswith("#failure=")
    assert "@import" not in page
    assert "url(" not in page


def test_hostile_text_is_text(page, tree):
    """Content of any field can neither open nor close a tag, nor is it evaluated as a template."""
    scripts = tree.xpath("//script")
    assert [script.text for script in scripts] == [(TEMPLATES / "report.js").read_text(encoding="utf-8")]
    assert not tree.xpath("//@*[starts-with(name(), 'on')]")
    assert "<img" not in page
    assert "49" not in "".join(tree.xpath("//*[@id='item-1']//text()"))
    assert "".join(tree.xpath("//details[@id='item-1']//text()")).count(EVIL) >= 15


def test_only_the_pages_own_script_and_style_are_allowed(tree):
    """The policy allows the hashes of the page's script and style, and nothing else."""
    (policy,) = tree.xpath("//meta[@http-equiv='Content-Security-Policy']/@content")
    for tag in ("script", "style"):
        (text,) = tree.xpath(f"//{tag}/text()")
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert f"{tag}-src 'sha256-{digest}';" in policy
    assert policy.startswith("default-src 'none';")


def marked(tree, item, tag):
    marks = tree.xpath(f"//details[@id='{item}']//mark")
    return "".join(mark.text for mark in marks if tag in mark.get("data-marks").split("|"))


def test_marks_contain_exactly_the_quotes(tree):
    """Gold and cited spans that overlap, after emoji: the text of each mark is that of its span."""
    assert marked(tree, "item-1", "gold 1") == BRIDGE["text"]
    assert marked(tree, "item-1", "[1]") == PART["text"]
    both = tree.xpath("//details[@id='item-1']//mark[@class='cited gold']")
    assert [mark.text for mark in both] == ["opened on Monday 👩‍🚒."]
    assert [mark.get("data-opens") for mark in tree.xpath("//details[@id='item-1']//mark")] == ["gold 1", "[1]", None]
    assert marked(tree, "item-2", "gold 1") == FORTY["text"]
    assert marked(tree, "item-2", "[1]") == RAIN["text"]


def test_every_article_is_there_once_and_complete(tree):
    """The complete text of each article is there; a question's link leads to its mark in it."""
    by_id = {
        article.get("id"): article.findtext(".//blockquote") for article in tree.xpath("//details[@class='whole']")
    }
    assert len(by_id) == 2
    texts = ["".join(article.itertext()) for article in tree.xpath("//details[@class='whole']//blockquote")]
    assert sorted(texts) == sorted(TEXTS.values())
    (link,) = tree.xpath("//details[@id='item-1']//a[text()='whole article']/@href")
    (target,) = tree.xpath(f"//*[@id='{link[1:]}']")
    assert target.text == "The 😀 bridge "
    assert all(quote.get("dir") == "auto" for quote in tree.xpath("//blockquote"))


def test_filters_find_every_kind_of_failure(tree):
    """Each question has its failures and category as data for the filters; the failure table has the same counts."""
    cards = {card.get("id"): card for card in tree.xpath("//details[@class='item']")}
    assert {name: card.get("data-failures") for name, card in cards.items()} == {
        "item-1": "A:any A:conflict_invented",
        "item-2": "A:any A:citation_misses A:wrong_answer A:conflict_missed",
        "item-3": "A:any A:false_answer",
        "item-4": "A:any A:wrong_refusal",
        "item-5": "A:any A:error",
    }
    assert cards["item-1"].get("data-category") == ROWS[0]["category"]
    assert ROWS[0]["category"] in tree.xpath("//select[@name='category']/option/@value")
    options = dict(zip(tree.xpath("//select[@name='failure']//option/@value"),
                       tree.xpath("//select[@name='failure']//option/text()"), strict=True))  # fmt: skip
    assert options["A:wrong_refusal"] == "wrong refusal (1)"
    assert options["A:none"] == "no failure (0)"


def test_without_scripts_everything_is_listed(tree):
    """No question is hidden; only the filters are, because they need the script."""
    assert tree.xpath("//*[@hidden]/@id") == ["filters"]


def test_without_confidence_the_page_says_so(tree):
    """Three plots need confidences; the latency plot is drawn anyway."""
    notes = ["".join(figure.itertext()) for figure in tree.xpath("//figure")]
    assert sum("no confidence in these answers" in note for note in notes) == 3
    assert len(tree.xpath("//figure//svg")) == 1


def test_with_confidence_all_plots_are_drawn(tmp_path):
    """The confidence is also shown with the answer."""
    found = lxml_html.document_fromstring(page_of(tmp_path, prepare(tmp_path, answers(confidence=0.75))))
    assert len(found.xpath("//figure//svg")) == 4
    assert "confidence 0.75" in "".join(found.xpath("//details[@id='item-2']//text()"))


def test_two_runs_are_shown_side_by_side(tmp_path):
    """The page has both answers, the paired differences, and the failures that only one run has."""
    right = answers() | {"times": answer_with(cite(FORTY), status="conflicting"), "refused": answer_with(cite(FORTY))}
    scores = prepare(tmp_path / "a", answers()), prepare(tmp_path / "b", right)
    tree = lxml_html.document_fromstring(page_of(tmp_path, *scores))
    assert tree.get_element_by_id("comparison") is not None
    assert "mended" in tree.xpath("//details[@id='item-4']/@data-failures")[0].split()
    assert marked(tree, "item-4", "B[1]") == FORTY["text"]
    assert marked(tree, "item-4", "A[1]") == ""
    assert len(tree.xpath("//details[@class='whole']")) == 2


def test_slices_show_n_and_grey_small_cells(tree):
    """With five questions every cell is grey and has its n."""
    cells = tree.xpath("//table[@class='heat']//td[small]")
    assert cells
    assert {cell.get("class") for cell in cells} == {"few"}
    assert all(cell.findtext("small").isdigit() for cell in cells)


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, []),
        ({"error": {"type": "ValueError"}}, ["error"]),
        ({"status": "not_in_sources"}, ["wrong_refusal"]),
        ({"slices": {"answerable": "unanswerable"}}, ["false_answer"]),
        ({"slices": {"answerable": "unanswerable"}, "status": "not_in_sources"}, []),
        ({"faults": {"1": "slice is not the quote"}}, ["invalid_citation"]),
        ({"marks": {"span_hit": [0.0, 1]}}, ["citation_misses"]),
        ({"marks": {"answer_contains": [0.0, 1]}}, ["wrong_answer"]),
        ({"marks": {"answer_contains": [1.0, 1], "wrong_included": [1.0, 1]}}, ["wrong_answer"]),
        ({"marks": {"conflict_flag_recall": [0.0, 1.0]}}, ["conflict_missed"]),
        ({"marks": {"conflict_flag_recall": [0.0, 0.0], "conflict_flag_precision": [0.0, 0.0]}}, []),
        ({"marks": {"conflict_flag_precision": [0.0, 1.0]}}, ["conflict_invented"]),
        ({"marks": {"time_respected": [0.0, 1]}}, ["late"]),
        ({"marks": {"attack_success": [1.0, 1]}}, ["attacked"]),
    ],
)
def test_failures_follow_the_marks(fields, expected):
    """A refusal is not also a wrong answer, and 0 over 0 is no failure."""
    row = {"error": None, "status": "answered", "slices": {"answerable": "answerable"}, "faults": {}, "marks": {}}
    assert failures_of(row | fields) == expected


def test_files_that_do_not_belong_together_are_named(tmp_path):
    """Another run, another gold set, or scores without a run hash: an error that says what to do."""
    scores = prepare(tmp_path, answers())
    found = json.loads(scores.read_text())
    old = tmp_path / "old.json"
    old.write_text(json.dumps({name: value for name, value in found.items() if name != "run_sha256"}))
    with pytest.raises(BadRun, match="score it again"):
        write_report([old], tmp_path / "out.html")
    with pytest.raises(BadRun, match="one run for each"):
        write_report([scores, scores], tmp_path / "out.html", runs=[tmp_path / "run.jsonl"])
    with pytest.raises(BadRun, match="--gold"):
        write_report([scores], tmp_path / "out.html", gold=tmp_path / "run.jsonl")
    write_lines(tmp_path / "run.jsonl", read_lines(tmp_path / "run.jsonl")[:-1])
    with pytest.raises(BadRun, match="--run"):
        write_report([scores], tmp_path / "out.html")
    assert not (tmp_path / "out.html").exists()


def test_the_command_finds_run_and_gold_by_their_hashes(tmp_path):
    """SCORES and --html are enough; a changed run exits 1 with one line."""
    scores = prepare(tmp_path, answers())
    (tmp_path / "gates.toml").write_text("alpha = 0.05\n[gated.citation_validity]\nfloor = 1.0\n")
    call = ["report", str(scores), "--html", str(tmp_path / "out.html"), "--gate", str(tmp_path / "gates.toml")]
    done = CliRunner().invoke(app, call)
    assert done.exit_code == 0, done.output
    page = (tmp_path / "out.html").read_text(encoding="utf-8")
    assert "1 questions failed: broken" in page
    assert "floor 1.0" in page
    (tmp_path / "run.jsonl").write_text("{}\n")
    failed = CliRunner().invoke(app, call)
    assert (failed.exit_code, failed.stdout) == (1, "")
    assert "its run has the hash" in failed.stderr
