import json
import sys
import uuid
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest
from bson import Decimal128, Int64, ObjectId, Regex
from bson.datetime_ms import DatetimeMS
from hypothesis import given
from hypothesis import strategies as st

from console.output import Answer, Line, Pairs, Table, plain, progress_bar, show, show_error, to_json
from services.records.findings import Finding

KEY = ObjectId("6527f0f0f0f0f0f0f0f0f0f0")


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (float("nan"), None),
        (float("inf"), None),
        (1.5, 1.5),
        (True, True),
        (Int64(5), 5),
        (10**30, 10**30),
        (KEY, str(KEY)),
        (Decimal("1.10"), "1.10"),
        (Decimal("NaN"), None),
        (Decimal128("2.50"), "2.50"),
        (Decimal128("Infinity"), None),
        (datetime(2026, 11, 5, 6, tzinfo=UTC), "2026-11-05T06:00:00+00:00"),
        (datetime(2026, 11, 5, 6, tzinfo=timezone(timedelta(hours=5, minutes=30))), "2026-11-05T00:30:00+00:00"),
        (datetime(2026, 11, 5, 6), "2026-11-05T06:00:00+00:00"),  # noqa: DTZ001
        (date(2026, 11, 5), "2026-11-05"),
        (b"ab", "YWI="),
        (uuid.UUID(int=1), "00000000-0000-0000-0000-000000000001"),
        ((1, {2}), [1, [2]]),
        ({1: {"$a.b": None}}, {"1": {"$a.b": None}}),
        (Finding("code", "words"), {"code": "code", "message": "words"}),
    ],
)
def test_every_stored_value_has_its_form_in_json(value: Any, written: Any) -> None:
    assert json.loads(to_json({"value": value}))["value"] == written


@pytest.mark.parametrize("value", [DatetimeMS(10**17), Regex("x"), object()])
def test_what_json_has_no_form_for_is_words(value: Any) -> None:
    assert isinstance(plain(value), (str, int))


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary() | st.datetimes() | st.decimals(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text() | st.integers(), inner),
    max_leaves=10,
)


@given(ANYTHING)
def test_json_is_always_strict_and_printable(value: Any) -> None:
    written = to_json({"value": value})
    json.loads(written, parse_constant=lambda word: pytest.fail(word))
    assert written.isascii()
    assert written.isprintable()


def test_people_see_data_as_data(capsys: pytest.CaptureFixture[str]) -> None:
    hostile = "\x1b]0;x\x07[bold]a[/] :smile:\nb\u202e"
    show(
        Answer({}, [Line(hostile), Pairs([("Name", hostile)]), Table(("Head", "N"), [(hostile, 1)], frozenset({"N"}))]),
        as_json=False,
    )

    out = capsys.readouterr().out
    assert out.count("␛]0;x␇[bold]a[/] :smile:⏎b‹202E›") == 3
    assert not {"\x1b", "\x07", "\u202e"} & set(out)


def test_a_row_stays_one_line_in_a_pipe(capsys: pytest.CaptureFixture[str]) -> None:
    show(Answer({}, [Table(("A", "B"), [("x" * 150, "y" * 150)])]), as_json=False)
    assert len(capsys.readouterr().out.splitlines()) == 2


def test_a_refusal_is_a_sentence_on_standard_error(capsys: pytest.CaptureFixture[str]) -> None:
    show_error("code", "Not \x1b[31mallowed.", as_json=False)
    printed = capsys.readouterr()
    assert (printed.out, printed.err) == ("", "Not ␛[31mallowed.\n")


def test_a_refusal_has_its_code_in_json(capsys: pytest.CaptureFixture[str]) -> None:
    show_error("code", "No.", as_json=True)
    printed = capsys.readouterr()
    assert (json.loads(printed.out), printed.err) == ({"error": {"code": "code", "message": "No."}}, "No.\n")


def test_progress_is_silent_where_nobody_watches(capsys: pytest.CaptureFixture[str]) -> None:
    assert not sys.stderr.isatty()
    with progress_bar() as progress:
        progress("orders", 1, 2)
    assert capsys.readouterr() == ("", "")
