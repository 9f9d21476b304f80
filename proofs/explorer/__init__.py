"""Every schedule and every crash of a few requests: the exhaustive explorer.

It runs the shipped protocol generators through all schedules of a set of requests, and at every
state judges everything that a crash can leave. Read in this order: `requests` and `starts` (what
is explored), `automaton` (a generator as a small graph), `program` (the graphs as arrays),
`memory`, `mapdisk` and `block` (the parts a state is made of, each with what is right of it),
`crash` and `final` (when a state is wrong), `tables` (why plain Python is fast enough), `layout`
and `steps` (all states of one rank take all their steps at once), `search`, `explorer` and `runs`
(batches, workers, limits), `trace` (a violation as something to replay), `coverage` and `report`;
`efforts` and `manifest` name scopes and say what is expected of them.
"""
