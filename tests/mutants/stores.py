"""Guards of the catalog, its indexes and what is written into them."""

from __future__ import annotations

from tests.mutants.guard import Guard

_CATALOG = "tests/test_catalog.py"

GUARDS = (
    Guard(
        "chunks are of the live version",
        "qa/catalog.py",
        "            .where(chunks.c.version == articles.c.live_version)\n",
        "",
        (f"{_CATALOG}::test_a_chunk_of_an_older_version_is_never_read",),
    ),
    Guard(
        "a new version drops the old one's chunks",
        "qa/catalog_writes.py",
        "        replaced |= drop_chunks(connection, pk)\n        connection.execute(\n",
        "        connection.execute(\n",
        (f"{_CATALOG}::test_a_new_text_is_the_next_version_and_the_old_text_stays_readable",),
    ),
    Guard(
        "a hit of another version is looked up anew",
        "qa/retrieval.py",
        "row = rows.get(place) or newer.get(place)",
        "row = rows.get(place)",
        ("tests/faults/test_together.py::test_fault_30_a_reader_during_replaces",),
    ),
    Guard(
        "the same text changes nothing",
        "qa/catalog_writes.py",
        "if row.sha256 != one.sha256:",
        "if True:",
        (f"{_CATALOG}::test_the_same_text_twice_changes_nothing",),
    ),
    Guard(
        "a takedown empties the write-ahead log",
        "qa/catalog.py",
        "        self._empty_wal()\n",
        "",
        (f"{_CATALOG}::test_a_takedown_erases_every_version_from_the_file",),
    ),
    Guard(
        "a takedown erases the old versions",
        "qa/catalog_writes.py",
        "    connection.execute(sa.delete(versions).where(versions.c.article == pk))\n",
        "",
        (f"{_CATALOG}::test_a_takedown_erases_every_version_from_the_file",),
    ),
    Guard(
        "one process owns a data directory",
        "qa/ownership.py",
        "fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)",
        "pass",
        ("tests/test_ownership.py::test_one_process_cannot_hold_it_twice",),
    ),
    Guard(
        "a newer schema is left alone",
        "qa/catalog_schema.py",
        'raise StoreFailed(f"has catalog schema',
        'print(f"has catalog schema',
        (f"{_CATALOG}::test_a_catalog_of_a_newer_version_is_refused_and_left_alone",),
    ),
    Guard(
        "changes come in their order",
        "qa/catalog.py",
        ".order_by(changes.c.number)",
        ".order_by(changes.c.number.desc())",
        (f"{_CATALOG}::test_changes_come_in_order_each_article_once_a_step",),
    ),
    Guard(
        "the vectors' cursor goes behind what it tells of",
        "qa/vectors.py",
        "            held = self._held(changed)\n",
        '            self._state.modify(metadata={"model": self._model, "cursor": cursor})\n'
        "            held = self._held(changed)\n",
        ("tests/faults/test_stores.py::test_fault_21_an_error_after_the_writing_was_done",),
    ),
    Guard(
        "an index ahead of its catalog starts anew",
        "qa/projections.py",
        "if cursor > self._catalog.last_change():",
        "if False:",
        ("tests/test_projections.py::test_an_index_that_is_ahead_of_its_catalog_starts_anew",),
    ),
    Guard(
        "an index of another size is built anew",
        "qa/projections.py",
        "if held == live or self._catalog.last_change() != cursor:",
        "if True:",
        ("tests/test_projections.py::test_an_index_of_another_size_is_built_anew_after_a_start",),
    ),
    Guard(
        "a new writer's first number is spent",
        "qa/lexical.py",
        "        _spend_first_stamp(writer)\n",
        "",
        ("tests/test_lexical.py::test_a_merge_that_a_kill_left_due_keeps_no_replaced_chunk",),
    ),
    Guard(
        "vectors of another version of Chroma are not used",
        "qa/chroma.py",
        'not in ("", chromadb.__version__):',
        "is None:",
        ("tests/faults/test_stores.py::test_fault_23_files_of_another_version_of_chroma",),
    ),
    Guard(
        "a write is whole or not at all",
        "qa/catalog_engine.py",
        "with engine.connect().execution_options(**options) as connection, connection.begin():",
        'options["isolation_level"] = "AUTOCOMMIT"\n'
        "    with engine.connect().execution_options(**options) as connection:",
        (f"{_CATALOG}::test_a_write_that_fails_leaves_nothing",),
    ),
    Guard(
        "a restore takes nothing's place",
        "qa/catalog_copies.py",
        "if file.exists():",
        "if False:",
        ("tests/test_cli.py::test_indexes_can_be_lost_and_backups_restored",),
    ),
    Guard(
        "a restore is whole before it has its name",
        "qa/catalog_copies.py",
        'part = file.with_name(f"{file.name}.part")',
        "part = file",
        (f"{_CATALOG}::test_a_restore_that_is_broken_off_leaves_no_catalog",),
    ),
    Guard(
        "a vector has no NaN",
        "qa/vector_checks.py",
        "if not np.isfinite(values).all():",
        "if False:",
        ("tests/test_embedding.py::test_nonsense_is_refused_by_name",),
    ),
    Guard(
        "a vector has the size of the others",
        "qa/vector_checks.py",
        "if len(values) != width:",
        "if False:",
        ("tests/test_embedding.py::test_nonsense_is_refused_by_name",),
    ),
    Guard(
        "a server's vector has no NaN",
        "qa/llm.py",
        "if not np.isfinite(lengths).all() or not (lengths > 0).all():",
        "if False:",
        ("tests/test_llm.py::test_vectors_that_cannot_be_right_are_refused",),
    ),
    Guard(
        "a server's vectors keep their size",
        "qa/llm.py",
        "if sizes != {wanted} or wanted == 0:",
        "if False:",
        ("tests/test_llm.py::test_a_dimension_that_changes_is_refused",),
    ),
    Guard(
        "equal vectors are set apart",
        "qa/vector_checks.py",
        "apart = vector + _NOISE * noise / np.linalg.norm(noise)",
        "apart = vector",
        ("tests/test_vectors.py::test_a_paragraph_that_many_repeat_does_not_hide_the_others",),
    ),
    Guard(
        "furniture is not indexed",
        "qa/preparing.py",
        "chunk(article.text, article.furniture)",
        "chunk(article.text, ())",
        ("tests/test_ingest.py::test_text_of_furniture_alone_is_refused",),
    ),
    Guard(
        "furniture is marked",
        "qa/rows.py",
        "furniture=furniture.find(text),",
        "furniture=(),",
        ("tests/test_rows.py::test_a_full_row",),
    ),
    Guard(
        "no chunk reaches across furniture",
        "qa/chunking.py",
        "if run and before != passed:",
        "if False:",
        ("tests/test_chunking.py::test_furniture_parts_chunks_and_overlap_does_not_cross_it",),
    ),
)
