"""The command `headscope families`: which language models of transformers take a variant and hooks."""

from typing import TYPE_CHECKING, Annotated

import typer

from headscope.app.terminal.refusals import refusing_clearly

if TYPE_CHECKING:
    from headscope.interp.families.trial import FamilyTrial


def families(
    name: Annotated[list[str] | None, typer.Argument(help="Families by transformers' names; default: all.")] = None,
    retry: Annotated[
        bool, typer.Option("--try", help="Try them again, each on a tiny random model: about a second a family.")
    ] = False,
    keep: Annotated[bool, typer.Option("--keep", help="With --try of all: keep what came of it as the table.")] = False,
    markdown: Annotated[bool, typer.Option("--markdown", help="Print the table as Markdown.")] = False,
) -> None:
    """List transformers' language models: whether each opens, is hooked, and which circuits are read, or why not."""
    from rich.console import Console
    from rich.table import Table

    from headscope.interp.families.table import family_rows, keep_trials, kept_trials, markdown_table

    trials = refusing_clearly(lambda: tried_again(name)) if retry else kept_trials()
    if keep and retry and not name:
        keep_trials(trials)
    shown = [trial for trial in trials if not name or trial.family in name]
    if markdown:
        typer.echo(markdown_table(shown), nl=False)
        return
    table = Table("family", "opens", "hooks", "beyond", "circuits", "sizes")
    for row in family_rows(shown):
        table.add_row(*row)
    Console().print(table)
    typer.echo(f"{sum(not trial.opens for trial in shown)} of {len(shown)} open", err=True)


def tried_again(names: list[str] | None) -> "list[FamilyTrial]":
    """Trials of these families, or of all, with a bar. Raises ValueError for a name that transformers does not know."""
    from rich.progress import track

    from headscope.interp.families.trial import family_trial, tried_families
    from headscope.models.io.near_names import known_names

    known = tried_families()
    if unknown := [name for name in names or () if name not in known]:
        raise ValueError(f"unknown family {unknown[0]!r}; known: {known_names(unknown[0], known)}")
    return [family_trial(name) for name in track(names or known, "trying")]
