"""What a guard is: a piece of source that can be switched off, and the tests that must then fail."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Guard:
    """The source `text` stands once in `file`; with `off` in its place at least one of `tests` fails."""

    name: str
    file: str
    text: str
    off: str
    tests: tuple[str, ...]  # pytest's names, each of seconds

    def fault(self, root: Path) -> str | None:
        """Return why the guard cannot be switched off in the sources below `root`, None if it can."""
        path = root / self.file
        found = path.read_text(encoding="utf-8").count(self.text) if path.is_file() else 0
        return None if found == 1 else f"{self.name}: its text stands {found} times in {self.file}"

    def switch_off(self, root: Path) -> str:
        """Take the guard out of its file and return what stood there. Raises SyntaxError where nothing can be run."""
        path = root / self.file
        kept = path.read_text(encoding="utf-8")
        changed = kept.replace(self.text, self.off)
        compile(changed, self.file, "exec")
        path.write_text(changed, encoding="utf-8")
        return kept
