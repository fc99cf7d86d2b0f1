"""The gauges: changes of weights that leave a model alone leave every reported number alone, or its field says so."""

from collections.abc import Callable, Iterator
from functools import cache
from typing import Any, get_args

import pytest
import torch
from tiny_decoders import SPECS, stir, tiny_decoder
from torch import Tensor
from torch.testing import assert_close

from headscope import AttentionSpec, attach
from headscope.interp.asking.analyse import analyse, asked_of
from headscope.interp.asking.choices import Choices
from headscope.interp.deletion.contributions import contributions
from headscope.interp.deletion.of_head import NEEDS, PATTERN, head_contributions
from headscope.interp.deletion.rows import own_ov_terms
from headscope.interp.deletion.scales import scale_to_logits
from headscope.interp.geometry.rows import ROWS, embedding_of
from headscope.interp.interventions.effect import intervene
from headscope.interp.interventions.intervention import KINDS, VALUED, Intervention
from headscope.interp.reading.activations import gathered_activations
from headscope.interp.reading.model_facts import model_gauges
from headscope.interp.results.gauges import Gauge
from headscope.interp.results.result import Result
from headscope.interp.score.cell import score_parts
from headscope.interp.score.parts import Cell
from headscope.models.hooked import hooked

PROMPT, CORRUPT = "5 17 9 5 88 17 5 12", "5 17 9 6 88 17 5 12"
LAYER, HEADS, D_HEAD = 1, slice(2, 4), 8  # the two heads that share values where heads are grouped
OTHERS = {
    "softmax by entry": AttentionSpec("softmax", gate="element"),
    "polynomial learned cube": AttentionSpec("polynomial", power=3, learned=True),
}
POWERS = {"polynomial": 3, "polynomial learned": 2, "polynomial learned cube": 3}
Views = dict[str, list[Tensor]]


def views(model: Any, family: str) -> Views:
    """What projects into and out of the two heads, as [head, d_head, …] that write through."""
    if family == "gpt2":
        attention = model.transformer.h[LAYER].attn
        fused = [attention.c_attn.weight.T, attention.c_attn.bias]
        parts = [[one.unflatten(0, (3, 4, D_HEAD))[i, HEADS] for one in fused] for i in range(3)]
        out = attention.c_proj.weight
    elif family == "gpt_neox":
        attention = model.gpt_neox.layers[LAYER].attention
        fused = [attention.query_key_value.weight, attention.query_key_value.bias]
        parts = [[one.unflatten(0, (4, 3, D_HEAD))[HEADS, i] for one in fused] for i in range(3)]
        out = attention.dense.weight.T
    else:
        attention = model.model.layers[LAYER].self_attn
        parts = [[attention.q_proj.weight.unflatten(0, (4, D_HEAD))[HEADS]]]
        parts += [[one.weight.unflatten(0, (2, D_HEAD))[1:]] for one in (attention.k_proj, attention.v_proj)]
        out = attention.o_proj.weight.T
    coefficient = getattr(attention.variant, "coefficient", None)
    learned = [] if coefficient is None else [coefficient[HEADS]]
    whole = {"c": learned, "unembed": [model.get_output_embeddings().weight]}
    return {**dict(zip("qkv", parts, strict=True)), "o": [out.unflatten(0, (4, D_HEAD))[HEADS]], **whole}


def times(**factors: float) -> Callable[[Views, int], None]:
    """Parts of the heads by factors."""

    def change(of_heads: Views, power: int) -> None:
        for name, factor in factors.items():
            for part in of_heads[name]:
                part.mul_(factor)

    return change


def rescaled(of_heads: Views, power: int) -> None:
    """(W_Q, W_V) → (2 W_Q, 2^(−power) W_V)."""
    times(q=2, v=2.0**-power)(of_heads, power)


def rebased(of_heads: Views, power: int) -> None:
    """(W_V, W_O) → (W_V G, G⁻¹ W_O)."""
    torch.manual_seed(1)
    G = torch.eye(D_HEAD).double() + 0.2 * torch.randn(D_HEAD, D_HEAD).double()
    for part in of_heads["v"]:
        part.copy_(torch.einsum("he...,ef->hf...", part, G))
    [out] = of_heads["o"]
    out.copy_(G.inverse() @ out)


def translated(of_heads: Views, power: int) -> None:
    """b_K → b_K + δ, in entries that nothing turns."""
    of_heads["k"][1][:, 2:] += torch.linspace(-1, 2, D_HEAD - 2)


def biased(of_heads: Views, power: int) -> None:
    """W_U → W_U + u 1ᵀ, which adds the same to all logits."""
    of_heads["unembed"][0].add_(torch.linspace(-1, 2, 32))


def unevenly(of_heads: Views, power: int) -> None:
    """(W_Q, W_K) → (W_Q G, W_K G⁻ᵀ), G by its rotary pairs: entry i of a head turns with entry i + 4."""
    G = torch.tensor([3.0, 1.0, 1.0, 0.3]).repeat(2).double()
    for name, factor in (("q", G), ("k", 1 / G)):
        for part in of_heads[name]:
            part.mul_(factor.reshape(-1, *[1] * (part.ndim - 2)))


MIRRORED, TURNED, FLIPPED_C = times(q=-1, v=-1), times(q=-1), times(c=-1, v=-1)
CASES: list[tuple[str, str, Gauge, Callable[[Views, int], None]]] = [
    ("llama", "cog", "odd", MIRRORED),
    ("gpt2", "cog", "odd", MIRRORED),
    ("gemma2", "cog", "odd", MIRRORED),
    ("llama", "polynomial", "odd", MIRRORED),
    ("gemma2", "polynomial", "odd", MIRRORED),
    ("llama", "polynomial learned", "odd", FLIPPED_C),
    ("llama", "polynomial learned cube", "odd", FLIPPED_C),
    ("gemma2", "polynomial learned", "odd", FLIPPED_C),
    ("llama", "expressive", "even", TURNED),
    ("gpt2", "expressive", "even", TURNED),
    ("llama", "polynomial learned", "even", TURNED),
    ("llama", "polynomial", "scale", rescaled),
    ("llama", "polynomial learned", "scale", times(c=2, v=0.5)),
    ("gemma2", "polynomial learned", "scale", times(c=2, v=0.5)),
    ("llama", "cog", "logits", biased),
    ("llama", "cog", "query_key", unevenly),
    ("gpt2", "expressive", "query_key", unevenly),
    ("llama", "selective queries", "basis", rebased),
    ("gpt2", "softmax", "translation", translated),
    ("gpt_neox", "softmax", "translation", translated),
    ("gpt2", "selective", "translation", translated),
    *((family, name, "basis", rebased) for family in ("llama", "gpt2", "gemma2") for name in ("softmax", "cog")),
    ("llama", "expressive", "basis", rebased),
    ("llama", "polynomial", "basis", rebased),
]


def changed(family: str, name: str, change: Callable[[Views, int], None] | None) -> Any:
    """A hooked decoder whose two heads were changed."""
    model = attach(tiny_decoder(family).double(), {**SPECS, **OTHERS}[name])
    for layer in [module for key, module in model.named_modules() if key.endswith(".variant")]:
        stir(layer, 0.3)
    if change is not None:
        with torch.no_grad():
            change(views(model, family), POWERS.get(name, 1))
    return hooked(model)


@cache
def found(family: str, name: str, change: Callable[[Views, int], None] | None) -> dict[str, Result]:
    """Everything that is said of a model on a prompt, and of one of its changed heads."""
    model = changed(family, name, change)
    return {**analyse(model, PROMPT, "all", choices=Choices(CORRUPT)), **dict(of_head(model, LAYER, 2))}


def of_head(model: Any, layer: int, head: int) -> Iterator[tuple[str, Result]]:
    """What is said of one head alone, and what each intervention on it does."""
    asked = asked_of(model, [PROMPT], Choices(), prepend_bos=False)
    [run] = gathered_activations(model, asked.prompts, [*NEEDS, *ROWS[0].needs])
    terms = own_ov_terms(asked.setting, run)
    yield "contributions", contributions(run[PATTERN], terms, scale_to_logits(run), [(layer, head)])
    yield "head_contributions", head_contributions(asked.setting, run, layer, head)
    yield "embedding", embedding_of(asked.setting, run, layer, head)
    yield "score_parts", score_parts(model, asked.prompts[0], Cell(layer, head, query=7, key=3))
    for kind in KINDS:
        edit = Intervention(kind, layer, head, value=0.7 if kind in VALUED else None)
        yield kind, intervene(model, asked.prompts[0], [edit], target=7, distractor=11)


def moved(family: str, name: str, change: Callable[[Views, int], None]) -> set[str]:
    """The numbers that a change of gauge changes, as `analysis.field`."""
    before, after = found(family, name, None), found(family, name, change)
    assert list(before) == list(after)
    return {
        f"{analysis}.{field}"
        for analysis, result in before.items()
        for field, value in result.tensors().items()
        if differs(value, after[analysis].tensors()[field])
    }


def labelled(family: str, name: str, gauge: Gauge) -> set[str]:
    """The numbers that are said to depend on a gauge."""
    results = found(family, name, None).items()
    return {f"{analysis}.{field}" for analysis, one in results for field in one.about.by_gauge.get(gauge, ())}


def is_first(at: int) -> bool:
    """Whether no case before has the same gauge of the same variant in another family."""
    return CASES[at][1:3] not in [case[1:3] for case in CASES[:at]]


@pytest.mark.parametrize(
    ("family", "name", "gauge", "change"),
    [pytest.param(*case, marks=[] if is_first(at) else [pytest.mark.slow]) for at, case in enumerate(CASES)],
)
def test_every_number_that_a_gauge_changes_is_labelled(
    family: str, name: str, gauge: Gauge, change: Callable[[Views, int], None]
) -> None:
    assert moved(family, name, change) - labelled(family, name, gauge) == set()


@pytest.mark.parametrize(("family", "name", "gauge", "change"), CASES)
def test_a_change_of_gauge_is_known_and_leaves_the_predictions(
    family: str, name: str, gauge: Gauge, change: Callable[[Views, int], None]
) -> None:
    ids = torch.tensor([[5, 17, 9, 5, 88, 17, 5, 12]])
    one, other = (changed(family, name, how) for how in (None, change))
    assert gauge in model_gauges(one)
    before, after = (model(ids).detach().log_softmax(-1) for model in (one, other))
    assert_close(after, before, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize(
    ("family", "name", "gauge", "change"),
    [
        ("gemma2", "polynomial", "scale", rescaled),
        ("gemma2", "softmax", "logits", biased),
        ("gpt2", "cog", "translation", translated),
        ("llama", "selective", "basis", rebased),
        ("llama", "selective queries", "query_key", unevenly),
        ("llama", "softmax by entry", "basis", rebased),
        ("llama", "differential", "basis", rebased),
        ("llama", "cog", "even", TURNED),
    ],
)
def test_what_changes_predictions_is_no_gauge(
    family: str, name: str, gauge: Gauge, change: Callable[[Views, int], None]
) -> None:
    ids = torch.tensor([[5, 17, 9, 5, 88, 17, 5, 12]])
    one, other = (changed(family, name, how) for how in (None, change))
    assert gauge not in model_gauges(one)
    assert (other(ids).log_softmax(-1) - one(ids).log_softmax(-1)).abs().max() > 1e-3


@pytest.mark.parametrize("gauge", get_args(Gauge))
def test_no_number_is_labelled_that_a_gauge_never_changes(gauge: Gauge) -> None:
    cases = [case for case in CASES if case[2] == gauge]
    said = {one for family, name, _, _ in cases for one in labelled(family, name, gauge)}
    assert said - {one for family, name, _, change in cases for one in moved(family, name, change)} == set()


def differs(one: Tensor, other: Tensor) -> bool:
    """By more than rounding, on the scale of the largest number."""
    numbers = one.abs() if one.is_complex() else one.double().abs()
    size = float(torch.nan_to_num(numbers, posinf=0.0).max()) if one.numel() else 0.0
    return not torch.allclose(one, other, rtol=1e-4, atol=1e-5 * max(size, 1e-6), equal_nan=True)
