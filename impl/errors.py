"""Everything that can go wrong, one exception for each kind of error.

The message says what was asked, what is wrong with it and what to do. After an error nothing
has changed, unless the class says otherwise. `kind` is the wire protocol's word for the error.
"""

from typing import ClassVar


class FlashCopyError(Exception):
    """Anything the implementation refuses or fails to do."""

    kind: ClassVar[str] = "internal"


class InvalidArgumentError(FlashCopyError):
    """The request makes no sense for these volumes: out of range, misaligned, wrong sizes."""

    kind = "invalid_argument"


class GeometryError(InvalidArgumentError):
    """The sizes given make no pair of volumes: zero, unequal, unaligned, no power of two."""


class SameFileError(InvalidArgumentError):
    """Source, target and map must be three different files."""


class OutOfRangeError(InvalidArgumentError):
    """The request reaches outside the volume."""


class MisalignedError(InvalidArgumentError):
    """The request does not lie on whole blocks."""


class InvalidStateError(FlashCopyError):
    """The relationship is in a state that does not allow the request."""

    kind = "invalid_state"


class NotStartedError(InvalidStateError):
    """Sync without tracking: nothing was started, or it was stopped."""


class TargetStoppedError(InvalidStateError):
    """The target is no usable image until the next start."""


class ClosedError(InvalidStateError):
    """The relationship was closed."""


class ReadOnlyTargetError(FlashCopyError):
    """A write to a target that was created read-only."""

    kind = "read_only"


class DeviceError(FlashCopyError):
    """A file or block device failed to do what it was asked.

    `earlier_writes_lost`: a flush failed, so writes that were answered before may be gone too.
    """

    kind = "io_error"

    def __init__(self, message: str, *, earlier_writes_lost: bool = False) -> None:
        super().__init__(message)
        self.earlier_writes_lost = earlier_writes_lost


class SourceFailedError(DeviceError):
    """The source could not be read, written or flushed."""


class TargetFailedError(DeviceError):
    """The target could not be read, written or flushed."""


class MapFailedError(DeviceError):
    """The map file could not be written or flushed."""


class MapFileError(FlashCopyError):
    """The map file cannot be used; nothing was changed."""

    kind = "invalid_argument"


class ForeignMapError(MapFileError):
    """The file is no map file at all."""


class NewerMapError(MapFileError):
    """The map file was written by a newer version of the format."""


class TruncatedMapError(MapFileError):
    """The map file is shorter or longer than its own header says."""


class CorruptMapError(MapFileError):
    """The map file's header fails its checksum or contradicts itself."""


class AlreadyOpenError(MapFileError):
    """Another process, or another relationship in this one, has the map file open."""


class MapExistsError(MapFileError):
    """A map file is not written over an existing file."""
