"""Vectors: fixed conversations with the answers they must get, for who has tests of his own.

Read in this order: `vector` (what a vector is, and its JSON), `recorder` (how the model is asked
for the answers), then the vectors themselves, a module a subject, joined in `all_vectors`. `files`
fills a directory and reads one, `run` holds an implementation against a vector, `release` decides
what number a change of the vectors makes of their version. `docs/vectors.md` says how to run them
in any language, without any of this.
"""
