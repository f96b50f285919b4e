"""The floor that the portal is measured against: bare Flask views on the same server and the same database.

`granian --factory bench.floor:create_floor` with `DATABASE_URL` and `FLOOR_SECRET`. A transaction begins and ends
here as it does in the portal: reads through `reading_engine`, writes through the engine itself. Reads have the
portal's pool but not its check of a connection before use, which is part of what the portal pays for.
"""

import hashlib
import hmac
import os
import secrets

from flask import Flask, abort, request
from sqlalchemy import Column, MetaData, String, Table, Text, bindparam, create_engine, insert, select

from bench.writes import add_writes
from portal.config import ROOT
from portal.database import reading_engine
from portal.gateways.pdf import render_pdf
from portal.identity.models import User

RECEIVED = Table(
    "bench_received", MetaData(), Column("id", String(32), primary_key=True), Column("payload", Text)
)
ONE_USER = select(User.id, User.name, User.email).where(User.id == bindparam("user_id"))
INSERT = insert(RECEIVED)
LONG_DOCUMENT = "<html lang=en><title>Long</title><table>{}</table>".format(
    "".join(f"<tr><td>Line {number}</td><td>{number * 7}.00</td></tr>" for number in range(1200))
)


def create_floor() -> Flask:
    """The bare application."""
    engine = create_engine(os.environ["DATABASE_URL"], pool_size=5)
    reading = reading_engine(engine)
    secret = os.environ["FLOOR_SECRET"].encode()
    app = Flask(__name__)
    add_writes(app, os.environ["DATABASE_URL"])

    @app.get("/read/<user_id>")
    def read(user_id: str) -> str:
        """One indexed select."""
        with reading.connect() as connection:
            row = connection.execute(ONE_USER, {"user_id": user_id}).one()
        return f"{row.id} {row.name} {row.email}"

    @app.post("/write")
    def write() -> tuple[str, int]:
        """One HMAC check, one committed insert."""
        payload = request.get_data(cache=False)
        signature = hmac.new(secret, payload, hashlib.sha256).hexdigest()
        if not hmac.compare_digest(signature, request.headers["X-Signature"]):
            abort(400)
        with engine.begin() as connection:
            connection.execute(INSERT, {"id": secrets.token_hex(16), "payload": payload.decode()})
        return "", 204

    @app.get("/document.pdf")
    def document() -> tuple[bytes, dict[str, str]]:
        """A document that takes a second or more, for `bench.servers`."""
        return render_pdf(LONG_DOCUMENT, base=ROOT / "static"), {"Content-Type": "application/pdf"}

    return app
