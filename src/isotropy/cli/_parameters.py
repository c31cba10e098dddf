"""``isotropy parameters``: how the parameters of a network may move, and what training conserves."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from ..core.about._version import version
from ._options import AsJson, Key, Out, Seed, X
from .output._folder import require_folder, require_report, whole_folder

FILE = "parameters.json"
PAGE = "report.html"
_SAMPLES = 64
_LARGEST = 100_000  # parameters up to which the curve is drawn unasked


def parameters(
    model: Annotated[str, typer.Argument(help="torch.export program (.pt2), or module:network importable from here")],
    data: Annotated[str, typer.Argument(help="inputs to call it on: a file as for discover, or example:NAME")],
    x: X = None,
    shape: Annotated[str | None, typer.Option(help="axes of one input, such as 1,8,8; one row if left out")] = None,
    tokens: Annotated[bool, typer.Option("--tokens", help="inputs are integers, as for an embedding")] = False,
    logits: Annotated[bool, typer.Option("--logits", help="outputs go into a softmax")] = False,
    approximate: Annotated[
        bool, typer.Option("--approximate", help="also scales that a normalisation divides out but for its eps")
    ] = False,
    orbit: Annotated[
        bool | None, typer.Option(help="follow loss and sharpness along a motion; by default in small networks")
    ] = None,
    key: Key = None,
    out: Out = None,
    as_json: AsJson = False,
    seed: Seed = 0,
) -> None:
    """Find how the parameters of MODEL may move while its function stays, and what gradient flow conserves.

    MODEL is called on inputs of DATA in evaluation mode. Code 1 if nothing moves continuously.
    """
    from .. import parameters as package
    from ..core._autodiff import evaluating
    from ..discover import plain
    from .input._models import aside
    from .input._network import load_network, network_inputs
    from .input._sources import read_points
    from .output._parameter_sentences import network_words
    from .roads._orbit import curve_of_network

    if out is not None:
        require_folder(out)
        require_report()
    network, dtype = load_network(model)
    samples = network_inputs(read_points(data, x, key).x[:_SAMPLES], shape, None if tokens else dtype)
    with evaluating(network), aside(f"MODEL {model}"):
        found = package.symmetries(network, samples, logits=logits, approximate=approximate, seed=seed)
        laws = package.conserved_quantities(network, found)
        small = found.size <= _LARGEST if orbit is None else orbit
        curve = curve_of_network(network, found, samples, logits) if small else {"why": "not asked for, see --orbit"}
    answer: dict[str, Any] = {
        **found.to_dict(),
        **laws.to_dict(),
        "orbit": curve,
        "size": found.size,
        "model": model,
        "data": data,
        "samples": len(samples),
        "dtype": str(dtype).removeprefix("torch."),
        "logits": logits,
        "approximate": approximate,
        "seed": seed,
        "isotropy_version": version(),
    }
    answer = plain(answer)
    text = json.dumps(answer, allow_nan=False) if as_json else network_words(answer, out and (out / FILE, out / PAGE))
    if out is not None:
        _write(out, answer)
    typer.echo(text)
    raise typer.Exit(0 if found.dim else 1)


def _write(out: Path, answer: dict[str, Any]) -> None:
    from .. import report as pages

    with whole_folder(out) as folder:
        (folder / FILE).write_text(json.dumps(answer, indent=1, allow_nan=False) + "\n", encoding="utf-8")
        pages.write_parameters(folder / PAGE, answer, f"Parameters of {answer['model']}")
