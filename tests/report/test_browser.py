import re
import shutil
import subprocess

import numpy as np
import pytest

from isotropy.report import write_report

BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
OPTIONS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--virtual-time-budget=2000",
]

pytestmark = pytest.mark.skipif(BROWSER is None, reason="no chromium, chromium-browser or google-chrome on PATH")

# What a reader's hands do: choose the third generator, then drag the slider.
HANDS = """<script>
const picker = document.getElementById("generator"), slider = document.getElementById("time");
picker.value = 3; picker.dispatchEvent(new Event("change"));
slider.value = -1; slider.dispatchEvent(new Event("input"));
</script></body>"""


def opened(path, folder, address=""):
    """Return the page's document after its scripts ran."""
    command = [
        BROWSER,
        *OPTIONS,
        f"--user-data-dir={folder / 'profile'}",
        "--dump-dom",
        path.as_uri() + address,
    ]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    return done.stdout


def state(document):
    """Return generator (from 1), time and shown positions, (points, coordinates)."""
    tag = re.search(r'<section id="orbits"[^>]*>', document).group()
    assert 'data-state="ready"' in tag
    generator, time = (float(re.search(rf'data-{name}="([^"]*)"', tag).group(1)) for name in ("generator", "time"))
    points = [entry.split(",") for entry in re.findall(r'data-point="([^"]*)"', document)]
    return int(generator), time, np.array(points, dtype=float)


def drawn(document):
    """Return where the samples stand on the screen, (points, 2)."""
    samples = re.findall(r'<circle class="sample"[^>]*>', document)
    return np.array([[float(re.search(rf' {key}="([^"]*)"', tag).group(1)) for key in ("cx", "cy")] for tag in samples])


def expected(orbits, generator, time):
    """Positions by linear interpolation between steps, in any order."""
    path = orbits.points[generator - 1]
    right = int(np.searchsorted(orbits.times, time))
    share = (time - orbits.times[right - 1]) / (orbits.times[right] - orbits.times[right - 1])
    return path[right - 1] + share * (path[right] - path[right - 1])


def same_points(shown, wanted):
    """Compare as sets: the page orders samples by where they started."""
    return np.abs(np.sort(shown, axis=0) - np.sort(wanted, axis=0)).max() < 1e-3


def test_the_address_and_the_controls_move_the_samples(tmp_path, answer, orbits):
    path = write_report(tmp_path / "report.html", answer, orbits)
    generator, time, points = state(first := opened(path, tmp_path))
    assert (generator, time) == (1, 0)
    assert same_points(points, orbits.points[0][12])

    generator, time, points = state(second := opened(path, tmp_path, "#t=0.5&g=2"))
    assert (generator, time) == (2, 0.5)
    assert same_points(points, expected(orbits, 2, 0.5))
    assert np.abs(drawn(first) - drawn(second)).max() > 10, "the samples move on the screen"

    path.write_text(path.read_text(encoding="utf-8").replace("</body>", HANDS), encoding="utf-8")
    third = opened(path, tmp_path)
    generator, time, points = state(third)
    assert generator == 3
    assert time == pytest.approx(-1, abs=0.02)
    assert same_points(points, expected(orbits, 3, time))
    assert f"#t={time:.4g}&amp;g=3" in third, "the link leads back to this view"


def test_wrong_addresses_are_kept_inside_the_data(tmp_path, answer, orbits):
    path = write_report(tmp_path / "report.html", answer, orbits)
    generator, time, points = state(opened(path, tmp_path, "#t=99&g=7"))
    assert (generator, time) == (1, pytest.approx(orbits.times[-1]))
    assert same_points(points, orbits.points[0][-1])
