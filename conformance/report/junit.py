"""A report as JUnit XML, which every build server shows: a suite a target, a test case a check.

It has the shape on which the two schemas in use (that of Ant and that of Jenkins) agree. XML has no
place for most control characters, which an implementation's last words may well hold.
"""

import re
from xml.etree import ElementTree as ET

from flashcopy.conformance.report.value import Judged, Line, Report
from flashcopy.conformance.runner import Verdict

_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def dumps(report: Report) -> str:
    """The report as XML text."""
    root = ET.Element("testsuites")
    for number, judged in enumerate(report.targets):
        root.append(_suite(report, judged, number))
    ET.indent(root)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{ET.tostring(root, encoding="unicode")}\n'


def _suite(report: Report, judged: Judged, number: int) -> ET.Element:
    verdicts = [line.verdict for line in judged.lines]
    suite = ET.Element(
        "testsuite",
        {
            "id": str(number),
            "name": _plain(f"flashcopy conform {judged.name}"),
            "package": "flashcopy.conformance",
            # Without a time zone, as the schemas have it: it is UTC.
            "timestamp": report.began[:19],
            "hostname": "localhost",
            "tests": str(len(verdicts) + bool(judged.broke)),
            "failures": str(verdicts.count(Verdict.VIOLATION)),
            "errors": str(verdicts.count(Verdict.ERRORED) + bool(judged.broke)),
            "skipped": str(verdicts.count(Verdict.SKIPPED)),
            "time": f"{sum(line.seconds for line in judged.lines):.3f}",
        },
    )
    properties = ET.SubElement(suite, "properties")
    for name, value in {
        "verdict": judged.verdict.value,
        "effort": report.effort,
        "seeds": report.seeds_said,
        **report.versions,
    }.items():
        ET.SubElement(properties, "property", {"name": name, "value": value})
    if judged.broke:
        case = ET.SubElement(suite, "testcase", _case(judged, "hello", 0.0))
        _add(case, "error", "errored", judged.broke)
    for line in judged.lines:
        suite.append(_test_case(report, judged, line))
    said = [
        f"{line.check.id}: waste, not wrong: {waste}"
        for line in judged.lines
        for waste in line.waste
    ]
    said += report.notes
    said += ["interrupted: this is what was done so far"] * report.interrupted
    ET.SubElement(suite, "system-out").text = _plain("\n".join(said))
    ET.SubElement(suite, "system-err")
    return suite


def _test_case(report: Report, judged: Judged, line: Line) -> ET.Element:
    case = ET.Element("testcase", _case(judged, line.check.id, line.seconds))
    for shown in judged.violations:
        if shown.line is line:
            finding = shown.finding
            kind = finding.wrong.name
            said = [f"{finding.clause} is violated: {finding.explanation}"]
            said += [command for _, command in report.commands(judged, shown)]
            _add(case, "failure", kind or "violation", "\n".join(said))
    if line.verdict is Verdict.ERRORED:
        _add(case, "error", "errored", line.reason)
    if line.verdict is Verdict.SKIPPED:
        ET.SubElement(case, "skipped", {"message": _plain(line.reason)})
    return case


def _case(judged: Judged, name: str, seconds: float) -> dict[str, str]:
    return {"classname": _plain(judged.name), "name": name, "time": f"{seconds:.3f}"}


def _add(case: ET.Element, tag: str, type_: str, text: str) -> None:
    first, *_ = text.splitlines() or [""]
    attributes = {"type": type_, "message": _plain(first)}
    ET.SubElement(case, tag, attributes).text = _plain(text)


def _plain(text: str) -> str:
    """Text without what XML cannot hold."""
    return _NOT_XML.sub("\N{REPLACEMENT CHARACTER}", text)
