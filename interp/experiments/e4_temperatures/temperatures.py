"""E4: selective attention controls sparsity per query, suppresses noise, is cheap, and can be fine-tuned in."""

from headscope.interp.experiments.e4_temperatures.temperature_claims import judge
from headscope.interp.experiments.e4_temperatures.temperature_results import SOURCE, results
from headscope.interp.experiments.e4_temperatures.temperature_sizes import SIZES
from headscope.interp.experiments.e4_temperatures.temperature_trials import measure, trials
from headscope.interp.experiments.engine.experiment import Experiment

EXPERIMENT = Experiment(
    name="E4",
    title="Do learned temperatures control sparsity, suppress noise, and can they be added later?",
    source=SOURCE,
    sizes=SIZES,
    trials=trials,
    measure=measure,
    judge=judge,
    results=results,
    notes="Two-layer Llamas of width 64 with RoPE, softmax and selective in all layers from equal weights, none tuned "
    "for either. Denoising: three of four tokens are noise, the others name the row's class or err; the class is "
    "asked for after each token. Graph: all 64 nodes in a random order; after each, one of its neighbours seen "
    "before, of which it has 1 to 32. Passkeys: one key in n − 1 tokens of filler, trained at n = 128. These are "
    "our versions of the paper's tasks. Tempering: trained softmax models learn temperatures alone, positional "
    "ones from σ(α) = .0025, so that little changes at first: the shipped model, whose seeds differ in the order "
    "of the text alone, and a softmax model of each seed, trained by the same recipe a quarter as long. As a "
    "control these models stay softmax and learn the gains of the norms inside their layers instead, 2 d_model a "
    "layer beside 2 d_model + 2 temperatures: with the same steps, rate and windows in the same order. The held-"
    "out windows were met neither now nor when the models were trained, as long as Python is the version that "
    "they were trained under: its library is the text. The half percent is counted in all selective models, small"
    " ones too.",
)
