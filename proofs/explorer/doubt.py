"""What failing devices leave behind: how many failures may still come, and what is in doubt.

A device whose flush failed is in doubt: every further flush of it fails too (ERR-5, ERR-6), of the
source for good, of target and map until it is recorded durably that the relationship has stopped.
To record that the map has to be flushed, so whoever distrusted the maps after its last failure may
flush it. What the failed flush has lost is said block by block and bit by bit (`block`, `mapdisk`).

The rules are those of `harness.simulation`, but that a device which is asked for nothing does not
fail: not while it is in doubt, for then no flush reaches it, nor where there is nothing to write.
"""

from attrs import evolve, frozen

from flashcopy.impl.effect import MAP, TARGET, Device, Standing
from flashcopy.model.trace import Fault

# What is said of a request: that it distrusts the maps, or that memory has followed a header.
DISTRUSTED, FOLLOWED, STOPPED, FAULT = range(1, 5)


@frozen
class Doubts:
    """`left` more effects may fail; `doubted` devices; `knowing` requests may flush the map.

    Where the map is not in doubt everybody may, and nobody is `knowing`.
    """

    left: int = 0
    doubted: frozenset[Device] = frozenset()
    knowing: frozenset[int] = frozenset()

    def refuses(self, device: Device, request: int) -> bool:
        """Whether a flush of the device fails because an earlier one did."""
        return device in self.doubted and not (device is MAP and request in self.knowing)


@frozen
class Rules:
    """What holds of flushes after one that failed; each can be broken by a mutant.

    A device in doubt is `refusing` to be flushed. A failed flush of the map file is `known`: nobody
    who distrusted the maps before it may flush them any more.
    """

    refusing: bool = True
    known: bool = True


AS_THEY_ARE = Rules()


@frozen
class Flushing:
    """A request flushes some devices, in order; a fault fails the first or the last of them."""

    devices: tuple[Device, ...]
    request: int
    fault: Fault = Fault.NONE


@frozen
class Flushed:
    """What came of it: devices flushed, the one that now lost what it held, the one to blame.

    `blamed` is whose error the request gets; it lost nothing new if it was in doubt already.
    """

    doubts: Doubts
    devices: tuple[Device, ...]
    lost: Device | None = None
    blamed: Device | None = None


def flush(doubts: Doubts, asked: Flushing, rules: Rules = AS_THEY_ARE) -> Flushed | None:
    """ERR-5, ERR-6: a flush; None if the fault cannot be, for the device is not asked.

    Where devices in doubt are not refusing none is ever in doubt.
    """
    done: list[Device] = []
    devices = asked.devices[:1] if asked.fault is Fault.LOST else asked.devices
    for device in devices:
        if doubts.refuses(device, asked.request):
            if asked.fault is not Fault.NONE:
                return None
            return Flushed(doubts, tuple(done), blamed=device)
        if asked.fault is not Fault.NONE and device is devices[-1]:
            after = _doubting(doubts, device, rules)
            return Flushed(after, tuple(done), lost=device, blamed=device)
        done.append(device)
    return Flushed(doubts, tuple(done))


def _doubting(doubts: Doubts, device: Device, rules: Rules) -> Doubts:
    if not rules.refusing:
        return evolve(doubts, left=doubts.left - 1)
    knowing = frozenset() if device is MAP and rules.known else doubts.knowing
    return Doubts(doubts.left - 1, doubts.doubted | {device}, knowing)


def said(standing: Standing) -> int:
    """What following a header of this standing says."""
    return STOPPED if standing is Standing.STOPPED else FOLLOWED


def change(doubts: Doubts, what: int, request: int, rules: Rules = AS_THEY_ARE) -> Doubts:
    """After a request distrusted the maps, followed a header, ended, or had a fault."""
    match what:
        case 1:
            asks = MAP in doubts.doubted or not rules.known
            known = doubts.knowing | {request} if asks else frozenset()
            return evolve(doubts, knowing=known)
        case 3:
            still = frozenset() if rules.known else doubts.knowing - {request}
            return Doubts(doubts.left, doubts.doubted - {TARGET, MAP}, still)
        case 4:
            return evolve(doubts, left=doubts.left - 1)
    return evolve(doubts, knowing=doubts.knowing - {request})
