"""The analyses of query–key geometry: what the table of analyses holds of this folder, and one head's embedding."""

from dataclasses import replace

from jaxtyping import Float
from torch import Tensor

from headscope.interp.analysis import Analysis, ByLayer, Setting
from headscope.interp.geometry.angles import Angles, angles
from headscope.interp.geometry.embedding import Embedding, JointEmbedding, joint_embedding
from headscope.interp.geometry.temperatures import Temperatures, temperatures
from headscope.interp.reading.activations import SCORES, TEMPERATURES, Activations

PATTERN = "attn.hook_pattern"
QUERY_KEY = ("attn.hook_rot_q", "attn.hook_rot_k")


def angles_of(setting: Setting, activations: Activations) -> Angles:
    """The angles of one prompt."""
    if activations.visible is None:
        raise ValueError(f"angles need {SCORES} gathered, which says what each query sees")
    q, k = (vectors_by_head(activations, name) for name in QUERY_KEY)
    return angles(q, k, activations[PATTERN], activations.visible)


def embedding_of(
    setting: Setting,
    activations: Activations,
    layer: int,
    head: int,
    how: Embedding = Embedding(),  # noqa: B008
) -> JointEmbedding:
    """The joint embedding of one head on one prompt, with the queries and keys that `angles` needs."""
    variant, options = setting.facts.layer_variants[layer], setting.facts.layer_options[layer]
    at, head = setting.weights.of_head(layer, head)
    q, k = (vectors_by_head(activations, name)[at] for name in QUERY_KEY)
    mine = k[head * len(k) // len(q)]
    result = joint_embedding(variant, q[head], mine, activations.tokens.strings, how, options)
    return replace(result, about=result.about.of_gauges(setting.facts.gauges))


def temperatures_of(setting: Setting, activations: Activations) -> Temperatures:
    """The temperatures of one prompt; a side that was not gathered has none."""
    query, value = (activations.hooks.get(name) for name in TEMPERATURES)
    query, value = (None if tau is None else tau.squeeze(1) for tau in (query, value))
    return temperatures(query, value, activations.tokens.strings)


def vectors_by_head(activations: Activations, name: str) -> Float[Tensor, "layer head pos d_head"]:
    """Queries or keys by head, as they meet: after rotation where the model rotates them."""
    unrotated = name.replace("rot_", "")
    return activations[name if name in activations.hooks else unrotated].transpose(1, 2)


ROWS = (
    Analysis(
        "angles",
        "how much attention goes to keys parallel, orthogonal and antiparallel to the query",
        (*QUERY_KEY, PATTERN, SCORES),
        ByLayer(angles_of),
        per_head=True,
        row_laws="any: shares of Σ|a|",
    ),
    Analysis(
        "temperatures",
        "the learned temperatures of every {token}'s query and value",
        TEMPERATURES,
        temperatures_of,
        over_tokens=True,
        applies=lambda facts: facts.learns_temperatures,
    ),
)
