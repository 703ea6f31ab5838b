from pathlib import Path

import pytest

from console.settings import Settings, load_settings
from services.errors import BadRequest


@pytest.fixture(autouse=True)
def _no_settings_around(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DELIVERY_CONSOLE_URI", "DELIVERY_CONSOLE_DB", "DELIVERY_CONSOLE_CONFIG", "MONGO_URL", "DB_NAME"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "settings.toml"
    path.write_text('uri = "mongodb://file/"\ndb = "file"\ncredit_days = 10\nno_mouse = true\n')
    return path


def test_what_is_not_set_has_its_default() -> None:
    settings = load_settings({})
    assert (settings.uri, settings.db, settings.environment, settings.operator) == (None, None, None, None)
    assert (settings.credit_days, settings.batch_size, settings.lease_seconds) == (7, 500, 10)


def test_each_source_gives_way_to_the_one_before(monkeypatch: pytest.MonkeyPatch, file: Path) -> None:
    assert load_settings({}, file).uri == "mongodb://file/"
    monkeypatch.setenv("MONGO_URL", "mongodb://backend/")
    assert load_settings({}, file).uri == "mongodb://backend/"
    monkeypatch.setenv("DELIVERY_CONSOLE_URI", "mongodb://ours/")
    assert load_settings({}, file).uri == "mongodb://ours/"
    assert load_settings({"uri": "mongodb://flag/"}, file).uri == "mongodb://flag/"


def test_a_flag_not_given_leaves_the_file_to_speak(file: Path) -> None:
    settings = load_settings({"db": None, "no_mouse": None}, file)
    assert (settings.db, settings.no_mouse, settings.credit_days) == ("file", True, 10)


def test_an_empty_variable_is_none(monkeypatch: pytest.MonkeyPatch, file: Path) -> None:
    monkeypatch.setenv("DELIVERY_CONSOLE_DB", "")
    monkeypatch.setenv("DB_NAME", "")
    assert load_settings({}, file).db == "file"


@pytest.mark.parametrize(
    ("uri", "name"),
    [
        ("mongodb://a/shop", "shop"),
        ("mongodb://a,b:1/shop?replicaSet=rs0", "shop"),
        ("mongodb+srv://u:p@a.example/shop?x=1", "shop"),
    ],
)
def test_the_address_can_name_the_database(uri: str, name: str) -> None:
    assert load_settings({"uri": uri}).require_db() == name
    assert load_settings({"uri": uri, "db": "other"}).require_db() == "other"


@pytest.mark.parametrize("uri", ["mongodb://a", "mongodb://a/", "mongodb://a/?replicaSet=rs0"])
def test_no_database_is_told(uri: str) -> None:
    with pytest.raises(BadRequest) as refusal:
        load_settings({"uri": uri}).require_db()
    assert refusal.value.code == "no-database"


@pytest.mark.parametrize("name", ["a b", "a.b", "a/b", "$x", "x" * 64])
def test_a_name_that_no_database_can_have_is_told(name: str) -> None:
    with pytest.raises(BadRequest) as refusal:
        load_settings({"uri": "mongodb://a", "db": name}).require_db()
    assert refusal.value.code == "bad-database"


def test_the_address_is_not_in_what_is_printed_of_the_settings() -> None:
    assert "s3cret" not in repr(Settings(uri="mongodb://u:s3cret@a/"))


def test_a_value_that_is_none_is_told_without_the_address() -> None:
    with pytest.raises(BadRequest) as refusal:
        load_settings({"uri": "mongodb://u:s3cret@a/", "environment": "moon"})
    assert refusal.value.code == "bad-setting"
    assert "s3cret" not in refusal.value.message
