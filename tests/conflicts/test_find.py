"""Conflicts between articles, and differences that are none."""

import pytest

from qa.conflicts import claims
from qa.conflicts.find import Disagreement, find
from qa.query.analysis import analyse
from qa.retrieval.sentence_ranker import Features, Ranked
from qa.types import Evidence, Source, Span

HURT = "How many people were injured in the Orrin Bridge collapse?"


def claim(text: str, outlet: str = "Wire", day: str | None = "2026-03-03", article: str | None = None) -> Evidence:
    """Return a sentence of an outlet's article of a day."""
    source = Source(article or f"{outlet}-{day}", 1, "0" * 64, None, outlet, None, day)
    return Evidence(source, Span(0, len(text)), text, 1.0, text)


def disagreements(question: str, *evidence: Evidence, named: float = 1.0, loose: float = 0.0) -> list[Disagreement]:
    """Return what is found when all sentences answer equally well."""
    features = Features(1.0, 1.0, 1.0, 1.0, named, 1.0, 1.0, 0.0, loose)
    return find(analyse(question), Ranked(evidence, tuple(features for _ in evidence)))


def sides(found: list[Disagreement]) -> list[set[str]]:
    return [{side.value for side in disagreement.sides} for disagreement in found]


def test_values_are_aligned_by_what_they_are_about():
    """Injured, hurt and injuring mean the same; the age of the bridge and the vehicles are other values."""
    found = disagreements(
        HURT,
        claim("The Orrin Bridge collapsed on Tuesday, injuring at least 14 people and cutting a road.", "Wire"),
        claim("Seventeen people were hurt when part of the Orrin Bridge collapsed.", "Observer"),
        claim("Twenty people were injured, three of them badly, and 11 vehicles fell.", "Feed"),
        claim("The 58-year-old Orrin Bridge carried 31,000 vehicles a day before the collapse.", "Ledger"),
    )
    assert sides(found) == [{"14", "Seventeen", "Twenty"}]
    assert found[0].kind == "contradiction"
    assert found[0].about == "number: people were injured in the Orrin Bridge collapse"


def test_agreement_is_no_conflict():
    """One value written in several forms is one value."""
    same = [claim("The firm will create 1,400 jobs."), claim("It will create fourteen hundred jobs.", "Post")]
    assert disagreements("How many jobs will the firm create?", *same) == []


def test_one_article_alone_is_never_at_odds():
    """An article that gives several numbers does not contradict itself."""
    same_article = [claim("Killed were 12 people.", article="a"), claim("Killed were 40 people, later.", article="a")]
    assert disagreements("How many people were killed?", *same_article) == []


def test_two_figures_that_two_outlets_share_are_two_things():
    """Both say 12 killed and 40 injured: a count of killed is never compared with a count of injured."""
    found = disagreements(
        "How many people were injured?",
        claim("The blast killed 12 people and injured 40 people.", "Wire"),
        claim("It injured 40 people and killed 12 people.", "Post"),
    )
    assert found == []


def test_a_series_in_one_sentence_is_no_conflict():
    """ "From 187 to 243" claims 243."""
    found = disagreements(
        "How many people were confirmed ill?",
        claim("The number of people confirmed ill rose from 187 to 243.", "Wire"),
        claim("There were 243 people confirmed ill.", "Post"),
    )
    assert found == []


def test_an_outlet_that_changes_its_own_figure_updates_it():
    """The later article of an outlet supersedes its earlier one."""
    found = disagreements(
        HURT,
        claim("At least 14 people were injured in the collapse.", "Wire", "2026-03-03"),
        claim("The number of people injured in the collapse was raised to 19.", "Wire", "2026-03-10"),
    )
    assert [disagreement.kind for disagreement in found] == ["update"]
    assert sides(found) == [{"14", "19"}]


def test_a_text_that_says_it_was_reported_before_updates_it():
    """ "The paper reported in February 1,150" is the earlier figure, the other one the current."""
    found = disagreements(
        "How many people will the plant employ?",
        claim("The plant will now employ 1,050 people.", "Ledger", "2026-05-20", "b"),
        claim("The Ledger reported in February that the plant would employ 1,150 people.", "Ledger", "2026-05-20", "b"),
    )
    assert [disagreement.kind for disagreement in found] == ["update"]


def test_a_figure_that_grows_from_day_to_day_is_an_update():
    """ "187 so far" and 243 two weeks later is one count at two times; on one day it is a contradiction."""
    early = claim("187 people were confirmed ill so far.", "Wire", "2026-05-12")
    late = claim("243 people were confirmed ill.", "Post", "2026-05-26")
    same_day = claim("243 people were confirmed ill.", "Post", "2026-05-12")
    question = "How many people were confirmed ill?"
    assert [disagreement.kind for disagreement in disagreements(question, early, late)] == ["update"]
    assert [disagreement.kind for disagreement in disagreements(question, early, same_day)] == ["contradiction"]


def test_a_reprint_counts_once():
    """The same sentence in two outlets counts as one source."""
    found = disagreements(
        "How many coins were in the wreck?",
        claim("Divers brought up 2,300 silver coins from the wreck this week.", "Wire"),
        claim("Divers brought up 2,300 silver coins from the wreck.", "Post"),
        claim("The wreck held 3,200 silver coins.", "Observer"),
    )
    assert sides(found) == [{"2,300", "3,200"}]
    assert [len(side.evidence) for side in found[0].sides] == [1, 1]


def test_what_is_far_larger_or_far_older_is_another_thing():
    """Five times as much, or half a year apart, is not one fact stated differently."""
    question = "How much will the bridge cost?"
    cost = claim("The bridge will cost €46 million.", "Wire", "2026-03-12")
    assert disagreements(question, cost, claim("The bridge will cost €900 million.", "Post", "2026-03-12")) == []
    assert disagreements(question, cost, claim("The bridge will cost €38 million.", "Post", "2025-03-12")) == []
    assert len(disagreements(question, cost, claim("The bridge will cost €38 million.", "Post", "2026-03-20"))) == 1


def test_a_rate_is_no_total():
    """A sum per year is not compared with a total."""
    found = disagreements(
        "How much will the bridge cost?",
        claim("The bridge will cost €4.1 million a year.", "Wire"),
        claim("The bridge will cost €9 million.", "Post"),
    )
    assert found == []


def test_depth_is_not_length():
    """Both are metres; the question asks for one of them."""
    found = disagreements(
        "How deep does the wreck lie?",
        claim("The wreck lies at a depth of 31 metres.", "Wire"),
        claim("The wreck is 34 metres long.", "Post"),
        claim("The wreck lies 24 metres down.", "Feed"),
    )
    assert sides(found) == [{"31 metres", "24 metres"}]


def test_the_day_of_saying_is_not_the_day_of_doing():
    """ "Said on Tuesday" and a dateline date the report."""
    found = disagreements(
        "When will production start?",
        claim("KESTERHOLM, Feb 12 (Wire) - Production will start in autumn 2027.", "Wire"),
        claim("The firm said on Tuesday that production would start in October 2027.", "Post"),
    )
    assert found == []


def test_time_and_day_of_one_event_are_one_disagreement():
    """ "6 p.m. on Saturday" against "noon yesterday" is one disagreement, with day and time on each side."""
    found = disagreements(
        "When was the notice issued?",
        claim("The notice was issued at 6 p.m. on Saturday.", "Wire", "2026-05-12"),
        claim("The firm issued the notice at noon yesterday.", "Feed", "2026-05-11"),
    )
    assert sides(found) == [{"6 p.m. on Saturday", "noon yesterday"}]


def test_a_post_that_is_stated_differently():
    """A deputy is not the director; the spelling of the name may differ."""
    found = disagreements(
        "What is Marit Solvang's post at the authority?",
        claim("Marit Solvang, director of the Estrey Roads Authority, said so.", "Wire"),
        claim("Ask Marit Sollvang, the deputy director of the authority, tomorrow.", "Post"),
        claim("Its director, Marit Solvang, faces questions.", "Ledger"),
    )
    assert sides(found) == [{"director", "deputy director"}]


def test_holders_of_two_bodies_are_no_conflict():
    """The director of public health and the authority's director are two posts."""
    found = disagreements(
        "Who is the director of public health?",
        claim("Samira Haddad, the director of public health, said so.", "Wire"),
        claim("Marit Solvang, the authority's director, said so.", "Post"),
    )
    assert found == []


def test_two_names_in_one_post_are_a_conflict():
    """Two names for the head of one body cannot both be right."""
    found = disagreements(
        "Who is the director of the museum?",
        claim("Ilse Brand, the director of the museum, spoke.", "Wire"),
        claim("The museum's director, Jana Holt, spoke.", "Post"),
    )
    assert sides(found) == [{"Ilse Brand", "Jana Holt"}]


@pytest.mark.parametrize("question", ["Why did the bridge fall?", "Who pushed for 14 changes?", "😱", "船は?"])
def test_a_question_for_no_value_has_no_conflict(question):
    """If the question asks for no value, numbers in the sentences are not compared."""
    assert disagreements(question, claim("14 people were hurt."), claim("17 people were hurt.", "Post")) == []


def test_headlines_and_other_stories_take_no_part():
    """A headline is not a statement, and an article without the question's names is another story."""
    both = [
        claim("14 people were injured in the collapse."),
        claim("17 people were injured in the collapse.", "Post"),
    ]
    assert disagreements(HURT, *both, loose=1.0) == []
    assert disagreements(HURT, *both, named=0.5) == []
    assert len(disagreements(HURT, *both)) == 1


def test_nothing_found_is_nothing_at_odds():
    """Without evidence there is no conflict."""
    assert find(analyse(HURT), Ranked((), ())) == []


@pytest.mark.parametrize(
    ("first", "second"),
    [("Émile Roux", "Ásgeir Jón"), ("E\u0301mile Roux", "A\u0301sgeir Jo\u0301n"), ("Đặng Ân", "İbrahim Şahin")],
)
def test_who_holds_a_post_is_read_in_any_alphabet(first: str, second: str) -> None:
    """Two people in one post are distinguished, whatever letters their names begin with."""
    found = disagreements(
        "Who is the director of the museum?",
        claim(f"{first}, the director of the museum, opened it.", "Wire"),
        claim(f"{second}, the director of the museum, opened it.", "Post", article="b"),
    )
    assert sides(found) == [{first, second}]


def test_a_dateline_in_any_alphabet_dates_the_report() -> None:
    """The day before an agency's name is not that of what is reported, in Munich as in London."""
    for city in ("LONDON", "MÜNCHEN", "MU\u0308NCHEN", "ŁÓDŹ"):
        assert claims._DATELINE.match(f"{city}, May 26 (dpa) - It fell.")
