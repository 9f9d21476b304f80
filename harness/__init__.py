"""The property-test harness: holds `impl` against `model`, and says so when they differ.

`stateful` drives the implementation on real files beside the model, one request at a time.
`interleaved` runs the protocol on a disk that forgets, under any schedule and any crash.
`threaded` lets real threads loose on real files and judges the history they make.
`end_to_end` takes one large image through the whole of a relationship's life.
Each gives a `result`, and a trace that can be replayed if something was found.
"""
