"""`python -m astarzero` and the command `astarzero`; the command line itself is `experiments/__main__.py`."""

import sys


def main() -> None:
    """Hand over to the command line, imported only now so that importing this module costs nothing."""
    from astarzero.experiments.__main__ import main as command_line

    sys.exit(command_line())


if __name__ == "__main__":
    main()
