"""Rules for all tests: no network beyond this machine, no key, no setting of whoever runs them."""

import ipaddress
import os
import sys

import pytest

_guarding = False


class NetworkUsed(AssertionError):
    """A test tried to leave the machine."""


def _guard(event: str, args: tuple[object, ...]) -> None:
    if not _guarding:
        return
    if event == "socket.connect":
        address = args[1]
        if isinstance(address, tuple) and not _is_local(str(address[0])):
            raise NetworkUsed(f"connect to {address}")
    elif event == "socket.getaddrinfo" and not _is_local(str(args[0])):
        raise NetworkUsed(f"look-up of {args[0]}")


def _is_local(host: str) -> bool:
    if host in ("localhost", "None", "", "0.0.0.0", "::"):  # the last two are what a server binds
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


# An audit hook sees every socket of the interpreter, also those that C code opens through Python.
sys.addaudithook(_guard)


@pytest.fixture(autouse=True)
def _no_network():
    global _guarding
    _guarding = True
    yield
    _guarding = False


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch, tmp_path):
    for name in list(os.environ):
        if name.startswith(("QA_", "OPENAI_")):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
