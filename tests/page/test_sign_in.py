"""Who may look, who may start, and how the page knows."""

from stand import TOKEN


def stored(reader):
    return reader.script("return [sessionStorage.getItem('pult.token'), localStorage.getItem('pult.token')]")


def sign_in(reader, token, remember=False):
    reader.one("dialog #token").send_keys(token)
    if remember:
        reader.click("#remember")
    reader.click_button("Sign in", "dialog")


def test_where_reading_is_free_the_page_reads_and_starting_asks_for_the_token(reader, stand):
    stand.hold.add("prep")
    reader.open(stand.address)
    reader.tick("0c06")
    reader.choose("#name", "payment")
    reader.sees("3 steps", ".summary")
    reader.sees("Sign in to start runs.")
    reader.click("#begin")
    sign_in(reader, TOKEN)
    reader.sees("olga", "#who")
    # The choice has outlived the signing in.
    reader.sees("3 steps", ".summary")
    reader.click("#begin")
    reader.until(lambda: reader.steps()[:1] == ["running"], "the run")


def test_where_reading_needs_a_token_it_is_asked_for_at_once(reader, stand):
    reader.expected = ["401"]
    stand.needs_token = True
    reader.open(stand.address)
    reader.sees("Sign in", "dialog")
    reader.click_button("Not now", "dialog")
    reader.sees("A token is needed.", ".error-box")
    reader.click_button("Sign in", ".error-box")
    sign_in(reader, TOKEN)
    reader.tick("0c06")
    reader.sees("60 steps", ".summary")


def test_a_wrong_token_is_told_beside_its_field_and_not_kept(reader, stand):
    reader.expected = ["401"]
    reader.open(stand.address)
    reader.click("#sign")
    sign_in(reader, "wrong")
    reader.sees("The service does not know this token.", "#token-error")
    assert stored(reader) == [None, None]
    assert reader.one("#token").get_attribute("aria-invalid") == "true"


def test_a_token_is_kept_for_this_window_or_on_this_computer(reader, stand):
    reader.open(stand.address)
    reader.click("#sign")
    sign_in(reader, TOKEN)
    reader.sees("olga", "#who")
    assert stored(reader) == [TOKEN, None]
    reader.click("#sign")
    reader.until(lambda: reader.text("#sign") == "Sign in", "signed out")
    assert stored(reader) == [None, None]
    reader.click("#sign")
    sign_in(reader, TOKEN, remember=True)
    reader.sees("olga", "#who")
    assert stored(reader) == [None, TOKEN]


def test_a_token_that_is_no_longer_good_leads_to_signing_in(reader, stand):
    reader.expected = ["401"]
    reader.open(stand.address, token="yesterday's")
    reader.sees("Sign in", "dialog")
    sign_in(reader, TOKEN)
    reader.sees("olga", "#who")


def test_who_signs_out_is_not_asked_to_sign_in_at_once(reader, stand):
    reader.expected = ["401"]
    stand.needs_token = True
    reader.open(stand.address, token=TOKEN)
    reader.click("#sign")
    reader.sees("A token is needed.", ".error-box")
    assert not reader.all("dialog")


def test_the_token_is_in_no_address(reader, stand):
    stand.hold.add("prep")
    run = stand.start({"code": "0c06", "name": "payment", "month": 7, "year": 2019})
    reader.open(stand.address, f"#run/{run['id']}", token=TOKEN)
    reader.sees("running")
    assert not any(TOKEN in address for address in reader.requests())
