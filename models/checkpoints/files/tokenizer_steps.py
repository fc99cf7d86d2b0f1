"""The steps of a tokenizer.json: how many there are, how long their patterns, and how far they make a text grow."""

from collections.abc import Iterator

from headscope.models.io.fields import Fields

MOST_STEPS = 32
MOST_DEEP = 8
MOST_CHARACTERS = 2048  # of a pattern or a text; the pre-tokenizers of large models have some hundreds
MOST_GROWTH = 64.0
MOST_PIECES = 64
MOST_PADDED = 2**17
STAGES = {"normalizer": "normalizers", "pre_tokenizer": "pretokenizers", "decoder": "decoders"}
BYTES_OF_CHARACTERS = 2.0  # characters that a byte-level step makes of one that is no ASCII, at least


def refuse_unbounded_steps(fields: Fields) -> None:
    """Raise ValueError for steps that are too many, too long, or make a short text a huge one."""
    growth = 1.0
    for stage, inner in STAGES.items():
        steps = list(steps_in(fields.get(stage), inner))
        if len(steps) > MOST_STEPS:
            raise ValueError(f"its {stage} has {len(steps)} steps; at most {MOST_STEPS} are made")
        for step in steps:
            refuse_long(stage, step)
            growth *= growth_of(step)
    if growth > MOST_GROWTH:
        raise ValueError(f"its steps make a text up to {growth:.3g} times as long; at most {MOST_GROWTH:g} times")
    for template in steps_in(fields.get("post_processor"), "processors"):
        refuse_long_template(template)
    refuse_padding(fields.get("padding"))


def steps_in(step: object, inner: str, deep: int = 0) -> Iterator[Fields]:
    """The step, or the steps in a sequence of them."""
    if step is None:
        return
    if not isinstance(step, dict) or deep > MOST_DEEP:
        raise ValueError(f"its {inner} are no steps, at most {MOST_DEEP} sequences deep")
    if step.get("type") != "Sequence":
        yield step
    listed = step.get(inner, [])
    if not isinstance(listed, list):
        raise ValueError(f"its {inner} are no list")
    for item in listed[: MOST_STEPS + 1]:
        yield from steps_in(item, inner, deep + 1)


def texts_of(step: Fields) -> dict[str, str]:
    """The texts of a step by name, a pattern's among them; a table of characters in base64 is no such text."""
    plain = {name: value for name, value in step.items() if isinstance(value, str) and name != "precompiled_charsmap"}
    pattern = step.get("pattern")
    return {**plain, **(pattern if isinstance(pattern, dict) else {})}


def refuse_long(stage: str, step: Fields) -> None:
    """Raise ValueError for a text of a step that is too long, and for an empty one that would be looked for."""
    for name, text in texts_of(step).items():
        if len(str(text)) > MOST_CHARACTERS:
            raise ValueError(f"its {stage} has a {name} of {len(text)} characters; at most {MOST_CHARACTERS} are read")
        if name in ("String", "Regex") and not text:
            raise ValueError(f"its {stage} looks for an empty text")


def growth_of(step: Fields) -> float:
    """How many times as long a step can make a text."""
    if step.get("type") == "ByteLevel":
        return BYTES_OF_CHARACTERS
    texts = texts_of(step)
    if step.get("type") != "Replace" or "content" not in texts:
        return 1.0
    return max(1.0, len(texts["content"]) / max(1, len(texts.get("String", ""))))


def refuse_long_template(template: Fields) -> None:
    """Raise ValueError for a post-processor that repeats a text, or puts very many tokens around it."""
    for name in ("single", "pair"):
        pieces = template.get(name, [])
        if not isinstance(pieces, list) or len(pieces) > MOST_PIECES:
            raise ValueError(f"its post-processor's {name} is no list of at most {MOST_PIECES} pieces")
        texts = [str(piece["Sequence"]) for piece in pieces if isinstance(piece, dict) and "Sequence" in piece]
        if len(texts) > (name == "pair") + 1:
            raise ValueError(f"its post-processor's {name} repeats a text")
    special = template.get("special_tokens")
    for token in special.values() if isinstance(special, dict) else ():
        if isinstance(token, dict) and len(str(token.get("ids"))) > MOST_CHARACTERS:
            raise ValueError(f"its post-processor puts more than {MOST_PIECES} tokens in the place of one")


def refuse_padding(padding: object) -> None:
    """Raise ValueError for a padding that makes every text huge."""
    plain = padding if isinstance(padding, dict) else {}
    strategy = plain.get("strategy")
    fixed = strategy.get("Fixed") if isinstance(strategy, dict) else None
    for length in (fixed, plain.get("pad_to_multiple_of")):
        if length is not None and not (type(length) is int and 0 < length <= MOST_PADDED):
            raise ValueError(f"its padding is to {length!r:.40} tokens; at most {MOST_PADDED} are made")
