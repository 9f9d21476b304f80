"""`python -m flashcopy.cli`: the command, where the console script is not on the path."""

from flashcopy.cli.entry import main

main()
