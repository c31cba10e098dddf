"""Claims about the symmetries of maps known by noisy samples, if they are as smooth as the samples suggest."""

from ._claim import affordable as affordable
from ._claim import judge_smooth as judge_smooth
from ._judgement import SmoothJudgement as SmoothJudgement
from ._process import Process as Process
from ._process import fit_process as fit_process
