"""What a statement loses though every word of it is in its source, and what it may leave out. One row, one rule."""

import pytest

from qa.types import Evidence, Source, Span
from qa.verification.meaning import spell_out
from qa.verification.tokens import tokenise
from qa.verification.verify import check


def evidence(words, article_id="a"):
    return Evidence(Source(article_id, 1, "0" * 64, None, None, None, None), Span(0, max(1, len(words))), words, 1.0)


LOST = {
    "a plan": [
        ("Rangers culled the deer.", "Rangers hope to cull the deer this winter.", "only after 'hope'"),
        ("Elsa Roth sang the aria.", "Elsa Roth is poised, friends say, to sing the aria.", ""),
        ("The dam was blown up.", "The dam was going to be blown up in May.", "only after 'going'"),
        ("The garage towed the van.", "The garage has an option to tow the van.", "only after 'option'"),
        ("The crew 🚒 drained the pond.", "The crew 🚒 may yet\r\nattempt to drain the pond.", ""),
    ],
    "a request": [
        ("The pilot dumped fuel.", "Tower staff instructed the pilot of the jet to dump fuel.", "'instructed'"),
        ("Rena Okafor paid the levy.", "Rena Okafor was reminded twice to pay the levy.", "'reminded'"),
    ],
    "a denial": [
        ("The guild leaked the score.", "The guild denies leaking the score.", "'denies'"),
        ("The dean had shredded the minutes.", "The dean rebutted a rumour that he had shredded the minutes.", ""),
        ("The guild moved the altar.", "The guild has no intention to move the altar.", ""),
        ("The troupe has rehearsed the play.", "The troupe has not yet rehearsed the play.", ""),
    ],
    "hearsay": [
        ("Ivo Lund drugged the horse.", "Ivo Lund stands accused of drugging the horse.", "'accused'"),
        ("The vase fetched nine millions.", "The vase is thought to have fetched nine millions.", "'thought'"),
        ("The mint lost the dies.", "The mint lost the dies, according to an anonymous blogger.", "only from a source"),
    ],
    "a condition": [
        ("The ferry will sail at dawn.", "The ferry will sail at dawn if the swell drops.", "a condition"),
        ("The fair can open.", "Provided that the river falls, the fair can open.", "a condition"),
        ("The strike will end.", "The strike will end once the board resigns.", "a condition"),
        ("The court would hear Mr Ode.", "Should he appeal, the court would hear Mr Ode.", "a condition"),
    ],
    "what is excluded": [
        ("Judges gave the cup to Oda Finch.", "Judges gave the cup to Pia Moran rather than Oda Finch.", "excludes"),
        ("The chef grilled the squid.", "The chef grilled the trout but not the squid.", "excludes"),
        ("Paul Arden left the hall.", "Iris Vale left the hall, but Paul Arden did not.", "excludes"),
        ("The town renamed the lane.", "Instead of the lane, the town renamed the alley.", "excludes"),
    ],
    "a limit": [
        ("The fog delayed 30 flights.", "The fog delayed no more than 30 flights.", "limit left out"),
        ("The reef lost 12 percent of its coral.", "The reef lost up to 12 percent of its coral.", "limit left out"),
        ("The thieves took the icons.", "The thieves took a third of the icons.", "limit left out"),
        ("The mayor of Brest fainted.", "The deputy mayor of Brest fainted on stage.", "limit left out"),
        ("President Adaku Obi flew home.", "President-elect Adaku Obi flew home.", "limit left out"),
        ("More than ever, 9 of the wells dried up.", "More than ever, at least 9 of the wells dried up.", ""),
    ],
    "a relation": [
        ("Nadia Stern sold the flat.", "A cousin of Nadia Stern sold the flat.", "of another"),
        ("Zoë Brandt wrecked the boat.", "Zoë Brandt's tenant wrecked the boat.", "of another"),
        ("The boat was wrecked by Zoe\u0308 Brandt.", "The boat was wrecked by Zoë Brandt's tenant.", "of another"),
    ],
    "a function word": [
        ("Doors open at 7 p.m. on Sunday.", "Doors open at 7 a.m. on Sunday and shut at 9 p.m.", "altered: 7 pm"),
        ("The tide turns at 4pm.", "The tide turns at 4am, the almanac says.", ""),
        ("Guests may swim and fish.", "Guests may swim or fish, and sail.", "altered: and for or"),
        ("The parrot hid behind the sofa.", "The parrot hid in front of the sofa.", "altered: behind for in front of"),
        (
            "Ada Quinn sold his kayak.",
            "Ada Quinn sold her kayak to Ben Holt, who sold his skis.",
            "altered: his for her",
        ),
    ],
    "two clauses joined": [
        ("The baker left the room.", "The baker praised the jury, while the butcher left the room.", "of different"),
        ("Scouts cleared the trail.", "Scouts marked the ford and cleared the trail.", None),
        ("Dora fined the cyclist.", "Dora thanked the warden and fined the cyclist.", None),
        ("Dora thanked the cyclist.", "Dora thanked the warden and fined the cyclist.", "of different clauses"),
        ("The ape ate 9 figs.", "The ape ate 4 figs and the lemur 9.", "altered"),
        ("The lemur ate 4 figs.", "The ape ate 4 figs and the lemur 9.", "altered"),
    ],
}
WRONG = [(*row, kind) for kind, rows in LOST.items() for row in rows if row[2] is not None]


@pytest.mark.parametrize(("statement", "cited", "reason", "kind"), WRONG)
def test_what_changes_the_meaning_is_not_supported(statement, cited, reason, kind):
    """Every word is in the source; the reason says what is missing or exchanged."""
    support, reasons = check(statement, [evidence(cited)])
    assert support != "supported"
    assert reason in "; ".join(reasons)


@pytest.mark.parametrize(
    ("statement", "cited"),
    [
        # the embedding verb is kept, in another form or word
        ("Rangers are hoping to cull the deer.", "Rangers hope to cull the deer this winter."),
        ("Rangers will cull the deer.", "Rangers plan to cull the deer this winter."),
        ("The guild denied leaking the score.", "The guild, of York, denied leaking the score."),
        ("The clerk managed to open the safe.", "The clerk, 40, managed to open the safe."),
        ("The clerk opened the safe.", "The clerk opened the safe and hopes to sell it."),
        ("Nine clubs installed ramps.", "Of the clubs that were told to, nine clubs installed ramps and did so early."),
        # the condition is kept, or is of the other clause
        (
            "The ferry will sail at dawn if the swell drops.",
            "The ferry will sail at dawn on Friday if the swell drops.",
        ),
        ("The crew slept.", "The crew slept, and the ferry will sail if the swell drops."),
        ("The band will play.", "The band will play, once famous for its tuba."),
        # a source that vouches may be left out
        ("The mint lost the dies.", "The mint lost the dies, according to its annual accounts."),
        # what is not excluded, or said to be
        ("Judges gave the cup to Pia Moran.", "Judges gave the cup to Pia Moran rather than Oda Finch."),
        ("Judges did not give the cup to Oda Finch.", "Judges did not give the cup to Oda Finch but to Pia Moran."),
        ("The mint lost the dies.", "The mint lost the dies, according to the Attorney General's office."),
        ("The mint lost the dies, hoping for mercy.", "The mint lost the dies, he said, hoping for mercy."),
        # limits kept, or of a whole
        ("At least 30 flights were late.", "At least 30 flights were late on Sunday."),
        ("People fled the fire.", "Hundreds of people fled the fire."),
        ("It rained for three days.", "It rained for three days over the moor."),
        ("Ana Moss opened the hall.", "Trainee Ana Moss opened the hall."),
        # names that stay with their noun
        ("Zoë Brandt's tenant wrecked the boat.", "Zoë Brandt's tenant wrecked the boat on Sunday."),
        ("The firm said the pipe burst.", "A spokesman for the firm said the pipe burst."),
        ("Brest elected a baker.", "The city of Brest elected a baker."),
        # function words
        ("Doors open at 7 a.m. on Sunday.", "Doors open at 7 a.m. on Sunday and shut at 9 p.m. in summer."),
        ("The firm sold their kayaks.", "The firm sold its kayaks."),
        ("The parrot hid behind the sofa.", "The parrot hid behind the sofa, in front of the guests."),
        # a second verb, a list, an aside and a place may be left out
        ("Scouts cleared the trail.", "Scouts marked the ford and cleared the trail."),
        ("The judge resigned.", "The judge, a keen diver and father of two, resigned."),
        ("The mayor resigned.", "The mayor, the clerk and the judge resigned."),
        ("A blaze closed the mill.", "A blaze at the port of Brest and Lorient closed the mill."),
        ("The man was jailed.", "The man who robbed the bank and the mill was jailed."),
        ("Ida Moss fell.", "Ida Moss climbed the wall and on Sunday fell."),
        ("Cases rose, in 2020.", "Cases rose, in both Spain and Brazil, in 2020."),
        # a clause without its verb
        ("The lemur ate 9 figs.", "The ape ate 4 figs and the lemur 9."),
        ("The lemur ate 9 figs 🍇.", "The ape ate 4 figs,\r\nwhile the lemur ate 9."),
    ],
)
def test_what_may_be_left_out_is_supported(statement, cited):
    """The same words, with nothing lost that limits them."""
    assert check(statement, [evidence(cited)]) == ("supported", ())


def test_a_number_belongs_to_its_citation():
    """Two cited sentences do not exchange their numbers."""
    cited = [evidence("The quake razed 31 barns in Lund."), evidence("The storm razed 58 barns in Ystad.", "b")]
    assert check("The quake razed 31 barns.", cited)[0] == "supported"
    assert check("The storm razed 58 barns.", cited)[0] == "supported"
    support, reasons = check("The quake razed 58 barns.", cited)
    assert support == "unsupported"
    assert "number of another cited sentence" in "; ".join(reasons)


def test_one_citation_says_as_done_what_another_plans():
    """A plan that was carried out is a fact."""
    cited = [evidence("Rangers hope to cull the deer."), evidence("Rangers culled the deer in May.", "b")]
    assert check("Rangers culled the deer.", cited)[0] == "supported"


@pytest.mark.parametrize(
    ("milder", "graver"),
    [("arrested", "jailed"), ("attacked", "invaded"), ("charged", "convicted"), ("nominated", "appointed")],
)
def test_a_graver_word_is_no_synonym(milder, graver):
    """Both are opposites of one word, and neither means the other."""
    cited = evidence(f"Troops {milder} the envoy in Oslo.")
    assert check(f"Troops {graver} the envoy.", [cited])[0] != "supported"
    assert check(f"Troops {milder} the envoy.", [cited])[0] == "supported"


@pytest.mark.parametrize(
    ("first", "second"), [("purchased", "bought"), ("commenced", "began"), ("concluded", "ended"), ("picked", "chose")]
)
def test_a_synonym_is_supported(first, second):
    """The same act in another word."""
    assert check(f"The guild {second} the tour.", [evidence(f"The guild {first} the tour in Oslo.")])[0] == "supported"


def test_clauses_are_spelled_out():
    """The verb and the counted noun come from the clause before; where none is left out, nothing is added."""
    spelled = spell_out([evidence("The ape ate 4 figs and the lemur 9.")])
    assert [sentence.text for sentence in spelled] == ["lemur ate 9 figs"]
    assert spell_out([evidence("The ape ate 4 figs and the lemur slept.")]) == []
    assert spell_out([evidence("")]) == []


def test_tokens_know_what_is_before_them():
    """A comma, a dash or an article; the dot of an abbreviation is no stop."""
    tokens = {token.shown: token for token in tokenise("At 6 p.m. the ape — a lemur — ate, then slept.")}
    assert tokens["ape"].after_article and not tokens["ape"].after_break
    assert tokens["lemur"].after_break and tokens["lemur"].after_article
    assert tokens["ate"].after_break and not tokens["ate"].after_article
    assert tokens["then"].after_break


@pytest.mark.parametrize(
    "junk", ["", "🙂", "\r\n\r\n", "e\u0301 \u0301", "to", "if", "not", "a.m.", "and", "of the", "不"]
)
def test_fragments_do_no_harm(junk):
    """Rules that look at neighbours meet the edges of a text."""
    for statement, cited in ((junk, "The ape ate 4 figs."), ("The ape ate.", junk), (junk, f"The ape {junk}")):
        assert check(statement, [evidence(cited)])[0] in ("supported", "partial", "unsupported")
