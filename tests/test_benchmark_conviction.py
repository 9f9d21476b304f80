"""The benchmark that sets other testers beside the kit: who convicts, acquits, and is not asked."""

from benchmarks.conviction import Convicts, by_random_writes, compare
from flashcopy.conformance.catalogue import CHECKS
from flashcopy.conformance.check import EFFORTS
from flashcopy.conformance.runner import Plan


def by_anger(name: str, seconds: float) -> bool:
    """A tester that convicts everything."""
    return bool(name and seconds)


def by_kindness(name: str, seconds: float) -> bool:
    """One that convicts nothing."""
    return not (name and seconds)


def test_a_few_members() -> None:
    """One that any tester sees, and one that an ordinary one cannot."""
    wrong = ("merge-or", "opened-twice")
    soon = tuple(check for check in CHECKS if check.id in ("errors", "second-opener"))
    others: dict[str, Convicts | str] = {
        "random": by_random_writes,
        "angry": by_anger,
        "kind": by_kindness,
        "fio": "fio is not installed",
    }
    told = compare(wrong, others, Plan(soon, EFFORTS["quick"], 1, 10), 0.5)
    figures = {each.name: each for each in told}
    assert figures["the conformance kit, quick effort"].value.startswith("2 of 2")
    assert figures["random"].value.startswith("1 of 2")
    assert figures["angry"].met is False
    assert figures["kind"].value.startswith("0 of 2")
    assert figures["fio"].value == "not run: fio is not installed"
    by_random, by_angry, by_kind = figures["merge-or"].peer.split("; ")
    assert by_random.endswith("s")
    assert by_angry == "angry not asked: convicts right"
    assert by_kind == "kind no"
    shows = "not asked: convicted by second-opener"
    assert figures["opened-twice"].peer.startswith(f"random {shows}; ")
