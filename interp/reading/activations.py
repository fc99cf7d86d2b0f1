"""Activations: what a model's hooks held in one forward pass over a prompt, layer by layer."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

import torch
from jaxtyping import Bool, Float, Shaped
from torch import Tensor

from headscope.interp.reading.hooked_model import HookedModel, head_layers
from headscope.interp.reading.layer_blocks import LayerBlocks
from headscope.interp.reading.prompt import Prompt, batch_of, last_logits_alone, logits_by_position
from headscope.models.attention.run import at_least_float32
from headscope.models.seam.hooked_kernel import visible_cells

SCORES = "attn.hook_attn_scores"
TEMPERATURES = ("attn.hook_temperature_q", "attn.hook_temperature_v")
PATTERN, GATE = "attn.hook_pattern", "attn.hook_gate"
MIXING = "attn.mixing"  # no hook: the pattern times the gate of each row, what multiplies the values in the end
BY_CELL = (SCORES, PATTERN)  # a number for every query and key
BY_ENTRY = "is gated entry by entry, so that no weight of a token says what it adds"
NORM_AFTER = "ln1_post.hook_scale"
MLP_OUT = "hook_mlp_out"
SCALES = (NORM_AFTER, "ln1.hook_scale", "ln_final.hook_scale")  # of norms that not every model has
OF_MIXERS = (SCORES, PATTERN, "attn.hook_v", GATE, "attn.hook_z")  # what mixers have that stand for heads
OF_ATTENTION = ("attn.", "hook_attn_out", "ln1_post.")
UNTURNED = {"attn.hook_cos": 1.0, "attn.hook_sin": 0.0}
AFTER_NORM = {"attn.hook_rot_q": "attn.hook_q_normed", "attn.hook_rot_k": "attn.hook_k_normed"}
HEADS_FIRST = tuple(AFTER_NORM.values())  # so transformer-lens has them


@dataclass(frozen=True)
class Activations:
    """One prompt's activations on the CPU, without the batch axis.

    logits: at every position of a text, at one of an image and of a text with a mask; the last are those of the answer.
    hooks: transformer-lens's name after `blocks.N.` -> [layer, …]; a whole name (`ln_final.hook_scale`) -> […]. Those
    of attention are of the layers with heads, whose numbers are in head_layers, others of all layers.
    visible: which keys each query may see; None unless `attn.hook_attn_scores` was gathered.
    """

    tokens: Prompt
    hooks: Mapping[str, Shaped[Tensor, "..."]]
    logits: Float[Tensor, "pos_or_one vocab"]
    visible: Bool[Tensor, "layer query key"] | None = None
    head_layers: tuple[int, ...] = ()

    def __getitem__(self, name: str) -> Shaped[Tensor, "..."]:
        if name == MIXING and GATE in self.hooks:
            return mixing(self.hooks[PATTERN], self.hooks[GATE])
        if name not in self.hooks:
            raise KeyError(f"{name} was not gathered; there are: {', '.join(self.hooks)}")
        return self.hooks[name]

    def of_layer(self, number: int) -> "Activations":
        """What is of one layer that has heads, by its number; hooks of all layers, and those of none, stay whole."""
        at = self.head_layers.index(number)
        one = slice(at, at + 1)
        hooks = {name: value[one] if name.startswith(OF_ATTENTION) else value for name, value in self.hooks.items()}
        visible = None if self.visible is None else self.visible[one]
        return replace(self, hooks=hooks, visible=visible, head_layers=(number,))

    def at_heads(self, name: str) -> Shaped[Tensor, "layer ..."]:
        """A hook of all layers, in those that have heads."""
        return self[name][list(self.head_layers)]


def gathered_activations(
    model: HookedModel,
    prompts: Sequence[Prompt],
    names: Sequence[str],
    formed: Sequence[str] = (),
    *,
    answer_alone: bool = False,
) -> list[Activations]:
    """Run prompts of one length in one forward pass and keep the named hooks, float32 at least.

    MIXING is gathered as the pattern and the gate that it is made of. formed: hooks that are looked at and not kept: a
    pass in which nobody looks at a pattern may not form it, and then differs in the last digits. answer_alone: of a
    text, whether the logits of the last position are enough. A layer without a temperature has temperature 1, one
    without an output gate has gate 1, a norm that is not there has the scale 1, a layer without an MLP has 0 of it, one
    that does not rotate has cos 1 and sin 0, and where none rotates they are left out; where nothing is rotated,
    hook_rot_q is hook_q, and where a norm follows the rotation (HunYuan), it is what that norm gives. Hooks are state:
    the caller lets one run in at a time. Raises ValueError for prompts of several lengths and for a hook that the model
    does not have.
    """
    if len({len(prompt) for prompt in prompts}) != 1:
        raise ValueError("gather takes prompts of one length, at least one; group them by length")
    places = {name: hook_names(model, name) for name in hooks_behind(names)}
    layered = {name: len(of_name) for name, of_name in places.items() if of_name != [name]}
    kept, blocks = dict[str, Tensor](), LayerBlocks(layered, len(prompts))

    def keep(name: str, at: int, place: str, value: Tensor, hook: object) -> None:  # a hook may know itself by another
        layer = name in layered
        kept[place] = blocks.copy(name, at, positions_first(place, value)) if layer else own_copy(place, value)

    hooks = [
        (place, partial(keep, name, at, place))
        for name, of_name in places.items()
        for at, place in enumerate(of_name)
        if place in model.hook_dict
    ]
    hooks += [(place, pass_by) for name in formed for place in hook_names(model, name) if place in model.hook_dict]
    spared = last_logits_alone(prompts[0]) if answer_alone else {}
    with torch.no_grad():
        output = model.run_with_hooks(batch_of(model, prompts), fwd_hooks=hooks, **spared)
    logits = logits_by_position(model, output, prompts)
    result = with_absent(model, kept, places, (len(prompts), len(prompts[0])))
    visible = [visible_of(result[SCORES], row) if SCORES in result else None for row in range(len(prompts))]
    of_prompts = hooks_of_prompts(result, blocks, len(prompts))
    return [
        Activations(prompt, of_prompts[row], at_least_float32(logits[row]).cpu(), visible[row], head_layers(model))
        for row, prompt in enumerate(prompts)
    ]


def with_absent(
    model: HookedModel, kept: dict[str, Tensor], places: dict[str, list[str]], shape: tuple[int, int]
) -> dict[str, list[Tensor]]:
    """What was kept, by the names of the hooks and their places, with what stands for it in layers that lack it."""
    absent = absent_values(model, kept, places, shape)
    result = {
        name: [kept.get(at, absent[name]) for at in of_name] for name, of_name in places.items() if name in absent
    }
    kept.clear()
    if GATE in result:
        result[GATE] = of_one_width(result[GATE])
    return result


def hooks_of_prompts(
    gathered: dict[str, list[Tensor]], blocks: LayerBlocks, prompts: int
) -> list[dict[str, Shaped[Tensor, "..."]]]:
    """The hooks of every prompt of a batch, out of what is emptied: nothing is held twice for longer than one hook."""
    of_prompts: list[dict[str, Tensor]] = [{} for _ in range(prompts)]
    for name in [*gathered]:
        values, whole = gathered.pop(name), blocks.whole(name)
        for row in range(prompts):
            layered = name in blocks.layers
            of_prompts[row][name] = prompt_slice(values, row, layered=layered) if whole is None else whole[row]
    return of_prompts


def hooks_behind(names: Sequence[str]) -> list[str]:
    """The hooks that are gathered for these names: for MIXING the pattern and the gate that it is made of."""
    if MIXING not in names:
        return [*names]
    return [*dict.fromkeys([*(name for name in names if name != MIXING), PATTERN, GATE])]


def own_copy(place: str, value: Tensor) -> Tensor:
    """What a hook of this full name holds, by position, as it is now."""
    return positions_first(place, value).cpu().clone()


def positions_first(place: str, value: Tensor) -> Tensor:
    """What a hook of this full name holds, by position."""
    return (value.transpose(1, 2) if place.endswith(HEADS_FIRST) else value).detach()


def pass_by(value: Tensor, hook: object) -> None:
    """A hook that keeps nothing."""


def mixing(
    pattern: Float[Tensor, "*layer head query key"], gate: Float[Tensor, "*layer query head d_head_or_one"]
) -> Float[Tensor, "*layer head query key"]:
    """What multiplies the values in the end: a head's weights times the gate of its row; where all gates are 1, these.

    Raises ValueError for gates that differ by the entries of a head's output, which no weight tells.
    """
    if gate.shape[-1] != 1:
        raise ValueError(f"what the heads of this model put out {BY_ENTRY}")
    if bool((gate == 1).all()):
        return pattern
    return pattern * gate[..., 0].mT[..., None]


def absent_values(
    model: HookedModel, kept: dict[str, Tensor], places: dict[str, list[str]], shape: tuple[int, int]
) -> dict[str, Tensor]:
    """What stands for each hook in layers that lack it; angles that no layer has are left out."""
    ones, angles = torch.ones(shape), unturned(kept, places)
    wanted = (name for name in places if name not in UNTURNED or name in angles)
    absent = {name: ones[..., None] if name in SCALES else ones[:, None] for name in wanted}
    absent[GATE] = ones[..., None, None].expand(*shape, model.cfg.n_heads, 1)
    return absent | angles | {MLP_OUT: torch.zeros(*shape, model.cfg.d_model)}


def of_one_width(gates: list[Tensor]) -> list[Tensor]:
    """Gates of layers, those of whole heads repeated for every entry where others' are of one entry each."""
    width = max(gate.shape[-1] for gate in gates)
    return [gate.expand(*gate.shape[:-1], width) for gate in gates]


def unturned(kept: dict[str, Tensor], places: dict[str, list[str]]) -> dict[str, Tensor]:
    """Cosine and sine of a layer that does not rotate in a model whose other layers do (SmolLM3)."""
    like = {name: next((kept[place] for place in places.get(name, ()) if place in kept), None) for name in UNTURNED}
    return {name: torch.full_like(item, UNTURNED[name]) for name, item in like.items() if item is not None}


def hook_names(model: HookedModel, name: str) -> list[str]:
    """A hook's full names: one of every layer, or the name itself where it belongs to no layer."""
    known = model.hook_dict
    if getattr(model.cfg, "qk_norm_after_rope", False):
        name = AFTER_NORM.get(name, name)
    with_heads = head_layers(model)
    if f"blocks.{with_heads[0]}.{name}" not in known:
        name = name.replace("hook_rot_", "hook_")
    layers = with_heads if name.startswith(OF_ATTENTION) else range(model.cfg.n_layers)
    of_layers = [f"blocks.{layer}.{name}" for layer in layers]
    if name in known:
        return [name]
    missing = [place for place in of_layers if place not in known]
    tempered = name in TEMPERATURES and any(place.endswith(TEMPERATURES) for place in known)
    unwritten = name == MLP_OUT and getattr(model.cfg, "attn_only", False)
    if missing and not (tempered or unwritten or name in (*SCALES, GATE)):
        raise ValueError(f"this model has no hook {missing[0]}")
    return [name] if name.startswith("ln_final") else of_layers


def final_hook(model: HookedModel) -> str:
    """The hook of what the unembedding reads: the final norm's output, or the last residual where there is no norm."""
    final = "ln_final.hook_out"
    return final if final in model.hook_dict else f"blocks.{model.cfg.n_layers - 1}.hook_resid_post"


def has_hook(model: HookedModel, name: str) -> bool:
    """Whether `gather` can keep a hook of that name."""
    if name == MIXING:
        return True
    try:
        return bool(hook_names(model, name))
    except ValueError:
        return False


def prompt_slice(values: list[Tensor], row: int, *, layered: bool) -> Shaped[Tensor, "..."]:
    """One prompt's part, float32 at least, stacked over layers where the hook is one of every layer."""
    mine = [value[row if value.shape[0] > 1 else 0] for value in values]
    wide = [at_least_float32(item) if item.is_floating_point() else item for item in mine]
    if not layered:
        return wide[0]
    return torch.stack(wide) if len(wide) > 1 else wide[0][None]  # which is not held twice


def visible_of(scores: list[Tensor], row: int) -> Bool[Tensor, "layer query key"]:
    """Which cells are not masked; every head of a layer has the same mask."""
    return torch.stack([visible_cells(layer[row, 0]) for layer in scores])
