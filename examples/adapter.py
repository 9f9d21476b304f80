"""An incremental flashcopy in memory that speaks docs/protocol.md; run it as a program."""

import fcntl
import json
import os
import pathlib
import pickle
import sys
from base64 import b64decode, b64encode

CLAIMS = ["target_write", "background_copy", "stop", "write_zeroes", "restart"]


class Flashcopy:  # the maps are numbers: bit g is grain g
    def create(self, directory, size, block_size, grain_size, target_writable):
        fits = 512 <= block_size <= min(grain_size, 65536) and size % block_size == 0 < size
        require(fits and block_size.bit_count() == grain_size.bit_count() == 1, "invalid_argument")
        self.size, self.block, self.grain = size, block_size, grain_size
        self.grains = -(-size // grain_size)  # the last one may be short
        self.all = (1 << self.grains) - 1
        self.data = {"source": bytearray(size), "target": bytearray(size)}
        self.writable, self.file = target_writable, pathlib.Path(directory) / "state"
        self.state, self.copied, self.modified = "idle", self.all, self.all

    def check(self, volume, offset, length):
        inside = volume in self.data and min(offset, length) >= 0 and offset + length <= self.size
        require(inside and offset % self.block == length % self.block == 0, "invalid_argument")
        require(volume == "source" or self.state != "stopped", "invalid_state")

    def copy(self, grain):  # the data first, then the bit
        extent = slice(grain * self.grain, min((grain + 1) * self.grain, self.size))
        self.data["target"][extent] = self.data["source"][extent]
        self.copied |= 1 << grain

    def write(self, volume, offset, length, data):
        require(volume != "target" or self.writable, "read_only")
        self.check(volume, offset, length)
        for grain in {at // self.grain for at in range(offset, offset + length, self.block)}:
            if not self.copied >> grain & 1:
                self.copy(grain)
            self.modified |= 1 << grain  # a write to either side makes the two differ
        self.data[volume][offset : offset + length] = data or bytes(length)

    def answer(self, method, volume="", offset=0, length=0, data=b"", grains=None, **others):
        if method in ("create", "open"):  # two processes would undo what the other does
            lock = os.open(others["directory"] + "/lock", os.O_CREAT | os.O_RDWR)
            fcntl.lockf(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)  # until this process ends
        if method == "hello":
            return {"protocol": 1, "name": "Python", "version": "1", "capabilities": CLAIMS}
        if method == "open":
            self.__dict__ = pickle.loads(pathlib.Path(others["directory"], "state").read_bytes())
        elif method == "create":
            self.create(**others)
        elif method in ("start", "sync"):  # a start is a sync of grains that are all modified
            require(method == "start" or self.state == "copying", "invalid_state")
            modified = self.all if method == "start" else self.modified
            self.state, self.copied, self.modified = "copying", self.copied & ~modified, 0
        elif method == "stop" and self.state == "copying":  # afterwards all count as both
            state = "idle" if self.copied == self.all else "stopped"
            self.state, self.copied, self.modified = state, self.all, self.all
        elif method == "read":
            self.check(volume, offset, length)
            sides = (self.data["source"], self.data[volume])  # not copied: a fake read
            for at in range(offset, offset + length, self.block):
                data += sides[self.copied >> at // self.grain & 1][at : at + self.block]
            return {"data": b64encode(data).decode()}
        elif method in ("write", "write_zeroes"):
            return self.write(volume, offset, length or len(data := b64decode(data)), data)
        elif method == "flush":
            self.check(volume, 0, 0)
        elif method == "background_copy":
            require(grains is None or grains >= 0, "invalid_argument")
            left = [g for g in range(self.grains) if not self.copied >> g & 1][:grains]
            return {"copied": len([self.copy(grain) for grain in left])}
        elif method == "status":
            state = "copied" if (self.state, self.copied) == ("copying", self.all) else self.state
            return {"state": state, "copied": self.copied.bit_count(), "grains": self.grains}
        if hasattr(self, "file"):  # the old state or the new one, whenever a kill comes
            new = self.file.with_suffix(".new")
            new.write_bytes(pickle.dumps(self.__dict__))
            new.replace(self.file)


def require(condition, kind):
    if not condition:
        raise ValueError(kind)


flashcopy = Flashcopy()
for line in sys.stdin:
    request = json.loads(line)
    answer = {"jsonrpc": "2.0", "id": request["id"]}
    try:
        answer["result"] = flashcopy.answer(request["method"], **request.get("params", {})) or {}
    except (ValueError, BlockingIOError) as refused:
        kind = str(refused) if isinstance(refused, ValueError) else "invalid_argument"
        answer["error"] = {"code": -1, "message": "", "data": {"kind": kind}}
    print(json.dumps(answer), flush=True)
    if request["method"] == "close":
        break
