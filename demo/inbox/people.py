"""Who writes: the people of the demo's organizations, and customers who are not in the portal."""

from dataclasses import dataclass
from random import Random

from demo.story import ACME, ACME_PEOPLE, GLOBEX, GLOBEX_PEOPLE

OTHER_CUSTOMERS = (
    ("Larkfield Foods", "larkfield.example", "en", ("Priya Nair", "Tom Ashworth", "Gwen Pritchard")),
    ("Brightwater Studio", "brightwater.example", "en", ("Noah Castell", "Ada Vance")),
    ("Tessellate", "tessellate.example", "en", ("Oscar Lund", "Mei Tan", "Ravi Menon", "Clara Duffy")),
    ("Nordhafen Spedition", "nordhafen.example", "de", ("Heike Brandes", "Uwe Petersen")),
    ("Atelier Valmont", "valmont.example", "fr", ("Camille Roche",)),
    ("Cuesta y Mar", "cuestaymar.example", "es", ("Lucia Ferrer", "Ivan Soto")),
    ("Hollis & Day", "hollisday.example", "en", ("Imogen Hollis", "Peter Day")),
    ("Kitewell", "kitewell.example", "en", ("Sana Iqbal", "Joel Mercer", "Anneke Smit")),
)
HEAVY_WRITERS = 3
"""In each organization a few people write most of the mails."""


@dataclass(frozen=True, slots=True)
class Requester:
    """Somebody who writes to support."""

    name: str
    email: str
    company: str
    language: str


def requesters() -> list[Requester]:
    """Everybody who may write, each as often as they are to be drawn."""
    acme = [Requester(person.name, person.email, ACME, "en") for person in ACME_PEOPLE]
    globex = [Requester(person.name, person.email, GLOBEX, "de") for person in GLOBEX_PEOPLE]
    others = [
        Requester(name, f"{name.split()[0].lower()}@{domain}", company, language)
        for company, domain, language, names in OTHER_CUSTOMERS
        for name in names
    ]
    heavy = acme[:HEAVY_WRITERS] + globex[:1]
    return acme + globex * 2 + others * 3 + heavy * 6


def mate_of(requester: Requester, rng: Random) -> Requester:
    """Somebody else of the same company, or somebody new there."""
    mates = [found for found in requesters() if found.company == requester.company and found != requester]
    domain = requester.email.partition("@")[2]
    return rng.choice(mates) if mates else Requester("Robin Hale", f"robin@{domain}", requester.company, "en")
