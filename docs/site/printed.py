"""Printed: the tables that pages name and code prints, so that none can say what the code does not."""

import re
from collections.abc import Callable

from docs.site.analyses_table import analyses_markdown
from docs.site.claims_page import claims_markdown, forest_markdown
from docs.site.formats_table import formats_markdown
from docs.site.mechanisms_page import mechanisms_markdown
from docs.site.real_model_tables import courses_markdown, flips_markdown, kinds_markdown, slopes_markdown
from docs.site.variants_table import variants_markdown
from headscope.app.terminal.zoo_table import zoo_markdown_tables
from headscope.interp.experiments.engine.publishing import claims_markdown_details
from headscope.models.io.near_names import known_names

TABLES: dict[str, Callable[[], str]] = {
    "analyses": analyses_markdown,
    "variants": variants_markdown,
    "formats": formats_markdown,
    "zoo": zoo_markdown_tables,
    "claims": claims_markdown,
    "forest of claims": forest_markdown,
    "what each buys": mechanisms_markdown,
    "claims in full": claims_markdown_details,
    "heads of a real model": kinds_markdown,
    "growing prompts of a real model": slopes_markdown,
    "flipped weights of a real model": flips_markdown,
    "few parameters of a real model": courses_markdown,
}
ASKED = re.compile(r"^<!-- printed: (.*) -->$", re.MULTILINE)


def printed(markdown: str) -> str:
    """A page with each `<!-- printed: NAME -->` replaced by the table of that name. ValueError for an unknown one."""
    return ASKED.sub(lambda match: table_named(match[1]), markdown)


def table_named(name: str) -> str:
    """What the code prints now."""
    if name not in TABLES:
        raise ValueError(f"unknown table {name!r}; known: {known_names(name, TABLES)}")
    return TABLES[name]()
