"""The tokenizer of a model folder: tokenizer.json, read by the tokenizers library; none is fine."""

from pathlib import Path

from transformers import AddedToken, PreTrainedTokenizerBase, PreTrainedTokenizerFast

from headscope.models.checkpoints.files.entries import plain_file, read_object
from headscope.models.checkpoints.files.refusal import CheckpointError
from headscope.models.checkpoints.files.tokenizer_file import checked_tokenizer_file, refuse_tokenizer_settings
from headscope.models.io.fields import Fields
from headscope.models.io.foreign_input import foreign_input

FAST = "tokenizer.json"
SETTINGS = "tokenizer_config.json"
OTHERS = ("vocab.json", "merges.txt", "vocab.txt", "tokenizer.model", "spiece.model", "tekken.json")
TABLES = ("added_tokens.json", "special_tokens_map.json")
ADDED = "added_tokens_decoder"
TEMPLATE = "chat_template.jinja"
READ_BESIDE = (*TABLES, TEMPLATE)
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
    fields = checked_tokenizer_file(folder, FAST)
    refuse_settings(folder)
    with foreign_input(f"cannot open the tokenizer of {folder}: transformers refuses it", CheckpointError):
        tokenizer = PreTrainedTokenizerFast.from_pretrained(
            folder, local_files_only=True, trust_remote_code=False, **parsed_already(folder, fields)
        )
    for name in OF_THIS_READING:
        tokenizer.init_kwargs.pop(name, None)
    return tokenizer


def parsed_already(folder: Path, fields: Fields) -> Fields:
    """The added tokens, which transformers would parse the file for once more where nothing beside it lists them."""
    elsewhere = (folder / SETTINGS).exists() and ADDED in read_object(folder, SETTINGS)
    if elsewhere or any((folder / name).exists() for name in TABLES):
        return {}
    added = ({**token} for token in fields.get("added_tokens") or ())
    return {ADDED: {token.pop("id"): AddedToken(**token) for token in added}}


def refuse_settings(folder: Path) -> None:
    """Raise CheckpointError for what stands beside a tokenizer.json and asks for code, other files or too much."""
    for name in (name for name in (SETTINGS, *TABLES) if (folder / name).exists()):
        refuse_tokenizer_settings(folder / name, settings := read_object(folder, name))
        for field, reason in REFUSED.items():
            if name == SETTINGS and settings.get(field):
                raise CheckpointError(f"cannot open {folder / name}: {field!r} {reason}")
    if (folder / TEMPLATE).exists():
        plain_file(folder, TEMPLATE)
