"""Secrets out of what is shown of a task: by the name they stand under, never by what they look like.

A key is secret when it holds one of the words, whatever its case and however its parts are joined (`apiKey`,
`API-KEY`, `x_api_key`). Over-hiding is accepted, half-hiding is not: what cannot be taken apart is hidden whole.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable
from typing import Any

HIDDEN = "[redacted]"
LONGEST = 1024
"""Characters that are shown of one value, as Celery does (celery/app/amqp.py, argsrepr_maxsize)."""
WORDS = (
    "password", "passwd", "passphrase", "pwd", "token", "secret", "authorization", "bearer", "apikey", "accesskey",
    "privatekey", "credential", "card", "cvv", "cvc", "cookie", "session",
)  # fmt: skip
LONGEST_PARSED = 4 * LONGEST
_SHORT = re.compile(r"(?<![A-Za-z])(?:ssn|iban)|(?:ssn|iban)(?![A-Za-z])|SSN|Ssn|IBAN|Iban")
"""Words so short that many others hold them (`className`): secret only where a part of a name begins or ends."""
_ADDRESS = re.compile(r"://[^\s'\"]++")
_ASSIGNED = re.compile(r"(?<![\w-])([\w-]++)(\\?[\"'])?\]?\s*+(?:=>|:(?!:)|=(?!=))\s*+(?=\S)")
_BACKSLASH = re.compile(r"\\([\\'\"])?")
_CUT_OFF = re.compile(r"(?:, )++\.\.\.(?=[\]})])")
_ERROR_NAME = re.compile(r"(error|exception|warning|expired|failed|failure|notfound|invalid|missing)$", re.IGNORECASE)


class Redactor:
    """Hides what stands under the usual words, and under those in `more`."""

    __slots__ = ("_seek", "_words")

    def __init__(self, more: Iterable[str] = ()) -> None:
        self._words = (*WORDS, *filter(None, (_plain(word) for word in more)))
        self._seek = re.compile("|".join(map(re.escape, (*self._words, "ssn", "iban"))))

    def secret(self, key: object) -> bool:
        """Whether what stands under `key` is hidden."""
        if isinstance(key, (bytes, bytearray)):
            key = bytes(key).decode("utf-8", "replace")
        if not isinstance(key, str):
            return False
        plain = _plain(key)
        return any(word in plain for word in self._words) or _SHORT.search(key) is not None

    def shown(self, text: object) -> str | None:
        """A `repr` of arguments with no secret in it, at most LONGEST characters. Never raises."""
        if not isinstance(text, str):
            return None if text is None else HIDDEN
        if text in ("()", "{}", "[]"):
            return text
        if self._suspect(text):
            text = self._without_secrets(text)
        return _cut(_without_userinfo(text))

    def text(self, text: str, longest: int = LONGEST) -> str:
        """Free text (an exception, a traceback, a line) without passwords in addresses and without what follows a
        secret's name on its line. Never raises."""
        if self._suspect(text):
            text = "\n".join(self._line(line) for line in text.split("\n"))
        return _cut(_without_userinfo(text), longest)

    def _suspect(self, text: str) -> bool:
        """Whether a secret's name may be in it: most texts have none, and need no closer look."""
        plain = _plain(text)
        if self._seek.search(plain) is None:
            return False
        return any(word in plain for word in self._words) or _SHORT.search(text) is not None

    def _without_secrets(self, text: str) -> str:
        if len(text) > LONGEST_PARSED:
            return HIDDEN
        try:
            hiding = _Hiding(self)
            tree = hiding.visit(ast.parse(_parsable(text), mode="eval"))
            return ast.unparse(tree) if hiding.hid else text
        except (SyntaxError, ValueError, RecursionError, MemoryError, TypeError):
            return HIDDEN

    def leaf(self, value: Any) -> Any:
        """A text that holds a secret's name and a value (JSON, a query, a header) is hidden whole."""
        if isinstance(value, (str, bytes, bytearray)):
            text = value if isinstance(value, str) else bytes(value).decode("utf-8", "replace")
            if self._suspect(text) and self._assigned(text):
                return HIDDEN
            cleaned = _without_userinfo(text)
            return value if cleaned == text else cleaned
        return value

    def _assigned(self, text: str) -> bool:
        return any(self.secret(found[1]) for found in _ASSIGNED.finditer(text))

    def _line(self, line: str) -> str:
        for found in _ASSIGNED.finditer(line):
            if self.secret(found[1]) and (found[2] or not _ERROR_NAME.search(found[1])):
                return line[: found.end()] + HIDDEN
        return line


class _Hiding(ast.NodeTransformer):
    """Hides values in the literals and calls of a `repr`."""

    def __init__(self, redactor: Redactor) -> None:
        self._redactor = redactor
        self.hid = False

    def visit_Dict(self, node: ast.Dict) -> ast.AST:
        for index, key in enumerate(node.keys):
            if isinstance(key, ast.Constant) and self._redactor.secret(key.value):
                node.values[index] = self._hidden()
        return self.generic_visit(node)

    def visit_keyword(self, node: ast.keyword) -> ast.AST:
        if self._redactor.secret(node.arg):
            node.value = self._hidden()
        return self.generic_visit(node)

    def visit_Tuple(self, node: ast.Tuple) -> ast.AST:
        self._pair(node.elts)
        return self.generic_visit(node)

    def visit_List(self, node: ast.List) -> ast.AST:
        self._pair(node.elts)
        return self.generic_visit(node)

    def visit_Constant(self, node: ast.Constant) -> ast.AST:
        if (shown := self._redactor.leaf(node.value)) is node.value:
            return node
        self.hid = True
        return ast.Constant(shown)

    def _pair(self, items: list[ast.expr]) -> None:
        if len(items) == 2 and isinstance(items[0], ast.Constant) and self._redactor.secret(items[0].value):
            items[1] = self._hidden()

    def _hidden(self) -> ast.expr:
        self.hid = True
        return ast.Constant(HIDDEN)


def _parsable(text: str) -> str:
    """Celery's `saferepr` as Python reads it: it leaves newlines and backslashes as they are, and what it cuts off is
    `, ...` also where Python has none (celery/utils/saferepr.py, _format_chars and _saferepr)."""
    text = _BACKSLASH.sub(lambda found: found[0] if found[1] else "\\\\", text)
    text = text.replace("\n", "\\n").replace("\r", "\\r").replace("{...}", "'...'")
    return _CUT_OFF.sub("", text)


def _plain(text: str) -> str:
    return text.lower().replace("_", "").replace("-", "").replace(" ", "")


def _without_userinfo(text: str) -> str:
    """`redis://user:secret@host` as `redis://***@host`."""
    return _ADDRESS.sub(_anonymous, text) if "://" in text and "@" in text else text


def _anonymous(address: re.Match[str]) -> str:
    _, at, host = address[0].rpartition("@")
    return f"://***@{host}" if at else host


def _cut(text: str, longest: int = LONGEST) -> str:
    return text if len(text) <= longest else text[: longest - 1] + "…"
