"""`qa keys`: create, list and revoke API keys. A running server picks up a change within a second."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from qa.cli.common import AsJson, open_catalog, print_json
from qa.errors import BadSettings

if TYPE_CHECKING:
    from qa.catalog.keys_and_feedback import KeyRow

app = typer.Typer(no_args_is_help=True, help="Make, list and revoke API keys.")
_DURATION = re.compile(r"(\d{1,5})([hdw])")
_HOURS = {"h": 1, "d": 24, "w": 168}


class Scope(StrEnum):
    """What a key permits: `ask` for questions and reading, `admin` for changing the store."""

    ASK = "ask"
    ADMIN = "admin"


@app.command()
def create(
    name: Annotated[str, typer.Argument(help="Whose key it is.")],
    scope: Annotated[list[Scope] | None, typer.Option(help="ask, admin; both if left out.")] = None,
    expires: Annotated[
        str | None, typer.Option(help="A day like 2027-01-31, or 12h, 90d, 8w; never if left out.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Make a key and print its secret, once: only its hash is kept."""
    with open_catalog() as catalog:
        row, secret = catalog.records.create_key(name, scope or list(Scope), _parse_expiry(expires))
    if as_json:
        print_json(_key_json(row) | {"secret": secret})
        return
    print(f"{secret}\n\nkey {row.id} ({', '.join(row.scopes)}), expires {row.expires_at or 'never'}")
    print("Send it as `Authorization: Bearer ...`. It is not shown again.")


@app.command("list")
def list_keys(as_json: AsJson = False) -> None:
    """List the keys that were made here; those of QA_API_KEYS are not among them."""
    with open_catalog() as catalog:
        rows = catalog.records.keys()
    if as_json:
        print_json({"keys": [_key_json(row) for row in rows]})
        return
    for row in rows:
        until = f"revoked {row.revoked_at}" if row.revoked_at else f"expires {row.expires_at or 'never'}"
        print(f"{row.id}  {row.name}  {','.join(row.scopes)}  made {row.created_at}  {until}")


@app.command()
def revoke(key_id: str) -> None:
    """Let a key open nothing from now on."""
    with open_catalog() as catalog:
        catalog.records.revoke_key(key_id)
    print(f"{key_id} is revoked")


def _key_json(row: KeyRow) -> dict[str, Any]:
    return {
        "id": row.id,
        "name": row.name,
        "scopes": list(row.scopes),
        "created_at": row.created_at,
        "expires_at": row.expires_at,
        "revoked_at": row.revoked_at,
    }


def _parse_expiry(expires: str | None) -> datetime | None:
    if expires is None:
        return None
    now = datetime.now(UTC)
    length = _DURATION.fullmatch(expires)
    try:
        moment = (
            now + timedelta(hours=int(length[1]) * _HOURS[length[2]]) if length else datetime.fromisoformat(expires)
        )
    except ValueError:
        raise BadSettings(f"--expires {expires!r}: say a day like 2027-01-31, or 12h, 90d, 8w") from None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    if moment <= now:
        raise BadSettings(f"--expires {expires}: that is over already")
    return moment
