"""An interrupt ends `flashcopy conform` with a report of what was done, and no process left."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

from tests.test_conform_wire import alive

# An IUT that tells its number and then never answers.
MUTE = """
import os, sys
with open(sys.argv[1], "w") as pipe:
    pipe.write(str(os.getpid()))
sys.stdin.readline()
sys.stdin.readline()
"""


def test_interrupt(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    iut = ["stdio", "--", sys.executable, "-S", "-c", MUTE, str(pipe)]
    command = [sys.executable, "-m", "flashcopy.cli", "conform", "--json", "--timeout", "60"]
    command += ["--report", str(tmp_path / "report"), *iut]
    with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=tmp_path) as kit:
        pid = int(pipe.read_text())
        kit.send_signal(signal.SIGINT)
        output, _ = kit.communicate(timeout=60)
    assert kit.returncode == 130
    said = json.loads(output)
    assert said["interrupted"]
    assert said["checks"] == []
    assert not alive(pid)
    reports = {path.name: path.read_text() for path in (tmp_path / "report").iterdir()}
    assert set(reports) == {"report.json", "report.xml", "report.md", "report.html"}
    assert json.loads(reports["report.json"]) == said
    assert all("nterrupted" in text for text in reports.values())


# An IUT that answers until a read of the target comes, tells its number, and falls silent.
SILENT = """
import json, os, sys
claims = ["concurrent", "background_copy"]
hello = {"protocol": 1, "name": "silent", "version": "1", "capabilities": claims}
for line in sys.stdin:
    asked = json.loads(line)
    if asked["method"] == "read" and len(sys.argv) > 1:
        with open(sys.argv.pop(), "w") as pipe:
            pipe.write(str(os.getpid()))
    if len(sys.argv) > 1:
        result = hello if asked["method"] == "hello" else {"copied": 0}
        print(json.dumps({"jsonrpc": "2.0", "id": asked["id"], "result": result}), flush=True)
"""


def test_interrupt_with_many_in_flight(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    iut = ["stdio", "--", sys.executable, "-S", "-c", SILENT, str(pipe)]
    command = [sys.executable, "-m", "flashcopy.cli", "conform", "--json", "--timeout", "60"]
    command += ["--check", "interleaving", "--report", str(tmp_path / "report"), *iut]
    with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=tmp_path) as kit:
        pid = int(pipe.read_text())
        kit.send_signal(signal.SIGINT)
        output, _ = kit.communicate(timeout=60)
    assert kit.returncode == 130
    assert json.loads(output)["interrupted"]
    assert not alive(pid)
