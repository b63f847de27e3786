"""The page over the real service and the simulated servers: nothing here is made up but the data."""

from pathlib import Path

import pytest
import real
from real import TOKEN, Real

PULT = real.program()
pytestmark = pytest.mark.skipif(PULT is None or not real.can_serve(PULT), reason="there is no program to serve the page: build it, or name it by PULT")

FAILS = 'sp.fail=[{"stage": "crude", "entity": "payment", "number": 50000, "severity": 16, "state": 3, "text": "Not <b>allowed</b> today.", "times": 1}]'
TARGET = Path(__file__).resolve().parents[2] / "target" / "page"
SLOW = 'sp.durations={"prep": 300, "crude": 60000, "heap": 300}'


@pytest.fixture
def served(request, tmp_path):
    with Real(PULT, tmp_path, request.param) as served:
        yield served


def with_switches(*switches):
    return pytest.mark.parametrize("served", [switches], indirect=True, ids=["served"])


def choose_payment(reader, served, fragment=""):
    reader.open(served.address, fragment, token=TOKEN)
    reader.tick("0c06")
    reader.choose("#name", "payment")
    reader.choose("#year", "2019")
    reader.choose("#month", "7")
    reader.sees("@period_month = 7", ".plan")


@with_switches('sp.durations={"prep": 400, "crude": 400, "heap": 400}')
def test_payment_is_synchronised_and_stands_in_the_history(reader, served):
    choose_payment(reader, served)
    for words in ("sp_export_to_bill_ab_payment", "sp_load_datasource_payment", "sp_load_to_heap_from_crude_payment", "pult:sp:crude:payment"):
        reader.sees(words, ".plan")
    reader.click("#begin")
    reader.until(lambda: "running" in reader.steps(), "a step under way")
    reader.until(lambda: reader.steps() == ["ok"] * 3, "three good steps")
    reader.sees("done", ".run-state")
    reader.until(lambda: reader.all(".log li"), "what the server said")
    reader.go("#history")
    reader.sees("payment 0c06", "table.history")
    reader.until(lambda: len(reader.all("svg.chart .point")) == 1, "the drawing")
    reader.go("#checks?code=0c06&name=payment")
    reader.until(lambda: reader.all("#check-name option"), "the entities")
    reader.click_button("Look now")
    reader.sees("check_heap", "table")


@with_switches(FAILS)
def test_a_failure_is_told_as_the_server_told_it_and_resumed(reader, served):
    choose_payment(reader, served)
    reader.click("#begin")
    reader.until(lambda: reader.steps() == ["ok", "failed", "skipped"], "the failure")
    step = reader.text(".step:nth-child(2)")
    for words in ("Not <b>allowed</b> today.", "SQL Server error 50000", "severity 16, state 3", "sp_load_datasource_payment", "line "):
        assert words in step
    reader.click("#resume")
    reader.until(lambda: reader.steps() == ["ok"] * 3, "a good end")
    reader.sees("done", ".run-state")


@with_switches(SLOW)
def test_a_run_is_cancelled_and_a_second_one_is_refused_meanwhile(reader, served):
    reader.expected = ["409"]
    choose_payment(reader, served)
    reader.click("#begin")
    reader.until(lambda: reader.steps() == ["ok", "running", "pending"], "the second step under way")
    run = reader.script("return location.hash")
    choose_payment(reader, served)
    reader.sees("payment · 0c06 · July 2019", ".runs")
    reader.click("#begin")
    reader.one(".error-box")
    reader.click_button("Open the run in the way", ".error-box")
    reader.until(lambda: reader.script("return location.hash") == run, "the run in the way")
    reader.until(lambda: "running" in reader.steps(), "its steps")
    reader.click("#cancel")
    reader.click_button("Cancel the run", "dialog")
    reader.sees("cancelled", ".run-state")
    reader.until(lambda: reader.steps()[:2] == ["ok", "cancelled"], "the step cancelled")


@with_switches('sp.durations={"prep": 100, "crude": 4000, "heap": 100}')
def test_a_service_that_was_killed_comes_back_and_the_run_goes_on(reader, served):
    reader.expected = ["net::ERR"]
    choose_payment(reader, served)
    reader.click("#begin")
    reader.until(lambda: reader.steps() == ["ok", "running", "pending"], "the second step under way")
    served.kill()
    reader.sees("The connection is lost", "#notices")
    served.serve()
    reader.sees("The connection is back.", "#notices", seconds=30)
    reader.sees("interrupted", ".run-state")
    reader.click("#resume")
    reader.sees("done", ".run-state", seconds=30)
    assert reader.steps() == ["ok"] * 3
    reader.sees("1 time", ".facts")


@with_switches('sp.durations={"prep": 500, "crude": 1000, "heap": 500}')
def test_pictures_of_a_run_under_way(reader, served):
    reader.open(served.address, token=TOKEN)
    reader.prefers(prefers_reduced_motion="reduce")
    reader.tick("0c06")
    reader.choose("#year", "2019")
    reader.choose("#month", "7")
    reader.sees("60 steps", ".summary")
    reader.click("#begin")
    reader.until(lambda: reader.text(".more").endswith("earlier steps"), "some of it done", seconds=60)
    run = reader.script("return location.hash")
    for width, height in ((1280, 900), (390, 1100)):
        for language in ("en", "ru"):
            reader.size(width, height)
            reader.open(served.address, run, token=TOKEN, language=language)
            reader.until(lambda: "running" in reader.steps() and reader.all(".log li"), "a step under way")
            assert reader.driver.save_screenshot(str(TARGET / f"page-{language}-{width}.png"))


@with_switches('sp.durations={"prep": 5, "crude": 5, "heap": 5}')
def test_everything_of_several_sources(reader, served):
    reader.open(served.address, token=TOKEN)
    for code in ("0c06", "0c10", "zagser"):
        reader.tick(code)
    reader.sees("steps ·", ".summary")
    reader.click("#begin")
    reader.sees("done", ".run-state", seconds=60)
    assert set(reader.steps()) == {"ok"}


@with_switches()
def test_without_a_token_nothing_is_told(reader, served):
    reader.expected = ["401"]
    reader.open(served.address)
    reader.sees("Sign in", "dialog")
    reader.one("#token").send_keys("a-token-that-nobody-has")
    reader.click_button("Sign in", "dialog")
    reader.sees("The service does not know this token.", "#token-error")
    reader.one("#token").clear()
    reader.one("#token").send_keys(TOKEN)
    reader.click_button("Sign in", "dialog")
    reader.sees("olga", "#who")
    reader.tick("0c06")
    reader.sees("steps ·", ".summary")


@with_switches()
def test_in_russian_the_titles_are_russian_too(reader, served):
    reader.open(served.address, token=TOKEN, language="ru")
    reader.until(lambda: reader.all(".pick"), "the sources")
    reader.tick("0c06")
    reader.sees("Всё (20 сущностей)", "#name")
