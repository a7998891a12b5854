"""The page Records: every run of the book, in a table and on a page of its own.

The pages are made while the book is built (`sphinx_pages`), from the records (`book_runs`) alone,
by `run_pages`. A record is data that others may have sent: whatever of it reaches a page is
escaped.
"""
