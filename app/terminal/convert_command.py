"""The command `headscope convert`: a checkpoint in whatever layout as a Hugging Face folder."""

from pathlib import Path
from typing import Annotated

import typer

from headscope.app.terminal.inspect_options import fetch_or_refuse, refuse_format
from headscope.app.terminal.refusals import refusing_clearly

GivenFacts = Annotated[
    list[str] | None,
    typer.Option(help="NAME=VALUE that a file does not say, as n_heads=8; again for more. The refusal names them."),
]
FromHub = Annotated[
    bool,
    typer.Option("--hub", help="Fetch a model named owner/model from the hub, its config, tokenizer and weights."),
]


def convert(
    source: Annotated[
        Path, typer.Argument(help="A file of weights, a folder of one, a run of snapshots, or a name of the hub.")
    ],
    target: Annotated[Path, typer.Argument(help="The folder to write; transformers opens it too.")],
    given: GivenFacts = None,
    hub: FromHub = False,
    dtype: Annotated[str | None, typer.Option(help="float32, bfloat16, … Default: as stored.")] = None,
) -> None:
    """Write a model folder from a checkpoint of others' code, and say what it was taken for and what was assumed."""
    refusing_clearly(lambda: refuse_format(dtype))
    refusing_clearly(lambda: fetch_or_refuse([str(source)], hub=hub))
    from headscope.app.terminal.conversion import Conversion, converted

    typer.echo(refusing_clearly(lambda: converted(Conversion(source, target, tuple(given or ()), dtype or "auto"))))
