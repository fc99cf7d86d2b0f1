"""The command `headscope sweep`: analyses × checkpoints × prompts of a file, measured once and kept."""

from pathlib import Path
from typing import Annotated

import typer

from headscope.app.terminal.refusals import complain, going_on_later, refuse_command, refusing_clearly

TABLES = (".csv", ".parquet")


def sweep(
    request: Annotated[Path, typer.Argument(help="A TOML, YAML or JSON file: models, analyses, prompts.")],
    out: Annotated[
        Path | None, typer.Option(help="The folder of the results; by default runs/NAME, of the file's name.")
    ] = None,
    address: Annotated[
        str | None, typer.Option(help="Of a Ray cluster; by default one of this machine's own is started.")
    ] = None,
    workers: Annotated[int | None, typer.Option(min=1, help="At most so many; by default as many as fit.")] = None,
    here: Annotated[bool, typer.Option("--here", help="In this process, one after the other, without Ray.")] = False,
    table: Annotated[
        Path | None, typer.Option(help="Write all numbers as one table to this .csv or .parquet file.")
    ] = None,
    read_only: Annotated[bool, typer.Option("--read", help="Measure nothing; read what is there.")] = False,
) -> None:
    """Measure analyses of many checkpoints on many prompts, on Ray; what is there is not measured again."""
    from headscope.app.terminal.sweeps.sweep_run import SweepRun, kept_sweep, sweep_with_a_bar, write_table

    if here and (address or workers):
        refuse_command("--here runs without Ray; --address and --workers are of Ray")
    if table and table.suffix not in TABLES:
        refuse_command(f"--table {table} ends in {table.suffix!r}; known: {', '.join(TABLES)}")
    run = SweepRun(request, out or Path("runs") / request.stem, address, workers, here)
    result = refusing_clearly(lambda: kept_sweep(run)) if read_only else going_on_later(lambda: sweep_with_a_bar(run))
    typer.echo(f"{len(result.measured)} of {len(result.units)} units are in {result.folder}")
    for line in result.failures_in_words():
        complain(line)
    if table:
        rows = refusing_clearly(lambda: write_table(result, table))
        typer.echo(f"written: {table}, {rows:,} numbers")
    if result.failures:
        raise typer.Exit(1)
