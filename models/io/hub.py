"""Hub names: `owner/model` is what the hub's cache holds of it; the network is asked only where somebody says so."""

import re
from pathlib import Path

from headscope.models.io.foreign_input import ForeignInputError, error_in_short, expanded_path

NAME = re.compile(r"(?!.*(--|\.\.))[A-Za-z0-9_][\w.-]{0,95}/[A-Za-z0-9_][\w.-]{0,95}", re.ASCII)
# What a model is opened from, and nothing that runs: the second list only of models that have no safetensors.
PLAIN = (
    *("config.json", "generation_config.json", "preprocessor_config.json", "adapter_config.json"),
    *("tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json", "chat_template.jinja"),
)
SAFETENSORS = ("model.safetensors", "model-?????-of-?????.safetensors", "model.safetensors.index.json")
ADAPTERS = ("adapter_model.safetensors",)
PICKLED = ("pytorch_model.bin", "pytorch_model-?????-of-?????.bin", "pytorch_model.bin.index.json")
FETCHED = "config, tokenizer and weights as safetensors, or as a .bin where there are none"


class NotFetchedError(ForeignInputError):
    """A name of the hub, of which its cache here holds nothing yet."""

    def __init__(self, name: str) -> None:
        super().__init__(
            f"cannot open {name!r}: no such folder or file, and the hub's cache here holds no model of that name; "
            f"load({name!r}, hub=True) fetches it from {hub_address()}, as --hub does on the command line"
        )
        self.name = name


def is_hub_name(text: str) -> bool:
    """Whether a text may name a model of the hub: owner/model."""
    return NAME.fullmatch(text) is not None


def hub_address() -> str:
    """Where models are fetched from, as huggingface_hub is set up."""
    from huggingface_hub import constants

    return constants.ENDPOINT


def cached_repository(name: str) -> Path | None:
    """The repository of a model in the hub's cache, where a config and weights are here. Nothing is fetched."""
    from huggingface_hub import constants

    repository = Path(constants.HF_HUB_CACHE) / f"models--{name.replace('/', '--')}"
    kinds = ("*config.json", "*.safetensors", "*.bin")
    holds = [[any(snapshot.glob(kind)) for kind in kinds] for snapshot in repository.glob("snapshots/*")]
    return repository if any(config and (safe or pickled) for config, safe, pickled in holds) else None


def place_named(text: str | Path) -> Path:
    """The path, or what the hub's cache holds under that name where there is no such path.

    Raises NotFetchedError for a name of which it holds nothing.
    """
    path, name = expanded_path(text), str(text)
    if not names_no_path(text):
        return path
    if (repository := cached_repository(name)) is None:
        raise NotFetchedError(name)
    return repository


def place_fetched(text: str | Path) -> Path:
    """The same, fetched from the hub where there is no such path."""
    return fetched_repository(str(text)) if names_no_path(text) else expanded_path(text)


def names_no_path(text: str | Path) -> bool:
    """Whether a text can only be a name of the hub."""
    return is_hub_name(str(text)) and not expanded_path(text).exists()


def fetched_repository(name: str) -> Path:
    """The folder of a model of the hub, fetched into its cache: the files in `FETCHED`, and no code.

    Raises ForeignInputError, in one sentence, where there is no such model, it is closed, or the hub is out of reach.
    """
    from huggingface_hub import snapshot_download

    try:
        folder = Path(snapshot_download(name, allow_patterns=[*PLAIN, *SAFETENSORS, *ADAPTERS]))
        if not [*folder.glob("*.safetensors")]:
            folder = Path(snapshot_download(name, allow_patterns=[*PLAIN, *PICKLED]))
    except Exception as error:
        raise ForeignInputError(f"cannot fetch {name!r} from {hub_address()}: {reason_of(error)}") from error
    return folder


def reason_of(error: Exception) -> str:
    """Why a model could not be fetched, and what to do."""
    from huggingface_hub import errors

    reasons = [each for each in (error, error.__cause__, error.__context__) if isinstance(each, Exception)]
    words = {
        errors.OfflineModeIsEnabled: "huggingface_hub is offline here: unset HF_HUB_OFFLINE, or copy the model here",
        errors.GatedRepoError: "its owners ask for their terms to be accepted: do so on its page, then `hf auth login`",
        errors.RepositoryNotFoundError: "there is no such model, or it is private: check the name, or `hf auth login`",
        OSError: "the hub cannot be reached, or the files cannot be written here",
    }
    for kind, sentence in words.items():
        if any(isinstance(each, kind) for each in reasons):
            return f"{sentence} ({error_in_short(error)})" if kind is OSError else sentence
    return error_in_short(error)
