"""Settings: unknown names, validation, the `.env` file, and hidden secrets."""

from pathlib import Path

import pytest

from qa.errors import BadSettings
from qa.settings import Settings, is_loopback, load_settings

SECRET = "sk-very-secret-0123456789"


def test_defaults_need_nothing() -> None:
    """The defaults are valid."""
    settings = load_settings({}, None)
    assert settings.data_dir == Path(".qa-data")
    assert settings.catalog_url == "sqlite:///.qa-data/catalog.sqlite3"
    assert (settings.embed_model, settings.mode, settings.on_llm_failure) == ("minilm", "auto", "extractive")
    assert (settings.api_keys, settings.llm_model, settings.deadline_s) == ((), None, 60.0)


@pytest.mark.parametrize("name", ["QA_DATADIR", "QA_", "QA_LLM_MODELL", "QA_data_dir"])
def test_an_unknown_name_is_refused(name: str) -> None:
    """A misspelt setting is an error, not silently ignored."""
    with pytest.raises(BadSettings, match=name):
        load_settings({name: "x"}, None)


def test_all_unknown_names_are_said_at_once() -> None:
    """One line names all unknown settings; foreign variables are ignored."""
    with pytest.raises(BadSettings, match="QA_A, QA_B;") as caught:
        load_settings({"QA_B": "1", "QA_A": "2", "PATH": "/bin", "OPENAI_ORG_ID": "x", "AQA_X": "y"}, None)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("QA_MODE", "fast"),
        ("QA_ON_LLM_FAILURE", "retry"),
        ("QA_UNSUPPORTED", "keep"),
        ("QA_DEADLINE_S", "soon"),
        ("QA_DEADLINE_S", "0"),
        ("QA_DEADLINE_S", "-1"),
        ("QA_DEADLINE_S", "nan"),
        ("QA_DEADLINE_S", "inf"),
        ("QA_MAX_ARTICLE_BYTES", "2MB"),
        ("QA_MAX_ARTICLE_BYTES", "10"),
        ("QA_LOG_LEVEL", "loud"),
        ("QA_EMBED_THREADS", "-2"),
        ("QA_PUBLIC_URL", "example.org"),
        ("OPENAI_BASE_URL", "localhost:11434"),
    ],
)
def test_a_bad_value_names_its_variable(name: str, value: str) -> None:
    """The error is one line, without other values."""
    with pytest.raises(BadSettings, match=f"^{name}: ") as caught:
        load_settings({name: value, "QA_API_KEYS": SECRET}, None)
    assert "\n" not in str(caught.value)
    assert SECRET not in str(caught.value)


@pytest.mark.parametrize(
    ("environ", "named"),
    [
        ({"QA_MODE": "llm"}, "QA_LLM_MODEL"),
        ({"QA_LLM_MODEL": "m"}, "OPENAI_API_KEY"),
        ({"QA_DATABASE_URL": f"mysql://me:{SECRET}@db/x"}, "QA_DATABASE_URL"),
        ({"QA_MODE": "llm", "OPENAI_API_KEY": SECRET}, "QA_LLM_MODEL"),
    ],
)
def test_settings_that_do_not_fit_together_are_refused(environ: dict[str, str], named: str) -> None:
    """The message names the missing setting and contains no secret."""
    with pytest.raises(BadSettings, match=named) as caught:
        load_settings(environ, None)
    assert SECRET not in str(caught.value)
    assert "\n" not in str(caught.value)


def test_secrets_are_in_no_repr_and_no_error() -> None:
    """Neither the model server's key nor ours is in the repr; the attributes have the values."""
    settings = load_settings({"OPENAI_API_KEY": SECRET, "QA_API_KEYS": f"{SECRET}-1, {SECRET}-2"}, None)
    assert settings.openai_api_key == SECRET
    assert settings.api_keys == (f"{SECRET}-1", f"{SECRET}-2")
    assert SECRET not in repr(settings)
    assert SECRET not in str(settings)
    with pytest.raises(BadSettings) as caught:
        load_settings({"OPENAI_API_KEY": SECRET, "QA_API_KEYS": SECRET, "QA_DEADLINE_S": SECRET}, None)
    shown = f"{caught.value!r} {caught.value.__cause__!r} {caught.value.__context__!r}"
    assert SECRET not in shown


def test_env_file_is_read_and_the_environment_wins(tmp_path: Path) -> None:
    """Quotes and comments in the file are not part of the value."""
    file = tmp_path / ".env"
    file.write_text('# ours\nQA_DATA_DIR="from file"\nQA_DEADLINE_S=5 # seconds\nexport QA_LOG_LEVEL=DEBUG\nOTHER=1\n')
    settings = load_settings({"QA_DATA_DIR": "from environment"}, file)
    assert settings.data_dir == Path("from environment")
    assert (settings.deadline_s, settings.log_level) == (5.0, "DEBUG")


def test_env_file_of_the_working_directory_is_the_default(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both are read by default; the suite has cleaned the process environment."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".env").write_text("QA_DATA_DIR=here\n")
    assert load_settings().data_dir == Path("here")
    monkeypatch.setenv("QA_DATA_DIR", "there")
    assert load_settings().data_dir == Path("there")


def test_unknown_names_in_the_env_file_are_refused_too(tmp_path: Path) -> None:
    """A misspelt name in the file is an error too."""
    (tmp_path / ".env").write_text("QA_DATADIR=x\n")
    with pytest.raises(BadSettings, match="QA_DATADIR"):
        load_settings({}, tmp_path / ".env")


def test_an_env_file_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    """The error is BadSettings, not a traceback."""
    (tmp_path / ".env").write_bytes(b"QA_DATA_DIR=\xff\xfe\n")
    with pytest.raises(BadSettings, match="cannot be read"):
        load_settings({}, tmp_path / ".env")


def test_empty_means_not_set(tmp_path: Path) -> None:
    """An empty variable counts as unset (Compose passes optional ones so), and also hides the file's value."""
    (tmp_path / ".env").write_text("QA_DEADLINE_S=5\nQA_RATE_LIMIT=\n")
    settings = load_settings(
        {"QA_DEADLINE_S": "", "QA_LLM_MODEL": "", "QA_API_KEYS": "", "QA_MODE": ""}, tmp_path / ".env"
    )
    assert (settings.deadline_s, settings.llm_model, settings.api_keys) == (60.0, None, ())
    assert (settings.mode, settings.rate_limit) == ("auto", None)


def test_lists_are_split_at_commas() -> None:
    """Spaces around entries and empty entries are ignored."""
    assert load_settings({"QA_API_KEYS": " a, b ,,c "}, None).api_keys == ("a", "b", "c")
    assert load_settings({"QA_API_KEYS": " , "}, None).api_keys == ()


def test_settings_are_frozen() -> None:
    """Settings are immutable."""
    settings = Settings()
    with pytest.raises(ValueError, match="frozen"):
        settings.mode = "llm"  # type: ignore[misc]


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("localhost", True),
        ("127.0.0.1", True),
        ("127.9.9.9", True),
        ("::1", True),
        ("[::1]", True),
        ("0.0.0.0", False),
        ("::", False),
        ("192.168.0.1", False),
        ("example.org", False),
        ("127.0.0.1.example.org", False),
        ("", False),
    ],
)
def test_loopback_is_only_what_nobody_else_reaches(host: str, expected: bool) -> None:
    """A doubtful address counts as non-loopback, so keys are needed."""
    assert is_loopback(host) is expected
