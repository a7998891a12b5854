"""Settings other than the reproduction's in which the paper's claims are judged, by their studies.

Studies joined by ` + ` are judged together.
"""

ALL_FLIPS = "flips + flips-others"
FLIPS_FURTHER = "flips-beyond", "recipe-length-long"
# of SGD the better of two weight decays
AT_32 = "largest-free + largest-decay"
AT_4000_EPOCHS, AT_150 = "paper-length", "paper-size-searched"
# all with the hyperparameters of smaller networks
AT_150_OTHERS = "paper-size + paper-size-others"
AS_SEARCHED = "recipe-length-search + recipe-length-search-local"
# of β = 50 beside SGD, at the scale desk
ELSEWHERE = ("scaling-seeds", "recipe-length-search", "flips", *FLIPS_FURTHER, AT_32)
# of them and of α = 150, the one with β = 50
SPARSE_ELSEWHERE = (*(names.split(" + ")[0] for names in ELSEWHERE), AT_150)
# of β = 50 beside SGD and S-LOCAL, and beside β = 0
WITH_LOCAL = (
    *("scaling-own", AS_SEARCHED, "flips", *FLIPS_FURTHER),
    *(f"{AT_32} + largest-local", AT_4000_EPOCHS, AT_150),
)
WITH_ZERO = (
    *("scaling-own", ALL_FLIPS, FLIPS_FURTHER[0]),
    *(f"{AT_32} + largest-zero", AT_150_OTHERS),
)
