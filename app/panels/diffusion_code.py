"""Diffusion code: the lines that make a figure of the Diffusion page again, in a notebook."""

from headscope.app.panels.diffusion_choices import IMAGES, DiffusionSelection, SamplingSettings
from headscope.app.serving.diffusion_models import OpenedDiffusion
from headscope.models import zoo

IMPORTS = ("from headscope.interp.diffusion.image_grid import image_grid",)
ATTENTION = (
    "from headscope.interp.diffusion.patch_attention import patch_attention",
    "from headscope.interp.figures.vision.patch_attention import heads_on_patches_figure, patch_attention_figure",
)
TIMESTEPS = ("from headscope.interp.diffusion.timesteps import over_timesteps",)


def key_of(opened: OpenedDiffusion) -> str:
    """A short name of a model, for the keys of its panels."""
    return opened.source if opened.source in zoo.diffusion_names() else "folder"


def sampling_code(opened: OpenedDiffusion, what: SamplingSettings, imports: tuple[str, ...] = IMPORTS) -> str:
    """The lines that open the model and make the images again."""
    place = f"zoo.folder({opened.source!r})" if opened.source in zoo.diffusion_names() else repr(opened.source)
    zoo_import = ["from headscope.models import zoo"] if opened.source in zoo.diffusion_names() else []
    how = f"seed={what.seed}, steps={what.steps}, guidance={what.guidance}"
    lines = [
        "import torch",
        "",
        *imports,
        *zoo_import,
        "from headscope.models.checkpoints import open_folder",
        "from headscope.models.data.images.ddim import sample",
        "",
        f"model = open_folder({place}).model",
        f"sampling = sample(model, torch.full(({IMAGES},), {what.label_for(opened.service.facts.config)}), {how})",
    ]
    return "\n".join(lines)


def attention_code(opened: OpenedDiffusion, what: SamplingSettings, at: DiffusionSelection) -> str:
    """The lines that make the weights of the looked-at token again."""
    label, query = what.label_for(config := opened.service.facts.config), at.query_of(config)
    value = f"sampling.path[{at.step}, {at.image}], sampling.timesteps[{at.step}], {label}, {query}"
    return f"{sampling_code(opened, what, ATTENTION)}\nfound = patch_attention(model, {value})"
