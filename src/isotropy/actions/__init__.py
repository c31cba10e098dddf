"""Actions: how generators move points of every kind."""

from ..action._recorded import recorded as recorded
from ..core._parts import Parts as Parts
from ._affine import Affine as Affine
from ._affine import linear as linear
from ._image import Image as Image
from ._latent import LatentAction as LatentAction
from ._log_density import LogDensity as LogDensity
from ._points import Points as Points
from ._polynomial import PolynomialFields as PolynomialFields
from ._product import Product as Product
from ._prolonged import Prolonged as Prolonged
from ._reordered import Reordered as Reordered
from ._time import TimeScaled as TimeScaled
from ._trivial import Trivial as Trivial
