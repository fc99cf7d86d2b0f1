"""Score cell: the score of one place of a head's pattern, by the parts of its query and its key."""

from collections.abc import Mapping

from headscope.interp.heads.layer_attention import RecomputedAttention
from headscope.interp.reading.hooked_model import HookedModel, head_layers
from headscope.interp.reading.prompt import Prompt
from headscope.interp.results.all_layers import refuse_absent_head
from headscope.interp.results.head_score import head_name
from headscope.interp.score.parts import SCORE_PARTS, Cell, ScoreParts, products_of_parts
from headscope.interp.score.read_parts import projected_parts, projections, read_parts, rotations, run_with_calls
from headscope.interp.weights.head_weights import head_weights

SHORT = 4  # tokens of a prompt of which every cell of the last row counts


def score_parts(model: HookedModel, prompt: Prompt, cell: Cell | None = None) -> ScoreParts:
    """The score of a cell by the parts of its query and its key; by default of the largest weight of the last row.

    One forward pass, and a product of all parts with all keys that the row sees. Hooks are state: the caller lets one
    run in at a time. Raises ValueError for a cell that is not there or that the row does not see, and where queries and
    keys are no linear function of the residual stream with its norms frozen.
    """
    weights, (run, layers) = head_weights(model), run_with_calls(model, prompt)
    weights.refuse_misread("W_Q", "W_K", "W_O")
    cell = cell or strongest_cell(layers, len(prompt), weights.shape[1])
    refuse_absent_cell(cell, head_layers(model), weights.shape[1], len(prompt))
    attention, row = layers[cell.layer], slice(cell.query, cell.query + 1)
    seen = attention.visible(row)[0].nonzero().flatten()
    if cell.key not in seen:
        raise ValueError(f"{head_name(cell.layer, cell.head)} does not see position {cell.key} from {cell.query}")
    names, vectors = read_parts(run, weights, cell.layer)
    turn = rotations(model, run, cell.layer)
    by_query, by_key = projections(model, weights, weights.of_head(cell.layer, cell.head))
    q, k = attention.factors(cell.head)
    query = projected_parts(names, vectors[:, [cell.query]], by_query, turn[[cell.query]], q[[cell.query]])
    keys = projected_parts(names, vectors[:, seen], by_key, turn[seen], k[seen])
    values = products_of_parts(query.vectors[:, 0], keys.vectors, seen.tolist().index(cell.key))
    return ScoreParts(
        *values,
        score=float(values[0].sum()),
        weight=float(attention.weights(slice(cell.head, cell.head + 1), row)[0, 0, cell.key]),
        soft_cap=attention.soft_cap,
        cell=str(cell),
        about=SCORE_PARTS,
        labels={"query_part": query.names, "key_part": keys.names, "cell": tokens_of_cell(prompt, cell)},
    )


def strongest_cell(layers: Mapping[int, RecomputedAttention], length: int, heads: int) -> Cell:
    """The largest weight of the last row, by magnitude, on a token between the first and itself, or on any of few."""
    row, keys = slice(length - 1, length), slice(1, length - 1) if length > SHORT else slice(0, length)
    best = {layer: of.weights(slice(0, heads), row)[:, 0, keys].abs() for layer, of in layers.items()}
    layer = max(best, key=lambda at: float(best[at].max()))
    head, key = divmod(int(best[layer].argmax()), best[layer].shape[1])
    return Cell(layer, head, length - 1, key + keys.start)


def tokens_of_cell(prompt: Prompt, cell: Cell) -> tuple[str, str]:
    """Query and key with their positions."""
    query, key = (f"{prompt.strings[at]!r} ({at})" for at in (cell.query, cell.key))
    return query, key


def refuse_absent_cell(cell: Cell, layers: tuple[int, ...], heads: int, length: int) -> None:
    """Raise ValueError for a head or a position that is not there."""
    refuse_absent_head(layers, heads, cell.layer, cell.head)
    for position in (cell.query, cell.key):
        if not 0 <= position < length:
            raise ValueError(f"position {position} was asked for; the prompt has positions 0 to {length - 1}")
