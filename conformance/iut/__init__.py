"""How the kit talks to an implementation under test, the IUT: a program over pipes, or a class.

`wire` is the conversation, on `message` (lines) and `program` (pipes); `stdio` makes an adapter of
it, and `inprocess` one of a Python class.
"""
