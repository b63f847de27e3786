"""One browser for all tests; a stand of its own for each."""

import pytest
import stand as stands
from reader import Reader
from selenium import webdriver
from selenium.webdriver.chrome.service import Service


@pytest.fixture(scope="session")
def driver():
    options = webdriver.ChromeOptions()
    options.binary_location = "/usr/bin/chromium"
    for switch in ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--lang=en-US"):
        options.add_argument(switch)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = webdriver.Chrome(options=options, service=Service("/usr/bin/chromedriver"))
    yield driver
    driver.quit()


@pytest.fixture
def reader(driver, request):
    # What is read is there before the reader comes, and until the reader has gone.
    for place in ("stand", "served"):
        if place in request.fixturenames:
            request.getfixturevalue(place)
    reader = Reader(driver)
    reader.requests()
    reader.complaints()
    reader.size(1280)
    reader.prefers(prefers_color_scheme="light", prefers_reduced_motion="no-preference")
    yield reader
    # Of every test: the browser had nothing to complain of, and nobody else was asked.
    complaints = reader.complaints()
    others = [address for address in reader.requests() if not address.startswith((reader.address, "chrome:", "about:"))]
    driver.get("about:blank")
    assert complaints == []
    assert others == []


@pytest.fixture
def stand():
    stand, address = stands.serve()
    stand.address = address
    yield stand
    stand.down = True
