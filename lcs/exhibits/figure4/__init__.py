"""The paper's Figure 4: are the filters local, and what makes them so?

Modules follow the chapter: `local` has the pictures, how local filters are in every setting and
what makes them so, `smooth` whether they are more than smooth and sparse, `clusters` how close
together the weights of a unit lie.
"""

from __future__ import annotations

from lcs.exhibits.figure4 import clusters, local, smooth

STUDIES = (*local.STUDIES, *clusters.STUDIES)

CLAIMS = (*local.CLAIMS, *clusters.CLAIMS)

__all__ = ["CLAIMS", "STUDIES", "clusters", "local", "smooth"]
