"""A person at a browser, in a few words."""

import json
import time

from selenium.common.exceptions import StaleElementReferenceException
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

PATIENCE = 15


class Reader:
    def __init__(self, driver):
        self.driver = driver
        self.address = ""
        # Refusals that a test brings about: the browser tells of each in its console.
        self.expected = []

    # ---- going places

    def open(self, address, fragment="", *, token=None, language="en"):
        """The page, fresh: nothing kept but the language, and the token where one is given."""
        self.address = address
        kept = ["localStorage.clear(); sessionStorage.clear();"]
        kept += [f"localStorage.setItem('pult.language', {json.dumps(language)});"] if language else []
        kept += [f"sessionStorage.setItem('pult.token', {json.dumps(token)});"] if token else []
        before = self.driver.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": f"if (location.protocol !== 'about:') {{ {' '.join(kept)} }}"})
        # From elsewhere: an address with another fragment alone would not be loaded anew.
        self.driver.get("about:blank")
        self.driver.get(f"{address}{fragment}")
        self.driver.execute_cdp_cmd("Page.removeScriptToEvaluateOnNewDocument", before)
        self.until(lambda: self.all("main h1"), "a heading")

    def go(self, fragment):
        self.script("location.hash = arguments[0]", fragment)

    def size(self, width, height=900):
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600})

    def prefers(self, **features):
        named = [{"name": name.replace("_", "-"), "value": value} for name, value in features.items()]
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": named})

    def languages(self, header):
        agent = self.script("return navigator.userAgent")
        self.driver.execute_cdp_cmd("Emulation.setUserAgentOverride", {"userAgent": agent, "acceptLanguage": header})

    # ---- looking

    def script(self, text, *args):
        return self.driver.execute_script(text, *args)

    def all(self, selector):
        return self.driver.find_elements(By.CSS_SELECTOR, selector)

    def one(self, selector):
        return self.until(lambda: next((node for node in self.all(selector) if node.is_displayed()), None), f"a visible {selector}")

    def text(self, selector="body"):
        return self.script("return document.querySelector(arguments[0])?.innerText ?? ''", selector)

    def until(self, look, what, seconds=PATIENCE):
        end = time.monotonic() + seconds
        while True:
            try:
                found = look()
            except StaleElementReferenceException:
                found = None
            if found:
                return found
            assert time.monotonic() < end, f"not seen in {seconds} s: {what}\n--- the page:\n{self.text()}"
            time.sleep(0.03)

    def sees(self, words, selector="body", seconds=PATIENCE):
        self.until(lambda: words in self.text(selector), f"{words!r} in {selector}", seconds)

    def focused(self):
        return self.driver.switch_to.active_element

    def title(self):
        return self.driver.title

    def steps(self):
        """States of the steps that are shown, in order."""
        return self.script("return [...document.querySelectorAll('.step')].map((step) => step.dataset.state)")

    # ---- doing

    def press(self, *keys):
        ActionChains(self.driver).send_keys(*keys).perform()

    def click(self, selector):
        self.one(selector)
        self.script("document.querySelector(arguments[0]).scrollIntoView({block: 'center'})", selector)
        self.one(selector).click()

    def click_button(self, name, inside="body"):
        def find():
            return next((button for button in self.all(f"{inside} button, {inside} a") if button.is_displayed() and button.text.strip() == name), None)

        self.until(find, f"a button {name!r}").click()

    def tick(self, code):
        self.until(lambda: self.all(f"input[value='{code}']"), f"the source {code}")
        self.script("document.querySelector(`input[value='${arguments[0]}']`).click()", code)

    def choose(self, selector, value):
        self.until(lambda: self.all(f"{selector} option[value='{value}']"), f"{value} in {selector}")
        self.script(
            "const [where, value] = arguments; const field = document.querySelector(where); field.value = value;"
            "field.dispatchEvent(new Event('change', {bubbles: true}));",
            selector,
            value,
        )

    def tab_to(self, selector, most=60):
        for _ in range(most):
            if self.script("return document.activeElement.matches(arguments[0])", selector):
                return
            self.press(Keys.TAB)
        raise AssertionError(f"{selector} is not reached by Tab")

    # ---- what the browser noticed

    def complaints(self):
        """Errors in the console but those that the test expects."""
        lines = [entry["message"] for entry in self.driver.get_log("browser") if entry["level"] == "SEVERE"]
        return [line for line in lines if not any(words in line for words in self.expected)]

    def requests(self):
        """Addresses asked since last looked at."""
        events = (json.loads(entry["message"])["message"] for entry in self.driver.get_log("performance"))
        return [event["params"]["request"]["url"] for event in events if event["method"] == "Network.requestWillBeSent"]
