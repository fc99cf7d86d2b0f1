"""The machine that a measurement was taken on, in plain words and numbers."""

import os
from dataclasses import dataclass

import torch

from headscope.models.io.fields import Fields


@dataclass(frozen=True)
class Machine:
    """The facts of machine.json."""

    device: str
    cores: int
    processes: int
    threads: int
    torch: str


def machine_facts(processes: int = 1) -> Fields:
    """Its kind of device, its cores, and what this program uses of them; no names and no addresses."""
    device = torch.cuda.get_device_name() if torch.cuda.is_available() else "CPU"
    facts = {"device": device, "cores": os.cpu_count(), "processes": processes}
    return facts | {"threads": torch.get_num_threads(), "torch": torch.__version__}


def machine_words(facts: Fields) -> str:
    """The facts as they stand in a table: 'CPU with 2 cores, 1 thread'."""
    return f"{facts['device']} with {_count(facts['cores'], 'core')}, {_count(facts['threads'], 'thread')}" + (
        f" in each of {facts['processes']} processes" if facts["processes"] > 1 else ""
    )


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
