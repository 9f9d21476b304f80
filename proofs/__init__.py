"""Why it is right: theorems about the model's and the implementation's own code.

Read in this order: `obligation` (what a theorem is here), `sorts` and `symbolic` (how ordinary
Python runs on a solver's terms), `query` and `solvers` (how it is asked), `runner` (how it is
judged). Then the theorems, one module an idea, listed in `registry`. Each names the clauses of
`docs/spec.md` that it supports and carries the faults that must break it.
"""
