"""`python -m lcs`, and the script `lcs`."""

import sys


def main() -> None:
    """Run the command line, which takes a moment to import."""
    try:
        from lcs import cli
    except KeyboardInterrupt:
        sys.exit(130)
    cli.main()


if __name__ == "__main__":
    main()
