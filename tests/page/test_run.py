"""A run: from its start to each of its ends."""

import time

import pytest
from stand import TOKEN

PAYMENT = {"code": "0c06", "name": "payment", "month": 7, "year": 2019}


def watch(reader, stand, run):
    reader.open(stand.address, f"#run/{run['id']}", token=TOKEN)


def test_from_the_choice_to_the_good_end(reader, stand):
    stand.hold.add("crude")
    reader.open(stand.address, token=TOKEN)
    reader.tick("0c06")
    reader.choose("#name", "payment")
    reader.sees("3 steps", ".summary")
    reader.click("#begin")
    reader.until(lambda: reader.steps() == ["ok", "running", "pending"], "the second step under way")
    reader.sees("1 of 3 steps", ".progress-text")
    assert "left" in reader.text(".progress-text")
    assert reader.title().endswith("· pult") and "payment" in reader.title()
    stand.hold.clear()
    reader.until(lambda: reader.steps() == ["ok", "ok", "ok"], "three good steps")
    reader.sees("done", ".run-state")
    reader.sees("100% · 3 of 3 steps", ".progress-text")
    reader.sees("payment · 0c06", "#spoken")


def test_what_the_server_says_is_shown_while_it_works(reader, stand):
    stand.hold.add("prep")
    stand.says = ["Rows exported: 1 204", "Второй проход"]
    run = stand.start(PAYMENT)
    watch(reader, stand, run)
    reader.sees("Второй проход", ".log")
    stand.say(run, run["steps"][0], "And one more thing")
    reader.sees("And one more thing", ".log")
    assert reader.text(".log").count("Rows exported") == 1
    stand.hold.clear()
    reader.until(lambda: reader.steps() == ["ok"] * 3, "the end")
    # Each once: live, and again in what is read at the end.
    reader.until(lambda: len(reader.all(".log li")) == 7, "seven messages")


def test_a_failed_step_tells_number_text_procedure_and_line_and_what_was_skipped(reader, stand):
    stand.fail = {"stage": "crude", "text": "Invalid object name 'crude.payment'."}
    run = stand.start(PAYMENT)
    watch(reader, stand, run)
    reader.until(lambda: reader.steps() == ["ok", "failed", "skipped"], "failed and skipped")
    step = reader.text(".step:nth-child(2)")
    for words in ("Invalid object name 'crude.payment'.", "SQL Server error 50000", "severity 16", "procedure crude.sp_load_datasource_payment", "line 12", "Look at the procedure's messages."):
        assert words in step
    reader.sees("Step 2 (crude) failed.", ".step:nth-child(3)")
    reader.sees("failed", ".run-state")
    reader.sees("Step 2 failed", ".reason")
    reader.sees("1 of 3 steps", ".progress-text")


def test_a_step_that_waits_says_for_whom(reader, stand):
    run = stand.start(PAYMENT, drive=False)
    watch(reader, stand, run)
    reader.until(lambda: len(reader.steps()) == 3, "the steps")
    stand.step_state(run, run["steps"][0], note="waits for pult:sp:prep:hcs:payment, held by ivan on BUH-7")
    reader.sees("held by ivan on BUH-7", ".step:first-child")
    stand.step_state(run, run["steps"][0], state="ok", seconds=1.0)
    reader.until(lambda: "held by" not in reader.text(".step:first-child"), "the waiting over")


def test_cancelling_asks_first_and_then_tells_how_it_ended(reader, stand):
    stand.hold.add("crude")
    run = stand.start(PAYMENT)
    watch(reader, stand, run)
    reader.until(lambda: "running" in reader.steps(), "a step under way")
    reader.click("#cancel")
    reader.sees("Cancel this run?", "dialog")
    reader.click_button("Keep it going", "dialog")
    time.sleep(0.2)
    assert run["state"] == "running"
    reader.click("#cancel")
    reader.click_button("Cancel the run", "dialog")
    reader.until(lambda: reader.steps() == ["ok", "cancelled", "pending"], "cancelled")
    reader.sees("Cancelled by olga.", ".reason")
    assert not reader.all("#cancel")


def test_a_failed_run_is_resumed_from_the_failed_step(reader, stand):
    stand.fail = {"stage": "crude", "text": "Deadlock."}
    run = stand.start(PAYMENT)
    watch(reader, stand, run)
    reader.until(lambda: reader.steps() == ["ok", "failed", "skipped"], "the failure")
    stand.fail = None
    reader.click("#resume")
    reader.until(lambda: reader.steps() == ["ok", "ok", "ok"], "a good end")
    reader.sees("done", ".run-state")
    reader.sees("1 time", ".facts")
    assert [one["attempts"] for one in run["steps"]] == [1, 2, 1]


def test_where_nobody_knows_whether_a_step_took_effect_the_person_decides(reader, stand):
    for answer, states, attempts in (("Skip it", "ok", 0), ("Repeat it", "ok", 1)):
        run = stand.start(PAYMENT, drive=False)
        run["state"] = "interrupted"
        run["steps"][0]["state"] = run["steps"][1]["state"] = "ok"
        run["steps"][2]["state"] = "interrupted"
        watch(reader, stand, run)
        reader.click("#resume")
        reader.sees("nobody knows whether it has taken effect", "dialog")
        reader.sees("3. heap payment", "dialog")
        reader.click_button("Not now", "dialog")
        assert run["state"] == "interrupted"
        reader.click("#resume")
        reader.click_button(answer, "dialog")
        reader.until(lambda: reader.steps() == ["ok", "ok", states], answer)
        assert run["steps"][2]["attempts"] == attempts


def test_a_refused_cancel_says_why(reader, stand):
    reader.expected = ["403"]
    stand.hold.add("prep")
    run = stand.start(PAYMENT)
    watch(reader, stand, run)
    stand.refuse[f"POST /api/runs/{run['id']}/cancel"] = (403, {"error": "auth.read_only", "message": "This token may only read.", "hint": "Ask for another."})
    reader.click("#cancel")
    reader.click_button("Cancel the run", "dialog")
    reader.sees("This token may only read.", ".error-box")


def test_an_unknown_run_says_so(reader, stand):
    reader.expected = ["404"]
    reader.open(stand.address, "#run/20200101T000000-none", token=TOKEN)
    reader.sees("There is no run 20200101T000000-none.", ".error-box")


@pytest.mark.parametrize("fragment", ["#run/%", "#constructor", "#nothing?x=%", "#run/"])
def test_an_address_that_somebody_typed_breaks_nothing(reader, stand, fragment):
    reader.expected = ["404"]
    reader.open(stand.address, fragment, token=TOKEN)
    reader.go("#history")
    reader.sees("No run fits.")


def test_the_connection_is_lost_and_comes_back_with_what_was_missed(reader, stand):
    reader.expected = ["net::ERR"]
    stand.hold.add("prep")
    run = stand.start(PAYMENT)
    watch(reader, stand, run)
    reader.sees("Rows exported", ".log")
    stand.down = True
    reader.sees("The connection is lost", "#notices")
    stand.say(run, run["steps"][0], "Said while nobody listened")
    time.sleep(1)
    stand.down = False
    reader.sees("The connection is back.", "#notices")
    reader.sees("Said while nobody listened", ".log")
    assert reader.text(".log").count("Rows exported") == 1
    stand.hold.clear()
    reader.until(lambda: reader.steps() == ["ok"] * 3, "the end")


def test_trying_again_can_be_asked_for_at_once(reader, stand):
    reader.expected = ["net::ERR"]
    stand.hold.add("prep")
    run = stand.start(PAYMENT)
    watch(reader, stand, run)
    reader.sees("Rows exported", ".log")
    # By itself it would try again in a year.
    reader.script("const real = setTimeout; window.setTimeout = (what, wait) => real(what, wait >= 300 && wait < 40_000 ? 2 ** 31 - 1 : wait)")
    stand.down = True
    reader.sees("The connection is lost", "#notices")
    stand.down = False
    reader.click_button("Try now", "#notices")
    reader.sees("The connection is back.", "#notices")


def test_a_tab_that_nobody_sees_takes_no_connection_from_the_others(reader, stand):
    stand.hold.add("prep")
    run = stand.start(PAYMENT)
    watch(reader, stand, run)
    reader.sees("Rows exported", ".log")
    assert stand.listeners == 1
    hide = "Object.defineProperty(document, 'hidden', {configurable: true, get: () => arguments[0]}); document.dispatchEvent(new Event('visibilitychange'))"
    reader.script(f"(function() {{ {hide} }})(true)")
    reader.until(lambda: stand.listeners == 0, "no connection")
    stand.say(run, run["steps"][0], "Said behind the back")
    reader.script(f"(function() {{ {hide} }})(false)")
    reader.sees("Said behind the back", ".log")
    assert reader.text(".log").count("Rows exported") == 1
    assert "lost" not in reader.text("#notices")


def test_foreign_text_stays_text(reader, stand):
    evil = "<img src=x onerror=\"window.hurt = 1\"><script>window.hurt = 2</script> {n} &amp; <b>bold</b>"
    stand.says = [evil]
    stand.fail = {"stage": "crude", "text": evil}
    run = stand.start(PAYMENT, by=evil)
    watch(reader, stand, run)
    reader.until(lambda: "failed" in reader.steps(), "the failure")
    for place in (".log", ".step:nth-child(2)", ".reason", ".facts"):
        reader.sees(evil, place)
    assert reader.script("return window.hurt") is None
    assert not reader.all("main img, main script, .foreign *")
    reader.go("#history")
    reader.sees(evil, "table.history")
    assert reader.script("return window.hurt") is None


def test_thousands_of_messages_leave_the_page_light(reader, stand):
    stand.says = [f"Line {number}" for number in range(1500)]
    stand.hold.add("heap")
    run = stand.start(PAYMENT)
    watch(reader, stand, run)
    reader.sees("Line 1499", ".log")
    reader.sees("4,500", "h2 .count")
    assert len(reader.all(".log li")) == 300
    reader.sees("4,200 earlier messages are not shown.")
    reader.script("document.querySelector('.step summary').click()")
    reader.sees("1,400 earlier messages are not shown.", ".step")
    assert len(reader.all(".step-body li")) == 100


def test_hundreds_of_steps_show_those_under_way(reader, stand):
    stand.hold.add("heap")
    stand.says = []
    codes = ["0c01", "0c05", "0c06", "0c08", "0c10", "0c20", "0c21", "0c23", "0t10", "1c10", "2c10"]
    run = stand.start({"codes": codes, "month": 7, "year": 2019}, drive=False)
    for one in run["steps"][:230]:
        one["state"] = "ok"
    run["steps"][230].update(state="running", started="2026-11-22T09:00:00Z")
    watch(reader, stand, run)
    reader.until(lambda: "running" in reader.steps(), "the step under way")
    assert len(reader.steps()) == 35
    first = lambda: reader.script("return document.querySelector('.step').dataset.step")
    reader.click_button("225 earlier steps")
    reader.until(lambda: first() == "26", "those before")
    assert len(reader.steps()) == 200
    reader.click_button("25 earlier steps")
    reader.until(lambda: first() == "1", "the first step")
    reader.click(".chip[data-state=running]")
    reader.until(lambda: reader.steps() == ["running"], "only what runs")
    reader.sees("Everything · 0c01, 0c05, 0c06 and 8 more · July 2019", "h1")


def test_a_long_run_keeps_what_is_under_way_in_sight_and_counts_states(reader, stand):
    run = stand.start({"code": "0c06", "month": 7, "year": 2019}, drive=False)
    watch(reader, stand, run)
    reader.until(lambda: len(reader.steps()) == 60, "all steps")
    for one in run["steps"][:35]:
        stand.step_state(run, one, state="running", started="2026-11-22T09:00:00Z")
        stand.step_state(run, one, state="ok", seconds=1.0)
    stand.step_state(run, run["steps"][35], state="running", started="2026-11-22T09:00:00Z")
    reader.sees("30 earlier steps")
    assert reader.steps()[:7] == ["ok"] * 5 + ["running", "pending"]
    counts = [chip.text.split("\n") for chip in reader.all(".chip")]
    assert counts == [["All", "60"], ["running", "1"], ["done", "35"], ["to do", "24"]]


def test_the_same_again_comes_with_the_choice_made(reader, stand):
    run = stand.past({**PAYMENT, "checks": True}, "ok", 12, 3)
    watch(reader, stand, run)
    reader.click_button("Run again…")
    reader.sees("@period_month = 7, @period_year = 2019")
    assert reader.script("return document.getElementById('name').value") == "payment"


def test_checks_stand_with_their_values_before_and_after(reader, stand):
    run = stand.past(PAYMENT, "ok", 12, 3)
    run["checks"] = [{"check": "check_prep", "entity": "payment", "code": "0c06", "before": "2019-07-12T15:43:09", "after": "2019-07-13T10:00:00"},
                     {"check": "check_heap", "entity": "payment", "before": None, "after": None, "warning": "No permission."}]
    watch(reader, stand, run)
    for words in ("2019-07-12 15:43:09", "2019-07-13 10:00:00", "newer", "no value", "No permission."):
        reader.sees(words, "table")
