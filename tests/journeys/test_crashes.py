"""Processes that are killed, hang or are gone: nothing is lost, nothing happens twice, the rest goes on."""

import re
import signal
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import text

from tests.journeys.browsing import NewContext, Reception, open_screen, said
from tests.journeys.calling import Caller
from tests.journeys.running import Parts
from tests.support.processes import Process, http, wait_until

PATIENCE = 45
SOON = 5.0  # what the billing page promises while Stripe is dead
ESTABLISHED = "01"


def rows(parts: Parts, statement: str, **values: str) -> list[tuple[object, ...]]:
    """What the database says."""
    engine = parts.engine()
    with engine.connect() as connection:
        found = [tuple(row) for row in connection.execute(text(statement), values)]
    engine.dispose()
    return found


def count(parts: Parts, table: str, where: str, **values: str) -> int:
    """How many rows of a table fulfil a condition."""
    return int(str(rows(parts, f"select count(*) from {table} where {where}", **values)[0][0]))


def expire_leases(parts: Parts) -> None:
    """As time would do; `test_workers.py` waits for it."""
    engine = parts.engine()
    with engine.begin() as connection:
        for table in ("outbox", "stripe_events"):
            connection.execute(
                text(f"update {table} set claimed_until = '2000-01-01 00:00:00' where claimed_by is not null")
            )
    engine.dispose()


def is_idle(parts: Parts) -> bool:
    """Nothing waits for a worker."""
    waiting = "next_attempt_at is not null"
    return count(parts, "outbox", waiting) + count(parts, "stripe_events", waiting) == 0


def is_in_a_mail(process: Process, smtp_port: int) -> bool:
    """Whether a process has a connection to the mail server."""
    lines = Path(f"/proc/{process.pid}/net/tcp").read_text().splitlines()[1:]
    mine = {str(path.readlink()) for path in Path(f"/proc/{process.pid}/fd").iterdir() if path.is_symlink()}
    fields = [line.split() for line in lines]
    return any(
        int(field[2].split(":")[1], 16) == smtp_port
        and field[3] == ESTABLISHED
        and f"socket:[{field[9]}]" in mine
        for field in fields
    )


def invite(parts: Parts, email: str) -> None:
    """One mail for the outbox."""
    caller = Caller(parts.urls[0])
    caller.sign_in("owner@globex.example")
    assert caller.post("/account/team/invitations", email=email, role="member").status_code == 303


def kill_between_sending_and_marking(parts: Parts, email: str) -> None:
    """The mail is with the recipient, but its worker was killed before it could write that down."""
    path = parts.database_url.removeprefix("sqlite:///")
    with parts.worker() as worker, sqlite3.connect(path, isolation_level=None) as lock:
        parts.mails.faults("drop_after_data", count=1)
        parts.mails.process.send(signal.SIGSTOP)
        try:
            invite(parts, email)
            wait_until("the mail", lambda: is_in_a_mail(worker, parts.mails.smtp_port))
            lock.execute("begin immediate")  # from here on the worker can send but not write
        finally:
            parts.mails.process.send(signal.SIGCONT)
        parts.mails.wait_for_mail(email)
        worker.kill_group()
        lock.execute("rollback")
    lock.close()


def kill_in_the_middle(parts: Parts, email: str, name: str) -> None:
    """The worker waits for the mail server's answer and for Stripe's, and is killed."""
    customer = str(
        rows(parts, "select stripe_customer_id from organizations where stripe_customer_id > ''")[0][0]
    )
    parts.stripe.delivery(paused=True)
    parts.stripe.client().v1.customers.update(customer, {"name": name})
    parts.stripe.clear_requests()
    parts.stripe.faults("hang", count=1, path_prefix="/v1/customers", seconds=30)
    parts.mails.faults("hang", count=1)
    with parts.worker() as worker:
        parts.stripe.delivery()
        invite(parts, email)
        wait_until("the mail", lambda: is_in_a_mail(worker, parts.mails.smtp_port))
        wait_until("the event", lambda: any(item["fault"] == "hang" for item in parts.stripe.requests()))
        worker.kill_group()
    parts.mails.faults("ok")
    parts.stripe.faults("ok")


def test_what_a_killed_worker_had_in_hand_arrives_once(parts: Parts) -> None:
    between, middle, name = "between@killed.example", "middle@killed.example", "Acme after the crash"
    with parts.worker():
        wait_until("nothing left to do", lambda: is_idle(parts), seconds=30)
    kill_between_sending_and_marking(parts, between)
    kill_in_the_middle(parts, middle, name)
    unfinished = "next_attempt_at is not null and claimed_by is not null"
    ours = f"{unfinished} and recipient in (:between, :middle)"  # another row may have been in hand as well
    assert count(parts, "outbox", ours, between=between, middle=middle) == 2
    assert count(parts, "stripe_events", unfinished) == 1
    expire_leases(parts)
    with parts.worker() as worker:
        wait_until("nothing left to do", lambda: is_idle(parts), seconds=PATIENCE)
        worker.send(signal.SIGTERM)
        assert worker.wait_for_exit() == 0
    assert len(parts.mails.mails(middle)) == 1
    assert len({mail["message_id"] for mail in parts.mails.mails(between)}) == 1
    assert rows(parts, "select name from organizations where stripe_customer_id > ''") == [(name,)]
    changed = "action = 'billing:details:changed' and entity_name = :name"
    assert count(parts, "portal_audit", changed, name=name) == 1
    assert count(parts, "stripe_events", "type = 'customer.updated' and handled_at is null") == 0


@contextmanager
def silent_stripe(parts: Parts, how: str) -> Iterator[None]:
    """Stripe is gone, or takes requests and does not answer."""
    if how == "hangs":
        parts.stripe.faults("hang", seconds=30)
        yield
        parts.stripe.faults("ok")
        return
    parts.stripe.process.stop()
    try:
        yield
    finally:
        parts.stripe.__enter__()


def stripe_is_back(page: Page) -> bool:
    """Each web process leaves Stripe alone for a while after a failure."""
    page.goto("/account/billing")
    return page.get_by_text("Stripe does not answer right now").count() == 0


@pytest.mark.parametrize("how", ["dead", "hangs"])
def test_a_silent_stripe_is_said_on_the_billing_page_and_nowhere_else(
    parts: Parts, new_context: NewContext, how: str
) -> None:
    reception = Reception(parts.urls[0], new_context)
    page, plain = reception.guest("owner@acme.example"), reception.guest("owner@acme.example", script=False)
    with silent_stripe(parts, how):
        for screen in ("Team", "Usage", "Invoices", "API keys", "Activity"):
            open_screen(page, screen)
            expect(page.get_by_role("heading", level=1)).to_have_text(screen)
            assert page.get_by_text("Stripe does not answer").count() == 0
        for browser in (page, plain):
            started = time.monotonic()
            open_screen(browser, "Billing")
            assert time.monotonic() - started < SOON
            expect(browser.locator(".banner__title")).to_have_text("Stripe does not answer right now")
            expect(browser.locator("#card")).to_contain_text(re.compile(r"ending in \d{4}"))
            browser.get_by_role("button", name="Change card").click()
            said(browser, "Stripe does not answer right now. Your card is unchanged.")
    wait_until("Stripe's return", lambda: stripe_is_back(page), seconds=30)
    assert not reception.complaints, reception.complaints


def status_with(url: str, cookies: dict[str, str]) -> int:
    """What the account answers to these cookies over a connection of its own."""
    return (
        http().get(f"{url}/account/profile", cookies=cookies, allow_redirects=False, timeout=10).status_code
    )


def test_a_session_that_was_signed_out_is_refused_by_every_process(parts: Parts) -> None:
    caller = Caller(parts.urls[0])
    caller.sign_in("viewer@acme.example")
    cookies = caller.session.cookies.get_dict()
    tries = [url for url in parts.urls for _ in range(8)]  # each server has two processes
    assert {status_with(url, cookies) for url in tries} == {200}
    assert caller.post("/auth/sign-out").status_code == 303
    assert {status_with(url, cookies) for url in tries} == {303}
