"""The program: entry point, command line, app shell, settings, and who the operator is."""

NAME = "delivery-console"


def version() -> str:
    """The installed version of the console."""
    from importlib.metadata import PackageNotFoundError, version  # slow, and only --version needs it

    try:
        return version(NAME)
    except PackageNotFoundError:
        return "unknown (not installed)"
