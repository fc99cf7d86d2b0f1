"""E6: a diffusion transformer with Cog attention (U-ViC) makes better images than one with softmax (U-ViT)."""

from collections.abc import Mapping

import torch

from interp.about import About
from interp.diffusion.frechet import frechet_distance
from interp.diffusion.image_grid import ImageGrid, image_grid
from interp.experiments.arms import arm_curves, arm_numbers, arms
from interp.experiments.diffusion_models import ARMS, SIZES, DiffusionSize, diffusion_model, diffusion_trials
from interp.experiments.experiment import Experiment, Watch
from interp.experiments.outcome import Outcome
from interp.experiments.trial import Numbers, Place, Trial
from interp.experiments.verdict import Verdict, difference, not_below, shown
from interp.result import Result
from models.checkpoints import open_folder
from models.diffusion.ddim import sample
from models.diffusion.denoising import losses, validation_batch, validation_timesteps
from models.training.history import read_history
from models.vision.digits import CLASSES, digits
from models.vision.features import DigitClassifier, digit_classifier

SOURCE = "Lv et al. 2024 (2411.07176), U-ViC; Bao et al. 2022 (2209.12152), U-ViT"
MARGIN = 0.02  # of the loss
SHOWN = 20  # images of a trial that the results keep
GREYS = 16  # of a pixel, as many as the digits have
NAMES: dict[str, str] = dict(zip(ARMS, ("U-ViT", "U-ViC"), strict=True))
DISTANCE = About(
    title="Fréchet distance of made images to the training digits",
    unit="squared units of feature space",
    law="‖μ₁ − μ₂‖² + tr(Σ₁ + Σ₂ − 2(Σ₁Σ₂)^½) of 32 features of a classifier that is trained once",
    source="Heusel et al. 2017 (1706.08500), with a small classifier of the digits for Inception",
    plain="How far the made images are from real ones as sets; lower is better. The floor is what two halves of the "
    "real images are apart, the dashed line.",
)
OBEYED = About(
    title="Made images that show the digit that was asked for",
    unit="share",
    law="share of made images whose likeliest class is their label",
    source="headscope",
    plain="How often a classifier reads the digit that the model was told to draw.",
)
LOSS = About(
    title="Denoising loss on held-out digits",
    unit="squared error of unit noise",
    law="mean of (ε̂ − ε)² over held-out images at ten timesteps",
    source="Ho et al. 2020 (2006.11239)",
    plain="How well the model tells the noise in images that it has not seen; lower is better.",
)


def measure(trial: Trial, size: DiffusionSize, place: Place, watch: Watch) -> Numbers:
    """Train, read the losses, make images and compare them with the real ones."""
    folder = diffusion_model(trial, size, place, watch)
    model, data = open_folder(folder).model, digits()
    validated = [record for record in read_history(folder / "history.jsonl") if "validation_loss" in record]
    labels = torch.arange(size.samples) % CLASSES
    sampled = sample(model, labels, seed=trial.seed, steps=size.sampling_steps, watch=watch)  # type: ignore[arg-type]
    by_timestep = losses(model, validation_batch(data.validation, model.config.timesteps), model.config.timesteps)
    classifier = digit_classifier(place.shared / "digit_classifier.safetensors")
    return {
        "validation_loss": validated[-1]["validation_loss"],
        "steps": [record["step"] for record in validated],
        "losses": [record["validation_loss"] for record in validated],
        "loss_by_timestep": by_timestep.tolist(),
        "timesteps": validation_timesteps(model.config.timesteps).tolist(),
        "frechet": frechet_distance(classifier.features(sampled.images), classifier.features(data.training.images)),
        "obeyed": float((classifier.classes(sampled.images) == labels).float().mean()),
        "images": greys(sampled.images[:SHOWN]),
        **bounds(classifier),
    }


def greys(images: torch.Tensor) -> list[list[int]]:
    """Images as whole numbers, from 0 (paper) to 16 (ink), pixel by pixel."""
    return ((images.flatten(1) + 1) / 2 * GREYS).round().int().tolist()


def bounds(classifier: DigitClassifier) -> Numbers:
    """What two halves of the real digits are apart, noise from the real ones, and how often real digits are read."""
    data, dice = digits(), torch.Generator().manual_seed(0)
    real = torch.cat([data.training.images, data.validation.images])
    one, other = real[torch.randperm(len(real), generator=dice)].tensor_split(2)
    noise = torch.randn(data.training.images.shape, generator=dice).clamp(-1, 1)
    read = classifier.classes(data.validation.images) == data.validation.labels
    features = {name: classifier.features(images) for name, images in {"one": one, "other": other}.items()}
    return {
        "frechet_floor": frechet_distance(features["one"], features["other"]),
        "frechet_noise": frechet_distance(classifier.features(noise), classifier.features(data.training.images)),
        "classifier_accuracy": float(read.float().mean()),
    }


def judge(outcome: Outcome) -> list[Verdict]:
    """U-ViC's images are nearer to the real ones, and its loss is not higher."""
    cog, softmax = (outcome.where(variant=name) for name in ("cog", "softmax"))
    floor, noise = (outcome.sample(name).mean() for name in ("frechet_floor", "frechet_noise"))
    near, far = cog.sample("frechet"), softmax.sample("frechet")
    loss, other = cog.sample("validation_loss"), softmax.sample("validation_loss")
    return [
        Verdict(
            "Images of U-ViC have a smaller Fréchet distance to real ones than those of U-ViT",
            "lower FID, on larger images",
            f"{shown(near)} against {shown(far)} (two real halves: {floor:.3g}, noise: {noise:.3g})",
            difference(far, near),
        ),
        Verdict(
            f"U-ViC's denoising loss on held-out images is at most {MARGIN:.0%} above U-ViT's",
            "—",
            f"{shown(loss, 4)} against {shown(other, 4)}",
            not_below(other, loss, MARGIN * float(other.mean())),
        ),
    ]


def results(outcome: Outcome) -> Mapping[str, Result]:
    """Distances, obedience, losses over training and by timestep, and images of the first seed."""
    found = {NAMES[variant]: part for variant, part in arms(outcome, "variant").items()}
    first = outcome.trials[0].numbers
    drawn: dict[str, Result] = {
        "frechet": arm_numbers(found, "frechet", DISTANCE, chance=first["frechet_floor"]),
        "obeyed": arm_numbers(found, "obeyed", OBEYED, chance=first["classifier_accuracy"]),
        "loss": arm_numbers(found, "validation_loss", LOSS),
        "loss_by_step": arm_curves(found, "losses", first["steps"], LOSS, "step"),
        "loss_by_timestep": arm_curves(found, "loss_by_timestep", first["timesteps"], LOSS, "timestep"),
    }
    return drawn | {f"images_{name}": images_of(name, part) for name, part in found.items()}


def images_of(name: str, part: Outcome) -> ImageGrid:
    """The kept images of an arm's first seed."""
    images = torch.tensor(part.trials[0].numbers["images"]).unflatten(1, (1, 8, 8)) / GREYS * 2 - 1
    labels = tuple(str(number % CLASSES) for number in range(len(images)))
    return image_grid(images, labels, f"Images of {name}, seed {part.trials[0].trial.seed}")


EXPERIMENT = Experiment(
    name="E6",
    title="Does a diffusion transformer with Cog attention make better images?",
    source=SOURCE,
    sizes=SIZES,
    trials=diffusion_trials,
    measure=measure,
    judge=judge,
    results=results,
    notes="Scikit-learn's 8 × 8 digits, 1 437 for training, 360 held out. Both models are U-ViTs of one recipe; U-ViC "
    "has Cog attention in all blocks but the first and the last, which stay softmax, as in the paper. Cosine noise "
    "schedule of 1 000 timesteps, labels dropped from a tenth of the images, deterministic DDIM without guidance, the "
    "weights of the last step (U-ViT's paper averages them). Features are those of a small classifier of the training "
    "digits: the distances compare with one another, not with published FIDs. Nothing was tuned for either model.",
)
