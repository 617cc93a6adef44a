"""The page's files: all there, all ours, nothing that the policy would have to allow."""

import re

import pytest

from hedgebot.api.page import CONTENTS, FILES
from tests.api.support import StandIn, page

OWN = [path for path in FILES if not path.startswith("/uplot")]


@pytest.mark.parametrize("path", FILES)
async def test_each_file_is_served_with_its_kind(path: str) -> None:
    async with page(StandIn()) as server:
        reply = await server.ask(path)
    assert (reply.status, reply.body) == (200, CONTENTS[path])
    assert reply.headers["content-type"] == f"{FILES[path][1]}; charset=utf-8"


def test_what_a_file_names_is_there() -> None:
    named = set()
    for path in OWN:
        text = CONTENTS[path].decode()
        named |= set(re.findall(r'(?:src|href)="(/[^"]*)"', text))
        named |= {f"/{name}" for name in re.findall(r'from "\./([^"]+)"', text)}
    assert named <= {*FILES, "/api/v1/status", "/metrics"}
    assert named >= set(FILES) - {"/"}


@pytest.mark.parametrize("path", OWN)
def test_nothing_is_fetched_from_elsewhere(path: str) -> None:
    addresses = re.findall(r"(?:https?:)?//[\w.-]+\.\w+", CONTENTS[path].decode())
    assert set(addresses) <= {"http://www.w3.org"}, "the name of a format, which nobody fetches"


@pytest.mark.parametrize("path", OWN)
def test_no_markup_is_made_of_words(path: str) -> None:
    ways = r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\b|new Function|DOMParser"
    assert not re.search(ways, CONTENTS[path].decode())


def test_the_document_has_no_inline_script_style_or_handler() -> None:
    text = CONTENTS["/"].decode()
    assert not re.search(r"<style|\sstyle=|\son\w+=|javascript:", text)
    assert all(body == "" for body in re.findall(r"<script[^>]*>(.*?)</script>", text, re.DOTALL))


def test_the_chart_library_is_the_one_that_is_named_with_its_licence() -> None:
    assert CONTENTS["/uplot.js"].startswith(b"/*! https://github.com/leeoniya/uPlot (v1.6.32) */")
    assert b"Copyright (c) 2022 Leon Sorokin" in CONTENTS["/uplot-licence.txt"]


def test_all_of_it_is_small() -> None:
    assert sum(map(len, CONTENTS.values())) < 120_000
