"""A rule: a table of a file of rules, checked, and what it counts. Pure."""

from __future__ import annotations

import hashlib
import importlib
import json
import pkgutil
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache, cached_property
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from anomaly.rules import kinds
from anomaly.rules.condition import Condition, query
from lakehouse.query.search import Node, fields
from lakehouse.query.search.fields import Kind as FieldKind
from lakehouse.query.search.tree import EVERY, All, Matches, Term
from lakehouse.tables.incidents import OF_RULE

LONGEST = 4000
MOST_BY, MOST_LABELS = 3, 20
Text = Annotated[str, Field(max_length=500)]
LABEL = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,62}")
# Fields that a rule can group by.
GROUPS = (FieldKind.WORD, FieldKind.LEVEL, FieldKind.STATUS, FieldKind.ATTRIBUTE)


class RuleTable(BaseModel):
    """What a file may say of a rule."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    when: Annotated[str, Field(max_length=LONGEST)]
    sql: Annotated[str, Field(max_length=LONGEST)] = ""
    query: Annotated[str, Field(max_length=LONGEST)] = ""
    by: Annotated[tuple[str, ...], Field(max_length=MOST_BY, strict=False)] = ()
    at_least: Annotated[int, Field(ge=1, le=10**9)] = 1
    severity: Literal["info", "warning", "critical"] = "warning"
    labels: Annotated[dict[str, Text], Field(max_length=MOST_LABELS)] = {}
    runbook: Text = ""
    message: Text = ""
    enabled: bool = True

    @field_validator("when")
    @classmethod
    def _check_when(cls, text: str) -> str:
        parsed(text)
        return text

    @field_validator("by")
    @classmethod
    def _check_by(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        for name in names:
            found = fields.field(name)
            if found is None or found.kind not in GROUPS or found.column in fields.LISTS:
                near = fields.similar(name)
                meant = f"did you mean {near}?" if near else "name a field, as service or endpoint"
                raise ValueError(f"nothing is grouped by {name[:60]}: {meant}")
        return names

    @field_validator("labels")
    @classmethod
    def _check_labels(cls, labels: dict[str, str]) -> dict[str, str]:
        for name in labels:
            if not LABEL.fullmatch(name):
                raise ValueError(f"{name[:60]} is no name of a label: letters, digits and _")
        return labels

    @field_validator("runbook")
    @classmethod
    def _check_runbook(cls, text: str) -> str:
        if text and not re.match(r"https?://[^\s<>\"]+\Z", text):
            raise ValueError("a runbook is an address: https://...")
        return text

    @model_validator(mode="after")
    def _check_both(self) -> RuleTable:
        if (self.sql or self.query) and parsed(self.when)[1] is not EVERY:
            raise ValueError("rows are chosen by `where` in `when`, or by `sql`: give one of them")
        is_answered = parsed(self.when)[0].slots.is_answered
        if is_answered != bool(self.query) or (self.query and (self.sql or self.at_least > 1)):
            raise ValueError("`value > ...` and `query` go together, without where, sql, at_least")
        return self


@dataclass(frozen=True, eq=False)
class Rule:
    """A named rule of a file."""

    name: str
    table: RuleTable
    file: str = ""

    @cached_property
    def condition(self) -> Condition:
        """What has to hold."""
        return parsed(self.table.when)[0]

    @cached_property
    def where(self) -> Node:
        """Which rows are counted, beside `sql`."""
        return parsed(self.table.when)[1]

    @cached_property
    def by(self) -> tuple[fields.Field, ...]:
        """The fields whose values are judged apart."""
        return tuple(field for name in self.table.by if (field := fields.field(name)))

    @property
    def measure(self) -> str:
        """As incidents name what they are about."""
        return f"{OF_RULE}{self.name}"

    @cached_property
    def hash(self) -> str:
        """Twelve digits that change when anything about the rule does."""
        content = json.dumps([self.name, self.table.model_dump()], sort_keys=True)
        return hashlib.sha256(content.encode()).hexdigest()[:12]

    @cached_property
    def fixed(self) -> dict[str, str]:
        """The service and endpoint that all its rows are of."""
        parts = self.where.parts if isinstance(self.where, All) else (self.where,)
        return {
            part.field.column: part.test.pieces[0]
            for part in parts
            if isinstance(part, Term)
            and part.field
            and part.field.column in ("service", "endpoint")
            if isinstance(part.test, Matches) and len(part.test.pieces) == 1
        }


@dataclass(frozen=True)
class RuleSet:
    """The rules by name, switched off ones too, and what is wrong with files, a sentence each."""

    rules: Mapping[str, Rule] = field(default_factory=dict)
    faults: tuple[str, ...] = ()

    @property
    def enabled(self) -> dict[str, Rule]:
        """Those that are judged."""
        return {name: rule for name, rule in self.rules.items() if rule.table.enabled}


NO_RULES = RuleSet()


@cache
def kinds_of_conditions() -> dict[str, type[Condition]]:
    """Returns the class of each kind: the module of that name, by its `Kind`."""
    names = [found.name for found in pkgutil.iter_modules(kinds.__path__)]
    return {name: importlib.import_module(f"{kinds.__name__}.{name}").Kind for name in names}


@cache
def parsed(when: str) -> tuple[Condition, Node]:
    """Returns the condition of `when`, and which rows it counts. Raises ValueError for neither."""
    for kind in kinds_of_conditions().values():
        pattern = rf"{kind.head}(?: where (?P<where>.+))?{kind.tail}"
        if found := re.fullmatch(pattern, when.strip(), re.DOTALL):
            where = found["where"]
            return kind.of(found.groupdict()), query(where) if where else EVERY
    examples = "; ".join(kind.example for kind in kinds_of_conditions().values())
    raise ValueError(f"`{when.strip()[:80]}` is no condition: write one as {examples}")
