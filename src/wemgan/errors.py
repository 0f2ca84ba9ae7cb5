"""Mistakes that a person can mend, told in a sentence instead of a traceback."""

import errno
import sys
from collections.abc import Callable


class UserError(Exception):
    """What was wrong, where, and what to do about it, in one or two sentences."""


def run_cli(main: Callable[[], None]) -> None:
    """Run a step's `main`; a UserError or a full disk ends it with exit status 1 and one sentence on stderr."""
    try:
        main()
    except UserError as mistake:
        sys.exit(f"error: {mistake}")
    except OSError as failure:
        if failure.errno != errno.ENOSPC:
            raise
        where = failure.filename or "the results folder"
        sys.exit(
            f"error: no space left on the device while writing {where}. "
            "Free some space and run the same command again: what is finished is kept."
        )
