"""How every command speaks: JSON on stdout, all else on stderr, errors as sentences."""

import json
import sys
from collections.abc import Callable
from functools import wraps
from typing import Any, ParamSpec, TypeVar

import typer

from models.errors import ConfigError, TruepennyError

P = ParamSpec("P")
R = TypeVar("R")


def out(data: Any) -> None:
    """Prints one JSON object as one line on stdout."""
    sys.stdout.write(json.dumps(data, ensure_ascii=False) + "\n")
    sys.stdout.flush()


def say(text: str) -> None:
    """Prints a line for people, on stderr."""
    typer.echo(text, err=True)


def explained(command: Callable[P, R]) -> Callable[P, R]:
    """Turns our errors into their sentence and an exit code: 2 for wrong use, 1 for the rest."""

    @wraps(command)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return command(*args, **kwargs)
        except TruepennyError as error:
            say(f"Error: {error}")
            raise typer.Exit(2 if isinstance(error, ConfigError) else 1) from None
        except KeyboardInterrupt:
            say("Stopped.")
            raise typer.Exit(1) from None

    return run
