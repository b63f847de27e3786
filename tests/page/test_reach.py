"""For everybody: by keyboard alone, by a screen reader, on a phone, in the dark, in both languages."""

from pathlib import Path

import pytest
from selenium.webdriver.common.keys import Keys
from stand import TOKEN

AXE = Path(__file__).resolve().parents[2] / "target" / "page" / "axe" / "package" / "axe.min.js"
PAYMENT = {"code": "0c06", "name": "payment", "month": 7, "year": 2019}
LONG = {"code": "0c06", "name": "personal_account_parameter"}


def some_history(stand):
    for number in range(12):
        stand.past(PAYMENT, ["ok", "ok", "failed", "cancelled", "ok", "interrupted"][number % 6], 10 + number, 20 - number)
    run = stand.past(LONG, "ok", 3000, 1)
    run["checks"] = [{"check": "check_prep", "entity": "personal_account_parameter", "code": "0c06", "before": "2019-07-12T15:43:09", "after": None, "warning": "W" * 90}]
    return run


def failed_run(stand):
    stand.fail = {"stage": "crude", "text": "Invalid object name 'crude.a_very_long_name_that_has_no_place_to_break_" + "x" * 80 + "'."}
    return stand.start(PAYMENT)


def views(stand):
    run = some_history(stand)
    failed = failed_run(stand)
    return ["#start", f"#start?code=0c06&name=payment&month=7&year=2019", f"#run/{run['id']}", f"#run/{failed['id']}", "#history", "#checks?code=0c06&name=payment"]


def settle(reader, fragment):
    reader.go(fragment)
    reader.until(lambda: reader.all("main h1") and not reader.all("[aria-busy]"), "the view")
    if fragment.startswith("#start?"):
        reader.sees("3 ", ".summary")
    if fragment == "#history":
        reader.until(lambda: reader.all("svg.chart"), "the chart")
        reader.script("document.querySelector('.data').open = true")
    if fragment.startswith("#checks"):
        reader.until(lambda: reader.all("#check-name option"), "the entities")
        reader.click("form button")
        reader.sees("2019-07-12", "table")


def test_a_month_is_closed_by_keyboard_alone(reader, stand):
    stand.hold.add("crude")
    reader.open(stand.address, token=TOKEN)
    reader.until(lambda: reader.all("input[value='0c06']"), "the sources")
    reader.press(Keys.TAB)
    assert reader.focused().text == "Skip to the content"
    reader.press(Keys.ENTER)
    assert reader.focused().get_attribute("id") == "main"
    reader.press("/")
    assert reader.focused().get_attribute("value") == "all"
    reader.tab_to("input[value='0c06']")
    reader.press(Keys.SPACE)
    reader.sees("60 steps", ".summary")
    reader.tab_to("#name")
    reader.press("payment")
    reader.sees("3 steps", ".summary")
    reader.tab_to("#begin")
    assert not stand.runs
    reader.press("s")
    reader.sees("Start this run?", "dialog")
    reader.press(Keys.ESCAPE)
    reader.until(lambda: not reader.all("dialog"), "the dialog gone")
    assert not stand.runs
    reader.press("s")
    reader.one("dialog")
    reader.press(Keys.ENTER)
    reader.until(lambda: "running" in reader.steps(), "the run")
    assert reader.focused().tag_name == "h1"
    reader.until(lambda: reader.steps()[:1] == ["ok"], "the first step")
    reader.tab_to("summary")
    reader.press(Keys.ENTER)
    reader.sees("EXECUTE dbo.sp_export_to_bill_ab_payment", ".step")
    reader.press("c")
    reader.sees("Cancel this run?", "dialog")
    assert reader.focused().text == "Keep it going"
    reader.press(Keys.TAB, Keys.ENTER)
    reader.until(lambda: "cancelled" in reader.steps(), "cancelled")
    reader.press("h")
    reader.sees("payment", "table.history")
    reader.tab_to("table.history a")


def test_shortcuts_are_explained_work_in_a_russian_layout_and_can_be_switched_off(reader, stand):
    reader.open(stand.address, token=TOKEN)
    reader.press("?")
    reader.sees("Start what is chosen", "dialog")
    reader.press(Keys.ESCAPE)
    # What a key sends in a Cyrillic layout: the same place, another letter.
    reader.script("document.dispatchEvent(new KeyboardEvent('keydown', {key: 'р', code: 'KeyH', bubbles: true}))")
    reader.sees("History", "h1")
    reader.press("?")
    reader.click("dialog input")
    reader.press(Keys.ESCAPE)
    reader.press("n")
    reader.sees("History", "h1")


def test_a_letter_in_a_field_is_no_shortcut(reader, stand):
    reader.open(stand.address)
    reader.click("#sign")
    reader.one("#token").send_keys("hhh?")
    assert reader.one("#token").get_attribute("value") == "hhh?"
    assert reader.text("h1") == "New run"


@pytest.mark.parametrize("language", ["en", "ru"])
def test_on_a_phone_nothing_runs_over_the_side_and_targets_are_big(reader, stand, language):
    fragments = views(stand)
    reader.size(390, 844)
    reader.open(stand.address, token=TOKEN, language=language)
    for fragment in fragments:
        settle(reader, fragment)
        assert reader.script("return document.documentElement.scrollWidth") <= 390, fragment
        wide = reader.script(
            "return [...document.querySelectorAll('main *')].filter((node) => !node.closest('.scroll, .unseen, svg') && node.getBoundingClientRect().right > 391).map((node) => node.outerHTML.slice(0, 120))"
        )
        assert wide == [], fragment
        small = reader.script(
            "return [...document.querySelectorAll('button, select, main summary, a.button, .pick span')].filter((node) => node.offsetParent && node.offsetHeight < 40).map((node) => node.outerHTML.slice(0, 120))"
        )
        assert small == [], fragment


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_axe_finds_nothing(reader, stand, scheme, width):
    if not AXE.is_file():
        pytest.skip("axe-core is not here: .ci/page fetches it")
    fragments = views(stand)
    reader.size(width)
    reader.prefers(prefers_color_scheme=scheme, prefers_reduced_motion="reduce")
    reader.open(stand.address, token=TOKEN)
    found = []

    def look(where):
        reader.script(AXE.read_text(encoding="utf-8"))
        answer = reader.driver.execute_async_script("axe.run(document, {resultTypes: ['violations']}).then(arguments[0], (fault) => arguments[0]({fault: String(fault)}))")
        assert "fault" not in answer, answer
        found.extend((where, one["id"], node["target"], node["failureSummary"]) for one in answer["violations"] for node in one["nodes"])

    for fragment in fragments:
        settle(reader, fragment)
        look(fragment)
    stand.hold.add("prep")
    running = stand.start(PAYMENT)
    settle(reader, f"#run/{running['id']}")
    reader.until(lambda: "running" in reader.steps(), "a run under way")
    look("running")
    reader.click("#cancel")
    look("cancel")
    reader.press(Keys.ESCAPE)
    reader.press("?")
    look("keys")
    assert found == []


def test_motion_stops_where_it_is_not_wanted(reader, stand):
    stand.hold.add("prep")
    run = stand.start(PAYMENT)
    reader.prefers(prefers_reduced_motion="reduce")
    reader.open(stand.address, f"#run/{run['id']}", token=TOKEN)
    reader.until(lambda: reader.all(".turning"), "the mark of a running step")
    assert reader.script("return document.getAnimations().length") == 0


def test_progress_is_not_told_step_by_step(reader, stand):
    reader.open(stand.address, token=TOKEN)
    reader.script("window.told = []; new MutationObserver(() => told.push(document.getElementById('spoken').textContent)).observe(document.getElementById('spoken'), {childList: true, characterData: true, subtree: true})")
    stand.seconds = 0.02
    run = stand.start({"code": "0c06", "month": 7, "year": 2019})
    reader.go(f"#run/{run['id']}")
    reader.sees("done", ".run-state")
    told = reader.script("return told")
    assert len(told) <= 2, told
    assert told[-1] == "Everything · 0c06 · July 2019: done."


@pytest.mark.parametrize(("header", "lang"), [("ru-RU,ru,en", "ru"), ("de-DE,ru,en", "ru"), ("de-DE,en", "en"), ("fr", "en")])
def test_the_language_is_the_browsers_first_known_one(reader, stand, header, lang):
    reader.languages(header)
    reader.open(stand.address, language=None)
    assert reader.script("return document.documentElement.lang") == lang
    reader.languages("en-US,en")


def test_the_language_is_switched_in_place_and_remembered(reader, stand):
    stand.hold.add("prep")
    run = stand.start(PAYMENT)
    reader.open(stand.address, f"#run/{run['id']}", token=TOKEN)
    reader.sees("payment · 0c06 · July 2019", "h1")
    reader.click("#language")
    reader.sees("payment · 0c06 · июль 2019", "h1")
    reader.sees("0 из 3 шагов", ".progress-text")
    # What the server says stays as it is.
    reader.sees("Rows exported: 1 204", ".log")
    assert reader.script("return document.documentElement.lang") == "ru"
    assert reader.focused().get_attribute("id") == "language"
    reader.driver.refresh()
    reader.sees("0 из 3 шагов", ".progress-text")


def test_the_catalogues_titles_come_in_the_same_language(reader, stand):
    reader.open(stand.address)
    reader.sees("All HCS data areas")
    reader.click("#language")
    reader.sees("Участок 6", ".pick")
    reader.sees("ЖКХ", ".group-head")


def test_numbers_and_durations_are_written_as_the_language_does(reader, stand):
    reader.open(stand.address)
    written = "const done = arguments[0]; Promise.all([import('/assets/format.js'), import('/assets/words.js')]).then(([format, words]) => { const all = {}; for (const tag of ['en', 'ru']) { words.choose(tag); all[tag] = [0.04, 8.25, 59.6, 150, 3900].map((one) => format.duration(one)).concat(format.number(1234.5), format.dateTime('2019-07-12T10:00:00Z'), ['n', 1, 2, 5, 21].slice(1).map((n) => words.t('plan.steps', {n})).join()); } done(all); });"
    both = reader.driver.execute_async_script(written)
    plain = {tag: [text.replace("\u00a0", " ").replace("\u202f", " ") for text in texts] for tag, texts in both.items()}
    assert plain["en"] == ["0.04 sec", "8.3 sec", "1 min", "2 min 30 sec", "1 hr 5 min", "1,234.5", "Jul 12, 2019, 10:00 AM", "1 step,2 steps,5 steps,21 steps"]
    assert plain["ru"] == ["0,04 с", "8,3 с", "1 мин", "2 мин 30 с", "1 ч 5 мин", "1 234,5", "12.07.2019, 10:00", "1 шаг,2 шага,5 шагов,21 шаг"]
