#!/usr/bin/env bash
# The real Open WebUI from its wheel, offline, against the sample articles, driven in Chromium. Minutes and gigabytes.
#   tests/lanes/clients/run_open_webui.sh   from the root of the repository, after `make dev`
set -euo pipefail
skip() {
    echo "skipped: $1"
    test "${ALL_LANES:-}" != 1
    exit
}
command -v chromium > /dev/null || skip "chromium is not installed"
folder=$PWD/.clients/open-webui
store=$(mktemp -d)
qa_pid="" webui_pid=""
trap 'kill $qa_pid $webui_pid 2> /dev/null || true; wait 2> /dev/null || true; rm -rf "$store"' EXIT
mkdir -p "$folder"
test -d "$folder/venv" || python3 -m venv "$folder/venv"
.venv/bin/uv pip install --quiet --python "$folder/venv/bin/python" open-webui==0.12.4 playwright

qa=$PWD/.venv/bin/qa
driver=$PWD/tests/lanes/clients/open_webui.py
cd "$store"
QA_DATA_DIR=$store/articles QA_EMBED_MODEL=none QA_FRAME_ANCESTORS=http://127.0.0.1:8902 \
    "$qa" serve --port 8901 --samples &> "$folder/qa.log" & qa_pid=$!
env DATA_DIR="$store" OFFLINE_MODE=true HF_HUB_OFFLINE=1 TRANSFORMERS_OFFLINE=1 WEBUI_AUTH=False WEBUI_SECRET_KEY=x \
    ENABLE_OLLAMA_API=False ENABLE_OPENAI_API=True OPENAI_API_BASE_URL=http://127.0.0.1:8901/v1 OPENAI_API_KEY=any \
    DEFAULT_MODELS=news-qa-markers TASK_MODEL_EXTERNAL=news-qa-utility RAG_EMBEDDING_ENGINE=openai \
    RAG_EMBEDDING_MODEL_AUTO_UPDATE=False RAG_RERANKING_MODEL_AUTO_UPDATE=False WHISPER_MODEL_AUTO_UPDATE=False \
    ENABLE_VERSION_UPDATE_CHECK=False \
    nice -n 10 "$folder/venv/bin/open-webui" serve --host 127.0.0.1 --port 8902 &> "$folder/open-webui.log" & webui_pid=$!
for _ in $(seq 450); do  # its first start takes half a minute, and many on a busy machine
    if "$folder/venv/bin/python" -c 'import urllib.request as u; u.urlopen("http://127.0.0.1:8902/health")' 2> /dev/null
    then break; fi
    kill -0 "$webui_pid" || { tail -n 20 "$folder/open-webui.log"; exit 1; }
    sleep 2
done
"$folder/venv/bin/python" "$driver" http://127.0.0.1:8902 news-qa-markers "$folder/open-webui.png"
