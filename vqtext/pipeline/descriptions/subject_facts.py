"""What is known of a subject, in words."""

from __future__ import annotations

from vqtext.schema import Subject

FACTS = ("age", "height", "weight", "sex", "hand")
"""What may be known of a subject, in the order of ``subject_text``."""


def facts_of(subject: Subject) -> list[str | None]:
    """What is known of a subject, each fact a text of its own; None where it is not known. As `FACTS`.

    >>> facts_of(Subject("101", age=27, height_cm=182, weight_kg=83, sex="male", hand="right"))
    ['27 years old', '182 cm tall', '83 kg', 'male', 'right-handed']
    """
    years = f"{subject.age:.0f}" if subject.age is not None else ""
    sex = {"m": "male", "f": "female"}.get((subject.sex or "")[:1].casefold())
    return [
        f"{years} {'year' if years == '1' else 'years'} old" if years else None,
        f"{subject.height_cm:.0f} cm tall" if subject.height_cm is not None else None,
        f"{subject.weight_kg:.0f} kg" if subject.weight_kg is not None else None,
        sex,
        f"{subject.hand}-handed" if subject.hand else None,
    ]
