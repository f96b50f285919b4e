"""Where everything listens."""

import errno
import os
import socket
from collections.abc import Mapping
from dataclasses import dataclass

from standins.run.errors import DemoError

DEFAULT_PORT = 5000
LAST_PORT = 65535
EVERYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - only compared with


@dataclass(frozen=True)
class Places:
    """The host as the caller named it, the IP address that every server binds to, and the port of each."""

    host: str
    address: str
    web: int
    stripe: int
    mail_pages: int
    smtp: int
    hooks: int
    vies: int

    @property
    def reachable_host(self) -> str:
        """The host as clients on this machine write it in an address."""
        host = EVERYWHERE.get(self.host, self.host)
        return f"[{host}]" if ":" in host else host

    def url(self, port: int) -> str:
        return f"http://{self.reachable_host}:{port}"


def choose_places(environment: Mapping[str, str]) -> Places:
    """From HOST and PORT; the stand-ins get the ports after it, or any free ones. Raises `DemoError`."""
    host = environment.get("HOST") or "127.0.0.1"
    address = _address_of(host)
    web = _wished_port(environment.get("PORT") or str(DEFAULT_PORT))
    _check_web_port(address, web)
    stripe, mail_pages, smtp, hooks, vies = (_free_port(address, web + step) for step in range(1, 6))
    return Places(host, address, web, stripe, mail_pages, smtp, hooks, vies)


def _address_of(host: str) -> str:
    """Granian takes addresses only; of a name with several, IPv4 is preferred."""
    try:
        found = [item[4][0] for item in socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)]
    except OSError:
        raise DemoError(f"HOST must be a name or an address of this machine, not {host!r}") from None
    return str(min(found, key=lambda address: ":" in str(address)))


def _wished_port(text: str) -> int:
    if not (text.isascii() and text.isdecimal()) or not 0 < int(text) <= LAST_PORT:
        raise DemoError(f"PORT must be a number from 1 to {LAST_PORT}, not {text!r}")
    return int(text)


def _check_web_port(address: str, port: int) -> None:
    try:
        _bind(address, port)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise DemoError(
                f"port {port} is taken; choose another one with: PORT={port + 100} make run"
            ) from None
        raise DemoError(
            f"cannot listen on HOST={address} PORT={port}: {os.strerror(error.errno or 0)}"
        ) from None


def _free_port(address: str, wish: int) -> int:
    try:
        return _bind(address, wish if wish <= LAST_PORT else 0)
    except OSError:
        return _bind(address, 0)


def _bind(address: str, port: int) -> int:
    """The port, after having listened on it for a moment."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.create_server((address, port), family=family) as server:
        bound: int = server.getsockname()[1]
        return bound
