"""Models of other packages through their public calculators, where these are installed."""

import pytest
import torch

from isotropy import atoms as ia
from isotropy.quadrature import polyhedral

pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.fixture
def untrained_pet(tmp_path):
    """The published architecture with random weights, written and read as its package does."""
    metatomic = pytest.importorskip("metatomic_ase", reason="a peer: pip install metatomic-ase metatrain")
    pet = pytest.importorskip("metatrain.pet", reason="a peer: pip install metatrain")
    from metatrain.utils.architectures import get_default_hypers
    from metatrain.utils.data import DatasetInfo
    from metatrain.utils.data.target_info import get_energy_target_info

    sizes = {"d_pet": 16, "d_node": 16, "d_head": 16, "d_feedforward": 16, "num_heads": 2}
    hypers = get_default_hypers("pet")["model"] | sizes | {"num_gnn_layers": 1, "num_attention_layers": 1}
    target = get_energy_target_info("energy", {"quantity": "energy", "unit": "eV"})
    torch.manual_seed(0)
    info = DatasetInfo(length_unit="angstrom", atomic_types=[1, 8], targets={"energy": target})
    pet.PET(hypers, info).export().save(str(tmp_path / "pet.pt"))
    return metatomic.MetatomicCalculator(str(tmp_path / "pet.pt"), device="cpu")


def test_an_untrained_transformer_of_another_package_is_probed_and_cured(untrained_pet, waters):
    reference = polyhedral("T").with_inversion()
    report = ia.probe(untrained_pet, waters(1), reference, candidates=[polyhedral("T")], held_out=3)
    assert not report.summary("energy")["at_floor"]
    assert report.rules()[0]["errors"]["forces"]["mean"] < report.summary("forces")["error"] / 10
    averaged = ia.SymmetrizedCalculator(untrained_pet, polyhedral("T"))
    (water,) = waters(1, seed=3)
    moved = ia.turned(water, polyhedral("T").rotations[5])
    assert averaged.get_potential_energy(moved) == pytest.approx(averaged.get_potential_energy(water), abs=1e-6)


def test_an_equivariant_network_of_another_package_is_at_its_floor(waters):
    """Untrained, in double precision: what is left is rounding."""
    calculators = pytest.importorskip("mace.calculators", reason="a peer: pip install mace-torch")
    from e3nn import o3
    from mace import modules

    torch.manual_seed(0)
    model = modules.MACE(
        r_max=4.0,
        num_bessel=4,
        num_polynomial_cutoff=5,
        max_ell=2,
        interaction_cls=modules.RealAgnosticResidualInteractionBlock,
        interaction_cls_first=modules.RealAgnosticResidualInteractionBlock,
        num_interactions=2,
        num_elements=2,
        hidden_irreps=o3.Irreps("8x0e + 8x1o"),
        MLP_irreps=o3.Irreps("8x0e"),
        gate=torch.nn.functional.silu,
        atomic_energies=torch.zeros(2),
        avg_num_neighbors=2,
        atomic_numbers=[1, 8],
        correlation=2,
    ).double()
    calculator = calculators.MACECalculator(models=[model], device="cpu", default_dtype="float64")
    report = ia.probe(calculator, waters(1), polyhedral("T").with_inversion(), candidates=(), held_out=3)
    assert report.summary("forces")["relative"] < 1e-9
