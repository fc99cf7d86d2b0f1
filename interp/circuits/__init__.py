"""Circuits: what the matrices of a model's heads say without a prompt."""

from headscope.interp.circuits.composition import Composition, composition_scores
from headscope.interp.circuits.copying import Copying, copying_score
from headscope.interp.circuits.diagonal import DiagonalRanks, diagonal_ranks
from headscope.interp.circuits.distance import relative_rotation, score_weights
from headscope.interp.circuits.embeddings import effective_embedding, unit_rms
from headscope.interp.circuits.full_circuits import full_ov, full_qk
from headscope.interp.circuits.qk_spectrum import QKSpectrum, qk_spectrum
from headscope.interp.circuits.top_tokens import TopTokens, ov_top_tokens, qk_top_tokens

__all__ = [
    "Composition",
    "Copying",
    "DiagonalRanks",
    "QKSpectrum",
    "TopTokens",
    "composition_scores",
    "copying_score",
    "diagonal_ranks",
    "effective_embedding",
    "full_ov",
    "full_qk",
    "ov_top_tokens",
    "qk_spectrum",
    "qk_top_tokens",
    "relative_rotation",
    "score_weights",
    "unit_rms",
]
