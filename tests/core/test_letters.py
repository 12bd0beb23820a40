"""What mail says: every topic in every language, and values that are wrong told where they are given."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from html.parser import HTMLParser
from typing import Any

import pytest
from flask import Flask
from jinja2 import UndefinedError

from app.core import letters
from app.core.letters import LANGUAGES, TOPICS, Letter, Letterhead, WrongValues
from tests.mailing import KINDS

pytestmark = pytest.mark.one_database

ID = "<12345678-1234-5678-1234-567812345678@example.com>"


def values_of(topic: str) -> dict[str, Any]:
    return {name: KINDS[kind] for name, kind in TOPICS[topic].items()}


def written(
    app: Flask,
    topic: str,
    language: str = "en",
    *,
    shop: str = "Obi's Garage",
    locale: str | None = None,
    **values: Any,
) -> Letter:
    with app.app_context():
        return letters.render(
            topic,
            letters.pack(topic, {**values_of(topic), **values}),
            head=Letterhead(shop, locale or language, "Europe/Warsaw"),
            language=language,
            sender="shop@example.com",
            recipient="ada@example.com",
            message_id=ID,
        )


every_topic = pytest.mark.parametrize("topic", TOPICS)
every_language = pytest.mark.parametrize("language", LANGUAGES)


class Outline(HTMLParser):
    """What a reader's program makes of a page: its language, the text, the links."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.language, self.text, self.links = "", "", list[str]()
        self.tags: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        named = dict(attrs)
        self.tags.append(tag)
        if tag == "html":
            self.language = named.get("lang") or ""
        if tag == "a":
            self.links.append(named["href"] or "")

    def handle_data(self, data: str) -> None:
        self.text += data


@every_topic
@every_language
def test_every_topic_is_told_in_every_language_as_text_and_as_html(
    app: Flask, topic: str, language: str
) -> None:
    letter = written(app, topic, language)
    page = Outline(letter.html)

    assert letter.subject
    assert page.language == letter.language == language
    assert page.tags.count("h1") == 1
    assert letter.subject in page.text
    for kind in TOPICS[topic].values():
        by_kind = {"number": "15", "instant": "11:00:00", "day": "2027", "lines": KINDS["lines"][0]}
        told = by_kind.get(kind, str(KINDS[kind]))
        assert told in " ".join(letter.text.split())
        assert told in page.text
    assert page.links == [KINDS["link"]] * ("link" in TOPICS[topic].values())
    assert "Obi's Garage" in " ".join(letter.text.split())
    assert all(len(line) <= 76 for line in letter.text.splitlines())


@every_topic
def test_the_languages_differ_from_each_other(app: Flask, topic: str) -> None:
    assert len({written(app, topic, language).text for language in LANGUAGES}) == len(LANGUAGES)


def test_there_is_no_template_without_a_topic() -> None:
    made = {
        path.relative_to(letters.TEMPLATES).with_suffix("").as_posix()
        for path in letters.TEMPLATES.glob("*/*")
    }

    assert made == {f"{language}/{topic}" for language in LANGUAGES for topic in (*TOPICS, "_footer")}


@every_topic
@every_language
def test_a_value_that_a_template_lacks_is_an_error(
    app: Flask, monkeypatch: pytest.MonkeyPatch, topic: str, language: str
) -> None:
    for name in TOPICS[topic]:
        with monkeypatch.context() as patch:
            patch.setitem(
                TOPICS, topic, {other: kind for other, kind in TOPICS[topic].items() if other != name}
            )

            with pytest.raises(UndefinedError, match=name):
                written(app, topic, language)


@pytest.mark.parametrize(
    ("topic", "values", "words"),
    [
        ("recovery_code", {"code": "123456"}, "recovery_code takes code, minutes; given: code."),
        ("recovery_code", {"code": "1", "minutes": 1, "link": "x"}, "given: code, minutes, link."),
        ("password_changed", {"code": "123456"}, "password_changed takes nothing; given: code."),
        ("weather", {}, "There is no topic 'weather'."),
        ("recovery_code", {"code": 123456, "minutes": 15}, "code is not a text."),
        ("recovery_code", {"code": "123456", "minutes": "15"}, "minutes is not a number."),
        ("recovery_code", {"code": "123456", "minutes": True}, "minutes is not a number."),
        ("verify_email", {"link": "javascript:alert(1)", "code": "1"}, "link is not a link."),
        ("verify_email", {"link": "https://a.example/ b", "code": "1"}, "link is not a link."),
        ("verify_email", {"link": None, "code": "1"}, "link is not a link."),
        (
            "export_ready",
            {"number": 1, "until": datetime(2026, 1, 1)},  # noqa: DTZ001 - that is the fault
            "until is not a instant.",
        ),
    ],
)
def test_values_that_are_not_what_the_topic_takes_are_refused_when_they_are_given(
    app: Flask, topic: str, values: dict[str, Any], words: str
) -> None:
    with app.app_context(), pytest.raises(WrongValues) as refusal:
        letters.pack(topic, values)

    assert str(refusal.value).endswith(words)


def test_what_strangers_chose_is_text_and_no_markup_in_the_html(app: Flask) -> None:
    letter = written(app, "account_locked", shop="<b>Obi</b>", address='<script>alert(1)</script>"')

    assert "<script>" not in letter.html
    assert "<b>" not in letter.html
    assert "&lt;script&gt;" in letter.html
    assert '<script>alert(1)</script>"' in letter.text


def test_a_link_cannot_leave_its_attribute(app: Flask) -> None:
    with app.app_context(), pytest.raises(WrongValues):
        letters.pack("verify_email", {"link": 'https://a.example/" onclick="x', "code": "1"})


@pytest.mark.parametrize(
    "evil", ["Obi\r\nBcc: all@example.com", "Obi\nX: y", "Obi\u2028X: y", "Obi\x00", "\x1bObi"]
)
def test_no_name_smuggles_a_header_in(app: Flask, evil: str) -> None:
    letter = written(app, "invitation_customer", shop=evil, workshop=evil)

    mime = letter.as_mime()
    head = mime.as_bytes().partition(b"\r\n\r\n")[0]

    assert "\n" not in letter.subject
    assert mime.keys() == [
        "From", "To", "Subject", "Date", "Message-ID", "X-Outbox-Id", "Auto-Submitted",
        "MIME-Version", "Content-Type", "Content-Language",
    ]  # fmt: skip
    assert not re.search(rb"^(Bcc|X):", head, re.MULTILINE)


@pytest.mark.parametrize(
    "recipient", ["ada@example.com\r\nBcc: all@example.com", "ada@example.com\n", "a, b@example.com"]
)
def test_no_recipient_smuggles_a_header_in(app: Flask, recipient: str) -> None:
    letter = Letter(ID, "Obi", "shop@example.com", recipient, "s", "t", "h", "en")

    with pytest.raises(ValueError, match=r"."):
        letter.as_mime()


def test_a_long_value_is_cut_and_a_sign_says_so(app: Flask) -> None:
    long, whole = (written(app, "account_locked", address="a" * number) for number in (5000, 300))

    assert f" {'a' * 299}…" in " ".join(long.text.split())
    assert "a" * 300 in whole.text
    assert "…" not in whole.text


@pytest.mark.parametrize(
    ("locale", "language"),
    [("pl", "pl"), ("pl-PL", "pl"), ("de_AT", "de"), ("EN-gb", "en"), ("fr", "en"), ("", "en")],
)
def test_a_locale_means_a_language_that_there_is(locale: str, language: str) -> None:
    assert letters.language_of(locale) == language


@pytest.mark.parametrize(
    ("language", "hours", "told"),
    [
        ("en", 72, "3 days"), ("en", 1, "1 hour"), ("en", 30, "30 hours"), ("pl", 24, "1 dzień"), ("pl", 72, "3 dni"),
        ("pl", 23, "23 godziny"), ("pl", 5, "5 godzin"), ("de", 48, "2 Tage"), ("de", 1, "1 Stunde"),
    ],
)  # fmt: skip
def test_a_span_is_told_with_the_plural_of_its_language(
    app: Flask, language: str, hours: int, told: str
) -> None:
    assert told in " ".join(written(app, "invitation_staff", language, hours=hours).text.split())


@pytest.mark.parametrize(
    ("locale", "language", "day", "moment"),
    [
        ("en-US", "en", "January 5, 2027", "January 5, 2027, 2:00:00 PM +0100"),
        ("en-GB", "en", "5 January 2027", "5 January 2027, 14:00:00 CET"),
        ("de-AT", "de", "5. Jänner 2027", "5. Jänner 2027, 14:00:00 MEZ"),
        ("de-DE", "de", "5. Januar 2027", "5. Januar 2027, 14:00:00 MEZ"),
        ("pl-PL", "pl", "5 stycznia 2027", "5 stycznia 2027 14:00:00 CET"),
        ("pl-PL", "de", "5. Januar 2027", "5. Januar 2027, 14:00:00 MEZ"),
    ],
)
def test_days_and_times_are_written_as_where_the_workshop_is_in_a_letter_in_its_language(
    app: Flask, locale: str, language: str, day: str, moment: str
) -> None:
    when = datetime(2027, 1, 5, 13, tzinfo=UTC)

    reminder = written(app, "maintenance_due", language, locale=locale, on=when.date()).text
    export = written(app, "export_ready", language, locale=locale, until=when).text

    assert f" {day}" in " ".join(reminder.split())
    assert f" {moment}" in " ".join(export.split())


@pytest.mark.parametrize(
    ("language", "role", "told"),
    [
        ("en", "owner", "owner"),
        ("pl", "mechanic", "mechanik"),
        ("de", "owner", "Inhaber"),
        ("pl", "Lackierer", "Lackierer"),
    ],
)
def test_a_role_is_told_in_the_language_and_one_of_the_shops_own_as_it_is(
    app: Flask, language: str, role: str, told: str
) -> None:
    assert told in written(app, "invitation_staff", language, role=role).text


def test_a_letter_is_text_and_html_that_machines_do_not_answer(app: Flask) -> None:
    mime = written(app, "recovery_code", "pl", code="123456").as_mime()
    text, html = mime.iter_parts()

    assert mime.get_content_type() == "multipart/alternative"
    assert (text.get_content_type(), html.get_content_type()) == ("text/plain", "text/html")
    assert "123456" in text.get_content()
    assert "123456" in html.get_content()
    assert (mime["Auto-Submitted"], mime["Content-Language"], mime["Message-ID"]) == (
        "auto-generated",
        "pl",
        ID,
    )
    assert mime["From"] == "Obi's Garage <shop@example.com>"
