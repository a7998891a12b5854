"""The page that writes β-LASSO in plain PyTorch: it needs no library, and agrees with it."""

import ast

import nbformat
import pytest
import torch

from lcs.exhibits import book

CELLS = [
    cell
    for cell in nbformat.read(book.ROOT / "book" / "from_scratch.ipynb", as_version=4).cells
    if cell.cell_type == "code"
]


@pytest.fixture(autouse=True)
def _leave_torch_as_it_was():
    threads = torch.get_num_threads()
    with torch.random.fork_rng(devices=[]):
        yield
    torch.set_num_threads(threads)


def test_the_library_arrives_at_the_same_weights(capsys):
    names = {}
    for cell in CELLS:
        capsys.readouterr()
        exec(compile(cell.source, "from_scratch", "exec"), names)
        if "parameters" in cell.metadata.get("tags", []):
            names |= {"epochs": 3}
    assert capsys.readouterr().out.strip() == "the same weights: True"
    # weights have gone, and not all
    sizes = [theta.numel() for theta in names["sparse"].parameters()]
    left = names["of_beta_lasso"][-1, 1:]
    assert all(0 < own < size for own, size in zip(left, sizes, strict=True))
    assert names["of_sgd"][-1, 1:].tolist() == sizes


def test_only_the_last_cell_imports_the_library():
    for cell in CELLS[:-1]:
        imports = [n for n in ast.walk(ast.parse(cell.source)) if isinstance(n, ast.Import)]
        sources = [n for n in ast.walk(ast.parse(cell.source)) if isinstance(n, ast.ImportFrom)]
        names = [alias.name for n in imports for alias in n.names] + [n.module for n in sources]
        roots = {name.partition(".")[0] for name in names}
        assert roots <= {"math", "functools", "matplotlib", "sklearn", "torch"}
