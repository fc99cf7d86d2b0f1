"""Features of digits: a small convolutional classifier that is trained once, to compare images by what they show."""

from pathlib import Path
from secrets import token_hex

import torch
from jaxtyping import Float, Int
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from headscope.models.data.images.digits import CLASSES, LabelledImages, digits
from headscope.models.io.foreign_input import foreign_input
from headscope.models.io.whole_file import write_errors_in_words

SEED, STEPS, BATCH, RATE = 0, 600, 128, 2e-3
FEATURES = 32


class DigitClassifier(nn.Module):
    """Three convolutions, FEATURES features, ten logits."""

    def __init__(self) -> None:
        super().__init__()
        self.to_features = nn.Sequential(
            *(nn.Conv2d(1, 16, 3, padding=1), nn.ReLU()),
            *(nn.Conv2d(16, 32, 3, padding=1, stride=2), nn.ReLU()),
            *(nn.Conv2d(32, 32, 3, padding=1, stride=2), nn.ReLU(), nn.Flatten()),
            *(nn.Linear(128, FEATURES), nn.Tanh()),
        )
        self.to_logits = nn.Linear(FEATURES, CLASSES)

    def forward(self, images: Float[Tensor, "image 1 8 8"]) -> Float[Tensor, "image 10"]:
        """Logits of the ten digits."""
        return self.to_logits(self.to_features(images))

    @torch.no_grad()
    def features(self, images: Float[Tensor, "image 1 8 8"]) -> Float[Tensor, "image feature"]:
        """What the logits are made of."""
        return self.to_features(images)

    @torch.no_grad()
    def classes(self, images: Float[Tensor, "image 1 8 8"]) -> Int[Tensor, "image"]:
        """The likeliest digit of every image."""
        return self(images).argmax(-1)


def digit_classifier(path: Path | None = None) -> DigitClassifier:
    """The classifier, trained on the training digits from a fixed seed; kept in a safetensors file if one is given."""
    if path is not None and path.is_file():
        return from_file(path)
    model = trained_classifier(digits().training)
    if path is not None:
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_name(f"{path.name}.{token_hex(4)}")  # several processes may train and keep it at once
        with write_errors_in_words(path):
            try:
                save_file(model.state_dict(), partial)
                partial.replace(path)
            finally:
                partial.unlink(missing_ok=True)
    return model


def from_file(path: Path) -> DigitClassifier:
    """The classifier of a file, bit for bit."""
    model = DigitClassifier().eval()
    with foreign_input(f"cannot read {path} as the features of digits", advice="remove it, and they are trained anew"):
        model.load_state_dict(load_file(path))
    return model


def trained_classifier(data: LabelledImages) -> DigitClassifier:
    """A fresh classifier after STEPS steps; torch's own random numbers are left alone."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(SEED)
        model = DigitClassifier()
        optimizer = torch.optim.Adam(model.parameters(), lr=RATE)
        for _ in range(STEPS):
            chosen = torch.randint(len(data), (BATCH,))
            cross_entropy(model(data.images[chosen]), data.labels[chosen]).backward()
            optimizer.step()
            optimizer.zero_grad()
    return model.eval()
