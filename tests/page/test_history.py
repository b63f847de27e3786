"""What was done, and how long it took; what is how old."""

from stand import TOKEN

PAYMENT = {"code": "0c06", "name": "payment", "month": 7, "year": 2019}
METER = {"code": "0c10", "name": "meter"}


def rows(reader):
    return reader.script("return [...document.querySelectorAll('table.history tbody tr')].map((row) => row.innerText.replace(/\\s+/g, ' '))")


def test_runs_are_chosen_by_source_entity_and_state(reader, stand):
    for number in range(6):
        stand.past(PAYMENT, "failed" if number == 3 else "ok", 10 + number, 30 - number)
        stand.past(METER, "ok", 40, 30 - number)
    reader.open(stand.address, "#history", token=TOKEN)
    reader.until(lambda: len(rows(reader)) == 12, "all runs")
    reader.choose("#filter-code", "0c06")
    reader.until(lambda: len(rows(reader)) == 6 and all("payment 0c06" in row for row in rows(reader)), "those of 0c06")
    reader.choose("#filter-state", "failed")
    reader.until(lambda: len(rows(reader)) == 1, "the failed one")
    assert "failed" in rows(reader)[0] and "July 2019" in rows(reader)[0]
    # The address keeps the choice.
    reader.driver.refresh()
    reader.until(lambda: len(rows(reader)) == 1, "the same after a reload")
    reader.until(lambda: reader.script("return document.getElementById('filter-code')?.value") == "0c06", "the choice in the filter")
    reader.choose("#filter-name", "meter")
    reader.sees("No run fits.")


def test_durations_are_drawn_and_told_in_words_and_as_a_table(reader, stand):
    for number, state in enumerate(["ok", "ok", "failed", "cancelled", "ok"]):
        stand.past(PAYMENT, state, 10 + number * 2, 30 - number)
    reader.open(stand.address, "#history?code=0c06&name=payment", token=TOKEN)
    reader.until(lambda: reader.all("svg.chart .point"), "the drawing")
    told = reader.one("svg.chart").get_attribute("aria-label")
    assert told == "Durations: 5 runs · median 12 sec · from 10 sec to 18 sec · the last one 18 sec, done"
    assert len(reader.all("svg.chart .point")) == 5
    # By shape, not by colour alone.
    shapes = reader.script("return ['ok', 'failed', 'cancelled'].map((state) => document.querySelector(`svg.chart .mark.${state}`).firstElementChild.outerHTML.replace(/class=\"[^\"]*\"/, ''))")
    assert len(set(shapes)) == 3
    assert [label.text for label in reader.all("svg.chart .axis-title")] == ["Runs by start", "Duration"]
    reader.click(".data summary")
    reader.sees("14 sec\tfailed", ".data table")
    reader.script("document.querySelector('.data tbody tr:last-child a').click()")
    reader.sees("payment · 0c06 · July 2019", "h1")


def test_only_runs_of_the_same_thing_are_compared(reader, stand):
    stand.past(PAYMENT, "ok", 10, 9)
    stand.past({"code": "0c06", "month": 7, "year": 2019}, "ok", 3000, 8)
    stand.past({"codes": ["0c06", "0c10"], "name": "payment", "month": 7, "year": 2019}, "ok", 30, 7)
    stand.past(PAYMENT, "ok", 12, 6)
    reader.open(stand.address, "#history?code=0c06", token=TOKEN)
    reader.sees("Durations · payment · 0c06")
    reader.sees("2 runs · median 11 sec")


def test_a_press_on_a_point_opens_its_run(reader, stand):
    stand.past(PAYMENT, "ok", 10, 3)
    reader.open(stand.address, "#history", token=TOKEN)
    reader.click("svg.chart .point")
    reader.sees("payment · 0c06 · July 2019", "h1")


def test_earlier_runs_come_page_by_page(reader, stand):
    for number in range(60):
        stand.past(PAYMENT, "ok", 10, 90 - number)
    reader.open(stand.address, "#history", token=TOKEN)
    reader.until(lambda: len(rows(reader)) == 50, "a page")
    reader.click_button("Show earlier runs")
    reader.until(lambda: len(rows(reader)) == 60, "the rest")
    assert reader.focused().tag_name == "a"
    assert not [button for button in reader.all("button") if button.text == "Show earlier runs"]


def test_a_run_that_ends_appears_by_itself(reader, stand):
    reader.open(stand.address, "#history", token=TOKEN)
    reader.sees("No run fits.")
    stand.start(PAYMENT)
    reader.until(lambda: len(rows(reader)) == 1 and "done" in rows(reader)[0], "the run")


def test_news_do_not_take_the_focus_away(reader, stand):
    stand.past(PAYMENT, "ok", 10, 3)
    reader.open(stand.address, "#history", token=TOKEN)
    # The drawing comes with an answer of its own, after the rows.
    reader.until(lambda: len(rows(reader)) == 1 and reader.all(".data"), "the run and its drawing")
    reader.script("document.querySelector('table.history a').focus(); document.querySelector('.data').open = true")
    focused = reader.focused().get_attribute("href")
    stand.start(METER)
    reader.until(lambda: len(rows(reader)) == 2 and "done" in rows(reader)[0], "the new one")
    assert reader.focused().get_attribute("href") == focused


def test_what_is_under_way_stands_on_the_first_view(reader, stand):
    stand.hold.add("crude")
    reader.open(stand.address, token=TOKEN)
    run = stand.start(PAYMENT, by="ivan")
    reader.sees("Under way")
    reader.sees("payment · 0c06 · July 2019", ".runs")
    reader.sees("ivan", ".runs")
    run["wanted"] = "cancel"
    reader.until(lambda: not reader.all(".runs li"), "nothing under way")


def test_checks_are_asked_when_wanted(reader, stand):
    reader.open(stand.address, "#checks", token=TOKEN)
    reader.choose("#check-code", "0c06")
    reader.choose("#check-name", "payment")
    reader.click_button("Look now")
    reader.sees("2019-07-12 15:43:09.943", "table")
    reader.sees("no value", "table")
    reader.sees("No such column.", "table")


def test_a_refused_check_says_why_beside_its_field(reader, stand):
    reader.expected = ["422"]
    reader.open(stand.address, "#checks", token=TOKEN)
    reader.choose("#check-code", "0c06")
    reader.choose("#check-name", "payment")
    stand.refuse["GET /api/checks"] = (422, {"error": "input.fields", "message": "Refused.", "fields": {"name": "payment has no checks."}})
    reader.click_button("Look now")
    reader.sees("payment has no checks.", "#check-name-error")
