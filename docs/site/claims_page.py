"""The claims as pages have them: a line each with its answer in colour, and their forest plot."""

from headscope.interp.arms.claim_intervals import chance_words
from headscope.interp.experiments.engine.publishing import claims_markdown_table, shipped_claims, shipped_verdicts

FOREST = "claims_forest.svg"  # beside the page, where a hook puts it
RULES = 2  # lines above the first claim


def claims_markdown() -> str:
    """The table that the command prints, whose answers have the class of their word."""
    lines = claims_markdown_table().splitlines()
    return "\n".join([*lines[:RULES], *map(with_class, lines[RULES:])]) + "\n"


def with_class(line: str) -> str:
    """A line whose answer, its last cell, has a class, by which site.css colours it; a set-up's line has no answer."""
    *cells, answer = line.removesuffix(" |").split(" | ")
    if not answer:
        return line
    name = answer.replace(" ", "-")
    return " | ".join([*cells, f'<span class="answer-{name}">{answer}</span> |'])


def forest_markdown() -> str:
    """The picture, and how many answers to expect by chance."""
    words = chance_words([verdict for verdicts in shipped_verdicts().values() for verdict in verdicts])
    return f"![Each claim's interval beside its bound and its margin, with its answer]({FOREST})\n\n{words}\n"


def forest_svg() -> str:
    """The picture of all claims."""
    return shipped_claims().figure().svg()
