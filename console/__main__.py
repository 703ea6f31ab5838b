"""`python -m console` and the `delivery-console` command."""

import sys
import warnings
from typing import Any


def main() -> None:
    """Run the command line on this process's arguments and end with its exit status."""
    try:
        from console.cli import execute

        warnings.showwarning = _tell
        status = execute(sys.argv[1:])
    except KeyboardInterrupt:  # while the modules are loaded
        print("Interrupted.", file=sys.stderr)
        status = 130
    sys.exit(status)


def _tell(message: Warning | str, *where: Any, **more: Any) -> None:
    # The driver warns of options in the address that it does not know.
    from services.text import visible

    print(f"Warning: {visible(message)}", file=sys.stderr)


if __name__ == "__main__":
    main()
