"""Initialisers that look at the data, in the style of ``torch.nn.init``: in place, and named with an underscore."""

from ._class_pca import LayerFit as LayerFit
from ._class_pca import class_pca_ as class_pca_
from ._diagnostics import Convergence as Convergence
from ._diagnostics import alignment as alignment
from ._diagnostics import half_times as half_times
from ._diagnostics import sample_convergence as sample_convergence
