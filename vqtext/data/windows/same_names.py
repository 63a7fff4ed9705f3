"""Names that nearly agree: people who are one, and other names that are kept apart."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from vqtext.data.recordings.findings import listed
from vqtext.errors import DataError
from vqtext.schema import Subject, same_subject


class People:
    """The subjects of recordings, each called as in the first of them; see `same_subject`.

    Args:
        exact: every spelling is a person; otherwise "1", "01" and "1.0" are one.

    Attributes:
        subjects: those who have a window, by id.
        spellings: of each person, by what they have in common.
    """

    def __init__(self, exact: bool) -> None:
        self.exact = exact
        self.subjects: dict[str, Subject] = {}
        self.spellings: dict[str, list[str]] = {}

    def first_spelling(self, subject: Subject) -> Subject:
        """The subject under the name that this person had first."""
        key = subject.id.strip() if self.exact else same_subject(subject.id)
        spellings = self.spellings.setdefault(key, [])
        if subject.id not in spellings:
            spellings.append(subject.id)
        return replace(subject, id=spellings[0].strip())

    def index(self, subject: Subject, recording: str) -> int:
        """The place of a subject among those who have a window.

        Raises:
            DataError: other facts are known of that person.
        """
        if self.subjects.setdefault(subject.id, subject) != subject:
            raise DataError(f"recording {recording!r}: other facts of subject {subject.id!r} than before")
        return list(self.subjects).index(subject.id)

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on with ``subjects`` and ``spellings``, as JSON has them."""
        self.subjects = {facts["id"]: Subject(**facts) for facts in state["subjects"]}
        self.spellings = {key: list(own) for key, own in state["spellings"].items()}


def names_alike(people: People, others: Mapping[str, Iterable[str]]) -> list[str]:
    """One remark on all names that differ in no more than case, spaces or zeros; ``others`` by their kind."""
    remarks = []
    merged = [
        f"{listed(spellings)} are one person, {spellings[0].strip()!r}"
        for spellings in people.spellings.values()
        if len(spellings) > 1
    ]
    if merged:
        remarks.append(
            f"subjects {'; '.join(merged)} (exact_subjects = true in dataset.toml keeps them apart)"
        )
    ids = [spellings[0].strip() for spellings in people.spellings.values()]
    for kind, names in {"subjects": ids, **others}.items():
        groups: dict[str, list[str]] = {}
        for name in names:
            groups.setdefault(same_subject(name), []).append(name)
        if similar := [listed(group) for group in groups.values() if len(group) > 1]:
            remarks.append(f"{kind} {'; '.join(similar)} are kept apart")
    return [f"names that nearly agree: {'; '.join(remarks)}"] if remarks else []
