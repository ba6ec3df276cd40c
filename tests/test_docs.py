"""The pages of docs/ as a whole: links, the index, the site, and what is written from the code."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
from botocore import xform_name

from tests.helpers import input_shape
from tests.reference_pages import pages

ROOT = Path(__file__).resolve().parent.parent
DOCS = ROOT / "docs"
PAGES = sorted(DOCS.rglob("*.md"))
SOURCE = "\n".join(path.read_text() for path in (ROOT / "airflow_shadow").rglob("*.py"))
LINK = re.compile(r"\]\((?!https?:)([^)#\s]*)(?:#([^)\s]+))?\)")
#: Options of `aws` itself, which no model lists: those of its pages.
GLOBAL_OPTIONS = (
    *("cli-input-json", "cli-input-yaml", "generate-cli-skeleton", "debug", "endpoint-url"),
    *("no-verify-ssl", "no-paginate", "output", "query", "profile", "region", "version", "color"),
    *("no-sign-request", "ca-bundle", "cli-read-timeout", "cli-connect-timeout"),
    *("cli-binary-format", "no-cli-pager", "cli-auto-prompt", "no-cli-auto-prompt"),
)


def options() -> list[str]:
    """Return the options of `aws sagemaker create-inference-experiment` and its siblings."""
    verbs = ("Create", "Update", "Start", "Stop", "Delete")
    shapes = [input_shape(f"{verb}InferenceExperiment") for verb in verbs]
    own = {xform_name(name, "-") for shape in shapes for name in shape.members}
    return sorted(own | {*GLOBAL_OPTIONS})


def anchors(path: Path) -> set[str]:
    """Return the anchors that a page's headings have both on GitHub and on the site."""
    text = re.sub(r"```.*?```", "", path.read_text(), flags=re.DOTALL)
    headings = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    plain = [re.sub(r"[^\w\s-]", "", heading).strip().lower() for heading in headings]
    github = {heading.replace(" ", "-") for heading in plain}
    return github & {re.sub(r"[-\s]+", "-", heading) for heading in plain}


def without_code(path: Path) -> str:
    """Return a page's text, without its code."""
    return re.sub(r"```.*?```|`[^`\n]*`", "", path.read_text(), flags=re.DOTALL)


@pytest.mark.parametrize(
    "page", [ROOT / "README.md", *PAGES], ids=lambda page: str(page.relative_to(ROOT))
)
def test_links_lead_somewhere(page):
    """Every link leads to a file and a heading that exist; from docs/ none leads out of it."""
    wrong = []
    for file, anchor in LINK.findall(without_code(page)):
        target = (page.parent / file).resolve() if file else page
        inside = page.parent == ROOT or target.is_relative_to(DOCS)
        found = target.exists() and (not anchor or anchor in anchors(target))
        wrong += [] if inside and found else [(file, anchor)]
    assert [] == wrong


def test_every_page_is_in_the_index_or_in_an_overview():
    """Every page is linked in the index, and those of the operators in their overview."""
    linked = {file for file, _ in LINK.findall((DOCS / "index.md").read_text())}
    linked |= {file for file, _ in LINK.findall((DOCS / "operators.md").read_text())}
    assert {str(page.relative_to(DOCS)) for page in PAGES} == linked | {"index.md"}


def test_every_page_is_in_the_sites_navigation():
    """The navigation has each page once."""
    nav = tomllib.loads((ROOT / "zensical.toml").read_text())["project"]["nav"]
    assert sorted(str(page.relative_to(DOCS)) for page in PAGES) == sorted(files(nav))


def files(nav: object) -> list[str]:
    """Return the files of a navigation's part."""
    if isinstance(nav, str):
        return [nav]
    return [file for one in (nav.values() if isinstance(nav, dict) else nav) for file in files(one)]


@pytest.mark.parametrize("option", options())
def test_every_option_is_one_step_from_the_index(option):
    """The index has each option of `aws sagemaker`, with a link to the section of its argument."""
    rows = (DOCS / "index.md").read_text().splitlines()
    [row] = [row for row in rows if f"`--{option}`" in row]
    [(file, anchor)] = LINK.findall(row)
    sections = re.split(r"^## ", (DOCS / file).read_text(), flags=re.MULTILINE)
    [section] = [
        one
        for one in sections
        if one.split("\n")[0].lower().replace(" ", "-").replace(",", "") == anchor
    ]
    assert f"`--{option}`" in section


def test_what_is_written_from_the_code_is_as_the_code():
    """The pages of operators, examples and settings are what `tests.reference_pages` writes."""
    stale = [path.name for path, text in pages().items() if path.read_text() != text]
    assert [] == stale
    assert {*(DOCS / "operators").iterdir()} <= {*pages()}


def test_symptoms_are_words_of_the_code():
    """What the page of symptoms quotes in its first column is in the code that says it."""
    tables = re.findall(r"^\| (`.*?) \|", (DOCS / "troubleshooting.md").read_text(), re.MULTILINE)
    quoted = [text for cell in tables for text in re.findall(r"`([^`]+)`", cell)]
    joined = re.sub(r'"\s*\n\s*f?"', "", SOURCE)
    assert len(quoted) > 20
    assert [] == [text for text in quoted if text not in joined]


def test_doubts_are_answered_with_measured_figures():
    """Each figure with decimals on the page of doubts is in the tables of the evidence."""
    evidence = (DOCS / "analysis-evidence.md").read_text()
    figures = re.findall(r"\d+\.\d+(?= %)", (DOCS / "doubts.md").read_text())
    assert figures
    assert [] == [figure for figure in figures if figure not in evidence]
