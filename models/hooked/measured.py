"""Measured models: a transformer-lens adapter for any decoder, its parts found by what goes in and out of them."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import nn
from transformer_lens.config import TransformerBridgeConfig
from transformer_lens.factories.architecture_adapter_factory import ArchitectureAdapterFactory
from transformer_lens.model_bridge.architecture_adapter import ArchitectureAdapter
from transformer_lens.model_bridge.generalized_components import (
    BlockBridge,
    EmbeddingBridge,
    LinearBridge,
    NormalizationBridge,
    UnembeddingBridge,
)
from transformer_lens.model_bridge.generalized_components.base import GeneralizedComponent
from transformer_lens.model_bridge.generalized_components.block import ParallelBlockBridge
from transformers import PreTrainedModel

from headscope.models.hooked.seam_attention import SeamAttention
from headscope.models.hosts.families import layer_shape, modality_of
from headscope.models.hosts.linear_map import eval_mode
from headscope.models.seam.block_parts import PartCall, block_parts, is_norm, reading, recorded_parts
from headscope.models.seam.dispatch import AttentionPlace, attention_places
from headscope.models.seam.projections import projections

MEASURED = "HeadscopeMeasured"
SHIFT = 0.5
OF_BLOCK = ("hook_in", "hook_out")
ABSENT = ("hook_attn_in", "hook_q_input", "hook_k_input", "hook_v_input")  # forks that a module's own forward lacks


class MeasuredAdapter(ArchitectureAdapter):
    """Filled in by `measure`, for the model that is hooked."""

    def prepare_model(self, hf_model: Any) -> None:
        """Nothing: the model stays as transformers made it."""


def register_measured() -> None:
    """Make the adapter known to transformer-lens; calling it again changes nothing."""
    ArchitectureAdapterFactory.register_adapter(MEASURED, MeasuredAdapter)


def measured_config(model: PreTrainedModel) -> TransformerBridgeConfig:
    """Sizes of a model whose blocks have one attention each. Raises ValueError for other models."""
    places = attention_places(model)
    refuse_other_blocks(model, places)
    shape = layer_shape(model, places[0].module)
    embedding: Any = model.get_input_embeddings()
    key_heads = getattr(model.config, "num_key_value_heads", None) or shape.n_heads
    config = TransformerBridgeConfig(
        d_model=model.config.hidden_size,
        d_head=shape.query_width // shape.n_heads,
        n_layers=len(places),
        n_ctx=modality_of(model).context(model.config),
        n_heads=shape.n_heads,
        d_vocab=embedding.weight.shape[0],
        n_key_value_heads=key_heads,
        architecture=MEASURED,
    )
    config.d_value = shape.value_width // key_heads  # type: ignore[attr-defined]
    return config


def refuse_other_blocks(model: PreTrainedModel, places: Sequence[AttentionPlace]) -> None:
    """Raise ValueError where blocks of one list do not have one attention each, under one name."""
    lists, names = {place.blocks for place in places}, {place.within for place in places}
    count = len(model.get_submodule(places[0].blocks)) if len(lists) == 1 else 0  # type: ignore[arg-type]
    if len(names) > 1 or [place.number for place in places] != list(range(count)):
        raise ValueError(
            f"hooked takes a model whose blocks have one attention each; those of a {type(model).__name__} have "
            f"attention at {', '.join(place.name for place in places[:4])} … of {count} blocks: use the attached model"
        )


@torch.no_grad()
def measure(model: PreTrainedModel, adapter: ArchitectureAdapter) -> None:
    """Fill in an adapter's components from one small forward pass of the model."""
    place, *_ = places = attention_places(model)
    blocks: Any = model.get_submodule(place.blocks)
    block, last = blocks[0], blocks[len(places) - 1]
    parts = dict(block.named_children())
    parts |= {place.within: place.module, "": block}
    end = {name: part for name, part in model.named_modules() if name and is_norm(part)}
    with eval_mode(model), recorded_parts(parts) as calls, recorded_parts({**end, "": last}) as ends:
        model(**modality_of(model).trial(model.config))
    after = next((call.output for call in ends if call.name == ""), None)
    final = reading([call for call in ends if call.name], after)
    adapter.component_mapping = components(model, adapter.cfg, place, block_parts(block, place.within, calls), final)


def components(
    model: PreTrainedModel, cfg: Any, place: AttentionPlace, roles: dict[str, str], final: PartCall | None
) -> dict[str, Any]:
    """transformer-lens's components for the parts that a model was seen to have."""
    names = {module: name for name, module in model.named_modules(remove_duplicate=False)}
    block: Any = model.get_submodule(place.blocks)[0]  # type: ignore[index]
    attention = attention_component(model, cfg, place)
    parts: dict[str, GeneralizedComponent] = {"attn": attention}
    for role in ("ln1", "ln1_post", "ln2", "ln2_post"):
        if role in roles:
            parts[role] = norm_component(block.get_submodule(roles[role]), roles[role], cfg)
    is_parallel = "mlp" in roles and not {"ln2", "ln2_post"} & roles.keys()
    if "mlp" in roles:
        parts["mlp"] = GeneralizedComponent(roles["mlp"], cfg)
    kind = ParallelBlockBridge if is_parallel else BlockBridge
    whole = kind(name=place.blocks, config=cfg, submodules=parts)
    whole.hook_aliases = {
        alias: hook
        for alias, hook in whole.hook_aliases.items()
        if isinstance(hook, str) and (hook in OF_BLOCK or hook.split(".")[0] in parts) and alias not in ABSENT
    }
    mapping: dict[str, Any] = {
        "embed": EmbeddingBridge(name=names[model.get_input_embeddings()]),
        "blocks": whole,
        "unembed": UnembeddingBridge(name=names[model.get_output_embeddings()]),
    }
    if final is not None:
        mapping["ln_final"] = norm_component(model.get_submodule(final.name), final.name, cfg)
    return mapping


def attention_component(model: PreTrainedModel, cfg: Any, place: AttentionPlace) -> SeamAttention:
    """The attention of a block, with the projections that stand apart."""
    shape = layer_shape(model, place.module)
    keys = cfg.n_key_value_heads * cfg.d_head
    widths = {"q": shape.query_width, "k": keys, "v": shape.value_width, "o": shape.n_heads * cfg.d_value}
    parts: dict[str, GeneralizedComponent] = {
        letter: LinearBridge(name=name) for letter, name in projections(place.module, widths).items()
    }
    return SeamAttention(place.within, cfg, parts)


def norm_component(norm: nn.Module, name: str, cfg: Any) -> NormalizationBridge:
    """A norm that computes what it did; its hooks' scale is that of a LayerNorm where a shift of its input is lost."""
    width = cfg.d_model
    like = next(iter(norm.parameters()), torch.empty(0))
    x = torch.randn(1, 1, width, generator=torch.Generator().manual_seed(0)).to(like)
    is_centred = bool(torch.allclose(norm(x), norm(x + SHIFT), atol=1e-3, rtol=1e-2))
    return NormalizationBridge(name, cfg, use_native_layernorm_autograd=True, uses_rms_norm=not is_centred)
