"""Choosing what to do, and the plan for it."""

import json
from datetime import date

from stand import TOKEN


def months(reader):
    return reader.script("return [...document.querySelectorAll('#month option')].filter((one) => !one.disabled).map((one) => Number(one.value))")


def test_without_a_choice_the_page_says_what_to_do(reader, stand):
    reader.open(stand.address, token=TOKEN)
    reader.sees("Choose a data source to see the plan.")
    reader.click("#begin")
    reader.sees("Choose at least one data source.", ".sources")
    assert stand.runs == {}


def test_one_entity_shows_its_three_steps_with_statement_database_and_locks(reader, stand):
    reader.open(stand.address, token=TOKEN)
    reader.tick("0c06")
    reader.choose("#name", "payment")
    reader.choose("#year", "2019")
    reader.choose("#month", "7")
    reader.sees("@period_month = 7, @period_year = 2019")
    plan = reader.text(".plan")
    for words in ("EXECUTE crude.sp_load_datasource_payment", "EXECUTE heap.sp_load_to_heap_from_crude_payment", "pult:sp:prep:hcs:payment", "hcs · dcdb"):
        assert words in plan
    assert "3 steps · about 13 sec" in reader.text(".summary")


def test_everything_of_a_source_is_planned_at_once_and_several_sources_share_crude_and_heap(reader, stand):
    reader.open(stand.address, token=TOKEN)
    reader.tick("0c06")
    reader.sees("60 steps", ".summary")
    reader.tick("0c10")
    reader.sees("80 steps", ".summary")


def test_a_month_is_asked_only_where_one_is_needed(reader, stand):
    reader.open(stand.address, token=TOKEN)
    reader.tick("0c06")
    assert reader.one("#month")
    reader.choose("#name", "meter")
    reader.until(lambda: not reader.all("#month")[0].is_displayed(), "no month for meter")
    reader.choose("#name", "")
    reader.one("#month")
    reader.script("[...document.querySelectorAll('.check input')][0].click()")
    reader.until(lambda: not reader.all("#month")[0].is_displayed(), "no month where only undated ones are wanted")
    reader.sees("36 steps", ".summary")


def test_months_go_from_the_first_of_the_catalogue_to_the_present_one(reader, stand):
    reader.open(stand.address, token=TOKEN)
    reader.tick("0c06")
    years = reader.script("return [...document.querySelectorAll('#year option')].map((one) => Number(one.value))")
    assert years == list(range(date.today().year, 2017, -1))
    reader.choose("#year", str(date.today().year))
    assert months(reader) == list(range(1, date.today().month + 1))
    reader.choose("#year", "2018")
    assert months(reader) == list(range(1, 13))


def test_the_month_before_is_proposed(reader, stand):
    reader.open(stand.address, token=TOKEN)
    reader.tick("0c06")
    today = date.today()
    before = (today.year, today.month - 1) if today.month > 1 else (today.year - 1, 12)
    chosen = reader.script("return [document.getElementById('year').value, document.getElementById('month').value].map(Number)")
    assert tuple(chosen) == before


def test_sources_of_different_kinds_offer_only_what_all_of_them_have(reader, stand):
    reader.open(stand.address, token=TOKEN)
    reader.tick("0c06")
    reader.sees("Everything (20 entities)", "#name")
    reader.tick("stek")
    reader.sees("Everything (12 entities)", "#name")
    assert not reader.all("#name option[value='room']")


def test_all_of_a_group_are_taken_with_one_press_without_the_pseudo_code(reader, stand):
    reader.open(stand.address, token=TOKEN)
    reader.until(lambda: reader.all("input[value='0c06']"), "the sources")
    reader.script("document.querySelector('.group button').click()")
    reader.sees("260 steps", ".summary")
    assert not reader.script("return document.querySelector(\"input[value='all']\").checked")
    # A long plan is shown in part, and says how much more there is.
    assert len(reader.all(".step")) == 200
    reader.click_button("60 more steps")
    reader.until(lambda: len(reader.all(".step")) == 60, "the rest")


def test_a_refusal_stands_beside_the_field_that_it_is_about(reader, stand):
    reader.expected = ["422"]
    reader.open(stand.address, token=TOKEN)
    reader.tick("0c06")
    reader.sees("60 steps")
    stand.refuse["POST /api/runs"] = (422, {"error": "input.fields", "message": "The order is refused.", "fields": {"month": "Month 77 is not one of 1 to 12.", "name": "payment is not to be had today."}})
    reader.click("#begin")
    reader.sees("Month 77 is not one of 1 to 12.", "#error-month")
    reader.sees("payment is not to be had today.", "#error-name")
    assert reader.one("#month").get_attribute("aria-invalid") == "true"
    assert reader.one("#month").get_attribute("aria-describedby") == "error-month"
    # It goes away with the next change.
    reader.choose("#year", "2019")
    reader.until(lambda: reader.text("#error-month") == "", "the message gone")


def test_a_plan_that_is_refused_says_why(reader, stand):
    reader.expected = ["422"]
    reader.open(stand.address, token=TOKEN)
    stand.refuse["POST /api/plan"] = (422, {"error": "input.fields", "message": "Refused.", "fields": {"code": "0c06 is closed."}})
    reader.tick("0c06")
    reader.sees("0c06 is closed.", "#error-code")
    reader.sees("There is no plan for this choice.")


def test_a_run_in_the_way_is_named_and_can_be_opened(reader, stand):
    reader.expected = ["409"]
    other = stand.start({"code": "0c06", "name": "payment", "month": 7, "year": 2019}, drive=False)
    reader.open(stand.address, token=TOKEN)
    reader.tick("0c06")
    reader.sees("60 steps")
    stand.refuse["POST /api/runs"] = (409, {"error": "sp.busy", "message": "payment is being synchronised by ivan.", "hint": "Wait for it or cancel it.", "run": other["id"]})
    reader.click("#begin")
    reader.sees("payment is being synchronised by ivan.", ".error-box")
    reader.sees("Wait for it or cancel it.", ".error-box")
    reader.click_button("Open the run in the way")
    reader.sees("payment · 0c06 · July 2019", "h1")


def test_what_is_sent_is_what_was_chosen(reader, stand):
    stand.hold.add("prep")
    reader.open(stand.address, token=TOKEN)
    reader.tick("0c06")
    reader.tick("0c10")
    reader.choose("#name", "payment")
    reader.choose("#year", "2018")
    reader.choose("#month", "1")
    reader.script("[...document.querySelectorAll('.check input')].at(-1).click()")
    reader.sees("4 steps", ".summary")
    reader.click("#begin")
    reader.until(lambda: stand.runs, "a run")
    order = next(iter(stand.runs.values()))["order"]
    assert json.loads(json.dumps(order)) == {"codes": ["0c06", "0c10"], "name": "payment", "month": 1, "year": 2018, "checks": True}
