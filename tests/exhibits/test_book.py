"""How chapters are executed, updated and rendered, on a book with one chapter."""

import ast
import html
import time
from concurrent.futures import ThreadPoolExecutor
from unittest import mock

import nbformat
import pytest
from filelock import FileLock

from lcs.analysis import pages
from lcs.errors import ConfigError, LcsError
from lcs.exhibits import book, skeleton


def _code(notebook):
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


@pytest.fixture
def tiny(tmp_path, monkeypatch):
    """A book with one chapter, which prints its parameters."""
    source = "seeds = 1  # runs\nbeta = 50.0  # threshold\nlive = False  # anew\n"
    source += 'scale = "desk"  # size\nbetas = [0.5]  # all'
    cells = [
        nbformat.v4.new_code_cell(source, metadata={"tags": ["parameters"]}),
        nbformat.v4.new_code_cell("import sys\nprint('noise', file=sys.stderr)\nprint('a')"),
        nbformat.v4.new_code_cell(
            "from lcs.errors import ConfigError\n"
            "if scale not in ('smoke', 'desk'):\n"
            "    raise ConfigError(f'scale {scale} is unknown')\n"
            "seeds, beta, live, scale, betas"
        ),
    ]
    (tmp_path / "book").mkdir()
    (tmp_path / "_toc.yml").write_text("root: book/intro\nchapters:\n  - file: book/tiny\n")
    notebook = nbformat.v4.new_notebook(cells=cells)
    notebook.metadata.language_info = {"name": "python"}
    nbformat.write(notebook, tmp_path / "book" / "tiny.ipynb")
    monkeypatch.setattr(book, "ROOT", tmp_path)
    return tmp_path


def test_words_become_values_of_the_declared_types(tiny):
    words = {"seeds": "3", "beta": "1e-4", "live": "true", "scale": "smoke", "betas": "[0, 1.5]"}
    parsed = book.parse("tiny", words)
    assert parsed == {"seeds": 3, "beta": 1e-4, "live": True, "scale": "smoke", "betas": [0, 1.5]}
    assert [type(value) for value in parsed.values()] == [int, float, bool, str, list]


def test_unknown_names_and_values_of_another_type_are_refused_before_anything_runs(tiny):
    for name, word in (("seeds", "3.0"), ("beta", "nan"), ("live", "1"), ("betas", "['a']")):
        with pytest.raises(ConfigError, match=f"tiny: {name} must be"):
            book.parse("tiny", {name: word})
    for values, reason in (
        ({"seeds": 1.0}, "seeds must be int"),
        ({"seed": 1}, "no parameter 'seed'.*did you mean seeds"),
        ({"scale": "smok"}, "^tiny: scale is one of .*; did you mean smoke"),
    ):
        with pytest.raises(ConfigError, match=reason):
            book.execute("tiny", values)
    with pytest.raises(ConfigError, match="no chapter 'table9'; there are: tiny"):
        book.parameters("table9")
    assert not (tiny / "_build").exists()


def test_execution_takes_the_parameters_and_leaves_the_chapter_alone(tiny):
    committed = (tiny / "book" / "tiny.ipynb").read_bytes()
    executed = book.execute("tiny", {"seeds": 3, "beta": 2, "live": True})
    assert executed == tiny / "_build" / "rerun" / "tiny" / "tiny.ipynb"
    outputs = [cell.outputs for cell in _code(nbformat.read(executed, as_version=4))]
    assert outputs[-1][0].data["text/plain"] == "(3, 2, True, 'desk', [0.5])"
    with pytest.raises(ConfigError, match=r"^tiny, cell 4: scale paper is unknown") as failure:
        book.execute("tiny", {"scale": "paper"})
    assert "\n" not in str(failure.value)
    assert (tiny / "book" / "tiny.ipynb").read_bytes() == committed


def test_update_stores_outputs_without_noise_and_always_the_same(tiny, monkeypatch):
    """It sees no records of the reader."""
    path = tiny / "book" / "tiny.ipynb"
    notebook = nbformat.read(path, as_version=4)
    listed = "import os\nos.listdir(os.environ['LCS_STORE'])"
    notebook.cells.append(nbformat.v4.new_code_cell(listed))
    nbformat.write(notebook, path)
    monkeypatch.setenv("LCS_STORE", "the reader's own")
    assert book.update("tiny") == path
    first = path.read_bytes()
    assert b"noise\\n" not in first
    assert b"papermill" not in first
    assert b'"a\\n"' in first
    assert _code(nbformat.read(path, as_version=4))[-1].outputs[0].data["text/plain"] == "[]"
    book.update("tiny")
    assert path.read_bytes() == first


@pytest.fixture
def rendered(tiny):
    """The tiny book with all that its rendering needs."""
    (tiny / "_config.yml").write_text("only_build_toc_files: true\n")
    (tiny / "_toc.yml").write_text("format: jb-book\nroot: book/intro\n")
    (tiny / "book" / "intro.md").write_text("# Tiny\n\n### A level left out\n")
    return tiny


def test_warning_of_the_build_is_an_error(rendered):
    with pytest.raises(LcsError, match=r"intro\.md:.*header.* \(see .*book\.log\)"):
        book.render()


def test_a_build_waits_for_one_that_another_process_does(tiny, monkeypatch, capsys):
    done = []
    monkeypatch.setattr(book, "_build", lambda source, *_: done.append(source) or source)
    (tiny / "_build").mkdir()
    with ThreadPoolExecutor(1) as others:
        with FileLock(tiny / "_build" / "book.lock"):
            waiting = others.submit(book.render)
            said = ""
            for _ in range(100):  # seldom, as reading may lose what is written meanwhile
                if "waiting for another build" in said or waiting.done():
                    break
                time.sleep(0.2)
                said += capsys.readouterr().err
            assert "waiting for another build" in said
            assert not done
        waiting.result(timeout=60)
    assert done == [tiny]


def test_rerun_renders_the_chapter_alone_whatever_the_others_are(rendered):
    path = rendered / "book" / "tiny.ipynb"
    notebook = nbformat.read(path, as_version=4)
    notebook.cells.insert(0, nbformat.v4.new_markdown_cell("# Tiny\n\n[Why](why.ipynb), {ref}`x`"))
    nbformat.write(notebook, path)
    (rendered / "_toc.yml").write_text("root: book/intro\nchapters:\n  - file: book/tiny\n")
    page = book.rerun("tiny", {"seeds": 3})
    folder = rendered / "_build" / "rerun" / "tiny"
    assert page == folder / "_build" / "html" / "book" / "tiny.html"
    text = html.unescape(page.read_text())
    assert "(3, 50.0, False, 'desk', [0.5])" in text
    assert text.index("Run anew with") < text.index(book.ANEW[:40])
    assert book.ANEW not in path.read_text()
    assert not page.with_name("intro.html").exists()


def test_a_list_of_false_statements_moves_from_its_cell():
    said = {"data": {"text/markdown": "- it is so"}, "metadata": {"lcs": pages.NOT_HELD}}
    output = nbformat.v4.new_output("display_data", **said)
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(outputs=[output])])
    assert book._not_held(notebook) == ["- it is so"]
    assert not notebook.cells[0].outputs


def test_a_new_exhibit_starts_from_a_skeleton(tiny):
    (tiny / "lcs" / "exhibits").mkdir(parents=True)
    listed = tiny / "lcs" / "exhibits" / "__init__.py"
    listed.write_text('EXHIBITS = (\n    "engine",\n)\n')
    with mock.patch.object(skeleton, "ROOT", tiny):
        skeleton.create("my_idea")
        assert book.chapters() == ["tiny", "my_idea"]
        assert '"engine", "my_idea",' in listed.read_text()
        ast.parse((tiny / "lcs" / "exhibits" / "my_idea.py").read_text())
        assert book.parameters("my_idea")["scale"] == "smoke"
        with pytest.raises(ConfigError, match="there already"):
            skeleton.create("my_idea")
        with pytest.raises(ConfigError, match="is none"):
            skeleton.create("My idea")
