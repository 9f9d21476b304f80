"""A life over again: the same requests and the same crashes, as far as an IUT can be timed.

A *script* is what a trace says of a life: requests, which answers were waited for before the next
one was handed over, and the crashes. What the kit looks at after a crash by itself is no part of
it, and neither is what was answered. How far an IUT is with what is in flight when it is killed is
a matter of microseconds, so what does not come at once may come the next time.
"""

import random
from collections.abc import Sequence

from flashcopy.conformance.checks.life import Life
from flashcopy.model.geometry import Geometry
from flashcopy.model.images import Volume
from flashcopy.model.operation import Operation, Read
from flashcopy.model.trace import Answer, Entry, Kill, PowerLoss, Status, Submit, Trace

# Seconds that an IUT is given with what is in flight before it is killed, or loses power. A loss of
# power may also be handed over in one piece with what it cuts off (None).
_BEFORE_KILL = (0.0, 0.0, 0.0003, 0.001)
_BEFORE_LOSS = (None, None, None, 0.0, 0.0005)

# Submissions, answers that are waited for, and crashes.
Script = tuple[Entry, ...]


def script_of(trace: Trace) -> Script:
    """The script of a trace. Each `Answer` stands for waiting until that request is answered."""
    script: list[Entry] = []
    looks: set[int] = set()
    to_look: list[Operation] = []
    for entry in trace.entries:
        match entry:
            case Kill() | PowerLoss():
                script.append(entry)
            case Status() if script and isinstance(script[-1], Kill | PowerLoss):
                to_look = _looks(trace.geometry)
            case Submit(request, operation) if to_look and operation == to_look[0]:
                looks.add(request)
                to_look.pop(0)
            case Submit():
                to_look = []
                script.append(entry)
            case Answer(request) if request not in looks:
                script.append(entry)
    return tuple(script)


def live_again(life: Life, script: Sequence[Entry], chance: random.Random) -> None:
    """Carry a script out; `life` looks after each crash. Raises ViolationError."""
    numbers: dict[int, int] = {}
    waits = True
    for at, entry in enumerate(script):
        match entry:
            case Submit(request, operation):
                numbers[request] = life.begin(operation)
                # What is answered only while power is lost stands before the loss in a trace, like
                # what was waited for. So both are tried.
                waits = chance.random() < 0.5
            case Answer(request):
                while (waits or not _is_before_a_loss(script, at)) and life.awaits(
                    numbers[request]
                ):
                    life.collect()
            case Kill():
                life.collect(chance.choice(_BEFORE_KILL))
                life.kill()
            case PowerLoss(seed):
                delay = chance.choice(_BEFORE_LOSS)
                if delay is not None:
                    life.collect(delay)
                life.lose_power(seed)
    life.drain()


def _looks(geometry: Geometry) -> list[Operation]:
    """What a life reads by itself after each crash."""
    return [Read(volume, 0, geometry.size) for volume in Volume]


def _is_before_a_loss(script: Sequence[Entry], at: int) -> bool:
    following = next((each for each in script[at:] if not isinstance(each, Answer)), None)
    return isinstance(following, PowerLoss)
