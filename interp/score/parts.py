"""Score parts: why a head looks where it does; its score as a sum over pairs of what queries and keys are made of."""

import re
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from headscope.interp.results.about import About
from headscope.interp.results.head_score import head_name
from headscope.interp.results.nulls import is_near_null
from headscope.interp.results.result import Result
from headscope.models.hosts.words import Sentence

CELL = re.compile(r"L(\d+)H(\d+):(\d+):(\d+)", re.IGNORECASE)
FIELDS = ("part", "part_null")
SCORE_PARTS = About(
    title="Score by parts",
    unit="score",
    law="score = Σ_a Σ_b (q of part a)·(k of part b), all norms frozen; before a soft cap and a bias of positions",
    source="Elhage et al. 2021, section QK circuits; Kamath et al. 2025, Tracing Attention Computation",
    null=Sentence("the same parts of any key that the row sees (mean and standard deviation)"),
    by_gauge={
        "odd": FIELDS,
        "even": FIELDS,
        "scale": (*FIELDS, "part_null_spread"),
        "translation": FIELDS,
    },
    plain=Sentence(
        "Why a head looks from one {token} at another: its score there, split into what each earlier head, MLP and the "
        "embedding brought to the query times what each brought to the key. A pair far above its null is what points "
        "there and nowhere else; what adds the same for every key moves no weight under softmax."
    ),
)


@dataclass(frozen=True)
class Cell:
    """A place of a head's pattern."""

    layer: int
    head: int
    query: int
    key: int

    def __str__(self) -> str:
        return f"{head_name(self.layer, self.head)}:{self.query}:{self.key}"


def cell_of(text: str) -> Cell:
    """A cell that is written as L4H0:17:16, the position of the query before that of the key."""
    match = CELL.fullmatch(text)
    if match is None:
        raise ValueError(f"a cell is written as L4H0:17:16, head, query and key, got {text!r}")
    return Cell(*map(int, match.groups()))


@dataclass(frozen=True, repr=False)
class ScoreParts(Result):
    """The score of one cell of a head by query part and key part; labels name the parts.

    score: their sum, which the kernel weighs (under soft_cap, where that is not None). weight: the cell's own.
    cell: as L4H0:17:16, head, query and key.
    """

    drawn_by = "score_parts:score_parts_figure"

    part: Float[Tensor, "query_part key_part"]
    part_null: Float[Tensor, "query_part key_part"]
    part_null_spread: Float[Tensor, "query_part key_part"]
    score: float
    weight: float
    soft_cap: float | None
    cell: str

    @property
    def place(self) -> Cell:
        """The cell."""
        return cell_of(self.cell)


def leading_pairs(result: ScoreParts, most: int) -> list[tuple[str, str, float]]:
    """The pairs of parts, query's and key's, that lie furthest from what they are for other keys, and their score.

    Of those that are not near their nulls, the largest differences first.
    """
    near = is_near_null(result.part, result.part_null, result.part_null_spread)
    far = (result.part - result.part_null).abs().masked_fill(near, 0.0)
    places = far.flatten().topk(min(most, int((far > 0).sum()))).indices.tolist()
    pairs = [divmod(place, far.shape[1]) for place in places]
    of_query, of_key = result.labels["query_part"], result.labels["key_part"]
    return [(of_query[a], of_key[b], float(result.part[a, b])) for a, b in pairs]


def products_of_parts(
    query: Float[Tensor, "query_part d_head"], keys: Float[Tensor, "key_part key d_head"], key: int
) -> Float[Tensor, "3 query_part key_part"]:
    """Every pair of parts at one key, and the mean and standard deviation of it over all keys."""
    products = torch.einsum("ad,bkd->kab", query, keys)
    return torch.stack([products[key], products.mean(0), products.std(0, correction=0)])
