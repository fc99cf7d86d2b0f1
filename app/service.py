"""Model service: the one place that runs a shared model. Hooks are its state, so one session at a time is let in."""

from threading import Lock
from typing import final

from interp.attention_run import AttentionRun, attention_run
from interp.hooked_model import HookedModel, tokenizer_of
from interp.model_facts import model_facts
from interp.prompt_tokens import PromptTokens, prompt_tokens

MOST_BYTES = 1 * 2**30


@final
class ModelService:
    """A hooked model behind a lock; sessions get records of tensors that nobody else writes to."""

    def __init__(self, model: HookedModel) -> None:
        self._model = model
        self._lock = Lock()
        self.facts = model_facts(model)

    def attention(self, prompt: str, prepend_bos: bool) -> AttentionRun:
        """Tokenise and run one prompt. ValueError in one sentence where the prompt cannot be run."""
        facts = self.facts
        with self._lock:
            tokens = prompt_tokens(
                prompt,
                tokenizer_of(self._model),
                prepend_bos=prepend_bos and facts.has_bos,
                vocabulary=facts.vocabulary,
                context=facts.context,
            )
            self._check_size(tokens)
            return attention_run(self._model, tokens)

    def _check_size(self, tokens: PromptTokens) -> None:
        heads = len(self.facts.layer_variants) * self.facts.heads
        needed = heads * len(tokens.ids) ** 2 * 4
        if needed > MOST_BYTES:
            raise ValueError(
                f"the patterns of {heads} heads and {len(tokens.ids)} tokens take {needed / 2**30:.1f} GiB; "
                f"at most {MOST_BYTES / 2**30:.0f} GiB are kept: shorten the prompt"
            )
