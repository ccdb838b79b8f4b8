"""The time that a question names, worked out by hand with a calendar."""

import json
from datetime import date

import pytest

from qa.query.time_window import window
from tests import ROOT

# question, asked on, first day, last day ("" where it names no time)
CASES = [
    # one day
    ("What happened on 2023-03-22?", "2023-06-01", "2023-03-22", "2023-03-22"),
    ("What happened on 5 March 2021?", "2023-06-01", "2021-03-05", "2021-03-05"),
    ("What happened on the 5th of March, 2021?", "2023-06-01", "2021-03-05", "2021-03-05"),
    ("What happened on March 5th, 2021?", "2023-06-01", "2021-03-05", "2021-03-05"),
    ("What happened on Sept. 11, 2001?", "2023-06-01", "2001-09-11", "2001-09-11"),
    ("Who won on May 20?", "2023-06-01", "2023-05-20", "2023-05-20"),
    ("Who won on 20 December?", "2023-06-01", "2022-12-20", "2022-12-20"),
    ("Who won on the 5th of March?", "2023-06-01", "2023-03-05", "2023-03-05"),
    ("Who won on Monday, March 20?", "2023-06-01", "2023-03-20", "2023-03-20"),
    ("Who won on Wednesday 5 April?", "2023-06-01", "2023-04-05", "2023-04-05"),
    # leap days and days that never were
    ("Who was born on 29 February 2020?", "2023-06-01", "2020-02-29", "2020-02-29"),
    ("Who was born on 29 February 2021?", "2023-06-01", "", ""),
    ("Who was born on February 29?", "2024-03-10", "2024-02-29", "2024-02-29"),
    ("Who was born on February 29?", "2023-03-10", "", ""),
    ("Who was born on 2023-02-30?", "2023-06-01", "", ""),
    ("Who was born on 31 April 2022?", "2023-06-01", "", ""),
    # months: the last one that has begun
    ("What was decided in February?", "2024-06-01", "2024-02-01", "2024-02-29"),
    ("What was decided in February?", "2023-06-01", "2023-02-01", "2023-02-28"),
    ("What was decided in December?", "2023-01-31", "2022-12-01", "2022-12-31"),
    ("What was decided in June?", "2023-06-01", "2023-06-01", "2023-06-30"),
    ("What was decided in Dec. 2021?", "2023-06-01", "2021-12-01", "2021-12-31"),
    ("What was the result of April's election?", "2023-06-01", "2023-04-01", "2023-04-30"),
    ("What was decided last March?", "2023-03-15", "2022-03-01", "2022-03-31"),
    ("What was decided last March?", "2023-04-15", "2023-03-01", "2023-03-31"),
    ("What has changed since March?", "2023-06-05", "2023-03-01", "2023-06-05"),
    # "may" and "march" are verbs, "Mar" begins a name
    ("What may the court decide?", "2023-06-01", "", ""),
    ("Who said this may be the end?", "2023-06-01", "", ""),
    ("May the king resign?", "2023-06-01", "", ""),
    ("How many came to this march?", "2023-06-01", "", ""),
    ("What happened in May?", "2023-06-01", "2023-05-01", "2023-05-31"),
    ("What was found in Mar-a-Lago?", "2023-06-01", "", ""),
    ("Who lives in Marseille?", "2023-06-01", "", ""),
    # years
    ("Who won in 2019?", "2023-06-01", "2019-01-01", "2019-12-31"),
    ("How many have left since 2019?", "2023-06-01", "2019-01-01", "2023-06-01"),
    ("What was built in the 1990s?", "2023-06-01", "1990-01-01", "1999-12-31"),
    ("Did 2000 people come?", "2023-06-01", "", ""),
    # weeks begin on Monday; 2023-03-20 is one, 2023-03-19 a Sunday
    ("What happened last week?", "2023-03-20", "2023-03-13", "2023-03-19"),
    ("What happened last week?", "2023-03-19", "2023-03-06", "2023-03-12"),
    ("What happened this week?", "2023-03-20", "2023-03-20", "2023-03-20"),
    ("What happened this week?", "2023-03-19", "2023-03-13", "2023-03-19"),
    ("What happened in the past week?", "2023-03-20", "2023-03-13", "2023-03-20"),
    # relative months, years and days, over their borders
    ("What happened last month?", "2023-03-31", "2023-02-01", "2023-02-28"),
    ("What happened last month?", "2024-03-31", "2024-02-01", "2024-02-29"),
    ("What happened last month?", "2023-01-01", "2022-12-01", "2022-12-31"),
    ("What happened this month?", "2023-03-31", "2023-03-01", "2023-03-31"),
    ("What happened last year?", "2024-02-29", "2023-01-01", "2023-12-31"),
    ("What happened this year?", "2023-01-01", "2023-01-01", "2023-01-01"),
    ("What happened in the past year?", "2023-06-01", "2022-05-31", "2023-06-01"),
    ("What happened yesterday?", "2024-03-01", "2024-02-29", "2024-02-29"),
    ("What happened yesterday?", "2023-01-01", "2022-12-31", "2022-12-31"),
    ("What happened TODAY?", "2023-01-01", "2023-01-01", "2023-01-01"),
    # weekdays: the last one, today included, but not when "last" is said; never the coming one
    ("Who spoke on Monday?", "2023-03-20", "2023-03-20", "2023-03-20"),
    ("Who spoke on Tuesday?", "2023-03-20", "2023-03-14", "2023-03-14"),
    ("Who spoke last Monday?", "2023-03-20", "2023-03-13", "2023-03-13"),
    ("Who spoke at Sunday's rally?", "2023-03-20", "2023-03-19", "2023-03-19"),
    ("Who plays next Monday?", "2023-03-22", "", ""),
    # names that hold a weekday are no days
    ("Who signed the Good Friday Agreement?", "2023-06-01", "", ""),
    ("Why is Monday.com down?", "2023-06-01", "", ""),
    ("What did the Sunday Times report on Tuesday?", "2023-06-01", "2023-05-30", "2023-05-30"),
    # phrases that articles use too; what lies ahead is cut off, for nothing can have been written then
    ("What happened last weekend?", "2023-06-07", "2023-06-03", "2023-06-04"),
    ("Who spoke last night?", "2023-06-07", "2023-06-06", "2023-06-06"),
    ("Who died two weeks ago?", "2023-06-07", "2023-05-24", "2023-05-24"),
    ("What was announced last summer?", "2023-06-07", "2022-06-01", "2022-08-31"),
    ("What changed in the past three days?", "2023-06-07", "2023-06-04", "2023-06-07"),
    ("Who was dismissed earlier this month?", "2023-06-07", "2023-06-01", "2023-06-07"),
    ("How hot is this summer?", "2023-06-07", "2023-06-01", "2023-06-07"),
    ("What opens next week?", "2023-06-07", "", ""),
    ("What opens tomorrow?", "2023-06-07", "", ""),
    # the most precise wins
    ("What happened on Monday, 6 March 2023, last year?", "2024-06-01", "2023-03-06", "2023-03-06"),
    # no time at all, and no day before the first of all days
    ("Who is the mayor?", "2023-06-01", "", ""),
    ("", "2023-06-01", "", ""),
    ("What happened yesterday?", "0001-01-01", "", ""),
    # before, after, between
    ("Who resigned after 2023-03-22?", "2023-06-01", "2023-03-23", "2023-06-01"),
    ("Who resigned after May 2024?", "2023-06-01", "", ""),
    ("What was built until 2019?", "2023-06-01", "0001-01-01", "2019-12-31"),
    ("What was built before the 5th of March 2021?", "2023-06-01", "0001-01-01", "2021-03-04"),
    ("What was built since March 2021?", "2023-06-01", "2021-03-01", "2023-06-01"),
    ("What was built between November and May 2023?", "2023-06-01", "2022-11-01", "2023-05-31"),
    ("What was built between May 2019 and June 2021?", "2023-06-01", "2019-05-01", "2021-06-30"),
    ("What was built before year 1?", "2023-06-01", "", ""),
    ("What happened on Sunday?", "0001-01-01", "", ""),
    ("What happened last year?", "0001-06-01", "", ""),
    ("What happened in the past year?", "0001-06-01", "", ""),
    ("大桥什么时候开通？", "2023-06-01", "", ""),
    ("What happened on 2023-03-2２?", "2023-06-01", "", ""),
]


@pytest.mark.parametrize(("question", "asked_on", "first", "last"), CASES)
def test_the_window_is_that_of_the_calendar(question: str, asked_on: str, first: str, last: str) -> None:
    """Each row was worked out by hand."""
    expected = (date.fromisoformat(first), date.fromisoformat(last)) if first else None
    assert window(question, date.fromisoformat(asked_on)) == expected


LABELLED = ROOT / "tests/data/timewords.jsonl"


def test_the_labelled_questions_keep_their_accuracy() -> None:
    """Twenty questions, labelled before the rules for "before", "between" and quarters were there: docs/time.md."""
    rows = [json.loads(line) for line in LABELLED.read_text(encoding="utf-8").splitlines()]
    wrong = []
    for row in rows:
        found = window(row["question"], date.fromisoformat(row["as_of"]))
        if (found and [day.isoformat() for day in found]) != row["expected"]:
            wrong.append(row["question"])
    assert len(rows) == 20
    assert wrong == []
