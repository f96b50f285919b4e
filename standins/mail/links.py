"""Makes the addresses in a plain text clickable."""

import re

from markupsafe import Markup, escape

# Punctuation at the end belongs to the sentence, not to the address.
ADDRESS = re.compile(r"https?://[^\s<>\"']*[^\s<>\"'.,;:!?)\]]")
LINK = Markup('<a href="{0}" target="_blank" rel="noopener noreferrer">{0}</a>')


def with_links(text: str) -> Markup:
    """The text, escaped, with its http and https addresses as links."""
    parts: list[Markup] = []
    end = 0
    for match in ADDRESS.finditer(text):
        parts += [escape(text[end : match.start()]), LINK.format(match.group())]
        end = match.end()
    return Markup("").join([*parts, escape(text[end:])])
