"""Values in sentences, and when two of them agree."""

import pytest

from qa.conflicts.values import Value, agree, find_values


def only(sentence: str, published: str | None = "2026-03-12") -> Value:
    found = find_values(sentence, published)
    assert len(found) == 1, found
    return found[0]


def shown(sentence: str, published: str | None = "2026-03-12") -> list[tuple[str, str]]:
    return [(value.measure, sentence[value.start : value.end]) for value in find_values(sentence, published)]


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ("1,400 jobs", "1 400 jobs"),
        ("1,400 jobs", "1\u202f400 jobs"),
        ("1,400 jobs", "fourteen hundred jobs"),
        ("212 cases", "two hundred and twelve cases"),
        ("€46m", "46 million euros"),
        ("€46 million", "€46m"),
        ("€46 million", "€46.3 million"),
        ("€5b", "€5 billion"),
        ("€5bln", "€5bn"),
        ("€5t", "€5 trillion"),
        ("€5trn", "five trillion euros"),
        ("5 mıllıon euros", "5 MİLLİON EUROS"),
        ("3 ınches", "3 INCHES"),
        ("31 metres", "3100 cms"),
        ("5 rubles", "5 roubles"),
        ("5 bucks", "$5"),
        ("7.42am", "7:42"),
        ("7:42 a.m.", "7:42"),
        ("12 p.m.", "noon"),
        ("about 5,000 people", "5,012 people"),
        ("more than 1,000 people", "1,050 people"),
        ("up to 20,000 people", "10,000 people"),
        ("40 per cent", "40%"),
        ("two hours", "120 minutes"),
        ("six weeks", "45 days"),
        ("31 metres", "0.031 km"),
        ("9 May 2026", "May 9, 2026"),
        ("in March 2028", "the first quarter of 2028"),
    ],
)
def test_one_value_in_two_forms_agrees(a, b):
    """Separators, words, scales, currencies, clocks, rounding and bounds are forms, not values."""
    first, other = only(a), only(b)
    assert first.comparable(other)
    assert agree(first, other)
    assert agree(other, first)


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ("14 people", "17 people"),
        ("about 20 people", "13 people"),
        ("19 people", "20 people"),
        ("5,200 people", "4,300 people"),
        ("at least 14 people", "20 people"),
        ("more than 1,000 people", "1,400 people"),
        ("at least two minutes", "one minute"),
        ("€46 million", "€38 million"),
        ("7:42", "7:28"),
        ("7:42 a.m.", "7:42 p.m."),
        ("31 metres", "24 metres"),
        ("autumn of 2027", "the first quarter of 2028"),
        ("on Saturday", "yesterday"),
    ],
)
def test_two_values_do_not_agree(a, b):
    """A difference that neither rounding nor a bound explains stays one."""
    first, other = only(a), only(b)
    assert first.comparable(other)
    assert not agree(first, other)
    assert not agree(other, first)


@pytest.mark.parametrize(("a", "b"), [("€5", "$5"), ("5 metres", "5 tonnes"), ("5 people", "5 days"), ("5%", "5 jobs")])
def test_only_like_is_compared_with_like(a, b):
    """Values of another currency, unit or measure are not comparable, whatever the number."""
    assert not only(a).comparable(only(b))


def test_a_number_that_names_something_is_no_value():
    """Bus numbers, piers, pins and Super Bowls are not counted, nor are parts of what was counted."""
    assert shown("The number 14 bus had 23 passengers.") == [("count", "23")]
    assert shown("It struck pier seven and pin E4.") == []
    assert shown("They went on to Super Bowl 45 that winter.") == []
    assert shown("Seventeen people were hurt, three of them badly.") == [("count", "Seventeen")]
    assert shown("In the tank were the coins, 3,200 of them, fused.") == [("count", "3,200")]
    assert shown("No one knew which one it was.") == []


def test_a_sum_in_brackets_is_the_same_in_another_currency():
    """One sum, named twice, is one value."""
    assert shown("It costs 720 million euros ($850 million) in all.") == [("money", "720 million euros")]


def test_what_is_compared_with_is_marked():
    """In a series inside one sentence only the newest figure is what the sentence claims."""
    assert [(value.low, value.former) for value in find_values("Cases rose from 187 to 243.")] == [
        (187, True),
        (243, False),
    ]
    assert [value.former for value in find_values("Queues fell to 40 minutes, 90 minutes a week earlier.")] == [
        False,
        True,
    ]


def test_days_are_read_against_the_day_of_publication():
    """A weekday is the last one, "next" the one to come, and none where the article has no date."""
    assert only("It fell on Tuesday.", "2026-03-12").low == only("It fell on 10 March 2026.").low
    assert only("It starts next Monday.", "2026-03-12").low == only("16 March 2026").low
    assert only("It was so in November.", "2026-03-12").low == only("1 November 2025").low
    assert find_values("It fell on Tuesday.", None) == []
    assert find_values("It fell on 31 June 2026.", "2026-03-12") == []


def test_years_stand_as_dates_and_never_as_counts():
    """ "In 1968" is a year; "1968 people" counts."""
    assert [value.measure for value in find_values("It opened in 1968.")] == ["date"]
    assert [value.measure for value in find_values("It cost 1,968 people their jobs.")] == ["count"]


@pytest.mark.parametrize(
    "odd", ["👩‍🔬🤿 14 people 😱", "14\r\npeople", "le\u0301 14 people", "船に14人", "14 people 14 people"]
)
def test_offsets_are_code_points_of_the_sentence(odd):
    """Emoji, CRLF, combining marks, CJK and repeats: the span of a value is that of its number."""
    found = find_values(odd, None)
    assert all(odd[value.start : value.end] == "14" for value in found)
    assert len(found) == odd.count("14 people") + odd.count("14\r")


def test_a_number_may_name_a_thing_in_any_alphabet() -> None:
    """ "Étape 6" is named by its number as "Week 6" is."""
    for named in ("in Week 6", "in Étape 6", "in E\u0301tape 6"):
        assert find_values(f"He won {named} of the tour.") == []
