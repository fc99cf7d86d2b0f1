"""The table of experiments; a new one is a line here and a file beside this one."""

from importlib import import_module

from headscope.interp.experiments.experiment import Experiment
from headscope.models.io.near_names import known_names

# Name -> the module that holds it as EXPERIMENT; imported when it is asked for.
MODULES = {
    "E1": "indirect_objects",
    "E2": "growing_prompts",
    "E3": "delayed_sums",
    "E4": "temperatures",
    "E5": "frobenius_norms",
    "E6": "diffusion",
    "E7": "language",
}


def experiment_named(name: str) -> Experiment:
    """An experiment by name, in either case. ValueError with the names there are."""
    if name.upper() not in MODULES:
        raise ValueError(f"unknown experiment {name!r}; known: {known_names(name, MODULES)}")
    return import_module(f"headscope.interp.experiments.{MODULES[name.upper()]}").EXPERIMENT
