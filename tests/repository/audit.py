"""Hold a list of pip-audit against the lock: `python -m tests.repository.audit FILE`. Exit 1: one without a reason.

pip-audit says "no known vulnerabilities" and 0 also when it could look nothing up, so what it skipped is counted here.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

from tests import ROOT

RECORDED = ROOT / "tests" / "data" / "advisories.json"
# Why each of these does not reach us stands in SECURITY.md.
EXCEPTIONS = frozenset({"CVE-2026-45829", "CVE-2026-45833"})


def locked() -> dict[str, str]:
    """Return the version of every locked package of the runtime."""
    lock = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    return {name.lower(): version for name, version in re.findall(r"(?m)^([\w.-]+)(?:\[[\w,-]+\])?==([\w.!+-]+)", lock)}


def unexplained(listed: list[dict[str, Any]]) -> list[str]:
    """Return the advisories of a list of pip-audit that have no reason."""
    found = []
    for one in listed:
        for advisory in one.get("vulns", ()):
            names = {advisory["id"], *advisory.get("aliases", ())}
            if names.isdisjoint(EXCEPTIONS):
                found.append(f"{one['name']} {one.get('version')}: {', '.join(sorted(names))}")
    return found


def skipped(listed: list[dict[str, Any]]) -> list[str]:
    """Return the packages that were not looked up."""
    return [one["name"] for one in listed if "skip_reason" in one]


def recorded() -> list[dict[str, Any]]:
    """Return what was recorded of the locked versions, in the shape of pip-audit's list."""
    ours = locked()
    known = json.loads(RECORDED.read_text(encoding="utf-8"))["advisories"]
    return [
        {"name": one["name"], "version": ours[one["name"]], "vulns": [{"id": one["id"]}]}
        for one in known
        if ours.get(one["name"]) in one["versions"]
    ]


def main(listed: list[dict[str, Any]]) -> int:
    """Say what was found, and what was not looked up."""
    missed = skipped(listed)
    if len(missed) == len(listed):
        print("the advisories cannot be reached: nothing was looked up; the recorded list is checked")
        listed = recorded()
    elif missed:
        print(f"{len(missed)} of {len(listed)} packages were not looked up: {', '.join(missed)}")
    found = unexplained(listed)
    print("\n".join(found) or "no advisory without a reason")
    return bool(found)


if __name__ == "__main__":
    path = Path(sys.argv[1])
    sys.exit(main(json.loads(path.read_text(encoding="utf-8"))["dependencies"] if path.is_file() else []))
