"""Which of the shipped models of text have heads of the known kinds, on repeated random tokens.

    python benchmarks/zoo_circuits.py [--write]

--write puts the result into the zoo's circuits.json, from which `headscope zoo` and the table of the docs take it, and
beside which a test holds the models.
"""

import argparse
from dataclasses import asdict

from rich.console import Console
from rich.table import Table

from headscope import load
from headscope.interp.asking.head_jobs import circuit_heads
from headscope.models import zoo
from headscope.models.io.json_file import write_json
from headscope.models.training.shipped import CIRCUITS, CircuitHead, shipped_models


def table(heads: dict[str, dict[str, CircuitHead]]) -> Table:
    kinds = list(next(iter(heads.values())))
    shown = Table("model", *kinds)
    for name, of_model in heads.items():
        shown.add_row(
            name, *(f"{item.head} {item.share:.3f}, by chance {item.chance:.3f}" for item in of_model.values())
        )
    return shown


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--write", action="store_true", help="replace the zoo's circuits.json")
    asked = parser.parse_args()
    heads = {model.name: circuit_heads(load(model.name)) for model in shipped_models()}
    Console().print(table(heads))
    if asked.write:
        plain = {name: {kind: asdict(item) for kind, item in of_model.items()} for name, of_model in heads.items()}
        write_json(zoo.HERE / CIRCUITS, plain)


if __name__ == "__main__":
    main()
