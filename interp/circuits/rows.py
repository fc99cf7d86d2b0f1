"""The analyses of the weights alone, as rows of the table of analyses."""

from interp.analysis import Analysis
from interp.circuits.composition import composition_scores
from interp.circuits.copying import copying_score
from interp.circuits.diagonal import diagonal_ranks
from interp.circuits.qk_spectrum import qk_spectrum

OV_OF_TOKENS = ("W_E", "W_V", "W_O", "W_U")
QK = ("W_Q", "W_K", "W_QK")
NO_VOCABULARY = "reads the embeddings of a vocabulary, which a model of images has not"

ROWS: tuple[Analysis, ...] = (
    Analysis(
        "copying",
        "whether a head raises the token that it reads, by the eigenvalues of its OV circuit",
        (),
        lambda setting, activations: copying_score(setting.weights),
        matrices=OV_OF_TOKENS,
        text_only=NO_VOCABULARY,
    ),
    Analysis(
        "diagonal_ranks",
        "where a token stands among all tokens that a head raises when it reads that token",
        (),
        lambda setting, activations: diagonal_ranks(setting.weights),
        matrices=OV_OF_TOKENS,
        text_only=NO_VOCABULARY,
    ),
    Analysis(
        "composition",
        "how much of what one head writes a later head reads as query, key or value",
        (),
        lambda setting, activations: composition_scores(setting.weights),
        matrices=(*QK, "W_V", "W_O"),
    ),
    Analysis(
        "qk_spectrum",
        "singular values, eigenvalues and symmetry of each head's W_QK",
        (),
        lambda setting, activations: qk_spectrum(setting.weights),
        matrices=QK,
    ),
)
