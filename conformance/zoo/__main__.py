"""`python -m flashcopy.conformance.zoo NAME`: one member of the zoo, as a program."""

import sys

from flashcopy.conformance.zoo.members import MEMBERS
from flashcopy.conformance.zoo.serve import serve

serve(MEMBERS[sys.argv[1]](), sys.argv[1])
