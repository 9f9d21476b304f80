"""One member of the zoo, as a program: `python -m flashcopy.conformance.zoo NAME`.

Or by the path of this file. The kit starts a member some dozens of times before it is done, and a
member needs nothing but the standard library; so it is started with `python -S`, which knows no
installed packages and begins in two thirds of the time. Our own namespace is then made here, and
of the zoo only the module is imported that has the member.
"""

import os
import sys
from types import ModuleType

if "flashcopy" not in sys.modules:
    namespace = ModuleType("flashcopy")
    namespace.__path__ = [os.path.abspath(os.path.join(__file__, "..", "..", ".."))]
    sys.modules["flashcopy"] = namespace

from flashcopy.conformance.zoo.named import named
from flashcopy.conformance.zoo.serve import serve

serve(named(sys.argv[1])(), sys.argv[1])
