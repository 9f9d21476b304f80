"""What a finding points at in its trace: blocks, requests, contents, and who wrote these.

A finding names what shows it. A drawing wants the writes of what was seen, too. Where nothing is
named, the last request is what is wrong.
"""

from attrs import frozen

from flashcopy.conformance.wrong import Wrong
from flashcopy.model.operation import Write
from flashcopy.model.trace import Submit, Trace
from flashcopy.model.volume import ZERO


@frozen
class Pointed:
    """Blocks, requests (by number), contents (0: zeros), the first in question first.

    `writers` are the requests that wrote these contents.
    """

    blocks: tuple[int, ...]
    requests: tuple[int, ...]
    contents: tuple[int, ...]
    writers: tuple[int, ...]


def pointed_at(trace: Trace, wrong: Wrong) -> Pointed:
    """What is in question in a trace."""
    asked = {entry.request: entry.operation for entry in trace.entries if isinstance(entry, Submit)}
    named = [asked[number] for number in wrong.requests if number in asked]
    written = [each.content for each in named if isinstance(each, Write)]
    contents = tuple(dict.fromkeys((*wrong.contents, *written)))
    writers = tuple(
        number
        for number, operation in asked.items()
        if isinstance(operation, Write)
        and operation.content in contents
        and operation.content != ZERO  # zeros are what everything was at first
    )
    return Pointed(wrong.blocks, wrong.requests or tuple(asked)[-1:], contents, writers)
