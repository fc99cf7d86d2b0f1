"""Top tokens: which tokens a head's circuit raises most and lowers most for one chosen token."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from jaxtyping import Float, Int
from torch import Tensor

from headscope.interp.results.about import About
from headscope.interp.results.result import Result

if TYPE_CHECKING:
    from transformer_lens import FactoredMatrix

FIELDS = tuple(f"{side}{field}" for side in ("highest", "lowest") for field in ("", "_ids", "_null", "_null_spread"))
SCALED = tuple(name for name in FIELDS if not name.endswith("_ids"))
NULL = "the same entry for all other tokens in the place of the chosen one: mean and standard deviation"
SOURCE = "Elhage et al. 2021, A Mathematical Framework for Transformer Circuits"
OV = About(
    title="Tokens promoted and suppressed",
    unit="logits · norm",
    law="row of W_E W_OV W_U, W_U less its mean over the vocabulary",
    source=SOURCE,
    null=NULL,
    by_gauge={"odd": FIELDS, "scale": SCALED},
    plain="What a head says when it reads one token with weight 1: the tokens whose logits it raises and lowers most.",
)
QK = About(
    title="Keys sought and avoided",
    unit="q·k · norms",
    law="row of W_E W_QK W_Eᵀ",
    source=SOURCE,
    null=NULL,
    by_gauge={"odd": FIELDS, "even": FIELDS, "scale": SCALED},
    plain="Which tokens a head looks for when it stands on one token, judged from the weights alone.",
)


@dataclass(frozen=True, repr=False)
class TopTokens(Result):
    """The k highest and the k lowest entries of a token's row, strongest first.

    The flip of an odd kernel swaps highest and lowest of an OV circuit; of a QK circuit, the flip of any kernel.
    """

    drawn_by = "circuits:top_tokens_figure"

    highest: Float[Tensor, "highest"]
    highest_ids: Int[Tensor, "highest"]
    highest_null: Float[Tensor, "highest"]
    highest_null_spread: Float[Tensor, "highest"]
    lowest: Float[Tensor, "lowest"]
    lowest_ids: Int[Tensor, "lowest"]
    lowest_null: Float[Tensor, "lowest"]
    lowest_null_spread: Float[Tensor, "lowest"]
    token: int
    token_string: str


def ov_top_tokens(circuit: "FactoredMatrix", token: int, k: int = 10, name: Callable[[int], str] = str) -> TopTokens:
    """The tokens whose logits one head's full OV circuit raises and lowers most when it attends to the token."""
    return _top_tokens(circuit, token, k, name, OV)


def qk_top_tokens(circuit: "FactoredMatrix", token: int, k: int = 10, name: Callable[[int], str] = str) -> TopTokens:
    """The keys that the token, as a query, scores highest and lowest in one head's full QK circuit."""
    return _top_tokens(circuit, token, k, name, QK)


def _top_tokens(circuit: "FactoredMatrix", token: int, k: int, name: Callable[[int], str], about: About) -> TopTokens:
    """The ends of one row. Raises ValueError for a token or a k that the circuit does not hold."""
    n_rows, n_columns = circuit.shape
    if not 0 <= token < n_rows:
        raise ValueError(f"token {token} has no row in this circuit: ids run from 0 to {n_rows - 1}")
    if not 0 < k <= n_columns:
        raise ValueError(f"the top {k} of {n_columns} tokens was asked for: give 1 to {n_columns}")
    row = circuit.A[token] @ circuit.B
    ends = {"highest": row.topk(k).indices, "lowest": row.topk(k, largest=False).indices}
    return TopTokens(
        *_against_others(circuit, row, token, ends["highest"]),
        *_against_others(circuit, row, token, ends["lowest"]),
        token=token,
        token_string=name(token),
        about=about,
        labels={side: tuple(name(i) for i in ids.tolist()) for side, ids in ends.items()},
    )


def _against_others(
    circuit: "FactoredMatrix", row: Float[Tensor, "vocab"], token: int, ids: Int[Tensor, "top"]
) -> tuple[Float[Tensor, "top"], Int[Tensor, "top"], Float[Tensor, "top"], Float[Tensor, "top"]]:
    """Entries, ids, and mean and standard deviation of these columns over the other rows."""
    columns = circuit.A @ circuit.B[:, ids]
    others = torch.cat([columns[:token], columns[token + 1 :]])
    return row[ids], ids, others.mean(0), others.std(0, correction=0)
