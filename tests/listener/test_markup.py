"""HTML to plain text, and addresses that may become links."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from listener.markup import feed_links, language_of, looks_like_html, plain_text, web_address


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("plain", "plain"),
        ("a &lt;b&gt; &amp; c&nbsp;d", "a <b> & c d"),
        ("<p>one</p><p>two<br>three</p>", "one\n\ntwo\nthree"),
        ("<ul><li>a</li><li>b</li></ul>", "a\n\nb"),
        ("a<script>evil('</p>')</script>b<style>p{}</style>c<!-- no -->d", "abcd"),
        ("<script/>after", "after"),
        ("I <3 acme & you", "I <3 acme & you"),
        ('<img src=x onerror=alert(1) alt="logo"> x', "logo x"),
        ("unclosed <b>bold", "unclosed bold"),
        ("<i>many</i>   spaces \t\n here ", "many spaces\nhere"),
        ("no  markup", "no  markup"),
        ("", ""),
    ],
)
def test_plain_text(html: str, text: str) -> None:
    assert plain_text(html) == text


@given(st.text())
def test_any_text_comes_through(text: str) -> None:
    assert isinstance(plain_text(text), str)


@pytest.mark.parametrize(
    ("value", "kept"),
    [
        ("https://a.example/x?y", "https://a.example/x?y"),
        (" http://a.example ", "http://a.example"),
        ("javascript:alert(1)", None),
        ("JavaScript://a.example/%0aalert(1)", None),
        ("data:text/html,x", None),
        ("//a.example", None),
        ("http://[bad", None),
        ("https://", None),
        ("", None),
        (None, None),
        (5, None),
    ],
)
def test_web_address(value: object, kept: str | None) -> None:
    assert web_address(value) == kept


@pytest.mark.parametrize(
    ("body", "verdict"),
    [
        (b"<!DOCTYPE html><html>", True),
        (b"\xef\xbb\xbf\n<html lang=en>", True),
        (b'<?xml version="1.0"?><!-- x --><!DOCTYPE html PUBLIC "-//W3C//DTD XHTML 1.0 Strict//EN">', True),
        (b'<?xml version="1.0"?><rss><channel>', False),
        (b'{"a": "<html>"}', False),
        (b"", False),
    ],
)
def test_looks_like_html(body: bytes, verdict: bool) -> None:
    assert looks_like_html(body) is verdict


def test_feed_links() -> None:
    page = '<link rel=alternate type="application/atom+xml" href="/a"><link type="text/css" href="/b"><link>'
    assert feed_links(page) == ["/a"]


@pytest.mark.parametrize(
    ("tag", "language"),
    [
        ("pt-BR", "pt"), ("zh_Hant_TW", "zh"), ("EN", "en"), ("ast", "ast"), (" es ", "es"), ("", None), (None, None),
        ("x-klingon", None), ("english", None), ("12", None), (7, None), (["en"], None),
    ],
)  # fmt: skip
def test_the_language_of_a_tag(tag: object, language: str | None) -> None:
    assert language_of(tag) == language
