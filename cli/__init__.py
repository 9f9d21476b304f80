"""The `flashcopy` command: one module a subcommand, each with one click command of its name."""
