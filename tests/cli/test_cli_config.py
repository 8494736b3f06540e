"""Where settings come from: flag, environment, --config or muniment.toml, default; and the sources by name."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from tests.cli.terminal import Place, Said, Terminal
from tests.source.rawserver import RawServer, Request, answers, raw_server

from muniment.sandbox.server import Box

SourceMaker = Callable[[], RawServer]
Two = tuple[RawServer, RawServer]
FLAG, ENVIRONMENT, FILE, DEFAULT = "by-flag", "by-environment", "by-file", "muniment-archive"


def settings(text: str, file: str = "muniment.toml") -> Path:
    path = Path(file)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


# -- precedence


@pytest.mark.parametrize("file", ["own.toml", "muniment.toml"])
@pytest.mark.parametrize(
    ("levels", "lands_in"),
    [
        ("flag environment file", FLAG),
        ("flag", FLAG),
        ("environment file", ENVIRONMENT),
        ("environment", ENVIRONMENT),
        ("file", FILE),
        ("", DEFAULT),
    ],
)
def test_an_archive_lies_where_flag_then_environment_then_file_then_default_say(
    muniment: Terminal, monkeypatch: pytest.MonkeyPatch, *, file: str, levels: str, lands_in: str
) -> None:
    monkeypatch.delenv("MUNIMENT_ARCHIVE")
    if "environment" in levels:
        monkeypatch.setenv("MUNIMENT_ARCHIVE", ENVIRONMENT)
    settings(f'archive = "{FILE}"\n' if "file" in levels else "", file)
    words = ["--config", file] if file == "own.toml" else []
    words += ["--archive", FLAG] if "flag" in levels else []
    assert muniment("init", *words, "--json").document["archive"] == lands_in
    assert (Path(lands_in) / "checkpoint").exists()


@pytest.fixture
def asked() -> Iterator[SourceMaker]:
    """Makes sources that refuse every key, and remember which ones they were shown."""
    with ExitStack() as stack:
        yield lambda: stack.enter_context(raw_server(answers(403, b'{"error":{"code":"no","message":"No."}}')))


def keys(server: RawServer) -> set[str]:
    def key(request: Request) -> str:
        return request.headers["x-api-key"]

    return set(map(key, server.requests))


@pytest.mark.parametrize("levels", ["flag environment file", "environment file", "file"])
def test_the_key_is_that_of_flag_then_environment_then_file(
    muniment: Terminal, monkeypatch: pytest.MonkeyPatch, asked: SourceMaker, levels: str
) -> None:
    server = asked()
    settings("key-of-flag\n", "flag.key")
    settings("key-of-file\n", "file.key")
    settings(f'url = "{server.url}"\napi_key_file = "file.key"\n')
    if "environment" in levels:
        monkeypatch.setenv("MUNIMENT_API_KEY", "key-of-environment")
    assert muniment("collect", *(["--api-key-file", "flag.key"] if "flag" in levels else [])).code == 3
    assert keys(server) == {f"key-of-{levels.split(maxsplit=1)[0]}"}


@pytest.mark.parametrize("levels", ["flag environment file", "environment file", "file"])
def test_the_address_is_that_of_flag_then_environment_then_file(
    muniment: Terminal, monkeypatch: pytest.MonkeyPatch, asked: SourceMaker, levels: str
) -> None:
    servers = {level: asked() for level in ("flag", "environment", "file")}
    monkeypatch.setenv("MUNIMENT_API_KEY", "k")
    settings(f'url = "{servers["file"].url}"\n')
    if "environment" in levels:
        monkeypatch.setenv("MUNIMENT_URL", servers["environment"].url)
    assert muniment("collect", *(["--url", servers["flag"].url] if "flag" in levels else [])).code == 3
    assert [level for level, server in servers.items() if server.requests] == [levels.split(maxsplit=1)[0]]


def test_any_option_of_a_command_can_stand_at_the_top(muniment: Terminal, collected: Place) -> None:
    settings("json = true\ndays = true\nfrom = 2026-03-25\nlimit = 3\n")
    said = muniment("status")
    assert "days" in said.document
    assert len(muniment("entries").document["items"]) == 3
    assert collected.archive.exists()


def test_json_of_the_file_holds_for_errors_too(muniment: Terminal) -> None:
    settings("json = true\n")
    assert muniment("status").error["code"] == "no_archive"


def test_paths_are_relative_to_the_file(muniment: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MUNIMENT_ARCHIVE")
    settings('archive = "kept/here"\n', "etc/own.toml")
    assert muniment("init", "--config", "etc/own.toml", "--json").document["archive"] == "etc/kept/here"


def test_a_path_that_begins_with_a_tilde_is_the_users(
    muniment: Terminal, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("MUNIMENT_ARCHIVE")
    settings('archive = "~/audit"\n')
    assert muniment("init", "--json").document["archive"] == str(place.folder / "nobody" / "audit")


# -- what is wrong with a file


def refused(muniment: Terminal, text: str) -> Said:
    settings(text)
    said = muniment("status", "--json")
    assert said.code == 2
    assert said.error["message"].startswith("muniment.toml")
    return said


WRONG = [
    ('archvie = "x"\n', "line 1: unknown key `archvie`", "Did you mean `archive`?"),
    ('\n# a comment\napi_keyfile = "x"\n', "line 3: unknown key `api_keyfile`", "`api_key_file`"),
    ('api_key_env = "X"\n', "line 1: unknown key `api_key_env`", "It belongs into [[source]]."),
    ('[[source]]\nname = "a"\nurll = "x"\n', "line 3: unknown key `urll` in [source]", "Did you mean `url`?"),
    (
        '[watch]\nzone = "UTC"\n[[source]]\nname = "a"\n[[source]]\nname = "b"\nzone = "UTC"\n',
        "line 7: unknown key `zone` in [source]",
        "It belongs into [watch] or [[report]] or [[pack]].",
    ),
    ("[sources]\n", "line 1: unknown key `sources`", "Did you mean `source`?"),
    ('[source]\nname = "a"\n', "line 1: source is a table", "[[source]]"),
    ('[[watch]]\nzone = "UTC"\n', "line 1: watch is a table", "[watch]"),
    ("source = 5\n", "line 1: source is a table", "[[source]]"),
    ("[[source]]\nurl = 5\n", "line 2: url must be a text in quotes", ""),
    ('[[source]]\nname = " "\n', "line 2: name must be a text in quotes", ""),
    ('[[source]]\nmax_rate = "fast"\n', "line 2: max_rate must be a number", ""),
    ("[[source]]\nmax_rate = true\n", "line 2: max_rate must be a number", ""),
    ('[[source]]\nfrom = "1 January"\n', "line 2: from must be a day", ""),
    ("[[source]]\nfrom = 2026-01-01T00:00:00Z\n", "line 2: from must be a day", ""),
    ('[[source]]\nname = "a"\n[[source]]\nname = "a"\n', "two of its [[source]] are named a", ""),
    ('days = "often"\n', "line 1: days is not what --days takes", ""),
    ("archive = 5\n", "line 1: archive is not what --archive takes", ""),
    ("[[[\n", "at line 1", "toml.io"),
    ("x = \n", "at line 1", "toml.io"),
]


@pytest.mark.parametrize(("text", "message", "hint"), WRONG)
def test_what_is_wrong_is_named_with_file_line_key_and_the_nearest_right_one(
    muniment: Terminal, text: str, message: str, hint: str
) -> None:
    error = refused(muniment, text).error
    assert message in error["message"]
    assert hint in error["hint"]


def test_a_file_that_is_named_must_be_there(muniment: Terminal) -> None:
    assert muniment("status", "--config", "nosuch.toml", "--json").error["message"] == (
        "nosuch.toml: there is no such file"
    )


def test_a_file_that_cannot_be_read_is_said(muniment: Terminal) -> None:
    Path("muniment.toml").mkdir()
    assert "cannot be read" in muniment("status", "--json").error["message"]


def test_a_file_that_is_no_utf_8_is_said(muniment: Terminal) -> None:
    Path("muniment.toml").write_bytes(b'archive = "\xff"\n')
    assert "is not UTF-8" in muniment("status", "--json").error["message"]


def test_tables_of_later_commands_are_no_harm(muniment: Terminal, collected: Place) -> None:
    settings(
        '[watch]\ninterval_s = 60\n[[notify]]\nurl = "mailto://x"\n[serve]\nport = 80\n[[pack]]\nframework = "soc2"\n'
    )
    assert muniment("status").code == 0
    assert collected.archive.exists()


def test_help_needs_no_file(muniment: Terminal) -> None:
    settings("[[[")
    assert muniment("status", "--help").code == 0


# -- sources by name

TWO = """
[[source]]
name = "production"
url = "{one}"
api_key_env = "PRODUCTION_KEY"
from = 2026-03-30
[[source]]
name = "trial"
url = "{two}"
api_key_file = "trial.key"
"""


@pytest.fixture
def two(asked: SourceMaker, monkeypatch: pytest.MonkeyPatch) -> Two:
    """Two sources in muniment.toml."""
    one, two = asked(), asked()
    settings("key-of-trial", "etc/trial.key")
    settings(TWO.format(one=one.url, two=two.url), "etc/own.toml")
    monkeypatch.setenv("PRODUCTION_KEY", "key-of-production")
    return one, two


def test_a_source_is_chosen_by_its_name_with_its_address_and_key(muniment: Terminal, two: Two) -> None:
    for name, server, other in (("production", two[0], two[1]), ("trial", two[1], two[0])):
        before = len(other.requests)
        said = muniment("collect", "--config", "etc/own.toml", "--source", name, "--json")
        assert (said.code, said.document["source"]) == (3, name)
        assert keys(server) == {f"key-of-{name}"}
        assert len(other.requests) == before


@pytest.mark.usefixtures("two")
def test_a_name_in_no_table_is_exit_2_naming_those_there_are(muniment: Terminal) -> None:
    error = muniment("collect", "--config", "etc/own.toml", "--source", "prodction", "--json").error
    assert error["message"] == "there is no [[source]] named prodction"
    assert "production, trial" in error["hint"]


def test_a_name_in_no_table_with_an_address_is_just_a_name(
    muniment: Terminal,
    two: Two,
    asked: SourceMaker,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    third = asked()
    monkeypatch.setenv("MUNIMENT_API_KEY", "key-of-environment")
    words = ("--config", "etc/own.toml", "--source", "third", "--url", third.url)
    assert muniment("collect", *words, "--json").document["source"] == "third"
    assert keys(third) == {"key-of-environment"}
    assert not two[0].requests + two[1].requests


def test_the_key_of_one_host_is_never_shown_to_another(muniment: Terminal, asked: SourceMaker, place: Place) -> None:
    one, other = asked(), asked()
    settings("key-of-one", "one.key")
    settings(f'[[source]]\nname = "one"\nurl = "{one.url}"\napi_key_file = "one.key"\n')
    said = muniment("collect", "--url", other.url, "--json")
    assert said.error["message"] == "there is no API key"
    assert not other.requests
    assert not place.archive.exists()


def test_a_single_source_needs_no_name(muniment: Terminal, asked: SourceMaker) -> None:
    server = asked()
    settings("key-of-one", "one.key")
    settings(f'[[source]]\nurl = "{server.url}/"\napi_key_file = "one.key"\n')
    assert muniment("collect", "--json").document["source"] == f"account-manager@127.0.0.1:{server.port}"
    assert muniment("collect", "--url", server.url).code == 3
    assert keys(server) == {"key-of-one"}


def test_the_first_day_of_a_source_is_a_default_that_a_flag_overrides(muniment: Terminal, shared_box: Box) -> None:
    settings(shared_box.keys["AM_VIEW_ONLY"], "box.key")
    settings(f'[[source]]\nname = "box"\nurl = "{shared_box.url}"\napi_key_file = "box.key"\nfrom = "2026-03-30"\n')
    assert muniment("collect", "--to", "2026-04-01", "--json").document["from"] == "2026-03-30"
    told = muniment("collect", "--from", "2026-03-31", "--to", "2026-04-01", "--json").document
    assert told["from"] == "2026-03-31"


def test_an_environment_without_the_key_that_a_source_names_is_exit_2(
    muniment: Terminal, two: Two, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PRODUCTION_KEY")
    error = muniment("collect", "--config", "etc/own.toml", "--source", "production", "--json").error
    assert error["message"] == ("etc/own.toml, line 2: the environment has no PRODUCTION_KEY, which api_key_env names")
    assert not two[0].requests


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ('manager = "trust-lifecycle"', "manager trust-lifecycle is not one that this version can read"),
        ('account_id = "x"', "this version does not heed account_id"),
        ('adapter = "x.toml"', "this version does not heed adapter"),
    ],
)
def test_what_this_version_cannot_do_for_a_source_is_refused_and_not_passed_over(
    muniment: Terminal, monkeypatch: pytest.MonkeyPatch, line: str, message: str
) -> None:
    monkeypatch.setenv("MUNIMENT_API_KEY", "k")
    settings(f'[[source]]\nurl = "http://127.0.0.1:9"\n{line}\n')
    assert message in muniment("collect", "--json").error["message"]


def test_the_rate_of_a_source_is_checked_like_the_flags(muniment: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MUNIMENT_API_KEY", "k")
    settings('[[source]]\nurl = "http://127.0.0.1:9"\nmax_rate = 0\n')
    assert "lets nothing through" in muniment("collect", "--json").error["message"]


def test_a_source_is_collected_at_its_rate(muniment: Terminal, shared_box: Box) -> None:
    settings(shared_box.keys["AM_VIEW_ONLY"], "box.key")
    settings(f'[[source]]\nname = "box"\nurl = "{shared_box.url}"\napi_key_file = "box.key"\nmax_rate = 60\n')
    told = muniment("collect", "--from", "2026-03-31", "--to", "2026-03-31", "--json").document
    assert told["seconds"] > (told["requests"] - 5) / 60
