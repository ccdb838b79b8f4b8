"""Compare pip-audit's report with our exceptions: `python -m tests.repository.audit FILE`. Exit 1: an unexplained one.

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
# SECURITY.md says why each of these does not affect us.
EXCEPTIONS = frozenset({"CVE-2026-45829", "CVE-2026-45833"})


def locked() -> dict[str, str]:
    """Return the version of every locked runtime package."""
    lock = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    return {name.lower(): version for name, version in re.findall(r"(?m)^([\w.-]+)(?:\[[\w,-]+\])?==([\w.!+-]+)", lock)}


def unexplained(listed: list[dict[str, Any]]) -> list[str]:
    """Return the advisories in pip-audit's report that SECURITY.md does not explain."""
    found = []
    for package in listed:
        for advisory in package.get("vulns", ()):
            names = {advisory["id"], *advisory.get("aliases", ())}
            if names.isdisjoint(EXCEPTIONS):
                found.append(f"{package['name']} {package.get('version')}: {', '.join(sorted(names))}")
    return found


def skipped(listed: list[dict[str, Any]]) -> list[str]:
    """Return the packages that were not looked up."""
    return [package["name"] for package in listed if "skip_reason" in package]


def recorded() -> list[dict[str, Any]]:
    """Return the recorded advisories of the locked versions, in the format of pip-audit's report."""
    ours = locked()
    known = json.loads(RECORDED.read_text(encoding="utf-8"))["advisories"]
    return [
        {"name": advisory["name"], "version": ours[advisory["name"]], "vulns": [{"id": advisory["id"]}]}
        for advisory in known
        if ours.get(advisory["name"]) in advisory["versions"]
    ]


def main(listed: list[dict[str, Any]]) -> int:
    """Print the findings and the packages that were not looked up."""
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
