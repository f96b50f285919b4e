"""Forms of the company's details and tax ids."""

from collections.abc import Iterable
from typing import Any

from wtforms import Field, SelectField, StringField, TextAreaField, ValidationError
from wtforms.validators import InputRequired, Length

from blueprints._forms import Cleaned, PortalForm
from portal.company.addresses import (
    NO_ADDRESS,
    AddressPart,
    check_address,
    countries,
    is_country,
    parts_with,
)
from portal.company.service import LONGEST_NAME, clean_order, clean_recipients
from portal.company.tax_id_checks import forms_of, tax_countries
from portal.errors import InvalidInputError
from portal.gateways.stripe_objects import AddressSnapshot
from portal.kit.text import clean_email

CHOOSE = ("", "Choose")


class CompanyForm(PortalForm):
    """Legal name and address. `company_form` adds the parts that addresses of the country have."""

    name = StringField(
        "Legal name",
        [InputRequired("Write the legal name."), Length(max=LONGEST_NAME, message="At most 120 characters.")],
    )
    country = SelectField("Country", validate_choice=False)
    parts: tuple[AddressPart, ...] = ()
    known: AddressSnapshot = NO_ADDRESS

    def address(self) -> AddressSnapshot | None:
        """What was typed; None without a country."""
        if not self.country.data:
            return None
        typed = {part.name: str(self[part.name].data or "") for part in self.parts}
        return AddressSnapshot(country=str(self.country.data), **typed)

    def validate(self, extra_validators: Any = None) -> bool:
        """Every fault of the address at once, each beside its field."""
        is_good = bool(super().validate(extra_validators))
        address = self.address()
        errors = check_address(address, self.known)[1] if address else {}
        for name, message in errors.items():
            self[name].errors = [*self[name].errors, message]
        return is_good and not errors


def company_form(country: str, /, *, known: AddressSnapshot, **options: Any) -> CompanyForm:
    """A form with the fields of `country`. Once an address is known there is no way back to none."""
    parts = parts_with(country, known) if is_country(country) else ()
    fields = {part.name: _part_field(part) for part in parts}
    made = type("CompanyForm", (CompanyForm,), {**fields, "parts": parts, "known": known})
    form: CompanyForm = made(**options)
    form.country.choices = [*([] if known.country else [("", "No address")]), *countries()]
    return form


def _part_field(part: AddressPart) -> Field:
    if part.choices:
        return SelectField(part.label, choices=[CHOOSE, *part.choices], validate_choice=False)
    return StringField(part.label)


class LinesField(TextAreaField):
    """One value a line."""

    def process_formdata(self, valuelist: Iterable[str]) -> None:
        """Commas and semicolons part addresses too, as people paste them."""
        text = "\n".join(valuelist)
        for mark in ",;":
            text = text.replace(mark, "\n")
        self.data = "\n".join(line.strip() for line in text.splitlines() if line.strip())


class DeliveryForm(PortalForm):
    """Where invoices go, and what the customer wants to find on them."""

    billing_email = StringField(
        "Billing email", [InputRequired("Write an email address."), Cleaned(clean_email)]
    )
    recipients = LinesField("Further recipients")
    purchase_order = StringField("PO number", [Cleaned(lambda typed, field: clean_order(typed))])

    def validate_recipients(self, field: Field) -> None:
        """Raises `ValidationError` naming a line that is no address."""
        billing_email = str(self.billing_email.data or "").strip().lower()
        try:
            clean_recipients(str(field.data or "").splitlines(), billing_email)
        except InvalidInputError as error:
            raise ValidationError(error.message) from None


class TaxIdForm(PortalForm):
    """A number, of which kind, of which country."""

    country = SelectField("Country", validate_choice=False)
    type = SelectField("Kind", validate_choice=False)
    value = StringField("Number", [InputRequired("Write the number.")])

    def validate(self, extra_validators: Any = None) -> bool:
        """Without a kind the page has no field of the number: what is wrong is the country."""
        if self.type.choices:
            return bool(super().validate(extra_validators))
        is_named = is_country(str(self.country.data))
        reason = (
            "There are no tax IDs of this country that go on invoices." if is_named else "Choose a country."
        )
        self.country.errors = [reason]
        return False

    def offer(self, country: str) -> None:
        """Offer the kinds that a country has."""
        self.country.choices = [("", "Choose"), *tax_countries()]
        self.country.data = country
        kinds = [kind for kind, _ in forms_of(country)]
        self.type.choices = [(kind.type, kind.name) for kind in kinds]
        if self.type.data not in [kind.type for kind in kinds]:
            self.type.data = kinds[0].type if kinds else ""
