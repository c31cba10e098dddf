"""``python -m isotropy``."""

from .cli import main

main()
