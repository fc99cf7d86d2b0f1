"""Image words: what analyses say of prompts and their last tokens, said of images and their class token."""

from dataclasses import replace

from headscope.interp.results.about import About

# Longer phrases first: a shorter one may be part of them.
WORDS = (
    ("likeliest token after the prompt", "likeliest class"),
    ("any token of the vocabulary", "any class"),
    ("over the vocabulary", "over the classes"),
    ("the logit of one token", "the logit of one class"),
    ("the last one", "the class token"),
    ("reach the last", "reach the class token"),
    ("last token", "class token"),
    ("last output", "class token's output"),
    ("first token", "class token"),
    ("an earlier token", "a token"),
    ("earlier token", "token"),
    ("next token", "right class"),
    ("prompt", "image"),
)


def said_of_images(text: str) -> str:
    """The same sentence about an image."""
    for of_text, of_image in WORDS:
        text = text.replace(of_text, of_image)
    return text


def about_images(about: About) -> About:
    """The same record about an image."""
    told = {name: said_of_images(getattr(about, name)) for name in ("title", "law", "null", "plain")}
    return replace(about, **told)
