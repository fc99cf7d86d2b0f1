"""Refusals of the command: one line on the error stream and an exit code, whatever was refused."""

from collections.abc import Callable
from typing import NoReturn, TypeVar

import typer

from headscope.models.io.foreign_input import is_panic

Result = TypeVar("Result")


def going_on_later(step: Callable[[], Result]) -> Result:
    """As refusing_clearly; Ctrl+C becomes a line that says how to go on, and exit code 130."""
    try:
        return refusing_clearly(step)
    except KeyboardInterrupt as stopped:
        words = str(stopped) or "stopped"
        typer.secho(f"headscope: {words}; the same command goes on from there", fg="yellow", err=True)
        raise typer.Exit(130) from stopped


def refusing_clearly(step: Callable[[], Result]) -> Result:
    """What a step returns; what it refuses, and a panic, becomes one line and exit code 1."""
    try:
        return step()
    except BaseException as refusal:
        if not (isinstance(refusal, ValueError | TypeError | OSError | FloatingPointError) or is_panic(refusal)):
            raise
        refuse_command(refusal_in_words(refusal), refusal)


def refusal_in_words(refusal: BaseException) -> str:
    """What an error says, on one line; of the system's own errors the words and the file, without the number."""
    if isinstance(refusal, OSError) and refusal.strerror:
        return refusal.strerror.lower() + (f": {refusal.filename}" if refusal.filename else "")
    return " ".join(str(refusal).split())


def refuse_command(words: str, cause: BaseException | None = None) -> NoReturn:
    """One line on the error stream, and exit code 1."""
    complain(words)
    raise typer.Exit(1) from cause


def complain(words: str) -> None:
    """One line on the error stream."""
    typer.secho(f"headscope: {words}", fg="red", err=True)
