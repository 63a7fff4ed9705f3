"""A user would lose: segments on their way to another tool, or a guess would come back as a truth."""

from __future__ import annotations

import json
from typing import Any

import pytest
from studio_server import Studio, said

from vqtext.errors import DataError
from vqtext.studio.label_studio import from_label_studio, label_studio_config, to_label_studio
from vqtext.studio.segment_csv import from_csv, to_csv
from vqtext.studio.segments import Segment

STEPS = {"walking": ["lift", 'say "hi", then wait'], "running": ["lift", "<script>", "=1+1", "다리를 들기"]}
SAID = [
    Segment("P01, a", 0.0, 1.25, "walking", 'say "hi", then wait'),
    Segment("P01, a", 1.25, 2.0, "running", "=1+1"),
    Segment("שלום", 0.5, 2.0, "running", "다리를 들기"),
]
FOUND = Segment("P01, a", 3.0, 4.0, "running", "lift", 0.4, "found")
HEAD = "recording,start_s,end_s,label,phrase"


def region(start: object, end: object, *labels: object, kind: str = "timeserieslabels") -> dict[str, Any]:
    return {"type": kind, "value": {"start": start, "end": end, "instant": False, kind: [*labels]}}


def task(*regions: dict[str, Any], **data: object) -> dict[str, Any]:
    return {"data": data or {"recording": "P01, a"}, "annotations": [{"result": [*regions]}]}


def read(*tasks: object) -> Any:
    return from_label_studio(json.dumps(tasks), ["P01, a", "שלום"], STEPS)


def test_csv_comes_back_as_it_went_and_what_was_found_stays_out() -> None:
    back = from_csv(to_csv([*SAID, FOUND]))
    assert [*back.segments] == SAID
    assert back.left_out == ("1 lines that were found, not said by a person",)


@pytest.mark.parametrize("mark", [",", ";", "\t"])
def test_csv_of_other_programs(mark: str) -> None:
    text = "\ufeff" + f"{HEAD},note\r\na,0,1.5,walking,lift,x\r\n".replace(",", mark)
    assert from_csv(text).segments == (Segment("a", 0.0, 1.5, "walking", "lift"),)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "line 1 must name"),
        ("recording,start_s,end_s,label\n", "there is no phrase"),
        (f"{HEAD}\na,0,1,walking\n", "line 2 has not one value"),
        (f"{HEAD}\na,0,1,walking,lift,more\n", "line 2 has not one value"),
        (f"{HEAD}\na,zero,1,walking,lift\n", "line 2, start_s"),
        (f"{HEAD}\na,0,inf,walking,lift\n", "line 2, end_s"),
        (f"{HEAD}\na,0,1,walking,lift\na,2,1,walking,lift\n", "line 3: it ends at 1 s"),
        (f"{HEAD}\na,-1,1,walking,lift\n", "line 2: it ends"),
        (f'{HEAD}\na,0,1,"walking,lift\n', "line 1: not CSV"),
    ],
)
def test_a_broken_csv_is_refused_with_its_line(text: str, reason: str) -> None:
    with pytest.raises(DataError, match=reason) as error:
        from_csv(text)
    assert "\n" not in str(error.value)


def test_label_studio_comes_back_as_it_went() -> None:
    tasks = to_label_studio([*SAID, FOUND], ["P01, a", "שלום", "empty"])
    assert [sorted(one) for one in tasks] == [
        ["annotations", "data", "predictions"],
        ["annotations", "data"],
        ["data"],
    ]
    first = tasks[0]["annotations"][0]["result"][0]
    assert first["type"] == "timeserieslabels" and {"from_name", "to_name", "id", "value"} <= {*first}
    assert first["value"]["timeserieslabels"] == ['walking: say "hi", then wait']
    assert [*read(*tasks).segments] == SAID


def test_the_configuration_is_xml_that_names_each_step_once() -> None:
    from xml.etree import ElementTree

    root = ElementTree.fromstring(label_studio_config(STEPS, ['acc "x"', "<y>"]))
    assert [e.get("value") for e in root.iter("Label")][3] == "running: <script>"
    assert [e.get("column") for e in root.iter("Channel")] == ['acc "x"', "<y>"]


def test_what_is_left_out_is_told() -> None:
    mine = task(
        region(0, 1, "running: lift"), region(2, 2, "running: lift"), region(0, 1, "x", kind="choices")
    )
    mine["annotations"].insert(0, {"result": [region(5, 6, "<script>")]})
    mine["annotations"].append({"was_cancelled": True, "result": []})
    back = read(mine, {"data": {"recording": "?"}, "annotations": []})
    assert back.segments == (Segment("P01, a", 0, 1, "running", "lift"),)
    assert len(back.left_out) == 4
    mine["annotations"][0]["ground_truth"] = True
    assert read(mine).segments == (Segment("P01, a", 5, 6, "running", "<script>"),)


def test_a_recording_is_known_by_its_file_too() -> None:
    assert (
        read(task(region(0, 1, "=1+1"), csv="/data/upload/1/1a2b3c4d-P01, a.csv?d=1")).segments[0].recording
        == "P01, a"
    )


@pytest.mark.parametrize(
    ("tasks", "reason"),
    [
        ([3], "has no data"),
        ([{"csv": "a"}], "has no data"),
        ([task(region(0, 1, "running: lift"), recording="P77")], "names a recording"),
        ([task(region(0, 1, "lift"))], "the label 'lift'"),  # two labels have it
        ([task(region(0, 1, "running: fly"))], "the label 'running: fly'"),
        ([task(region(0, 1, ["running"]))], "the label"),
        ([task(region(0, 1, "<script>", "=1+1"))], "2 labels at once"),
        ([task(region("2020-01-01", 1, "<script>"))], "no number of seconds"),
        ([task(region(True, 1, "<script>"))], "no number of seconds"),
        ([task(region(2, 1, "<script>"))], "it ends at 1 s"),
        ([{"data": {"recording": "P01, a"}, "annotations": [{"result": 3}]}], "no list of results"),
    ],
)
def test_a_broken_export_is_refused_with_its_task(tasks: list[Any], reason: str) -> None:
    with pytest.raises(DataError, match=reason) as error:
        read(*tasks)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("text", ["nothing", "[" * 100_000, ""])
def test_what_is_no_json_is_refused(text: str) -> None:
    with pytest.raises(DataError):
        from_label_studio(text, [], {})


def test_files_go_out_and_come_back_through_the_page(studio: Studio) -> None:
    studio.ask("POST", "api/correct", {"corrections": [said(1, 2)]})
    for kind in ("csv", "labelstudio"):
        file = studio.ask("GET", f"api/export?kind={kind}")[1]
        text = json.dumps(file) if kind == "labelstudio" else file.decode()
        before = studio.editor.corrections.fingerprint()
        status, answer = studio.ask("POST", "api/import", {"text": text})
        assert status == 200 and answer["taken"] == 1 and studio.editor.corrections.fingerprint() == before
    assert studio.ask("GET", "api/export?kind=config")[1].startswith(b"<View>")
    assert studio.ask("GET", "api/export?kind=exe")[0] == 422
    text = f"{HEAD}\nP01 session 1,0,1,walking,swing the left leg\nP99,0,1,walking,swing the left leg\n"
    status, answer = studio.ask("POST", "api/import", {"text": text})
    assert status == 422 and "'P99'" in answer["error"] and studio.editor.corrections.fingerprint() == before
