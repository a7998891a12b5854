"""`lcs data`: obtain and check data sets."""

from pathlib import Path
from typing import Annotated

import typer

from lcs.cli.options import argument

app = typer.Typer(help="Obtain and check data sets.", no_args_is_help=True)
Name = Annotated[str, argument("As `lcs data list` has it.", metavar="NAME")]
COPY = (
    "The official archive of CIFAR-10 or CIFAR-100, binary or python, or its folder "
    "(`cifar-10-batches-bin`, torchvision's `cifar-10-batches-py`); of any data set an .npz of "
    "train_images, train_labels, test_images, test_labels, or of x_train, y_train, x_test, y_test."
)


@app.command("get")
def get_data(name: Name) -> None:
    """Obtain a data set, check it, and print where it is."""
    from lcs.data import download

    print(download.get(name))


@app.command("import")
def import_data(name: Name, path: Annotated[Path, argument(COPY)]) -> None:
    """Check a copy that you have, and take it over."""
    from lcs.data import download

    print(download.import_npz(name, path))


@app.command("verify")
def verify_data(name: Name) -> None:
    """Check a data set's file against its pinned checksums."""
    from lcs import data

    print(data.verify(name))


@app.command("list")
def list_data() -> None:
    """Print every data set, its state and its file."""
    from lcs import data

    for name, path, state in data.available():
        print(f"{name:11} {state:12} {path or ''}")
