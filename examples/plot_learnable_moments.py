"""
Which rules can learn which moment
==================================

The moment ``A^p 1`` counts the walks of length p from each node. Whether a graph network with linear modules, biases
and skip connections can learn it needs no training: what it can represent is the span of all words of its rules applied
to the constant, so that least squares gives the best error at once.
"""

# %%
# Every choice of rules and depth
# -------------------------------
# Error zero means learnable. ``D^-1 A`` alone sees nothing but isolated nodes, however deep; ``A`` needs as many layers
# as the order of the moment; more rules help at too little depth but do not replace it.
import matplotlib.pyplot as plt
import numpy as np

import isotropy as iso

rules = {
    "A": ["adjacency"],
    "D⁻¹A": ["random_walk"],
    "sym": ["symmetric"],
    "D⁻¹A, sym": ["random_walk", "symmetric"],
    "all three": ["adjacency", "random_walk", "symmetric"],
}
targets = {"degree": 1, "walks of length 2": 2, "walks of length 3": 3, "triangles": "triangles"}
graphs = iso.graphs.random_graphs("er", 100, 20).graphs

fig, axes = plt.subplots(1, 4, figsize=(9, 3), layout="constrained", sharey=True)
for ax, (name, target) in zip(axes, targets.items(), strict=True):
    answers = [[iso.graphs.learnability(r, depth, target, graphs) for depth in (1, 2, 3)] for r in rules.values()]
    errors = np.array([[answer.residual for answer in row] for row in answers])
    image = ax.imshow(np.log10(errors.clip(1e-4)), cmap="viridis", vmin=-4, vmax=0, aspect="auto")
    for i, j in np.ndindex(errors.shape):
        text = "0" if answers[i][j].learnable else f"{errors[i, j]:.2g}"
        ax.text(j, i, text, ha="center", va="center", color="black" if errors[i, j] > 0.03 else "white")
    ax.set(title=name, xlabel="depth", xticks=range(3), xticklabels=(1, 2, 3))
axes[0].set(yticks=range(len(rules)), yticklabels=rules)
fig.colorbar(image, label="log10 of the held-out error")

# %%
# What to add
# -----------
# Triangles are beyond every rule that only counts neighbours. The answer names the rule that helps.
answer = iso.graphs.learnability(rules["all three"], 3, "triangles", graphs)
print(f"error {answer.residual:.2g}, try adding {answer.suggestion!r}")
