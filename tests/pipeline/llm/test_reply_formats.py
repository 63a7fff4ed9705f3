"""How JSON is asked for: as the server can, and what a model does not take is left out."""

from __future__ import annotations

import pytest
from llm.asked import GOOD, ask, question
from llm.server import Response, rejecting, script


class TestHowJSONIsAskedFor:
    @pytest.mark.parametrize(
        ("rejected", "got"),
        [((), "json_schema"), (("json_schema",), "json_object"), (("json_schema", "json_object"), "text")],
    )
    @pytest.mark.parametrize("status", [400, 422, 500, 501])
    def test_falls_back_for_the_whole_run(self, llm_server, tmp_path, rejected, got, status):
        llm_server.reply = rejecting(*rejected, otherwise=GOOD, status=status)
        names = [f"name {i}" for i in range(12)]
        answers = ask(tmp_path, llm_server.settings(concurrency=3, retries=0), *map(question, names))
        assert {answer.reply_format for answer in answers} == {got}
        assert {answer.paid for answer in answers} == {1}
        assert len(llm_server.requests) <= 12 + 3 * len(rejected)

    def test_a_server_that_ignores_it_gives_text(self, llm_server, tmp_path):
        llm_server.reply = script(f"Sure!\n```json\n{GOOD}\n```\nAnything else?")
        (answer,) = ask(tmp_path, llm_server.settings())
        assert answer.value.word == "leg up" and answer.reply_format == "text"

    @pytest.mark.parametrize(
        ("status", "body"),
        [
            (500, {"error": {"message": "output that does not match the expected peg-native format"}}),
            (500, "Internal Server Error"),
            (400, [{"error": {"message": "Unknown name \"x\" at 'generation_config.response_schema'"}}]),
            (400, [{"error": {"message": "Request contains an invalid argument."}}]),
            (400, {"error": {"code": "json_validate_failed", "failed_generation": "{", "message": "See …"}}),
            (400, {"error": "'response_format.type' must be 'text'"}),
        ],
        ids=["llama.cpp", "silent", "gemini", "gemini silent", "groq", "lm studio"],
    )
    @pytest.mark.parametrize("refused", [("json_schema",), ("json_schema", "json_object")])
    def test_a_server_that_fails_over_it_is_asked_another_way(
        self, llm_server, tmp_path, status, body, refused
    ):
        """Else no label gets its words from that server, however often it is asked."""

        def reply(request: dict) -> str | Response:
            asked_for = request.get("response_format", {}).get("type")
            return Response(status=status, body=body) if asked_for in refused else GOOD

        llm_server.reply = reply
        settings = llm_server.settings(concurrency=1, retries=0)
        answers = ask(tmp_path, settings, *map(question, ("up", "down", "in")))
        assert [answer.paid for answer in answers] == [1, 1, 1]
        assert {answer.reply_format for answer in answers} == {"text" if len(refused) > 1 else "json_object"}
        assert len(llm_server.requests) == 3 + len(refused)

    def test_a_server_that_says_so_is_not_asked_the_same_way_again(self, llm_server, tmp_path):
        told = {"error": {"message": "output that does not match the expected peg-native format"}}
        llm_server.reply = lambda request: (
            Response(status=500, body=told) if "response_format" in request else GOOD
        )
        (answer,) = ask(tmp_path, llm_server.settings(retries=5))
        assert answer.reply_format == "text" and len(llm_server.requests) == 3

    @pytest.mark.parametrize("status", [400, 500])
    def test_one_that_fails_anyway_is_asked_little_more(self, llm_server, tmp_path, status):
        llm_server.reply = script(Response(status=status, body={"error": {"message": "out of memory"}}))
        failures = ask(tmp_path, llm_server.settings(concurrency=4), *map(question, "abcdefgh"))
        assert all("out of memory" in failure.reason for failure in failures)
        assert len(llm_server.requests) == 8 + 2

    def test_one_that_failed_once_is_asked_as_before(self, llm_server, tmp_path):
        """A reply came in the usual way: that one failed is no reason to give it up."""
        failed = Response(status=500, body={"error": {"message": "oops"}})
        llm_server.reply = script(GOOD, failed, GOOD, GOOD)
        answers = ask(tmp_path, llm_server.settings(concurrency=1), *map(question, "abc"))
        assert [answer.reply_format for answer in answers] == ["json_schema", "json_object", "json_schema"]

    def test_a_reply_that_is_held_back_over_its_form_is_used(self, llm_server, tmp_path):
        """It is all there, but for a comma, and paid for."""
        error = {"code": "json_validate_failed", "failed_generation": '{"word": "leg up",}'}
        llm_server.reply = script(Response(status=400, body={"error": error}))
        (answer,) = ask(tmp_path, llm_server.settings())
        assert (answer.value.word, answer.reply_format, answer.paid) == ("leg up", "text", 1)
        (again,) = ask(tmp_path, llm_server.settings())
        assert again.paid == 0 and len(llm_server.requests) == 1

    @pytest.mark.parametrize(
        ("complaint", "gone", "instead"),
        [
            (
                {"message": "Unsupported value: 'temperature' does not support 0.2", "param": "temperature"},
                "temperature",
                None,
            ),
            (
                {"message": "Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens' instead."},
                "max_tokens",
                "max_completion_tokens",
            ),
        ],
    )
    def test_what_a_model_does_not_take_is_left_out(self, llm_server, tmp_path, complaint, gone, instead):
        llm_server.reply = lambda request: (
            Response(status=400, body={"error": complaint}) if gone in request else GOOD
        )
        settings = llm_server.settings(max_tokens=100, concurrency=1)
        answers = ask(tmp_path, settings, question("up"), question("down"))
        assert [answer.paid for answer in answers] == [1, 1] and len(llm_server.requests) == 3
        assert gone not in llm_server.requests[-1] and (instead is None or instead in llm_server.requests[-1])
        assert "response_format" in llm_server.requests[-1]

    def test_a_limit_that_is_too_high_is_no_matter_of_its_name(self, llm_server, tmp_path):
        told = "'max_tokens' or 'max_completion_tokens' is too large: 9000. The context length is 4096."
        llm_server.reply = script(Response(status=400, body={"error": {"message": told}}))
        (failure,) = ask(tmp_path, llm_server.settings(max_tokens=9000))
        assert told in failure.reason and len(llm_server.requests) == 1
