"""The book's own environment, in which a reader's settings of other programs do not count.

Those of IPython, Jupyter and matplotlib would change numbers and pictures, those of git its
repository. Standard library only: the tests start with it.
"""

import contextlib
import json
import os
import re
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from unittest import mock

# git's settings count, but not the repository of a hook
READERS = re.compile("GIT_(?!CONFIG)|IPYTHON|JUPYTER|MATPLOTLIB|MPL|PYTHONSTARTUP")
FOLDERS = ("IPYTHONDIR", "JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_PATH", "MPLCONFIGDIR")
# of this very Python, whatever else has its name
KERNEL = {
    "argv": [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"],
    "display_name": "Python 3",
    "language": "python",
    "metadata": {"supported_encryption": ["curve"]},
}
# matplotlib reads settings from the working folder first, and may say that it looks for fonts
START = """
import logging, matplotlib
matplotlib.rcdefaults()
logging.getLogger("matplotlib.font_manager").setLevel("ERROR")
del logging, matplotlib
"""


@contextlib.contextmanager
def own_environment() -> Iterator[None]:
    """Give this process, and those that it starts, the book's environment for a while."""
    with tempfile.TemporaryDirectory(prefix="lcs-") as folder, mock.patch.dict(os.environ):
        for name, text in {
            "kernels/python3/kernel.json": json.dumps(KERNEL),
            "profile_default/startup/start.py": START,
        }.items():
            path = Path(folder) / name
            path.parent.mkdir(parents=True)
            path.write_text(text, encoding="utf-8")
        for name in [name for name in os.environ if READERS.match(name)]:
            del os.environ[name]
        os.environ.update(dict.fromkeys(FOLDERS, folder))
        yield
