"""Head matrices: what every head reads and writes, norms folded in and grouped heads repeated, as circuits need it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from headscope.interp.results.all_layers import refuse_absent_head

COLUMNS = 4096  # of W_U that are centred at once
BY_LAYER = ("W_Q", "W_K", "W_V", "W_O", "b_Q", "b_K", "b_V", "q_norm", "k_norm")


@dataclass(frozen=True)
class HeadWeights:
    """Of the layers that have heads, whose numbers are in head_layers; () where all of them do.

    Row-vector convention, float32 at least, on the CPU; queries are x W_Q + b_Q of the residual x over its norm. To be
    read only: some may be the model's own memory.

    W_Q, W_K, W_V read the normalised residual (its norm's gain, bias and centring folded in), before rotation.
    W_O writes to the residual; where a norm follows attention (Gemma) its gain is folded in, its scale is not.
    W_E: embedding with the model's factor, without a row where images are read; W_pos learned positions or None.
    W_U, b_U: the final norm, and the model's factor of its logits, folded in.
    q_norm, k_norm: gains of norms on queries and keys (Qwen3, Gemma 3), not folded in, or None.
    d_value is d_head but where values have a size of their own (DeepSeek). NaN: no module of its own makes it.
    misread: what this model does not do as these matrices say, by the names of weight_laws.LAWS, each with
    the law that failed in a trial run; nearly always empty. whole: those of all layers, where these are of some.
    """

    W_Q: Float[Tensor, "layer head d_model d_head"]
    W_K: Float[Tensor, "layer head d_model d_head"]
    W_V: Float[Tensor, "layer head d_model d_value"]
    W_O: Float[Tensor, "layer head d_value d_model"]
    b_Q: Float[Tensor, "layer head d_head"]
    b_K: Float[Tensor, "layer head d_head"]
    b_V: Float[Tensor, "layer head d_value"]
    W_E: Float[Tensor, "vocab_or_none d_model"]
    W_U: Float[Tensor, "d_model vocab"]
    b_U: Float[Tensor, "vocab"]
    W_pos: Float[Tensor, "position d_model"] | None = None
    q_norm: Float[Tensor, "layer d_head"] | None = None
    k_norm: Float[Tensor, "layer d_head"] | None = None
    misread: Mapping[str, str] = field(default_factory=dict)
    head_layers: tuple[int, ...] = ()
    whole: "HeadWeights | None" = None

    @property
    def W_U_centred(self) -> Float[Tensor, "d_model vocab"]:  # noqa: N802
        """W_U less its mean over the vocabulary: logits against their mean, which is all that probabilities know of.

        A vector added to every column of W_U adds the same to all logits, and leaves the model's function alone but
        under a soft cap on the logits (Gemma 2). Made anew, as large as W_U: centred_unembeddings has some columns.
        """
        return self.W_U - self.W_U_mean

    def centred_unembeddings(self, tokens: Sequence[int]) -> Float[Tensor, "d_model token"]:
        """W_U_centred of these tokens."""
        return self.W_U[:, list(tokens)] - self.W_U_mean

    @cached_property
    def W_U_mean(self) -> Float[Tensor, "d_model 1"]:  # noqa: N802
        """The mean of W_U over the vocabulary."""
        return self.W_U.mean(1, keepdim=True) if self.whole is None else self.whole.W_U_mean

    @cached_property
    def W_U_covariance(self) -> Float[Tensor, "d_model d_model"]:  # noqa: N802
        """Covariance of the columns of W_U over the vocabulary, which a null of any token in a target's place needs."""
        if self.whole is not None:
            return self.whole.W_U_covariance
        parts = (part - self.W_U_mean for part in self.W_U.split(COLUMNS, dim=1))
        return sum((part @ part.T for part in parts), torch.zeros(())) / self.W_U.shape[1]

    @property
    def shape(self) -> tuple[int, int]:
        """Numbers of layers and of heads in each."""
        return self.W_Q.shape[0], self.W_Q.shape[1]

    def of_layer(self, number: int) -> "HeadWeights":
        """The matrices of one layer that has heads, by its number in the model.

        Raises ValueError for a layer without heads.
        """
        at, _ = self.of_head(number, 0)
        parts: dict[str, Any] = {
            name: value[at : at + 1] for name in BY_LAYER if (value := getattr(self, name)) is not None
        }
        return replace(self, **parts, head_layers=(number,), whole=self.whole or self)

    def of_head(self, layer: int, head: int) -> tuple[int, int]:
        """Where the matrices of a head stand, by the number of its layer in the model.

        Raises ValueError for a head that the model does not have.
        """
        layers = self.head_layers or tuple(range(self.shape[0]))
        refuse_absent_head(layers, self.shape[1], layer, head)
        return layers.index(layer), head

    def refuse_misread(self, *names: str) -> None:
        """Raise ValueError where one of the matrices is not what the model computes with."""
        if words := self.misread_words(names):
            raise ValueError(f"this {words}")

    def misread_words(self, names: Iterable[str]) -> str:
        """Why the first of the matrices that are misread cannot be used, as the end of a sentence, or nothing."""
        return next(
            (f"reads {name}, but in this model {self.misread[name]}" for name in names if name in self.misread), ""
        )
