"""Asserts for what the library is built of: hand them your own algebra, action, model or estimator.

Each raises ``AssertionError`` with the numbers that failed. Transforms are done in float64; maps are evaluated in
the dtype of their points, and tolerances follow that dtype.
"""

from ._actions import assert_action as assert_action
from ._algebras import assert_algebra as assert_algebra
from ._algebras import assert_representation as assert_representation
from ._estimators import assert_estimator as assert_estimator
from ._maps import assert_equivariant as assert_equivariant
