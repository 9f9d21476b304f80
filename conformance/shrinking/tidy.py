"""The same history in small numbers: requests, times and contents counted from the beginning.

A history cut out of a long run speaks of request #813 at 1702 and of write 40217. Who is to read
it gets #3 at 5 and write 2. Nothing but the numbers changes, so neither does the verdict.
"""

from attrs import evolve

from flashcopy.conformance.oracle.history import History, Request
from flashcopy.model.operation import Contents, Write
from flashcopy.model.volume import ZERO


def tidy(history: History) -> History:
    """The history with requests and ticks numbered from 0, and contents from 1.

    Contents that nobody is known to have written keep their numbers, and so do all if there are
    such, lest one be taken for another.
    """
    ordered = sorted(history.requests, key=lambda request: request.begin)
    moments = {tick for request in ordered for tick in (request.begin, request.end)}
    ticks = {tick: at for at, tick in enumerate(sorted(moments))}
    contents = _small_contents(ordered)
    return History(
        history.geometry,
        tuple(
            _renamed(
                evolve(request, number=at, begin=ticks[request.begin], end=ticks[request.end]),
                contents,
            )
            for at, request in enumerate(ordered)
        ),
    )


def _small_contents(ordered: list[Request]) -> dict[int, int]:
    written = [each.operation.content for each in ordered if isinstance(each.operation, Write)]
    seen = {
        content
        for each in ordered
        if isinstance(each.outcome, Contents)
        for content in each.outcome.contents
    }
    if not seen <= {ZERO, *written}:
        return {}
    named = [content for content in dict.fromkeys(written) if content != ZERO]
    return {content: at for at, content in enumerate(named, start=1)}


def _renamed(request: Request, contents: dict[int, int]) -> Request:
    operation, outcome = request.operation, request.outcome
    if isinstance(operation, Write):
        content = contents.get(operation.content, operation.content)
        return evolve(request, operation=evolve(operation, content=content))
    if isinstance(outcome, Contents):
        seen = tuple(contents.get(content, content) for content in outcome.contents)
        return evolve(request, outcome=Contents(seen))
    return request
