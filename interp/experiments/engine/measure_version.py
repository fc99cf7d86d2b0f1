"""Which version of an experiment's measure a folder of trials is of: another is refused before anything runs."""

from dataclasses import dataclass
from pathlib import Path

from headscope.interp.experiments.engine.experiment import Experiment
from headscope.models.io.json_file import write_json
from headscope.models.io.records import read_record

VERSION = "version.json"
FIRST = 1  # of folders that say nothing of it


@dataclass(frozen=True)
class MeasureVersion:
    """What version.json says."""

    version: int


def keep_version(folder: Path, experiment: Experiment) -> None:
    """Say in the folder of which version its trials are. ValueError where they are of another one."""
    if (folder / "trials").is_dir() and (before := version_in(folder)) != experiment.version:
        raise ValueError(
            f"{folder} holds trials of version {before} of the measure of {experiment.name}, which has version "
            f"{experiment.version} now: give another folder, or remove that one"
        )
    folder.mkdir(parents=True, exist_ok=True)
    write_json(folder / VERSION, {"version": experiment.version})


def version_in(folder: Path) -> int:
    """The version that a folder says, or the first where it was made before there were others."""
    path = folder / VERSION
    return read_record(MeasureVersion, path).version if path.is_file() else FIRST


def refuse_other_version(version: int, experiment: Experiment) -> None:
    """Refuse results that are no longer what the rules of an experiment judge. ValueError in one sentence."""
    if version != experiment.version:
        raise ValueError(
            f"they are of version {version} of its measure, and its rules judge version {experiment.version}: "
            f"run `headscope experiment {experiment.name}` again"
        )
