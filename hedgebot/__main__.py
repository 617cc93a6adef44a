"""``python -m hedgebot``: the command line."""

from hedgebot.cli import main

main()
