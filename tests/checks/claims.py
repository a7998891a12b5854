"""What the page claims says of results."""

from checks import check, verdicts
from lcs.exhibits.shared.verdicts import CORRECTED, UNDECIDED

# claims that openings of chapters call so, each in a setting whose name ends so
CALLED = {
    CORRECTED: (
        ("With about as many * better than gradual magnitude pruning (larger budget)", "α = 4"),
        ("With about as many * better than a random mask (larger budget)", "α = 4"),
        ("With about as many * better than one-shot pruning (smaller budget)", "α = 1"),
        ("These masks are better than masks rewired at random*", "α = 1"),
        ("Trained anew by SGD on the masks * dense S-FC by SGD", "α = 4"),
        ("Trained anew by SGD on the masks * by β = 50", "α = 4"),
        ("A frozen first layer is better on CIFAR-10 if β = 50 *", "α = 1"),
        ("With three tenths of the images S-LOCAL is better*", "α = 1"),
        ("On spoken digits, β = 0 is better than SGD", "α = 4"),
        ("As searched * closes most of the gap *", "α = 8"),
        ("D-FC by SGD is better with the first layer's mask *", "α = 1"),
        ("S-FC by β = 50 that starts from S-CONV is better than from random *", "α = 2"),
        ("S-FC by β = 50 that starts from S-CONV is better than from random *", "α = 8"),
        ("S-FC by SGD that starts from S-CONV is better than from random *", "α = 8"),
        ("At α = 1, β = 50 is worse than β = 0", "α = 1"),
    ),
    UNDECIDED: (
        ("With about as many * better than one-shot pruning (larger budget)", "α = 1"),
        ("With about as many * better than SET (larger budget)", "α = 1"),
        ("Natural images give β = 50 more local filters *", "α = 4"),
        ("With masks found on CIFAR-100, SGD is better *", "α = 1"),
        ("On spoken digits, β = 50 is better than SGD", "α = 4"),
        ("In D-FC, β = 50 is better than SGD", "α = 1"),
        ("S-FC by SGD that starts from S-CONV is better than from random *", "α = 2"),
    ),
}


@check
def labels_of_the_openings(store):
    """What openings call undecided, or not significant after correction, is so."""
    for label, claims in CALLED.items():
        for pattern, where in claims:
            (found,) = verdicts(store, pattern)
            said = [verdict for setting, verdict in found.items() if setting.endswith(where)]
            if len(said) != 1 or label not in said[0]:
                return False
    return True
