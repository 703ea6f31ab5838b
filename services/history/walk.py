"""From one state of a record over its audit entries to another: forwards by what they set, backwards by what was."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

from services.audit.entries import Entry, field_changes
from services.changes.difference import ABSENT, same
from services.clock import read_timestamp
from services.database import Document
from services.records.findings import Finding

_MOST_NAMED = 12
_ONE_DATE = timedelta(milliseconds=1)  # as fine as the database's dates are


class _Untold:
    def __repr__(self) -> str:
        return "UNTOLD"


_UNTOLD = _Untold()


@dataclass(frozen=True, slots=True)
class _Told:
    """What an entry says about one field. A path is a tuple: names may hold dots."""

    path: tuple[str, ...]
    old: Any
    new: Any
    loose: bool = False
    """From a list of changes, which does not tell null from missing."""


class Claims:
    """What entries without whole images set last, field by field, until one that does not say what it changed."""

    def __init__(self) -> None:
        self.values: dict[tuple[str, ...], Any] = {}
        self.exists = False
        """Whether the last of them is about a record that is there."""

    def add(self, entry: Entry) -> None:
        """The entry that comes next in time."""
        self.exists = entry.action != "DELETE"
        told = [each for each in _told_fields(entry, None) if each.new is not _UNTOLD]
        if not told:
            self.values.clear()
        for each in told:
            self.values.pop(each.path, None)  # the last one comes last
            self.values[each.path] = each.new


@dataclass
class Walk:
    """A state on its way. `state` is None where there is no record; `mute` are the entries that said too little."""

    state: Document | None
    known: bool = True
    """False where the walk began from nothing: then only the fields that entries told are in the state."""
    loose: bool = False
    """Whether null and missing may stand for each other in the state."""
    mute: list[Entry] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)

    @property
    def clean(self) -> bool:
        """Whether every field of the state is told for."""
        return self.known and not self.mute

    @classmethod
    def begin(cls, state: Any) -> Walk:
        """From a whole image, which is not touched; what is no image says that there was no record."""
        return cls(copy.deepcopy(dict(state)) if isinstance(state, Mapping) else None)

    def forwards(self, entry: Entry) -> None:
        """Over an entry: its fields get what it set. What it says of before must be what was there."""
        if entry.action == "CREATE":
            self._anew(entry, f"The record ended before {naming(entry)} creates it, and no entry says how.")
        told = list(_told_fields(entry, self.state))
        if self.state is None and self.known:
            self.findings.append(Finding("contradiction", f"{naming(entry)} changes a record that was not there."))
        elif not self.mute and self.known and (denied := self._denied([(each.path, each.old) for each in told])):
            words = f"{naming(entry)} says of {listed(denied)} another value before than the entries before it left."
            self.findings.append(Finding("contradiction", words))
        if not told or any(each.new is _UNTOLD for each in told):
            self._silent(entry)
        self.loose |= any(each.loose for each in told)
        self._assign([(each.path, each.new) for each in told])

    def backwards(self, entry: Entry) -> None:
        """Back over an entry: its fields get what they were. What it says of after must be what is there."""
        if entry.action == "DELETE":
            self._anew(entry, f"The record came to be after {naming(entry)}, and no entry says how.")
        told = list(_told_fields(entry, self.state))
        if self.state is None and self.known:
            self.findings.append(Finding("gap", f"The record ended after {naming(entry)}, and no entry says how."))
            self._silent(entry)
        elif not self.mute and self.known and (denied := self._denied([(each.path, each.new) for each in told])):
            words = f"{listed(denied)} changed after {naming(entry)}, and no entry says how."
            self.findings.append(Finding("gap", words))
        if not told or any(each.old is _UNTOLD for each in told):
            self._silent(entry)
        self.loose |= any(each.loose for each in told)
        self._assign([(each.path, each.old) for each in told])

    def claim(self, claims: Claims, *, heed: bool) -> None:
        """What entries before the point said must still be there; with `heed` it goes into the state."""
        pairs = list(claims.values.items())
        if not claims.exists:
            return
        if self.known and self.state is None:
            self.findings.append(Finding("gap", "The record ended, and no entry says how."))
        elif self.known and (denied := self._denied(pairs)):
            words = f"{listed(denied)} changed after an entry had set it, and no entry says how."
            self.findings.append(Finding("gap", words))
        if heed:
            self._assign([(path, value) for path, value in pairs if not self._agrees(path, value)])

    def _anew(self, entry: Entry, otherwise: str) -> None:
        """On the other side of an entry that began or ended the record without telling the whole of it."""
        if self.state is not None and self.known:
            self.findings.append(Finding("gap", otherwise))
        self.state = {}
        self._silent(entry)

    def _silent(self, entry: Entry) -> None:
        if entry not in self.mute[-1:]:
            self.mute.append(entry)

    def _denied(self, pairs: list[tuple[tuple[str, ...], Any]]) -> list[str]:
        return [".".join(path) for path, value in pairs if value is not _UNTOLD and not self._agrees(path, value)]

    def _agrees(self, path: tuple[str, ...], value: Any) -> bool:
        """Not every writer tells null from missing, and one writes the same time otherwise than another."""
        here = _at(self.state, path)
        if same(here, value) or (_nothing(here) and _nothing(value)):
            return True
        at, other = read_timestamp(here), read_timestamp(value)
        return at is not None and other is not None and abs(at - other) < _ONE_DATE

    def _assign(self, values: list[tuple[tuple[str, ...], Any]]) -> None:
        if self.state is None:
            self.state = {}
        for path, value in values:
            if value is not _UNTOLD:
                _put(self.state, path, value)


def own_contradictions(entry: Entry, *, whole: bool) -> list[Finding]:
    """Where the parts of an entry deny each other: its action, its two images, and its list of changes.

    With `whole` images the list must name every field that differs; else only what both name must agree.
    """
    before, after = isinstance(entry.before, Mapping), isinstance(entry.after, Mapping)
    found = []
    if entry.action == "CREATE" and before:
        found.append(f"{naming(entry)} creates a record, and says what it was before.")
    if entry.action == "DELETE" and after:
        found.append(f"{naming(entry)} ends a record, and says what it was after.")
    if before and after and isinstance(entry.changes, Mapping) and entry.changes:
        images = {change.field: (change.old, change.new) for change in field_changes(entry) if change.kind != "same"}
        said = {change.field: (change.old, change.new) for change in _changes_as_fields(entry)}
        names = {**images, **said} if whole else images.keys() & said.keys()
        denied = [name for name in names if not _same_pair(images.get(name), said.get(name))]
        if denied:
            found.append(f"{naming(entry)} lists other changes than its images show: {listed(denied)}.")
    return [Finding("contradiction", words) for words in found]


def naming(entry: Entry) -> str:
    """An entry in a sentence."""
    return f"Entry {entry.id}"


def listed(names: list[str]) -> str:
    """Some names of fields in a sentence."""
    more = f" and {len(names) - _MOST_NAMED} more" if len(names) > _MOST_NAMED else ""
    return ", ".join(names[:_MOST_NAMED]) + more


def _told_fields(entry: Entry, state: Document | None) -> Iterator[_Told]:
    """From the images where there is one, else from the list of changes; nothing from what cannot be read."""
    before, after = entry.before, entry.after
    if isinstance(before, Mapping) or isinstance(after, Mapping):
        yield from _between(before, after, ())
        return
    for change in field_changes(entry):
        if change.kind == "changed" and change.old is None:
            continue  # not a pair of old and new
        old = ABSENT if change.kind == "added" else change.old
        new = ABSENT if change.kind == "removed" else change.new
        # A name may hold dots itself: then it is there as it is written.
        path = (change.field,) if _at(state, (change.field,)) is not ABSENT else tuple(change.field.split("."))
        yield _Told(path, old, new, loose=True)


def _between(before: Any, after: Any, path: tuple[str, ...]) -> Iterator[_Told]:
    if not isinstance(before, Mapping):
        yield from (_Told((*path, name), _UNTOLD, value) for name, value in after.items())
    elif not isinstance(after, Mapping):
        yield from (_Told((*path, name), value, _UNTOLD) for name, value in before.items())
    else:
        for name in {**before, **after}:
            old, new = before.get(name, ABSENT), after.get(name, ABSENT)
            if isinstance(old, Mapping) and isinstance(new, Mapping):
                yield from _between(old, new, (*path, name))
            else:
                yield _Told((*path, name), old, new)


def _changes_as_fields(entry: Entry) -> Iterator[Any]:
    """The listed changes taken apart as the images are, so that the two can be compared."""
    pairs = {name: pair for name, pair in entry.changes.items() if isinstance(pair, Mapping)}
    old = {name: pair.get("old") for name, pair in pairs.items()}
    new = {name: pair.get("new") for name, pair in pairs.items()}
    return (change for change in field_changes(replace(entry, before=old, after=new)) if change.kind != "same")


def _same_pair(one: tuple[Any, Any] | None, other: tuple[Any, Any] | None) -> bool:
    """A missing pair is one of nothing: an empty document beside its first field is no change of its own."""
    first, second = one or (None, None), other or (None, None)
    return all(same(a, b) or (_nothing(a) and _nothing(b)) for a, b in zip(first, second, strict=True))


def _nothing(value: Any) -> bool:
    return value is None or value is ABSENT or value == {}


def _at(state: Document | None, path: tuple[str, ...]) -> Any:
    value: Any = state
    for name in path:
        value = value.get(name, ABSENT) if isinstance(value, dict) else ABSENT
    return value


def _put(state: Document, path: tuple[str, ...], value: Any) -> None:
    *parents, last = path
    for name in parents:
        if not isinstance(state.get(name), dict):
            if value is ABSENT:
                return
            state[name] = {}
        state = state[name]
    if value is ABSENT:
        state.pop(last, None)
    else:
        state[last] = copy.deepcopy(value)
