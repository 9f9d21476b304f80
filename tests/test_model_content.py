"""Self-describing blocks: what is encoded is decoded, and what is damaged is said."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flashcopy.model.content import Tag, UnreadableBlockError, decode, encode
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
