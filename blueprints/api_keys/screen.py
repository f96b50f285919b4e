"""API keys: create, list, revoke."""

from flask import Response, url_for

from blueprints._actor import current_actor
from blueprints._forms import carry_out
from blueprints._guards import requires
from blueprints._htmx import fragment, is_fragment_request, page, redirect_to
from blueprints._limits import COSTLY, limiter
from blueprints.api_keys import api_keys
from blueprints.api_keys.forms import KeyForm
from portal.api_keys import queries, service
from portal.permissions import Permission


@api_keys.get("")
@requires(Permission.API_KEYS_READ)
def list_keys() -> Response:
    """The organization's keys and the form for a new one."""
    return show_keys(KeyForm(formdata=None))


@api_keys.post("")
@requires(Permission.API_KEYS_MANAGE)
@limiter.limit(COSTLY)
def create_key() -> Response:
    """Make a key. Its secret is in this answer and nowhere else, so this answer is a page and not a redirect."""
    form = KeyForm()
    made = carry_out(form, lambda: service.create_key(current_actor(), str(form.name.data)))
    if made is None:
        return show_keys(form, 422)
    key, secret = made
    return page("api_keys/created.html", 201, key=key, secret=secret)


@api_keys.get("/<key_id>/revoke")
@requires(Permission.API_KEYS_MANAGE)
def confirm_revocation(key_id: str) -> Response:
    """Ask once more, as a dialog or as a page."""
    key = queries.get_key(current_actor().organization, key_id)
    if is_fragment_request():
        return fragment("api_keys/_revoke_dialog.html", key=key)
    return page("api_keys/revoke.html", key=key)


@api_keys.post("/<key_id>/revoke")
@requires(Permission.API_KEYS_MANAGE)
def revoke_key(key_id: str) -> Response:
    """Refuse the key from now on."""
    key = service.revoke_key(current_actor(), key_id)
    return redirect_to(url_for("api_keys.list_keys"), f"{key.name} is revoked.")


def show_keys(form: KeyForm, status: int = 200) -> Response:
    """The keys page around its form."""
    return page("api_keys/list.html", status, form=form, keys=queries.list_keys(current_actor().organization))
