"""Measured models: a transformer-lens adapter for any model, its parts found by what goes in and out of them."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from transformer_lens.config import TransformerBridgeConfig
from transformer_lens.factories.architecture_adapter_factory import ArchitectureAdapterFactory
from transformer_lens.model_bridge.architecture_adapter import ArchitectureAdapter
from transformer_lens.model_bridge.generalized_components import (
    EmbeddingBridge,
    LinearBridge,
    NormalizationBridge,
    UnembeddingBridge,
)
from transformer_lens.model_bridge.generalized_components.base import GeneralizedComponent
from transformers import PreTrainedModel

from headscope.models.hooked.measured_block import Block, MeasuredMLP, ParallelBlock
from headscope.models.hooked.seam_attention import SeamAttention
from headscope.models.hosts.families import hides_the_future, layer_shape, modality_of
from headscope.models.hosts.linear_map import eval_mode
from headscope.models.seam.block_parts import PartCall, block_parts, is_norm, parts_as, reading, recorded_parts
from headscope.models.seam.dispatch import AttentionPlace, attention_layers, attention_places
from headscope.models.seam.factors import FACTORS, GATE, Factors
from headscope.models.seam.input_sizes import positions_before_text
from headscope.models.seam.model_pass import HOOKS, Hooks
from headscope.models.seam.projections import projections

MEASURED = "HeadscopeMeasured"
PIXELS = "embeddings"
SHIFT = 0.5
SCALED = {"attn_scale": "hook_attn_out", "mlp_scale": "hook_mlp_out"}  # what a branch adds, after its layer scale
ABSENT = ("hook_attn_in", "hook_q_input", "hook_k_input", "hook_v_input")  # forks that a module's own forward lacks


class MeasuredAdapter(ArchitectureAdapter):
    """Filled in by `measure`, for the model that is hooked."""

    def prepare_model(self, hf_model: Any) -> None:
        """Nothing: the model stays as transformers made it."""


def register_measured() -> None:
    """Make the adapter known to transformer-lens; calling it again changes nothing."""
    ArchitectureAdapterFactory.register_adapter(MEASURED, MeasuredAdapter)


def measured_config(model: PreTrainedModel) -> TransformerBridgeConfig:
    """Sizes of a model whose blocks have one attention at most. Raises ValueError for other models."""
    places = attention_places(model)
    refuse_other_blocks(model, places)
    refuse_other_heads(model, places)
    shape, modality = layer_shape(model, places[0].module), modality_of(model)
    key_heads = getattr(model.config, "num_key_value_heads", None) or shape.n_heads
    config = TransformerBridgeConfig(
        d_model=model.config.hidden_size,
        d_head=shape.query_width // shape.n_heads,
        n_layers=attention_layers(model, places).count,
        n_ctx=modality.context(model.config) - positions_before_text(model),
        n_heads=shape.n_heads,
        d_vocab=model.get_input_embeddings().weight.shape[0] if modality.reads_ids else 0,  # type: ignore[union-attr]
        n_key_value_heads=key_heads,
        architecture=MEASURED,
    )
    config.is_visual_model = modality.reads_pictures  # type: ignore[attr-defined]
    config.attention_dir = "causal" if all(hides_the_future(place.module) for place in places) else "bidirectional"
    config.d_value = shape.value_width // key_heads  # type: ignore[attr-defined]
    return config


def refuse_other_blocks(model: PreTrainedModel, places: Sequence[AttentionPlace]) -> None:
    """Raise ValueError where attention is in several lists of blocks, twice in a block, or of several names."""
    lists, names = {place.blocks for place in places}, {place.within for place in places}
    if len(lists) > 1 or len(names) > 1:
        raise ValueError(
            f"hooked takes a model whose blocks have one attention at most; those of a {type(model).__name__} have "
            f"attention at {', '.join(place.name for place in places[:4])} …: use the attached model"
        )


def refuse_other_heads(model: PreTrainedModel, places: Sequence[AttentionPlace]) -> None:
    """Raise ValueError where layers differ in their heads: transformer-lens has one size of all."""
    first, *others = (layer_shape(model, place.module) for place in places)
    for place, shape in zip(places[1:], others, strict=True):
        if shape != first:
            raise ValueError(
                f"hooked takes a model whose layers have heads of one size; {place.name} of a {type(model).__name__} "
                f"has {shape}, {places[0].name} has {first}: use the attached model"
            )


@torch.no_grad()
def measure(model: PreTrainedModel, adapter: ArchitectureAdapter) -> None:
    """Fill in an adapter's components from one small forward pass of the model."""
    places = {place.number: place for place in attention_places(model)}
    place = next(iter(places.values()))
    blocks: Any = model.get_submodule(place.blocks)
    end = {name: part for name, part in model.named_modules() if name and is_norm(part)}
    with ExitStack() as stack:
        stack.enter_context(eval_mode(model))
        calls = [stack.enter_context(recorded_block(block, places.get(at))) for at, block in enumerate(blocks)]
        ends = stack.enter_context(recorded_parts({**end, "": blocks[-1]}))
        factors = stack.enter_context(seen_factors())
        model(**modality_of(model).trial(model.config))
    refuse_other_streams(model, calls[0])
    refuse_two_gates(model, factors)
    after = next((call.output for call in ends if call.name == ""), None)
    final = reading([call for call in ends if call.name], after)
    adapter.supports_generation = adapter.supports_causal_loss = modality_of(model).continues_texts
    own = {at: block_parts(blocks[at], item.within, calls[at]) for at, item in places.items()}
    roles = own[place.number]
    others = {at: parts_as(roles, calls[at]) for at in range(len(blocks)) if at not in places}
    whole = block_component(
        model, adapter.cfg, next(reversed(places.values())), roles
    )  # ModernBERT's first has no norm
    whole.submodules["attn"].factors_of = {id(item.module): frozenset(factors[at]) for at, item in places.items()}
    whole.parts_of = {id(block): {"attn", *own[at]} if at in own else others[at] for at, block in enumerate(blocks)}
    adapter.component_mapping = components(model, adapter.cfg, whole, final)


def refuse_other_streams(model: PreTrainedModel, calls: Sequence[PartCall]) -> None:
    """Raise ValueError where blocks hand on more than one vector of a token (DeepSeek-V4's hyper-connections)."""
    stream = next((call.given for call in calls if call.name == ""), None)
    if stream is not None and stream.ndim != 3:
        raise ValueError(
            f"hooked takes a model with one residual stream; a block of a {type(model).__name__} reads "
            f"{tuple(stream.shape[1:])} numbers of a prompt: use the attached model"
        )


def refuse_two_gates(model: PreTrainedModel, factors: Mapping[int, Sequence[str]]) -> None:
    """Raise ValueError where heads have a gate of the model's own and one that was attached: one hook shows one."""
    layers = [str(layer) for layer, names in factors.items() if names.count(GATE) > 1]
    if layers:
        raise ValueError(
            f"hooked shows one gate of a head's output; in the layers {', '.join(layers)} a {type(model).__name__} "
            "has its own, and its AttentionSpec another: attach without gate, or use the attached model"
        )


@contextmanager
def seen_factors() -> Iterator[dict[int, list[str]]]:
    """The names of the factors that the attention of every layer was seen to have, by the layer's number."""
    seen: dict[int, list[str]] = defaultdict(list)

    def note(layer: int, name: str, value: Tensor) -> Tensor:
        seen[layer] += [name] * (name in FACTORS)
        return value

    with Factors() as factors, HOOKS.set_to(Hooks(note, on_scores=False, factors=factors)):
        yield seen


def recorded_block(block: nn.Module, place: AttentionPlace | None) -> AbstractContextManager[list[PartCall]]:
    """The calls of a block, of its children and of its attention, where it has one."""
    attention = {} if place is None else {place.within: place.module}
    return recorded_parts({**dict(block.named_children()), **attention, "": block})


def block_component(model: PreTrainedModel, cfg: Any, place: AttentionPlace, roles: dict[str, str]) -> Any:
    """transformer-lens's component for blocks with the parts that one of them was seen to have."""
    block = model.get_submodule(f"{place.blocks}.{place.number}")
    attention = attention_component(model, cfg, place)
    parts: dict[str, GeneralizedComponent] = {"attn": attention}
    for role in ("ln1", "ln1_post", "ln2", "ln2_post"):
        if role in roles:
            parts[role] = norm_component(block.get_submodule(roles[role]), roles[role], cfg)
    parts |= {role: GeneralizedComponent(roles[role], cfg) for role in SCALED if role in roles}
    is_parallel = "mlp" in roles and not {"ln2", "ln2_post"} & roles.keys()
    if "mlp" in roles:
        parts["mlp"] = MeasuredMLP(roles["mlp"], cfg)
    whole = (ParallelBlock if is_parallel else Block)(name=place.blocks, config=cfg, submodules=parts)
    whole.hook_aliases = {alias: hook for alias, hook in whole.hook_aliases.items() if alias not in ABSENT}
    whole.hook_aliases |= {SCALED[role]: f"{role}.hook_out" for role in SCALED if role in roles}
    if attention.inner:  # the whole adds the residual, and norms the sum
        whole.hook_aliases |= {"hook_attn_out": "attn.o.hook_out", "hook_resid_mid": "attn.hook_out"}
    return whole


def components(model: PreTrainedModel, cfg: Any, whole: Any, final: PartCall | None) -> dict[str, Any]:
    """transformer-lens's components for a model whose blocks are known."""
    names = {module: name for name, module in model.named_modules(remove_duplicate=False)}
    mapping: dict[str, Any] = {"embed": embedding_component(model, names), "blocks": whole}
    if (head := answering_module(model)) is not None:
        mapping["unembed"] = UnembeddingBridge(name=names[head])
    if final is not None:
        mapping["ln_final"] = norm_component(model.get_submodule(final.name), final.name, cfg)
    return mapping


def attention_component(model: PreTrainedModel, cfg: Any, place: AttentionPlace) -> SeamAttention:
    """The attention of a block, with the projections that stand apart."""
    shape = layer_shape(model, place.module)
    keys = cfg.n_key_value_heads * cfg.d_head
    widths = {"q": shape.query_width, "k": keys, "v": shape.value_width, "o": shape.n_heads * cfg.d_value}
    names = projections(place.module, widths)
    around, _, inner = place.within.rpartition(".")
    output = None if "o" in names or not around else output_beside(model, place, widths["o"])
    if output is None:
        return SeamAttention(place.within, cfg, {letter: LinearBridge(name=name) for letter, name in names.items()})
    parts: dict[str, GeneralizedComponent] = {
        letter: LinearBridge(name=f"{inner}.{name}") for letter, name in names.items()
    }
    return SeamAttention(around, cfg, {**parts, "o": LinearBridge(name=output)}, inner)


def output_beside(model: PreTrainedModel, place: AttentionPlace, width: int) -> str | None:
    """The one matrix that reads z beside the module that asks for its attention, by its name in what holds both."""
    around = model.get_submodule(place.name.rpartition(".")[0])
    inside = {*place.module.modules()}
    reading_z = [
        name
        for name, part in around.named_modules()
        if isinstance(part, nn.Linear) and part not in inside and part.in_features == width
    ]
    return reading_z[0] if len(reading_z) == 1 else None


def embedding_component(model: PreTrainedModel, names: Mapping[Any, str]) -> GeneralizedComponent:
    """What makes the first residual of ids, or of pixels."""
    if modality_of(model).reads_ids:
        return EmbeddingBridge(name=names[model.get_input_embeddings()])
    return GeneralizedComponent(names[model.base_model.get_submodule(PIXELS)])


def answering_module(model: PreTrainedModel) -> nn.Module | None:
    """The matrix that ends in logits; None where there is no head."""
    if modality_of(model).is_bare(model):
        return None
    return model.get_output_embeddings() or getattr(model, "classifier", None)


def norm_component(norm: nn.Module, name: str, cfg: Any) -> NormalizationBridge:
    """A norm that computes what it did; its hooks' scale is that of a LayerNorm where a shift of its input is lost."""
    width = cfg.d_model
    like = next(iter(norm.parameters()), torch.empty(0))
    x = torch.randn(1, 1, width, generator=torch.Generator().manual_seed(0)).to(like)
    is_centred = bool(torch.allclose(norm(x), norm(x + SHIFT), atol=1e-3, rtol=1e-2))
    return NormalizationBridge(name, cfg, use_native_layernorm_autograd=True, uses_rms_norm=not is_centred)
