"""The words of the minimal pairs: made-up names, and events that never happened.

Every third entry of a list is only in the half `report`, the others are only in `train`, so no half knows the other's.
"""

from __future__ import annotations

from dataclasses import dataclass


def _rows(text: str) -> list[list[str]]:
    return [[cell.strip() for cell in line.split("|")] for line in text.strip().splitlines()]


@dataclass(frozen=True, slots=True)
class Event:
    """What a subject did to an object; the participle is also the passive's."""

    subject: str
    base: str
    past: str
    participle: str
    gerund: str
    object: str


def _events(text: str) -> list[Event]:
    events = []
    for subject, verbs, thing in _rows(text):
        base, past, participle, gerund = (verbs.split() + [""] * 3)[:4]
        if not participle or participle == "-":
            participle = past
        if not gerund:
            gerund = (base[:-1] if base.endswith("e") and not base.endswith("ee") else base) + "ing"
        events.append(Event(subject, base, past, participle, gerund, thing))
    return events


# subject | base past participle gerund | object
GROUP_EVENTS = _events(
    """
    the council | close closed | the swimming pool
    the railway firm | cancel cancelled - cancelling | the night train
    the ministry | ban banned - banning | the weed killer
    the museum | sell sold | the bronze statue
    the college | raise raised | the tuition fee
    the dairy cooperative | open opened | a cheese factory
    the harbour authority | widen widened | the shipping channel
    the bakery chain | buy bought | the flour mill
    the football club | sign signed | the teenage striker
    the hospital trust | demolish demolished | the old chapel
    the parliament | approve approved | the fishing treaty
    the brewery | recall recalled | the ginger beer
    the housing agency | evict evicted | the elderly tenant
    the steel maker | build built | a rolling mill
    the tram operator | replace replaced | the ticket system
    the orchestra | dismiss dismissed | the second conductor
    the forestry board | fell felled | the ancient oak
    the regulator | fine fined | the gas supplier
    the school board | adopt adopted | the maths curriculum
    the wildlife trust | release released | the injured eagle
    the army | destroy destroyed | the border post
    the airline | drop dropped | the island route
    the publisher | withdraw withdrew withdrawn | the travel guide
    the power company | drain drained | the upper reservoir
    the cycling union | move moved | the spring race
    the cathedral | restore restored | the rose window
    the mining group | flood flooded | the disused quarry
    the city | plant planted | a row of limes
    the union | accept accepted | the wage offer
    the toy maker | launch launched | a wooden robot
    the ferry line | scrap scrapped - scrapping | the evening crossing
    the water board | dig dug - digging | a second well
    the theatre | stage staged | the lost comedy
    the bank | sack sacked | the branch manager
    the coastguard | search searched | the fishing boat
    the space agency | delay delayed | the moon probe
    the hotel group | convert converted | the grain store
    the clinic | publish published | the vaccine study
    the farmers' league | block blocked | the coastal road
    the zoo | import imported | a snow leopard
    the insurer | sue sued - suing | the roofing firm
    the customs office | seize seized | the ivory cargo
    the charity | return returned | the casino's gift
    the tennis federation | suspend suspended | the chief umpire
    the shipyard | repair repaired | the research vessel
    the archive | burn burned | the duplicate files
    the observatory | rename renamed | the red comet
    the supermarket | stop stopped - stopping | the bottle scheme
    the choir | record recorded | a folk mass
    the water company | poison poisoned | the trout stream
    the town | rebuild rebuilt | the burnt library
    the rail union | call called | a two-day strike
    the vineyard | export exported | the sparkling cider
    the telescope maker | hire hired | the retired optician
    the airport | extend extended | the northern runway
    the film festival | show showed shown | the banned documentary
    the prison service | transfer transferred - transferring | the sick inmate
    the car maker | halt halted | the diesel line
    the police force | raid raided | the seaside casino
    the lottery firm | double doubled | the weekly prize
    the foundation | lend lent | the sailing ship
    the canal trust | reopen reopened | the middle lock
    the senate | abolish abolished | the window tax
    the book club | choose chose chosen | the prison memoir
    the tobacco firm | bribe bribed | the customs clerk
    the parish | auction auctioned | the silver chalice
    """
)
PERSON_EVENTS = _events(
    """
    the driver | sign signed | the rental contract
    the teacher | leave left | the public hearing
    the gardener | find found | the missing ring
    the farmer | shoot shot - shooting | the grey wolf
    the pilot | write wrote written | the angry letter
    the dentist | buy bought | the lakeside villa
    the painter | donate donated | the family archive
    the nurse | rescue rescued | the drowning boy
    the banker | crash crashed | the borrowed yacht
    the singer | open opened | the summer fair
    the actor | sue sued - suing | the gossip magazine
    the chemist | win won - winning | the science prize
    the poet | visit visited | the refugee camp
    the runner | break broke broken | the island record
    the chef | close closed | the harbour bistro
    the lawyer | steal stole stolen | the tax records
    the miner | organise organised | the hunger march
    the priest | bless blessed | the new lifeboat
    the coach | criticise criticised | the video referee
    the baker | inherit inherited | the corner shop
    the biologist | photograph photographed | the rare orchid
    the sailor | sink sank sunk | the rubber dinghy
    the editor | burn burned | the first draft
    the jockey | ride rode ridden | the winning mare
    the surgeon | accept accepted | the state medal
    the plumber | flood flooded | the hotel cellar
    the carpenter | carve carved | the oak altar
    the tailor | design designed | the bridal gown
    the violinist | lose lost | the antique bow
    the welder | repair repaired | the church bell
    the butcher | attack attacked | the meat inspector
    the judge | read read | the sealed file
    the diver | discover discovered | the Roman anchor
    the clerk | forge forged | the export licence
    the postman | deliver delivered | the ransom note
    the widow | sell sold | the stamp collection
    the novelist | burn burned | the love letters
    the engineer | inspect inspected | the cracked dam
    the student | paint painted | the protest banner
    the colonel | command commanded | the rescue convoy
    the economist | predict predicted | the bond crisis
    the skier | miss missed | the final gate
    the potter | teach taught | the evening class
    the broker | leak leaked | the merger plan
    the trumpeter | play played | the funeral march
    the blacksmith | restore restored | the castle gate
    the shepherd | cross crossed | the frozen pass
    the cyclist | hit hit - hitting | the parked van
    the senator | praise praised | the village choir
    the hunter | kill killed | the brown bear
    the dancer | marry married - marrying | the count's son
    the janitor | unlock unlocked | the chemistry lab
    the magician | fool fooled | the customs guard
    the boxer | quit quit - quitting | the title fight
    the weaver | finish finished | the royal carpet
    the geologist | map mapped - mapping | the salt cave
    the trader | hide hid hidden | the gold coins
    the beekeeper | move moved | the forest hives
    the printer | publish published | the secret list
    the fisherman | catch caught | the giant pike
    the architect | draw drew drawn | the glass tower
    the guard | fire fired | the warning shot
    the barber | cut cut - cutting | the ceremonial ribbon
    the historian | translate translated | the monk's diary
    the acrobat | climb climbed | the radio mast
    the optician | chair chaired | the parish meeting
    """
)
# Things that are counted, with what was done to them by two different subjects.
COUNTED = _rows(
    """
    the glassworks | the paper mill | cut | jobs
    the fire | the flood | destroyed | houses
    the northern bank | the savings bank | closed | branches
    the airline | the ferry line | cancelled | trips
    the army | the navy | recruited | cadets
    the first storm | the second storm | felled | trees
    the city zoo | the wildlife park | lost | penguins
    the bus firm | the tram firm | bought | vehicles
    the earthquake | the landslide | killed | miners
    the old clinic | the new clinic | treated | patients
    the vineyard | the orchard | hired | pickers
    the red party | the green party | won | seats
    the museum | the gallery | sold | paintings
    the dockers | the pilots | rejected | offers
    the law school | the medical school | admitted | students
    the lower court | the upper court | heard | appeals
    the canal trust | the railway trust | restored | bridges
    the bakery | the brewery | recalled | pallets
    the cyclists | the walkers | raised | donations
    the coastguard | the lifeboat crew | rescued | swimmers
    the publisher | the printer | shipped | crates
    the morning blast | the evening blast | injured | shoppers
    the toy maker | the shoe maker | opened | shops
    the spring census | the autumn census | counted | herons
    the hockey club | the rowing club | signed | juniors
    the village | the suburb | received | refugees
    the senate | the lower house | passed | bills
    the choir | the orchestra | gave | concerts
    the solar farm | the wind farm | supplied | homes
    the eastern mine | the western mine | employed | welders
    the customs office | the border police | seized | pistols
    the theatre | the cinema | refunded | tickets
    the water board | the gas board | repaired | leaks
    the youth shelter | the night shelter | housed | teenagers
    the steel firm | the cement firm | trained | apprentices
    the trout farm | the salmon farm | released | fingerlings
    the insurer | the pension fund | settled | claims
    the film school | the art school | awarded | grants
    the tax office | the planning office | answered | letters
    the blue team | the white team | scored | points
    the cheese dairy | the butter dairy | exported | tonnes
    the old hotel | the new hotel | refused | guests
    the fire brigade | the ambulance service | received | calls
    the state archive | the town archive | scanned | maps
    the southern port | the inland port | handled | containers
    the charity | the parish | delivered | parcels
    the chess league | the bridge league | expelled | members
    the shipyard | the repair dock | launched | trawlers
    the tobacco firm | the sugar firm | dismissed | drivers
    the seed bank | the botanic garden | stored | samples
    the first raid | the second raid | freed | hostages
    the radio station | the news site | corrected | reports
    the pottery | the foundry | shipped | orders
    the ski resort | the spa resort | built | cabins
    the goat farm | the sheep farm | buried | animals
    the bookshop | the record shop | attracted | visitors
    the tunnel project | the metro project | displaced | families
    the summer fair | the winter fair | drew | vendors
    the peat fire | the forest fire | damaged | barns
    the oil firm | the coal firm | closed | sites
    the maths test | the reading test | failed | pupils
    the grain ship | the cattle ship | carried | sailors
    the union | the works council | called | meetings
    the ice rink | the sports hall | hosted | matches
    the safety board | the health board | issued | warnings
    the tin mine | the salt mine | flooded | tunnels
    """
)
FEMALE = "Ana Mirela Odile Britta Carina Delphine Elsbet Farida Greta Henrike Iseult Jovana Katja Lenka Maud".split()
MALE = "Tomas Anselm Boris Cedric Dagfinn Emeric Fabio Goran Hamid Ivo Jarek Kaspar Ludo Marek Niels".split()
SURNAMES = (
    "Brill Varga Ostrow Kellan Mordaunt Pashkin Quist Rendell Solvay Tarnow Umber Vosk Wexley Yarrow Zeller Abeck"
    " Bronte Calder Dorsay Edlund Farrow Gessner Haldane Isbrand Jorvik Kessel Lomax Mirov Norden Ostler Pryce Rask"
    " Sorley Tolland Ulvang Verney"
).split()
PLACES = (
    "Wexcombe Tarnholm Ostrava-Lys Bellmoor Karsund Dunwick Velmora Sandhaven Grimsvik Altenau Marlow-Bay Pelrose"
    " Hartsea Lindvale Orrin Stavelot Quenby Rosmark"
).split()
AGENCIES = "Meridian|Northwire|Press Union|Coastal News|Telegraph Service|Daybreak".split("|")
MONTHS = "Jan. Feb. March April June Sept. Oct. Nov. Dec.".split()
DAYS = "Monday Tuesday Wednesday Thursday Friday Saturday".split()
# After a subject and after the clause: left out of a statement without loss.
OF_PLACE = " in {place}| of {place}| from {place}| based in {place}".split("|")
ENDINGS = (
    " near the river port| behind the town hall| on the eastern shore| in the hill district| close to the rail depot"
    "| at the edge of the marsh| along the old canal| beside the fish market| in the lower valley"
    "| near the stone quarry| on the main square| by the western gate"
).split("|")
GROUP_RELATIVES = (
    "which was founded in 1962|which has its seat in {place}|which meets twice a month|which celebrated its centenary"
    "|known for its brass band|one of the oldest in {place}"
).split("|")
PERSON_RELATIVES = (
    "who grew up in {place}|who is 47|who collects old clocks|a native of {place}|who speaks five languages"
    "|born in {place}"
).split("|")
LEADS = (
    "In the northern town of {place}, |On the outskirts of {place}, |For the second summer in a row in {place}, "
    "|During a rainy week in {place}, |In the villages around {place}, |Amid a long debate in {place}, "
).split("|")
TRAILS = (
    "while crowds gathered on the quay|as snow covered the province|amid a row over local budgets"
    "|to the surprise of many in {place}|in a year of poor harvests|during the fiftieth {place} carnival"
).split("|")
FILLER_CLAUSES = (
    "the bus service ran late|heavy rain soaked the carnival|a brass band toured {place}|schools in {place} held a fair"
    "|the price of bread was stable|volunteers cleaned the beach|fog covered the bay at {place}"
    "|the weekly market was crowded|tourists filled the hotels of {place}"
).split("|")
SPEAKERS = (
    "a spokeswoman|the mayor|the duty officer|a press officer|the district clerk|the chairwoman|a senior official"
    "|the local radio station|the town crier"
).split("|")
ASIDES = "a familiar name in {place}|much discussed in {place}|long a local landmark".split("|")
