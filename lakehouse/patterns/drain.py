"""Templates of messages by Drain (He et al., ICWS 2017), with a bound on all that it keeps. Pure.

Messages are compared with templates of as many words and the same first word; the most similar one
takes them, and the words in which they differ become variables. In what order they come matters.
A message costs at most a hundred comparisons of forty words.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from operator import eq

VARIABLE = "<*>"
SIMILAR, MOST_FIRST_WORDS, MOST_TEMPLATES = 0.4, 100, 5000
# Templates of as many words and the same first word; words of a message, whose rest is one more.
MOST_OF_A_GROUP, MOST_WORDS = 100, 40


@dataclass
class Template:
    """The words that all messages of a group have; None where they differ, a variable.

    `first` is the first word of its group.
    """

    words: list[str | None]
    first: str = ""

    @classmethod
    def of(cls, words: Sequence[str], first: str = "") -> Template:
        """The template of one message; what was masked in it is a variable already."""
        return cls([None if word == VARIABLE else word for word in words], first)

    def __str__(self) -> str:
        return " ".join(word or VARIABLE for word in self.words)

    def similarity(self, words: Sequence[str]) -> float:
        """Share of the words that are the same and no variable."""
        same: int = sum(map(eq, self.words, words))
        return same / max(len(words), 1)

    def take(self, words: Sequence[str]) -> None:
        """Make variables of the words in which a message differs."""
        pairs = zip(self.words, words, strict=True)
        self.words = [a if a == b else None for a, b in pairs]


@dataclass
class Drain:
    """The templates of the messages so far, by their number of words and their first word.

    There are at most `most`, and a hundred with as many words and the same first word.
    """

    similar: float = SIMILAR
    most: int = MOST_TEMPLATES
    templates: list[Template] = field(default_factory=list)
    _groups: dict[int, dict[str, list[Template]]] = field(default_factory=dict)

    def template(self, message: str) -> Template | None:
        """The template of a message, made or widened by it; None once there are too many."""
        words = message.split(maxsplit=MOST_WORDS)
        first, group = self._group(words)
        best = max(group, key=lambda one: one.similarity(words), default=None)
        if best and (best.similarity(words) >= self.similar or str(best) == " ".join(words)):
            best.take(words)
            return best
        if len(self.templates) >= self.most or len(group) >= MOST_OF_A_GROUP:
            return None
        new = Template.of(words, first)
        self._add(new)
        return new

    def replace(self, templates: Iterable[Template]) -> None:
        """Keeps these templates, in this order, instead of those that it has."""
        self.templates, self._groups = [], {}
        for one in templates:
            self._add(one)

    def _add(self, new: Template) -> None:
        self.templates.append(new)
        self._groups.setdefault(len(new.words), {}).setdefault(new.first, []).append(new)

    def _group(self, words: Sequence[str]) -> tuple[str, list[Template]]:
        """First word and templates of a message's group; a first word that varies is any."""
        by_first = self._groups.get(len(words), {})
        first = words[0] if words else ""
        is_many = first not in by_first and len(by_first) >= MOST_FIRST_WORDS
        name = VARIABLE if is_many or VARIABLE in first else first
        return name, by_first.get(name, [])
