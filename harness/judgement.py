"""Is this answer right? And does what is at rest hold together?

An answer is judged by what the oracle knew at the instants its request took effect, and by which
devices had failed by then: a refusal needs a reason as much as a success does.
"""

from typing import TYPE_CHECKING

from attrs import define, field

from flashcopy.harness.images_oracle import ImagesOracle, Record, World, violation
from flashcopy.harness.requests import Ask, decode
from flashcopy.harness.simulation import Simulation
from flashcopy.impl.effect import MAP, SOURCE, TARGET, Device
from flashcopy.model import disk as disks
from flashcopy.model.images import Volume
from flashcopy.model.lifecycle import State, is_tracking
from flashcopy.model.operation import Contents, Operation, Outcome, Refusal, Refused

if TYPE_CHECKING:
    from flashcopy.harness.trial import Trial


@define(eq=False)
class Pending:
    """What is known of a request in flight.

    `since` counts the answers given before it was submitted, `points` the points in time taken
    before, `state` is the one it was submitted in. `expected` is what each block it has read had
    to hold at that instant, `records` what it wrote, `failed` which devices failed under it.
    """

    operation: Operation
    asked: Ask
    since: int
    points: int
    state: State
    expected: dict[int, int] = field(factory=dict)
    records: list[Record] = field(factory=list)
    failed: set[Device] = field(factory=set)
    world: World | None = None


def judge(trial: "Trial", number: int, pending: Pending, outcome: Outcome) -> None:
    """Raises ViolationError for an answer that must not be."""
    if isinstance(outcome, Refused):
        _judge_refusal(trial, number, pending, outcome.kind)
        _judge_standing(trial, number, pending, {MAP})
        return
    asked, oracle = pending.asked, trial.oracle
    if asked.name.endswith("_target"):
        stayed = State.STOPPED is pending.state is oracle.state and trial.points == pending.points
        if stayed:
            raise violation("LIFE-3", f"request {number} used the target while it was stopped")
    if isinstance(outcome, Contents):
        _judge_contents(oracle, number, pending, outcome)
    elif asked.is_write and len(pending.records) < len(asked.blocks):
        raise violation("WRITE-2", f"request {number} was answered and did not write every block")
    elif asked.name in ("start", "sync") and pending.world is None:
        raise violation("CRASH-3", f"request {number} ({asked.name}) was answered and did nothing")
    elif asked.name == "stop" and is_tracking(oracle.state):
        raise violation("STOP-1", f"request {number} (stop) was answered and did nothing")
    _judge_standing(trial, number, pending, {TARGET, MAP} if asked.is_write else {MAP})


def _judge_standing(trial: "Trial", number: int, pending: Pending, vouching: set[Device]) -> None:
    """ERR-5: when one of these failed under a request, nothing is tracked any more at its end."""
    must_stop, state = pending.failed & vouching, trial.oracle.state
    if must_stop and is_tracking(state):
        raise violation(
            "ERR-5",
            f"request {number} ({pending.asked.name}) has ended although the {_names(must_stop)}"
            f" failed under it, and the relationship is still {state.value}",
        )


def check_grains(simulation: Simulation, oracle: ImagesOracle) -> None:
    """INV-1, INV-2, READ-2: the bits in memory against what is really on the devices."""
    memory, geometry = simulation.memory, simulation.geometry
    if not is_tracking(State(memory.state.value)):
        return
    source, target = (simulation.devices[device].disk for device in (SOURCE, TARGET))
    for grain in range(memory.grains):
        copied, modified = memory.copied[grain], memory.modified[grain]
        if modified and not copied:
            raise violation("INV-2", f"grain {grain} is modified and not copied")
        for block in geometry.blocks_of(range(grain, grain + 1)):
            (on_source,) = decode(disks.read(source, block))
            (on_target,) = decode(disks.read(target, block))
            if copied and not modified and on_source != on_target:
                raise violation(
                    "INV-1",
                    f"grain {grain} is copied and not modified, but block {block} holds"
                    f" {on_source} on the source and {on_target} on the target",
                )
            seen = on_target if copied else on_source
            if seen != oracle.image(Volume.TARGET, block):
                raise violation("READ-2", oracle.explain(Volume.TARGET, block, seen))


def _judge_refusal(trial: "Trial", number: int, pending: Pending, kind: Refusal) -> None:
    asked, state = pending.asked, trial.oracle.state
    said = f"request {number} ({asked.name}) was refused"
    if kind is Refusal.INVALID_STATE:
        needs_target = asked.name.endswith("_target") and state is State.STOPPED
        needs_tracking = asked.name == "sync" and not is_tracking(state)
        if not needs_target and not needs_tracking:
            raise violation("LIFE-1", f"{said} as not allowed in state {state.value}")
    elif kind is not Refusal.IO_ERROR or not trial.failed:
        raise violation("ERR-5", f"{said} ({kind.value}) though no device failed")
    elif asked.name == "write_source" and trial.failed == {TARGET}:
        if not trial.options.keep_target:
            raise violation(
                "ERR-5", f"{said} though only the target failed: the host's write goes on"
            )
    elif (
        asked.name == "background_copy"
        and pending.failed & {TARGET, MAP}
        and not trial.options.keep_target
        and is_tracking(state)
    ):
        raise violation("ERR-5", f"{said}, and the relationship is still {state.value}")


def _judge_contents(oracle: ImagesOracle, number: int, pending: Pending, outcome: Contents) -> None:
    """CONC-1: every block that was read held, at that instant, what its volume's image held."""
    asked = pending.asked
    clause = "READ-1" if asked.volume is Volume.SOURCE else "READ-2"
    if len(outcome.contents) != len(asked.blocks):
        raise violation(
            clause,
            f"request {number} asked for {len(asked.blocks)} blocks and got"
            f" {len(outcome.contents)}",
        )
    for block, seen in zip(asked.blocks, outcome.contents, strict=True):
        expected = pending.expected.get(block, oracle.image(asked.volume, block))
        if seen != expected:
            raise violation(
                clause,
                f"request {number} read {seen} from {asked.volume.value} block {block};"
                f" at that instant it held {expected}",
            )


def _names(devices: set[Device]) -> str:
    return " and ".join(sorted(device.value for device in devices))
