"""`python -m percolyte` is the command line."""

from percolyte.cli import main

main()
