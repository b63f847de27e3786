"""The page's sources: words in both languages, nothing from elsewhere, no text made into HTML."""

import json
import re
from pathlib import Path

PAGE = Path(__file__).resolve().parents[2] / "src" / "web" / "page"
SCRIPTS = {path.name: path.read_text(encoding="utf-8") for path in PAGE.glob("*.js")}
SOURCES = {name: text for name, text in SCRIPTS.items() if not name.startswith("words-")}


def words(language):
    return json.loads(SCRIPTS[f"words-{language}.js"].split("export default", 1)[1].strip().removesuffix(";"))


def holes(text):
    return set(re.findall(r"\{(\w+)\}", text))


def test_both_languages_have_the_same_words():
    assert list(words("en")) == list(words("ru")) == sorted(words("en"))


def test_every_text_takes_the_same_values_in_both_languages():
    english, russian = words("en"), words("ru")
    for key, text in english.items():
        forms = [text, russian[key]] if isinstance(text, str) else [*text.values(), *russian[key].values()]
        assert len({frozenset(holes(form)) for form in forms}) == 1, key


def test_plural_forms_are_those_of_the_language():
    for key, text in words("en").items():
        if not isinstance(text, str):
            assert set(text) == {"one", "other"}, key
            assert set(words("ru")[key]) == {"one", "few", "many", "other"}, key


def test_every_word_that_is_used_exists_and_none_is_left_over():
    everything = "\n".join([*SOURCES.values(), (PAGE / "index.html").read_text(encoding="utf-8")])
    quoted = set(re.findall(r"""["'`]([a-z]+(?:\.[a-z_?/]+)*)["'`]""", everything))
    known = set(words("en"))
    used = set(re.findall(r'\bt\(\s*"([^"]+)"', everything)) | set(re.findall(r'data-(?:words|label)="([^"]+)"', everything))
    assert used <= known
    made = {key for key in known if key.startswith(("state.", "keys."))}
    assert known - quoted - made == set()


def test_no_text_becomes_html_or_code():
    for name, text in SCRIPTS.items():
        for bad in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "DOMParser", "eval(", "new Function", "setHTML", "srcdoc"):
            assert bad not in text, f"{bad} in {name}"


def test_nothing_is_named_that_lies_elsewhere():
    for path in PAGE.iterdir():
        text = path.read_text(encoding="utf-8")
        named = [address for address in re.findall(r"(?:https?:)?//[\w.-]+\.\w+[^\s\"']*", text) if "www.w3.org" not in address]
        assert named == [], path.name


def test_styles_and_scripts_stand_in_their_files():
    html = (PAGE / "index.html").read_text(encoding="utf-8")
    assert not re.search(r"\sstyle=|\son\w+=|<style|<script(?![^>]*\ssrc=)", html)
    assert not any(re.search(r"\.style\b|cssText", text) for text in SCRIPTS.values())


def test_no_file_is_longer_than_a_reader_likes():
    assert [path.name for path in PAGE.iterdir() if len(path.read_text(encoding="utf-8").splitlines()) > 600] == []
