"""What a nudge says of each reason; mail and note say the same."""

from dataclasses import dataclass

from portal.inbox.reasons import all_reasons
from portal.scope.screens import SCREENS_BY_NAME


@dataclass(frozen=True, slots=True)
class Words:
    """A title and a sentence or two, in plain text."""

    title: str
    text: str


WORDS = {
    "payment_method": Words(
        "Change the card yourself",
        "On the Billing page you can replace the card on file. The next invoice is charged to the new one.",
    ),
    "billing_details": Words(
        "Change what stands on your invoices",
        "On the Billing page you can change company name, address, tax ID and who gets the invoices.",
    ),
    "plan_change": Words(
        "Change your plan yourself",
        "On the Billing page you can choose another plan or number of seats, and see the price before you confirm.",
    ),
    "plan_cancel": Words(
        "Cancel or keep your plan yourself",
        "On the Billing page you can have your plan end with the period that is paid, and take that back.",
    ),
    "unexpected_charge": Words(
        "See what each charge was for",
        "On the Invoices page each invoice says what was charged, for which time and why.",
    ),
    "invoice_download": Words(
        "Get your invoices yourself",
        "On the Invoices page you can download each invoice as a PDF, or all of a period at once.",
    ),
    "usage_limits": Words(
        "See your usage and limits",
        "The Usage page shows what is used, what is included and when the count starts again.",
    ),
    "team_invite": Words(
        "Invite teammates yourself",
        "On the Team page you can invite people, choose their role, and send an invitation again.",
    ),
    "team_remove_role": Words(
        "Change roles and remove people yourself",
        "On the Team page you can change what each person may do, and remove who has left.",
    ),
    "ownership_transfer": Words(
        "Hand ownership over yourself",
        "On the Team page an owner can make somebody else an owner.",
    ),
    "two_factor": Words(
        "Look after your second factor",
        "On the Security page you can set up an authenticator app and make new recovery codes.",
    ),
    "sessions_security": Words(
        "See where you are signed in",
        "The Security page lists your devices, and signs out those that you do not know.",
    ),
    "api_keys": Words(
        "Make and revoke API keys yourself",
        "On the API keys page you can make keys, see when each was last used, and revoke them.",
    ),
}


def words_of(reason: str, screen: str) -> Words:
    """What is said of a reason. One that the file of reasons has got since is told by its title alone."""
    label = SCREENS_BY_NAME[screen].label
    found = all_reasons().get(reason)
    title = found.title if found else label
    return WORDS.get(reason) or Words(title, f"The {label} page does this now.")
