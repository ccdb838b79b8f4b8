"""English word lists and patterns: words and names, months and days, number words, units, word forms. Pure.

Each list is here once, for all its users. Where two similar lists must differ, they are side by side, with the reason.
A second language would be added here.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator


def _lexicon(words: str) -> frozenset[str]:
    return frozenset(words.split())


def _characters(test: Callable[[str], bool]) -> str:
    """Return the characters that pass a test, as a regex character class without its brackets: `re` has no \\p{Lu}."""
    # Only the basic plane: few newspapers use letters beyond it, and with them a search takes twice as long.
    found = [code for code in range(0x10000) if test(chr(code))]
    starts = [code for code in found if not test(chr(code - 1))]
    ends = [code for code in found if not test(chr(code + 1))]
    return "".join(chr(a) if a == b else f"{chr(a)}-{chr(b)}" for a, b in zip(starts, ends, strict=True))


LETTER = r"[^\W\d_]"
CAPITAL = _characters(str.istitle)  # the capitals of every alphabet, "ǅ" among them
SMALL = _characters(str.islower)
MARKS = "\u0300-\u036f\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20f0\ufe20-\ufe2f"  # "É" may be written as two characters
IN_NAME = rf"\w{MARKS}’'‐‑\-"  # "O’Brien", "Jean-Luc"
# A capitalised word: "Ásgeir", "McDonald", "NATO", "E4". A single capital is not one.
CAPITALISED = rf"[{CAPITAL}][{MARKS}]*+[{IN_NAME}]*[\w{MARKS}]"
# A word whose number is a name: "Week 6". Not one in capitals: "At the BBC 45 people".
TITLED = rf"[{CAPITAL}][{SMALL}{MARKS}]+"
# A name at the top of an article may be in a script without capitals.
NO_SMALL_LETTER = rf"(?![{SMALL}]){LETTER}"
# Words of a folded text, in which each CJK character is a word and "u.s" is one word.
CJK = "\u3040-\u30ff\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7a3\uf900-\ufaff\U00020000-\U0003ffff"
INITIALS = rf"(?<![^\W_]){LETTER}(?:\.{LETTER})+(?![^\W_])"
WORD = rf"[^\W_{CJK}]+(?:'[^\W_{CJK}]+)*"
# Three patterns for words as written.
# The distance between a figure and a word is counted in these: the constants were tuned with "U.S." as two words.
COUNTED_WORD = rf"\d[\d,.]*\d|\w[{IN_NAME}]*"
# The words that a follow-up takes from the conversation are shown, so "1,500", "U.S" and "AT&T" stay whole.
WHOLE_WORD = rf"[^\W_](?:[{IN_NAME}.,&]*[\w{MARKS}])?"
# The names of a question are found among its space-separated words: "d’Arc" is not "Arc", and a dot may end one.
_WRITTEN = re.compile(rf"{LETTER}[{IN_NAME}.&]*")


def capitalised(question: str) -> Iterator[re.Match[str]]:
    """Yield the words of a question, as written, that begin with a capital."""
    return (word for word in _WRITTEN.finditer(question) if word.group()[0].istitle())


MONTHS = tuple("January February March April May June July August September October November December".split())
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
MONTH_ABBREVIATIONS = tuple("Jan Feb Mar Apr Jun Jul Aug Sep Sept Oct Nov Dec".split())  # "May" is whole
WEEKDAY_ABBREVIATIONS = tuple("Mon Tue Tues Wed Thu Thur Thurs Fri Sat Sun".split())
MONTH_NUMBERS = {
    name.lower(): number
    for number, month in enumerate(MONTHS, start=1)
    for name in (month, *MONTH_ABBREVIATIONS)
    if name[:3] == month[:3]
}
WEEKDAY_NUMBERS = {day.lower(): number for number, day in enumerate(WEEKDAYS)}
SEASONS = {"spring": 3, "summer": 6, "autumn": 9, "fall": 9, "winter": 12}  # their first months, in the north
QUARTERS = {"first": 0, "second": 1, "third": 2, "fourth": 3, "last": 3, "final": 3}
RELATIVE = {"last": -1, "this": 0, "next": 1}  # "last year", "next week"

_ONES = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen"
    " eighteen nineteen"
).split()
_TENS = "twenty thirty forty fifty sixty seventy eighty ninety".split()
ONES = {word: number for number, word in enumerate(_ONES)}
TENS = {word: 10 * number for number, word in enumerate(_TENS, start=2)}
ORDINALS = {
    word: number
    for number, word in enumerate(
        "first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth thirteenth fourteenth"
        " fifteenth sixteenth seventeenth eighteenth nineteenth".split(),
        start=1,
    )
} | {word[:-1] + "ieth": number for word, number in TENS.items()}
SCALES = {"hundred": 10**2, "thousand": 10**3, "million": 10**6, "billion": 10**9, "trillion": 10**12}
SHORT_SCALES = {  # behind a figure: "$4m"
    **dict.fromkeys(("k",), 10**3),
    **dict.fromkeys(("m", "mn", "mln"), 10**6),
    **dict.fromkeys(("b", "bn", "bln"), 10**9),
    **dict.fromkeys(("t", "tn", "trn"), 10**12),
}
# Numbers written as words in "two days ago", "a week ago". News writes higher numbers in figures.
COUNTS = {"a": 1, "an": 1} | dict(list(ONES.items())[1:13])
# Two parsers of number words share these. `conflicts.values` finds numbers in raw text, as ranges with their rounding;
# `verification.tokens` joins normalised tokens, and reads ordinals, "twice" and scales after figures.

UNITS = (  # by every form; "second" alone is an ordinal as often as a unit
    dict.fromkeys(("percent", "pct", "percentage"), "percent")
    | dict.fromkeys(("dollar", "dollars", "usd", "bucks"), "dollar")
    | dict.fromkeys(("euro", "euros", "eur"), "euro")
    | dict.fromkeys(("pounds", "pound", "gbp", "lb", "lbs"), "pound")
    | dict.fromkeys(("rouble", "roubles", "ruble", "rubles"), "rouble")
    | dict.fromkeys(("km", "kms", "kilometre", "kilometres", "kilometer", "kilometers"), "kilometre")
    | dict.fromkeys(("metre", "metres", "meter", "meters"), "metre")
    | dict.fromkeys(("cm", "cms", "centimetre", "centimetres", "centimeter", "centimeters"), "centimetre")
    | dict.fromkeys(("millimetre", "millimetres", "millimeter", "millimeters"), "millimetre")
    | dict.fromkeys(("feet", "foot", "ft"), "foot")
    | dict.fromkeys(("inch", "inches"), "inch")
    | dict.fromkeys(("kg", "kgs", "kilogram", "kilograms", "kilo", "kilos"), "kilogram")
    | dict.fromkeys(("litre", "litres", "liter", "liters"), "litre")
    | dict.fromkeys(("century", "centuries"), "century")
    | {"mph": "mph", "kph": "kph", "seconds": "seconds"}
    | {
        form: word
        for word in (
            "mile yard gram ton tonne ounce gallon acre hectare barrel degree watt megawatt gigawatt yen yuan rupee"
            " franc guilder cent peso lira hour minute day week month year decade"
        ).split()
        for form in (word, word + "s")
    }
)
CURRENCY_SIGNS = {"$": "dollar", "€": "euro", "£": "pound", "¥": "yen", "₹": "rupee"}
# To compare two figures in different units. The verification of a statement does not convert: a statement with miles
# for kilometres has changed its source, whatever the figure.
CURRENCIES = {
    "euro": "EUR", "dollar": "USD", "pound": "GBP", "yen": "JPY", "rupee": "INR", "franc": "CHF", "yuan": "CNY",
    "rouble": "RUB", "guilder": "NLG",
}  # fmt: skip
MINUTES = {
    "second": 1 / 60, "minute": 1.0, "hour": 60.0, "day": 1440.0, "week": 10080.0, "fortnight": 20160.0,
    "month": 43830.0, "year": 525960.0, "decade": 5259600.0,
}  # fmt: skip
SIZES = {
    "millimetre": ("m", 0.001), "centimetre": ("m", 0.01), "metre": ("m", 1.0), "kilometre": ("m", 1e3),
    "mile": ("m", 1609.34), "foot": ("m", 0.3048), "inch": ("m", 0.0254), "gram": ("kg", 0.001),
    "kilogram": ("kg", 1.0), "tonne": ("kg", 1e3), "ton": ("kg", 1e3), "litre": ("l", 1.0), "hectare": ("ha", 1.0),
    "acre": ("ha", 0.404686), "degree": ("deg", 1.0), "mph": ("kmh", 1.60934), "kph": ("kmh", 1.0),
}  # fmt: skip
SIZE_FORMS = {form: SIZES[unit] for form, unit in UNITS.items() if unit in SIZES}
# Without "5 lb", a weight; every other form of a currency is one.
CURRENCY_FORMS = {
    form: CURRENCIES[unit] for form, unit in UNITS.items() if unit in CURRENCIES and form not in ("lb", "lbs")
}
# A sentence with these ranks higher for a question about money. The weights were fitted with these prefixes; with all
# forms of CURRENCIES one question of the gold set gets another answer.
MONEY_RANKED = "dollar|euro|pound|yen|yuan|rouble|ruble|crown"

ARTICLES = _lexicon("a an the")
PRONOUNS = _lexicon(
    "he she it they him her them his hers its their theirs who whom whose which i we my our me us you your this that"
    " these those there here"
)
_FUNCTION_WORDS = PRONOUNS | _lexicon(
    "about according after against all also am and any are as at be because been before being between both but by did"
    " do does during each for from had has have having how if in into is just of off on or other out over per so some"
    " such than then through to under until up upon was were what when where while with"
)
# Three lists of function words, for three purposes.
# A search leaves these out of a question, also "no" and "will": in a question they carry no content.
STOP_WORDS = (
    (_FUNCTION_WORDS - {"theirs"})
    | ARTICLES
    | _lexicon(
        "above again article articles below can could doing down few further itself many may might more most much must"
        " no nor not now once only own please same should tell too very why will would"
    )
)
# A statement may add these to what it cites. "No", "may", "only" and "more" would change its meaning.
FILLERS = _FUNCTION_WORDS | _lexicon(
    "amid among however meanwhile moreover nevertheless said say saying says since told toward towards via within"
)
# A figure never counts these words beside it. "Other", "all" and "more" may be part of the noun: "six more houses".
NEVER_COUNTED_WORDS = ARTICLES | _lexicon(
    "of in on at to for and or by with from that which it its is was were are be been has have had will would said says"
    " say he she they his her their this as but not no get gets who there each every when where while after before"
    " until"
)

# Irregular forms, which no suffix rule unites: a question asks who "won", an article says who "wins".
_VERBS = (
    "become:became begin:began,begun bear:bore,borne beat:beaten bring:brought build:built buy:bought"
    " catch:caught choose:chose,chosen come:came deal:dealt draw:drew,drawn drive:drove,driven eat:ate,eaten"
    " fall:fell,fallen fight:fought find:found flee:fled fly:flew,flown forget:forgot,forgotten get:got,gotten"
    " give:gave,given go:went,gone grow:grew,grown hang:hung hear:heard hide:hid,hidden hold:held keep:kept"
    " know:knew,known lay:laid lead:led leave:left lend:lent lose:lost make:made mean:meant meet:met pay:paid"
    " ride:rode,ridden ring:rang,rung rise:rose,risen run:ran say:said see:saw,seen seek:sought sell:sold"
    " send:sent shake:shook,shaken shoot:shot show:shown sing:sang,sung sink:sank,sunk sit:sat sleep:slept"
    " speak:spoke,spoken spend:spent stand:stood steal:stole,stolen strike:struck swear:swore,sworn sweep:swept"
    " swim:swam,swum take:took,taken teach:taught tear:tore,torn tell:told think:thought throw:threw,thrown"
    " understand:understood wear:wore,worn win:won write:wrote,written"
)
IRREGULAR_VERBS = {
    form: verb for verb, _, forms in (entry.partition(":") for entry in _VERBS.split()) for form in forms.split(",")
}
# Left out of the stemmer, which would change every existing index.
UNSTEMMED_VERBS = ("blow blew blown", "break broke broken", "freeze froze frozen", "strike stricken")

# Two lists of synonyms. To rank sentences: loose, since a synonym counts less than the word itself.
RELATED = (
    "talks meeting negotiations discussions summit",
    "visit trip tour travel",
    "arrive arrival land landed",
    "give gave gift present presented",
    "kill killed die died dead deaths fatalities",
    "injured hurt wounded injuries",
    "cost price worth value",
    "chief head leader boss",
    "jail jailed prison imprisoned",
    "buy bought acquire acquired purchase purchased takeover",
    "fire blaze",
    "job jobs work employment employ workers posts",
    "begin began start started open opened launch launched",
    "end ended finish finished close closed stop stopped",
    "quit resign resigned resignation",
    "ban banned prohibit prohibited",
    "law legislation bill act",
    "company firm maker manufacturer",
    "deep depth",
    "wide width",
    "heavy weight weigh weighs",
    "far distance",
    "tall height",
    "rise rose increase increased grow grew climb climbed jump jumped",
    "fall fell drop dropped decrease decreased decline declined",
)
# To decide whether two figures are of one thing: money "put" is money "spent", but what "rose" need not be what "grew".
FIGURE_SYNONYMS = (
    "invest investment spend spent spending cost costs pay paid put putting budget",
    "injure injured injuring hurt wounded injuries casualties",
    "start begin began begun commence",
    "issue issued impose imposed",
    "find found bring brought recover recovered raise raised discover discovered salvage",
    "carry carried transport transported use used ride rode board boarded",
    "kill killed die died dead death fatality",
    "collapse collapsed fall fell fallen give gave given",
    "build built construct constructed",
    "establish established found founded",
    "population people inhabitants residents",
    "steal stole stolen take took taken",
    "buy bought acquire acquired",
    "destroy destroyed burn burned burnt",
)
# To compare two names or two things. Titles are left out of a name; a person and a body, a town and its country, a
# building and its town are of different kinds, so neither contradicts the other.
NAME_TITLES = _lexicon(
    "mr mrs ms miss mx dr doctor prof professor sir dame lord lady president premier prime minister chancellor"
    " senator governor mayor king queen prince princess pope general captain colonel major sergeant lieutenant"
    " admiral judge justice chief inspector detective councillor secretary chairman chairwoman director"
    " officer mp rep sen gov gen col capt sgt lt rev reverend father sister bishop archbishop imam rabbi"
    " sheikh jr sr former acting deputy vice state"
)
ORGANISATION_WORDS = _lexicon(
    "group company co corp corporation inc ltd plc llc gmbh ag ab sa partners holdings foundation trust fund"
    " bank university college school institute council ministry department agency authority police party union"
    " club team united association federation committee commission government court church army navy press"
    " news newspaper airline airways shipping industries motors brothers bros sons society office board"
    " service organisation organization"
)
VENUE_WORDS = _lexicon(
    "airport station stadium arena hall hospital hotel house school church cathedral abbey museum theatre"
    " theater park square street road avenue lane bridge harbour harbor docks pier prison court palace"
    " castle mall centre center university college campus market factory plant mill farm garden gardens beach"
    " building tower embassy base barracks"
)
COUNTRIES = frozenset(
    "europe|asia|africa|america|scandinavia|england|scotland|wales|britain|united kingdom|uk|united states|us"
    "|usa|ireland|france|germany|spain|portugal|italy|switzerland|austria|belgium|netherlands|luxembourg"
    "|denmark|norway|sweden|finland|iceland|poland|czech republic|slovakia|hungary|romania|bulgaria|greece"
    "|turkey|cyprus|malta|croatia|serbia|slovenia|bosnia|albania|kosovo|montenegro|macedonia|ukraine|russia"
    "|belarus|moldova|estonia|latvia|lithuania|georgia|armenia|azerbaijan|kazakhstan|uzbekistan|turkmenistan"
    "|kyrgyzstan|tajikistan|mongolia|china|japan|korea|south korea|north korea|taiwan|india|pakistan"
    "|bangladesh|sri lanka|nepal|bhutan|myanmar|thailand|laos|cambodia|vietnam|malaysia|singapore|indonesia"
    "|philippines|australia|new zealand|fiji|canada|mexico|guatemala|honduras|nicaragua|costa rica|panama|cuba"
    "|haiti|jamaica|dominican republic|bahamas|colombia|venezuela|ecuador|peru|bolivia|chile|argentina|uruguay"
    "|paraguay|brazil|guyana|suriname|israel|palestine|gaza|west bank|lebanon|syria|jordan|iraq|iran|kuwait"
    "|saudi arabia|yemen|oman|qatar|bahrain|united arab emirates|uae|afghanistan|egypt|libya|tunisia|algeria"
    "|morocco|sudan|south sudan|ethiopia|eritrea|somalia|djibouti|kenya|uganda|rwanda|burundi|tanzania|congo"
    "|angola|zambia|zimbabwe|mozambique|malawi|botswana|namibia|south africa|lesotho|madagascar|nigeria|ghana"
    "|ivory coast|senegal|mali|niger|chad|cameroon|gabon|liberia|sierra leone|guinea|gambia|mauritania|benin"
    "|togo|burkina faso|california|texas|florida|ohio|virginia|pennsylvania|michigan|illinois|arizona|colorado"
    "|oregon|nevada|utah|alaska|hawaii".split("|")
)
# Families of causes and of things of which one excludes the others. What is in none is not compared.
CAUSES = (
    (
        "electrical electric wiring circuit battery charger cable overload voltage",
        "arson arsonist arsonists deliberate deliberately set",
        "lightning",
        "cigarette smoking smoker candle firework fireworks flare barbecue campfire",
        "gas propane methane",
        "mechanical engine motor rail brake brakes bearing pin bolt corroded corrosion rust fatigue crack weld",
        "driver pilot crew asleep drunk human mistake negligence speeding inattention",
        "storm wind winds gale hurricane rain flood floods snow ice fog frost",
        "heat heatwave drought",
        "collision collided barge ship vessel truck lorry car",
        "bird birds deer animal animals",
        "bomb bombing missile drone rocket shell sabotage attack attackers",
        "virus bacteria parasite infection disease",
        "sewage slurry manure pesticide pesticides chemical chemicals oil spill leak",
        "cancer",
        "stroke",
        "heart cardiac",
        "strike walkout",
        "software update cyberattack hackers ransomware",
    ),
)
EXCLUSIVE = (
    ("red", "blue", "green", "yellow", "black", "white", "brown", "orange", "purple", "pink", "grey gray"),
    ("car", "lorry truck", "bus coach", "van", "train", "tram", "tractor", "motorcycle motorbike", "bicycle bike"),
    ("helicopter", "plane aeroplane airplane jet airliner", "balloon", "drone"),
    ("ferry", "trawler", "tanker", "yacht", "barge", "submarine"),
    ("knife", "gun pistol rifle revolver shotgun", "hammer", "axe", "crossbow", "bomb grenade"),
    (
        "wolf wolves", "lynx", "bear", "tiger", "lion", "leopard", "fox", "monkey", "snake python", "crocodile",
        "horse", "dog", "cow", "sheep", "elephant", "penguin", "parrot", "owl", "eagle", "shark", "whale", "seal",
    ),
    ("gold", "silver", "copper", "bronze", "iron", "lithium", "uranium"),
    ("north northern", "south southern", "east eastern", "west western"),
)  # fmt: skip
# In a sentence about an event they say which of several it was: the women's final is not the men's.
EVENT_MARKS = (
    ("men", "women", "boys", "girls"),
    ("singles", "doubles", "mixed"),
    ("junior", "senior", "under-21", "youth"),
    ("semifinal semi-final semifinals", "quarterfinal quarter-final quarterfinals"),
    ("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth"),
    ("morning", "evening", "afternoon"),
    ("north northern", "south southern", "east eastern", "west western"),
    ("upper", "lower"),
    ("summer", "winter"),
)


def listed(words: str) -> str:
    """Return words in the form of the lists: a regex that ignores case also matches "auguſt", "aprıl" and "APRİL"."""
    return " ".join(words.casefold().replace("ı", "i").replace("\u0307", "").split())


def month_number(name: str) -> int:
    """Return the number of a month from its name or an abbreviation, with its full stop or without."""
    return MONTH_NUMBERS[listed(name).removesuffix(".")]


def weekday_number(name: str) -> int:
    """Return the number of a weekday from its name; Monday is 0."""
    return WEEKDAY_NUMBERS[listed(name)]
