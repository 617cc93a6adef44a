"""Every error this program raises on purpose; each says what to do next.

Vendor errors are translated into these once, at the edge that met them, with the cause chained.
An error's ``exit_code`` is what a command that ends with it returns (README, "Exit codes").
"""

from enum import IntEnum


class ExitCode(IntEnum):
    """What a command's exit status means; fixed, other programs rely on it."""

    OK = 0
    ERROR = 1
    USAGE = 2
    CONFIG = 3
    NOT_RUNNING = 4
    CREDENTIALS = 5
    FORBIDDEN = 6
    TIMEOUT = 7
    DRIFT = 8


class HedgebotError(Exception):
    """Root of all our errors: ``what`` happened and the ``next_step`` for the reader."""

    exit_code = ExitCode.ERROR

    def __init__(self, what: str, next_step: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.next_step = next_step

    def __str__(self) -> str:
        return f"{self.what}. {self.next_step}" if self.next_step else self.what


class ConfigError(HedgebotError):
    """The configuration is wrong; ``problems`` holds one line for each fault found, all at once."""

    exit_code = ExitCode.CONFIG

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


class CredentialsError(HedgebotError):
    """A credential is missing, unreadable or refused by the exchange."""

    exit_code = ExitCode.CREDENTIALS


class LockHeldError(HedgebotError):
    """Another daemon holds this store's lock."""

    exit_code = ExitCode.FORBIDDEN


class NotRunningError(HedgebotError):
    """No daemon listens on the control socket."""

    exit_code = ExitCode.NOT_RUNNING


class NoAnswerError(HedgebotError):
    """The daemon did not answer in time."""

    exit_code = ExitCode.TIMEOUT


class JournalError(HedgebotError):
    """The journal cannot be written or read: nothing may be sent until it can."""


class ReadError(HedgebotError):
    """A read from an exchange failed. A failed read is never an empty one."""


class UnlistedError(ReadError):
    """The exchange lists no such contract, or does not any more."""


class ConversionError(ReadError):
    """A field of an exchange's reply is missing, malformed or impossible; ``field`` names it."""

    def __init__(self, field: str, problem: str) -> None:
        super().__init__(f"{field}: {problem}")
        self.field = field


class BackOffError(ReadError):
    """The exchange asked us to wait; ``seconds`` from now until the next request is allowed."""

    def __init__(self, what: str, seconds: float) -> None:
        super().__init__(what)
        self.seconds = seconds
