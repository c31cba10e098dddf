"""Claims about the symmetries of maps that can be evaluated: two numbers per generator, intervals, and a verdict."""

from ._claim import Claim as Claim
from ._claim import without_limits as without_limits
from ._judge import claim as claim
from ._judge import judge as judge
from ._judgement import Judgement as Judgement
from ._judgement import Members as Members
from ._judgement import surely_ignored as surely_ignored
from ._measured import Measured as Measured
from ._measured import measured as measured
from ._resamples import Interval as Interval
from ._rows import Rows as Rows
from ._rows import rows_of as rows_of
from ._silence import undecided as undecided
