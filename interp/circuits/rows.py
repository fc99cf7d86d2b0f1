"""The analyses of the weights alone, as rows of the table of analyses."""

from headscope.interp.analysis import Analysis
from headscope.interp.circuits.composition import composition_scores
from headscope.interp.circuits.copying import copying_score
from headscope.interp.circuits.diagonal import DRAWS, OTHERS, TOKENS, diagonal_ranks
from headscope.interp.circuits.qk_spectrum import DRAWS as SPECTRUM_DRAWS
from headscope.interp.circuits.qk_spectrum import qk_spectrum
from headscope.interp.reading.size import EIGEN, LOOK, Size

OV_OF_TOKENS = ("W_E", "W_V", "W_O", "W_U")
QK = ("W_Q", "W_K", "W_QK")
NO_VOCABULARY = "reads the embeddings of a vocabulary, which a model of images has not"


def eigenvalues_of_heads(size: Size) -> int:
    """Products of two small factors of every head, and the eigenvalues of what comes out."""
    return size.heads * size.d_head**2 * (size.facts.d_model + EIGEN * size.d_head)


def ranking(size: Size) -> int:
    """Of every head, the null's among them: both factors of all tokens of a sample, and rows and columns looked at.

    A row of the whole vocabulary for the few tokens that may stand at an end, taken as two a head.
    """
    vocabulary, heads = size.facts.vocabulary, size.heads + DRAWS
    tokens, others = min(TOKENS, vocabulary), min(OTHERS, vocabulary)
    factors = 2 * (tokens + others) * size.facts.d_model * size.d_head
    lines = 2 * tokens * others * (size.d_head + LOOK)
    return heads * (factors + lines + 2 * vocabulary * (size.facts.d_model + LOOK))


def comparing_pairs(size: Size) -> int:
    """A product of d_model × d_model for every pair in the order of layers and read; a Gram matrix of each head."""
    per_head = size.facts.d_model**2
    return per_head * size.heads * (3 * size.heads // 2 + 4 * (size.d_head + LOOK))


def spectra(size: Size) -> int:
    """Triangles, singular values and eigenvalues of every head, and of the null's."""
    return (size.heads + SPECTRUM_DRAWS) * size.d_head**2 * (7 * size.facts.d_model + 2 * EIGEN * size.d_head)


ROWS: tuple[Analysis, ...] = (
    Analysis(
        "copying",
        "whether a head raises the token that it reads, by the eigenvalues of its OV circuit",
        (),
        lambda setting, activations: copying_score(setting.weights),
        matrices=OV_OF_TOKENS,
        text_only=NO_VOCABULARY,
        own_logits=True,
        cost=lambda size: size.vocabulary_squared + eigenvalues_of_heads(size),
        reads=("embedding",),
        per_head=True,
        telling={"magnitude": 6},
        followed={"magnitude": 3},
    ),
    Analysis(
        "diagonal_ranks",
        "where a token stands among all tokens that a head raises when it reads that token",
        (),
        lambda setting, activations: diagonal_ranks(setting.weights, watch=setting.watch),
        matrices=OV_OF_TOKENS,
        text_only=NO_VOCABULARY,
        own_logits=True,
        cost=ranking,
        reads=("embedding",),
        per_head=True,
    ),
    Analysis(
        "composition",
        "how much of what one head writes a later head reads as query, key or value",
        (),
        lambda setting, activations: composition_scores(setting.weights),
        matrices=(*QK, "W_V", "W_O"),
        cost=comparing_pairs,
        reads=("distance",),
    ),
    Analysis(
        "qk_spectrum",
        "singular values, eigenvalues and symmetry of each head's W_QK",
        (),
        lambda setting, activations: qk_spectrum(setting.weights),
        matrices=QK,
        cost=spectra,
        reads=("distance",),
        per_head=True,
    ),
)
