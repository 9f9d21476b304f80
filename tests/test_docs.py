"""What the documents show is true: their examples run, their links lead somewhere."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from flashcopy.model.geometry import LARGEST_BLOCK, SMALLEST_BLOCK
from flashcopy.model.images import Volume
from flashcopy.model.lifecycle import State
from flashcopy.model.operation import Refusal
from tests.docs_clauses import ROOT, SPEC, cited_in, clauses_of, families_of
from tests.docs_sessions import blocks, commands, failed_doctests, run

DOCUMENTS = sorted([ROOT / "README.md", *(ROOT / "docs").glob("*.md")])
PROTOCOL = (ROOT / "docs" / "protocol.md").read_text(encoding="utf-8")
SCHEMA = json.loads((ROOT / "docs" / "protocol.schema.json").read_text(encoding="utf-8"))
DEFINITIONS: dict[str, Any] = SCHEMA["$defs"]

_LINK = re.compile(r"\]\(([^)\s]+)\)")
each_document = pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)


@each_document
def test_its_python_sessions_run(document: Path) -> None:
    failures = failed_doctests(document.read_text(encoding="utf-8"), document.name)
    assert not failures, "\n".join(failures)


@each_document
def test_its_shell_sessions_run(document: Path, tmp_path: Path) -> None:
    for session in blocks(document.read_text(encoding="utf-8"), "console"):
        for command in commands(session):
            assert run(command, tmp_path) == command.output, command.line


@each_document
def test_its_links_lead_somewhere(document: Path) -> None:
    for link in _LINK.findall(document.read_text(encoding="utf-8")):
        file, _, heading = link.partition("#")
        linked = document.parent / file if file else document
        assert linked.exists(), link
        assert not heading or heading in _headings(linked), link


@each_document
def test_it_cites_only_clauses_that_exist(document: Path) -> None:
    clauses = clauses_of(SPEC.read_text(encoding="utf-8"))
    cited = set(cited_in(document.read_text(encoding="utf-8"), families_of(clauses)))
    assert cited <= {clause.id for clause in clauses}


def test_the_documents_that_teach_by_example_have_some() -> None:
    for name, language in (("README.md", "console"), ("docs/tutorial.md", "console")):
        assert blocks((ROOT / name).read_text(encoding="utf-8"), language), name
    for name in ("docs/spec.md", "docs/tutorial.md"):
        sessions = blocks((ROOT / name).read_text(encoding="utf-8"), "python")
        assert any(">>>" in session for session in sessions), name


def test_an_example_that_is_wrong_is_noticed(tmp_path: Path) -> None:
    assert failed_doctests("```python\n>>> 1 + 1\n3\n\n```\n", "wrong")
    assert not failed_doctests("```python\n>>> 1 + 1\n2\n\n```\n", "right")
    (command,) = commands("$ echo one; echo two >&2\none\ntwo\n")
    assert run(command, tmp_path) == command.output
    with pytest.raises(ValueError, match="begins with a command"):
        commands("one\n$ echo one\n")


# The wire protocol: its text, its schema and the model say the same.


def _table(head: str) -> list[list[str]]:
    """The rows of the table with that first column's head, a list of cells each."""
    _, _, rest = PROTOCOL.partition(f"\n| {head} |")
    lines = rest.partition("\n\n")[0].splitlines()[2:]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def _names(cell: str) -> list[str]:
    return re.findall(r"`(\w+)`", cell)


def test_the_schema_has_the_methods_of_the_text() -> None:
    rows = _table("method")
    assert [f"#/$defs/{_names(row[0])[0]}_request" for row in rows] == [
        each["$ref"] for each in DEFINITIONS["request"]["oneOf"]
    ]
    for method, params, result, _ in rows:
        (name,) = _names(method)
        request = DEFINITIONS[f"{name}_request"]["properties"]
        assert request["method"]["const"] == name
        assert request["params"]["required"] == _names(params)
        assert DEFINITIONS[f"{name}_result"]["required"] == _names(result)


def test_the_schema_has_the_words_of_the_text_and_of_the_model() -> None:
    hello = DEFINITIONS["hello_result"]["properties"]
    assert hello["capabilities"]["items"]["enum"] == [_names(r[0])[0] for r in _table("capability")]
    error = DEFINITIONS["error_response"]["properties"]["error"]["properties"]
    kinds = error["data"]["properties"]["kind"]["enum"]
    assert kinds == [_names(row[0])[0] for row in _table("kind")]
    assert set(kinds) == {refusal.value for refusal in Refusal} | {"internal"}
    states = DEFINITIONS["status_result"]["properties"]["state"]["enum"]
    assert states == [state.value for state in State]
    assert DEFINITIONS["volume"]["enum"] == [volume.value for volume in Volume]
    block_sizes = DEFINITIONS["block_size"]["enum"]
    assert (block_sizes[0], block_sizes[-1]) == (SMALLEST_BLOCK, LARGEST_BLOCK)


def test_the_example_follows_the_schema() -> None:
    (session,) = blocks(PROTOCOL, "json")
    methods: dict[int, str] = {}
    for message in map(json.loads, session.splitlines()):
        if "method" in message:
            methods[message["id"]] = message["method"]
            definition = DEFINITIONS[f"{message['method']}_request"]
            assert set(message.get("params", {})) == set(
                definition["properties"]["params"]["required"]
            )
        elif "result" in message:
            definition = DEFINITIONS[f"{methods.pop(message['id'])}_result"]
            assert set(message["result"]) == set(definition["required"])
        else:
            methods.pop(message["id"])
            kinds = DEFINITIONS["error_response"]["properties"]["error"]["properties"]["data"]
            assert message["error"]["data"]["kind"] in kinds["properties"]["kind"]["enum"]
    assert not methods


def _headings(document: Path) -> set[str]:
    """The anchors of a document's headings, as viewers of Markdown make them."""
    headings = re.findall(r"^#+ (.+)$", document.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}
