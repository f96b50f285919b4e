"""What a usage chart shows, before it is drawn."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Bar:
    """One value. `name` is its day or month in full, `tick` stands under it, `label` above it (may be "")."""

    name: str
    quantity: int
    tick: str
    label: str
    is_open: bool


@dataclass(frozen=True, slots=True)
class Band:
    """A stretch of bars that belong together, from place `start` up to place `end`."""

    start: int
    end: int
    name: str


@dataclass(frozen=True, slots=True)
class Figure:
    """A whole chart. The bars are in `accent`; `title` and `description` are for those who listen."""

    bars: tuple[Bar, ...]
    bands: tuple[Band, ...]
    title: str
    description: str
    accent: str
