"""Self-describing blocks: what is encoded is decoded, and what is damaged is said."""

import inspect
import zlib
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flashcopy.conformance.blocks import contents_of
from flashcopy.model import content
from flashcopy.model.content import (
    Tag,
    UnreadableBlockError,
    decode,
    encode,
    encode_run,
    write_of,
)
from flashcopy.model.geometry import Geometry
from flashcopy.model.images import Volume

TAGS = st.builds(Tag, st.sampled_from(Volume), st.integers(0, 1 << 40), st.integers(1, 1 << 60))
SIZES = st.sampled_from([512, 4096])


@given(TAGS, SIZES)
def test_what_is_encoded_is_decoded(tag: Tag, size: int) -> None:
    block = encode(tag, size)
    assert len(block) == size
    assert decode(block) == tag


def test_zeros_say_nothing() -> None:
    assert decode(bytes(512)) is None


@given(TAGS, TAGS, st.integers(1, 7))
def test_torn_block_is_said_to_be_torn(old: Tag, new: Tag, cells: int) -> None:
    torn = encode(new, 512)[: cells * 64] + encode(old, 512)[cells * 64 :]
    if old == new:
        assert decode(torn) == new
        return
    with pytest.raises(UnreadableBlockError, match="torn"):
        decode(torn)


@given(TAGS, st.integers(0, 512 * 8 - 1))
def test_flipped_bit_never_passes(tag: Tag, bit: int) -> None:
    damaged = bytearray(encode(tag, 512))
    damaged[bit // 8] ^= 1 << bit % 8
    with pytest.raises(UnreadableBlockError):
        decode(bytes(damaged))


def test_foreign_data_is_said_to_be_foreign() -> None:
    with pytest.raises(UnreadableBlockError, match="foreign"):
        decode(b"x" * 512)


SOURCE, TARGET = Volume.SOURCE, Volume.TARGET
# What reads a block at once leaves one of its checks out: a part of `write_of`, and what is there.
CARELESS = {
    "the first cell only": ("cell * (len(data) // _CELL) != data", "False"),
    "no checksum": ("zlib.crc32(cell) != _INTACT", "False"),
    "any block": ("number == block", "True"),
    "any volume": ("side == 0 or (side == 1 and volume is _TARGET)", "True"),
    "any magic": ("magic == _MAGIC", "True"),
}


def passes_wrong_blocks(write_of: Callable[[bytes, Volume, int], int]) -> bool:
    """Whether a block passes that is damaged in any byte, in another's place, or of no volume."""
    block = encode(Tag(SOURCE, 5, 77), 512)
    damaged = (block[:at] + bytes([block[at] ^ 1]) + block[at + 1 :] for at in range(512))
    whole = [block[:at] + bytes([block[at] ^ 1]) + block[at + 1 : 64] for at in range(64)]
    # A cell that is wrong throughout, but has its own right checksum.
    resealed = [cell[:60] + zlib.crc32(cell[:60]).to_bytes(4, "little") for cell in whole[:24]]
    wrong = [*damaged, *(cell * 8 for cell in whole), *(cell * 8 for cell in resealed)]
    wrong += [encode(Tag(SOURCE, 6, 77), 512), encode(Tag(TARGET, 5, 77), 512), bytes(512)]
    wrong += [block[:480], block[:40], b"", block[64:] + bytes(64)]
    return any(write_of(data, SOURCE, 5) for data in wrong)


def test_a_block_is_read_at_once_only_if_it_is_right_in_every_byte() -> None:
    assert write_of(encode(Tag(SOURCE, 5, 77), 512), SOURCE, 5) == 77
    assert write_of(encode(Tag(SOURCE, 5, 77), 4096), TARGET, 5) == 77
    assert write_of(encode(Tag(TARGET, 5, 77), 512), TARGET, 5) == 77
    assert not passes_wrong_blocks(write_of)


@pytest.mark.parametrize("name", CARELESS)
def test_no_check_of_a_block_can_be_left_out(name: str) -> None:
    part, instead = CARELESS[name]
    text = inspect.getsource(write_of)
    assert text.count(part) == 1
    mutant = dict(vars(content))
    exec(text.replace(part, instead), mutant)
    assert passes_wrong_blocks(mutant["write_of"])


@given(st.integers(0, 3), st.integers(0, 511), st.integers(1, 255))
def test_a_damaged_byte_of_a_long_read_never_passes(block: int, at: int, flipped: int) -> None:
    geometry = Geometry(8 * 512, 512, 1024)
    data = bytearray(encode_run(TARGET, 2, 3, 9, 512) + bytes(512))
    assert contents_of(geometry, TARGET, 2, bytes(data)) == (9, 9, 9, 0)
    data[block * 512 + at] ^= flipped
    with pytest.raises(UnreadableBlockError, match=f"target block {2 + block} is (torn|foreign)"):
        contents_of(geometry, TARGET, 2, bytes(data))
