"""What is wrong with a query, and where. Pure."""

from __future__ import annotations

from lakehouse.errors import SettingsError

# Characters shown on each side of the place.
AROUND = 60


class QueryFault(SettingsError):
    """A text that means nothing: characters `start` up to `end` of it are at fault.

    `given_as` is the parameter that the text was given as. As text it is the fault, the query with
    the place marked below it, and what would fit.
    """

    def __init__(
        self,
        query: str,
        start: int,
        end: int,
        what: str,
        remedy: str = "",
        given_as: str = "query",
    ) -> None:
        super().__init__(what, remedy)
        self.query, self.start, self.end = query, start, max(end, start + 1)
        self.given_as = given_as

    def __str__(self) -> str:
        return "\n  ".join(filter(None, (self.what, *self.pointed(), self.remedy)))

    def pointed(self) -> tuple[str, str]:
        """The part of the query around the place, and carets that stand below it."""
        first = max(0, self.start - AROUND)
        shown = self.query[first : self.end + AROUND]
        line = "".join(one if one.isprintable() else "?" for one in shown)
        width = max(1, min(self.end, len(self.query)) - self.start)
        return line, " " * (self.start - first) + "^" * width
