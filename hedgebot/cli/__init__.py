"""edge: the command line. Data goes to stdout, everything else to stderr; the exit code says how it went.

Each command is a function; ``program`` lists them. What is slow to import (the models, the exchange's
library, the servers) is imported inside the command that needs it, so that the others start quickly.
"""

from hedgebot.cli.program import main

__all__ = ["main"]
