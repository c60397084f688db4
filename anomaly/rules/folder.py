"""The folder of rules: files read and checked; what is broken is named, the rest goes on."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from pydantic_core import InitErrorDetails, PydanticCustomError

from anomaly.rules import predicate
from anomaly.rules.rule import Rule, RuleSet, RuleTable
from lakehouse.errors import SettingsError
from lakehouse.settings import CONF, Settings
from lakehouse.toml_tables import TomlTables

HELP = "docs/rules.md says what a rule is"
LARGEST_BYTES, MOST_RULES = 256 << 10, 500
# The name of a rule that is only tried; groups stand behind the last period.
TRIED = "tried"
WITH_GROUPS = re.compile(r"(.+ in \d+ ?[a-z]+(?: and \d+ ?[a-z]+)?) by ([\w., @-]+)", re.DOTALL)
State = tuple[tuple[str, int, int], ...]


def folder_of(settings: Settings) -> Path:
    """Returns the folder of the rules."""
    return Path(settings.rules).expanduser() if settings.rules else CONF / "rules"


def rules_in(folder: Path) -> RuleSet:
    """Reads all files of a folder; one that is not there has no rules."""
    rules, faults = dict[str, Rule](), list[str]()
    for file in _files(folder):
        found, wrong = rules_of(file)
        faults += wrong
        for name, rule in found.items():
            if name in rules:
                first = Path(rules[name].file).name
                faults.append(f"{file}: {name}: {first} has a rule of this name; rename one")
            elif len(rules) >= MOST_RULES:
                faults.append(f"{file}: {name}: a folder has at most {MOST_RULES} rules")
            else:
                rules[name] = rule
    return RuleSet(rules, tuple(faults))


def state_of(folder: Path) -> State:
    """Returns what changes when a file of the folder does."""
    found = []
    for file in _files(folder):
        try:
            at = file.stat()
        except OSError:
            continue
        found.append((file.name, at.st_mtime_ns, at.st_size))
    return tuple(found)


def rules_of(file: Path) -> tuple[dict[str, Rule], list[str]]:
    """Reads a file. Returns its rules by name, and a sentence for each fault in it."""
    try:
        if (size := file.stat().st_size) > LARGEST_BYTES:
            most = f"a file of rules has at most {LARGEST_BYTES >> 10} kB"
            return {}, [f"{file}: this is {size / 1e6:,.1f} MB, and {most}; split it"]
        read = TomlTables(file, "`rules`")
    except OSError as error:
        return {}, [f"{file}: {error.strerror}"]
    except SettingsError as error:
        return {}, [_sentence(f"{error}")]
    found = read.read(_made)
    wrong = {at[0] for at, _ in read.faults}
    rules = {name: Rule(name, table, str(file)) for name, table in found.items()}
    faults = read.listed()
    return {name: rule for name, rule in rules.items() if name not in wrong}, faults


def the_rules_of(file: Path) -> dict[str, Rule]:
    """Reads a file. Raises SettingsError with every fault in it, or where it has no rule."""
    found, faults = rules_of(file)
    if faults:
        raise SettingsError("rules do not fit:\n    " + "\n    ".join(faults), HELP)
    if not found:
        raise SettingsError(f"{file} has no rule: it begins with [NAME]", HELP)
    return found


def rules_named(text: str) -> dict[str, Rule]:
    """Returns the rules of a file, or the one that a condition is.

    Raises SettingsError where it is neither.
    """
    if text.endswith(".toml") or Path(text).is_file():
        return the_rules_of(Path(text))
    when, names = WITH_GROUPS.fullmatch(text.strip()), ""
    if when:
        text, names = when[1], when[2]
    by = [name for name in re.split(r"[\s,]+", names) if name]
    try:
        return {TRIED: Rule(TRIED, RuleTable.model_validate({"when": text, "by": by}))}
    except ValidationError as error:
        why = error.errors()[0]["msg"].removeprefix("Value error, ")
        raise SettingsError(f"this is no file of rules and no condition: {why}", HELP) from None


def installed(file: Path, rules: Mapping[str, Rule], folder: Path, is_trial: bool = False) -> Path:
    """Copies a file of rules to the folder, in place of one of its name. Returns its new place.

    Raises SettingsError where another file has a rule of one of these names, or the folder cannot
    be written. `is_trial` only looks.
    """
    target = folder / file.name
    if target.suffix != ".toml":
        raise SettingsError(f"{file.name} is no name of a file of rules", "let it end with .toml")
    for name, other in rules_in(folder).rules.items():
        if name in rules and Path(other.file).name != target.name:
            raise SettingsError(f"{other.file} has a rule {name} already", "rename one of them")
    if is_trial:
        return target
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=folder, prefix=".", delete=False) as copy:
            copy.write(file.read_bytes())
        Path(copy.name).chmod(0o644)
        Path(copy.name).replace(target)
    except OSError as error:
        raise SettingsError(f"{target}: {error.strerror}", "`rules` names another folder") from None
    return target


def removed(name: str, folder: Path) -> Path:
    """Deletes the file of a rule. Raises SettingsError where there is none, or others are in it."""
    rule = rules_in(folder).rules.get(name)
    if rule is None:
        raise SettingsError(f"there is no rule {name[:60]}", "`logpond rule list` has their names")
    file = Path(rule.file)
    if others := sorted(rules_of(file)[0].keys() - {name}):
        raise SettingsError(
            f"{file} has other rules too: {', '.join(others)}",
            f"delete the table [{name}] in it, or write enabled = false there",
        )
    try:
        file.unlink()
    except OSError as error:
        raise SettingsError(f"{file}: {error.strerror}") from None
    return file


def _made(table: Any) -> RuleTable:
    made = RuleTable.model_validate(table)
    try:
        if made.sql:
            predicate.check(made.sql)
        if made.query:
            predicate.check_query(made.query, made.by)
    except ValueError as error:
        fault = PydanticCustomError("sql", "{why}", {"why": str(error)})
        key = "sql" if made.sql else "query"
        wrong = InitErrorDetails(type=fault, loc=(key,), input=made.when)
        raise ValidationError.from_exception_data("Rule", [wrong]) from None
    return made


def _files(folder: Path) -> list[Path]:
    try:
        return sorted(file for file in folder.glob("*.toml") if file.is_file())
    except OSError:
        return []


def _sentence(text: str) -> str:
    return " ".join(text.split())
