"""Words: the text that plotly's kind of HTML shows, fit for XML."""

import html
import re

LINE_BREAK, TAG = re.compile(r"<br\s*/?>"), re.compile(r"</?(?:b|i|em|sub|sup|span)\b[^>]*>")
UNPRINTABLE = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")  # XML has no place for most of them


def shown_words(text: object) -> str:
    """The words without markup, a line per <br>; what has no glyph is �."""
    lines = TAG.sub("", LINE_BREAK.sub("\n", "" if text is None else str(text)))
    return UNPRINTABLE.sub("\ufffd", html.unescape(lines))
