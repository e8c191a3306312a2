"""Run the command line as `python -m midge`."""

from midge.tools.cli import main

if __name__ == "__main__":
    main()
