"""A whole life on a real image, a killed process included: REC-1, CRASH-1, READ-2."""

from flashcopy.harness import end_to_end
from flashcopy.harness.efforts import effort_of_tests
from tests.saying import explain


def test_whole_life() -> None:
    """REC-1, COPY-4, COPY-5, SYNC-1, READ-2: compared block by block, and byte for byte."""
    result = end_to_end.run(effort_of_tests().mebibytes, random_seed=1)
    assert result.holds, explain(result)
    assert result.counts["fake reads"] > 0
    assert result.counts["writes"] > 1000
