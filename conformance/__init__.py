"""Judging a flashcopy from outside: by its requests and answers alone.

`history` records what was asked and answered, and when; `cut` decides whether a correct
flashcopy could have answered so, and says which two blocks contradict each other if not. It
takes the history apart (`touches`), follows each block (`block`, `paths`), gathers what the blocks
say about the points in time (`evidence`) and looks for moments that suit all (`moments`). The
other question is whether the states allowed the answers (`lifecycle`). What is found after a kill
or a loss of power is for `recovery` to judge, which follows each block to the crash (`survival`).
"""
