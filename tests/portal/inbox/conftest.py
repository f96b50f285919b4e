"""A tagger that tests can read, and no real PDF where none is looked at."""

import pytest

from tests.portal.inbox.audits import SubjectTagger


@pytest.fixture
def tagger(monkeypatch: pytest.MonkeyPatch) -> SubjectTagger:
    """In the place of the real one; the gateway to PDFs answers at once."""
    fake = SubjectTagger()
    monkeypatch.setattr("portal.inbox.audit.load_tagger", fake.load)
    monkeypatch.setattr("portal.inbox.report.render_pdf", lambda html, *, base: b"%PDF-1.7 of a test")
    return fake
