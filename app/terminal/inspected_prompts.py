"""Inspected prompts: what was typed or read from files, as a model of texts or of images takes it."""

import sys
from collections.abc import Sequence
from pathlib import Path

from headscope.interp.reading.hooked_model import HookedModel, begins_with_bos, tokenizer_of
from headscope.interp.reading.image_prompt import ImagePrompt
from headscope.interp.reading.pictures import DIGITS, digit_prompt, picture_prompt
from headscope.interp.reading.prompt import Prompt, reads_ids
from headscope.interp.reading.prompt_tokens import PromptTokens, encoded_ids, token_string, typed_ids
from headscope.models.io.foreign_input import expanded_path

STANDARD_INPUT = "-"


def texts_of(typed: Sequence[str], files: Sequence[Path]) -> tuple[str, ...]:
    """The prompts as typed, then each file's whole text but for one line's end after it; - is standard input."""
    read = [text_of_file(file).removesuffix("\n").removesuffix("\r") for file in files]
    if not (typed or read):
        raise ValueError("no prompt was given: give one with --prompt, or a file of one with --prompt-file")
    return (*typed, *read)


def text_of_file(file: Path) -> str:
    """A file's text. Raises ValueError in one sentence for what is none."""
    if str(file) == STANDARD_INPUT:
        return sys.stdin.read()
    try:
        return expanded_path(file).read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise ValueError(f"cannot read the prompt in {file}: it is no text in UTF-8") from error
    except OSError as error:
        raise ValueError(f"cannot read the prompt in {file}: {(error.strerror or str(error)).lower()}") from error


def inspected_prompts(
    prompts: Sequence[str], model: HookedModel, bos: bool | None, *, is_cut: bool
) -> Sequence[str] | Sequence[Prompt]:
    """The prompts as the model reads them, texts cut to its context where that was asked for."""
    if is_cut and reads_ids(model):
        return [truncated_prompt(prompt, model, bos) for prompt in prompts]
    return prompts_for_model(prompts, model)


def prompts_for_model(prompts: Sequence[str], model: HookedModel) -> Sequence[str] | Sequence[ImagePrompt]:
    """The prompts as texts; for a model of images digits by number, and picture files."""
    if reads_ids(model):
        return list(prompts)
    return [image_of(prompt, model) for prompt in prompts]


def image_of(prompt: str, model: HookedModel) -> ImagePrompt:
    """A digit by its number, or a picture file. Raises ValueError for a text, and says what the model reads."""
    if prompt.isdecimal():
        return digit_prompt(int(prompt), model)
    if not is_there(file := expanded_path(prompt)):
        raise ValueError(
            f"this model reads images, so a prompt is a digit's number (0 to {DIGITS - 1}) or a PNG or JPEG file, and "
            f"{prompt!r} is neither"
        )
    return picture_prompt(file, model)


def is_there(file: Path) -> bool:
    """Whether a text names a file; one that is too long or otherwise no name at all does not."""
    try:
        return file.is_file()
    except (OSError, ValueError):
        return False


def truncated_prompt(text: str, model: HookedModel, bos: bool | None) -> PromptTokens:
    """The first tokens of a text, as many as the model's context holds."""
    tokenizer = tokenizer_of(model)
    ids = typed_ids(text) if tokenizer is None else encoded_ids(text, tokenizer, begins_with_bos(model, bos))
    kept = ids[: model.cfg.n_ctx]
    return PromptTokens(kept, tuple(token_string(item, tokenizer) for item in kept))
