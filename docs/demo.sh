#!/bin/sh
# Load the sample articles into a store that is thrown away, and ask three questions.
set -eu
QA_DATA_DIR=$(mktemp -d)
export QA_DATA_DIR
trap 'rm -rf "$QA_DATA_DIR"' EXIT
samples=$(python3 -c 'import importlib.util, pathlib; print(pathlib.Path(importlib.util.find_spec("qa").origin).parent / "sample")')
qa ingest "$samples"
for question in \
    "How long has Dorothea Lanyon driven the number 14 bus?" \
    "What will it cost to rebuild the eastern approach of the Orrin Bridge?" \
    "How old is Dorothea Lanyon, the bus driver?"; do
    printf '\n> %s\n\n' "$question"
    qa ask "$question" --as-of 2026-06-15
done
