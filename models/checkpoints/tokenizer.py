"""The tokenizer of a model folder: tokenizer.json, read by the tokenizers library; none is fine."""

from pathlib import Path

from transformers import PreTrainedTokenizerBase, PreTrainedTokenizerFast

from headscope.models.checkpoints.files.entries import plain_file, read_object
from headscope.models.checkpoints.files.refusal import CheckpointError
from headscope.models.io.foreign_input import foreign_input

FAST = "tokenizer.json"
SETTINGS = "tokenizer_config.json"
OTHERS = ("vocab.json", "merges.txt", "vocab.txt", "tokenizer.model", "spiece.model", "tekken.json")
READ_BESIDE = ("added_tokens.json", "special_tokens_map.json", "chat_template.jinja")
OF_THIS_READING = ("is_local", "local_files_only")  # transformers would write them into the next folder
REFUSED = {
    "auto_map": "asks for the folder's own code, which is never run here",
    "fast_tokenizer_files": "names other tokenizer files; keep tokenizer.json alone",
    "gguf_file": "names another file; keep tokenizer.json alone",
}


def folder_tokenizer(folder: Path) -> PreTrainedTokenizerBase | None:
    """The tokenizer in `folder`, or None where the folder has none and the model is used with ids."""
    if not (folder / FAST).exists():
        present = [name for name in (*OTHERS, SETTINGS) if (folder / name).exists()]
        if present:
            raise CheckpointError(
                f"cannot open {folder}: of a tokenizer it has {present[0]} but no {FAST}; "
                "write one with AutoTokenizer.from_pretrained(folder).save_pretrained(folder)"
            )
        return None
    plain_file(folder, FAST)
    for name in READ_BESIDE:
        if (folder / name).exists():
            plain_file(folder, name)
    settings = read_object(folder, SETTINGS) if (folder / SETTINGS).exists() else {}
    for name, reason in REFUSED.items():
        if settings.get(name):
            raise CheckpointError(f"cannot open {folder / SETTINGS}: {name!r} {reason}")
    with foreign_input(f"cannot open the tokenizer of {folder}: transformers refuses it", CheckpointError):
        tokenizer = PreTrainedTokenizerFast.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
    for name in OF_THIS_READING:
        tokenizer.init_kwargs.pop(name, None)
    return tokenizer
