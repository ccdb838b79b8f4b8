"""Guards against what comes in: pages, archives, addresses, signs."""

from __future__ import annotations

from tests.lanes.mutants.guard import Guard

_FETCHING = "tests/hostile/test_fetching.py"
_ROWS = "tests/hostile/test_rows_and_archives.py"

GUARDS = (
    Guard(
        "NUL and surrogates are not stored",
        "qa/text/stemming.py",
        "    bad = _UNSTORABLE.search(text)\n    if bad:",
        "    bad = _UNSTORABLE.search(text)\n    if bad and False:",
        ("tests/text/test_normalise_and_stems.py::test_what_cannot_be_stored_is_refused",),
    ),
    Guard(
        "a caller's own article is checked too",
        "qa/ingest/ingest.py",
        'text.normalise(value or "")',
        "pass",
        ("tests/ingest/test_ingest.py::test_what_the_catalog_cannot_store_is_refused_alone",),
    ),
    Guard(
        "an article has a size",
        "qa/readers/rows.py",
        "    if size > max_bytes:\n",
        "    if False:\n",
        ("tests/readers/test_rows.py::test_the_limit_is_in_bytes",),
    ),
    Guard(
        "a file has a size",
        "qa/readers/read.py",
        "    if len(data) > limit:\n",
        "    if False:\n",
        ("tests/readers/test_read.py::test_a_file_beyond_the_limit_is_not_read_whole",),
    ),
    Guard(
        "an upload that is read whole has a size",
        "qa/service/routes/uploads.py",
        "        if len(body) > limit:\n",
        "        if False:\n",
        (f"{_ROWS}::test_a8_reports_stay_short",),
    ),
    Guard(
        "a packed file unpacks to so much",
        "qa/readers/read.py",
        "            if most < 0:\n",
        "            if False:\n",
        (f"{_ROWS}::test_a8_a_gzip_bomb_costs_what_it_is_worth",),
    ),
    Guard(
        "many tiny values are refused unread",
        "qa/readers/read.py",
        'if sum(map(data.count, (b",", b"[", b"{"))) > _MOST_VALUES + len(data) // _BYTES_A_VALUE:',
        "if False:",
        (f"{_ROWS}::test_a8_json_of_many_tiny_values",),
    ),
    Guard(
        "a report stays short",
        "qa/service/routes/uploads.py",
        "if refused == _MOST_REFUSED:",
        "if False:",
        (f"{_ROWS}::test_a8_reports_stay_short",),
    ),
    Guard(
        "archives are not opened",
        "qa/text/stemming.py",
        "if data.startswith(magic):",
        "if False:",
        ("tests/text/test_normalise_and_stems.py::test_what_is_not_text_is_refused_by_what_it_looks_like",),
    ),
    Guard(
        "a page has ten seconds",
        "qa/readers/html_process.py",
        "timer = Timer(limit_s, kill)",
        "timer = Timer(limit_s + 5, kill)",
        ("tests/readers/test_html.py::test_a_page_that_takes_too_long_is_refused_alone",),
    ),
    Guard(
        "a page has so much memory",
        "qa/readers/html.py",
        "resource.setrlimit(resource.RLIMIT_AS, (memory, resource.RLIM_INFINITY))",
        "pass",
        ("tests/readers/test_html.py::test_memory_is_limited",),
    ),
    Guard(
        "a page's reader ends by itself",
        "qa/readers/html.py",
        "resource.setrlimit(resource.RLIMIT_CPU, (limit, resource.RLIM_INFINITY))",
        "pass",
        ("tests/readers/test_html.py::test_a_reader_that_nobody_can_kill_ends_by_itself",),
    ),
    Guard(
        "a process that prepares articles ends with its parent",
        "qa/ingest/prepare.py",
        "    parent.join()\n    os._exit(1)\n",
        "    parent.join()\n",
        ("tests/ingest/test_prepare.py::test_a_process_whose_parent_is_killed_ends",),
    ),
    Guard(
        "addresses are fetched when that is on",
        "qa/wiring.py",
        'if settings.fetch_urls == "off":',
        "if False:",
        (f"{_FETCHING}::test_a19_it_is_off",),
    ),
    Guard(
        "inner addresses are told from public ones",
        "qa/readers/fetch.py",
        "return address.is_global and not (address.is_multicast or address.is_reserved or address.is_unspecified)",
        "return True",
        (f"{_FETCHING}::test_a19_addresses_of_inner_networks",),
    ),
    Guard(
        "addresses that lead on are not public",
        "qa/readers/fetch.py",
        "if any(address in network for network in _REFUSED):",
        "if False:",
        (f"{_FETCHING}::test_a19_addresses_of_inner_networks",),
    ),
    Guard(
        "every address of a name is checked",
        "qa/readers/fetch.py",
        "not all(map(self._is_allowed, addresses))",
        "not self._is_allowed(addresses[0])",
        (f"{_FETCHING}::test_a19_every_address_of_a_name_is_checked",),
    ),
    Guard(
        "a name is looked up once",
        "qa/readers/fetch.py",
        "aimed = url.copy_with(host=str(addresses[0]))",
        "aimed = url.copy_with(host=str((await self._addresses(name, port))[0]))",
        (f"{_FETCHING}::test_a19_a_name_that_changes_its_mind",),
    ),
    Guard(
        "a redirect is checked like the first address",
        "qa/readers/fetch.py",
        "client.send(await self._aimed(target), stream=True)",
        "client.send(await self._aimed(target), stream=True, follow_redirects=True)",
        (f"{_FETCHING}::test_a19_every_redirect_is_checked",),
    ),
    Guard(
        "what is fetched has a size",
        "qa/readers/fetch.py",
        "if len(data) > max_bytes:",
        "if False:",
        (f"{_FETCHING}::test_a19_what_comes_back_is_limited",),
    ),
    Guard(
        "a link does not lead out of a folder",
        "qa/readers/find_files.py",
        "if not target.is_relative_to(real):",
        "if False:",
        ("tests/readers/test_read.py::test_links_do_not_lead_out_of_a_folder",),
    ),
)
