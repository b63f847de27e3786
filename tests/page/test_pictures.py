"""A run under way in both languages, wide and narrow: pictures for people, in target/page."""

from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
from stand import TOKEN

TARGET = Path(__file__).resolve().parents[2] / "target" / "page"
SAYS = ["Выгрузка начата, область данных 0c06", "Период: 07.2019", "Rows exported: 1 204"]


@pytest.mark.parametrize("language", ["en", "ru"])
@pytest.mark.parametrize(("width", "height"), [(1280, 900), (390, 1100)])
def test_a_run_under_way(reader, stand, language, width, height):
    stand.seconds, stand.says = 0.02, SAYS
    run = stand.start({"code": "0c06", "month": 7, "year": 2019}, drive=False)
    run["started"] = (datetime.now(timezone.utc) - timedelta(seconds=151)).isoformat()
    reader.size(width, height)
    # Nothing in between is photographed.
    reader.prefers(prefers_reduced_motion="reduce")
    reader.open(stand.address, f"#run/{run['id']}", token=TOKEN, language=language)
    reader.until(reader.steps, "the steps")
    for number, one in enumerate(run["steps"][:35]):
        stand.step_state(run, one, state="running", started=(datetime.now(timezone.utc) - timedelta(seconds=5)).isoformat(), attempts=1)
        for text in SAYS if one["stage"] == "prep" else ["Rows loaded: 38 211"]:
            stand.say(run, one, text)
        if number < 34:
            stand.step_state(run, one, state="ok", seconds=one["estimate"] * (0.7 + number % 7 / 10), rows=1204 + number * 317)
    reader.until(lambda: "running" in reader.steps() and reader.steps()[0] == "ok", "a step under way")
    reader.script("document.getElementById('main').focus(); scrollTo(0, 0)")
    reader.until(lambda: "35" in reader.text(".log"), "the newest message")
    TARGET.mkdir(parents=True, exist_ok=True)
    picture = TARGET / f"page-{language}-{width}.png"
    assert reader.driver.save_screenshot(str(picture))
