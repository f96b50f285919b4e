"""The work in the background as staff see it, and as Prometheus reads it: the same figures."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from flask import Flask
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import update
from werkzeug.test import TestResponse

from portal.extensions import db
from portal.identity.models import UserSession
from portal.jobs.models import WorkerProcess
from portal.jobs.queries import overview
from portal.jobs.service import Plan, Runs, report
from portal.kit.clock import utcnow
from portal.notifications.outbox import put_mail
from tests.blueprints.web import Browser
from tests.conftest import SERVICE_TOKEN, make_settings
from tests.factories import World

Browse = Callable[[str | None], Browser]
STAFF = "support@portal.example"


@pytest.fixture
def work(app: Flask, world: World) -> None:
    """A worker that has done something, failed at something, and has something to do."""
    with app.app_context():
        now = utcnow()
        plans = [
            Plan("deliver_mails", "every second", "mail", now),
            Plan("tidy_up", "hourly at minute 17", "", now + timedelta(minutes=30)),
        ]
        runs = [
            Runs.of_one("deliver_mails", now, 12, 4, None),
            Runs.of_one("tidy_up", now, 8, 0, "KeyError in portal/x.py:1"),
        ]
        put_mail("member-removed", "ana@acme.example", {}, None)
        report("worker-1", now, None, plans, runs)


def scrape(app: Flask, authorization: str = f"Bearer {SERVICE_TOKEN}") -> TestResponse:
    headers = {"Authorization": authorization} if authorization else {}
    return app.test_client().get("/metrics", headers=headers)


def test_the_page_shows_jobs_queues_and_workers(work: None, browse: Browse) -> None:
    page = browse(STAFF).send("GET", "/admin/jobs").text
    for words in (
        "Deliver mails",
        "12 ms",
        "4 done",
        "KeyError in portal/x.py:1",
        "worker-1",
        "Works",
        "Slack messages",
    ):
        assert words in page
    assert "No worker runs" not in page
    assert "ana@acme.example" not in page


def test_the_page_asks_again_for_what_changes_on_it(work: None, browse: Browse) -> None:
    whole = browse(STAFF).send("GET", "/admin/jobs").text
    part = browse(STAFF).send("GET", "/admin/jobs", HX_Request="true")
    assert 'hx-trigger="refresh from:body"' in whole
    assert "<html" not in part.text
    assert "worker-1" in part.text
    assert "HX-Request" in part.headers["Vary"]


def test_asking_again_keeps_no_session_alive(app: Flask, work: None, browse: Browse) -> None:
    browser = browse(STAFF)
    long_ago = utcnow() - timedelta(minutes=10)
    with app.app_context():
        db.session.execute(update(UserSession).values(last_seen_at=long_ago))
        db.session.commit()
    assert browser.send("GET", "/admin/jobs", HX_Request="true").status_code == 200
    with app.app_context():
        assert set(db.session.scalars(db.select(UserSession.last_seen_at))) == {long_ago}
    assert browser.send("GET", "/admin/jobs").status_code == 200
    with app.app_context():
        assert max(db.session.scalars(db.select(UserSession.last_seen_at))) > long_ago


@pytest.mark.parametrize("email", ["owner@acme.example", None])
def test_the_page_is_for_staff(work: None, browse: Browse, email: str | None) -> None:
    answer = browse(email).send("GET", "/admin/jobs")
    assert answer.status_code == (404 if email else 303)
    assert "worker-1" not in answer.text


def test_staff_are_told_on_every_page_that_no_worker_runs(app: Flask, work: None, browse: Browse) -> None:
    with app.app_context():
        gone = {"seen_at": utcnow() - timedelta(seconds=70)}
        db.session.execute(update(WorkerProcess).values(**gone))
        db.session.commit()
    for address in ("/admin/organizations", "/admin/jobs"):
        assert "No worker runs" in browse(STAFF).send("GET", address).text
    assert "No worker runs" not in browse("owner@acme.example").send("GET", "/account/team").text


def test_staff_are_told_of_a_stalled_worker(app: Flask, work: None, browse: Browse) -> None:
    with app.app_context():
        db.session.execute(update(WorkerProcess).values(stalled_job="deliver_mails"))
        db.session.commit()
    assert "makes no progress" in browse(STAFF).send("GET", "/admin/organizations").text


def test_metrics_are_the_figures_of_the_page(app: Flask, work: None) -> None:
    answer = scrape(app)
    assert (answer.status_code, answer.mimetype) == (200, "text/plain")
    found = {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }
    with app.app_context():
        work_now = overview()
        for job in work_now.jobs:
            assert found["portal_job_runs_total", job.state.job] == job.state.runs == 1
            assert found["portal_job_failures_total", job.state.job] == job.state.failures
            assert job.state.last_milliseconds is not None
            seconds = found["portal_job_last_duration_seconds", job.state.job]
            assert seconds == job.state.last_milliseconds / 1000
        for queue in work_now.backlogs:
            assert found["portal_queue_waiting", queue.queue] == queue.waiting
            assert found["portal_queue_dead", queue.queue] == queue.dead
    assert found["portal_queue_oldest_age_seconds", "mail"] > 0
    assert found["portal_queue_oldest_age_seconds", "slack"] == 0
    assert found["portal_job_last_success_timestamp_seconds", "deliver_mails"] > 0
    assert ("portal_job_last_success_timestamp_seconds", "tidy_up") not in found
    assert found["portal_workers_alive",] == 1


@pytest.mark.parametrize(
    "authorization",
    ["", SERVICE_TOKEN, f"Basic {SERVICE_TOKEN}", f"Bearer {SERVICE_TOKEN}x", "Bearer", "Bearer ä"],
)
def test_metrics_need_a_service_token(app: Flask, work: None, authorization: str) -> None:
    answer = scrape(app, authorization)
    assert (answer.status_code, answer.headers["WWW-Authenticate"]) == (401, "Bearer")
    assert "portal_" not in answer.text


def test_each_of_several_tokens_works(app: Flask, work: None) -> None:
    tokens = ["first-" + "x" * 32, "second-" + "y" * 32]
    url = app.config["SQLALCHEMY_DATABASE_URI"]
    app.extensions["portal"].settings = make_settings(url, service_tokens=",".join(tokens))
    assert [scrape(app, f"bearer {token}").status_code for token in tokens] == [200, 200]
    assert scrape(app).status_code == 401


def test_without_a_token_configured_there_are_no_metrics(app: Flask, work: None) -> None:
    app.extensions["portal"].settings = make_settings(
        app.config["SQLALCHEMY_DATABASE_URI"], service_tokens=""
    )
    assert scrape(app).status_code == 404


def test_a_scraper_may_come_by_address(app: Flask, work: None) -> None:
    headers = {"Authorization": f"Bearer {SERVICE_TOKEN}", "Host": "10.0.0.7:5000"}
    assert app.test_client().get("/metrics", headers=headers).status_code == 200
