"""Encoders: masked language models and vision encoders carry a variant, hooked, saved and opened; nothing is causal."""

from pathlib import Path
from typing import Any

import pytest
import torch
from tiny_decoders import SPECS
from tiny_encoders import (
    CLASSIFIERS,
    PICTURES,
    TEXTS,
    bare_encoder,
    fresh,
    ids_of,
    masked_model,
    picture_classifier,
    pixels_of,
    word_tokenizer,
)
from torch.testing import assert_close
from transformers import (
    AutoModelForMaskedLM,
    AutoModelForSequenceClassification,
    BertConfig,
    BertForMaskedLM,
    CLIPConfig,
)

from headscope import AttentionSpec, attach, load, save
from headscope.interp.reading.hooked_model import HookedModel
from headscope.interp.weights.head_weights import head_weights
from headscope.models.checkpoints import CheckpointError, open_folder
from headscope.models.hooked import hooked
from headscope.models.hosts import proof
from headscope.models.hosts.families import family_of

CASES: dict[str, tuple[Any, str]] = {
    **{name: (masked_model, name) for name in TEXTS},
    **{f"bare {name}": (bare_encoder, name) for name in ("bert", "modernbert", *PICTURES)},
    **{f"{name} with classes": (picture_classifier, name) for name in CLASSIFIERS},
}
every_encoder = pytest.mark.parametrize("case", CASES)
every_text = pytest.mark.parametrize("family", TEXTS)


def made(case: str, name: str = "cog") -> Any:
    build, family = CASES[case]
    return build(family, name)


def input_of(model: Any, batch: int = 2) -> torch.Tensor:
    return ids_of(batch) if family_of(model.config.model_type).modality.reads_ids else pixels_of(batch)


@torch.no_grad()
def output(model: Any, *args: Any, **others: Any) -> torch.Tensor:
    result = model(*args, **others)
    return result if isinstance(result, torch.Tensor) else result[0]


@every_encoder
def test_no_list_has_it_and_nothing_is_causal(case: str) -> None:
    model = made(case)
    assert not family_of(model.config.model_type).is_listed
    bridge: Any = hooked(model)
    assert bridge.cfg.attention_dir == "bidirectional" and isinstance(bridge, HookedModel)
    with torch.no_grad():
        _, cache = bridge.run_with_cache(input_of(model, 1))
    assert bool((cache["blocks.0.attn.hook_pattern"].triu(1) != 0).any())


@every_encoder
def test_the_hooked_output_is_the_plain_one_and_edits_reach_it(case: str) -> None:
    model = made(case)
    given = input_of(model)
    plain = output(model, given)
    bridge: Any = hooked(model)
    found, cache = bridge.run_with_cache(given)
    assert_close(found, plain, atol=1e-5, rtol=1e-5)
    for hook in ("hook_attn_scores", "hook_pattern", "hook_v", "hook_z"):
        place = f"blocks.1.attn.{hook}"
        assert place in cache
        edited = bridge.run_with_hooks(given, fwd_hooks=[(place, lambda value, hook: value * 0.5)])
        assert (edited - plain).abs().max() > 1e-4, hook


@every_encoder
@torch.no_grad()
def test_the_pattern_times_the_values_is_z(case: str) -> None:
    model = made(case)
    _, cache = hooked(model).run_with_cache(input_of(model, 1))
    pattern, v, z = (cache[f"blocks.1.attn.{name}"] for name in ("hook_pattern", "hook_v", "hook_z"))
    v = v if v.ndim == 4 else v.unflatten(-1, (pattern.shape[1], -1))
    assert_close(torch.einsum("bhqk,bkhd->bqhd", pattern, v), z.reshape(v.shape), atol=1e-4, rtol=1e-4)


@every_encoder
def test_a_saved_model_opens_with_an_equal_output(case: str, tmp_path: Path) -> None:
    model = made(case, "polynomial learned")
    given = input_of(model)
    before = output(model, given)
    opened = load(save(model, tmp_path / "model"))
    assert_close(output(opened, given), before, atol=1e-5, rtol=1e-5)
    again = load(save(opened, tmp_path / "again"))
    assert torch.equal(output(again, given), output(opened, given))


@every_encoder
def test_a_folder_that_transformers_wrote_opens_as_softmax(case: str, tmp_path: Path) -> None:
    model = made(case, "softmax")
    given = input_of(model)
    before = output(model, given)
    plain = type(model)(model.config)
    plain.config._attn_implementation = "eager"
    delattr(plain.config, "attention_spec")
    plain.load_state_dict(model.state_dict())
    plain.save_pretrained(tmp_path / "theirs")
    assert_close(output(open_folder(tmp_path / "theirs").model, given), before, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("case", ["bert", "modernbert", "bare dinov2_with_registers", "bare siglip_vision_model"])
def test_half_precision_errs_no_more_than_softmax_twofold(case: str) -> None:
    errors = []
    for name in ("softmax", "expressive"):
        model = made(case, name)
        given = input_of(model)
        exact = output(model, given)
        half = output(model.to(torch.bfloat16), given if given.dtype == torch.int64 else given.bfloat16()).float()
        errors.append(float((half - exact).norm() / exact.norm()))
    assert errors[1] < 3 * errors[0] + 0.02


# DistilBERT numbers its positions from the first token of a row, be it padding or not
@pytest.mark.parametrize(
    ("family", "side"), [*((name, "right") for name in TEXTS), *((name, "left") for name in TEXTS[:3])]
)
def test_padding_changes_nothing(family: str, side: str) -> None:
    model, ids = masked_model(family), ids_of()
    padding = torch.full((2, 3), int(model.config.pad_token_id))
    seen, hidden = torch.ones_like(ids), torch.zeros_like(padding)
    parts = ((padding, hidden), (ids, seen)) if side == "left" else ((ids, seen), (padding, hidden))
    padded, mask = (torch.cat(each, 1) for each in zip(*parts, strict=True))
    takes = {}
    if side == "left" and family == "bert":  # the others count positions by the ids, or turn
        takes = {"position_ids": (mask.cumsum(-1) - 1).clamp_min(0)}
    found = output(model, padded, attention_mask=mask, **takes)
    place = slice(3, None) if side == "left" else slice(None, ids.shape[1])
    assert_close(found[:, place], output(model, ids), atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("name", [name for name in SPECS if name not in ("cog", "cogformer")])
def test_every_variant_is_carried_by_bert(name: str) -> None:
    model = masked_model("bert", name)
    plain = output(model, ids_of())
    assert_close(output(hooked(model), ids_of()), plain, atol=1e-5, rtol=1e-5)


def test_temperatures_count_every_token_that_is_no_padding() -> None:
    model: Any = masked_model("bert", "selective")
    counts: list[torch.Tensor] = []
    layer = model.bert.encoder.layer[0].attention.self.variant
    layer.temperature_q.register_forward_pre_hook(lambda module, args: counts.append(args[1]))
    mask = torch.ones(2, 9, dtype=torch.long)
    mask[1, 6:] = 0
    output(model, ids_of(), attention_mask=mask)
    assert counts[0].tolist() == [[9] * 9, [6] * 9]


@pytest.mark.parametrize("family", ["bert", "roberta", "dinov2", "clip_vision_model", "siglip_vision_model"])
def test_the_matrices_of_heads_are_those_that_the_model_computes_with(family: str) -> None:
    model = bare_encoder(family)
    assert not {"W_Q", "W_K", "W_V", "W_QK", "W_O"} & head_weights(hooked(model)).misread.keys()


@every_text
def test_a_text_is_read_between_its_ends(family: str) -> None:
    bridge = hooked(masked_model(family), word_tokenizer())
    assert bridge.to_tokens("the [MASK]").tolist() == [[2, 5, 4, 3]]


def test_positions_before_the_text_are_not_counted() -> None:
    assert hooked(masked_model("bert")).cfg.n_ctx == 64
    assert hooked(masked_model("roberta")).cfg.n_ctx == 63  # its padding has position 0
    with pytest.raises(ValueError, match="64 tokens are outside the context; this model learned 63"):
        hooked(masked_model("roberta"))(ids_of(1, 64))


# What is proved, and what is refused


@pytest.mark.parametrize("case", ["bert", "bare bert", "bare dinov2"])
def test_another_function_is_not_taken_for_softmax(case: str) -> None:
    model = made(case)
    last = [part for part in model.modules() if isinstance(part, torch.nn.LayerNorm)][-1]
    handle = last.register_forward_hook(
        lambda part, args, value: value * (1.0 if model.config._attn_implementation == "eager" else 1.3)
    )
    with pytest.raises(ValueError, match="is more than its attention function says"):
        proof.refuse_unproved(model)
    handle.remove()


@pytest.mark.parametrize("case", ["bert", "bare dinov2_with_registers"])
def test_a_layer_whose_edits_reach_nothing_is_named(case: str) -> None:
    model = made(case)
    writes = [
        name
        for name, part in model.named_modules()
        if name.endswith(("0.attention.output.dense", "0.attention.o_proj"))
    ]
    with torch.no_grad():
        model.get_submodule(writes[0]).weight.zero_()
    with pytest.raises(ValueError, match="does not answer to hook_attn_scores"):
        proof.refuse_unproved(model)


REFUSED = {
    "deberta": "does not go through transformers' attention interface",
    "longformer": "does not go through transformers' attention interface",
}


@pytest.mark.parametrize("family", REFUSED)
def test_what_has_attention_of_its_own_is_refused_and_left_as_it_was(family: str) -> None:
    model = fresh(family, AutoModelForMaskedLM)
    with pytest.raises(ValueError, match=REFUSED[family]):
        attach(model, AttentionSpec("cog"))
    assert not hasattr(model, "attention_attachment")


@pytest.mark.parametrize("family", ["bart", "clip", "modernvbert", "swin"])
def test_other_encoders_are_no_family(family: str) -> None:
    with pytest.raises(ValueError, match=f"model family '{family}' is not supported"):
        family_of(family)


def test_bert_as_a_decoder_is_refused_in_one_sentence() -> None:
    config = BertConfig(hidden_size=32, num_hidden_layers=2, num_attention_heads=4, intermediate_size=48, vocab_size=99)
    config.is_decoder = True
    with pytest.raises(ValueError, match="a bert is carried as an encoder, and this config says is_decoder=True"):
        attach(BertForMaskedLM(config), AttentionSpec("cog"))


def test_another_head_is_carried_and_not_hooked() -> None:
    model = attach(fresh("bert", AutoModelForSequenceClassification), SPECS["cog"])
    with pytest.raises(ValueError, match="hooked takes a masked language model, which a BertForSequenceClassification"):
        hooked(model)


def test_a_folder_of_both_encoders_says_how_the_pictures_one_is_had(tmp_path: Path) -> None:
    folder = save(bare_encoder("clip_vision_model"), tmp_path / "model")
    (folder / "config.json").write_text(CLIPConfig().to_json_string())
    with pytest.raises(CheckpointError, match=r"of clip, the vision encoder alone is opened: CLIPVisionModel"):
        load(folder)
