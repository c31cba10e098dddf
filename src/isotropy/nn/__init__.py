"""Layers that have a symmetry whatever their parameters."""

from ._operator import IntegralOperator as IntegralOperator
