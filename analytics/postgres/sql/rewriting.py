"""What tools write that DuckDB does not take, in words that it does. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from analytics.postgres.sql import lexer
from analytics.postgres.sql.lexer import NAME, SIGN, SPACE, STRING, WORD, Token

SCHEMAS = {"public", "pg_catalog"}
INFORMATION = "information_schema"
# What reads tables though it has no FROM.
OF_TABLES = {
    "DESCRIBE",
    "DESC",
    "SHOW",
    "SUMMARIZE",
    "TABLE",
    "EXPLAIN",
    "PIVOT",
    "UNPIVOT",
    "FROM",
}
# Grafana asks which schemas are searched, by a form of FROM that DuckDB does not have.
SEARCHED = re.compile(
    r"\(\s*SELECT\s+CASE\s+WHEN\s+trim\(s\[i\]\).*?string_to_array\(\s*current_setting\(\s*"
    r"'search_path'\s*\),\s*','\)\s*s\s*\)",
    re.I | re.DOTALL,
)
FUNCTIONS = {"json_build_object": "json_object", "jsonb_build_object": "json_object"}
DROPPED_CASTS = {"regproc", "regprocedure"}


def is_about_catalog(tokens: Sequence[Token]) -> bool:
    """Whether a statement reads PostgreSQL's catalog, or no table at all."""
    words = lexer.words(tokens)
    has_tables = any(one.word in ("FROM", "TABLE") for one in words)
    if not has_tables and words[0].word not in OF_TABLES:
        return True
    for at, one in enumerate(words):
        if one.kind not in (WORD, NAME):
            continue
        name = lexer.named(one)
        follows = words[at + 1].text if at + 1 < len(words) else ""
        if name == INFORMATION and follows == ".":
            return True
        if _is_own_function(words, at) and not _reads_a_table(words):
            return True
        if name.startswith("pg_") and name != "pg_catalog" and follows != "(":
            return True
    return False


def _is_own_function(words: Sequence[Token], at: int) -> bool:
    """Whether it is a function that the catalog has, as `pg_catalog.format_type(...)`."""
    names = [lexer.named(one) for one in words[at : at + 4]]
    return names[0] == "format_type" or (
        names[:2] == ["pg_catalog", "."] and names[2:3] != [] and names[3:] == ["("]
    )


def _reads_a_table(words: Sequence[Token]) -> bool:
    """Whether a name follows a FROM or JOIN: `FROM (VALUES ...)` is no table."""
    return any(
        one.word in ("FROM", "JOIN") and follows.kind in (WORD, NAME) and after.text != "("
        for one, follows, after in zip(
            words, words[1:], [*words[2:], Token(SIGN, "")], strict=False
        )
    )


def rewritten(tokens: Sequence[Token]) -> str:
    """Returns a statement for DuckDB: without the names of our schemas, and other forms."""
    found = "".join(_rewritten([*tokens]))
    return SEARCHED.sub("('public')", found)


def _rewritten(tokens: list[Token]) -> Iterator[str]:
    at = 0
    while at < len(tokens):
        text, at = _next(tokens, at)
        yield text


def _next(tokens: list[Token], at: int) -> tuple[str, int]:
    """Returns what stands in place of the token there, and where the next one is."""
    token = tokens[at]
    if token.kind in (WORD, NAME):
        name = lexer.named(token)
        if _is(tokens, at + 1, "."):
            if name in SCHEMAS or (name == "logpond" and _is_schema(tokens, at + 2)):
                return "", at + 2
            if name == INFORMATION:
                return "pgi", at + 1
        if name in FUNCTIONS and _is(tokens, at + 1, "("):
            return FUNCTIONS[name], at + 1
        if name == "collate" and token.kind == WORD:
            return "", _after_collation(tokens, at)
        if name == "operator" and (end := _end_of_operator(tokens, at)):
            return next(t.text for t in reversed(tokens[at:end]) if t.text not in (")", " ")), end
        if name in ("current_user", "session_user", "user", "current_role") and token.kind == WORD:
            return _user(tokens, at), at + 1
    if token.kind == STRING and (end := _end_of_regclass(tokens, at)):
        is_cast = "AS" in [one.word for one in tokens[at:end]]
        return f"to_regclass({token.text}){' AS BIGINT' if is_cast else ''}", end
    if token.kind == SIGN and token.text == "::" and (end := _end_of_cast(tokens, at)):
        return "", end
    return token.text, at + 1


def _is(tokens: list[Token], at: int, text: str) -> bool:
    return at < len(tokens) and tokens[at].text == text


def _is_schema(tokens: list[Token], at: int) -> bool:
    return at < len(tokens) and lexer.named(tokens[at]) in {*SCHEMAS, INFORMATION}


def _user(tokens: list[Token], at: int) -> str:
    """Returns who asks, where that is a word of SQL and no column: `user` is one of `logs`."""
    if tokens[at].word == "USER" or _is(tokens, at + 1, "(") or _is(tokens, at - 1, "."):
        return tokens[at].text
    return "'logpond'"


def _after_collation(tokens: list[Token], at: int) -> int:
    """Returns where the name of a collation ends: all texts are compared by their bytes here."""
    at += 1
    while at < len(tokens) and tokens[at].kind == SPACE:
        at += 1
    at += 1
    return at + 2 if _is(tokens, at, ".") else at


def _end_of_operator(tokens: list[Token], at: int) -> int:
    """Returns where `OPERATOR(pg_catalog.~)` ends; 0 where it is none."""
    close = next((n for n in range(at, min(at + 10, len(tokens))) if tokens[n].text == ")"), 0)
    return close + 1 if close and _is(tokens, at + 1, "(") else 0


def _end_of_regclass(tokens: list[Token], at: int) -> int:
    names = [one for one in tokens[at + 1 : at + 5] if one.kind != SPACE]
    if len(names) > 1 and names[0].word in ("::", "AS"):
        if lexer.named(names[1]) == "regclass":
            return at + 1 + tokens[at + 1 :].index(names[1]) + 1
        if len(names) > 3 and lexer.named(names[3]) == "regclass":
            return at + 1 + tokens[at + 1 :].index(names[3]) + 1
    return 0


def _end_of_cast(tokens: list[Token], at: int) -> int:
    """Returns where a cast ends that means nothing to DuckDB; 0 where it means something."""
    rest = tokens[at + 1 : at + 4]
    last = next((one for one in reversed(rest) if one.kind == WORD), None)
    if last is None or lexer.named(last) not in DROPPED_CASTS:
        return 0
    return at + 1 + rest.index(last) + 1
