"""What the page intro says of results: the summary that README has too."""

from checks import Checks, readme

CHECKS = Checks()
CHECKS.update(readme.CHECKS)
