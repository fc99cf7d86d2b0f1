"""Written pages: the README by its sections, and every page of the docs as one, with the code that stands in them."""

import re
import shlex
from pathlib import Path

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
PAGES = {str(path.relative_to(ROOT)): path.read_text("utf-8") for path in sorted((ROOT / "docs").rglob("*.md"))}
SECTIONS = {
    f"README.md, {name}": text for name, _, text in (part.partition("\n") for part in README.split("\n## ")[1:])
}
TEXTS = SECTIONS | PAGES  # by section or page: what is read, and runs, in one go
EVERYTHING = "\n".join([README, *PAGES.values()])


def blocks(language: str, text: str) -> list[str]:
    """The blocks of code of a language, in their order."""
    return re.findall(rf"```{language}\n(.*?)```", text, re.S)


PYTHON = {name: code for name, text in TEXTS.items() if (code := blocks("python", text))}
TOML = blocks("toml", EVERYTHING)
SHELL = "\n".join(blocks("sh", EVERYTHING)).replace("\\\n", " ").splitlines()
HEADSCOPE = [words for line in SHELL if (words := shlex.split(line, comments=True))[:1] == [".venv/bin/headscope"]]
COMMANDS = [*map(list, dict.fromkeys(tuple(words[1:]) for words in HEADSCOPE))]
IN_PROSE = [
    *map(list, dict.fromkeys(tuple(shlex.split(words)) for words in re.findall(r"`headscope ([^`]+)`", EVERYTHING)))
]
