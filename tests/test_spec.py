"""The specification holds together: every clause has something behind it, and nothing drifts."""

from collections.abc import Iterator, Sequence
from itertools import takewhile

import pytest

from flashcopy.impl import mapfile
from flashcopy.impl.effect import Standing
from flashcopy.impl.errors import MapFileError
from flashcopy.impl.geometry import Geometry
from flashcopy.model import diagrams
from flashcopy.proofs.registry import all_obligations
from tests import docs_clauses
from tests.docs_clauses import ROOT, SPEC, Citation

TEXT = SPEC.read_text(encoding="utf-8")
CLAUSES = docs_clauses.clauses_of(TEXT)
CITED = docs_clauses.citations(CLAUSES)
FAMILIES = docs_clauses.families_of(CLAUSES)
IDS = [clause.id for clause in CLAUSES]


def _lines(found: Sequence[str]) -> str:
    return "\n".join(["", *found])


def test_every_clause_has_an_id_of_its_own_and_none_is_left_out() -> None:
    assert len(set(IDS)) == len(IDS)
    for family in FAMILIES:
        numbers = sorted(int(id_.removeprefix(f"{family}-")) for id_ in IDS if family in id_)
        assert numbers == list(range(1, len(numbers) + 1)), family


def test_the_text_itself_cites_only_clauses_it_has() -> None:
    assert set(docs_clauses.cited_in(TEXT, FAMILIES)) == set(IDS)


def test_every_clause_has_something_behind_it() -> None:
    found = docs_clauses.unsupported(CLAUSES, CITED)
    assert not found, _lines(found)


def test_no_citation_dangles() -> None:
    found = docs_clauses.unknown(CLAUSES, CITED)
    assert not found, _lines(found)


def test_every_obligation_supports_a_clause() -> None:
    supports = {obligation.name: obligation.clauses for obligation in all_obligations()}
    found = docs_clauses.uncited_obligations(supports, set(IDS))
    assert supports
    assert not found, _lines(found)


def test_every_test_that_uses_the_harness_cites_a_clause() -> None:
    found = [
        line
        for file in sorted((ROOT / "tests").glob("test_*.py"))
        for line in docs_clauses.uncited_harness_tests(
            file.read_text(encoding="utf-8"), file.stem, FAMILIES
        )
    ]
    assert not found, _lines(found)


def test_the_tables_of_what_stands_behind_are_up_to_date() -> None:
    assert docs_clauses.draw(TEXT, CITED) == TEXT, "run: .venv/bin/python -m tests.docs_clauses"


def test_the_diagrams_are_up_to_date() -> None:
    assert diagrams.draw(TEXT) == TEXT, "run: .venv/bin/python -m flashcopy.model.diagrams"


def test_a_grain_lives_as_the_specification_says() -> None:
    """COPY-1, WRITE-1, START-1, SYNC-1: the drawing has the arrows these give, and no other."""
    names = dict(_named_states(diagrams.grain_diagram()))
    arrows = {
        (names[before], names[after], said)
        for before, after, all_said in _arrows(diagrams.grain_diagram())
        for said in all_said.split(", ")
    }
    writes = {
        (before, "diverged", f"write to the {side}")
        for before in names.values()
        for side in ("source", "target")
    }
    assert arrows == writes | {
        ("uncopied", "copied and unmodified", "copy"),
        ("copied and unmodified", "uncopied", "start"),
        ("diverged", "uncopied", "sync"),
        ("diverged", "uncopied", "start"),
    }


def _named_states(diagram: str) -> Iterator[tuple[str, str]]:
    for line in diagram.splitlines():
        declared, _, name = line.strip().partition(" as ")
        if name:
            yield name, declared.removeprefix("state ").strip('"')


def _arrows(diagram: str) -> Iterator[tuple[str, str, str]]:
    for line in diagram.splitlines():
        ends, _, said = line.strip().partition(" : ")
        if said:
            before, after = ends.split(" --> ")
            yield before, after, said


def test_the_header_is_laid_out_as_the_specification_says() -> None:
    """MAP-1: each field of the table is at its offset and has its size."""
    sizes = Geometry(size=9 * 4096, block_size=4096, grain_size=8192)
    identity = mapfile.Identity.new(sizes, ROOT / "a", ROOT / "of b", keep_target=True)
    page = mapfile.encode_first_page(identity, mapfile.Header(7, Standing.STOPPED, 1))
    source, target = bytes(identity.source), bytes(identity.target)
    seal = {offset: page[offset : offset + 4] for offset in (508, 4092)}
    expected: list[int | bytes] = [
        *(b"FLASHCPY", 1, identity.id, 7, 2, 1, seal[508]),
        *(b"FLASHCPY", 1, identity.id, 9 * 4096, 4096, 8192, 1, 1, len(source), len(target)),
        *(source + target, seal[4092]),
    ]
    _, _, table = TEXT.partition("| offset | bytes | field |\n| --- | --- | --- |\n")
    rows = [line.split("|") for line in takewhile(bool, table.splitlines())]
    assert len(rows) == len(expected)
    for (_, offset, length, field, _), value in zip(rows, expected, strict=True):
        data = value if isinstance(value, bytes) else value.to_bytes(int(length), "little")
        at = int(offset)
        assert page[at : at + (int(length.strip() or len(data)))] == data, field


@pytest.mark.parametrize(("grains", "map_size"), [(1, 512), (4096, 512), (4097, 1024)])
def test_the_areas_lie_where_the_specification_says(grains: int, map_size: int) -> None:
    """MAP-1: four maps of whole sectors from byte 4096 on, and the file ends with a page."""
    sizes = Geometry(size=grains * 4096, block_size=4096, grain_size=4096)
    offsets = [mapfile.map_offset(sizes, area, which) for area in (0, 1) for which in (0, 1)]
    assert offsets == [4096 + number * map_size for number in range(4)]
    assert mapfile.file_size(sizes) == 8192


def test_every_single_bit_flip_of_the_first_page_is_refused() -> None:
    """MAP-2: wherever it is, and whatever it makes of the field it hits."""
    sizes = Geometry(size=9 * 4096, block_size=4096, grain_size=8192)
    identity = mapfile.Identity.new(sizes, ROOT / "a", ROOT / "b")
    page = mapfile.encode_first_page(identity, mapfile.Header(7, Standing.TRACKING, 0))
    assert mapfile.decode_first_page(page)[0] == identity
    flipped = bytearray(page)
    for bit in range(8 * len(page)):
        flipped[bit // 8] ^= 1 << bit % 8
        with pytest.raises(MapFileError):
            mapfile.decode_first_page(bytes(flipped))
        flipped[bit // 8] ^= 1 << bit % 8


# What follows breaks things on purpose: each check above must notice what it is there for.

_SMALL = """**SYNC-1 — Sync of a grain.** As `SYNC-2` says.

**SYNC-2 — The merge.** Copied and not modified.

<!-- generated: behind sync -->
<!-- end -->
"""
_SUPPORT = [
    Citation("code", "model.grain.sync", "SYNC-1"),
    Citation("proof", "merge.is-and-not", "SYNC-1"),
    Citation("code", "impl.bitmap.merge", "SYNC-2"),
    Citation("test", "test_merge", "SYNC-2"),
]


def test_a_clause_without_code_or_without_check_is_noticed() -> None:
    clauses = docs_clauses.clauses_of(_SMALL)
    assert docs_clauses.unsupported(clauses, _SUPPORT) == []
    for missing in _SUPPORT:
        rest = [citation for citation in _SUPPORT if citation != missing]
        (line,) = docs_clauses.unsupported(clauses, rest)
        assert line.startswith(missing.clause)


def test_a_clause_outside_every_table_is_noticed() -> None:
    with pytest.raises(ValueError, match="SYNC-3"):
        docs_clauses.clauses_of(_SMALL + "\n**SYNC-3 — Refused.** Unchanged.\n")


def test_a_citation_of_no_clause_is_noticed() -> None:
    clauses = docs_clauses.clauses_of(_SMALL)
    stray = Citation("test", "test_merge::test_it", "SYNC-3")
    assert docs_clauses.unknown(clauses, _SUPPORT) == []
    (line,) = docs_clauses.unknown(clauses, [*_SUPPORT, stray])
    assert line.startswith("test_merge::test_it cites SYNC-3")


def test_an_obligation_for_no_clause_is_noticed() -> None:
    supports = {"merge.good": ("SYNC-2",), "merge.none": (), "merge.stray": ("SYNC-2", "SINK-2")}
    found = docs_clauses.uncited_obligations(supports, {"SYNC-2"})
    assert [line.split()[1] for line in found] == ["merge.none", "merge.stray"]


@pytest.mark.parametrize(
    ("docstring", "own_docstring", "noticed"),
    [("", "", 1), ("SYNC-1.", "", 0), ("", "SYNC-1.", 0), ("UTF-8.", "CRC-32.", 1)],
)
@pytest.mark.parametrize(
    "imports", ["from flashcopy.harness.x import y", "import flashcopy.harness.x"]
)
def test_a_harness_test_for_no_clause_is_noticed(
    imports: str, docstring: str, own_docstring: str, noticed: int
) -> None:
    source = f'"""{docstring}"""\n{imports}\ndef test_it():\n    """{own_docstring}"""\n'
    assert len(docs_clauses.uncited_harness_tests(source, "test_x", {"SYNC"})) == noticed


def test_a_table_out_of_date_is_noticed() -> None:
    drawn = docs_clauses.draw(_SMALL, _SUPPORT)
    assert docs_clauses.draw(drawn, _SUPPORT) == drawn
    assert "| SYNC-2 | `impl.bitmap.merge` | none | `test_merge` | none |" in drawn
    assert docs_clauses.draw(drawn, _SUPPORT[:-1]) != drawn


def test_ranges_of_clauses_are_spelled_out() -> None:
    text = "DISK-1 to DISK-3, SYNC-2; UTF-8 and CRC-32 are none"
    assert docs_clauses.cited_in(text, {"DISK", "SYNC"}) == ["DISK-1", "DISK-2", "DISK-3", "SYNC-2"]
