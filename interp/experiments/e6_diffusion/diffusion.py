"""E6: a diffusion transformer with Cog attention (U-ViC) makes better images than one with softmax (U-ViT)."""

from headscope.interp.experiments.e6_diffusion.diffusion_claims import judge
from headscope.interp.experiments.e6_diffusion.diffusion_models import SIZES, diffusion_trials
from headscope.interp.experiments.e6_diffusion.diffusion_numbers import measure
from headscope.interp.experiments.e6_diffusion.diffusion_results import SOURCE, results
from headscope.interp.experiments.engine.experiment import Experiment

EXPERIMENT = Experiment(
    name="E6",
    title="Does a diffusion transformer with Cog attention make better images?",
    source=SOURCE,
    sizes=SIZES,
    trials=diffusion_trials,
    measure=measure,
    judge=judge,
    results=results,
    notes="Scikit-learn's 8 × 8 digits, 1 437 for training, 360 held out. Both models are U-ViTs of the recipe of the "
    "shipped ones; U-ViC has Cog attention in all blocks but the first and the last, which stay softmax, as in the "
    "paper. Cosine noise schedule of 1 000 timesteps, labels dropped from a tenth of the images, deterministic DDIM "
    "without guidance, the weights of the last step (U-ViT's paper averages them). Every budget is a training of its "
    "own: a warm-up of 100 steps, or of a fifth of a shorter one, then a cosine that falls to 0 at its last step; "
    "within a seed the images, their order and the first weights are the same for both models and all budgets. The "
    "rate of a model is the one of 1, 2, 4 and 8 thousandths at which a training of 500 steps on a seed that no trial "
    "has ends at the least loss on the first half of the held-out images; it serves all its budgets and seeds, so "
    "that it may suit 500 steps better than others. Losses are judged on the second half. Features are those of a "
    "small classifier of the training digits: the distances compare with one another, not with published FIDs; they "
    "are judged against the training images at the largest budget, and told against the 360 held-out ones. Neither "
    "sees which digit was asked for: whether a model listens is told by the share that shows it and by what the class "
    "gains; short of steps, it may not yet. The claim of the loss is judged at the largest budget, with 2 % of "
    "U-ViT's loss at each for its margin, and the other budgets are asked whether the answer depends on them. Margins "
    "and floor are those of the first round, whose results, one budget of 2 500 steps at one rate, were known when "
    "this one was designed.",
    version=2,
)
