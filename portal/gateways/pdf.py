"""HTML to PDF through WeasyPrint, which is imported with the first document.

WeasyPrint by itself reads every local file and every address that the HTML names, so that a name or a note in
an invoice could fetch what is not the customer's. Here only `data:` addresses and files of our own static
folder are let through; anything else stops the document.
"""

from hashlib import sha256
from mimetypes import guess_type
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from portal.errors import PortalError

if TYPE_CHECKING:
    from weasyprint.urls import URLFetcher  # type: ignore[import-untyped]


class ForbiddenResourceError(PortalError):
    """A document asked for something other than `data:` or a file of the static folder."""


def render_pdf(html: str, *, base: Path) -> bytes:
    """`html` as a tagged PDF/UA file; relative addresses in it are files under `base`, the static folder.

    The title, the language and the date (`<meta name="dcterms.created">`) are those of `html`; the same input
    gives the same bytes with the same fonts and WeasyPrint. Raises ForbiddenResourceError.
    """
    import weasyprint  # type: ignore[import-untyped]

    folder = base.resolve(strict=True)
    refused: list[ForbiddenResourceError] = []
    fetcher = _fetcher(folder, refused)
    document = weasyprint.HTML(string=html, base_url=f"{folder.as_uri()}/", url_fetcher=fetcher)
    identifier = sha256(html.encode()).hexdigest()[:32].encode()
    written: bytes = document.write_pdf(pdf_variant="pdf/ua-1", pdf_identifier=identifier)
    # WeasyPrint leaves out what it cannot fetch, and inside an SVG it swallows even its own fatal errors.
    if refused:
        raise refused[0]
    return written


def static_file(url: str, folder: Path) -> Path:
    """The file of `folder` (absolute, without symbolic links) that a `file:` address names.

    Raises ForbiddenResourceError for another scheme or host, a path that leaves the folder, a symbolic link,
    and a file that is not there.
    """
    parts = urlsplit(url)
    path = Path(unquote(parts.path))
    if parts.scheme != "file" or parts.netloc or not path.is_relative_to(folder):
        raise ForbiddenResourceError(f"This document names {url!r}, which is not ours.")
    if path.resolve() != path or not path.is_file():
        raise ForbiddenResourceError(f"This document names {url!r}, which is not a plain file of ours.")
    return path


def _fetcher(folder: Path, refused: list[ForbiddenResourceError]) -> "URLFetcher":
    from weasyprint.urls import URLFetcher, URLFetcherResponse

    class StaticFetcher(URLFetcher):  # type: ignore[misc] # WeasyPrint has no types
        def fetch(self, url: str, headers: dict[str, str] | None = None) -> URLFetcherResponse:
            if urlsplit(url).scheme == "data":
                return super().fetch(url, headers)
            try:
                path = static_file(url, folder)
            except ForbiddenResourceError as error:
                refused.append(error)
                raise
            kind = guess_type(path.name)[0] or "application/octet-stream"
            return URLFetcherResponse(url, path.read_bytes(), {"Content-Type": kind})

    return StaticFetcher(allowed_protocols=["data"], allow_redirects=False)
