"""A playbook's Markdown as HTML. Raw HTML in it stays text: facts in it come from the user's system."""

from __future__ import annotations

from markdown_it import MarkdownIt
from markupsafe import Markup

_MARKDOWN = MarkdownIt("commonmark", {"html": False})
_DOWN = 2
"""Headings sink so far, to stand beneath the page's own."""


def playbook_html(text: str) -> Markup:
    """The rendered playbook."""
    tokens = _MARKDOWN.parse(text)
    for token in tokens:
        if token.type in ("heading_open", "heading_close"):
            token.tag = f"h{min(6, int(token.tag[1]) + _DOWN)}"
    return Markup(_MARKDOWN.renderer.render(tokens, _MARKDOWN.options, {}))  # noqa: S704 - html is off above
