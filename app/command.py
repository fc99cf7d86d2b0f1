"""The `headscope` command: train a model, open the app, list the shipped models."""

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

if TYPE_CHECKING:
    from models.training.history import Record
    from models.training.recipe import Recipe

Result = TypeVar("Result")

command = typer.Typer(
    no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, help="Attention beyond softmax."
)


def main() -> None:
    """Run the command with OpenMP threads that sleep while they wait; they would else starve a busy machine."""
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    command()


@command.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
def app(context: typer.Context) -> None:
    """Open the app in the browser. What follows goes to Streamlit, such as --server.port 8502."""
    script = Path(__file__).parent / "main.py"
    arguments = [sys.executable, "-m", "streamlit", "run", str(script), *context.args]
    os.execv(sys.executable, arguments)


@command.command()
def train(
    recipe: Annotated[Path, typer.Argument(help="A .toml, .yaml or .json recipe.", exists=True, dir_okay=False)],
    out: Annotated[Path | None, typer.Option(help="The run's folder; else runs/ and the recipe's name.")] = None,
) -> None:
    """Train a model from a recipe, or go on with the run where it was cut off."""
    from models.training.loop import train as run_training
    from models.training.recipe import read_recipe

    read = refusing_clearly(lambda: read_recipe(recipe))
    folder = out or Path("runs") / (recipe.resolve().parent.name if recipe.stem == "recipe" else recipe.stem)
    with TrainingBar(read) as bar:
        refusing_clearly(lambda: run_training(read, folder, bar.show))
    if os.environ.get("RANK", "0") == "0":
        typer.echo(f"trained: {folder}")


class TrainingBar:
    """A progress bar with loss and tokens per second, drawn from the first measurement on."""

    def __init__(self, recipe: "Recipe") -> None:
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

        columns = (MofNCompleteColumn(), BarColumn(), TextColumn("{task.fields[numbers]}"), TimeRemainingColumn())
        self.progress = Progress(*columns)
        self.task = self.progress.add_task("steps", total=recipe.steps, numbers="")
        self.first: Record | None = None

    def __enter__(self) -> "TrainingBar":
        return self

    def __exit__(self, *_: object) -> None:
        self.progress.stop()

    def show(self, record: "Record") -> None:
        """Draw one line of the history."""
        if self.first is None:
            self.first = record
            self.progress.start()
        seconds = record["seconds"] - self.first["seconds"]
        speed = (record["tokens"] - self.first["tokens"]) / seconds if seconds else 0.0
        loss = f"loss {record['loss']:.3f}" if "loss" in record else ""
        self.progress.update(self.task, completed=record["step"], numbers=f"{loss}  {speed:,.0f} tokens/s")
        if "validation_loss" in record:
            self.progress.console.print(
                f"step {record['step']:>6}  {loss}  validation {record['validation_loss']:.3f}  {speed:,.0f} tokens/s"
            )


def refusing_clearly(step: Callable[[], Result]) -> Result:
    """What a step returns; what it refuses becomes one line and exit code 1."""
    try:
        return step()
    except (ValueError, TypeError, FileNotFoundError, FloatingPointError) as refusal:
        typer.secho(f"headscope: {refusal}", fg="red", err=True)
        raise typer.Exit(1) from refusal


if __name__ == "__main__":
    main()
