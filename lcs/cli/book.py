"""`lcs book`: render the book, or run a chapter anew."""

from typing import Annotated

import typer

from lcs.cli.options import argument, option


def book(
    chapter: Annotated[str | None, argument("A chapter to run anew.")] = None,
    parameter: Annotated[
        list[str] | None, option("name=value; may be repeated.", "-p", "--parameter")
    ] = None,
    update: Annotated[bool, option("Execute in place with what is stored.", "--update")] = False,
    new: Annotated[bool, option("Write module and page of a new exhibit.", "--new")] = False,
) -> None:
    """Render the book from stored outputs; with a chapter, run that anew and render it alone."""
    if parameter and (update or new or chapter is None):
        raise typer.BadParameter("-p is for running one chapter anew: name it, and nothing else")
    if new and chapter is None:
        raise typer.BadParameter("--new: name the exhibit")
    words = [text.partition("=") for text in parameter or []]
    if wrong := [name for name, equals, _ in words if not equals]:
        raise typer.BadParameter(f"parameter {wrong[0]!r}: give name=value")

    from lcs.exhibits import book as pages

    if new and chapter is not None:
        from lcs.exhibits import skeleton

        print("written:", *skeleton.create(chapter), sep="\n")
        print(f"try it: .venv/bin/lcs book {chapter} -p scale=smoke")
    elif update:
        for name in pages.chapters() if chapter is None else [chapter]:
            print(pages.update(name))
    elif chapter is not None:
        print(pages.rerun(chapter, pages.parse(chapter, {name: word for name, _, word in words})))
    else:
        print(pages.render())
