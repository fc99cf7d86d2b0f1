"""The commands that train: from a recipe, temperatures of a trained model, and what becomes of a finished run."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from headscope.app.terminal.refusals import going_on_later, refusing_clearly

if TYPE_CHECKING:
    from headscope.models.training.recipe import Recipe

RecipeFile = Annotated[Path, typer.Argument(help="A .toml, .yaml or .json recipe.")]
RunFolder = Annotated[Path | None, typer.Option(help="The run's folder; else runs/ and the recipe's name.")]

StartFolder = Annotated[
    str | None,
    typer.Option(
        "--from", help="A model folder, or a shipped model, whose weights a recipe without a model starts from."
    ),
]


def train(recipe: RecipeFile, out: RunFolder = None, start: StartFolder = None) -> None:
    """Train a model from a recipe, or go on with the run where it was cut off."""
    from headscope.models.training.recipe_file import read_recipe

    folder = out or default_run_folder(recipe)
    has_trained = train_with_bar(refusing_clearly(lambda: read_recipe(recipe, start)), folder)
    if os.environ.get("RANK", "0") == "0":
        typer.echo(f"trained: {folder}" if has_trained else f"nothing to do: the run in {folder} is complete")


def temper(
    model: Annotated[str, typer.Argument(help="A shipped softmax model's name or a model folder.")],
    out: Annotated[Path, typer.Option(help="The folder of the tempered model, and of the run that makes it.")],
    corpus: Annotated[
        Path | None, typer.Option(help="A text file, or a folder of .txt files; else the running Python's own text.")
    ] = None,
    steps: Annotated[int, typer.Option(min=1, help="Steps of training.")] = 300,
    lr: Annotated[
        float, typer.Option(help="Learning rate of the temperatures; 1e-2 suits models as small as the shipped ones.")
    ] = 1e-3,
    batch: Annotated[int, typer.Option(min=1, help="Windows of a step.")] = 8,
    context: Annotated[int, typer.Option(min=1, help="Tokens of a window, at most the model's context.")] = 256,
    position: Annotated[str, typer.Option(help="Positional temperatures: paper, paper_code or none.")] = "paper",
    token: Annotated[bool, typer.Option(help="Temperatures that depend on the token.")] = True,
    seed: Annotated[int, typer.Option(min=0, help="Decides the order of the windows.")] = 0,
) -> None:
    """Teach a trained softmax model temperatures of its attention; all its other weights stay as they are."""
    from headscope.app.terminal.tempering_run import tempered_with_bar, tempering_summary
    from headscope.models.training.partial import Course
    from headscope.models.training.tempering import Tempering

    text: dict[str, str] = {"source": "text", "path": str(corpus.resolve())} if corpus else {"source": "stdlib"}
    how = Tempering({"position": position, "token": token}, Course(text, steps, lr, batch, context, seed))
    typer.echo(tempering_summary(going_on_later(lambda: tempered_with_bar(model, out, how))))


def ship(
    run: Annotated[Path, typer.Argument(help="The folder of a finished run of one of the zoo's recipes.")],
    name: Annotated[str | None, typer.Option(help="Which model of the zoo it becomes; default: its variant's.")] = None,
) -> None:
    """Put the model of a finished run into the zoo: 16-bit weights, snapshots, a thin history, measured facts."""
    from headscope.models.training.ship import ship as ship_run
    from headscope.models.zoo import HERE

    typer.echo(f"shipped: {refusing_clearly(lambda: ship_run(run, HERE, name)).name}")


def zoo(
    markdown: Annotated[bool, typer.Option("--markdown", help="Print the table as Markdown.")] = False,
    retrain: Annotated[bool, typer.Option("--retrain", help="First train and ship every model again.")] = False,
) -> None:
    """List the shipped models with what was measured of them."""
    from rich.console import Console

    from headscope.app.terminal.zoo_table import terminal_tables, zoo_markdown_tables

    if retrain:
        retrain_zoo()
    if markdown:
        typer.echo(refusing_clearly(zoo_markdown_tables), nl=False)
    else:
        Console().print(refusing_clearly(terminal_tables))


def retrain_zoo() -> None:
    """Train and ship the zoo's recipes one after the other, in runs/; what was done before a stop is kept."""
    from headscope.models.zoo import DIFFUSION, HERE, KNOWN, VISION

    recipes = (HERE / name / "recipe.toml" for name in (*KNOWN, *VISION, *DIFFUSION))
    for recipe in filter(Path.is_file, recipes):
        train(recipe)
        ship(default_run_folder(recipe), recipe.parent.name)


def default_run_folder(recipe: Path) -> Path:
    """Where a recipe trains when nothing else is said: NAME/recipe.toml and NAME.toml in runs/NAME."""
    return Path("runs") / (recipe.resolve().parent.name if recipe.stem == "recipe" else recipe.stem)


def train_with_bar(recipe: "Recipe", folder: Path) -> bool:
    """Train and show how it goes; False for a run that was complete already."""
    from headscope.app.terminal.training_bar import TrainingBar
    from headscope.models.training.loop import train as train_run

    with TrainingBar(recipe.steps, folder.name) as bar:
        going_on_later(lambda: train_run(recipe, folder, bar.show))
        return bar.has_shown
