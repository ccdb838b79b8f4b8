"""Authorization: API keys, their scopes, passwords for pages, and allowed hosts."""

from __future__ import annotations

import base64
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from qa.errors import BadSettings
from qa.service.http.keys import find_key, read_keys
from qa.settings import load_settings
from tests.service.serving import BRIDGE, client

KEYS = ("both", "ask:reader", "admin:writer", "ask:schlüssel")


def _bearer(key: str) -> Any:
    return {"Authorization": b"Bearer " + key.encode()}


def test_scopes(tmp_path: Path) -> None:
    """A plain key has both scopes, a prefixed one has one. A wrong key is 401, a missing scope 403."""
    with client(tmp_path, api_keys=KEYS) as http:

        def asks(key: str | None) -> int:
            headers = _bearer(key) if key is not None else {}
            return http.post("/v1/ask", json={"question": "x"}, headers=headers).status_code

        def adds(key: str | None) -> int:
            headers = _bearer(key) if key is not None else {}
            return http.post("/v1/articles", json=BRIDGE, headers=headers).status_code

        assert [asks(key) for key in ("both", "reader", "writer", "schlüssel")] == [200, 200, 403, 200]
        assert [adds(key) for key in ("both", "reader", "writer", "schlüssel")] == [200, 403, 200, 403]
        for wrong in (None, "", "bot", "bothx", "ask:reader", "BOTH", "\udcff".encode("utf-8", "replace").decode()):
            assert asks(wrong) == adds(wrong) == 401
        refused = http.post("/v1/ask", json={"question": "x"})
        assert refused.headers["www-authenticate"].startswith("Bearer")
        assert refused.json()["error"]["type"] == "unauthorized"


def test_every_route_but_health_wants_a_key(tmp_path: Path) -> None:
    """With keys configured every route is 401 without a key, except the health routes and the schema."""
    with client(tmp_path, api_keys=KEYS) as http:
        schema = http.get("/openapi.json").json()
        for path, methods in schema["paths"].items():
            for method in methods:
                body = {"question": "x", "query": "x"} if method == "post" else None
                reply = http.request(method, path.replace("{article_id}", "a"), json=body)
                assert (reply.status_code == 401) == (path not in ("/healthz", "/readyz")), f"{method} {path}"
        for page in ("/", "/articles/a"):
            assert http.get(page).status_code == 401


def test_pages_ask_for_a_password(tmp_path: Path) -> None:
    """A browser can send the key as a password with any user name; a bearer key opens pages too."""
    with client(tmp_path, BRIDGE, api_keys=("admin:writer", "ask:reader")) as http:
        refused = http.get("/articles/bridge-1")
        assert refused.status_code == 401
        assert refused.headers["www-authenticate"].startswith("Basic ")
        assert refused.headers["content-type"].startswith("text/html")
        for name in ("", "anyone", "a"):
            assert http.get("/articles/bridge-1?span=0-34", auth=(name, "reader")).status_code == 200
        assert http.get("/articles/bridge-1", auth=("a", "writer")).status_code == 403
        assert http.get("/articles/bridge-1", auth=("reader", "")).status_code == 401
        for broken in ("Basic", "Basic !!!", "Basic " + base64.b64encode(b"reader").decode(), "Digest reader"):
            assert http.get("/articles/bridge-1", headers={"Authorization": broken}).status_code == 401
        assert http.get("/articles/bridge-1", headers=_bearer("reader")).status_code == 200


def test_a_password_changes_nothing(tmp_path: Path) -> None:
    """Another site's page can make a browser send its stored password, so changes require a bearer key."""
    with client(tmp_path, BRIDGE, api_keys=("both",)) as http:
        assert http.get("/articles/bridge-1", auth=("a", "both")).status_code == 200
        assert http.post("/v1/articles", json=BRIDGE, auth=("a", "both")).status_code == 401
        assert http.delete("/v1/articles/bridge-1", auth=("a", "both")).status_code == 401
        assert http.delete("/v1/articles/bridge-1", headers=_bearer("both")).status_code < 300


class _Timed(bytes):
    """A digest that fails the test when compared with `==`, whose time depends on the content."""

    def __eq__(self, other: object) -> bool:
        raise AssertionError("not compared in constant time")

    __hash__ = bytes.__hash__


def test_keys_are_compared_in_constant_time() -> None:
    """The time it takes to refuse a wrong key reveals nothing about the valid ones."""
    keys = [replace(key, digest=_Timed(key.digest)) for key in read_keys(["ask:one", "admin:two"])]
    found = find_key("two", keys)
    assert found is not None
    assert found.scopes == {"admin"}
    assert find_key("three", keys) is None


def test_a_host_name_is_free_with_keys(tmp_path: Path) -> None:
    """With keys any host name is served: a proxy may use any name for the service."""
    with client(tmp_path, api_keys=KEYS) as http:
        assert http.get("/v1/articles", headers={"Host": "qa.example"} | _bearer("both")).status_code == 200


@pytest.mark.parametrize("keys", [KEYS, ()])
def test_listed_hosts_alone_are_served(tmp_path: Path, keys: tuple[str, ...]) -> None:
    """With or without keys an unlisted host name is refused, whatever its port; loopback names always work."""
    with client(tmp_path, api_keys=keys, allowed_hosts="qa.example, *.news.example") as http:

        def status(host: str, path: str = "/v1/articles") -> int:
            return http.get(path, headers={"Host": host} | _bearer("both")).status_code

        assert [status(host) for host in ("qa.example:8443", "QA.example", "a.b.news.example", "localhost")] == [
            200
        ] * 4
        strange = ("evil.example", "news.example", "xnews.example", "qa.example.evil.example", "", "[", "10.0.0.7:8000")
        assert [status(host) for host in strange] == [403] * len(strange)
        assert status("10.0.0.7:8000", "/healthz") == (200 if keys else 403)


@pytest.mark.parametrize("hosts", ["https://qa.example", "qa.example/x", "*"])
def test_a_host_is_a_name(tmp_path: Path, hosts: str) -> None:
    """A URL in QA_ALLOWED_HOSTS would never match, so it is refused."""
    with pytest.raises(BadSettings, match="QA_ALLOWED_HOSTS"):
        load_settings({"QA_DATA_DIR": str(tmp_path), "QA_ALLOWED_HOSTS": hosts}, None)


def test_reading_keys() -> None:
    """An unknown prefix is part of the secret; an empty secret is refused."""
    keys = read_keys(["a:b", "ask:c:d", "ask:twice", "admin:twice"])

    def opened(secret: str | None) -> set[str]:
        found = find_key(secret, keys)
        return set(found.scopes) if found else set()

    assert opened("a:b") == opened("twice") == {"ask", "admin"}
    assert opened("c:d") == {"ask"}
    assert opened("") == opened(None) == set()
    for empty in ("ask:", "admin:", ""):
        with pytest.raises(BadSettings, match="QA_API_KEYS: entry 2"):
            read_keys(["good", empty])
