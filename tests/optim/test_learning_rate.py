"""The schedule of the learning rate, by plain numbers."""

import pytest

from lcs.optim.learning_rate import cosine


def test_a_cosine_falls_to_zero_and_rises_again():
    rates = [cosine(0.2, epoch, 4) for epoch in range(9)]
    assert rates[:5:2] == pytest.approx([0.2, 0.1, 0.0])
    assert rates[1] == pytest.approx(0.1 + 0.1 * 0.5**0.5)
    assert rates == pytest.approx(rates[::-1])
