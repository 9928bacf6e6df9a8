"""Numbers with their nouns."""


def counted(number: int, noun: str) -> str:
    """Return `number` and `noun`, which gets an s unless the number is 1."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def have(number: int) -> str:
    """Return ``has`` for 1, otherwise ``have``."""
    return "has" if number == 1 else "have"
