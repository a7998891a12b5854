"""Which runs the page Sound has: candidates of a search, and what it chose."""

from helpers.made_up_records import made_up

from lcs.exhibits import find_study, sound
from lcs.exhibits.choose import choose
from lcs.exhibits.shared.methods import method


def test_every_method_has_as_many_candidates_on_validation():
    configs = find_study("search-sound").configs("desk")
    counts = {who: sum(method(c) == who for c in configs) for who in sound.METHODS}
    assert set(counts.values()) == {9}
    assert all(c.validation and c.dataset == "fsdd" for c in configs)


def test_what_the_search_chooses_is_what_is_run(monkeypatch):
    configs = find_study("search-sound").configs("desk")
    best = {who: [c for c in configs if method(c) == who][2] for who in sound.METHODS}
    runs = [made_up(c, 50.0 + 9 * (c in best.values())) for c in configs]
    monkeypatch.setitem(sound.CHOSEN, "search-sound", choose("search-sound", runs))
    chosen = find_study("sound").configs("desk", 1)
    shifted = {method(c): c for c in chosen if c.augment == "time-shift"}
    assert shifted == {who: c.replace(validation=False) for who, c in best.items()}
