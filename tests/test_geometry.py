"""Geometry of queries and keys: angles against chance, joint embeddings and their freedoms, temperatures."""

import math
from typing import Any

import pytest
import torch
from tiny_decoders import tiny_decoder
from tiny_models import hooked_tiny
from torch import Tensor
from torch.testing import assert_close

from headscope import AttentionSpec, attach
from headscope.interp.analysis import Setting
from headscope.interp.figures.geometry import angle_histogram_figure
from headscope.interp.geometry import placing
from headscope.interp.geometry.angles import Angles, angles
from headscope.interp.geometry.cosines import BINS
from headscope.interp.geometry.embedding import Embedding, JointEmbedding, joint_embedding
from headscope.interp.geometry.placing import squared_features
from headscope.interp.geometry.rows import QUERY_KEY, ROWS, angles_of, embedding_of, temperatures_of
from headscope.interp.geometry.sphere import random_cosine_cdf
from headscope.interp.geometry.temperatures import temperatures
from headscope.interp.reading.activations import TEMPERATURES, gathered_activations
from headscope.interp.reading.model_facts import model_facts
from headscope.interp.reading.prompt_tokens import PromptTokens
from headscope.interp.weights.head_weights import head_weights
from headscope.models.attention import VARIANTS, attend
from headscope.models.hooked import hooked

N, D = 24, 6
WORDS = tuple("abcdefghijklmnopqrstuvwx")
OPTIONS: dict[str, dict[str, Any]] = {"polynomial": {"power": 3, "n_ctx": N}}
FLIPPED = [name for name, row in VARIANTS.items() if row.parity({})]


def vectors(*shape: int) -> Tensor:
    return torch.randn(*shape, N, D, dtype=torch.float64)


def causal() -> Tensor:
    return torch.ones(N, N, dtype=torch.bool).tril()


def angles_under(variant: str, q: Tensor, k: Tensor, **changes: Any) -> Angles:
    pattern = attend(variant, q, k, k, **OPTIONS.get(variant, {})).pattern
    assert pattern is not None
    return angles(q, k, pattern, causal().expand(len(q), -1, -1), **changes)


@pytest.mark.parametrize("d", [2, 3, 4, 5, 32, 64])
def test_random_directions_are_symmetric_and_spread_by_one_over_root_d(d: int) -> None:
    edges = torch.linspace(-1, 1, 20_001, dtype=torch.float64)
    cdf = random_cosine_cdf(edges, d)
    middles, mass = (edges[1:] + edges[:-1]) / 2, cdf.diff()
    assert_close(cdf + cdf.flip(0), torch.ones_like(cdf))
    assert_close((middles.square() * mass).sum().sqrt().item(), d**-0.5, rtol=1e-5, atol=0)


def test_random_directions_in_three_dimensions_have_uniform_cosines() -> None:
    cosine = torch.linspace(-1, 1, 11, dtype=torch.float64)
    assert_close(random_cosine_cdf(cosine, 3), (cosine + 1) / 2)
    with pytest.raises(ValueError, match="at least 2 dimensions, got 1"):
        random_cosine_cdf(cosine, 1)


def test_known_angles_fall_on_their_sides() -> None:
    q = torch.tensor([[1.0, 0], [1, 0], [1, 0]])[None, None]
    k = torch.tensor([[3.0, 0], [0, 2], [-1, 0]])[None, None]
    pattern = torch.tensor([[1.0, 0, 0], [0.5, -0.5, 0], [0.1, 0.2, -0.7]])[None, None]
    found = angles(q, k, pattern, torch.ones(1, 3, 3, dtype=torch.bool).tril())
    sides = [getattr(found, name).item() for name in ("parallel", "orthogonal", "antiparallel")]
    assert_close(torch.tensor(sides), torch.tensor([0.6, 0.7, 0.7]) / 2)
    assert_close(found.parallel_pairs.item(), 0.4)
    assert_close(found.both_sides.item(), 0.3)
    assert_close(found.mass[0, 0, [0, BINS // 2, BINS - 1]], torch.tensor([0.7, 0.7, 0.6]) / 2)


def test_random_vectors_have_the_histogram_of_chance() -> None:
    found = angles_under("softmax", 0 * vectors(1, 40) + torch.randn(1, 40, N, D), vectors(1, 40))
    assert (found.pairs.mean(1) - found.pairs_null[:, 0]).abs().max() < 0.005
    assert_close(found.root_mean_square_pairs.mean(), found.root_mean_square_null.mean(), atol=0.01, rtol=0)
    assert abs(found.parallel_pairs.mean() - found.parallel_null.mean()) < 0.01


def test_shares_and_histograms_sum_to_one() -> None:
    found = angles_under("cog", vectors(2, 3), vectors(2, 3))
    ones = torch.ones(2, 3, dtype=torch.float64)
    for total in (
        found.parallel + found.orthogonal + found.antiparallel,
        found.parallel_pairs + found.orthogonal_pairs + found.antiparallel_pairs,
        found.parallel_null + found.orthogonal_null + found.antiparallel_null,
        found.pairs.sum(-1),
        found.mass.sum(-1),
        found.pairs_null.sum(-1),
    ):
        assert_close(total, ones)


def test_keys_of_a_group_meet_all_of_its_queries() -> None:
    q, k = vectors(1, 4), vectors(1, 2)
    whole, grouped = (angles_under("softmax", q, keys) for keys in (k.repeat_interleave(2, 1), k))
    assert_close(grouped.mass, whole.mass)


@pytest.mark.parametrize("variant", FLIPPED)
def test_a_flip_of_signs_changes_only_the_angles_that_are_listed(variant: str) -> None:
    q, k = vectors(2, 2), vectors(2, 2)
    one, flipped = angles_under(variant, q, k), angles_under(variant, -q, k)
    changed = {n for n, value in one.tensors().items() if not torch.allclose(value, flipped.tensors()[n])}
    assert {"mass", "parallel", "pairs"} <= changed <= set(one.about.gauge_dependent)
    assert_close(flipped.parallel, one.antiparallel)
    assert_close(flipped.mass, one.mass.flip(-1))


def test_rescaling_changes_no_angle() -> None:
    q, k = vectors(1, 2), vectors(1, 2)
    one, scaled = angles_under("softmax", q, k), angles_under("softmax", 5 * q, k / 5)
    assert_close(scaled.mass, one.mass)


def test_a_vector_of_zeros_has_no_angle() -> None:
    q, k = vectors(1, 1), vectors(1, 1)
    k[0, 0, 3] = 0
    found = angles_under("softmax", q, k)
    assert found.pairs.isfinite().all() and abs(found.pairs.sum().item() - 1) < 1e-9


@pytest.mark.parametrize("delta", [0.0, 1.0, -0.2])
def test_a_delta_that_is_no_cosine_is_refused(delta: float) -> None:
    with pytest.raises(ValueError, match=f"delta is a cosine above 0 and below 1, got {delta}"):
        angles_under("softmax", vectors(1, 1), vectors(1, 1), delta=delta)


def embedded(variant: str, q: Tensor, k: Tensor, **how: Any) -> JointEmbedding:
    return joint_embedding(variant, q, k, WORDS, Embedding(**how), OPTIONS.get(variant, {}))


def test_three_dimensional_heads_keep_their_scores_in_three_dimensions() -> None:
    q, k = vectors()[:, :3], vectors()[:, :3]
    found = embedded("softmax", q, k, dims=3)
    assert found.explained is not None
    assert_close(found.queries @ found.keys.T, q @ k.T)
    assert_close(found.explained.sum().item(), 1.0)
    assert_close(found.query_norms.square().mean(), found.key_norms.square().mean())
    assert_close(found.queries.norm(dim=-1), found.query_norms)


def test_the_scaling_freedom_and_rotations_change_no_place() -> None:
    q, k = vectors(), vectors()
    rotation = torch.linalg.qr(torch.randn(D, D, dtype=torch.float64)).Q
    one, moved = embedded("softmax", q, k), embedded("softmax", 7 * q @ rotation, k @ rotation / 7)
    assert_close(moved.queries, one.queries)
    assert_close(moved.keys, one.keys)


def test_projective_features_have_squared_scores() -> None:
    x = vectors()
    inner = (x @ x.T).square()
    centred = inner - inner.mean(0) - inner.mean(1, keepdim=True) + inner.mean()
    assert_close(squared_features(x) @ squared_features(x).T, centred)


@pytest.mark.parametrize("method", ["pca", "tsne"])
def test_an_even_kernel_sees_no_sign_of_any_query_or_key(method: str) -> None:
    q, k = vectors(), vectors()
    signs = torch.randint(2, (2, N, 1)) * 2.0 - 1
    one, flipped = (embedded("expressive", *pair, method=method) for pair in ((q, k), (-q * signs[0], k * signs[1])))
    assert one.projective and set(one.about.by_gauge) == {"query_key"}
    assert_close(flipped.queries, one.queries)
    assert_close(flipped.keys, one.keys)


@pytest.mark.parametrize("variant", ["cog", "polynomial"])
def test_an_odd_kernels_flip_turns_the_queries_about_the_origin(variant: str) -> None:
    q, k = vectors(), vectors()
    one, flipped = embedded(variant, q, k), embedded(variant, -q, k)
    assert_close(flipped.queries, -one.queries)
    assert_close(flipped.keys, one.keys)
    assert one.about.by_gauge["odd"] == ("queries",)


def test_an_even_power_is_projective_and_a_power_is_needed() -> None:
    assert joint_embedding("polynomial", vectors(), vectors(), WORDS, options={"power": 2}).projective
    with pytest.raises(ValueError, match="polynomial attention is even or odd as its options are: give them"):
        joint_embedding("polynomial", vectors(), vectors(), WORDS)


@pytest.mark.parametrize("variant", VARIANTS)
def test_keys_are_centred_only_where_no_weight_notices(variant: str) -> None:
    q, k, shift = vectors(), vectors(), torch.randn(D, dtype=torch.float64)
    if not VARIANTS[variant].invariant_to_key_translation:
        with pytest.raises(ValueError, match=f"{variant} attention changes .* possible for: softmax, selective"):
            embedded(variant, q, k, centre_keys=True)
        return
    one, moved = (embedded(variant, q, keys, centre_keys=True) for keys in (k, k + shift))
    assert_close(moved.keys, one.keys)
    assert not torch.allclose(embedded(variant, q, k + shift).keys, one.keys)


def test_an_embedding_that_cannot_be_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(module: str) -> None:
        raise ImportError(module)

    with pytest.raises(ValueError, match="unknown embedding 'mds'; known: pca, tsne, umap"):
        embedded("softmax", vectors(), vectors(), method="mds")
    with pytest.raises(ValueError, match="got 4 for 48 points of d_head 6"):
        embedded("softmax", vectors(), vectors(), dims=4)
    monkeypatch.setattr(placing, "import_module", missing)
    with pytest.raises(ValueError, match="needs umap-learn, which is not installed; 'pca' needs nothing"):
        embedded("softmax", vectors(), vectors(), method="umap")


def test_a_token_part_is_what_the_position_leaves() -> None:
    place = torch.arange(1, 9, dtype=torch.float64).log()
    own = torch.tensor([0, 0, 0, 0.5, 0, 0, 0, 0], dtype=torch.float64)
    found = temperatures(torch.stack([1 + 0.7 * place, 1 + 0.7 * place + own]), None, WORDS[:8])
    assert_close(found.query_beside_position[0], torch.zeros(8, dtype=torch.float64))
    assert found.query_beside_position[1].argmax() == 3
    assert_close(found.value, torch.ones_like(found.query))


def test_one_token_has_nothing_beside_its_position() -> None:
    assert temperatures(torch.tensor([[1.3]]), None, ("a",)).query_beside_position.item() == 0


def test_a_model_without_temperatures_is_refused() -> None:
    with pytest.raises(ValueError, match="has no temperatures: its attention learns none"):
        temperatures(None, None, WORDS)


def prompt() -> PromptTokens:
    return PromptTokens((5, 9, 2, 7, 9, 1, 4), ("<s>", " the", "b", "c", "d", "e", "\n"))


@pytest.mark.parametrize("variant", VARIANTS)
def test_the_angles_and_embedding_of_a_model_are_those_of_its_hooks(variant: str) -> None:
    model = hooked_tiny(variant)
    [run] = gathered_activations(model, [prompt()], ROWS[0].needs)
    setting = Setting(model_facts(model), lambda: head_weights(model))
    found = angles_of(setting, run)
    assert found.mass.shape == (3, 2, BINS) and found.mass.isfinite().all()
    q = run[QUERY_KEY[0]][1, :, 1]
    point = embedding_of(setting, run, 1, 1)
    assert_close(point.query_norms, q.norm(dim=-1) * point.scale)
    assert point.projective == (variant == "expressive")


def test_the_temperatures_of_a_model_are_its_hooks() -> None:
    model = hooked_tiny("selective")
    [run] = gathered_activations(model, [prompt()], TEMPERATURES)
    found = temperatures_of(Setting(model_facts(model), lambda: head_weights(model)), run)
    assert_close(found.query, run[TEMPERATURES[0]][:, 0])
    assert ROWS[1].applies(model_facts(model)) and not ROWS[1].applies(model_facts(hooked_tiny("cog")))


def test_a_histogram_figure_stands_beside_chance() -> None:
    found = angles_under("expressive", vectors(1, 2), vectors(1, 2))
    figure: Any = angle_histogram_figure(found, 0, 1)
    pairs, mass, chance = figure.data
    assert_close(torch.tensor(mass.y), found.mass[0, 1].float(), check_dtype=False)
    assert_close(torch.tensor(chance.y), found.pairs_null[0, 1].float(), check_dtype=False)
    assert len(pairs.x) == BINS and "gauge-dependent" in figure.layout.title.text


def test_the_angles_figure_is_a_bar_per_head() -> None:
    found = angles_under("softmax", vectors(2, 3), vectors(2, 3))
    figure: Any = found.figure()
    names = [trace.name for trace in figure.data]
    assert names[:3] == ["antiparallel", "orthogonal", "parallel"] and len(figure.data[0].y) == 6
    assert [bool(trace.marker.pattern.shape) for trace in figure.data[:3]] == [True, False, False]
    assert math.isclose(sum(float(trace.y[0]) for trace in figure.data[:3]), 1, rel_tol=1e-6)


def test_the_angles_of_many_heads_are_grids() -> None:
    found = angles_under("softmax", vectors(5, 10), vectors(5, 10))
    figure: Any = found.figure()
    assert [trace.type for trace in figure.data] == ["heatmap"] * 3
    assert_close(torch.tensor(figure.data[2].z), found.parallel.float(), check_dtype=False)
    assert len(figure.layout.updatemenus[0].buttons) == 3


@pytest.mark.parametrize("dims", [2, 3])
def test_an_embedding_figure_names_token_kind_place_and_norm(dims: int) -> None:
    found = embedded("softmax", vectors(), vectors(), dims=dims)
    figure: Any = found.figure()
    queries, keys = figure.data
    assert {queries.type, keys.type} == {"scatter" if dims == 2 else "scatter3d"}
    assert (queries.marker.symbol, keys.marker.symbol) == ("circle", "diamond")
    assert (queries.name, list(keys.customdata[3][:2])) == ("queries", ["d", 3])
    assert math.isclose(float(keys.customdata[3][2]), found.key_norms[3].item(), rel_tol=1e-5)


def test_a_temperature_figure_is_white_at_one_and_escapes_tokens() -> None:
    tau = torch.tensor([[1.0, 1.5], [0.5, 1.0]])
    figure: Any = temperatures(tau, None, ("<b>", "x")).figure()
    assert figure.data[0].z.tolist() == [[0.0, 0.5], [-0.5, 0.0]]
    assert figure.data[0].zmin == -0.5 and figure.layout.xaxis.ticktext == ("0 &lt;b&gt;", "1 x")
    assert figure.layout.xaxis.labelalias == {"0": "&lt;b&gt; at 0", "1": "x at 1"}


def test_every_layer_of_a_mix_is_embedded_by_its_own_options() -> None:
    odd, even = (AttentionSpec("polynomial", layers=[at], power=3 - at) for at in (0, 1))
    model: Any = hooked(attach(tiny_decoder("llama"), [odd, even]))
    ids = tuple(range(5, 17))
    setting = Setting(model_facts(model), lambda: head_weights(model))
    [run] = gathered_activations(model, [PromptTokens(ids, tuple(map(str, ids)))], [*QUERY_KEY])
    assert [embedding_of(setting, run, layer, 0).projective for layer in (0, 1, 2)] == [False, True, False]
