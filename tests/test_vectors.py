"""The vectors as files: the same each time, as their schema says, and refused where bad."""

import base64
import copy
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from click.testing import CliRunner, Result

from flashcopy.cli.vectors import vectors
from flashcopy.conformance.vectors.all_vectors import all_vectors
from flashcopy.conformance.vectors.files import INDEX, SCHEMA, fill, load, packaged, texts
from flashcopy.conformance.vectors.release import RELEASED, current, version_after
from flashcopy.conformance.vectors.vector import Request, dumps, loads
from flashcopy.model.content import Tag, encode
from flashcopy.model.images import Volume
from tests.docs_clauses import ROOT, SPEC, clauses_of
from tests.docs_sessions import blocks

FILES = texts()
IDS = [vector.id for file in all_vectors("") for vector in file.vectors]
DOCUMENT = (ROOT / "docs" / "vectors.md").read_text(encoding="utf-8")


def run(*words: str, status: int = 0) -> Result:
    result = CliRunner().invoke(vectors, list(words))
    assert result.exit_code == status, result.output
    return result


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("vectors")
    fill(directory)
    return directory


def test_every_change_of_the_vectors_is_a_new_version() -> None:
    released = json.loads(packaged(RELEASED))
    assert version_after(released, current()) == released["version"], (
        "the vectors have changed: run python -m flashcopy.conformance.vectors.release"
    )
    assert released == {"version": released["version"], **current()}


@pytest.mark.parametrize(
    ("change", "version"),
    [
        ({}, "1.2.3"),
        ({"vectors": {"a": "2"}}, "1.2.4"),
        ({"vectors": {"a": "1", "b": "1"}}, "1.3.0"),
        ({"vectors": {}}, "1.3.0"),
        ({"vectors": {}, "format": "2"}, "2.0.0"),
    ],
)
def test_versions_follow_from_what_has_changed(change: dict[str, Any], version: str) -> None:
    released = {"version": "1.2.3", "format": "1", "vectors": {"a": "1"}}
    assert version_after(released, {**released, **change}) == version


def test_they_are_the_same_byte_for_byte() -> None:
    code = (
        "from flashcopy.conformance.vectors.files import texts\n"
        "import hashlib; print(hashlib.sha256(repr(texts()).encode()).hexdigest())"
    )
    command = [sys.executable, "-c", code]
    digests = {
        subprocess.check_output(command, env={**os.environ, "PYTHONHASHSEED": seed})
        for seed in ("1", "2")
    }
    assert len(digests) == 1


def test_they_follow_the_schema_and_come_back_as_they_were() -> None:
    jsonschema.Draft202012Validator.check_schema(json.loads(packaged(SCHEMA)))
    for name, text in FILES.items():
        if name not in (INDEX, SCHEMA):
            jsonschema.validate(json.loads(text), json.loads(FILES[SCHEMA]))
            assert dumps(loads(text, name)) == text


@pytest.mark.parametrize(
    "spoil",
    [
        lambda file: file.update(version="2.0.0"),
        lambda file: file["vectors"][0].pop("harm", None) or file["vectors"][0].pop("needs"),
        lambda file: file["vectors"][0].update(more=1),
        lambda file: file["vectors"][0]["steps"].pop(0),
        lambda file: file["vectors"][0]["steps"][1].update(answers=[]),
        lambda file: file["vectors"][0]["steps"][1].update(method="format"),
        lambda file: file["vectors"][0]["steps"].append({"restart": "wait"}),
        lambda file: file["vectors"][0]["looks_for"].update(kind="odd"),
    ],
)
def test_the_schema_refuses_what_is_wrong(spoil: Any) -> None:
    file = copy.deepcopy(json.loads(FILES["requests.json"]))
    spoil(file)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(file, json.loads(FILES[SCHEMA]))


def test_each_has_a_name_of_its_own_and_clauses_that_exist() -> None:
    clauses = {clause.id for clause in clauses_of(SPEC.read_text(encoding="utf-8"))}
    assert len(set(IDS)) == len(IDS)
    for file in all_vectors(""):
        for vector in file.vectors:
            assert set(vector.clauses) <= clauses, vector.id
            assert vector.says.endswith("."), vector.id


def test_together_they_hold_to_every_clause_that_vectors_can_show() -> None:
    """What is left is about requests in flight, devices that fail, and how things are stored."""
    covered = {clause for file in all_vectors("") for v in file.vectors for clause in v.clauses}
    left = {clause.id for clause in clauses_of(SPEC.read_text(encoding="utf-8"))} - covered
    families = {"CONC", "LOCK", "DISK", "MAP", "DUR"}
    assert {each for each in left if each.partition("-")[0] not in families} == {
        "COPY-6",  # what a background copy gives way to is a matter of time
        "ORDER-4",  # between two requests nothing shows how a sync is made durable
        "ERR-5",
        "ERR-6",
        "ERR-7",
        "ERR-8",
    }


def test_the_form_of_the_data_is_as_the_document_says() -> None:
    (said,) = blocks(DOCUMENT, "text")
    cell = encode(Tag(Volume.SOURCE, 7, 3), 512)[:64]
    assert "".join(said.split()) == cell.hex()


def test_the_runner_of_the_document_is_whole(tmp_path: Path) -> None:
    """READ-2, CRASH-2: it acquits and convicts as this project's own does."""
    (runner,) = blocks(DOCUMENT, "python")
    (tmp_path / "run_vectors.py").write_text(runner, encoding="utf-8")
    chosen = tmp_path / "chosen"
    chosen.mkdir()
    wanted = {"requests.json": 4, "restarts.json": 6, "refusals.json": 0, "copying.json": 4}
    (chosen / INDEX).write_text(json.dumps({"files": dict.fromkeys(wanted)}), encoding="utf-8")
    for name, count in wanted.items():
        file = json.loads(FILES[name])
        file["vectors"] = file["vectors"][-count:] if count else file["vectors"][-11:-6]
        (chosen / name).write_text(json.dumps(file), encoding="utf-8")
    for member, status in (("right", 0), ("map-dropped", 1), ("holes-not-written", 1)):
        zoo = [sys.executable, "-m", "flashcopy.conformance.zoo", member]
        command = [sys.executable, "run_vectors.py", str(chosen), *zoo]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert done.returncode == status, done.stdout + done.stderr
        assert not done.stderr
    assert len(done.stdout.splitlines()) == 19


def test_filling_again_replaces_what_was_filled(tmp_path: Path) -> None:
    said = run("fill", str(tmp_path / "new" / "vectors")).output
    assert f"{len(IDS)} vectors" in said
    directory = tmp_path / "new" / "vectors"
    before = {path.name: path.read_bytes() for path in directory.iterdir()}
    (directory / "copying.json").unlink()
    run("fill", str(directory))
    assert {path.name: path.read_bytes() for path in directory.iterdir()} == before


def _foreign(directory: Path) -> str:
    (directory / "notes.txt").write_text("mine")
    return "notes.txt is no file of the vectors"


def _edited(directory: Path) -> str:
    (directory / "copying.json").write_text("edited")
    return "copying.json was changed since it was filled"


def _no_index(directory: Path) -> str:
    (directory / INDEX).unlink()
    return "give a directory that is new, empty, or filled before"


@pytest.mark.parametrize("spoil", [_foreign, _edited, _no_index])
def test_nothing_of_anybody_else_is_touched(spoil: Any, tmp_path: Path) -> None:
    fill(tmp_path)
    message = spoil(tmp_path)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert message in run("fill", str(tmp_path), status=2).output
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_a_full_disk_leaves_what_was_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(tmp_path)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    write = Path.write_bytes

    def full(path: Path, data: bytes) -> int:
        if "lifecycle" in path.name:
            raise OSError(28, "No space left on device", str(path))
        return write(path, data)

    monkeypatch.setattr(Path, "write_bytes", full)
    assert "No space left on device" in run("fill", str(tmp_path), status=2).output
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


@pytest.mark.parametrize("directory", ["/dev/null", "/dev/null/x", "/proc/vectors"])
def test_what_cannot_be_written_to(directory: str) -> None:
    assert "Error:" in run("fill", directory, status=2).output


def _cut(directory: Path) -> str:
    text = (directory / INDEX).read_text()
    (directory / INDEX).write_text(text[: len(text) // 2])
    return "index.json: not JSON"


def _of_another_major_version(directory: Path) -> str:
    index = json.loads((directory / INDEX).read_text())
    (directory / INDEX).write_text(json.dumps({**index, "version": "2.0.0"}))
    return "vectors of version 2.0.0; this program reads version 1.x"


def _damaged(directory: Path) -> str:
    _edited(directory)
    return "copying.json is not as it was filled"


def _missing(directory: Path) -> str:
    (directory / "copying.json").unlink()
    return "copying.json: No such file"


def _elsewhere(directory: Path) -> str:
    index = json.loads((directory / INDEX).read_text())
    index["files"]["../other.json"] = "0"
    (directory / INDEX).write_text(json.dumps(index))
    return "'../other.json' is no name of a file beside it"


@pytest.mark.parametrize(
    "spoil", [_cut, _of_another_major_version, _damaged, _missing, _elsewhere, _no_index]
)
def test_bad_vectors_are_refused(spoil: Any, tmp_path: Path) -> None:
    fill(tmp_path)
    message = spoil(tmp_path)
    said = run("run", str(tmp_path), "bundled", status=2).output
    if spoil is not _no_index:
        assert message in " ".join(said.split())


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "x: not JSON"),
        ("[]", 'x: no "format"'),
        ('{"format": "flashcopy-vectors"}', "'version' is missing"),
        (FILES["copying.json"].replace('"least": 0', '"least": "0"', 1), "'0' is no int"),
        (FILES["copying.json"].replace('"kind": "stale"', '"kind": "odd"', 1), "odd"),
    ],
)
def test_bad_files_are_refused_with_the_place(text: str, message: str) -> None:
    with pytest.raises(ValueError, match="x: ") as caught:
        loads(text, "x")
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["bundled", "more"], "no such target: bundled more"),
        ([], "no such target: (none)"),
        (["stdio", "--", "./no-such-command"], "no such command"),
    ],
)
def test_wrong_usage(words: list[str], message: str, filled: Path) -> None:
    assert message in run("run", str(filled), *words, status=2).output
    assert (
        "no vector is called odd"
        in run("run", "--vector", "odd", str(filled), "bundled", status=2).output
    )


def test_the_bundled_implementation_conforms(filled: Path) -> None:
    """READ-2, LIFE-1, ERR-1, CRASH-2: in this process; what a class cannot be asked is skipped."""
    said = json.loads(run("run", "--json", str(filled), "bundled").output)
    assert said["verdict"] == "conforming"
    assert [vector["id"] for vector in said["vectors"]] == IDS
    skipped = [each for each in said["vectors"] if each["verdict"] == "skipped"]
    assert len(skipped) == 8
    assert all("cannot say" in each["explanation"] for each in skipped)


def test_the_bundled_program_conforms(filled: Path) -> None:
    """ERR-1, ERR-9, REC-1: through the wire what only that can say, a kill and a clean end."""
    names = ("unknown-volume", "no-size", "grain-smaller-than-block", "marks-survive")
    words = [word for name in (*names, "closing-changes-nothing") for word in ("--vector", name)]
    serve = [sys.executable, "-m", "flashcopy.cli", "serve", "--durability", "process"]
    said = run("run", *words, str(filled), "stdio", "--", *serve).output
    assert said.endswith("conforming: 5 conforming; version 1.0.0\n")


def test_a_violation_is_explained(filled: Path) -> None:
    words = ("--vector", "copy-on-write", str(filled), "zoo", "write-before-copy")
    said = run("run", *words, status=1).output
    assert "step 6 of 8, read target at 1024 1024 bytes" in said
    assert "target block 2 (grain 1) is too new: it must hold source 2, and holds source 3" in said
    assert f"flashcopy vectors run --vector copy-on-write {filled} zoo write-before-copy" in said
    (vector,) = json.loads(run("run", "--json", *words, status=1).output)["vectors"]
    assert (vector["step"], vector["kind"]) == (6, "too new")


def test_a_breakdown_is_errored(filled: Path) -> None:
    said = run("run", str(filled), "stdio", "--", "echo", "hello", status=3).output
    assert "echo hello broke down: it wrote what is not JSON" in said


def test_data_that_is_no_whole_number_of_blocks_is_base64(filled: Path) -> None:
    _, loaded = load(filled)
    (vector,) = [each for each in loaded if each.id == "one-byte"]
    writes = [s for s in vector.steps if isinstance(s, Request) and s.method == "write"]
    assert {base64.b64decode(s.params["data"]) for s in writes if isinstance(s.params["data"], str)}
