"""The version of the vectors follows from what has changed since the last one.

`released.json` holds the version, and digests of the format and of each vector in it. Another
format is another major version, a vector more or less another minor one, a vector corrected under
its name another patch. `python -m flashcopy.conformance.vectors.release` compares, and writes the
version that follows with its digests; a test fails as long as that is due.
"""

import hashlib
import json
from pathlib import Path
from typing import Any

from flashcopy.conformance.vectors.all_vectors import all_vectors
from flashcopy.conformance.vectors.files import SCHEMA, packaged
from flashcopy.conformance.vectors.vector import text_of

RELEASED = "released.json"
_FIRST: dict[str, Any] = {"version": "0.0.0", "format": "", "vectors": {}}


def current() -> dict[str, Any]:
    """The digests of what would be filled now."""
    return {
        "format": _digest(packaged(SCHEMA)),
        "vectors": {
            vector.id: _digest(text_of(vector))
            for file in all_vectors("")
            for vector in file.vectors
        },
    }


def version_after(released: dict[str, Any], now: dict[str, Any]) -> str:
    """The version that what there is now must have, given the one that was released."""
    major, minor, patch = map(int, released["version"].split("."))
    if now["format"] != released["format"]:
        return f"{major + 1}.0.0"
    if set(now["vectors"]) != set(released["vectors"]):
        return f"{major}.{minor + 1}.0"
    if now["vectors"] != released["vectors"]:
        return f"{major}.{minor}.{patch + 1}"
    return f"{major}.{minor}.{patch}"


def main() -> None:
    """Write the version that follows, if anything has changed."""
    path = Path(__file__).with_name(RELEASED)
    released = json.loads(path.read_text(encoding="utf-8")) if path.exists() else _FIRST
    now = current()
    version = version_after(released, now)
    path.write_text(json.dumps({"version": version, **now}, indent=1) + "\n", encoding="utf-8")
    print(f"{released['version']} -> {version}")


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


if __name__ == "__main__":
    main()
