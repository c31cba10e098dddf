"""Actions: how generators move points of every kind."""

from ._affine import Affine as Affine
from ._affine import linear as linear
from ._points import Points as Points
from ._polynomial import PolynomialFields as PolynomialFields
from ._product import Product as Product
from ._time import TimeScaled as TimeScaled
