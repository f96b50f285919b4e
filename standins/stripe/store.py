"""The stand-in's own SQLite file: JSON objects by id and kind, webhook deliveries, idempotency keys."""

import json
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

Obj = dict[str, Any]

_TABLES = """
create table if not exists objects (
  seq integer primary key autoincrement, id text not null unique, kind text not null,
  parent text, created integer not null, data text not null);
create index if not exists objects_by_kind on objects (kind, parent);
create index if not exists objects_by_token on objects (json_extract(data, '$._token'));
create table if not exists deliveries (
  seq integer primary key autoincrement, event_id text not null, endpoint_id text not null, due real not null,
  state text not null default 'pending', attempts text not null default '[]');
create index if not exists deliveries_by_state on deliveries (state, due);
create table if not exists answers (key text primary key, request text not null, status integer not null,
  request_id text not null, body text not null);
"""


class Store:
    """JSON objects with an id, a kind and a parent. The caller holds one lock around every use."""

    def __init__(self, path: str) -> None:
        self.db = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        self.db.execute("pragma journal_mode = wal")
        self.db.execute("pragma synchronous = normal")
        self.db.executescript(_TABLES)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing."""
        self.db.execute("begin")
        try:
            yield
        except BaseException:
            self.db.execute("rollback")
            raise
        self.db.execute("commit")

    @contextmanager
    def trial(self) -> Iterator[None]:
        """What is written inside is taken back at the end: how a preview is computed."""
        self.db.execute("savepoint trial")
        try:
            yield
        finally:
            self.db.execute("rollback to trial")
            self.db.execute("release trial")

    @contextmanager
    def step(self) -> Iterator[None]:
        """A part of a transaction that is taken back alone when it raises."""
        self.db.execute("savepoint step")
        try:
            yield
        except BaseException:
            self.db.execute("rollback to step")
            raise
        finally:
            self.db.execute("release step")

    def insert(self, obj: Obj, parent: str | None) -> None:
        """Adds an object; its kind is its `object` member."""
        self.db.execute(
            "insert into objects (id, kind, parent, created, data) values (?, ?, ?, ?, ?)",
            (obj["id"], obj["object"], parent, obj.get("created", 0), json.dumps(obj)),
        )

    def update(self, obj: Obj) -> None:
        """Writes an object back."""
        self.db.execute("update objects set data = ? where id = ?", (json.dumps(obj), obj["id"]))

    def move(self, ident: str, parent: str | None) -> None:
        """Gives an object another parent."""
        self.db.execute("update objects set parent = ? where id = ?", (parent, ident))

    def remove(self, ident: str) -> None:
        """Forgets an object."""
        self.db.execute("delete from objects where id = ?", (ident,))

    def find(self, ident: str, kind: str | None = None) -> Obj | None:
        """The object with this id, if it is of this kind."""
        row = self.db.execute("select kind, data from objects where id = ?", (ident,)).fetchone()
        if row is None or (kind is not None and row[0] != kind):
            return None
        found: Obj = json.loads(row[1])
        return found

    def by_token(self, kind: str, token: str) -> Obj | None:
        """The object of a kind whose page has this token in its address."""
        row = self.db.execute(
            "select data from objects where json_extract(data, '$._token') = ? and kind = ?", (token, kind)
        ).fetchone()
        return json.loads(row[0]) if row else None

    def all(self, kind: str, parent: str | None = None) -> list[Obj]:
        """Objects of a kind, newest first."""
        query = "select data from objects where kind = ?"
        values = [kind]
        if parent is not None:
            query += " and parent = ?"
            values.append(parent)
        rows = self.db.execute(query + " order by created desc, seq desc", values)
        return [json.loads(row[0]) for row in rows]

    def children(self, kind: str, parent: str) -> list[Obj]:
        """Objects of a kind below a parent, in the order in which they were added."""
        rows = self.db.execute(
            "select data from objects where kind = ? and parent = ? order by seq", (kind, parent)
        )
        return [json.loads(row[0]) for row in rows]

    def clear(self) -> None:
        """Forgets everything."""
        with self.transaction():
            for table in ("objects", "deliveries", "answers"):
                self.db.execute(f"delete from {table}")  # noqa: S608 - fixed names
