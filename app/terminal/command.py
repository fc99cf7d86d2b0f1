"""The `headscope` command: the app, and models inspected, converted, trained, tempered, shipped, experimented on."""

import gc
import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from headscope.app.terminal.convert_command import convert
from headscope.app.terminal.families_command import families
from headscope.app.terminal.inspect_command import inspect
from headscope.app.terminal.refusals import complain, going_on_later, refusal_in_words, refuse_command, refusing_clearly
from headscope.app.terminal.sweeps.sweep_command import sweep
from headscope.app.terminal.training_commands import ship, temper, train, zoo

command = typer.Typer(
    no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, help="Attention beyond softmax."
)
SELDOM = 50_000  # new objects between collections: imports alone make a million that stay


def main() -> None:
    """Run the command with OpenMP threads that sleep while they wait; they would else starve a busy machine."""
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    gc.set_threshold(SELDOM)
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
    models: Annotated[
        list[Path] | None, typer.Option(help="A folder under which it opens models, instead of this one; repeatable.")
    ] = None,
    site: Annotated[
        list[str] | None, typer.Option(help="What a proxy before it, with a login, is called; repeatable.")
    ] = None,
) -> None:
    """Open the app in the browser."""
    from headscope.app.terminal.launch import launch

    refusing_clearly(lambda: launch(port, models or (), site or ()))


for listed in (train, temper, ship, zoo, families, inspect, convert, sweep):
    command.command()(listed)


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
    name: Annotated[str | None, typer.Argument(help="E1 … E8; without one they are listed.")] = None,
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


if __name__ == "__main__":
    main()
