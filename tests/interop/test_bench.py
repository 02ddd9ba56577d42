"""bench/compare runs, and what it measures can be true. Its figures are no matter here: others use the machine too."""

import json
import os
import pathlib
import subprocess

ROOT = pathlib.Path(__file__).resolve().parents[2]


def compare(*arguments):
    """What it prints; it runs in the namespace that the tests are in already."""
    return subprocess.run([ROOT / "bench/compare", *map(str, arguments)], stdin=subprocess.DEVNULL, text=True,
                          env={**os.environ, "POSTRIDER_IN_NAMESPACE": "1"}, stdout=subprocess.PIPE, timeout=100,
                          check=True).stdout


def test_the_comparison_with_postfix_measures_both_and_says_so(tmp_path):
    figures = tmp_path / "figures.json"
    printed = compare("--scenario", "accept", "--cell", "20 sessions kept open", "--reps", 1, "--seconds", 0.3,
                      "--json", figures)
    result = json.loads(figures.read_text())
    medians = {(cell["cell"], cell["peer"]): {key: value[1] for key, value in cell.items() if isinstance(value, list)}
               for cell in result["cells"]}
    cells = ["20 sessions kept open", "64 KiB, 20 sessions kept open"]
    assert sorted(medians) == sorted((cell, peer) for cell in cells for peer in ("Postfix", "Postrider", "ceiling"))
    for (cell, peer), each in medians.items():
        assert 1 < each["rate"] < 1e6
        if peer == "ceiling":
            continue
        assert 0.001 < each["cpu_ms"] < 100
        # A device that does not count is one that a container hides.
        if result["machine"]["disk"]:
            assert each["kib"] >= (64 if "64 KiB" in cell else 4)
            assert 0 < each["flushes"] < 10
    if result["machine"]["disk"]:
        # Group commit: one sync for many messages. Postfix syncs each.
        assert medians[cells[0], "Postrider"]["flushes"] < medians[cells[0], "Postfix"]["flushes"]
    assert "group commit" in printed and "fsync per message" in printed and "% of the ceiling" in printed
    assert compare("--report", figures) == printed


def test_tls_is_measured_beside_that_of_openssl(tmp_path):
    figures = tmp_path / "figures.json"
    compare("--scenario", "tls", "--cell", "TLS sessions", "--reps", 1, "--seconds", 0.1, "--sessions", 50, "--json", figures)
    runs = {(run["cell"], run["peer"]): run for run in json.loads(figures.read_text())["runs"]}
    assert len(runs) == 10
    for (cell, peer), run in runs.items():
        assert run["kib_after_message"] > 1 if cell.startswith("idle") else 0.01 < run["cpu_ms"] < 100, (cell, peer)
