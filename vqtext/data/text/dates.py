"""Dates and times of day as text → whole microseconds."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, date, datetime, timedelta

_MICROSECOND = timedelta(microseconds=1)
_EPOCH = datetime(1970, 1, 1)
_NO_ZONE = ", without a zone"
_DAY = 86_400_000_000
_STAMP = re.compile(
    r"(?:(?P<date>\d{1,4}([-/.])\d{1,2}\2\d{1,4})(?:[T ] *|$))?"
    r"(?:(?P<hour>\d{1,4}):(?P<minute>\d{2})(?::(?P<second>\d{2}))?(?:[.,:](?P<part>\d+))?"
    r" *(?P<half>[AP]M)?)?"
    r" *(?P<zone>Z|UTC|GMT|[+-]\d{2}:?\d{2})? *(?:\[[^\]]*\])?",
    re.IGNORECASE,
)

_PACKED = re.compile(
    r"((?:19|20)\d\d)(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])([01]\d|2[0-3])([0-5]\d)([0-5]\d)(\d{3}|\d{6})?"
)

Wrong = Callable[[int, str], Exception]
"""The error for one of the texts, by its place and what is wrong with it."""


def is_packed(text: str) -> bool:
    """Is it a date without anything between its parts: "20231023100000020"?"""
    return _PACKED.fullmatch(text) is not None


def spread(text: str) -> str:
    """Such a date as any other; what is none stays as it is."""
    match = _PACKED.fullmatch(text)
    return text if match is None else "{}-{}-{} {}:{}:{}.{}".format(*(part or "0" for part in match.groups()))


def moments(texts: Sequence[str], unit: str | None, wrong: Wrong) -> tuple[list[int], str]:
    """Texts such as "2023-10-23 10:00:00.020+01:00", "23.10.2023 10:00:00,020" or "10:00:00.020".

    Args:
        unit: "iso" takes dates with the year first alone, "hms" times of day alone; None finds out.

    Returns:
        Microseconds since 1970, by UTC where there is no zone, or since midnight; and what they are.

    Raises:
        What ``wrong`` makes: a text is no time, or its date may be read in two ways.
    """
    try:
        if unit != "hms":
            return _of_iso([datetime.fromisoformat(text) for text in texts])
    except (ValueError, TypeError):
        pass  # one of them is none, or they differ in having a zone: which one, is found below
    stamps = [_STAMP.fullmatch(text) for text in texts]
    dates: dict[str, int] = {}
    for i, stamp in enumerate(stamps):
        if stamp is None or not (stamp["date"] or stamp["hour"]):
            raise wrong(i, 'is no time; say time_format = "…", as in strptime')
        if stamp["date"]:
            dates.setdefault(stamp["date"], i)
        if (bool(stamp["date"]), bool(stamp["zone"])) != (bool(stamps[0]["date"]), bool(stamps[0]["zone"])):  # type: ignore[index]
            raise wrong(i, f"and {texts[0]!r} differ in having a date or a zone")
        if unit == ("hms" if stamp["date"] else "iso"):
            raise wrong(i, f"is not what time_unit = {unit!r} says")
    orders = _orders(dates)
    if len(orders) != 1 or (unit == "iso" and orders != {"ymd"}):
        what = "may be day or month first" if orders else "and others have the year, month and day elsewhere"
        raise wrong(min(dates.values()), f'{what}; say time_format = "%d/%m/%Y %H:%M:%S.%f" or so')
    (order,) = orders
    try:
        days = {text: _days(text, order) for text in dates}
    except ValueError:
        raise wrong(next(i for text, i in dates.items() if not _is_date(text, order)), "is no date") from None
    day_or_month = {"ymd": "", "dmy": ", the day first", "mdy": ", the month first"}[order]
    zone = "" if stamps[0] and stamps[0]["zone"] else _NO_ZONE
    kind = f"times are dates{day_or_month}{zone}" if dates else "times are times of day"
    return [days.get(stamp["date"], 0) * _DAY + _of_day(stamp) for stamp in stamps if stamp], kind


def parsed(texts: Sequence[str], form: str, wrong: Wrong) -> list[int]:
    """Texts in the form of Python's ``strptime``, as `moments`."""
    dates = []
    for i, text in enumerate(texts):
        try:
            dates.append(datetime.strptime(text, form))
        except ValueError:
            raise wrong(i, f"is not as time_format = {form!r} says") from None
    no_date = datetime(1900, 1, 1)  # what strptime makes of a time of day
    if all(moment.date() == no_date.date() for moment in dates):
        return [(moment.replace(tzinfo=None) - no_date) // _MICROSECOND for moment in dates]
    return _of_iso(dates)[0]


def _of_iso(dates: Iterable[datetime]) -> tuple[list[int], str]:
    """Raises TypeError where some have a zone and others have none."""
    dates = list(dates)
    zoned = dates[0].tzinfo is not None
    start = _EPOCH.replace(tzinfo=UTC) if zoned else _EPOCH
    zone = "" if zoned else _NO_ZONE
    return [(moment - start) // _MICROSECOND for moment in dates], f"times are dates{zone}"


def _of_day(stamp: re.Match[str]) -> int:
    """Microseconds since midnight, UTC where there is a zone."""
    hour, minute, second = (int(stamp[part] or 0) for part in ("hour", "minute", "second"))
    part = int((stamp["part"] or "").ljust(6, "0")[:6])
    if stamp["part"] and not stamp["second"]:  # minutes, seconds and a fraction, as spreadsheets show them
        hour, minute, second = 0, hour, minute
    if stamp["half"]:
        hour = hour % 12 + (12 if stamp["half"].upper() == "PM" else 0)
    zone = re.fullmatch(r"([+-])(\d\d):?(\d\d)", stamp["zone"] or "")
    offset = 0 if zone is None else int(zone[1] + "1") * (int(zone[2]) * 60 + int(zone[3]))
    return (((hour * 60 + minute - offset) * 60) + second) * 1_000_000 + part


def _orders(dates: Iterable[str]) -> set[str]:
    """What may stand where in all of these dates; none of two digits a year is taken for granted."""
    orders = {"ymd"} if not dates else {"ymd", "dmy", "mdy"}
    for text in dates:
        first, second, third = re.split("[-/.]", text)
        if len(first) == 4:
            orders &= {"ymd"}
        elif len(third) == 4:
            orders &= {"dmy"} if "." in text else {"dmy", "mdy"}
        if int(first) > 12:
            orders -= {"mdy"}
        if int(second) > 12:
            orders -= {"dmy"}
    return orders


def _days(text: str, order: str) -> int:
    """Days since 1970."""
    parts = dict(zip(order, map(int, re.split("[-/.]", text)), strict=True))
    return date(parts["y"], parts["m"], parts["d"]).toordinal() - _EPOCH.toordinal()


def _is_date(text: str, order: str) -> bool:
    try:
        _days(text, order)
    except ValueError:
        return False
    return True
