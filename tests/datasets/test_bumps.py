"""Images that turn exactly."""

import math

import pytest
import torch

from isotropy.datasets import bump_images
from isotropy.errors import DataError


def test_turns_compose_with_the_grid():
    x = bump_images(4, size=9)
    quarter = bump_images(4, math.pi / 2, size=9).reshape(4, 9, 9)
    assert torch.allclose(quarter, x.reshape(4, 9, 9).rot90(-1, (1, 2)))  # x turns towards y, which points down
    assert torch.allclose(bump_images(4, 2 * math.pi * torch.ones(4), size=9), x)
    assert torch.equal(bump_images(2, size=9), x[:2])
    assert not torch.equal(bump_images(4, size=9, seed=1), x)


def test_bad_input_is_refused():
    with pytest.raises(DataError, match="one per image"):
        bump_images(3, torch.zeros(2))
    with pytest.raises(DataError, match="ask for more"):
        bump_images(0)
