"""Refuse every connection that leaves this machine, in any Python process that has this folder on its path."""

import ipaddress
import sys


class NetworkUsed(AssertionError):
    """A test or a child process tried to reach another machine."""


def _guard(event: str, args: tuple[object, ...]) -> None:
    if event == "socket.connect":
        address = args[1]
        if isinstance(address, tuple) and not _is_local(str(address[0])):
            raise NetworkUsed(f"connect to {address}")
    elif event == "socket.getaddrinfo" and not _is_local(str(args[0])):
        raise NetworkUsed(f"look-up of {args[0]}")


def _is_local(host: str) -> bool:
    if host in ("localhost", "None", "", "0.0.0.0", "::"):  # the last two are addresses that a server binds to
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


# An audit hook sees every socket call of the interpreter and cannot be removed.
sys.addaudithook(_guard)
