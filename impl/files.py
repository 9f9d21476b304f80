"""The three devices as real files: source, target and map file.

A file is an ordinary one or a block device, opened for reading and writing. Every system error
becomes the device's own exception, which says what was asked, of which file, in bytes, and what
the system answered. The system calls are attributes of the object, so that a test can put
failing ones in their place on one file and nowhere else.
"""

import fcntl
import os
import stat
from collections.abc import Callable
from pathlib import Path

from flashcopy.impl.effect import MAP, SOURCE, TARGET, Device
from flashcopy.impl.errors import (
    AlreadyOpenError,
    DeviceError,
    InvalidArgumentError,
    MapFailedError,
    SameFileError,
    SourceFailedError,
    TargetFailedError,
)

_ERRORS: dict[Device, type[DeviceError]] = {
    SOURCE: SourceFailedError,
    TARGET: TargetFailedError,
    MAP: MapFailedError,
}

Data = bytes | bytearray | memoryview


class File:
    """One device of a relationship, open for reading and writing.

    Offsets, lengths and `size` are bytes. Raises the device's own DeviceError, and
    InvalidArgumentError for a path that is neither a file nor a block device.
    """

    def __init__(self, device: Device, path: Path) -> None:
        self.device = device
        self.path = path
        self.fd = -1
        self.pread: Callable[..., bytes] = os.pread
        self.preadv: Callable[..., int] = os.preadv
        self.pwrite: Callable[..., int] = os.pwrite
        self.fdatasync: Callable[[int], None] = os.fdatasync
        try:
            # Not blocking: a named pipe would, and is refused here.
            fd = os.open(path, os.O_RDWR | os.O_CLOEXEC | os.O_NONBLOCK)
        except OSError as error:
            raise self._failed("cannot open it for reading and writing", error) from error
        self._adopt(fd)

    def _adopt(self, fd: int) -> None:
        self.fd = fd
        status = os.fstat(fd)
        if not (stat.S_ISREG(status.st_mode) or stat.S_ISBLK(status.st_mode)):
            self.close()
            raise InvalidArgumentError(
                f"{self.device.value} {self.path}: neither a file nor a block device"
            )
        self.size = os.lseek(fd, 0, os.SEEK_END)
        # What makes two names one file, or two device nodes one disk.
        block_device = stat.S_ISBLK(status.st_mode)
        self.identity = status.st_rdev if block_device else (status.st_dev, status.st_ino)

    def read(self, offset: int, length: int) -> bytes:
        """So many bytes from there. The end of the file is an error here, not an end."""
        try:
            data = self.pread(self.fd, length, offset)
            if len(data) == length:
                return data
            while len(data) < length:
                more = self.pread(self.fd, length - len(data), offset + len(data))
                if not more:
                    raise OSError(0, f"the file ends at byte {offset + len(data)}")
                data += more
        except OSError as error:
            raise self._failed(f"reading {length} bytes at {offset}", error) from error
        return data

    def read_into(self, buffer: memoryview, offset: int) -> None:
        """Fill the buffer from there."""
        length, done = len(buffer), 0
        try:
            while done < length:
                count = self.preadv(self.fd, [buffer[done:]], offset + done)
                if not count:
                    raise OSError(0, f"the file ends at byte {offset + done}")
                done += count
        except OSError as error:
            raise self._failed(f"reading {length} bytes at {offset}", error) from error

    def write(self, offset: int, data: Data) -> None:
        """All of the data to there."""
        length = len(data)
        try:
            done = self.pwrite(self.fd, data, offset)
            while done < length:
                count = self.pwrite(self.fd, memoryview(data)[done:], offset + done)
                if not count:
                    raise OSError(0, f"nothing was written at byte {offset + done}")
                done += count
        except OSError as error:
            raise self._failed(f"writing {length} bytes at {offset}", error) from error

    def flush(self) -> None:
        """Make all that was written durable. A failure says that earlier writes may be lost."""
        try:
            self.fdatasync(self.fd)
        except OSError as error:
            raise self._failed("flushing", error, earlier_writes_lost=True) from error

    def lock(self) -> None:
        """Be the only one who has this map file open. Raises AlreadyOpenError (ERR-8)."""
        try:
            fcntl.flock(self.fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise AlreadyOpenError(
                f"map file {self.path} is already open, here or in another process: close it there"
            ) from None
        except OSError as error:
            raise self._failed("locking", error) from error

    def close(self) -> None:
        """Give the file back to the system, without flushing. Its lock goes with it."""
        if self.fd >= 0:
            os.close(self.fd)
            self.fd = -1

    def _failed(
        self, what: str, error: OSError, *, earlier_writes_lost: bool = False
    ) -> DeviceError:
        name = "map file" if self.device is MAP else self.device.value
        return _ERRORS[self.device](
            f"{name} {self.path}: {what}: {error.strerror}",
            earlier_writes_lost=earlier_writes_lost,
        )


def require_different(files: list[File]) -> None:
    """ERR-9: raises SameFileError if two of the devices are one and the same file or disk."""
    for at, one in enumerate(files):
        for other in files[:at]:
            if one.identity == other.identity:
                raise SameFileError(
                    f"{other.device.value} {other.path} and {one.device.value} {one.path}"
                    " are the same file: use different ones"
                )
