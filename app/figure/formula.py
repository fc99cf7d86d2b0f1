"""Formula: the law of a result as mathematics for the page, its words left as words."""

import re
from collections.abc import Iterator

from headscope.app.serving.refusals import plain_markdown

MATH = re.compile(r"[=<>+/^_\[\]|−·×ΣΠ‖∂√²½ᵀ₀₁₂±≥≤⟨⟩α-ωΔ\u0302\u0304]")
SUBSCRIPT, CALL = re.compile(r"(?<![a-z])([A-Za-z‖Σ])_([A-Za-z]{2,})"), re.compile(r"[A-Za-z]+[(\[].*[)\]]")
FUNCTIONS = frozenset(("cos", "ln", "log", "exp", "max", "min", "tr", "Re", "H", "sign", "KL", "E"))
UNITS = {"\u0302": r"\hat{#}", "\u0304": r"\bar{#}"}
SIGNS = {
    "−": "-", "·": r"\cdot ", "×": r"\times ", "Σ": r"\sum ", "Π": r"\prod ", "‖": r"\Vert ", "≥": r"\ge ",
    "≤": r"\le ", "∂": r"\partial ", "√": r"\surd ", "±": r"\pm ", "⟨": r"\langle ", "⟩": r"\rangle ",
    "|": r"\vert ", "ᵀ": r"^{\top}", "½": "{1/2}", "²": "^{2}", "₀": "_{0}", "₁": "_{1}", "₂": "_{2}", "%": r"\%",
    "#": r"\#", "&": r"\&", "$": r"\$", "σ": r"\sigma ", "τ": r"\tau ", "λ": r"\lambda ", "ε": r"\varepsilon ",
    "δ": r"\delta ", "θ": r"\theta ", "β": r"\beta ", "μ": r"\mu ", "'": r"^{\prime}", "<": r"\lt ", ">": r"\gt ",
}  # fmt: skip
TURNED = str.maketrans(SIGNS)


def formula(law: str) -> str:
    """A law as markdown: what is mathematics of it between dollars, the rest as text."""
    parts = [(is_math(item), item) for item in pieces(law)]
    runs: list[tuple[bool, list[str]]] = []
    for at, (math, item) in enumerate(parts):
        beside = any(0 <= near < len(parts) and parts[near][0] for near in (at - 1, at + 1))
        kind = math or (beside and (item in FUNCTIONS or (len(item) == 1 and item.isalnum() and item != "a")))
        if not runs or runs[-1][0] != kind:
            runs.append((kind, []))
        runs[-1][1].append(item)
    return " ".join(mathematics(" ".join(items)) if kind else plain_markdown(" ".join(items)) for kind, items in runs)


def is_math(piece: str) -> bool:
    """Whether a piece of a law is mathematics: it has a sign in it, and is no word with a hyphen or an underscore."""
    is_name = re.fullmatch(r"\(?[a-z]{2,}(_[a-z]{2,})+[;:,.)]*", piece)
    return bool(MATH.search(piece) or CALL.match(piece)) and not is_name


def pieces(law: str) -> Iterator[str]:
    """A law at its spaces, but for those in brackets that belong to a sign before them."""
    piece, depth = "", 0
    for at, letter in enumerate(law):
        if letter in "[(" and (depth or (at and law[at - 1] not in " (")):
            depth += 1
        elif letter in "])" and depth:
            depth -= 1
        if letter == " " and not depth:
            yield piece
            piece = ""
        else:
            piece += letter
    yield piece


def mathematics(words: str) -> str:
    """Signs and letters as TeX between dollars; what ends a sentence stays outside."""
    end = words[len(words.rstrip(";:,.")) :]
    text = words.removesuffix(end).replace("\\", "")
    for mark, cover in UNITS.items():
        text = re.sub(f"(.){mark}", lambda hit, cover=cover: cover.replace("#", hit[1]), text)
    text = SUBSCRIPT.sub(lambda hit: f"{hit[1]}_{{{upright(hit[2])}}}", text)
    text = re.sub(r"(?<![\\A-Za-z{])[A-Za-z]{2,}(?![A-Za-z}])", lambda hit: upright(hit[0]), text)
    spaced = re.sub(r"(?<=[A-Za-z}]) (?=[\\A-Za-zα-ω])", r"\\ ", text)
    return f"${spaced.translate(TURNED).strip()}${end}"


def upright(word: str) -> str:
    """A name of several letters, which is no product of them; a matrix' own stays in italics."""
    return word if word.isupper() and len(word) <= 2 else rf"\mathrm{{{word}}}"
