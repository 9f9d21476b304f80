"""Two ordinary testers of storage, to set beside the conformance kit: how many faults do they see?

`random_writes` is what most products test themselves with: write at random, keep a shadow,
compare. `fio_verify` is the usual tool for it, on both volumes through NBD. Neither knows anything
of a point in time but when to expect which data.
"""
