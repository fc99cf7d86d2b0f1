"""Glossary: words of the figures that need a sentence, said where they stand."""

import re
from collections.abc import Iterable

GLOSSARY = {
    "null": "The null is what a number would be where there is nothing to find, such as with all signs dealt anew; ± "
    "its spread. A number within two spreads of it says nothing.",
    "twin": "The twin of a head is the head that softmax would make of the very same scores, with the same OV circuit.",
    "gauge": "A change of gauge is a change of the model's weights that leaves everything it computes alone, such as "
    "turning the signs of a head's queries and values at once. A number that such a change alters says something of "
    "how the weights are written down, and nothing of what the model does.",
    "static": "Static: how much the OV circuit, which no prompt changes, decides whether a token is copied or deleted.",
    "dynamic": "Dynamic: how much the sign of the attention weight, which the prompt decides, does so.",
    "minority mass": "The minority mass is the share of a head's weight that has the rarer sign, at most one half: it "
    "stays when all signs are turned.",
}


def help_with(texts: Iterable[str]) -> str | None:
    """What the words among these texts mean that are in the glossary, a paragraph each; None where there is none."""
    text = " ".join(texts).replace("_", " ").lower()
    words = [meaning for word, meaning in GLOSSARY.items() if re.search(rf"\b{word}s?\b|\b{word}-", text)]
    return "\n\n".join(words) or None
