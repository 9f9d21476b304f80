"""Many runs of the kit: checks by seeds by targets, over processes or a cluster, in one report."""
