"""Reports of `flashcopy conform`: the same in four formats, whole or not at all.

READ-2, CRASH-2, CONC-2: violations of three kinds are told with their history.
"""

import json
import re
import stat
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from attrs import evolve
from click.testing import CliRunner
from markdown_it import MarkdownIt

from flashcopy.cli.bundled import BundledAdapter
from flashcopy.cli.conform import conform
from flashcopy.conformance.adapter import Capability, Hello, IutBrokeDownError
from flashcopy.conformance.catalogue import CHECKS
from flashcopy.conformance.report import junit, markdown, page, write
from flashcopy.conformance.report.value import Judged, Line, Report, Run
from flashcopy.conformance.runner import Result, Verdict
from flashcopy.conformance.wrong import Kind
from tests.test_report_drawing import contradiction

NASTY = 'a|b `c` <script>alert(1)</script> & "d" \x1b[31m\n\n# no heading'


class Breaks(BundledAdapter):
    """Says little for itself, and breaks down with words that are markup everywhere."""

    def hello(self) -> Hello:
        return Hello("br|eaks <b>", "1", frozenset({Capability.BACKGROUND_COPY}))

    def sync(self) -> None:
        raise IutBrokeDownError(NASTY)


def reported(directory: Path, status: int, *words: str) -> dict[str, str]:
    """The reports that the command wrote, by the file's ending."""
    words = ("--seed", "1", "--report", str(directory), *words)
    result = CliRunner().invoke(conform, words)
    assert result.exit_code == status, result.output
    files = {path.suffix: path.read_text(encoding="utf-8") for path in directory.glob("report.*")}
    assert set(files) == {".json", ".xml", ".md", ".html"}
    return files


def with_a_contradiction() -> Report:
    """A report made by hand: two checks, one of which saw a sync that has no single moment."""
    (interleaving,) = [check for check in CHECKS if check.id == "interleaving"]
    (data,) = [check for check in CHECKS if check.id == "data"]
    finding = contradiction()
    results = [
        Result(data, Verdict.CONFORMING, 10, 0.5, waste=("MIN-1: too much",)),
        Result(interleaving, Verdict.VIOLATION, 5, 0.25, finding),
    ]
    lines = tuple(Line(result.check, (Run(1, result),)) for result in results)
    judged = Judged("python a:B", ("python", "a:B"), None, lines)
    return Report((judged,), "quick", (1,), 10.0, "2026-01-01T00:00:00+00:00")


# The shape on which the schemas of Ant and Jenkins agree.
SUITE = {"id", "name", "package", "timestamp", "hostname", "tests", "failures", "errors", "skipped"}


def check_junit(text: str) -> ET.Element:
    """The root, if the text is JUnit XML and its counts are right."""
    root = ET.fromstring(text)
    assert root.tag == "testsuites"
    for suite in root:
        assert suite.tag == "testsuite"
        assert set(suite.attrib) == SUITE | {"time"}
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d", suite.attrib["timestamp"])
        tags = [child.tag for child in suite]
        cases = suite.findall("testcase")
        assert tags == ["properties", *["testcase"] * len(cases), "system-out", "system-err"]
        assert int(suite.attrib["tests"]) == len(cases)
        for tag, count in (("failure", "failures"), ("error", "errors"), ("skipped", "skipped")):
            assert int(suite.attrib[count]) == len(suite.findall(f"testcase/{tag}"))
        for case in cases:
            assert set(case.attrib) == {"name", "classname", "time"}
            assert len(case) <= 1
            float(case.attrib["time"])
    return root


class Page(HTMLParser):
    """Reads a page: its text, its elements, and whether what is opened is closed."""

    VOID = ("meta", "br", "line", "rect")

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(text)
        assert not self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in self.VOID:
            assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]


def check_page(text: str) -> Page:
    """The page, if it needs nothing from elsewhere and can be read without seeing it."""
    read = Page(text)
    assert not {"script", "link", "img", "iframe"} & {tag for tag, _ in read.elements}
    for _, attributes in read.elements:
        assert not {"src", "onclick"} & set(attributes)
        href = attributes.get("href")
        assert href is None or href[1:] in {each.get("id") for _, each in read.elements}
    assert not re.search(r"@import|url\((?!#)", text)
    ids = [attributes["id"] for _, attributes in read.elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    assert read.all("html")[0]["lang"] == "en"
    drawings = [each for each in read.all("svg") if each.get("aria-hidden") != "true"]
    for drawing in drawings:
        assert drawing["role"] == "img"
        assert set((drawing["aria-labelledby"] or "").split()) <= set(ids)
    for scrolled in (each for each in read.all("div") if each.get("class") == "scroll"):
        assert scrolled["tabindex"] == "0"
        assert scrolled["aria-label"]
    return read


def rows(text: str) -> list[list[str]]:
    """The cells of all tables of a Markdown document, as a reader of it sees them."""
    html = MarkdownIt("commonmark", {"html": False}).enable("table").render(text)
    found = re.findall(r"<tr>(.*?)</tr>", html, re.DOTALL)
    return [re.findall(r"<t[dh][^>]*>(.*?)</t[dh]>", row, re.DOTALL) for row in found]


@pytest.mark.parametrize(
    ("member", "check", "clauses"),
    [
        ("merge-overwrites", "liveness", ["READ-2"]),
        # Which of these it is depends on when it was killed.
        ("source-before-map", "restart", ["CRASH-1", "CRASH-2", "CRASH-3", "READ-2", "IMG-1"]),
    ],
)
def test_a_violation_is_told(member: str, check: str, clauses: list[str], tmp_path: Path) -> None:
    files = reported(tmp_path, 1, "--check", check, "--check", "minimality", "zoo", member)
    said = json.loads(files[".json"])
    (violation,) = said["violations"]
    clause, kind = violation["clause"], violation["kind"]
    assert clause in clauses
    assert kind in {each.value for each in Kind}
    assert all(f"block {block}" in violation["explanation"] for block in violation["blocks"])
    commands = [f"flashcopy show {tmp_path / check}.json", f"--seed 1 --check {check} zoo {member}"]
    read = check_page(files[".html"])
    root = check_junit(files[".xml"])
    (failure,) = root.findall("*/testcase/failure")
    assert clause in failure.attrib["message"]
    assert failure.attrib["type"] == (kind or "violation")
    for text in (read.text, failure.text or "", files[".md"]):
        assert all(command in text for command in [*commands, f"{clause} is violated"]), text
    assert len(read.all("article")) == 1
    assert [each for each in read.all("rect") if "asked" in (each.get("class") or "")]
    assert violation["explanation"] in read.text


def test_a_contradiction_of_two_blocks_is_told() -> None:
    report = with_a_contradiction()
    read = check_page(page.dumps(report))
    outlined = [each for each in read.all("rect") if each.get("class") == "box asked"]
    assert len(outlined) == 4
    assert "CONC-2 is violated, no single point in time" in read.text
    assert "MIN-1: too much" in read.text
    root = check_junit(junit.dumps(report))
    assert "data: waste, not wrong: MIN-1: too much" in (root.findtext("*/system-out") or "")
    assert ["data", "conforming", "1", "10"] in [row[:4] for row in rows(markdown.dumps(report))]


def test_what_broke_down_and_what_was_skipped_is_told(tmp_path: Path) -> None:
    """And words that are markup everywhere stay words."""
    checks = [word for id_ in ("errors", "boundaries", "restart") for word in ("--check", id_)]
    files = reported(tmp_path, 3, *checks, "python", f"{__name__}:Breaks")
    said = json.loads(files[".json"])
    assert said["skipped"] == [
        {"check": "restart", "reason": f"python {__name__}:Breaks does not claim restart"}
    ]
    assert [each["errored"] == NASTY for each in said["checks"]] == [True, True, False]
    root = check_junit(files[".xml"])
    assert len(root.findall("*/testcase/error")) == 2
    assert root.find("*/testcase/skipped") is not None
    assert "\x1b" not in files[".xml"]
    read = check_page(files[".html"])
    assert NASTY.strip() in read.text
    assert "Not tried: " in read.text
    table = rows(files[".md"])
    assert {len(row) for row in table} == {7}
    assert [row[1] for row in table] == ["verdict", "errored", "errored", "skipped"]
    assert "<h1># no heading" not in MarkdownIt().render(files[".md"])
    assert MarkdownIt().render(files[".md"]).count("<h1>") == 1


def test_a_target_that_cannot_even_be_introduced(tmp_path: Path) -> None:
    files = reported(tmp_path, 3, "stdio", "--", "echo", "hello")
    assert "it wrote what is not JSON" in check_page(files[".html"]).text
    root = check_junit(files[".xml"])
    assert [case.attrib["name"] for case in root.iter("testcase")] == ["hello"]
    assert "it wrote what is not JSON" in files[".md"]
    assert json.loads(files[".json"])["verdict"] == "errored"


def test_many_seeds_are_not_read_one_by_one() -> None:
    """Of a campaign with many seeds the report says the first ones and how many there are."""
    report = with_a_contradiction()
    (judged,) = report.targets
    (_, line) = judged.lines
    runs = tuple(Run(seed, line.runs[0].result) for seed in range(100))
    many = evolve(judged, lines=(evolve(line, runs=runs),))
    report = evolve(report, targets=(many, judged), seeds=tuple(range(100)))
    read = check_page(page.dumps(report))
    for text in (read.text, markdown.dumps(report)):
        assert "seeds 0 to 99" in text
        assert re.search(r"onvicted by seeds 0, 1, .*, 19 and 80 more", text)
    assert "violation 100 of 100" in read.text
    assert "not run" in read.text  # the one target has a check that the other has not


def test_formats_can_be_chosen(tmp_path: Path) -> None:
    directory = tmp_path / "new" / "one"
    words = ["--check", "minimality", "--format", "junit", "--format", "json"]
    result = CliRunner().invoke(conform, ["--report", str(directory), *words, "bundled"])
    assert result.exit_code == 0, result.output
    assert {path.name for path in directory.iterdir()} == {"report.xml", "report.json"}
    result = CliRunner().invoke(conform, ["--format", "html", "bundled"])
    assert result.exit_code == 2
    assert "--report DIR says where" in result.output


def test_a_report_is_written_whole_or_not_at_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What goes wrong half way leaves the old report and nothing else."""
    report = with_a_contradiction()
    write.write_report(report, tmp_path, ["json"])
    before = (tmp_path / "report.json").read_bytes()
    mode = (tmp_path / "report.json").stat().st_mode
    assert stat.S_IMODE(mode) == 0o644
    other = evolve(report, effort="deep")
    with monkeypatch.context() as patched:
        patched.setattr(Path, "replace", lambda *_: (_ for _ in ()).throw(OSError("disk full")))
        with pytest.raises(OSError, match="disk full"):
            write.write_report(other, tmp_path, ["json"])
    assert [path.name for path in tmp_path.iterdir()] == ["report.json"]
    assert (tmp_path / "report.json").read_bytes() == before


def test_what_was_found_is_said_though_it_cannot_be_written(tmp_path: Path) -> None:
    """Here a directory stands where a report and a trace should be."""
    for name in ("report.md", "liveness.json"):
        (tmp_path / name / "full").mkdir(parents=True)
    words = ["--report", str(tmp_path), "--check", "liveness", "zoo", "merge-overwrites"]
    result = CliRunner().invoke(conform, words)
    assert result.exit_code == 1
    assert "liveness: READ-2 is violated" in result.stdout
    assert "flashcopy show" not in result.stdout
    for name in ("report.md", "liveness.json"):
        assert f"cannot write {tmp_path / name}: " in result.stderr
    assert (tmp_path / "report.xml").exists()
