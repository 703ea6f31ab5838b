"""`python -m console` and the `delivery-console` command."""

import sys
import warnings
from typing import Any


def main() -> None:
    """Run the command line on this process's arguments and end with its exit status."""
    from console.cli import execute

    warnings.showwarning = _tell
    sys.exit(execute(sys.argv[1:]))


def _tell(message: Warning | str, *where: Any, **more: Any) -> None:
    # The driver warns of options in the address that it does not know.
    from services.text import visible

    print(f"Warning: {visible(message)}", file=sys.stderr)


if __name__ == "__main__":
    main()
