"""The clauses of the specification, and what stands behind each.

Code, proofs, tests and checks say in their docstrings which clauses they state or support; this
reads it there and draws the tables of `docs/spec.md` from it. So no reference can dangle, and a
table that is out of date is noticed. `python -m tests.docs_clauses` draws the tables anew.

What counts as a citation: a clause id such as SYNC-2, or a range such as "DISK-1 to DISK-4", in
the docstring of a module, class or function; in the modules of `harness/` and `conformance/` in
any of their texts, for their findings name clauses too; and the `clauses` of an obligation.
"""

import ast
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from attrs import frozen

from flashcopy.conformance import catalogue
from flashcopy.conformance.catalogue import CHECKS
from flashcopy.model.diagrams import replace
from flashcopy.proofs.registry import all_obligations

ROOT = Path(__file__).parent.parent
SPEC = ROOT / "docs" / "spec.md"

# What may stand behind a clause; the columns of a table.
KINDS = ("code", "proof", "test", "check")
_KIND_OF_FOLDER = {
    "model": "code",
    "impl": "code",
    "harness": "test",
    "tests": "test",
    "conformance": "check",
}

_CLAUSE = re.compile(r"^\*\*([A-Z]+-\d+) — (.+?)\.?\*\*", re.MULTILINE)
_MARKER = re.compile(r"<!-- generated: (behind .+) -->")
_CITATION = re.compile(r"\b([A-Z]+)-(\d+)\b(?:\s+to\s+\1-(\d+)\b)?")


# Tests of the conformance kit stand behind its checks, not behind what they judge.
_OF_THE_KIT = ("test_conform", "test_cut", "test_report", "test_vectors")
_LIST_OF_CHECKS = Path(catalogue.__file__)
_CHECKS = {check.id for check in CHECKS}


@frozen
class Clause:
    """A clause of the specification, and the marker of the table it is listed in."""

    id: str
    title: str
    table: str


@frozen
class Citation:
    """Something that names a clause: `where` it is, and which `kind` of thing it is."""

    kind: str
    where: str
    clause: str


def clauses_of(spec: str) -> list[Clause]:
    """The clauses in the order of the text."""
    tables = [(found.start(), found[1]) for found in _MARKER.finditer(spec)]
    clauses = []
    for found in _CLAUSE.finditer(spec):
        following = [name for at, name in tables if at > found.start()]
        if not following:
            raise ValueError(f"{found[1]} is followed by no table of what stands behind it")
        clauses.append(Clause(found[1], found[2], following[0]))
    return clauses


def cited_in(text: str, families: Iterable[str]) -> list[str]:
    """The ids that a text cites, ranges spelled out; families are what an id begins with."""
    known = set(families)
    return [
        f"{family}-{number}"
        for family, first, last in _CITATION.findall(text)
        if family in known
        for number in range(int(first), int(last or first) + 1)
    ]


def families_of(clauses: Iterable[Clause]) -> set[str]:
    """What the ids begin with: INV, SYNC and so on."""
    return {clause.id.partition("-")[0] for clause in clauses}


def citations(clauses: list[Clause]) -> list[Citation]:
    """Every citation in the project, in the order of folders, files and lines."""
    families = families_of(clauses)
    found = [Citation("check", check.id, clause) for check in CHECKS for clause in check.clauses]
    found += [
        Citation("check" if file.name.startswith(_OF_THE_KIT) else kind, where, clause)
        for folder, kind in _KIND_OF_FOLDER.items()
        for file in sorted((ROOT / folder).rglob("*.py"))
        if file != _LIST_OF_CHECKS  # they are listed one by one
        for where, text in _texts(folder, file)
        for clause in cited_in(text, families)
    ]
    found += [
        Citation("proof", obligation.name, clause)
        for obligation in all_obligations()
        for clause in obligation.clauses
    ]
    return list(dict.fromkeys(found))


def unknown(clauses: list[Clause], cited: Iterable[Citation]) -> list[str]:
    """A line for every citation of a clause that does not exist."""
    ids = {clause.id for clause in clauses}
    return [
        f"{citation.where} cites {citation.clause}, which docs/spec.md does not have"
        for citation in cited
        if citation.clause not in ids
    ]


def unsupported(clauses: list[Clause], cited: Iterable[Citation]) -> list[str]:
    """A line for every clause that no code states, or that no proof and no test checks."""
    kinds: dict[str, set[str]] = {clause.id: set() for clause in clauses}
    for citation in cited:
        kinds.setdefault(citation.clause, set()).add(citation.kind)
    lines = []
    for clause in clauses:
        if "code" not in kinds[clause.id]:
            lines.append(f"{clause.id} ({clause.title}): no docstring in model/ or impl/ cites it")
        if not kinds[clause.id] & {"proof", "test"}:
            lines.append(f"{clause.id} ({clause.title}): no proof and no test cites it")
    return lines


def uncited_obligations(supports: Mapping[str, tuple[str, ...]], ids: set[str]) -> list[str]:
    """A line for every obligation, by name, that supports no clause or one that does not exist."""
    return [
        f"obligation {name} supports {', '.join(clauses) or 'no clause'}"
        for name, clauses in supports.items()
        if not clauses or not ids.issuperset(clauses)
    ]


def uncited_harness_tests(source: str, name: str, families: set[str]) -> list[str]:
    """A line for every test, in a file that uses the harness, that says no clause it checks."""
    module = ast.parse(source)
    if not _uses_harness(module) or cited_in(ast.get_docstring(module) or "", families):
        return []
    return [
        f"{name}::{node.name} uses the harness, and neither it nor its file cites a clause"
        for node in ast.walk(module)
        if isinstance(node, ast.FunctionDef)
        and node.name.startswith("test_")
        and not cited_in(ast.get_docstring(node) or "", families)
    ]


def draw(spec: str, cited: Iterable[Citation]) -> str:
    """The specification with its tables of what stands behind each clause drawn anew."""
    behind: dict[tuple[str, str], list[str]] = {}
    for citation in cited:
        behind.setdefault((citation.clause, citation.kind), []).append(citation.where)
    tables: dict[str, list[str]] = {}
    for clause in clauses_of(spec):
        cells = [_cell(behind.get((clause.id, kind), [])) for kind in KINDS]
        row = f"| {' | '.join([clause.id, *cells])} |"
        tables.setdefault(clause.table, []).append(row)
    for table, rows in tables.items():
        head = ["| clause | code | proof | test | conformance check |", "| --- " * 5 + "|"]
        spec = replace(spec, table, "\n".join(head + rows))
    return spec


def _cell(wheres: list[str]) -> str:
    """The places in a cell of the table, so few that somebody may read them.

    A test file that cites the clause in several places stands for itself, and so does any file in
    which nothing more is named; where checks are named, what they are made of is left out.
    """
    files = Counter(where.partition("::")[0] for where in wheres)
    places = dict.fromkeys(
        file if files[file := where.partition("::")[0]] > 1 else where for where in wheres
    )
    if any(where in _CHECKS for where in wheres):
        places = dict.fromkeys(where for where in places if where in _CHECKS)
    named = [each for each in places if not any(other.startswith(f"{each}.") for other in places)]
    return ", ".join(f"`{where}`" for where in named) or "none"


def _texts(folder: str, file: Path) -> Iterator[tuple[str, str]]:
    """The texts of a file in which citations count, each with the name of the place it is at."""
    module = ast.parse(file.read_text(encoding="utf-8"))
    if folder in ("harness", "conformance"):
        for node in ast.walk(module):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                yield _module_name(file), node.value
    elif folder != "tests":
        yield from _docstrings(_module_name(file), ".", module)
    elif file.stem.startswith("test_"):
        yield from _docstrings(file.stem, "::", module)


def _module_name(file: Path) -> str:
    """The name of a file of ours within the namespace, `folder.module`."""
    parts = file.relative_to(ROOT).with_suffix("").parts
    return ".".join(part for part in parts if part != "__init__")


def _docstrings(name: str, separator: str, node: ast.AST) -> Iterator[tuple[str, str]]:
    """The docstrings of a definition and of those within it, each under its full name."""
    if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef):
        yield name, ast.get_docstring(node) or ""
        for child in node.body:
            if isinstance(child, ast.ClassDef | ast.FunctionDef):
                yield from _docstrings(f"{name}{separator}{child.name}", separator, child)


def _uses_harness(module: ast.Module) -> bool:
    return any(name.startswith("flashcopy.harness") for name in _imported(module))


def _imported(module: ast.Module) -> Iterator[str]:
    """The full names of what a file imports, `package.module.name`."""
    for node in ast.walk(module):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def main() -> None:
    """Draw the tables anew."""
    spec = SPEC.read_text(encoding="utf-8")
    SPEC.write_text(draw(spec, citations(clauses_of(spec))), encoding="utf-8")


if __name__ == "__main__":
    main()
