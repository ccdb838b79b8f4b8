"""Surface features: what the form of a sentence says for or against its being the answer."""

import pytest

from qa.query.analysis import analyse
from qa.retrieval.sentence_features import read_offer, read_surface_features
from qa.text import stemming


def features(question, sentence, beside="", published_at=None):
    stems = stemming.stem_set(f"{sentence} {beside}")
    return read_surface_features(analyse(question), sentence, stems, stems, published_at)


@pytest.mark.parametrize(
    ("question", "sentence", "uncounted"),
    [
        ("How many gold coins were found?", "Divers found 60 silver bars.", 1.0),
        ("How many gold coins were found?", "Divers found 60 gold coins. 🪙", 0.0),
        ("How many gold coins were found?", "Divers found sixty-one\r\nor 62 coins.", 0.0),
        ("How many of the crew were saved?", "The crew of 12 was saved.", 1.0),
        ("How many of the crew were saved?", "Nine of the crew were saved.", 0.0),
        ("How much did the coins fetch?", "They fetched a lot.", 0.0),
        ("Who found the coins?", "Divers found them.", 0.0),
    ],
)
def test_a_number_counts_what_is_asked_for(question, sentence, uncounted):
    """ "How many coins" is answered by a number before "coins", and by no other number."""
    assert features(question, sentence).uncounted == uncounted


@pytest.mark.parametrize(
    ("question", "sentence", "withheld"),
    [
        ("Who is the buyer?", "The agency declined to name the buyer.", 1.0),
        ("Who is the buyer?", "The buyer’s name was not disclosed.", 1.0),
        ("Who is the buyer?", "She didn’t say who bought it.", 1.0),
        ("Who is the buyer?", "The buyer is a bank.", 0.0),
        ("What did the agency not disclose?", "The price was not disclosed.", 0.0),
        ("Which firm refused to comment?", "Ormond refused to comment.", 0.0),
    ],
)
def test_what_is_not_said_is_no_answer(question, sentence, withheld):
    """A sentence that says that something was withheld answers only a question about that."""
    assert features(question, sentence).withheld == withheld


@pytest.mark.parametrize(
    ("sentence", "unnamed"),
    [
        ("The barge Teal sank at night.", 1.0),
        ("The barge was steered by Ana Ruiz.", 0.0),
        ("The barge was steered by Élise N’Diaye.", 0.0),
        ("The barge was steered by E\u0301lise S\u030ci\u0301pov.", 0.0),
        ("The barge was steered by Đặng Łuc.", 0.0),
        ("The barge was steered by İbrahim Şahin. 😀", 0.0),
        ("The barge was steered by Юрий Орлов.", 0.0),
        ("The Teal Barge Company owns it.", 0.0),
    ],
)
def test_who_wants_a_name_that_the_question_lacks(sentence, unnamed):
    """A person is named in two words or more, not all of them the question's."""
    assert features("Who steered the barge Teal?", sentence).unnamed == unnamed


def test_a_year_may_be_the_article_s_own():
    """The year of a question is next to the sentence, or the article is of that year."""
    question = "How many fell ill in 2018?"
    assert features(question, "Forty people fell ill.").other_year == 1.0
    assert features(question, "Forty people fell ill.", beside="The outbreak of 2018").other_year == 0.0
    assert features(question, "Forty people fell ill.", published_at="2018-05-02").other_year == 0.0
    assert features("How many fell ill?", "Forty people fell ill.").other_year == 0.0


def test_focus_is_the_first_word_that_is_asked_about():
    """Of "what fine did the regulator impose" it is the fine, of a question without an asking word its first word."""
    question = "What fine did the regulator impose?"
    assert features(question, "The fine was 3 million euros.").focus == 1.0
    assert features(question, "The regulator imposed nothing.").focus == 0.0
    assert features("tell me about the fine", "The fine was small.").focus == 1.0


def test_held_is_a_share_and_many_a_count():
    """Three of four words are .75; eight or more around a sentence are many."""
    found = features("Which fine did the regulator impose on Thessel?", "The regulator imposed a fine.")
    assert found.held == 0.75
    assert found.many == 3 / 8
    long = "Which red green blue white black brown grey pink gold boat sank?"
    assert features(long, long).many == 1.0


@pytest.mark.parametrize("question", ["", "?", "谁是市长？", "e\u0301te\u0301 🎈"])
def test_any_question_has_features(question):
    """No question is an error."""
    assert 0 <= features(question, "市长是王伟。 🎈").held <= 1


def offer(question, sentence, title=""):
    return read_offer(analyse(question), sentence, stemming.stem_set(sentence), stemming.stem_set(title))


@pytest.mark.parametrize(
    ("question", "sentence", "answers"),
    [
        ("Which city opened the fair?", "Mayor Ruiz of Marrowby opened the fair. 🎈", {"ruiz", "marrowbi", "mayor"}),
        ("Which city opened the fair?", "Yesterday the fair opened.", set()),
        ("Which city opened the Marrowby fair?", "The Marrowby fair opened on Friday.", set()),
        ("How many came to the fair of 2019?", "In 2019 some 4,100 people came to Marrowby.", {"4100"}),
        ("The fair opened. Where is it?", "It is in\r\nMarrowby.", {"marrowbi"}),
        ("谁是市长？", "市长是王伟。", set()),
    ],
)
def test_an_answer_is_new(question, sentence, answers):
    """Names, or numbers for a question about one, that the question does not have; a weekday is not a name."""
    assert offer(question, sentence).answers == answers


def test_only_who_which_and_where_ask_for_a_name():
    """The last question word decides: what is before it is a statement."""
    opened = "Ana Ruiz opened it."
    assert offer("Who opened the fair?", opened).names_one == 1.0
    assert offer("Who opened the fair?", "They opened it.").names_one == 0.0
    assert offer("The man who built it died. When?", opened).names_one == 0.0


def test_the_headline_is_shared_by_what_the_question_does_not_say():
    """Words of the headline that are also in the question say nothing about a sentence."""
    question, title = "Who opened the fair?", "Fair opened by Ruiz in rain"
    assert offer(question, "Ruiz opened the fair.", title).headline == 1 / 4  # ruiz, of by, ruiz, in, rain
    assert offer(question, "Ruiz opened the fair.").headline == 0.0
