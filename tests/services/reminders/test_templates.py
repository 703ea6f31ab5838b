"""Templates: what may stand in one, what is filled in, and what is refused before anything is released."""

import pytest

from services.errors import Refused
from services.reminders.recipients import Language, Recipient, mobile_number, read_language
from services.reminders.templates import LONGEST_TEXT, Wording, check, months_in_words

ASHA = Recipient("c", "Asha Rao", "+919876543210", "98765 43210", None)


def wording(content: str, language: Language = "en") -> Wording:
    return check(language, "payment_reminder", content, {"business_name": "Namma Haalu", "upi_id": "halu@upi"})


def rendered(content: str, recipient: Recipient = ASHA, paise: int = 12_345_678, language: Language = "en") -> str:
    made = wording(content, language)
    return made.render(made.context(recipient, paise, ["2026-10", "2026-09"]), 2)


@pytest.mark.parametrize(
    "content",
    [
        "{{ ''.__class__.__mro__[1].__subclasses__() }}",
        "{{ customer_name.__class__ }}",
        "{{ customer_name['__class__'] }}",
        "{{ customer_name|attr('__class__') }}",
        "{{ self.__init__.__globals__ }}",
        "{{ cycler.__init__ }}",
        "{{ lipsum.__globals__['os'].popen('id').read() }}",
        "{{ customer_name.format(1) }}",
        "{% import 'os' as os %}",
        "{% include '/etc/passwd' %}",
    ],
)
def test_a_template_that_reaches_for_internals_is_refused(content: str) -> None:
    with pytest.raises(Refused) as refusal:
        wording(content)
    assert refusal.value.code == "template-refused"
    assert "payment_reminder" in refusal.value.message


@pytest.mark.parametrize(
    "content",
    [
        "{% for i in range(1000000000) %}{% for j in range(1000000000) %}x{% endfor %}{% endfor %}",
        "{{ 'x' * 10**10 }}",
        "{{ 9**9**9**9 }}",
        "{{ amount|center(10000000000) }}",
        "{% macro m() %}{{ m() }}{{ m() }}{% endmacro %}{{ m() }}",
        "{{ " + "(" * 3_900 + "1" + ")" * 3_900 + " }}",
        *("{% if amount %}" * depth + "x" + "{% endif %}" * depth for depth in (99, 110, 300)),
        "{{ " + "not " * 1_900 + "amount }}",
        "x" * 8_001,
    ],
)
def test_a_template_that_would_run_long_is_refused_not_run(content: str) -> None:
    with pytest.raises(Refused) as refusal:
        wording(content)
    assert refusal.value.code == "template-refused"


@pytest.mark.parametrize("content", ["", "   ", "{{", "{{ nobody }}", "{% if amount > 3 %}x{% endif %}", "x" * 5_000])
def test_a_template_that_does_not_render_to_a_message_is_refused(content: str) -> None:
    with pytest.raises(Refused):
        wording(content)


def test_what_may_be_filled_in() -> None:
    assert rendered("{{customer_name}}: ₹{{amount}} for {{period}} to {{upi_id}}, {{business_name|upper}}") == (
        "Asha Rao: ₹1,23,456.78 for September 2026 and October 2026 to halu@upi, NAMMA HAALU"
    )
    assert rendered("{{ 'one order' if orders == 1 else 'orders' }}") == "orders"


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ("Pay {{amount}}.", "Pay ₹1,23,456.78."),
        ("Pay Rs. {{amount}}", "Pay Rs. 1,23,456.78"),
        ("రూ. {{amount}}", "రూ. 1,23,456.78"),
    ],
)
def test_the_amount_carries_the_sign_of_the_rupee_unless_the_template_does(content: str, text: str) -> None:
    assert rendered(content) == text


@pytest.mark.parametrize(
    ("name", "addressed"),
    [
        ("{{7*7}} [b]x[/b]", "{{7*7}} [b]x[/b]"),
        ("\u202egnp.eciovni\u202c Kumar", "gnp.eciovni Kumar"),
        ("Ravi\nDELIVERED\r\nShankar", "Ravi DELIVERED Shankar"),
        ("\x1b]0;x\x07Red", "]0;x Red"),
        ("  ", "customer"),
        ("లక్ష్మి \u200c🙏🏽 👩\u200d👧", "లక్ష్మి \u200c🙏🏽 👩\u200d👧"),
        ("x" * 500, "x" * 80),
    ],
)
def test_a_name_is_one_line_of_text_and_never_a_template(name: str, addressed: str) -> None:
    assert rendered("Dear {{customer_name}}", Recipient("c", name, None, "", None)) == f"Dear {addressed}"


def test_a_message_is_no_longer_than_whatsapp_takes() -> None:
    made = wording("{{customer_name}}" * 60)
    with pytest.raises(Refused):
        made.render(made.context(Recipient("c", "n" * 80, None, "", None), 100, ["2026-10"]), 1)
    assert LONGEST_TEXT < 80 * 60


def test_months_are_said_in_words() -> None:
    assert months_in_words(["2026-10"], "en") == "October 2026"
    assert months_in_words(["2026-01", "2025-12", "2026-01"], "en") == "December 2025 and January 2026"
    assert months_in_words(["2026-10", "2026-11"], "te") == "అక్టోబర్ 2026 మరియు నవంబర్ 2026"


@pytest.mark.parametrize(
    "written", ["9876543210", "+91 98765 43210", "098765-43210", "91-9876543210", "919876543210", 9876543210]
)
def test_every_writing_of_an_indian_mobile_becomes_e164(written: object) -> None:
    assert mobile_number(written) == "+919876543210"


@pytest.mark.parametrize(
    "written",
    ["", None, "not given", "12345", "080-2345 6789", "+1 202 555 0147", "5876543210", "98765432101", True,
     "9876543210 or 9876543211"],
)  # fmt: skip
def test_anything_else_is_no_number_for_a_reminder(written: object) -> None:
    assert mobile_number(written) is None


def test_a_language_is_read_in_every_writing() -> None:
    assert [read_language(each) for each in ("te", "TE-IN", "Telugu", "en_IN", "English", "kn", "", None, 3)] == [
        "te", "te", "te", "en", "en", None, None, None, None,
    ]  # fmt: skip
