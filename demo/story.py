"""The demo's people and companies. All of them are made up; every address ends in .example (RFC 2606)."""

from dataclasses import dataclass

from portal.permissions import Role

PASSWORD = "portal demo 2026"  # noqa: S105  # nosec B105: written in the contract, for the demo only
STAFF_KEY = "JBSWY3DPEHPK3PXP"  # nosec B105: the same; what the staff's authenticator app is given
MONTHS = 14


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody at Acme: when they joined, in days before today, and who had invited them."""

    name: str
    email: str
    role: Role
    joined_days_ago: int
    invited_by: str = "Amara Okafor"


ACME = "Acme Robotics"
GLOBEX = "Globex Logistik GmbH"
ACME_PEOPLE = (
    Person("Amara Okafor", "owner@acme.example", Role.OWNER, 432),
    Person("Ben Lindqvist", "admin@acme.example", Role.ADMIN, 430),
    Person("Carla Mendes", "billing@acme.example", Role.BILLING, 421),
    Person("Daniel Weiss", "member@acme.example", Role.MEMBER, 420),
    Person("Eun-ji Park", "viewer@acme.example", Role.VIEWER, 402),
    Person("Femi Adeyemi", "femi.adeyemi@acme.example", Role.MEMBER, 420),
    Person("Greta Holm", "greta.holm@acme.example", Role.MEMBER, 419),
    Person("Hiro Tanaka", "hiro.tanaka@acme.example", Role.MEMBER, 418),
    Person("Ines Carvalho", "ines.carvalho@acme.example", Role.MEMBER, 331, "Ben Lindqvist"),
    Person("Jonas Becker", "jonas.becker@acme.example", Role.MEMBER, 330, "Ben Lindqvist"),
    Person("Katya Novak", "katya.novak@acme.example", Role.MEMBER, 330, "Ben Lindqvist"),
    Person("Liam Byrne", "liam.byrne@acme.example", Role.VIEWER, 329, "Ben Lindqvist"),
    Person("Mona Farouk", "mona.farouk@acme.example", Role.ADMIN, 240),
    Person("Nikhil Rao", "nikhil.rao@acme.example", Role.MEMBER, 240),
    Person("Olga Petrova", "olga.petrova@acme.example", Role.MEMBER, 239),
    Person("Paulo Sousa", "paulo.sousa@acme.example", Role.MEMBER, 238),
    Person("Quentin Marchal", "quentin.marchal@acme.example", Role.VIEWER, 236),
    Person("Rosa Jiménez", "rosa.jimenez@acme.example", Role.MEMBER, 148, "Mona Farouk"),
    Person("Sven Olsson", "sven.olsson@acme.example", Role.MEMBER, 147, "Mona Farouk"),
    Person("Tariq Hussain", "tariq.hussain@acme.example", Role.MEMBER, 147, "Mona Farouk"),
    Person("Uma Pillai", "uma.pillai@acme.example", Role.VIEWER, 146, "Mona Farouk"),
    Person("Viktor Szabó", "viktor.szabo@acme.example", Role.MEMBER, 145, "Mona Farouk"),
    Person("Wen Li", "wen.li@acme.example", Role.MEMBER, 57, "Ben Lindqvist"),
    Person("Ximena Rojas", "ximena.rojas@acme.example", Role.MEMBER, 56, "Ben Lindqvist"),
    Person("Yara Haddad", "both@freelance.example", Role.MEMBER, 55, "Ben Lindqvist"),
)
GLOBEX_PEOPLE = (
    Person("Matthias Keller", "owner@globex.example", Role.OWNER, 700),
    Person("Sabine Vogt", "sabine.vogt@globex.example", Role.BILLING, 690, "Matthias Keller"),
    Person("Emre Aydin", "emre.aydin@globex.example", Role.MEMBER, 688, "Matthias Keller"),
    Person("Yara Haddad", "both@freelance.example", Role.VIEWER, 90, "Matthias Keller"),
)


@dataclass(frozen=True, slots=True)
class SeatChange:
    """More seats on Acme's plan: when, how many there are then, and who ordered them."""

    days_ago: int
    seats: int
    by: str


STARTED_DAYS_AGO = 431
FIRST_SEATS = 8
SEAT_CHANGES = (
    SeatChange(332, 12, "Ben Lindqvist"),
    SeatChange(241, 17, "Amara Okafor"),
    SeatChange(149, 22, "Mona Farouk"),
    SeatChange(58, 25, "Ben Lindqvist"),
)
PLAN_SWITCH_DAYS_AGO = 290
CARD_FAILS_DAYS_AGO = 100
CARD_REPLACED_AFTER_DAYS = 4
