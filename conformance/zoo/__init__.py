"""The zoo: small flashcopies, one right and many wrong, each with one fault.

They test the tester: the kit must acquit `right` and convict every other. Each wrong one is a few
lines over the right one, and its docstring says what is wrong with it and what that would do to
somebody's data. They are programs of their own, `python -m flashcopy.conformance.zoo NAME`, that
speak the wire protocol, and share no code with the kit that judges them.
"""
