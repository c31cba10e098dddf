"""
A network that cannot break its symmetry
========================================

The torque on a dipole in a field, ``p x E``, with a factor that saturates with the field, turns with the
laboratory. A plain perceptron has to learn that from examples; ``EMLP`` obeys it before it has seen any.
We fit both to the same few samples and look at the error and at the symmetry on turned inputs.
"""

# %%
# Samples
# -------
# All training inputs have a field near the z axis. Test inputs point anywhere.
import matplotlib.pyplot as plt
import torch
from torch import nn

import isotropy as iso

torch.manual_seed(0)


def torque(x):
    p, field = x[:, :3], x[:, 3:]
    return torch.linalg.cross(p, field) / (1 + field.square().sum(1, keepdim=True)).sqrt()


def samples(n, spread):
    p = torch.randn(n, 3)
    field = torch.tensor([0.0, 0.0, 1.5]) + spread * torch.randn(n, 3)
    return torch.cat([p, field], dim=1)


x_train = samples(100, 0.3)
turns = iso.quadrature.haar(200, seed=1).rotations.float()
x_test = torch.einsum("bij,bkj->bki", turns, samples(200, 0.3).reshape(200, 2, 3)).flatten(1)

# %%
# Two models
# ----------
# The equivariant one is told that inputs are two vectors and that the output is a vector, of the rotation group with
# mirrors. A torque is a pseudovector, so it is the determinant times a vector.
G = iso.o(3)
V, det = G.vector(), G.pseudoscalar()
models = {
    "plain": nn.Sequential(nn.Linear(6, 64), nn.SiLU(), nn.Linear(64, 64), nn.SiLU(), nn.Linear(64, 3)),
    "equivariant": iso.nn.EMLP(2 * V, det * V, hidden=V + det * V + 8 * G.scalar(), layers=2),
}
print({name: sum(p.numel() for p in model.parameters()) for name, model in models.items()})

# %%
# The same training for both
# --------------------------
losses = {}
for name, model in models.items():
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    losses[name] = []
    for _ in range(400):
        optimizer.zero_grad()
        loss = (model(x_train) - torque(x_train)).square().mean()
        loss.backward()
        optimizer.step()
        with torch.no_grad():
            losses[name].append(float((model(x_test) - torque(x_test)).square().mean().sqrt()))

fig, ax = plt.subplots(figsize=(5, 3.2), layout="constrained")
for name, values in losses.items():
    ax.semilogy(values, label=name)
ax.set(xlabel="step", ylabel="root mean square error, turned inputs")
ax.legend()

# %%
# The symmetry itself
# -------------------
# ``measure`` sees the difference without labels. The averaged plain network is in between: the icosahedral rule makes
# it equivariant up to what its orbit holds beyond degree 5.
rho_in, rho_out = 2 * V, det * V
models["plain, averaged"] = iso.enforce.symmetrize(
    models["plain"], rho_in, rho_out, iso.quadrature.polyhedral("I").with_inversion()
)
for name, model in models.items():
    report = iso.measure.equivariance(model, x_test, rho_in, rho_out)
    error = (model(x_test) - torque(x_test)).detach().square().mean().sqrt()
    print(f"{name:16s} symmetry defect {report.defect:.1e}, test error {float(error):.2e}")
