"""Every schedule and every crash of a few requests: the exhaustive explorer.

It runs the shipped protocol generators through all schedules of a set of requests, with devices
that fail, and at every state judges everything that a crash can leave. Read in this order:
`requests` and `starts` (what is explored), `automaton` and `answers` (a generator as a small
graph, and how it can end), `program` and `linking` (the graphs as arrays), `memory`, `mapdisk`,
`block` and `doubt` (the parts a state is made of, each with what is right of it), `crash` and
`final` (when a state is wrong), `tables` (why plain Python is fast enough), `layout`, `locking`,
`block_steps` and `steps` (all states of one rank take all their steps at once), `search`,
`explorer` and `runs` (batches, workers, limits), `move` and `trace` (a violation as something to
replay), `coverage` and `report`; `symmetry` says what need not be explored; `efforts`, `manifest`
and `beyond` name scopes and say what is expected of them.
"""
