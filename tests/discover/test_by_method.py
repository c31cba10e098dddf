"""One call for every road: which is taken, and what comes back."""

import pytest
import torch

import isotropy as iso
from found import with_status
from isotropy.discover import FromData, FromPoints, LieGAN, by_method
from isotropy.errors import DataError


def randn(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


@pytest.fixture
def fits(monkeypatch):
    """Roads that answer at once, with the status named for each; and what was asked of whom."""
    statuses, asked = {}, []
    for road in (FromData, FromPoints, LieGAN):

        def fit(self, *data, road=road, **_):
            asked.append((road, len(data)))
            self.symmetry_ = with_status(statuses.get(road, "certified"))
            return self

        monkeypatch.setattr(road, "fit", fit)
    return statuses, asked


def ask(method, *data, **options):
    V, one = iso.gl(2).vector(), iso.gl(2).scalar()
    return by_method(method, V, one, *data, **options)


@pytest.mark.parametrize("status", ["certified", "none"])
def test_clear_direct_answers_need_no_game(fits, status):
    fits[0][FromData] = status
    assert isinstance(ask("auto", randn(30, 2), randn(30, 1)), FromData)
    assert fits[1] == [(FromData, 2)]


def test_points_alone_have_their_own_direct_road(fits):
    assert isinstance(ask("direct", randn(30, 2)), FromPoints)


def test_game_is_played_when_asked(fits):
    found = ask("liegan", randn(30, 2), randn(30, 1), n_generators=2, seed=3)
    assert isinstance(found, LieGAN)
    assert (found.n_generators, found.seed) == (2, 3)
    assert ask("liegan", randn(30, 2)).rho_out is None


@pytest.mark.parametrize(("status", "road"), [("certified", LieGAN), ("undecided", FromData)])
def test_auto_takes_the_game_only_where_it_settles_what_was_open(fits, status, road):
    fits[0].update({FromData: "undecided", LieGAN: status})
    assert isinstance(ask("auto", randn(30, 2), randn(30, 1)), road)


def test_unknown_method():
    with pytest.raises(DataError, match="method: expected one of direct, liegan, auto, received 'best'"):
        by_method("best", iso.gl(2).vector(), iso.gl(2).scalar(), randn(30, 2))
