"""How fast it is, each figure beside a limit or a peer measured in the same run.

`python -m benchmarks` (or `make bench`) runs all of them and prints one table; `--only NAME` runs
those whose module has the name. Nothing here is a test: a goal that is missed is printed as such.
"""
