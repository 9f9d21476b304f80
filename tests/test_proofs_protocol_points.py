"""ORDER-1 to ORDER-4: no effect of the protocol is there, or stands where it stands, for nothing.

Each is left out and each pair of neighbours swapped; the proofs refute it, or it is listed as
harmless with the reason. A new one that is neither, and one listed that is refuted, are red.
"""

import pytest

from flashcopy.proofs.protocol_point_faults import HARMLESS, Fault, faults
from flashcopy.proofs.protocol_points import points

FAULTS = tuple(faults())

pytestmark = pytest.mark.mutation


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: str(fault.name))
def test_is_refuted_or_harmless(fault: Fault) -> None:
    assert fault.is_refuted == (fault.name not in HARMLESS), HARMLESS.get(
        fault.name, f"not refuted: {fault.name}"
    )


def test_every_effect_is_left_out_and_every_harmless_fault_exists() -> None:
    names = [fault.name for fault in FAULTS]
    assert len(set(names)) == len(names)
    assert {f"without {point.name}" for point in points()} <= set(names)
    assert set(HARMLESS) <= set(names)
    assert len(names) > 95
