"""``python -m neurallayers``: the command line."""

from neurallayers.cli import main

if __name__ == "__main__":
    main()
