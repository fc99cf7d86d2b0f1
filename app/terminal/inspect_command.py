"""The command `headscope inspect`: what may be asked of it, and how what comes out is written."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from headscope.app.terminal.convert_command import FromHub, GivenFacts
from headscope.app.terminal.given_facts import given_facts
from headscope.app.terminal.inspect_options import (
    ALL,
    fetch_or_refuse,
    refuse_conflicts,
    refuse_format,
    refuse_hidden,
    refuse_missing,
    refuse_unknown_analyses,
)
from headscope.app.terminal.refusals import refuse_command, refusing_clearly
from headscope.models.io.fields import Fields

if TYPE_CHECKING:
    from headscope.app.terminal.inspection import Inspection, InspectionOutcome
    from headscope.app.terminal.shown_heads import ShownHeads
    from headscope.interp.asking.findings import Findings


def inspect(
    model: Annotated[
        str, typer.Argument(help="A shipped model's name, a model folder, a file of weights, or a name of the hub.")
    ],
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
    cell: Annotated[str | None, typer.Option(help="The cell whose score is split, as L4H0:17:16.")] = None,
    without: Annotated[
        str | None, typer.Option(help="What heads are run without: negative, gate, temperature, sink, lambda, forget.")
    ] = None,
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
    given: GivenFacts = None,
    hub: FromHub = False,
    device: Annotated[str | None, typer.Option(help="cpu, cuda, … Default: the GPU where there is one.")] = None,
    dtype: Annotated[str | None, typer.Option(help="float32, bfloat16, … or auto, as stored.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print everything as JSON.")] = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print the table of heads as CSV.")] = False,
    html: Annotated[Path | None, typer.Option(help="Write a report with all figures; it needs no network.")] = None,
) -> None:
    """Analyse the heads of a model on a prompt: a short table, or all of it as JSON, CSV or an HTML report."""
    if everything and what:
        refuse_command("--all runs every analysis and --what some: choose one of them")
    options: Fields = {"corrupt": corrupt, "target": target, "distractor": distractor}
    options |= {"embedding": embedding, "distance": distance, "cell": cell, "without": without}
    output = Output(as_json, as_csv, html, names_analyses=bool(what))
    models = (model, compare) if compare else (model,)
    refuse_at_the_door(models, what or (), options, dtype, output, names_heads=bool(layer or head))
    refusing_clearly(lambda: fetch_or_refuse(models, hub=hub))
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
            given_facts(given or []),
        )
    )
    write_outcome(refusing_clearly(lambda: inspection.inspection_outcome(request)), request, output)


@dataclass(frozen=True)
class Output:
    """How the findings are written; names_analyses: whether --what chose some."""

    as_json: bool
    as_csv: bool
    html: Path | None
    names_analyses: bool

    @property
    def is_table(self) -> bool:
        """Whether a table of heads is printed."""
        return self.as_csv or not (self.as_json or self.html)


def refuse_at_the_door(
    models: Sequence[str],
    what: Sequence[str],
    options: Mapping[str, object],
    dtype: str | None,
    output: Output,
    *,
    names_heads: bool,
) -> None:
    """Refuse, before torch is imported, what cannot be run or written."""
    refusing_clearly(lambda: refuse_unknown_analyses(what))
    refusing_clearly(lambda: refuse_conflicts(what, options, as_json=output.as_json, as_csv=output.as_csv))
    refusing_clearly(lambda: refuse_format(dtype))
    refusing_clearly(lambda: refuse_hidden(is_asked=names_heads, is_table=output.is_table))
    refusing_clearly(lambda: refuse_missing(models, output.html))


def write_outcome(outcome: "InspectionOutcome", request: "Inspection", output: Output) -> None:
    """Write what was finished, and notes on it to the error stream; exit code 130 if it was stopped."""
    findings = outcome.findings
    if outcome.was_stopped:
        typer.secho(f"headscope: stopped; {'this was finished' if findings else 'nothing was finished'}", err=True)
    if not findings:
        raise typer.Exit(130)
    write_notes(findings, output)
    write_findings(findings, request.shown, output)
    typer.echo(f"ran on {request.device}", err=True)
    if outcome.was_stopped:
        raise typer.Exit(130)


def write_notes(findings: "Sequence[Findings]", output: Output) -> None:
    """What was left out, and what of the named analyses the table has no room for."""
    from headscope.app.terminal.inspection import inspection_notes, not_in_the_table

    notes = inspection_notes(findings)
    if output.names_analyses and output.is_table:
        notes += not_in_the_table(findings)
    for note in notes:
        typer.echo(note, err=True)


def write_findings(findings: "Sequence[Findings]", shown: "ShownHeads", output: Output) -> None:
    """The report where one was asked for, and JSON, CSV or the table of heads."""
    from headscope.app.terminal import inspection

    if html := output.html:
        refusing_clearly(lambda: inspection.write_report(findings, html))
        typer.echo(f"written: {html}", err=True)
    if output.as_json:
        typer.echo(refusing_clearly(lambda: inspection.as_json(findings)))
    elif output.as_csv:
        typer.echo(refusing_clearly(lambda: inspection.as_csv(findings, shown)), nl=False)
    elif not output.html:
        refusing_clearly(lambda: inspection.print_heads(findings, shown, only_telling=not output.names_analyses))
