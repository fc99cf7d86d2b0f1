"""The analyses of the weights alone, as rows of the table of analyses."""

from interp.analysis import Analysis
from interp.circuits.composition import composition_scores
from interp.circuits.copying import copying_score
from interp.circuits.diagonal import diagonal_ranks
from interp.circuits.qk_spectrum import qk_spectrum

NO_VOCABULARY = "reads the embeddings of a vocabulary, which a model of images has not"

ROWS: tuple[Analysis, ...] = (
    Analysis(
        "copying",
        "whether a head raises the token that it reads, by the eigenvalues of its OV circuit",
        (),
        lambda setting, activations: copying_score(setting.weights),
        text_only=NO_VOCABULARY,
    ),
    Analysis(
        "diagonal_ranks",
        "where a token stands among all tokens that a head raises when it reads that token",
        (),
        lambda setting, activations: diagonal_ranks(setting.weights),
        text_only=NO_VOCABULARY,
    ),
    Analysis(
        "composition",
        "how much of what one head writes a later head reads as query, key or value",
        (),
        lambda setting, activations: composition_scores(setting.weights),
    ),
    Analysis(
        "qk_spectrum",
        "singular values, eigenvalues and symmetry of each head's W_QK",
        (),
        lambda setting, activations: qk_spectrum(setting.weights),
    ),
)
