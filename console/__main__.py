"""`python -m console` and the `delivery-console` command."""

import sys


def main() -> None:
    """Run the command line on this process's arguments and end with its exit status."""
    from console.cli import execute

    sys.exit(execute(sys.argv[1:]))


if __name__ == "__main__":
    main()
