"""Deciding who is told, telling them once, and taking a note away."""

import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Engine, func, select, update
from sqlalchemy.exc import OperationalError

from portal.actor import Actor, ActorKind, system_actor
from portal.audit.actions import Action
from portal.audit.service import Change, record
from portal.database import brief_transaction
from portal.deflection.report import reading
from portal.errors import NotFoundError
from portal.extensions import db, insert_into
from portal.identity.models import User
from portal.identity.queries import lock_user, organization_by_id
from portal.kit.clock import utcnow
from portal.kit.tokens import new_id
from portal.notifications.events import Event, announce
from portal.nudges.choosing import (
    Wish,
    place_for,
    standing,
    undecided_wishes,
    unmailed,
    wants_nudges,
)
from portal.nudges.groups import drawn_group
from portal.nudges.models import Nudge, NudgeGroup
from portal.nudges.words import words_of
from portal.scope.screens import SCREENS_BY_NAME

log = logging.getLogger("portal.nudges")


@dataclass(slots=True)
class Sent:
    """What a run has done: people and screens decided about, how many of them stay untold, and mails."""

    decided: int = 0
    control: int = 0
    mails: int = 0


def send_nudges(now: datetime, should_go_on: Callable[[], bool] = lambda: True) -> Sent:
    """Decide about everybody first, then mail; commits piece by piece, and can be run again after any of them.

    Any number of runs beside each other decide and mail once.
    """
    done = Sent()
    with reading():
        wishes = undecided_wishes(now)
    for user_id, wanted in wishes.items():
        if not should_go_on():
            return done
        groups = decide(user_id, wanted, now)
        db.session.commit()
        done.decided += len(groups)
        done.control += groups.count(NudgeGroup.CONTROL)
    with reading():
        waiting = unmailed(now)
    for user_id in waiting:
        if not should_go_on():
            return done
        done.mails += mail_once(system_actor(None), user_id, now)
        db.session.commit()
    return done


def foresee(now: datetime) -> Sent:
    """What `send_nudges` would do now. Reads only."""
    done, mailed = Sent(), set(db.session.scalars(select(Nudge.user_id).where(Nudge.mailed_at.is_not(None))))
    to_mail = {user_id for user_id in unmailed(now) if any(standing(user_id, now))}
    for user_id, wanted in undecided_wishes(now).items():
        groups = [row["group"] for row in planned(user_id, wanted)]
        done.decided += len(groups)
        done.control += groups.count(NudgeGroup.CONTROL)
        if NudgeGroup.NUDGED in groups:
            to_mail.add(user_id)
    done.mails = len(to_mail - mailed)
    return done


def decide(user_id: str, wishes: Iterable[Wish], now: datetime) -> list[NudgeGroup]:
    """Write down for one person who is told of what; the groups of what is new. Part of the caller's transaction.

    The first row of a person draws the group; it is never drawn again.
    """
    groups: list[NudgeGroup] = []
    for row in planned(user_id, wishes):
        insert = insert_into(Nudge).values(**row, id=new_id("ndg"), decided_at=now).on_conflict_do_nothing()
        groups += db.session.scalars(insert.returning(Nudge.group))
    return groups


def planned(user_id: str, wishes: Iterable[Wish]) -> list[dict[str, Any]]:
    """The rows that `decide` would write. Reads only."""
    if not wants_nudges(user_id):
        return []
    earlier = db.session.scalar(select(Nudge.group).where(Nudge.user_id == user_id).limit(1))
    group = earlier or drawn_group(user_id)
    return [
        {
            "user_id": user_id,
            "screen": wish.screen,
            "organization_id": place,
            "group": group,
            "reason": wish.reason,
            "ticket_id": wish.ticket_id,
            "wrote_at": wish.wrote_at,
        }
        for wish in wishes
        if (place := place_for(user_id, wish.reason, wish.screen, wish.organization_id))
    ]


def mail_once(actor: Actor, user_id: str, now: datetime) -> bool:
    """Put the one mail of a person into the outbox, about what they wrote last that still holds; False if none does.

    Part of the caller's transaction, which holds the person's row: that there was a mail is committed with the mail.
    The actor is of no organization, and so is what is written down: colleagues do not learn who wrote to support.
    """
    lock_user(user_id)
    if db.session.scalar(select(Nudge.id).where(Nudge.user_id == user_id, Nudge.mailed_at.is_not(None))):
        return False
    nudge = next(standing(user_id, now), None)
    if nudge is None:
        return False
    nudge.mailed_at = now
    _tell(actor, nudge)
    return True


def _tell(actor: Actor, nudge: Nudge) -> None:
    words, label = words_of(nudge.reason, nudge.screen), SCREENS_BY_NAME[nudge.screen].label
    payload = {
        "title": words.title,
        "advice": words.text,
        "screen": nudge.screen,
        "screen_label": label,
        "wrote_at": nudge.wrote_at.isoformat(),
        "organization": organization_by_id(nudge.organization_id).name,
    }
    announce(Event.SCREEN_CAN_DO_IT, actor, payload, about=[nudge.user_id])
    email = db.session.get_one(User, nudge.user_id).email
    record(actor, Action.NUDGE_SENT, Change("nudge", nudge.id, email, None, {"screen": label}))


def dismiss(actor: Actor, nudge_id: str) -> None:
    """Never show this note again; twice changes nothing more. Raises `NotFoundError`, also for somebody else's.

    A person takes away their own, the product (`ActorKind.SYSTEM`) anybody's. Like what was read in the inbox it is
    the person's alone and stands in no log.
    """
    statement = update(Nudge).where(Nudge.id == nudge_id, Nudge.group == NudgeGroup.NUDGED)
    if actor.kind is not ActorKind.SYSTEM:
        statement = statement.where(Nudge.user_id == actor.id)
    first = func.coalesce(Nudge.dismissed_at, utcnow())
    if db.session.scalar(statement.values(dismissed_at=first).returning(Nudge.id)) is None:
        raise NotFoundError("There is no such note.")


def note_shown(engine: Engine, nudge_id: str) -> None:
    """Write when the note was first shown, in a transaction of its own; not worth waiting for, so it may fail.

    Runs after the answer, outside the application's context, hence the engine.
    """
    statement = update(Nudge).where(Nudge.id == nudge_id, Nudge.shown_at.is_(None)).values(shown_at=utcnow())
    try:
        with brief_transaction(engine) as connection:
            connection.execute(statement)
    except OperationalError:
        log.info("that a note was shown was not written: the database was busy")
