"""What a drawing of a history is made of, in pixels: `drawing` lays it out, a template draws it."""

from attrs import frozen


@frozen
class Cell:
    """A block that a request read or wrote: what it held. `colour` says which write that is."""

    x: float
    block: int
    text: str
    colour: str


@frozen
class Box:
    """A request: where it is, what was asked and answered, and whether it is in question."""

    x: float
    y: float
    width: float
    number: int
    lines: tuple[str, ...]
    cells: tuple[Cell, ...]
    in_question: bool
    refused: bool
    asked: str
    answered: str
    begin: int
    end: int


@frozen
class Band:
    """A start, sync or stop through all lanes, from its request to its answer."""

    x: float
    width: float
    in_question: bool


@frozen
class Strip:
    """A stretch of time in which a block or a grain is as `text` says; `colour` is for the eye."""

    x: float
    width: float
    text: str
    colour: str


@frozen
class Row:
    """A labelled row across the drawing: a group of lanes, or the strips of one block or grain."""

    y: float
    height: float
    label: str
    strips: tuple[Strip, ...] = ()


@frozen
class Drawing:
    """All of it. `words` says the same without a picture, `left_out` how many are not drawn."""

    width: float
    height: float
    lanes: float
    rows: tuple[Row, ...]
    boxes: tuple[Box, ...]
    bands: tuple[Band, ...]
    kills: tuple[float, ...]
    left_out: int
    words: str
