"""A user would lose: a factor of thousand, or the data of a device whose unit nobody thought of."""

from __future__ import annotations

import numpy as np
import pytest

from vqtext.data.own.contents import check_contents
from vqtext.data.own.csv_folder import Csv
from vqtext.data.recordings.units import conversion
from vqtext.errors import DataError


@pytest.mark.parametrize(
    ("modality", "unit", "ours", "factor"),
    [
        ("acc", "mg", "m/s2", 0.00980665),
        ("acc", " m / s² ", "m/s2", 1),
        ("acc", "m/s^2", "m/s2", 1),
        ("gyro", "mdps", "rad/s", np.pi / 180_000),
        ("gyro", "°/s", "rad/s", np.pi / 180),
        ("mag", "µT", "uT", 1),  # the sign of the keyboard
        ("mag", "μT", "uT", 1),  # the Greek letter
        ("mag", "1", "1", 1),
        ("hr", "Hz", "bpm", 60),
        ("position", "mm", "m", 0.001),
        ("velocity", "km/h", "m/s", 1 / 3.6),
        ("angle", "°", "rad", np.pi / 180),
        ("force", "kN", "N", 1000),
        ("emg", "mV", "uV", 1000),
        ("emg", "µV", "uV", 1),
        ("force", "counts", "1", 1),
        ("unknown", "counts", "1", 1),
    ],
)
def test_units_as_devices_write_them(modality, unit, ours, factor):
    assert conversion(modality, unit) == (ours, pytest.approx(factor))


@pytest.mark.parametrize(
    ("modality", "unit", "says"),
    [
        (
            "acc",
            "counts",
            'm/s2, cm/s2, mm/s2, g, mg; of counts say unit = "m/s2" and scale = 0.015625',
        ),
        ("force", "MN", "one of N, mN, kN, 1, counts"),  # case tells milli from mega
        ("angle", "1", "one of rad, mrad, deg"),
        ("unknown", "V", "one of 1, counts"),
        ("speed", "m/s", "position, velocity, angle, force, emg"),
    ],
)
def test_what_is_not_known_is_told_with_what_is(modality, unit, says):
    with pytest.raises(DataError) as error:
        conversion(modality, unit)
    assert says in str(error.value)


def contents(*channels):
    keys = ("column", "location", "modality", "axis", "unit")
    entries = [{**dict(zip(keys, channel[:5], strict=True)), **channel[5]} for channel in channels]
    said = {"name": "s", "rate_hz": 1000, "recordings": "*.csv", "label_column": "label", "channels": entries}
    return check_contents(said, "dataset.toml")


def test_counts_have_a_scale(tmp_path):
    """An Empatica writes 64 for 1 g."""
    (tmp_path / "dataset.toml").write_text(
        'name = "s"\nrate_hz = 32\nrecordings = "*.csv"\nlabel_column = "label"\n[[channels]]\ncolumn = "x"\n'
        'location = "wrist"\nmodality = "acc"\naxis = "x"\nunit = "g"\nscale = 0.015625\n'
    )
    (tmp_path / "one.csv").write_text("x,label\n64,rest\n-32,rest\n")
    (recording,) = Csv(tmp_path, None, print).recordings()
    assert recording.signal[0].tolist() == pytest.approx([9.80665, -9.80665 / 2])
    assert recording.channels[0].unit == "m/s2"


def test_a_scale_of_nothing_and_two_units_of_one_sensor_are_refused():
    with pytest.raises(DataError, match=r"'x'.* 0"):
        contents(("x", "wrist", "acc", "x", "g", {"scale": 0}))
    with pytest.raises(DataError, match=r"'y'.*'1'.*'hand'.* m "):
        contents(("x", "hand", "position", "x", "mm", {}), ("y", "hand", "position", "y", "1", {}))
    contents(("x", "hand", "position", "x", "mm", {}), ("y", "hand", "position", "y", "cm", {}))


def test_raw_emg_does_not_vanish_unsaid_when_the_rate_falls(tmp_path):
    (tmp_path / "dataset.toml").write_text(
        'name = "s"\nrate_hz = 1000\nrecordings = "*.csv"\nlabel_column = "label"\n[[channels]]\n'
        'column = "x"\nlocation = "left forearm"\nmodality = "emg"\naxis = "flexor"\nunit = "mV"\n'
    )
    (tmp_path / "one.csv").write_text("x,label\n1,rest\n")
    heard: list[str] = []
    for rate_hz in (None, 1000, 50):
        Csv(tmp_path, rate_hz, heard.append)
    assert len(heard) == 1 and "emg at 50 Hz" in heard[0]
