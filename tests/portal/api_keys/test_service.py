"""A key is shown once, kept as a hash, and refused for good when it is revoked."""

import pytest

from portal.api_keys import queries, service
from portal.api_keys.models import ApiKey
from portal.api_keys.service import MAXIMUM_LIVE, create_key, is_well_formed, new_key_secret, revoke_key
from portal.audit.models import AuditEntry
from portal.errors import ConflictError, ForbiddenError, InvalidInputError, NotFoundError
from portal.extensions import db
from portal.kit.tokens import digest
from portal.notifications.models import OutboxMessage
from portal.permissions import Role
from tests.factories import World


def test_only_a_hash_is_kept_anywhere(world: World) -> None:
    _, secret = create_key(world.acme.actor(), "Export")
    db.session.commit()
    row = db.session.scalars(db.select(ApiKey)).one()
    assert row.secret_hash == digest(secret)
    assert secret.startswith(row.prefix)
    written = [*db.session.scalars(db.select(AuditEntry)), *db.session.scalars(db.select(OutboxMessage)), row]
    everything = str([vars(item) for item in written])
    assert secret not in everything
    assert secret[len(row.prefix) :] not in everything


def test_it_is_told_when_a_key_is_made_and_once_when_it_is_revoked(world: World) -> None:
    key, _ = create_key(world.acme.actor(Role.MEMBER), "Export")
    for _ in range(2):
        revoke_key(world.acme.actor(), key.id)
    told = db.session.scalars(db.select(OutboxMessage).order_by(OutboxMessage.id)).all()
    assert [message.topic for message in told] == ["api-key-created", "api-key-revoked"]
    assert {message.payload["prefix"] for message in told} == {key.prefix}


def test_a_list_never_selects_the_hash(world: World) -> None:
    create_key(world.acme.actor(), "Export")
    (row,) = queries.list_keys(world.acme.organization_id)
    assert "secret_hash" not in row._mapping


def test_live_keys_come_first(world: World) -> None:
    names = {}
    for name in ("one", "two", "three"):
        names[name] = create_key(world.acme.actor(), name)[0].id
    revoke_key(world.acme.actor(), names["three"])
    assert [row.name for row in queries.list_keys(world.acme.organization_id)] == ["two", "one", "three"]


def test_revoking_twice_changes_nothing(world: World) -> None:
    key, _ = create_key(world.acme.actor(), "Export")
    first = revoke_key(world.acme.actor(), key.id).revoked_at
    assert revoke_key(world.acme.actor(), key.id).revoked_at == first
    assert (
        len(
            db.session.scalars(
                db.select(AuditEntry).where(AuditEntry.action == "api-key:secret:revoked")
            ).all()
        )
        == 1
    )


def test_another_tenants_key_is_not_found(world: World) -> None:
    key, _ = create_key(world.globex.actor(), "Export")
    with pytest.raises(NotFoundError):
        revoke_key(world.acme.actor(), key.id)
    with pytest.raises(NotFoundError):
        queries.get_key(world.acme.organization_id, key.id)


@pytest.mark.parametrize("role", [Role.VIEWER, Role.BILLING])
def test_who_may_not_manage_keys_makes_and_revokes_none(world: World, role: Role) -> None:
    key, _ = create_key(world.acme.actor(), "Export")
    with pytest.raises(ForbiddenError):
        create_key(world.acme.actor(role), "Export")
    with pytest.raises(ForbiddenError):
        revoke_key(world.acme.actor(role), key.id)


@pytest.mark.parametrize("name", ["", "  ", "x" * 81, "a\x00b"])
def test_a_key_needs_a_name_that_can_be_shown(world: World, name: str) -> None:
    with pytest.raises(InvalidInputError) as refusal:
        create_key(world.acme.actor(), name)
    assert refusal.value.field == "name"


def test_at_most_a_hundred_keys_live(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    assert MAXIMUM_LIVE == 100
    monkeypatch.setattr(service, "MAXIMUM_LIVE", 3)
    keys = [create_key(world.acme.actor(), f"key {number}")[0] for number in range(3)]
    with pytest.raises(ConflictError, match="There are 3 keys"):
        create_key(world.acme.actor(), "one more")
    revoke_key(world.acme.actor(), keys[0].id)
    create_key(world.acme.actor(), "one more")


def test_secrets_are_random_and_well_formed() -> None:
    secrets = {new_key_secret() for _ in range(500)}
    assert len(secrets) == 500
    assert all(is_well_formed(secret) for secret in secrets)


@pytest.mark.parametrize(
    "wrong", ["", "ptl_", "ptl_" + "a" * 38, "ptl-" + "0" * 38, "sk_live_x", "ümlaut", "ptl_" + "🦊" * 38]
)
def test_other_texts_are_not_well_formed(wrong: str) -> None:
    assert not is_well_formed(wrong)


def test_one_wrong_letter_is_noticed() -> None:
    secret = new_key_secret()
    for position in range(4, len(secret)):
        other = "a" if secret[position] != "a" else "b"
        assert not is_well_formed(secret[:position] + other + secret[position + 1 :])


def test_a_prefix_does_not_give_the_secret_away() -> None:
    assert service.SHOWN_LENGTH - len(service.KIND) - 1 <= 8
    assert service.SECRET_LENGTH - 8 >= 22
