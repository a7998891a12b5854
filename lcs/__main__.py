"""`python -m lcs`: the command line where its script is not installed, from a checkout alone."""

from lcs.cli import main

main()
