"""The table of experiments; a new one is a line here and a folder of its own."""

from importlib import import_module

from headscope.interp.experiments.engine.experiment import Experiment
from headscope.models.io.near_names import known_names

# Name -> the module that holds it as EXPERIMENT; imported when it is asked for.
MODULES = {
    "E1": "e1_indirect_objects.indirect_objects",
    "E2": "e2_growing_prompts.growing_prompts",
    "E3": "e3_delayed_sums.delayed_sums",
    "E4": "e4_temperatures.temperatures",
    "E5": "e5_frobenius_norms.frobenius_norms",
    "E6": "e6_diffusion.diffusion",
    "E7": "e7_language.language",
    "E8": "e8_mechanisms.mechanisms",
    "E9": "e9_real_model.real_model",
    "E10": "e10_one_layer_graph.one_layer_graph",
    "E11": "e11_denoising.denoising",
    "E12": "e12_polynomial_theorems.polynomial_theorems",
    "E13": "e13_dispersing_rows.dispersing_rows",
    "E14": "e14_expressive_sequences.expressive_sequences",
}


def experiment_named(name: str) -> Experiment:
    """An experiment by name, in either case. ValueError with the names there are."""
    if name.upper() not in MODULES:
        raise ValueError(f"unknown experiment {name!r}; known: {known_names(name, MODULES)}")
    return import_module(f"headscope.interp.experiments.{MODULES[name.upper()]}").EXPERIMENT
