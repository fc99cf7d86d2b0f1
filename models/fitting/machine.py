"""The machine that a measurement was taken on, in plain words and numbers."""

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

import torch

from headscope.models.io.fields import Fields

UNKNOWN = "unknown"
GIT_SECONDS = 10


@dataclass(frozen=True)
class Machine:
    """The facts of machine.json. cpu: the instructions that torch uses; commit: of this code. Old files lack them."""

    device: str
    cores: int
    processes: int
    threads: int
    torch: str
    cpu: str = UNKNOWN
    torch_build: str = UNKNOWN
    commit: str = UNKNOWN


def machine_facts(processes: int = 1) -> Fields:
    """Its kind of device, its cores, and what this program uses of them; no names and no addresses."""
    device = torch.cuda.get_device_name() if torch.cuda.is_available() else "CPU"
    facts = {"device": device, "cores": os.cpu_count(), "processes": processes}
    numbers = {"threads": torch.get_num_threads(), "torch": torch.__version__}
    kind = {"cpu": torch.backends.cpu.get_cpu_capability(), "torch_build": torch.version.git_version or UNKNOWN}
    return facts | numbers | kind | {"commit": commit_of(Path(__file__).resolve())}


def commit_of(file: Path) -> str:
    """The commit of a file's repository, '-dirty' where something is changed; 'unknown' where git cannot say."""
    try:
        git_words("ls-files", "--error-unmatch", file.name, folder=file.parent)
        return git_words("describe", "--always", "--abbrev=40", "--dirty", "--exclude=*", folder=file.parent) or UNKNOWN
    except (OSError, subprocess.SubprocessError):
        return UNKNOWN


def git_words(*words: str, folder: Path) -> str:
    """What git says there. OSError where there is no git, SubprocessError where it refuses or takes too long."""
    done = subprocess.run(["git", *words], cwd=folder, check=True, capture_output=True, text=True, timeout=GIT_SECONDS)
    return done.stdout.strip()


def machine_words(facts: Fields) -> str:
    """The facts as they stand in a table: 'CPU with 2 cores, 1 thread'."""
    return f"{facts['device']} with {_count(facts['cores'], 'core')}, {_count(facts['threads'], 'thread')}" + (
        f" in each of {facts['processes']} processes" if facts["processes"] > 1 else ""
    )


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
