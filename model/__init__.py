"""What is right: the executable specification of incremental flashcopy.

Read in this order: `images` (the whole meaning, in two images), `grain` (the machine that
keeps one grain right), `lifecycle` (which request is allowed when), `volume` (whole volumes,
byte ranges, short last grain). `operation`, `trace` and `content` name what is done to them
and what was seen; `disk` is a disk that can lose what was not flushed.

Nothing here knows how an implementation works. Nothing here imports anything of ours.
"""
