"""Tables as Markdown, numbers as text, links to records."""

from lcs.analysis import tables
from lcs.runs import BOOK_RUNS, RunStore

STORE = RunStore(BOOK_RUNS)


def test_a_table_is_numbered_markdown():
    table = tables.Table("tab-x", "Caption.", ["a", "b", "c"], [["x", "1", "y"]], text=["c"])
    lines = table._repr_markdown_().splitlines()
    assert lines[:2] == [":::{table} Caption.", ":name: tab-x"]
    assert lines[3:] == ["| a | b | c |", "| :-- | --: | :-- |", "| x | 1 | y |", ":::"]


def test_rounded_numbers_have_no_power_of_ten():
    found = [tables.rounded(value) for value in (0.5, 9.94, 12.4, 99.6, 123.4, 45_678)]
    assert found == ["0.5", "9.9", "12", "100", "120", "46,000"]
    assert [tables.rounded(value, 1) for value in (0.0123, 9.6)] == ["0.01", "10"]
    assert tables.rounded(3.4e-5) == "3.4e-5"


def test_links_lead_to_records_of_the_book_only(tmp_path):
    record = next(STORE.records())
    assert tables.link(record) == f"[{record.run_id}](runs/{record.path.relative_to(BOOK_RUNS)})"
    elsewhere = RunStore(tmp_path).import_record(record.path)
    assert tables.link(elsewhere) == f"`{record.run_id}`"
