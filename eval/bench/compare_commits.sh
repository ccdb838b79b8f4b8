#!/bin/sh
# Run our gold set on two commits, each with its own code, and compare the scores:
#     eval/bench/compare_commits.sh BASE NEW [OPTIONS OF eval run]
# Questions, articles, scoring and gates are those of the working tree for both.
set -eu
cd "$(dirname "$0")/../.."
here=$(pwd)
python=${PYTHON:-$here/.venv/bin/python}
base=$1 new=$2
shift 2
out=$(mktemp -d)
trap 'for name in base new; do git worktree remove --force "$out/$name.tree" 2>/dev/null || true; done; rm -rf "$out"' EXIT
for name in base new; do
    eval "commit=\$$name"
    git worktree add --quiet --detach "$out/$name.tree" "$commit"
    (cd "$out/$name.tree" && "$python" -m eval run --gold "$here/eval/gold" --articles "$here/qa/sample" \
        --mode extractive "$@" --out "$out/$name.jsonl")
    "$python" -m eval score --gold eval/gold --run "$out/$name.jsonl" --out "$out/$name.json" >/dev/null
done
"$python" -m eval compare "$out/base.json" "$out/new.json"
