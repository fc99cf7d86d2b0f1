"""E9: what heads of SmolLM2-135M-Instruct do, how its prompts collapse, and what changes its loss."""

from headscope.interp.experiments.e9_real_model.real_model_claims import judge
from headscope.interp.experiments.e9_real_model.real_model_results import results
from headscope.interp.experiments.e9_real_model.real_model_sizes import SIZES
from headscope.interp.experiments.e9_real_model.real_model_trials import measure, trials
from headscope.interp.experiments.engine.experiment import REAL, Experiment

EXPERIMENT = Experiment(
    name="E9",
    title="What do the heads of a language model that people use do, and what changes it?",
    source="headscope; Olsson et al. 2022 (2209.11895), Gu et al. 2024 (2410.10781), Barbero et al. 2024 (2406.04267), "
    "Zhang et al. 2024 (2411.12892)",
    sizes=SIZES,
    trials=trials,
    measure=measure,
    judge=judge,
    results=results,
    notes="SmolLM2-135M-Instruct, 30 layers of 9 heads of softmax attention, as `make real-model` fetches it; the "
    "variable HEADSCOPE_REAL_MODEL names another folder, and its numbers are then of that model. Nothing was trained "
    "before: a seed is a sample of texts, 60 modules and help topics of Python's library that no other seed has, and "
    "intervals over seeds say how other passages would come out, not other models. The model may well have read that "
    "library when it was trained: held out means from the training here. Heads: a passage of 256 tokens behind the "
    "token that begins a text; duplicate tokens and induction where its first half stands twice. The best head of a "
    "kind is chosen on the passages of the other seeds, so that its number is not the largest of 270 by chance; a head "
    "is beyond its null at three spreads of it, on the first token where its share is above .3. Growing prompts: E2's "
    "questions behind 32 tokens of a passage, D the chunked L∞ norm after the final norm, the slope over all n; "
    "unrelated prompts are random tokens that end alike. Flipped weights: of every third layer each head alone; in "
    "every row but the first its largest weight changes its sign, or that of a random other visible key, or that key's "
    "weight changes by as much as the largest would; loss of a passage of 40 tokens. Few parameters: 24 steps of one "
    "window of 64 tokens, two rates for either part, the loss on three windows of documents that were not trained on; "
    "temperatures begin almost still. As many gains as temperatures there are not: Llama's norms have 2 d_model a "
    "layer.",
    setting=REAL,
)
