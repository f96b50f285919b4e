"""The help desks as agents see them: pages that open a ticket, let their own server sign and send, and draw the answer.

Each host does what its product does: Help Scout keeps the elements and classes of its style guide and drops the rest,
Intercom draws Canvas Kit components and reads Markdown in `text`, Zendesk runs our app with its framework and signs
in its proxy. The portal is reached by real HTTP and never by the browser.
"""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import jwt
from playwright.sync_api import Page, Route

from tests.support.help_desk import (
    ZENDESK_SECRET,
    helpscout_body,
    helpscout_request,
    intercom_body,
    intercom_request,
)
from tests.support.processes import ROOT, http

APP = ROOT / "integrations" / "zendesk"
SDK = "https://static.zdassets.com/zendesk_app_framework_sdk/2.0/zaf_sdk.min.js"
KINDS = {"html": "text/html; charset=utf-8", "js": "text/javascript", "css": "text/css"}
SECONDS = 20.0

HELPSCOUT_PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><title>Help Scout</title>
<style>body{margin:0;padding:12px;font:13px/19px sans-serif;color:#394956;overflow-wrap:anywhere}
ul{list-style:none;margin:0;padding:0}.c-sb-list-item__label{display:block;color:#72808e;padding:3px 0}
.c-sb-list-item__text{display:block;color:#394956}.red{color:#d21b14}.muted{color:#93a1af}
.divider{border-top:1px solid #d5dce1;margin:10px 0}h4{margin:10px 0 2px}</style><main id="app"></main><script>
const TAGS = new Set(["UL", "LI", "SPAN", "H4", "A", "P", "DIV"]);
function copy(node) {
  if (node.nodeType === 3) return document.createTextNode(node.data);
  if (node.nodeType !== 1 || !TAGS.has(node.tagName)) return document.createDocumentFragment();
  const made = document.createElement(node.tagName);
  if (node.className) made.className = node.className;
  if (node.tagName === "A") { made.href = node.getAttribute("href"); made.target = "_blank"; }
  node.childNodes.forEach((child) => made.append(copy(child)));
  return made;
}
fetch("/ask" + location.search).then((answer) => answer.json()).then(({ html }) => {
  const given = new DOMParser().parseFromString(html, "text/html");
  given.body.childNodes.forEach((child) => app.append(copy(child)));
});
</script></html>"""

INTERCOM_PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><title>Intercom</title>
<style>body{margin:0;padding:12px;font:14px/20px sans-serif;overflow-wrap:anywhere}
.header{font-weight:700;margin:10px 0 4px}.muted{color:#666}.error{color:#b00}dl{margin:0}
dl div{display:flex;gap:8px}dt{flex:0 0 38%;color:#666}dd{margin:0}ul{list-style:none;margin:0;padding:0}
li{padding:4px 0}li small{display:block;color:#666}</style><main id="app"></main><script>
const LINK = /\\[([^\\]]*)\\]\\(([^)]*)\\)|(https?:\\/\\/\\S+)/g;
function el(name, text, className) {
  const made = document.createElement(name);
  if (className) made.className = className;
  if (text !== undefined) markdown(made, text);
  return made;
}
function markdown(into, text) {  // in every text, to be on the safe side
  let at = 0;
  for (const found of text.matchAll(LINK)) {
    into.append(text.slice(at, found.index));
    const link = document.createElement("a");
    link.href = found[2] || found[3];
    link.textContent = found[1] || found[3];
    into.append(link);
    at = found.index + found[0].length;
  }
  into.append(text.slice(at));
}
const DRAW = {
  text: (part) => el("p", part.text, part.style),
  divider: () => el("hr"),
  spacer: () => el("div"),
  "data-table": (part) => {
    const table = el("dl");
    for (const { field, value } of part.items) {
      const row = el("div");
      row.append(el("dt", field), el("dd", value));
      table.append(row);
    }
    return table;
  },
  list: (part) => {
    const list = el("ul");
    for (const item of part.items) {
      const row = el("li", item.title);
      row.append(el("small", item.subtitle));
      list.append(row);
    }
    return list;
  },
  button: (part) => {
    const made = el(part.action.type === "url" ? "a" : "button");
    made.textContent = part.label;
    if (part.action.type === "url") made.href = part.action.url;
    else made.addEventListener("click", () => load("/submit"));
    return made;
  },
};
function load(path) {
  fetch(path + location.search).then((answer) => answer.json()).then(({ canvas }) => {
    app.replaceChildren(...canvas.content.components.map((part) => DRAW[part.type](part)));
  });
}
load("/ask");
</script></html>"""

ZENDESK_SDK = """
const asked = new URLSearchParams(location.search);
const TICKET = {
  "ticket.id": Number(asked.get("ticket")),
  "ticket.requester.email": asked.get("email"),
  "currentUser.name": "Dana Reyes",
};
window.ZAFClient = { init: () => ({
  metadata: async () => ({ settings: { portal_url: "PORTAL/" } }),
  get: async (paths) => Object.fromEntries(paths.map((path) => [path, TICKET[path]])),
  invoke: async () => {},
  on: (name, listener) => window.addEventListener(name, listener),
  request: async (options) => {
    const answer = await fetch("/proxy", { method: "POST", body: JSON.stringify(options) });
    if (!answer.ok) throw { status: answer.status };
    return answer.json();
  },
}) };
"""


class Host(BaseHTTPRequestHandler):
    """One product's pages and its server."""

    def __init__(self, portal: str, source: str, *given: Any) -> None:
        self.portal, self.source = portal, source
        super().__init__(*given)

    def do_GET(self) -> None:
        path, _, query = self.path.partition("?")
        asked = dict(part.split("=", 1) for part in query.split("&") if "=" in part)
        if path in {"/ask", "/submit"}:
            self._forward(self._request(path, asked))
        elif self.source == "zendesk" and (file := APP / "assets" / path.rsplit("/", 1)[-1]).is_file():
            self._answer(200, file.read_bytes(), KINDS[file.suffix[1:]])
        elif path == "/":
            page = HELPSCOUT_PAGE if self.source == "helpscout" else INTERCOM_PAGE
            self._answer(200, page.encode(), KINDS["html"])
        else:
            self._answer(204, b"", KINDS["html"])

    def do_POST(self) -> None:
        """Zendesk's proxy: puts secure settings and the token in, and sends."""
        options = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        assert options["secure"] is True
        assert not options.get("cors")
        wish = options["jwt"]
        secret = wish["secret_key"].replace("{{setting.shared_secret}}", ZENDESK_SECRET)
        claims = {**wish["claims"], "exp": int(time.time()) + wish["expiry"]}
        token = jwt.encode(claims, secret, algorithm=wish["algorithm"])
        headers = {name: value.replace("{{jwt.token}}", token) for name, value in options["headers"].items()}
        headers["Content-Type"] = options["contentType"]
        answer = http().post(options["url"], options["data"], headers=headers, timeout=SECONDS)
        self._answer(answer.status_code, answer.content, "application/json")

    def _request(self, path: str, asked: dict[str, str]) -> tuple[str, bytes, dict[str, str]]:
        email, ticket = asked["email"].replace("%40", "@"), asked["ticket"]
        if self.source == "helpscout":
            return helpscout_request(helpscout_body(email, ticket))
        to, body, headers = intercom_request(intercom_body(email, ticket))
        return to.replace("initialize", "submit") if path == "/submit" else to, body, headers

    def _forward(self, request: tuple[str, bytes, dict[str, str]]) -> None:
        path, body, headers = request
        answer = http().post(self.portal + path, body, headers=headers, timeout=SECONDS)
        self._answer(answer.status_code, answer.content, "application/json")

    def _answer(self, status: int, body: bytes, kind: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Quiet."""


@contextmanager
def sidebar_host(portal: str, source: str) -> Iterator[str]:
    """The address of one product's pages, whose sidebar asks the portal at `portal`."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Host, portal, source))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def open_ticket(page: Page, host: str, source: str, portal: str, email: str, ticket: str) -> None:
    """An agent opens a ticket; its sidebar starts to ask."""

    def give_sdk(route: Route) -> None:
        route.fulfill(body=ZENDESK_SDK.replace("PORTAL", portal), content_type=KINDS["js"])

    page.route(SDK, give_sdk)
    start = "/assets/iframe.html" if source == "zendesk" else "/"
    page.goto(f"{host}{start}?ticket={ticket}&email={email}")
