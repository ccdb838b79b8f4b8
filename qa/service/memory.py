"""How the process keeps its memory: what is freed goes back, and what stays is not looked through again and again.

Of the 543 MB of a service after a thousand replaced articles, 200 MB were free memory inside of glibc's arenas, and one
`malloc_trim` returned 165 MB: nothing leaked. glibc makes eight arenas for each core; and from the first large block on
that is freed it keeps blocks of that size too, and small ones that live on come to lie between them.

Python's collector looks through every object that is alive, 380,000 after the start, nearly all of them of modules:
290 ms in which nothing else runs, and it did so every few seconds under load. Set aside, they are never looked at, and
what questions make takes it 2 ms.
"""

from __future__ import annotations

import ctypes
import gc
import sys

_ARENA_MAX, _MMAP_THRESHOLD = -8, -3  # the names of these in malloc.h
_ARENAS = 2
_LARGE = 128 * 1024  # what glibc starts with; once it is set, it stays


def give_back_what_is_freed() -> None:
    """Set it for this process, before threads are started. Elsewhere than on glibc nothing is done."""
    if sys.platform.startswith("linux"):
        mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
        if mallopt is not None:
            mallopt(_ARENA_MAX, _ARENAS)
            mallopt(_MMAP_THRESHOLD, _LARGE)


def set_aside_what_stays() -> None:
    """Take what is alive now out of the collector's sight: call it once everything is loaded and open."""
    gc.collect()
    gc.freeze()
