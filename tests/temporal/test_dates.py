from datetime import UTC, date, datetime

import pytest

from qa.errors import BadArticle
from qa.temporal.dates import day, match_day, ordinal, parse_published


@pytest.mark.parametrize(
    ("value", "normal"),
    [
        ("2023-03-21", "2023-03-21"),
        (" 2023/03/21\n", "2023-03-21"),
        ("20230321", "2023-03-21"),
        ("2023-03-21T10:15:30Z", "2023-03-21T10:15:30+00:00"),
        ("2023-03-21T10:15:30.123456+0530", "2023-03-21T10:15:30+05:30"),
        ("2023-03-21 10:15", "2023-03-21T10:15:00+00:00"),
        ("20230321T101530Z", "2023-03-21T10:15:30+00:00"),
        ("2023-03-21T23:30:00-05", "2023-03-21T23:30:00-05:00"),
        ("Tue, 21 Mar 2023 10:15:30 GMT", "2023-03-21T10:15:30+00:00"),
        ("21 Mar 2023 10:15 -0400", "2023-03-21T10:15:00-04:00"),
        ("Tue, 21 Mar 2023 10:15:30 EDT", "2023-03-21T10:15:30-04:00"),
        ("March 21, 2023", "2023-03-21"),
        ("Mar. 21, 2023", "2023-03-21"),
        ("21 Mar 2023", "2023-03-21"),
        ("Tuesday 21st March 2023", "2023-03-21"),
        ("March 21, 2023 at 4:05 p.m. UTC", "2023-03-21T16:05:00+00:00"),
        ("March 21, 2023, 12:05 am", "2023-03-21T00:05:00+00:00"),
        (1679393730, "2023-03-21T10:15:30+00:00"),
        (1679393730000, "2023-03-21T10:15:30+00:00"),
        (1679393730.75, "2023-03-21T10:15:30+00:00"),
        (date(2023, 3, 21), "2023-03-21"),
        (datetime(2023, 3, 21, 10, 15, tzinfo=UTC), "2023-03-21T10:15:00+00:00"),
    ],
)
def test_accepted_forms(value: object, normal: str) -> None:
    """Every accepted form has one normal form, which is a fixed point."""
    assert parse_published(value) == normal
    assert parse_published(normal) == normal


def test_zone_of_many_meanings_leaves_the_day() -> None:
    """A zone name that stands for more than one offset leaves only the day."""
    assert parse_published("March 21, 2023 11:05 pm ET") == "2023-03-21"


@pytest.mark.parametrize(
    "value",
    [
        "2026-02-30",
        "0000-01-01",
        "9999-01-01",
        "",
        "   ",
        "03/04/2023",
        "21.03.2023",
        "yesterday",
        "today",
        "2023",
        "2023-03",
        "2023-3-21",
        "2023-03/21",
        "２０２３-03-21",
        "2023-03-21T10:15:00+15:00",
        "2023-03-21T10:15:00-12:30",
        "2023-03-21T10:15:00+05:75",
        "2023-03-21T24:30",
        "2023-03-21T10:61",
        "March 21, 2023 13:05 pm",
        "Smarch 21, 2023",
        "on March 21, 2023",
        "March 21, 2023 " + "x" * 1_000_000,
        True,
        0,
        12345,
        10**30,
        -1679393730,
        float("nan"),
        float("inf"),
        [],
        {"date": "2023-03-21"},
        None,
    ],
)
def test_refused_forms(value: object) -> None:
    """What is impossible, ambiguous or relative is refused, and the message names the field and the value."""
    with pytest.raises(BadArticle) as caught:
        parse_published(value)
    assert caught.value.param == "published_at"
    assert repr(value)[:80] in str(caught.value)
    assert len(str(caught.value)) < 250


def test_a_number_too_large_to_write_is_refused() -> None:
    """A number with more digits than Python writes out is refused like any other."""
    with pytest.raises(BadArticle, match="number too large"):
        parse_published(10**5000)


def test_match_day_reads_the_start_only() -> None:
    """A date is read at the start of a text, even when a number is glued to its year, and nowhere else."""
    assert match_day("Mar 21, 2023164 Shares") == ("2023-03-21", 12)
    assert match_day("21 March 2023 | 3 min read") == ("2023-03-21", 13)
    assert match_day("2023-03-21 10:15") == ("2023-03-21", 10)
    assert match_day("On Mar 21, 2023") is None
    assert match_day("Feb 30, 2023") is None
    assert match_day("") is None


def test_day_and_ordinal() -> None:
    """The day is the local one as written, and days are counted from 1970-01-01."""
    assert day("2023-03-21T23:30:00-05:00") == "2023-03-21"
    assert ordinal("1970-01-01") == 0
    assert ordinal("1969-12-31") == -1
    assert ordinal("2023-03-21T23:30:00-05:00") == 19437
    for bad in ("", "2023-02-30", "21 March 2023"):
        with pytest.raises(BadArticle):
            day(bad)
