"""The bars of a verdict about a symmetry, each with its derivation or the count behind it.

A bar is read as an attribute of this module, so that what is changed here is changed everywhere.
"""

import torch

from ..core import bars as cuts

# -- Certificates of a kernel ------------------------------------------------------------------------------------------

# Least gap above a kept value that stands clear of the noise, so that the symmetry is known to be broken a little.
# Generic cubics and random networks, known exactly, often keep one direction of gl(2) or gl(3) to 5 to 20 %, with
# gaps of 3 to 6.5 (22 of 600; one of 12.5). Planted algebras were kept to less than 2.7 times the floor. Passes: at
# least.
MIN_GAP_OF_BROKEN = 10.0
# Closure defect of a certified span: brackets of a wrong span leave it by 0.4 or more. Passes: at most.
MOST_CLOSURE_DEFECT = 0.15
# Motion by brackets, relative to that by brackets of the candidates, below which they are those of an abelian algebra
# known up to noise and are compared with this size. No derivation; kept from version 0.1.
ABELIAN_MOTION = 0.05
# Sine of the angle between kernels from different samples, and to those that the data cannot tell apart: 30 degrees.
# The second bound is worth three times the distance to the planted algebra, as a rule; of a thin shell with 0.6 the
# name was wrong. Passes: at most.
MOST_SINE = 0.5
# Error of finite motions, half the spread of the data long. No derivation; kept from version 0.1. Passes: at most.
MOST_FLOW_ERROR = 0.25
# Gradient error of the best surrogate that is free to break every candidate. A break is an error of order one and has
# to stand clear of what the gradient leaves open. Of 240 maps without symmetry known by 30 to 200 noisy samples, 14
# were once certified on the strength of a linear fit; there the free kinds had errors of 0.35 to 1.2. Planted
# algebras were found with errors of 0.01 to 0.4, most below 0.3. Passes: at most.
MOST_GRADIENT_ERROR = 1 / cuts.MIN_GAP
# Motion off the set of the data, relative to all motion, of a direction that counts as tangent. No derivation; kept
# from version 0.1. Passes: at most.
MOST_TRANSVERSAL = 0.1

# -- What is rounding, what is trivial, and how well it is known -------------------------------------------------------

# Units in the last place up to which the error of a map, evaluated once, is rounding. No derivation; kept from
# version 0.1. Passes as zero: at most.
ROUNDINGS = 8.0
# The same for products of elements and sums along trajectories. No derivation; kept from version 0.1.
MANY_ROUNDINGS = 64.0
# Motion, relative to the largest, up to which a direction does not move the data. Between rounding and any motion
# that is seen; no count. Passes as trivial: at most.
TRIVIAL_MOTION = 1e-9
# Units in the last place, times the root of the number of points, up to which an axis of a cloud is empty. Rounding
# of a sum.
EMPTY_ROUNDINGS = 10.0
# Times the error of a kernel up to which entries and singular values are zero in it. No derivation; kept from version
# 0.1.
KEPT_RESIDUALS = 3.0
# Times the sine by which folds turn a kernel, that make its uncertainty. Two, as of standard errors; no derivation.
UNCERTAIN_SINES = 2.0
# Times the error of a kernel that make its uncertainty, if that is more. No derivation; kept from version 0.1.
UNCERTAIN_RESIDUALS = 2.0
# Least relative uncertainty of a kernel. No derivation; kept from version 0.1.
LEAST_UNCERTAINTY = 1e-6
# Most noise that a name is told of; beyond it, brackets tell better what is noise. No derivation; kept from version
# 0.1.
MOST_NOISE = 0.05

# Angle, in radians of the motion of the data, up to which printed generators may be off however well they are known. A
# hundredth of a per cent is four digits of a rotation, and a five hundredth of the usual tolerance. Passes: at most.
PRINTED = 1e-4

# -- Promoted symmetries -----------------------------------------------------------------------------------------------

# Relative size of the worst kept direction; beyond it a symmetry is approximate at best. No derivation; kept from
# version 0.1. Passes: at most.
MOST_RESIDUAL = 0.05
# Relative singular value that always counts as zero. Between rounding of a solver and any break; no count.
LOOSEST_ZERO = 1e-9
# Times the solver's relative noise: the largest value that may count as zero. No derivation; kept from version 0.1.
SOLVER_MARGIN = 30.0
# Least relative noise of a solver: its linear systems are no better.
SOLVER_FLOOR = 1e-12
# Times the solver's noise up to which an element of a group is kept. No derivation; kept from version 0.1. Passes: at
# most.
KEPT_ELEMENT = 10.0
# Relative size of noise in a spectrum that was streamed in single precision or better: half the digits of float64.
STREAMED_FLOOR = torch.finfo(torch.float64).eps ** 0.5
# Residual, relative to the data, up to which a dictionary meets them exactly. Between rounding and noise; no count.
# Passes: at most.
MOST_MISFIT = 1e-7

# -- Kernels that are enforced -----------------------------------------------------------------------------------------

# Largest singular value of a constraint on functions that may count as zero; an exact kernel lies many orders of
# magnitude lower. Passes: at most.
ZERO_FUNCTION = 1e-6
# Rounding of the spectrum of such a constraint: a thousand units in the last place. No count.
FUNCTION_FLOOR = 1e3 * torch.finfo(torch.float64).eps
# Largest singular value of invariants, relative to the largest possible, that may count as zero; a generator known to
# a few per cent stays below it. Passes: at most.
ZERO_INVARIANT = 0.05
# Least gap at which values above EXACT_INVARIANT count as zeros. No derivation; kept from version 0.1. Passes: at
# least.
INVARIANT_GAP = 10.0
# Value up to which an invariant is exact and needs no gap. Between rounding and any learnt generator; no count.
EXACT_INVARIANT = 1e-8
# Units in the last place, times the size and at least a hundred, up to which a singular value is rounding. No count.
INVARIANT_ROUNDINGS = 10.0
# Miss, relative to the facts, up to which linear facts agree with a symmetry. Between rounding and any contradiction;
# no count. Passes: at most.
MOST_CONTRADICTION = 1e-8
# Defect below which generators and elements are orthogonal or symmetric, so that Schur's lemma gives the kernel.
SELFADJOINT = 1e-12
# Distance of eigenvalues, relative to the largest, up to which they are one; a distance between a thousandth of this
# and ten times it is unclear, and the fast way is not taken. Between rounding and random distances; no count.
SAME_EIGENVALUE = 1e-9
# Relative size up to which a link between eigenspaces is rounding. Between rounding and random links; no count.
LINKED = 1e-7
# Relative residual of invariants found by Schur's lemma, beyond which the slow way is taken. Passes: at most.
MOST_SCHUR_RESIDUAL = 1e-9
