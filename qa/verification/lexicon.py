"""Word lists that decide what a sentence claims: opposites, negations, hedges, modal verbs, countries. Pure data."""

from __future__ import annotations

from qa.text import stemming
from qa.text.spelling import american


def _lexicon(words: str) -> frozenset[str]:
    return frozenset(words.split())


# Words on the left are opposites of those on the right. Words on one side are near-synonyms, unless a semicolon divides
# them: an arrest is no prison term, more is not most, and a father is no son.
_OPPOSITES = (
    "rise increase grow climb jump gain surge soar up; higher / fall drop decline decrease shrink slump plunge tumble"
    " slip sink plummet down; lower",
    "win won victory triumph; beat / lose lost loss",
    "more greater; most / fewer less; fewest least",
    "before ahead prior / after since following",
    "since / until till",
    "last past previous / next coming upcoming",
    "above over exceed / below under",
    "begin start launch; open; resume / end finish; close; stop halt cease; suspend",
    "accept; approve; agree; allow permit authorise authorize; legalise / reject refuse decline; deny; ban forbid"
    " prohibit bar; block; oppose; veto",
    "support back favour favor endorse; praise hail; welcome / oppose; criticise criticize slam; condemn denounce;"
    " reject",
    "guilty; convict / innocent; acquit",
    "arrive; enter; join / leave depart exit; quit",
    "buy purchase acquire / sell; sale",
    "first earliest / last final; latest",
    "hire employ recruit; appoint / fire sack dismiss; layoff",
    "succeed success successful / fail failure unsuccessful",
    "strong; stronger; strongest; strengthen / weak; weaker; weakest; weaken",
    "high; highest / low; lowest",
    "large big; larger bigger; largest biggest / small; smaller; smallest",
    "old; older; oldest / young; younger; youngest; new; newest",
    "long; longer; longest / short; shorter; shortest",
    "early; earlier / late; later",
    "best; better; improve / worst; worse; worsen deteriorate",
    "good; positive; optimistic / bad poor; negative; pessimistic",
    "alive; live; survive / dead die; kill",
    "public / private; secret",
    "north northern / south southern",
    "east eastern / west western",
    "male; man men; boy; father; son; brother; husband / female; woman women; girl; mother; daughter; sister; wife",
    "import / export",
    "ally; friend; friendly / enemy foe; rival; hostile",
    "attack; invade / defend; retreat; withdraw",
    "add; include / remove; exclude",
    "free release liberate / jail imprison; arrest detain; capture",
    "expand; widen; extend / contract; narrow; cut reduce",
    "hot; warm; hotter; warmer / cold; cool; colder; cooler",
    "safe; safer / dangerous unsafe",
    "easy; easier / hard difficult; harder",
    "full / empty",
    "rich wealthy / poor",
    "confirm; admit acknowledge / deny; dispute; refute",
    "love like / hate dislike",
    "right correct true / wrong incorrect false untrue",
    "remember / forget",
    "find discover / miss",
    "possible; likely / impossible; unlikely",
    "majority / minority",
    "maximum most / minimum least",
    "inside indoor into / outside outdoor",
    "everyone everybody; everything; all every / nobody none; nothing",
    "always / never",
    "many / few",
    "war / peace",
    "day / night",
    "morning / evening; afternoon",
    "profit / loss; deficit",
    "ease relax loosen; lift / tighten; impose",
    "both / neither",
    "with / without",
    "against / for",
    "from / to",
    "same / different",
    "fast faster quickly rapid / slow slower slowly",
    "pass / fail",
    "lead leading / trail trailing",
    "because / although though despite",
)
_SYNONYMS = (
    "buy purchase acquire|begin start commence launch|build construct erect|help assist aid|end finish conclude"
    " complete"
    "|get obtain|allow permit let|need require|choose select pick|show display exhibit|ask request|answer reply"
    " respond"
    "|big large|child kid|car automobile|doctor physician|film movie|firm company|hurt injure wound|jail imprison"
    "|sack fire dismiss|quit resign|try attempt|happen occur|keep retain|send dispatch|speak talk|stop halt cease"
    "|close shut|destroy demolish raze|repair fix mend|find discover|reveal disclose|hide conceal|use utilise utilize"
    "|delay postpone|ban prohibit forbid outlaw|back support|annual yearly|nearly almost|approximately roughly"
    "|quickly rapidly swiftly fast|whole entire|often frequently|rich wealthy affluent|ill sick|correct right"
    "|difficult hard tough|simple easy|fire blaze|flat apartment|holiday vacation|lorry truck|petrol gasoline"
    "|lawyer attorney|house home|shop store|worker employee|resident inhabitant|death fatality|error mistake"
    "|gift present|law legislation|talks negotiations|rise increase grow climb|fall drop decrease decline"
    "|leave depart|gather assemble|vanish disappear"
    "|couple pair|former ex|enlarge expand"
    "|flee escape|rescue save|cut reduce|lift raise|scrap abolish"
)
# The "n't" of "don't" becomes "not" when a text is split into tokens.
NEGATIONS = _lexicon("not no never none nobody nothing nor neither without cannot")
# Words that deny what follows them or leave it unproved.
DENIALS = _lexicon(
    "deny denied denies denying refuse refused refuses refusing fail failed fails failing reject rejected rejects"
    " hardly barely scarcely falsely wrongly unlikely impossible lack lacks lacked avoid avoided"
    " prevented unable alleged allegedly reportedly supposedly purportedly claimed claims apparently possibly perhaps"
    " probably maybe potentially if unless whether except only almost nearly partly former formerly ex acting"
    " so-called fake proposed planned attempted rumoured rumored suspected unconfirmed likely may-be"
)
MODALS = {
    **dict.fromkeys(("will", "would", "shall", "wo"), "~will"),
    **dict.fromkeys(("may", "might", "could"), "~may"),
    **dict.fromkeys(("can", "able", "ca"), "~can"),
    **dict.fromkeys(("must", "should", "ought"), "~must"),
}
# Other ways to say what a modal verb says: that something is still to come, or is only possible.
MODAL_EQUIVALENTS = {
    "~will": _lexicon("~will to plan plans planned expected set due going scheduled about intends aims vows vowed"),
    "~may": _lexicon("~may ~can possible possibly perhaps likely potential potentially risk"),
    "~can": _lexicon("~can ~may able allow allows allowed possible"),
    "~must": _lexicon("~must need needs required has have had to"),
}
# Of these one may stand for another: none says more than that something was said.
NEUTRAL_SPEECH = _lexicon(
    "say says said saying add adds added state states stated write writes wrote note notes noted report reports"
    " reported according announce announces announced explain explains explained cite cites cited citing"
)
# Beside the negations, words that say that something is not so. A statement may say it with "not".
NEGATING = _lexicon(
    "fail fails failed failing decline declines declined refuse refuses refused deny denies denied denying lack lacks"
    " lacked unable unaware unless except instead yet zero missing absent avoid avoids avoided prevent prevents"
    " prevented ban bans banned bar bars barred forbid forbids forbidden block blocked cancel cancelled canceled scrap"
    " scrapped reject rejects rejected abandon abandoned halt halted stop stops stopped acquit acquits acquitted"
    " cleared impossible hardly barely scarcely few little rather despite"
)
# What has ended when something "no longer" is so.
ENDINGS = _lexicon(
    "left leave leaves leaving former formerly ex quit quits ended ends stopped stops ceased ceases closed closes"
    " resigned departed lifted scrapped abolished expired retired gone cancelled canceled dropped withdrawn revoked"
    " repealed dismissed sacked fired"
)
# Of these one may stand for another; a statement that has none of the cited ones adds a cause.
CAUSES = _lexicon("because since as due owing cause causes caused so thanks therefore reason blamed blame thus hence")
# They join two sentences and claim no more than "and".
CONNECTIVES = _lexicon("though although whereas while but and yet")
# At the start of a sentence these have a capital and are no names, also before "said": frequent words of news that no
# person or place is called by.
COMMON_OPENERS = _lexicon(
    "another other others some one many several most few each both all more fewer half earlier later recent recently"
    " initially originally eventually finally currently previously now today yesterday tomorrow new former local"
    " national federal official officials total overall final average early late high low heavy public private"
    " authorities investigators police experts scientists researchers doctors nurses residents witnesses critics"
    " campaigners analysts lawyers prosecutors observers ministers lawmakers reporters journalists people men women"
    " children parents families students teachers pupils workers employees staff users customers patients passengers"
    " drivers voters members supporters opponents protesters demonstrators survivors victims visitors tourists fans"
    " players owners buyers investors farmers troops soldiers rebels rescuers crews firefighters engineers economists"
    " historians judges jurors councillors councilors companies firms banks shops schools hospitals prices sales"
    " profits shares rates costs wages taxes exports imports water food fuel power electricity traffic flights trains"
    " work talks efforts attempts searches tests samples results figures data studies research evidence documents"
    " records reports plans proposals repairs demand supply"
)
# Nouns and adverbs end so, and hardly a surname.
NOUN_ENDINGS = ("tion", "tions", "ment", "ments", "ness", "ists", "icians", "ologist", "ities", "ably", "ically")
# What an outlet does with what it prints, beside saying it; the second list may also be about something else.
PRINTING_WORDS = _lexicon(
    "advise advises advised recommend recommends recommended describe describes described quote quotes quoted list"
    " lists listed estimate estimates estimated publish publishes published"
)
GIVING_WORDS = _lexicon("call calls called give gives gave put puts")
SPEECH_WORDS = _lexicon(
    "say says said saying tell tells told add adds added ask asks asked announce announces announced claim claims"
    " claimed warn warns warned write writes wrote stated explain explains explained argue argues argued"
    " insist insists insisted note notes noted tweet tweets tweeted report reports reported declare declares declared"
    " according cite cites cited citing"
    " reply replies replied respond responded confirm confirms confirmed recall recalled joke joked quip"
    " describe described call called testify testified reveal reveals revealed"
)
QUANTIFIERS = _lexicon("each every all both any")  # fillers that claim something: "in each state"
APPROXIMATE = _lexicon("about around roughly approximately approx some circa near close")
BELOW = _lexicon("nearly almost under")
ABOVE = _lexicon("over than exceeding")  # "more than"
# People and languages get the key of their country.
_PLACES = (
    "us:american,americans,america,usa uk:british,britain,britons china:chinese russia:russian,russians"
    " ukraine:ukrainian,ukrainians france:french germany:german,germans spain:spanish italy:italian,italians"
    " japan:japanese india:indian,indians iran:iranian,iranians iraq:iraqi,iraqis israel:israeli,israelis"
    " turkey:turkish,turkiye,türkiye canada:canadian,canadians mexico:mexican,mexicans brazil:brazilian,brazilians"
    " australia:australian,australians austria:austrian,austrians poland:polish sweden:swedish norway:norwegian"
    " finland:finnish denmark:danish ireland:irish scotland:scottish wales:welsh england:english greece:greek,greeks"
    " egypt:egyptian pakistan:pakistani afghanistan:afghan,afghans syria:syrian,syrians saudi:saudis europe:european"
    " africa:african asia:asian taiwan:taiwanese vietnam:vietnamese cuba:cuban hungary:hungarian belarus:belarusian"
)
COUNTRIES = {
    form: country
    for country, _, forms in (entry.partition(":") for entry in _PLACES.split())
    for form in forms.split(",")
}
LONG_PLACES = {
    ("united", "states"): "us",
    ("united", "kingdom"): "uk",
    ("great", "britain"): "uk",
    ("european", "union"): "eu",
    ("united", "nations"): "un",
}
PLACE_KEYS = frozenset(COUNTRIES.values()) | frozenset(LONG_PLACES.values())


def _stems(words: str) -> frozenset[str]:
    """Return the words as the keys of tokens."""
    return frozenset(stemming.stems(" ".join(map(american, words.split()))))


def _stem_groups(words: str) -> list[frozenset[str]]:
    return [_stems(group) for group in words.split(";")]


def _opposites_and_synonyms() -> tuple[dict[str, frozenset[str]], dict[str, frozenset[str]]]:
    opposites: dict[str, set[str]] = {}
    same: dict[str, set[str]] = {}
    for line in _OPPOSITES:
        left, right = (_stem_groups(side) for side in line.split("/"))
        for own, others in ((left, right), (right, left)):
            for group in own:
                for stem in group:
                    opposites.setdefault(stem, set()).update(frozenset().union(*others) - group)
                    same.setdefault(stem, set()).update(group)
    for line in _SYNONYMS.split("|"):
        group = _stems(line)
        for stem in group:
            same.setdefault(stem, set()).update(group)
    return (
        {stem: frozenset(others) for stem, others in opposites.items()},
        {stem: frozenset(others - opposites.get(stem, set())) for stem, others in same.items()},
    )


OPPOSITES, SYNONYMS = _opposites_and_synonyms()  # both by stem
