"""Find what a statement made of the words of its source no longer means: a plan told as done, a limit left out."
" Pure."""

from qa.verification.meaning.changes import find_changed_meaning
from qa.verification.meaning.gapping import spell_out

__all__ = ["find_changed_meaning", "spell_out"]
