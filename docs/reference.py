"""Build the reference of the public names from their docstrings: `make docs` writes dist/reference/index.html."""

from pathlib import Path

import pdoc

import qa

OUT = Path(__file__).parents[1] / "dist" / "reference"

for name in qa.__all__:
    setattr(qa, name, getattr(qa, name))  # they load on first use, which pdoc does not wait for
pdoc.pdoc("qa", "qa.llamaindex", "qa.langchain", output_directory=OUT)
print(OUT / "index.html")  # noqa: T201
