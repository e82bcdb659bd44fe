"""The one error of the embedded stack."""


class StackError(Exception):
    """The stack cannot do as asked; the message is a sentence that says why and what to do next."""


def tail(text: str, lines: int = 6) -> str:
    """The last lines of a log, for a message."""
    return "\n".join(text.strip().splitlines()[-lines:])
