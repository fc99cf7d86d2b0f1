"""The `headscope` command: open the app, inspect a model, train or temper one, ship it, run an experiment."""

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn, TypeVar

import typer

from headscope.models.io.foreign_input import is_panic

if TYPE_CHECKING:
    from headscope.models.training.recipe import Recipe

Result = TypeVar("Result")
RecipeFile = Annotated[Path, typer.Argument(help="A .toml, .yaml or .json recipe.")]
RunFolder = Annotated[Path | None, typer.Option(help="The run's folder; else runs/ and the recipe's name.")]

command = typer.Typer(
    no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, help="Attention beyond softmax."
)


def main() -> None:
    """Run the command with OpenMP threads that sleep while they wait; they would else starve a busy machine."""
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    try:
        command()
    except OSError as fault:  # of standard output; what else cannot be written or read is refused where it happens
        complain(f"cannot write to standard output: {refusal_in_words(fault)}")
        raise SystemExit(1) from fault
    finally:
        drop_unwritable_output()


def drop_unwritable_output() -> None:
    """Forget what standard output does not take, which Python would try to write again at the end, and complain."""
    try:
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def print_version(is_asked: bool | None) -> None:
    """The version, and the end."""
    if is_asked:
        from importlib.metadata import version

        typer.echo(f"headscope {version('headscope')}")
        raise typer.Exit


@command.callback()
def before(
    version: Annotated[
        bool | None, typer.Option("--version", is_eager=True, callback=print_version, help="Say the version and end.")
    ] = None,
) -> None:
    """Attention beyond softmax."""


@command.command()
def app(
    port: Annotated[int, typer.Option(min=1, max=65535, help="Where it listens, on this machine only.")] = 8501,
) -> None:
    """Open the app in the browser."""
    from headscope.app.terminal.launch import launch

    refusing_clearly(lambda: launch(port))


@command.command()
def train(recipe: RecipeFile, out: RunFolder = None) -> None:
    """Train a model from a recipe, or go on with the run where it was cut off."""
    from headscope.models.training.recipe_file import read_recipe

    folder = out or default_run_folder(recipe)
    has_trained = train_with_bar(refusing_clearly(lambda: read_recipe(recipe)), folder)
    if os.environ.get("RANK", "0") == "0":
        typer.echo(f"trained: {folder}" if has_trained else f"nothing to do: the run in {folder} is complete")


@command.command()
def temper(
    model: Annotated[str, typer.Argument(help="A shipped softmax model's name or a model folder.")],
    out: Annotated[Path, typer.Option(help="The folder of the tempered model, and of the run that makes it.")],
    corpus: Annotated[
        Path | None, typer.Option(help="A text file, or a folder of .txt files; else the running Python's own text.")
    ] = None,
    steps: Annotated[int, typer.Option(min=1, help="Steps of training.")] = 300,
    lr: Annotated[float, typer.Option(help="Learning rate of the temperatures.")] = 1e-2,
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

    text: dict[str, Any] = {"source": "text", "path": str(corpus.resolve())} if corpus else {"source": "stdlib"}
    how = Tempering({"position": position, "token": token}, Course(text, steps, lr, batch, context, seed))
    typer.echo(tempering_summary(going_on_later(lambda: tempered_with_bar(model, out, how))))


@command.command()
def ship(
    run: Annotated[Path, typer.Argument(help="The folder of a finished run of one of the zoo's recipes.")],
    name: Annotated[str | None, typer.Option(help="Which model of the zoo it becomes; default: its variant's.")] = None,
) -> None:
    """Put the model of a finished run into the zoo: 16-bit weights, snapshots, a thin history, measured facts."""
    from headscope.models.training.ship import ship as ship_run
    from headscope.models.zoo import HERE

    typer.echo(f"shipped: {refusing_clearly(lambda: ship_run(run, HERE, name)).name}")


@command.command()
def zoo(
    markdown: Annotated[bool, typer.Option("--markdown", help="Print the table as Markdown.")] = False,
    retrain: Annotated[bool, typer.Option("--retrain", help="First train and ship every model again.")] = False,
) -> None:
    """List the shipped models with what was measured of them."""
    from rich.console import Console

    from headscope.app.terminal.zoo_table import terminal_table, zoo_markdown_table

    if retrain:
        retrain_zoo()
    if markdown:
        typer.echo(refusing_clearly(zoo_markdown_table), nl=False)
    else:
        Console().print(refusing_clearly(terminal_table))


@command.command()
def inspect(
    model: Annotated[str, typer.Argument(help="A shipped model's name or a model folder.")],
    prompt: Annotated[
        list[str] | None,
        typer.Option(
            help="The text it reads, or of a model of images a digit's number (0 to 1796) or a PNG or JPEG file; "
            "give it again for means over several."
        ),
    ] = None,
    prompt_file: Annotated[
        list[Path] | None, typer.Option(help="A file whose whole text is a prompt; - is standard input.")
    ] = None,
    what: Annotated[
        list[str] | None,
        typer.Option(help="One of `headscope analyses`; again for more. Default: all that fit and take a moment."),
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="All that fit, however long they take.")] = False,
    compare: Annotated[str | None, typer.Option(help="A second model, set beside the first.")] = None,
    corrupt: Annotated[str | None, typer.Option(help="A prompt as long as the prompt, to patch from.")] = None,
    target: Annotated[str | None, typer.Option(help="With --corrupt: the token that the prompt calls for.")] = None,
    distractor: Annotated[str | None, typer.Option(help="With --corrupt: the token it is weighed against.")] = None,
    embedding: Annotated[str, typer.Option(help="What circuits read: token, or effective (MLP 0 added).")] = "token",
    distance: Annotated[int, typer.Option(min=0, help="Positions between query and key in W_QK (RoPE).")] = 0,
    bos: Annotated[
        bool | None,
        typer.Option("--bos/--no-bos", help="BOS before each prompt; default: where the tokenizer puts it."),
    ] = None,
    truncate: Annotated[bool, typer.Option("--truncate", help="Cut a text beyond the model's context.")] = False,
    layer: Annotated[
        list[int] | None,
        typer.Option(help="Show the heads of this layer in the table and CSV; again for more. All are computed."),
    ] = None,
    head: Annotated[list[str] | None, typer.Option(help="As --layer, one head, such as L2H3; again for more.")] = None,
    device: Annotated[str | None, typer.Option(help="cpu, cuda, … Default: the GPU where there is one.")] = None,
    dtype: Annotated[str | None, typer.Option(help="float32, bfloat16, … or auto, as stored.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print everything as JSON.")] = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print the table of heads as CSV.")] = False,
    html: Annotated[Path | None, typer.Option(help="Write a report with all figures; it needs no network.")] = None,
) -> None:
    """Analyse the heads of a model on a prompt: a short table, or all of it as JSON, CSV or an HTML report."""
    from headscope.app.terminal.inspect_options import (
        ALL,
        refuse_conflicts,
        refuse_format,
        refuse_hidden,
        refuse_missing,
        refuse_unknown_analyses,
    )

    models = (model, compare) if compare else (model,)
    is_table = as_csv or not (as_json or html)
    options: Any = {"corrupt": corrupt, "target": target, "distractor": distractor}
    options |= {"embedding": embedding, "distance": distance}
    if everything and what:
        refuse_command("--all runs every analysis and --what some: choose one of them")
    refusing_clearly(lambda: refuse_unknown_analyses(what or ()))
    refusing_clearly(lambda: refuse_conflicts(what or (), options, as_json=as_json, as_csv=as_csv))
    refusing_clearly(lambda: refuse_format(dtype))
    refusing_clearly(lambda: refuse_hidden(is_asked=bool(layer or head), is_table=is_table))
    refusing_clearly(lambda: refuse_missing(models, html))
    from headscope.app.terminal.shown_heads import shown_heads

    shown = refusing_clearly(lambda: shown_heads(layer or (), head or ()))
    from headscope.app.terminal import inspection
    from headscope.app.terminal.inspected_prompts import texts_of
    from headscope.interp.asking.choices import Choices
    from headscope.models.io.device import checked_device

    request = refusing_clearly(
        lambda: inspection.Inspection(
            models,
            texts_of(prompt or (), prompt_file or ()),
            (ALL,) if everything else tuple(what) if what else None,
            bos,
            Choices(**options),
            checked_device(device),
            inspection.format_named(dtype),
            truncate,
            shown,
        )
    )
    outcome = refusing_clearly(lambda: inspection.inspection_outcome(request))
    findings = outcome.findings
    if outcome.was_stopped:
        typer.secho(f"headscope: stopped; {'this was finished' if findings else 'nothing was finished'}", err=True)
    if not findings:
        raise typer.Exit(130)
    for note in [
        *inspection.inspection_notes(findings),
        *(inspection.not_in_the_table(findings) if what and is_table else []),
    ]:
        typer.echo(note, err=True)
    if html:
        refusing_clearly(lambda: inspection.write_report(findings, html))
        typer.echo(f"written: {html}", err=True)
    if as_json:
        typer.echo(refusing_clearly(lambda: inspection.as_json(findings)))
    elif as_csv:
        typer.echo(refusing_clearly(lambda: inspection.as_csv(findings, shown)), nl=False)
    elif not html:
        refusing_clearly(lambda: inspection.print_heads(findings, shown, only_telling=not what))
    typer.echo(f"ran on {request.device}", err=True)
    if outcome.was_stopped:
        raise typer.Exit(130)


@command.command()
def analyses() -> None:
    """List the analyses that --what takes, with what each answers."""
    from rich.console import Console
    from rich.table import Table

    from headscope.app.terminal.analyses_listed import listed_analyses

    shown = Table("analysis", "what it says")
    for name, item in listed_analyses().items():
        shown.add_row(name, item.summary[:1].upper() + item.summary[1:].rstrip("."))
    Console().print(shown)


@command.command()
def experiment(
    name: Annotated[str | None, typer.Argument(help="E1 … E7; without one they are listed.")] = None,
    smoke: Annotated[bool, typer.Option("--smoke", help="As small as a test.")] = False,
    full: Annotated[bool, typer.Option("--full", help="The size for a GPU.")] = False,
    seeds: Annotated[int, typer.Option(min=1, help="How many seeds each arm is run with.")] = 3,
    jobs: Annotated[int, typer.Option(min=1, help="How many trials run at a time, each in a process.")] = 1,
    out: Annotated[Path, typer.Option(help="The folder of all experiments.")] = Path("runs/experiments"),
    stored: Annotated[bool, typer.Option("--shipped", help="Report the shipped results instead of a run.")] = False,
    markdown: Annotated[bool, typer.Option("--markdown", help="Print the shipped results as Markdown.")] = False,
) -> None:
    """Train, measure and judge one of the papers' claims; a stopped run goes on when called again."""
    from rich.console import Console

    from headscope.app.terminal import experiment_run
    from headscope.interp.experiments.engine.publishing import SHIPPED, claims_markdown_table, shipped
    from headscope.interp.experiments.engine.running import ExperimentRequest
    from headscope.interp.experiments.engine.table import experiment_named

    if markdown:
        typer.echo(claims_markdown_table(), nl=False)
        return
    if name is None:
        Console().print(experiment_run.experiments_table())
        return
    sizes = [size for size, is_asked in {"smoke": smoke, "full": full, SHIPPED: stored}.items() if is_asked]
    if len(sizes) > 1:
        refuse_command(f"--{sizes[0]} and --{sizes[1]} are two sizes; give one")
    size = sizes[0] if sizes else "default"
    request = ExperimentRequest(refusing_clearly(lambda: experiment_named(name)).name, size, seeds, out, jobs)
    if stored:
        outcome = refusing_clearly(lambda: shipped(name)).outcome
    else:
        outcome = going_on_later(lambda: experiment_run.outcome_with_bars(request))
    page = refusing_clearly(lambda: experiment_run.publish_report(outcome, request.folder))
    Console().print(experiment_run.verdicts(outcome))
    typer.echo(f"written: {page}")


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


if __name__ == "__main__":
    main()
