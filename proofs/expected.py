"""What must be answered, by the two images alone.

When a counterexample is told as requests and answers, the right answers must not come from the
code that is in doubt. Of reads the two images know them; only what no reader sees (counts of
copied grains, refusals) is taken from the machine.
"""

from flashcopy.model import images as image_machine
from flashcopy.model import operation as op
from flashcopy.model.images import Images


def expect(
    images: Images, operation: op.Operation, machine_says: op.Outcome, block_size: int
) -> tuple[Images, op.Outcome]:
    """The two images after an operation, and what it must answer.

    The images are tuples of contents. An operation that the machine refuses does nothing.
    """
    if isinstance(machine_says, op.Refused):
        return images, machine_says
    if isinstance(operation, op.Start | op.Sync):
        return image_machine.move_point_in_time(images), machine_says
    if not isinstance(operation, op.Read | op.Write | op.WriteZeroes):
        return images, machine_says
    image = image_machine.read(images, operation.volume)
    first = operation.offset // block_size
    last = first + operation.length // block_size
    if isinstance(operation, op.Read):
        return images, op.Contents(image[first:last])
    content = operation.content if isinstance(operation, op.Write) else 0
    written = image[:first] + (content,) * (last - first) + image[last:]
    return image_machine.write(images, operation.volume, written), machine_says
