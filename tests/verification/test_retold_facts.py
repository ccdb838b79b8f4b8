"""Numbers, dates, units and names of true sentences as models write them.

Each kind is next to the falsehoods that look like it. All news is made up.
"""

import pytest

from tests.verification.statements import assert_refused, assert_shown, assert_supported, evidence, verdict

# -- openers -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("statement", "cited"),
    [
        ("Yes, the ferry runs on Sundays.", "The ferry runs on Sundays, the harbour office said."),
        ("No, the ferry does not run on Sundays.", "The ferry does not run on Sundays."),
        ("Yes. The ferry runs on Sundays.", "The ferry runs on Sundays, the harbour office said."),
        ("Divers, however, found the anchor on Monday.", "Divers found the anchor on Monday near Tarn."),
        ("However, divers found the anchor on Monday.", "Divers found the anchor on Monday near Tarn."),
        ("- **Cost:** The hall cost 4 million euros.", "The hall cost 4 million euros, the town said."),
        ("2. The hall opened in May.", "The hall opened in May after a delay."),
        ("* The hall opened in May.", "The hall opened in May after a delay."),
        ("In short, the hall opened in May.", "The hall opened in May after a delay."),
    ],
)
def test_what_opens_an_answer_claims_nothing(statement, cited):
    """A yes or no to the question, a list mark, a label, a connective between commas."""
    assert_supported(statement, cited)


@pytest.mark.parametrize(
    ("statement", "cited"),
    [
        ("No, the ferry does not run on Sundays.", "The ferry runs on Sundays."),
        ("No ferry runs on Sundays.", "The ferry runs on Sundays."),
        ("No. 4 ferry runs on Sundays.", "The ferry runs on Sundays."),
        ("2 halls opened in May.", "The halls opened in May."),
        ("- **Cost:** The hall cost 5 million euros.", "The hall cost 4 million euros."),
        ("Osric Vane, however, found the anchor on Monday.", "Divers found the anchor on Monday near Tarn."),
    ],
)
def test_what_looks_like_an_opener_is_read(statement, cited):
    """A denial, a number or a name that begins a sentence."""
    assert_refused(statement, cited)


# -- open ends ---------------------------------------------------------------------------------------------------

DATELINE = (
    "LINDEN, May 12 (Norpress) - The bridge reopened on 9 May, officials in Tarn said, and traffic in Hove doubled."
)


@pytest.mark.parametrize(
    "statement",
    [
        "Drivers rejoiced as the bridge reopened on 9 May.",
        "Commuters can cross again: the bridge reopened on 9 May.",
        "The bridge reopened on 9 May, a relief.",
        "The bridge reopened on 9 May after months.",
        "Workers are done and the bridge reopened on 9 May.",
        "Crews left and the bridge reopened on 9 May, officials in Tarn said.",
    ],
)
def test_an_open_end_is_no_longer_than_what_the_statement_has_there(statement):
    """A word before the first match is not in place of every name and number before it."""
    assert_shown(statement, DATELINE)


@pytest.mark.parametrize(
    ("statement", "cited"),
    [
        ("Carla Jones signed the bill.", "On Monday evening Anna Smith signed the bill."),
        ("On Friday Carla Jones signed the bill.", "On Monday Anna Smith signed the bill."),
        ("The bridge reopened on 8 May.", DATELINE),
        ("The bridge reopened on 9 June.", DATELINE),
        ("Traffic rose by 9 percent.", "Traffic rose by 4 percent in Hove, and 9 of ten drivers live there."),
        (
            "The tunnel in Hove reopened, officials in Linden said.",
            "The tunnel in Hove reopened, officials in Tarn said.",
        ),
    ],
)
def test_a_changed_word_at_an_open_end_is_caught(statement, cited):
    """The word that is there in the source is directly before or after what matches."""
    assert_refused(statement, cited)


# -- exchanged names ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("statement", "cited"),
    [
        (
            "Vera Moss invited Ilan Roth to Tarn.",
            ["Ms. Moss invited Mr. Roth and his staff to Tarn.", "Vera Moss and Ilan Roth met."],
        ),
        (
            "Hove was flooded and was given aid.",
            ["Hove, on the coast, was flooded.", "Bela Tor, the minister, said Hove was given aid."],
        ),
        (
            "The council of Hove has voted for the tram, though Mayor Dov Klee must still sign.",
            [
                "The council of Hove has voted for the tram.",
                "Despite the vote, Mayor Dov Klee must still sign the bill, said Norpress.",
            ],
        ),
        (
            "Attempts to raise the ship failed.",
            ["The find was reported by Nautica, but attempts to raise the ship failed."],
        ),
        ("In Tarn the bridge reopened on 9 May.", ["LINDEN (Norpress) - The bridge in Tarn reopened on 9 May."]),
        (
            "Norpress reported that the bridge in Tarn reopened.",
            [evidence("LINDEN - The bridge in Tarn reopened.", outlet="Norpress")],
        ),
    ],
)
def test_a_name_that_lies_against_another_is_not_exchanged(statement, cited):
    """A name-blind diff puts names side by side that have nothing to do with each other."""
    assert_shown(statement, *cited)


@pytest.mark.parametrize(
    ("statement", "cited"),
    [
        ("Ilan Roth invited Vera Moss to Tarn.", ["Vera Moss invited Ilan Roth to Tarn."]),
        ("Ilan Roth accepted the invitation.", ["Dov Klee accepted the invitation.", "Ilan Roth stayed silent."]),
        ("Ilan Roth accepted the invitation.", ["Dov Klee accepted the invitation from Ilan Roth."]),
        (
            "Trams in Tarn go to Hove, buses in Hove to Tarn and to Linden.",
            ["Trams in Hove go to Tarn, buses in Tarn to Hove and to Linden."],
        ),
        ("Vera Moss won gold and Ilan Roth silver.", ["Ilan Roth won gold and Vera Moss silver."]),
        (
            "Hove lost to Tarn in the final, and Linden beat Arden.",
            ["Tarn lost to Hove in the final, and Linden beat Arden."],
        ),
    ],
)
def test_names_that_changed_places_are_caught(statement, cited):
    """Also a name that only another of the cited sentences has there."""
    assert_refused(statement, *cited)


# -- courtesy titles and first names -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("statement", "cited"),
    [
        ("Moss left the board in August.", "Ms Moss left the board in August."),
        ("Ms. Moss left the board in August.", "Moss left the board in August."),
        ("Dr Moss left the board in August.", "Dr. Moss left the board in August."),
        ("Vera Moss left the board in August.", "Ms Moss left the board in August."),
        ("Vera Moss left the board in August.", "Moss left the board in August."),
        ("Mrs Moss said the board was calm.", "The board was calm, Mrs. Moss said."),
    ],
)
def test_courtesy_titles_are_no_names(statement, cited):
    """A first name may be added if another sentence of the article has it before this last name."""
    other = evidence("The letter of Vera Moss, an engineer, was read aloud.")
    assert_supported(statement, cited, others=[other])


@pytest.mark.parametrize(
    ("statement", "cited", "other"),
    [
        (
            "In August Vera Moss left the board.",
            "In August Ms Moss left the board.",
            "The letter of Clara Moss was read.",
        ),
        ("Mr Moss left the board in August.", "Ms Moss left the board in August.", "Vera Moss is an engineer."),
        ("Vera Roth left the board in August.", "Ms Moss left the board in August.", "Vera Roth is an engineer."),
        ("Vera Moss said the board was calm.", "The board was calm, Mr Roth said.", "Vera Moss is an engineer."),
        ("Vera left the board in August.", "Clara left the board in August.", "Vera Moss is an engineer."),
    ],
)
def test_a_wrong_first_name_or_title_is_caught(statement, cited, other):
    """The article knows who is meant."""
    assert_refused(statement, cited, others=[evidence(other)])


def test_a_first_name_is_not_proved_where_two_have_the_last_name():
    """Vera Moss and Clara Moss: "Ms Moss" may be either."""
    other = evidence("Vera Moss and Clara Moss are sisters.")
    assert verdict("Vera Moss left the board.", ["Ms Moss left the board."], [other])[0] == "partial"


# -- dates -------------------------------------------------------------------------------------------------------

LIFTED = "The ban was lifted on Saturday, 14 days after it was imposed, and the mill has blamed a pump."


@pytest.mark.parametrize(
    ("statement", "cited"),
    [
        ("The ban was lifted on 23 May 2026.", evidence(LIFTED, day="2026-05-26")),
        ("The ban has been over since it was lifted on 23 May 2026.", evidence(LIFTED, day="2026-05-26")),
        ("The ban was lifted on May 23rd.", evidence(LIFTED, day="2026-05-26")),
        ("In May 2026 the ban was lifted.", evidence(LIFTED, day="2026-05-26")),
        (
            "The Ledger reported on 12 March that the hall will cost €46 million.",
            evidence("The hall will cost €46 million.", outlet="The Ledger", day="2026-03-12"),
        ),
        (
            "On 12 May, 87 people were confirmed ill.",
            evidence(
                "HOVE, May 12 (Norpress) - The number of people confirmed ill rose to 87 on Tuesday.", day="2026-05-12"
            ),
        ),
        (
            "The kite came down off the coast on 4 February 2023.",
            evidence("The kite came down off the Hove coast Saturday afternoon, officers said.", day="2023-02-04"),
        ),
        ("Sales will begin in December 2023.", evidence("Sales in December will begin for members.", day="2023-11-27")),
    ],
)
def test_a_date_resolved_from_its_phrase_is_right(statement, cited):
    """By the day of the article; a count of days beside the phrase is no part of it."""
    assert_shown(statement, cited)


@pytest.mark.parametrize(
    ("statement", "cited"),
    [
        ("The ban was lifted on 24 May 2026.", evidence(LIFTED, day="2026-05-26")),
        ("The ban was lifted on 23 May 2025.", evidence(LIFTED, day="2026-05-26")),
        ("The ban was lifted 23 days after it was imposed.", evidence(LIFTED, day="2026-05-26")),
        ("The ban was lifted on 14 May 2026.", evidence(LIFTED, day="2026-05-26")),
        (
            "The Ledger reported on 13 March that the hall will cost €46 million.",
            evidence("The hall will cost €46 million.", outlet="The Ledger", day="2026-03-12"),
        ),
        (
            "The hall will open on 12 March.",
            evidence("The hall will open on 9 April.", outlet="The Ledger", day="2026-03-12"),
        ),
        (
            "The hall will open on 12 March.",
            evidence("The hall will open.", outlet="The Ledger", day="2026-03-12"),
        ),
        (
            "Klee was hired on 5 May.",
            evidence("Klee was hired on Monday and dismissed on Tuesday.", day="2026-05-06"),
        ),
        ("Sales will begin in November 2023.", evidence("Sales in December will begin for members.", day="2023-11-27")),
    ],
)
def test_a_date_that_no_phrase_means_is_caught(statement, cited):
    """Nor is the day of an article the day of what it reports, nor one event's day another's."""
    assert_refused(statement, cited)


# -- numbers -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("statement", "cited"),
    [
        ("2,000 people fled.", "Two thousand people fled."),
        ("2000 people fled.", "2,000 people fled."),
        ("The mill earned 1.2m euros.", "The mill earned €1.2 million."),
        ("Twelve people fled.", "A dozen people fled."),
        ("The shop opens at 6pm.", "The shop opens at 6 p.m."),
        ("The shop opens at 7:30am.", "The shop opens at 7:30 a.m."),
        ("Klee signed a contract for five years.", "Klee signed a five-year contract."),
        ("Members bought 40 boats.", "The number of boats that members bought was 40."),
        (
            "€29 million is for steel and €11 million for piers.",
            "Steel accounts for €29 million, piers for €11 million.",
        ),
    ],
)
def test_a_number_of_the_same_value_of_the_same_thing_is_right(statement, cited):
    """In words or digits, before or after what it counts."""
    assert_shown(statement, cited)


@pytest.mark.parametrize(
    ("statement", "cited"),
    [
        ("2,000 people fled.", "Twenty thousand people fled."),
        ("The mill earned 1.2bn euros.", "The mill earned €1.2 million."),
        ("Thirteen people fled.", "A dozen people fled."),
        ("The shop opens at 6am.", "The shop opens at 6 p.m."),
        (
            "€11 million is for steel and €29 million for piers.",
            "Steel accounts for €29 million, piers for €11 million.",
        ),
        ("Members bought 40 boats.", "The number of boats that members bought was 14, and 40 members left."),
        ("Klee signed a contract for five years.", "Klee, who played for five years, signed a three-year contract."),
    ],
)
def test_a_number_of_something_else_is_caught(statement, cited):
    """Another value, or the same value of another thing."""
    support, _ = verdict(statement, [cited])
    assert support != "supported"


# -- units -------------------------------------------------------------------------------------------------------

WOOD = "The fire reached the lake. It covers 5,000 square miles of the north."


@pytest.mark.parametrize(
    ("statement", "cited"),
    [
        (
            "The fire, which covers 5,000 square miles, reached the town lake on its way.",
            evidence("The fire reached the lake.", context=WOOD),
        ),
        (
            "Replacing the pump would cost €85,000.",
            evidence(
                "That was the price, in a letter, of replacing the pump.",
                context="It would cost €85,000. That was the price, in a letter, of replacing the pump.",
            ),
        ),
        (
            "Growth of 5 per cent surprised many bankers there.",
            evidence("Many bankers were surprised.", context="Growth was 5%. Many bankers were surprised."),
        ),
        ("The pool holds 40 litres.", evidence("40 litres of water are in the pool.")),
        ("A road of 27 km leads to Tarn.", evidence("A 27-kilometre road leads to Tarn.")),
        ("The mill pays 9 dollars an hour.", evidence("The mill pays $9 an hour.")),
    ],
)
def test_a_unit_follows_its_number(statement, cited):
    """Where the number is taken from beside the sentence, so is its unit."""
    assert_shown(statement, cited)


@pytest.mark.parametrize(
    ("statement", "cited"),
    [
        (
            "The fire, which covers 5,000 square metres, reached the town lake on its way.",
            evidence("The fire reached the lake.", context=WOOD),
        ),
        (
            "Replacing the pump would cost $85,000.",
            evidence(
                "That was the price, in a letter, of replacing the pump.",
                context="It would cost €85,000. That was the price, in a letter, of replacing the pump.",
            ),
        ),
        ("The pool holds 40 gallons.", evidence("40 litres of water are in the pool.")),
        ("A road of 27 miles leads to Tarn.", evidence("A 27-kilometre road leads to Tarn.")),
        ("The mill pays 9 euros an hour.", evidence("The mill pays $9 an hour.")),
        ("The ban lasted 14 weeks.", evidence("The ban lasted 14 days.")),
    ],
)
def test_a_changed_unit_is_caught(statement, cited):
    """Whether it is in the sentence or beside it."""
    assert_refused(statement, cited)
