"""The tests of every room, in a folder of its name; what takes long or needs more than Python is in `lanes`."""

from pathlib import Path

ROOT = Path(__file__).parents[1]
