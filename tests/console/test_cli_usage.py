import re
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tests.console.commandline import console, environment


def test_help_names_every_group_and_loads_none() -> None:
    shown = console("--help")
    assert shown.status == 0
    assert all(group in shown.out for group in ("demo", "audit", "db", "operators"))

    modules = "import sys, console.cli as c; c.execute(['--help']); print(*sorted(sys.modules), file=sys.stderr)"
    result = subprocess.run([sys.executable, "-c", modules], capture_output=True, text=True, check=True)
    loaded = set(result.stderr.split())
    assert not loaded & {"pymongo", "textual", "pydantic", "pydantic_settings", "rich.table"}
    assert not [name for name in loaded if name.startswith("console.commands.")]


def test_the_version_is_told() -> None:
    shown = console("--version")
    assert (shown.status, shown.out.startswith("delivery-console ")) == (0, True)


@pytest.mark.parametrize(
    "arguments",
    [
        ("nonsense",),
        ("--nonsense",),
        ("audit",),
        ("audit", "nonsense"),
        ("audit", "list", "--nonsense"),
        ("audit", "show"),
        ("audit", "list", "--limit", "many"),
        ("operators", "add", "ravi"),
        ("demo", "--port", "x"),
    ],
)
def test_wrong_usage_ends_with_2_and_a_sentence(arguments: tuple[str, ...]) -> None:
    shown = console(*arguments)
    assert (shown.status, shown.out) == (2, "")
    assert shown.err.strip()
    assert "Traceback" not in shown.err


def test_wrong_usage_is_json_too_where_json_was_asked_for() -> None:
    shown = console("audit", "list", "--nonsense", "--json")
    assert shown.status == 2
    assert shown.json["error"]["code"] == "usage"
    assert "--nonsense" in shown.json["error"]["message"]


def test_without_an_address_it_says_how_to_give_one() -> None:
    shown = console("audit", "list", "--json")
    assert (shown.status, shown.json["error"]["code"]) == (2, "no-uri")
    assert "--uri" in shown.err


def test_without_a_database_it_says_how_to_name_one() -> None:
    shown = console("--uri", "mongodb://127.0.0.1:1/", "audit", "list", "--json")
    assert (shown.status, shown.json["error"]["code"]) == (2, "no-database")


@pytest.mark.parametrize("uri", ["mongodb://", "http://example.org", "mongodb://a:b@c:d/", "mongodb://a:b@c@d/"])
def test_an_address_that_is_none_ends_with_3(uri: str) -> None:
    shown = console("--uri", uri, "--db", "shop", "audit", "list", "--json")
    assert (shown.status, shown.json["error"]["code"]) == (3, "bad-uri")


def test_a_server_that_does_not_answer_ends_with_3_and_never_tells_the_password() -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        uri = f"mongodb://ops:s3cret@127.0.0.1:{nobody.getsockname()[1]}/?serverSelectionTimeoutMS=300"
        shown = console("--uri", uri, "--db", "shop", "audit", "list", "--json")
    assert (shown.status, shown.json["error"]["code"]) == (3, "no-connection")
    assert "s3cret" not in shown.out + shown.err


def test_an_unknown_option_in_the_address_is_a_sentence() -> None:
    shown = console("--uri", "mongodb://x:1/?nonsense=1&serverSelectionTimeoutMS=1", "--db", "shop", "audit", "list")
    assert shown.status == 3
    assert shown.err.startswith("Warning: Unknown option: nonsense.")
    assert ".py" not in shown.err


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("uri = ", "not valid TOML"),
        ("colour = 'blue'", "no such setting"),
        ("credit_days = 'soon'", "credit_days"),
        ("environment = 'moon'", "environment"),
        ("batch_size = 0", "batch_size"),
        (b"\xff\xfe", "cannot be read"),
    ],
)
def test_a_broken_settings_file_is_told(tmp_path: Path, content: str | bytes, told: str) -> None:
    file = tmp_path / "settings.toml"
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    shown = console("--config", str(file), "audit", "list", "--json")
    assert shown.status == 2
    assert told in shown.err


def test_a_settings_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    shown = console("--config", str(tmp_path / "none.toml"), "audit", "list")
    assert shown.status == 2
    assert "none.toml" in shown.err


def test_a_fault_of_the_console_is_a_sentence_and_its_details_are_in_a_log(tmp_path: Path) -> None:
    fault = (
        "import sys, console.cli as c, console.command as k\n"
        "def broken(*a, **k): raise KeyError('secret detail')\n"
        "import console.commands.audit.entries as a; a.run = broken\n"
        "sys.exit(c.execute(['audit', 'list', '--json']))\n"
    )
    result = subprocess.run(
        [sys.executable, "-c", fault],
        capture_output=True,
        text=True,
        env=environment(XDG_STATE_HOME=str(tmp_path)),
        check=False,
    )
    log = tmp_path / "delivery-console/errors.log"
    assert result.returncode == 1
    assert '"code": "internal-error"' in result.stdout
    assert "Traceback" not in result.stderr
    assert str(log) in result.stderr
    assert "secret detail" in log.read_text()
    assert re.fullmatch("0o100600", oct(log.stat().st_mode))
