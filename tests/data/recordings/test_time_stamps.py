"""Time stamps as devices write them → seconds since the first."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pytest

from vqtext.data.text.file_keys import FileKeys
from vqtext.data.text.own_tables import read_csv
from vqtext.errors import DataError

START = dt.datetime(2023, 10, 23, 9, 59, 59, 900_000, tzinfo=dt.UTC)
EPOCH = int(START.timestamp() * 1000)
N = 60  # rows, 50 a second


def read(tmp_path, stamps, rate_hz=50, columns=("time",), separator=",", **keys):
    rows = [separator.join(columns) + f"{separator}x", *(f"{stamp}{separator}1" for stamp in stamps)]
    (tmp_path / "a.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    keys = keys or {"time_column": "time"}
    return read_csv(tmp_path / "a.csv", "a.csv", ["x"], [], FileKeys(**keys), rate_hz)


def each(form, **more):
    """Stamps of ``form``, every 20 ms from `START`."""
    moments = [START + dt.timedelta(milliseconds=20 * i) for i in range(N)]
    return [form(moment) for moment in moments]


ISO = each(lambda t: t.replace(tzinfo=None).isoformat(" ", "milliseconds"))
BERLIN = dt.timezone(dt.timedelta(hours=2))
DAY = START.hour * 3600 + START.minute * 60 + 59.9


@pytest.mark.parametrize(
    ("stamps", "start_s", "found"),
    [
        ([f"{i * 0.02:.2f}" for i in range(N)], 0, ()),
        ([f"{5 + i * 0.02:.2f}" for i in range(N)], 5, ()),
        ([str(i * 20) for i in range(N)], 0, ("times in ms",)),
        ([str(49105962326000 + i * 20_000_000) for i in range(N)], 49105.962326, ("times in ns",)),
        ([str(4294000000 + i * 20_000) for i in range(N)], 4294, ("times in us",)),
        ([str(EPOCH + i * 20) for i in range(N)], EPOCH / 1e3, ("times in ms since 1970",)),
        ([f"{EPOCH / 1e3 + i * 0.02:.3f}" for i in range(N)], EPOCH / 1e3, ("times in s since 1970",)),
        ([str((EPOCH + i * 20) * 1000) for i in range(N)], EPOCH / 1e3, ("times in us since 1970",)),
        ([str((EPOCH + i * 20) * 10**6) for i in range(N)], EPOCH / 1e3, ("times in ns since 1970",)),
        (ISO, EPOCH / 1e3, ("times are dates, without a zone",)),
        ([stamp.replace(" ", "T") + "Z" for stamp in ISO], EPOCH / 1e3, ("times are dates",)),
        ([stamp + " UTC" for stamp in ISO], EPOCH / 1e3, ("times are dates",)),
        (
            ['"' + stamp.replace(".", ",") + '"' for stamp in ISO],
            EPOCH / 1e3,
            ("times are dates, without a zone",),
        ),
        ([stamp.replace("-", "/") for stamp in ISO], EPOCH / 1e3, ("times are dates, without a zone",)),
        ([f"{stamp[:19]}:{stamp[20:]}" for stamp in ISO], EPOCH / 1e3, ("times are dates, without a zone",)),
        (each(lambda t: t.astimezone(BERLIN).isoformat()), EPOCH / 1e3, ("times are dates",)),
        (
            each(lambda t: t.astimezone(BERLIN).strftime("%Y-%m-%d %H:%M:%S.%f%z [Europe/Berlin]")),
            EPOCH / 1e3,
            ("times are dates",),
        ),
        (
            each(lambda t: t.strftime("%d.%m.%Y %H:%M:%S.%f")),
            EPOCH / 1e3,
            ("times are dates, the day first, without a zone",),
        ),
        (
            each(lambda t: t.strftime("%d/%m/%Y %H:%M:%S.%f")),
            EPOCH / 1e3,
            ("times are dates, the day first, without a zone",),
        ),
        (
            each(lambda t: t.strftime("%m/%d/%Y %I:%M:%S.%f %p")),
            EPOCH / 1e3,
            ("times are dates, the month first, without a zone",),
        ),
        (each(lambda t: t.strftime("%Y%m%d%H%M%S%f")), EPOCH / 1e3, ("times are dates, without a zone",)),
        (each(lambda t: t.strftime("%H:%M:%S.%f")), DAY, ("times are times of day",)),
        ([f"12:{i * 0.02:05.2f}" for i in range(N)], 720, ("times are times of day",)),
    ],
)
def test_the_same_moments_however_they_are_written(tmp_path, stamps, start_s, found):
    made = read(tmp_path, stamps)
    np.testing.assert_allclose(made.times, np.arange(N) * 0.02, rtol=0, atol=5e-7)
    assert made.start_s == pytest.approx(start_s, abs=1e-6) and made.found == found


def test_nanoseconds_since_1970_keep_each_of_them(tmp_path):
    """As floats they would be 256 ns apart, or not at all."""
    stamps = [str(EPOCH * 10**6 + i) for i in range(N)]
    made = read(tmp_path, stamps, rate_hz=1e9)
    np.testing.assert_allclose(made.times, np.arange(N) * 1e-9, rtol=1e-12)


@pytest.mark.parametrize(
    ("times", "unit"),
    [
        ([1500000000 + i // 50 for i in range(400)], "s"),  # whole seconds
        ([i // 5 * 100 + i % 5 * 0.1 for i in range(400)], "ms"),  # five samples a packet, as they arrive
        ([i * 20 + 80 * (i // 25) for i in range(400)], "ms"),  # lost packets
        ([(4294000000 + i * 20000) % 2**32 for i in range(40000)], "us"),  # a counter that starts anew
        ([i * 16.667 for i in range(400)], "ms"),  # another rate
        ([0, *(EPOCH + i * 20 for i in range(400))], "ms"),  # no clock at first
        ([8000 - i * 20 for i in range(400)], "ms"),  # the newest row first
        ([45222.4 + i * 0.02 / 86400 for i in range(400)], "days"),  # as spreadsheets count
        ([EPOCH], "ms"),
    ],
)
def test_the_unit_of_numbers_stands_whatever_they_do(tmp_path, times, unit):
    made = read(tmp_path, times)
    factor = {"days": 86400, "s": 1, "ms": 1e-3, "us": 1e-6}[unit]
    np.testing.assert_allclose(made.times, (np.array(times) - times[0]) * factor, rtol=1e-9)


def test_a_unit_that_is_said_is_taken(tmp_path):
    made = read(tmp_path, range(N), time_column="time", time_unit="ms")
    np.testing.assert_allclose(made.times, np.arange(N) / 1000)
    assert made.found == ()
    assert read(tmp_path, ["0", "0.5"], time_column="time", time_unit="days").times[1] == 43200
    ticks = [str(133425288000000000 + 200_000 * i) for i in range(N)]
    np.testing.assert_allclose(
        read(tmp_path, ticks, time_column="time", time_unit="100ns").times, np.arange(N) * 0.02
    )


def test_a_form_that_is_said_is_taken(tmp_path):
    stamps = each(lambda t: t.strftime("%d/%m/%y %H-%M-%S.%f"))
    made = read(tmp_path, stamps, time_column="time", time_format="%d/%m/%y %H-%M-%S.%f")
    np.testing.assert_allclose(made.times, np.arange(N) * 0.02, atol=1e-9)
    assert made.start_s == EPOCH / 1e3 and made.found == ()
    stamps = each(lambda t: t.strftime("%H-%M-%S.%f"))
    made = read(tmp_path, stamps, time_column="time", time_format="%H-%M-%S.%f")
    assert made.start_s == pytest.approx(DAY)


def test_date_and_time_in_columns_of_their_own(tmp_path):
    stamps = each(lambda t: t.strftime("%d/%m/%Y,%H:%M:%S.%f"))
    made = read(tmp_path, stamps, columns=("date", "time"), time_columns=["date", "time"])
    np.testing.assert_allclose(made.times, np.arange(N) * 0.02, atol=1e-9)
    assert made.start_s == EPOCH / 1e3


@pytest.mark.parametrize("first", ["0.00", ISO[0], str(EPOCH * 10**6)])
def test_a_stamp_that_is_missing_is_nan(tmp_path, first):
    step = {"0.00": "0.02", ISO[0]: ISO[1]}.get(first, str(EPOCH * 10**6 + 20_000_000))
    for missing in ("", "NaT", "NA"):
        made = read(tmp_path, [missing, first, missing, step])
        np.testing.assert_allclose(made.times, [np.nan, 0, np.nan, 0.02])


def test_a_decimal_comma_holds_for_stamps_too(tmp_path):
    made = read(tmp_path, [f"{i * 0.02:.2f}".replace(".", ",") for i in range(N)], separator=";")
    np.testing.assert_allclose(made.times, np.arange(N) * 0.02, atol=1e-12)


def test_an_hour_that_comes_twice_is_told_by_its_zone(tmp_path):
    """Clocks go back at 3:00 in summer time: without zones the second hour is the first again."""
    zoned = ["2023-10-29T02:59:59.980+02:00", "2023-10-29T02:00:00.000+01:00"]
    np.testing.assert_allclose(read(tmp_path, zoned).times, [0, 0.02], atol=1e-9)
    assert read(tmp_path, [stamp[:-6] for stamp in zoned]).times[1] < -3000


@pytest.mark.parametrize(
    ("stamps", "keys", "message"),
    [
        (
            ["03/04/2023 10:00:00", "03/04/2023 10:00:01"],
            {},
            "row 2, column 'time': '03/04/2023 10:00:00'",
        ),
        ([ISO[0], "soon"], {}, "row 3, column 'time': 'soon'"),
        (["9" * 30], {}, "is no time"),
        (["soon"], {}, "row 2, column 'time': 'soon'"),
        ([ISO[0], ISO[1] + "Z"], {}, "row 3, column 'time'"),
        ([ISO[0], "30.12.2023 10:00:00"], {}, "year, month and day"),
        (["31.02.2023 10:00:00"], {}, "'31.02.2023 10:00:00' is no date"),
        (["0.1", ISO[0]], {}, f"row 3, column 'time': '{ISO[0]}' is not a number"),
        ([ISO[0], "0.1"], {}, "row 3, column 'time': '0.1'"),
        ([ISO[0]], {"time_unit": "ms"}, "is not a number"),
        ([ISO[0]], {"time_unit": "hms"}, "time_unit = 'hms'"),
        (["23.10.2023 10:00:00"], {"time_unit": "iso"}, "say time_format"),
        ([ISO[0]], {"time_format": "%H:%M"}, "time_format = '%H:%M'"),
    ],
)
def test_what_is_no_time_is_one_line(tmp_path, stamps, keys, message):
    with pytest.raises(DataError) as error:
        read(tmp_path, stamps, time_column="time", **keys)
    assert message in str(error.value) and "\n" not in str(error.value)
