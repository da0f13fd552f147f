"""The server: an address of this machine, the application behind it, a good end."""

from __future__ import annotations

import ipaddress
import logging
import socket
from dataclasses import dataclass
from pathlib import Path

import uvicorn

from phototag.errors import CannotServe, UsageError
from phototag.web.app import application
from phototag.web.desk import Desk
from phototag.web.guard import Keys, names_of_machine
from phototag.web.scanning import ScanJob

SHORTEST = 8
"""Characters of the shortest password that is taken."""

GRACE = 3
"""Seconds that open requests are given when the server ends."""


@dataclass(frozen=True, slots=True)
class Address:
    """Where the page is served."""

    host: str = "127.0.0.1"
    port: int = 8765
    """0: any that is free."""

    @property
    def is_loopback(self) -> bool:
        if self.host == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False


def check(address: Address, password_file: Path | None) -> str | None:
    """The password, or None where the machine itself keeps others out. Raises UsageError."""
    if password_file is None:
        if not address.is_loopback:
            raise UsageError(
                f"--host {address.host} lets other machines in, so a password is needed: "
                "--password-file FILE (its first line; readable for you alone)."
            )
        return None
    try:
        mode = password_file.stat().st_mode
        text = password_file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"--password-file {password_file} cannot be read: {error}.") from error
    if mode & 0o077:
        raise UsageError(f"{password_file} can be read by others: chmod 600 {password_file}")
    password = text.partition("\n")[0].strip("\r")
    if len(password) < SHORTEST:
        raise UsageError(
            f"The password in {password_file} is too short: {SHORTEST} characters are the least."
        )
    return password


def bound(address: Address) -> socket.socket:
    """A socket at the address. Raises CannotServe."""
    family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
    place = socket.socket(family, socket.SOCK_STREAM)
    try:
        place.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        place.bind((address.host, address.port))
        place.listen(128)
    except (OSError, OverflowError) as error:
        place.close()
        said = error.strerror if isinstance(error, OSError) else "ports end at 65535"
        raise CannotServe(
            f"{address.host}:{address.port} cannot be used: {said}. "
            "Name another port (--port 8766), or --port 0 for any that is free."
        ) from error
    return place


@dataclass(frozen=True, slots=True)
class Service:
    """A server that is ready to run, and where it will be found."""

    server: uvicorn.Server
    place: socket.socket
    url: str
    is_new: bool
    """Whether the library was begun just now."""


def prepared(desk: Desk, address: Address, password: str | None = None) -> Service:
    """A library is begun where there is none, since folders are scanned from the page; not for
    other machines, who may add none. Raises CannotServe, NoLibrary and its kin."""
    place = bound(address)
    try:
        is_new = desk.check(create=address.is_loopback)
    except BaseException:
        place.close()
        raise
    port = place.getsockname()[1]
    keys = Keys(port, password=password)
    if password is not None:
        keys.token = None
    if not address.is_loopback:
        keys.hosts = names_of_machine(address.host)
    scan = ScanJob(desk)
    config = uvicorn.Config(
        application(desk, keys, scan, may_add=address.is_loopback),
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=GRACE,
        lifespan="on",
    )
    logging.getLogger("uvicorn").setLevel(logging.ERROR)
    server = uvicorn.Server(config)
    scan.is_over = lambda: server.should_exit
    return Service(server, place, _url(address, port, keys), is_new)


def run(service: Service) -> None:
    """Serve until Ctrl-C or a polite kill: the ways in which it is meant to end."""
    try:
        service.server.run(sockets=[service.place])
    except KeyboardInterrupt:
        pass
    finally:
        service.place.close()


def _url(address: Address, port: int, keys: Keys) -> str:
    host = f"[{address.host}]" if ":" in address.host else address.host
    token = f"/?token={keys.token}" if keys.token is not None else "/"
    return f"http://{host}:{port}{token}"
