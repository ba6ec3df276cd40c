"""Read a report back, as a browser or a screen reader would."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from xml.etree import ElementTree as ET

NUMBER = re.compile(r"-?\d+(?:\.\d+)?")
#: Attributes that hold places.
PLACES = ("cx", "cy", "d", "height", "r", "transform", "viewBox", "width", "x", "y")
VOID = {"link", "meta"}


class Nesting(HTMLParser):
    """Gather what HTML's own rules say about the nesting of elements."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.faults: list[str] = []

    def handle_starttag(self, tag, attrs):
        """Remember an element; void ones never end."""
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        """Note an element that HTML does not let close itself, outside of pictures."""
        if tag not in VOID and "svg" not in self.open:
            self.faults.append(f"<{tag}/>")

    def handle_endtag(self, tag):
        """Note an end that does not belong to the last start."""
        if not self.open or self.open.pop() != tag:
            self.faults.append(f"</{tag}>")


def nesting(page: str) -> tuple[list[str], list[str]]:
    """Return what is nested wrongly, and what never ends."""
    parser = Nesting()
    parser.feed(page)
    parser.close()
    return parser.faults, parser.open


def tree(page: str) -> ET.Element:
    """Return the page as a tree; the report is well-formed XML below its first line."""
    return ET.fromstring(page.removeprefix("<!DOCTYPE html>\n"))


def words(element: ET.Element) -> str:
    """Return the text of an element with single spaces."""
    return " ".join(" ".join(element.itertext()).split())


def cells(page: str) -> list[list[str]]:
    """Return the cells of all rows of all tables."""
    return [[words(cell) for cell in row] for row in tree(page).iter("tr")]


def of_class(page: str, class_: str) -> list[ET.Element]:
    """Return the elements that carry a class."""
    return [each for each in tree(page).iter() if class_ in each.get("class", "").split()]


def places(page: str) -> list[str]:
    """Return the text of each attribute that holds places in a picture."""
    pictures = tree(page).iter("svg")
    parts = (part for picture in pictures for part in picture.iter())
    return [value for part in parts for name, value in part.items() if name in PLACES]
