"""A wrong value stops the start with a sentence that names it; .env.example lists them all."""

import re
import stat
from pathlib import Path

import pytest

from webapp import env

ROOT = Path(__file__).resolve().parents[3]


def test_what_is_not_set_is_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PROBE", raising=False)

    assert env.env_bool("PROBE", default=True) is True
    assert env.env_int("PROBE", default=7) == 7
    assert env.env_list("PROBE", default=["a"]) == ["a"]
    assert env.env_path("PROBE", default=Path("/x")) == Path("/x")
    assert env.env_text("PROBE", default="t") == "t"


@pytest.mark.parametrize(
    ("text", "value"), [("1", True), ("TRUE", True), ("on", True), ("0", False), ("No", False)]
)
def test_a_yes_or_a_no(monkeypatch: pytest.MonkeyPatch, text: str, value: bool) -> None:
    monkeypatch.setenv("PROBE", text)

    assert env.env_bool("PROBE", default=not value) is value


def test_values_of_other_kinds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PROBE", " a, b ,,")
    assert env.env_list("PROBE", default=[]) == ["a", "b"]

    monkeypatch.setenv("PROBE", "info")
    assert env.env_choice("PROBE", ("INFO", "ERROR"), default="ERROR") == "INFO"

    monkeypatch.setenv("PROBE", "~/x")
    assert env.env_path("PROBE", default=Path("/")) == Path.home() / "x"


@pytest.mark.parametrize(
    ("read", "text", "words"),
    [
        (lambda: env.env_bool("PROBE", default=True), "maybe", "must be 1 or 0"),
        (lambda: env.env_int("PROBE", default=1), "many", "must be a whole number"),
        (lambda: env.env_int("PROBE", default=1, lowest=1), "0", "at least 1"),
        (lambda: env.env_int("PROBE", default=1, highest=9), "10", "from 0 to 9"),
        (lambda: env.env_choice("PROBE", ("A",), default="A"), "b", "must be one of A"),
    ],
)
def test_a_wrong_value_stops_the_start(
    monkeypatch: pytest.MonkeyPatch, read, text: str, words: str
) -> None:
    monkeypatch.setenv("PROBE", text)

    with pytest.raises(SystemExit, match=f"^PROBE .*{words}.*{text}"):
        read()


def test_a_secret_is_made_once_and_is_its_owners_alone(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("PROBE", raising=False)
    kept = tmp_path / "below" / "secret"

    first = env.env_secret("PROBE", keep_in=kept)

    assert env.env_secret("PROBE", keep_in=kept) == first
    assert len(first) > 50
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600


def test_a_secret_that_is_given_is_taken_and_not_written(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PROBE", "given")

    assert env.env_secret("PROBE", keep_in=tmp_path / "secret") == "given"
    assert not (tmp_path / "secret").exists()


def test_a_secret_that_must_be_given_and_is_not_stops_the_start(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("PROBE", raising=False)

    with pytest.raises(SystemExit, match="PROBE must be set"):
        env.env_secret("PROBE", keep_in=None)


def test_a_file_of_settings_does_not_override_the_environment(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PROBE_SET", "outside")
    monkeypatch.setenv("PROBE_UNSET", "")
    monkeypatch.delenv("PROBE_UNSET")
    file = tmp_path / ".env"
    file.write_text("# a comment\n\nPROBE_SET=inside\nPROBE_UNSET='a b'\n")

    env.load_dotenv(file)

    assert env.env_text("PROBE_SET") == "outside"
    assert env.env_text("PROBE_UNSET") == "a b"
    monkeypatch.delenv("PROBE_UNSET")


def test_a_line_that_sets_nothing_is_named(tmp_path: Path) -> None:
    file = tmp_path / ".env"
    file.write_text("A_LINE\n")

    with pytest.raises(SystemExit, match="line 1: expected NAME=value"):
        env.load_dotenv(file)


def test_the_example_lists_what_the_settings_read() -> None:
    settings = (ROOT / "webapp" / "settings.py").read_text()
    example = (ROOT / ".env.example").read_text()

    read = set(re.findall(r"\benv_\w+\(\s*\"([A-Z_]+)\"", settings))
    listed = set(re.findall(r"^#?([A-Z_]+)=", example, flags=re.MULTILINE))

    assert read == listed
    assert len(read) > 20
