"""Choice: what the sidebar says, a model and what it reads, as plain values."""

from dataclasses import dataclass

from headscope.app.serving.model_source import source_folder

FROM_FOLDER = "a folder"


@dataclass(frozen=True)
class Choice:
    """What the sidebar says: a shipped model's name (empty: none) or a typed folder, the text, and the first token.

    prompt: for a model of images the name of an image.
    """

    name: str
    typed: str
    prompt: str
    bos: bool

    @property
    def folder(self) -> str:
        """The folder of the chosen model; ValueError in one sentence where there is none."""
        return str(source_folder(self.name, self.typed, FROM_FOLDER))
