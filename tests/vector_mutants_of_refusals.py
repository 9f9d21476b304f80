"""Wrong flashcopies that refuse too little, too much, or with another kind than they must."""

from flashcopy.conformance.zoo.right import Outcome, RefusedError, Right


class _Lenient(Right):
    """Checks what it is told to check, and leaves the rest."""

    offset = length = begin = count = end = True
    unit = 0

    def require_io(self, volume: str, offset: int, length: int) -> None:
        unit = self.unit or self.block_size
        wrong = (
            (self.offset and offset % unit != 0)
            or (self.length and length % unit != 0)
            or (self.begin and offset < 0)
            or (self.count and length < 0)
            or (self.end and offset + length > self.size)
        )
        if wrong or volume not in ("source", "target"):
            raise RefusedError("invalid_argument")
        if volume == "target" and self.state == "stopped":
            raise RefusedError("invalid_state")


class AnyOffset(_Lenient):
    """Offsets may be misaligned."""

    offset = False


class AnyLength(_Lenient):
    """Lengths may be misaligned."""

    length = False


class BelowZero(_Lenient):
    """Offsets may be negative."""

    begin = False


class NegativeLength(_Lenient):
    """Lengths may be negative."""

    count = False


class AlignedTo512(_Lenient):
    """Everything is aligned to 512 bytes."""

    unit = 512


class EndIn32Bits(Right):
    """The end of a range is computed in 32 bits."""

    def require_io(self, volume: str, offset: int, length: int) -> None:
        super().require_io(volume, offset & 0xFFFFFFFF if offset > 0 else offset, length)


class RefusesEmpty(Right):
    """Nothing is no range."""

    def require_io(self, volume: str, offset: int, length: int) -> None:
        super().require_io(volume, offset, length or -1)

    def flush(self, volume: str) -> Outcome:
        super().require_io(volume, 0, self.block_size)
        self.save()
        return {}


class AcceptsEmpty(Right):
    """Where nothing is asked, nothing is checked."""

    def require_io(self, volume: str, offset: int, length: int) -> None:
        if length or (volume == "target" and self.state == "stopped"):
            super().require_io(volume, offset, length)


class WritableAnyway(Right):
    """A read-only target is written."""

    def require_writable(self, volume: str, offset: int, length: int) -> None:
        self.require_io(volume, offset, length)


class RangeBeforeReadOnly(Right):
    """The range is looked at before the permission."""

    def require_writable(self, volume: str, offset: int, length: int) -> None:
        self.require_io(volume, offset, length)
        super().require_writable(volume, offset, length)


class StateBeforeRange(Right):
    """The state is looked at before the range."""

    def require_io(self, volume: str, offset: int, length: int) -> None:
        if volume == "target" and self.state == "stopped":
            raise RefusedError("invalid_state")
        super().require_io(volume, offset, length)


class NegativeCountIsNone(Right):
    """A count below zero copies nothing."""

    def background_copy(self, grains: int | None) -> Outcome:
        return super().background_copy(None if grains is None else max(grains, 0))


class MarksBeforeItRefuses(Right):
    """The grains inside the volume are copied and marked before the range is found too long."""

    def write(self, volume: str, offset: int, data: bytes) -> Outcome:
        if 0 <= offset < self.size and len(data) and offset + len(data) > self.size:
            self.prepare(volume, offset // self.grain_size)
        return super().write(volume, offset, data)


class AnyVolume(_Lenient):
    """Whatever is not the source is the target."""

    def require_io(self, volume: str, offset: int, length: int) -> None:
        super().require_io("source" if volume == "source" else "target", offset, length)


class AnySizes(Right):
    """Sizes are not looked at."""

    def require_sizes(self, size: int, block_size: int, grain_size: int) -> None:
        del size, block_size, grain_size


REFUSAL_MUTANTS: dict[str, type[Right]] = {
    name: member
    for name, member in vars().items()
    if isinstance(member, type) and issubclass(member, Right) and member is not Right
}
