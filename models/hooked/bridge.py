"""A transformer-lens bridge which knows what its attention variants forbid."""

from collections.abc import Generator, Iterator
from contextlib import contextmanager
from typing import Any, cast

from jaxtyping import Int
from torch import Tensor
from transformer_lens.model_bridge import TransformerBridge
from transformers import PreTrainedModel

from headscope.models.hooked.state_dict import hf_state_dict
from headscope.models.hooked.turns import Turns, serialised_method
from headscope.models.hosts.attachment import spec_of
from headscope.models.hosts.spec import AttentionSpec
from headscope.models.io.known_words import unknown_words_named


class HookedBridge(TransformerBridge):
    """transformer-lens's bridge around a Hugging Face decoder whose attention layers carry variants.

    Threads take turns: a run, and all that happens inside `with model.hooks(...)`, is over before another thread's
    begins, so that no thread sees another's hooks or captures. add_hook is for all threads.
    """

    hf_names: tuple[str, ...]
    turns: Turns

    _forward = serialised_method("forward")
    _run_with_cache = serialised_method("run_with_cache")
    generate = serialised_method("generate")
    run_with_hooks = serialised_method("run_with_hooks")
    add_hook = serialised_method("add_hook")
    reset_hooks = serialised_method("reset_hooks")

    @contextmanager
    def hooks(self, *args: Any, **kwargs: Any) -> Iterator[TransformerBridge]:
        """As transformer-lens's; other threads wait until it is left."""
        with self.turns.taken(), super().hooks(*args, **kwargs) as bridge:
            yield bridge

    def generate_stream(self, *args: Any, **kwargs: Any) -> Generator[Tensor | str | list[str], None, None]:
        """As transformer-lens's; other threads wait until the last token."""
        with self.turns.taken():
            yield from super().generate_stream(*args, **kwargs)

    @property
    def attention_spec(self) -> AttentionSpec:
        """Which variant, with which options, sits in which layers."""
        return spec_of(cast(PreTrainedModel, self.original_model))

    def hf_state_dict(self) -> dict[str, Tensor]:
        """The weights under the names they had before the model was hooked: see hf_state_dict of models.hooked."""
        return hf_state_dict(self)

    def to_tokens(
        self, input: str | list[str], *args: Any, truncate: bool = False, **choices: Any
    ) -> Int[Tensor, "batch pos"]:
        """As transformer-lens's, but a text longer than the context is refused, not cut, unless truncate is True.

        BOS comes first where the tokenizer itself puts it there; prepend_bos decides otherwise.
        """
        self._refuse_without_tokenizer()
        texts = [input] if isinstance(input, str) else input
        with unknown_words_named(self.tokenizer, texts):
            ids = super().to_tokens(input, *args, truncate=truncate, **choices)
        if not truncate and ids.shape[1] > self.cfg.n_ctx:
            raise ValueError(
                f"the text has {ids.shape[1]} tokens, this model reads {self.cfg.n_ctx}: shorten it, cut it with "
                "to_tokens(text, truncate=True), or give ids to run it past its context"
            )
        return ids

    def forward(self, input: object, *args: object, **choices: object) -> Any:
        """As transformer-lens's; texts that would be misread are refused in one sentence."""
        self._refuse_misread(input, choices.get("prepend_bos"))
        return self._forward(input, *args, **choices)

    def run_with_cache(self, input: object, *args: object, **choices: object) -> Any:
        """As transformer-lens's, with the refusals of forward."""
        self._refuse_misread(input, choices.get("prepend_bos"))
        return self._run_with_cache(input, *args, **choices)

    def _refuse_misread(self, input: object, prepend_bos: object) -> None:
        if isinstance(input, str | list):
            self._refuse_without_tokenizer()
        # transformer-lens masks padding by cfg.default_prepend_bos, whatever the call says.
        if isinstance(input, list) and len(input) > 1 and prepend_bos not in (None, self.cfg.default_prepend_bos):
            raise ValueError(
                f"several texts are padded and masked by model.cfg.default_prepend_bos, {self.cfg.default_prepend_bos} "
                f"here: set it to {prepend_bos} and leave prepend_bos out, or give one text at a time"
            )

    def _refuse_without_tokenizer(self) -> None:
        if self.tokenizer is None:
            raise ValueError(
                "this model has no tokenizer, so it reads token ids, a whole-number tensor [batch, position], and no "
                "text: give ids, or hook it with hooked(model, tokenizer)"
            )

    def enable_compatibility_mode(  # pyright: ignore[reportIncompatibleMethodOverride]: steps are named, not counted
        self, disable_warnings: bool = False, no_processing: bool = False, **processing: bool
    ) -> None:
        """As transformer-lens's; fold_value_biases, when not named, is on only where rows sum to one, and fold_ln only
        where nothing but projections reads what a norm gives.

        Raises ValueError when a step is asked for that would change what this model computes.
        """
        lawful = {} if no_processing else self._lawful(processing)
        super().enable_compatibility_mode(disable_warnings, no_processing, **lawful)

    def process_weights(  # pyright: ignore[reportIncompatibleMethodOverride]: steps are named, not counted
        self, verbose: bool = False, **processing: bool
    ) -> None:
        """As transformer-lens's, with the refusals of enable_compatibility_mode."""
        super().process_weights(verbose, **self._lawful(processing))

    def _lawful(self, processing: dict[str, bool]) -> dict[str, bool]:
        """The steps as asked for, with fold_value_biases decided by the kernels when it was not named."""
        spec, with_heads = self.attention_spec, [i for i, block in enumerate(self.blocks) if "attn" in block.submodules]
        mixing = [i for i in with_heads if not self.blocks[i].attn.keeps_constant_values]
        if mixing and processing.get("fold_value_biases"):
            raise ValueError(
                f"fold_value_biases needs attention rows that sum to one; layers {mixing} are of {spec.in_words}: "
                "leave it out or pass fold_value_biases=False"
            )
        reading = [layer for layer in with_heads if self.blocks[layer].attn.layer.has_input_parts]
        if reading and processing.get("fold_ln"):
            raise ValueError(
                f"fold_ln puts a norm's weights into the projections behind it, and layers {reading} make more of what "
                "the norm gives than those: leave it out or pass fold_ln=False"
            )
        if any(part.variant != "softmax" for part in spec.parts) and processing.get("refactor_factored_attn_matrices"):
            raise ValueError(
                f"refactor_factored_attn_matrices is known to be exact for softmax only; this model is "
                f"{spec.in_words}: pass refactor_factored_attn_matrices=False"
            )
        return {"fold_value_biases": not mixing, **({"fold_ln": False} if reading else {}), **processing}

    def _is_valid_bridge_path(self, hf_path: str) -> bool:
        """state_dict and load_state_dict also carry what the variants learned, and activations that learn (Apertus)."""
        return ".variant." in hf_path or ".act_fn." in hf_path or super()._is_valid_bridge_path(hf_path)
