"""True sentences as models write them, in other words and another order.

Each kind is next to the falsehoods that look like it. All news is made up.
"""

import pytest

from tests.verification.statements import SHOWN, assert_refused, assert_shown, assert_supported, evidence, verdict

# -- speakers ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("statement", "cited"),
    [
        ("Another said the road was unsafe.", ["The road was unsafe, a driver said."]),
        ("Earlier reports said 14 boats sank.", ["Norpress reported on 3 March that 14 boats sank."]),
        (
            "Roth said the talks had failed.",
            [
                evidence(
                    "The Norlandish president said the talks had failed.",
                    context="Ilan Roth flew home. The Norlandish president said the talks had failed.",
                )
            ],
        ),
        (
            "Roth said the talks had failed.",
            [
                evidence(
                    "The French president said the talks had failed.",
                    context="Ilan Roth flew home. The French president said the talks had failed.",
                )
            ],
        ),
        (
            "Klee left, NPA reported.",
            ["Klee left, according to the state news agency of the north, NPA, citing his aide."],
        ),
        (
            'Ilan Roth said: "We let this town down."',
            ['"We let this town down," said Ilan Roth, the head of the mill.'],
        ),
    ],
)
def test_a_speaker_may_be_described(statement, cited):
    """By an office or a country; the name is then beside the sentence. "Another" is no name."""
    assert_shown(statement, *cited)


@pytest.mark.parametrize(
    ("statement", "cited"),
    [
        ("Klee said the road was unsafe.", ["The road was unsafe, Roth said."]),
        (
            "Klee said the talks had failed.",
            [
                evidence(
                    "The French president said the talks had failed.",
                    context="Ilan Roth flew home. The French president said the talks had failed.",
                )
            ],
        ),
        ("Mr Klee said the road was unsafe.", ["The road was unsafe, said Mr Roth. Mr Klee nodded."]),
        ("Russia said the talks had failed.", ["The French president said the talks had failed."]),
        (
            "Klee said the road was safe, after Mrs. Roth had asked.",
            ["Mrs. Roth said the road was safe, after Klee had asked."],
        ),
        (
            'Dov Klee said: "We let this town down."',
            ['"We let this town down," said Ilan Roth, to whom Dov Klee had written.'],
        ),
    ],
)
def test_another_speaker_is_caught(statement, cited):
    """Whatever the description."""
    assert_refused(statement, *cited)


# -- spelling and names of places --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("statement", "cited"),
    [
        ("The United States banned the import.", "The U.S. banned the import."),
        ("The US banned the import.", "The United States banned the import."),
        ("The United Kingdom banned the import.", "The UK banned the import."),
        ("Britain banned the import.", "The United Kingdom banned the import."),
        ("America banned the import.", "The U.S. banned the import."),
        ("The EU banned the import.", "The European Union banned the import."),
        (
            "The neighbourhood's theatre was organised by sceptical labour unions.",
            "The neighborhood's theater was organized by skeptical labor unions.",
        ),
        (
            "The programme's centre, grey and of aluminium, was cancelled.",
            "The program's center, gray and of aluminum, was canceled.",
        ),
        (
            "Parliament recognised the licence and the travellers' defence.",
            "Parliament recognized the license and the travelers' defense.",
        ),
        (
            "The postwar frontrunner lives in a cross-section town.",
            "The post-war front-runner lives in a cross section town.",
        ),
        (
            "The childrens' toys and Hurts' and Roth's cars were stolen.",
            "The children's toys and Hurts's and Roth's cars were stolen.",
        ),
        ("The vote is on June 12.", "The vote is on 12 June."),
        ("The vote is on Jun. 12, 2025.", "The vote is on 12th June 2025."),
    ],
)
def test_two_spellings_are_one_word(statement, cited):
    """British and American, joined and hyphenated, in full and by initials."""
    assert_supported(statement, cited)


@pytest.mark.parametrize(
    ("statement", "cited"),
    [
        ("The United States banned the import.", "The United Kingdom banned the import."),
        ("The United Nations banned the import.", "The United States banned the import."),
        ("The EU banned the import.", "The UK banned the import."),
        ("Two states banned the import.", "The United States banned the import."),
        ("The vote is on December 6.", "The vote is on 12 June."),
        ("The prise was taken on 5 May by Tor.", "The prize was taken on 5 May by Thor."),
    ],
)
def test_what_is_spelled_alike_is_not_the_same(statement, cited):
    """Two unions, two states, two people."""
    support, _ = verdict(statement, [cited])
    assert support != "supported"


# -- negations ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("statement", "cited"),
    [
        ("Klee no longer works for the mill.", "Klee has left the mill."),
        (
            "The alarm went to a clerk who no longer worked for the mill.",
            "The alarm was sent to a clerk who had left the mill.",
        ),
        ("The ban is no longer in force.", "The ban was lifted and is not in force."),
        ("The hall is no longer used.", "The hall is a former theatre and has closed."),
        ("Neither Klee nor Roth replied.", "Klee and Roth did not reply."),
        (
            "No deaths were reported among the riders of the two buses.",
            evidence("The two buses had 23 riders.", context="The two buses had 23 riders. No deaths were reported."),
        ),
    ],
)
def test_a_denial_in_other_words_is_shown(statement, cited):
    """ "No longer" for "had left", "neither" for two that did not; a denial of the neighbouring sentence."""
    assert_shown(statement, cited)


@pytest.mark.parametrize(
    ("statement", "cited"),
    [
        ("Klee no longer works for the mill.", "Klee works for the mill."),
        ("Klee no longer works for the mill.", "Klee works for the mill, and Roth has left the mill."),
        ("Neither Klee nor Roth replied.", "Klee and Roth replied."),
        ("Neither Klee nor Roth replied.", "Klee replied, but Roth did not reply."),
        (
            "No deaths were reported among the riders of the two buses.",
            evidence("The two buses had 23 riders.", context="The two buses had 23 riders. Two deaths were reported."),
        ),
        (
            "No deaths were reported.",
            evidence("Two deaths were reported.", context="Two deaths were reported. No arrests were made."),
        ),
    ],
)
def test_a_denial_that_nobody_made_is_caught(statement, cited):
    """Also where the denial beside the sentence is of something else."""
    assert_refused(statement, cited)


# -- attribution to the sources ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("statement", "cited"),
    [
        ("According to the articles, the hall cost 4 million euros.", evidence("The hall cost 4 million euros.")),
        ("According to the reports, the hall cost 4 million euros.", evidence("The hall cost 4 million euros.")),
        (
            "The hall cost 4 million euros, according to the BBC.",
            evidence("The hall cost 4 million euros.", outlet="BBC News"),
        ),
        ("The article says that the hall cost 4 million euros.", evidence("The hall cost 4 million euros.")),
        (
            "Corvid Wire first reported that the hall cost 4 million euros.",
            evidence("The hall cost 4 million euros.", outlet="Corvid Wire"),
        ),
        ("The sources report that the hall cost 4 million euros.", evidence("The hall cost 4 million euros.")),
        ("The Ledger advised boiling the water.", evidence("Boil the water if you live in Tarn.", outlet="The Ledger")),
    ],
)
def test_the_source_may_be_named_as_the_source(statement, cited):
    """By its outlet, or as the article that was shown."""
    assert_shown(statement, cited)


@pytest.mark.parametrize(
    ("statement", "cited"),
    [
        (
            "According to the CBC, the hall cost 4 million euros.",
            evidence("The hall cost 4 million euros.", outlet="BBC News"),
        ),
        ("According to Dov Klee, the hall cost 4 million euros.", evidence("The hall cost 4 million euros.")),
        ("According to the articles, the hall cost 5 million euros.", evidence("The hall cost 4 million euros.")),
        (
            "According to the articles, the hall did not cost 4 million euros.",
            evidence("The hall cost 4 million euros."),
        ),
        ("The Ledger advised the council.", evidence("Norpress advised the council.", outlet="The Ledger")),
        ("The Ledger sued Norpress.", evidence("Norpress sued the Ledger.", outlet="The Ledger")),
        ("The Ledger sank in the bay.", evidence("The Arden sank in the bay.", outlet="The Ledger")),
    ],
)
def test_another_source_is_caught(statement, cited):
    """Another outlet, a person, or the outlet as the one who acts."""
    assert_refused(statement, cited)


# -- moved words -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("statement", "cited"),
    [
        (
            "The notice has since been lifted and the milk is safe again.",
            "Milk is safe again after a notice was lifted, the mill said.",
        ),
        ("The kite was shot down off the coast.", "A jet shot down the large kite off the coast."),
        (
            "Hove was declared a park.",
            "Bela Tor, the minister of the Norland government, declared Hove a park after floods in Norland.",
        ),
        ("The store will close accounts that are dormant.", "The store will close dormant accounts."),
        ("The store will in May begin to close old accounts.", "In May the store will begin closing old accounts."),
        (
            "Many of the players would not have been in Tarn.",
            "The team will not come because many players on the team won't be in Tarn.",
        ),
    ],
)
def test_words_in_another_order_are_shown(statement, cited):
    """The same words with the same neighbours, in another clause order or voice."""
    assert_shown(statement, cited)


@pytest.mark.parametrize(
    ("statement", "cited"),
    [
        ("Hove was declared a park.", "Bela Tor declared Tarn a park, not Hove."),
        ("Tor was declared a park.", "Bela declared Tarn a park, Tor said."),
        ("The kite was not shot down off the coast.", "A jet shot down the large kite off the coast."),
        ("The store will not close dormant accounts.", "The store will close accounts that are dormant."),
        (
            "The team will come because many players will be in Tarn.",
            "The team will not come because many players won't be in Tarn.",
        ),
        ("The dog bit the man in the park.", "The man bit the dog in the park."),
    ],
)
def test_other_roles_are_caught(statement, cited):
    """The same words with another subject or object, or without their denial."""
    assert_refused(statement, cited)


# -- words from beside the sentence ------------------------------------------------------------------------------

NOTICE = "A boil-water notice came at noon. The notice covers Tarn. The school has a notice board, the old mill none."


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        ("The boil-water notice covers Tarn.", "supported"),
        ("The school notice covers Tarn.", "partial"),
        ("The old notice covers Tarn.", "partial"),
        ("The mill notice covers Tarn.", "partial"),
        ("The notice board covers Tarn.", "partial"),
        ("The notice that covers Tarn came at noon.", "partial"),
    ],
)
def test_a_noun_may_have_the_words_that_it_has_beside_the_sentence(statement, expected):
    """Directly before it, as there; no other words of the neighbouring sentences."""
    assert verdict(statement, [evidence("The notice covers Tarn.", context=NOTICE)])[0] == expected


@pytest.mark.parametrize(
    ("statement", "cited", "expected"),
    [
        (
            "He could not promise the hall if the roof was not mended.",
            "If the roof is not mended, I cannot promise the hall.",
            SHOWN,
        ),
        (
            "He could promise the hall if the roof was not mended.",
            "If the roof is not mended, I cannot promise the hall.",
            ("unsupported",),
        ),
        (
            "He would not sell the hall if the roof was mended.",
            "If the roof is mended, I will sell the hall.",
            ("unsupported",),
        ),
        (
            "The hall, of which 9 of 10 seats are new, has 40 boxes.",
            "The hall has 40 boxes; 9 of 10 seats are new.",
            SHOWN,
        ),
        (
            "There were 43 confirmed fires; 31 men were hurt.",
            ("Confirmed fires ended at 43.", "In all, 31 men were hurt."),
            SHOWN,
        ),
        (
            "There were 31 confirmed fires, and 43 men hurt.",
            "Confirmed fires ended at 43, and 31 men were hurt.",
            ("unsupported",),
        ),
    ],
)
def test_a_clause_that_moved_keeps_its_denial_and_its_number(statement, cited, expected):
    """Each "not" and each number stays with its own word."""
    support, reasons = verdict(statement, [cited] if isinstance(cited, str) else cited)
    assert support in expected, reasons


# -- other words for the same ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("statement", "cited", "expected"),
    [
        ("At least six men came.", "No fewer than six men came.", ("supported",)),
        ("No fewer than six men came.", "Six men came.", ("partial", "unsupported")),
        ("No more than six men came.", "No fewer than six men came.", ("partial", "unsupported")),
        ("The mill paid 500,000 euros.", "The mill paid half a million euros.", ("supported",)),
        ("The mill paid 50,000 euros.", "The mill paid half a million euros.", ("unsupported",)),
        ("The mill sold its two boats.", "The mill sold both of its boats.", ("supported",)),
        ("The mill sold its three boats.", "The mill sold both of its boats.", ("unsupported",)),
        ("The film took 11 million marks in May.", "The film cost 1 million marks and took 11 million in May.", SHOWN),
        (
            "The film took 11 million euros in May.",
            "The film cost 1 million marks and took 11 million in May.",
            ("unsupported",),
        ),
        ("Hove beat Tarn by one goal.", "Hove won against Tarn by one goal.", SHOWN),
        ("Hove lost to Tarn by one goal.", "Hove won against Tarn by one goal.", ("unsupported", "partial")),
        ("The roof is closed to cars.", "The roof is not open to cars.", ("partial", "unsupported")),
        ("The roof is not open to cars.", "The roof is closed to cars.", ("partial",)),
        ("The roof is not closed to cars.", "The roof is closed to cars.", ("unsupported",)),
        ("The lamps were not checked in May.", "The lamps were checked in June and July but not in May.", SHOWN),
        ("The lamps were not checked.", "The lamps were checked.", ("unsupported",)),
    ],
)
def test_bounds_halves_and_denials_in_other_words(statement, cited, expected):
    """What is said with another word is shown; the same words with another value or another "not" are refused."""
    support, reasons = verdict(statement, [cited])
    assert support in expected, reasons


@pytest.mark.parametrize(
    ("statement", "cited", "expected"),
    [
        ("Rescuers found the boat on Monday.", "Dov Klee and his crew found the boat on Monday.", ("partial",)),
        ("Demolition of the mill began on Monday.", "Klee Works began to demolish the mill on Monday.", ("partial",)),
        ("Osric Vane found the boat on Monday.", "Dov Klee and his crew found the boat on Monday.", ("unsupported",)),
        ("Vane found the boat on Monday.", "Klee found the boat on Monday.", ("unsupported",)),
        ("Divers said the boat was safe.", "Dov Klee said the boat was safe.", ("partial", "unsupported")),
        ("Vane said the boat was safe.", "Dov Klee said the boat was safe.", ("unsupported",)),
        (
            "Klee Works told riders that the line would close.",
            "Klee Works will close the line, the operator told riders.",
            SHOWN,
        ),
        (
            "Vera Moss-Roth said the line would close.",
            "The line will close, said chief engineer Vera Moss-Roth.",
            SHOWN,
        ),
    ],
)
def test_a_capital_that_opens_a_sentence_may_be_a_common_word(statement, cited, expected):
    """A frequent word is no name in place of another one; a name is."""
    support, reasons = verdict(statement, [cited])
    assert support in expected, reasons
