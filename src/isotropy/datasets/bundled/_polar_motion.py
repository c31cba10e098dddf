"""The wobble of the Earth's pole: what is left of its record without the slow drift and the yearly motion."""

import torch

from isotropy.datasets.files._samples import Trajectories
from isotropy.datasets.files._table import Table

_YEAR = 365.25  # days
_MEAN = 219  # rows of ten days in six years, in which the wobble of 14 months and the yearly motion both come round
_THIN = 3  # rows from one sample to the next
_STRETCH = 4.0  # years


def wobble(record: Table) -> Trajectories:
    """Return the wobble about the mean pole, in arcsec, in stretches of four years with a sample every thirty days.

    The position of the mean pole is the mean over six years; the yearly motion about it, an ellipse, is fitted to the
    whole record. Times are years.
    """
    years, places = about_mean_pole(*positions(record))
    return stretches(years[::_THIN], without_year(years, places)[::_THIN])


def positions(record: Table) -> tuple[torch.Tensor, torch.Tensor]:
    """Years `(T,)` and positions `(T, 2)` as published."""
    days, places = (torch.from_numpy(record.select(names)) for names in ("mjd", "x,y"))
    return 2000 + (days[:, 0] - 51544.5) / _YEAR, places


def about_mean_pole(years: torch.Tensor, places: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Positions less their mean over six years; three years are lost at either end."""
    centre = slice(_MEAN // 2, len(years) - _MEAN // 2)
    return years[centre], places[centre] - places.unfold(0, _MEAN, 1).mean(-1)


def without_year(years: torch.Tensor, places: torch.Tensor) -> torch.Tensor:
    """Positions less their mean and the ellipse of one year that fits them best."""
    angle = 2 * torch.pi * years
    seasons = torch.stack([torch.ones_like(angle), angle.cos(), angle.sin()], dim=1)
    return places - seasons @ torch.linalg.lstsq(seasons, places).solution


def stretches(years: torch.Tensor, places: torch.Tensor) -> Trajectories:
    """Cut one trajectory into whole stretches, labelled by the year nearest to their first sample."""
    number = ((years - years[0]) / _STRETCH).floor()
    kept = [number == k for k in range(int((years[-1] - years[0]) // _STRETCH))]
    labels = tuple(f"{float(years[rows][0]):.0f}" for rows in kept)
    return Trajectories(tuple(places[r] for r in kept), tuple(years[r] for r in kept), ("x", "y"), labels)
