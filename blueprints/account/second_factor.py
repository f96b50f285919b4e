"""Setting up the second factor, its recovery codes, and switching it off."""

import segno
from flask import Response, url_for
from markupsafe import Markup

from blueprints._actor import current_actor, require_signed_in
from blueprints._cookies import set_session_cookie
from blueprints._forms import carry_out
from blueprints._guards import recently_proved, signed_in_only
from blueprints._htmx import page, redirect_to
from blueprints.account import security
from blueprints.account.forms import KeepForm, ProofForm, SetupForm
from blueprints.account.overview import given_in, renewed, show_security
from portal.context import current_settings
from portal.identity import second_factor
from portal.identity import security as identity
from portal.identity.queries import user_by_id
from portal.identity.second_factor import Setup


@security.get("/second-factor")
@signed_in_only
@recently_proved
def set_up() -> Response:
    """A fresh secret to scan. Nothing is stored before a code has shown that the app has it."""
    session = require_signed_in()
    setup = second_factor.new_setup(session.user_id, session.email, current_settings().product_name)
    return show_setup(SetupForm(formdata=None), setup)


@security.post("/second-factor")
@signed_in_only
@recently_proved
def turn_on() -> Response:
    """Switch it on. The recovery codes are in this answer and nowhere else, so it is a page and no redirect."""
    form, session = SetupForm(), require_signed_in()
    product = current_settings().product_name
    setup = second_factor.open_setup(session.user_id, session.email, product, str(form.setup.data))
    if setup is None:
        message = "This took too long. Scan the new picture."
        return redirect_to(url_for("security.set_up"), message, "error")
    made = carry_out(
        form,
        lambda: second_factor.turn_on(
            current_actor(), user_by_id(session.user_id), session.token_hash, setup, str(form.code.data)
        ),
    )
    if made is None:
        return show_setup(form, setup, 422)
    response = show_codes(made.codes, "The second factor is on")
    set_session_cookie(response, made.token)
    return response


@security.get("/second-factor/off")
@signed_in_only
def ask_turn_off() -> Response:
    """Ask for password and code before it is switched off."""
    return show_turn_off(ProofForm(formdata=None))


@security.post("/second-factor/off")
@signed_in_only
def turn_off() -> Response:
    """Switch it off, with its recovery codes; staff cannot."""
    form = ProofForm()
    token = carry_out(
        form, lambda: identity.turn_off(current_actor(), require_signed_in().token_hash, given_in(form))
    )
    if token is None:
        return show_turn_off(form, 422)
    return renewed(url_for("security.overview"), "The second factor is off.", token)


@security.post("/codes")
@signed_in_only
@recently_proved
def make_codes() -> Response:
    """Ten new recovery codes, shown in this answer alone; the old ones end."""
    codes = second_factor.make_codes(current_actor(), user_by_id(require_signed_in().user_id))
    return show_codes(codes, "Your new recovery codes")


@security.post("/codes/kept")
@signed_in_only
def keep_codes() -> Response:
    """One of the codes typed in shows that they were kept; it stays unused."""
    form = KeepForm()

    def keep() -> bool:
        user = user_by_id(require_signed_in().user_id)
        second_factor.keep_codes(current_actor(), user, str(form.kept_code.data))
        return True

    if not carry_out(form, keep):
        return show_security(keep_form=form)
    return redirect_to(url_for("security.overview"), "Good. Your recovery codes are kept.")


def show_setup(form: SetupForm, setup: Setup, status: int = 200) -> Response:
    """The picture to scan, the same in letters, and the form for the first code."""
    form.setup.data = setup.sealed
    picture = segno.make(setup.app_address, error="m").svg_inline(
        scale=4, border=4, dark="#000", light="#fff", svgclass="qr", lineclass=None, omitsize=True
    )
    letters = " ".join(setup.key[start : start + 4] for start in range(0, len(setup.key), 4))
    return page(
        "account/second_factor.html",
        status,
        form=form,
        picture=Markup(picture),  # noqa: S704  # nosec B704: drawn by segno, holds no text of anybody's
        letters=letters,
        is_on=second_factor.has_second_factor(require_signed_in().user_id),
    )


def show_codes(codes: list[str], title: str) -> Response:
    """The one time that recovery codes are shown."""
    return page(
        "account/recovery_codes.html", 201, codes=codes, title=title, keep_form=KeepForm(formdata=None)
    )


def show_turn_off(form: ProofForm, status: int = 200) -> Response:
    """What it means, around the form."""
    session = require_signed_in()
    return page(
        "account/second_factor_off.html",
        status,
        form=form,
        is_on=second_factor.has_second_factor(session.user_id),
        is_staff=session.staff_role is not None,
    )
