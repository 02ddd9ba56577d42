"""From runs to tables: medians over the repetitions, and ratios of runs of the same repetition."""

import statistics

COLUMNS = [("rate", "messages/s", "{:,.0f}"), ("cpu_ms", "CPU ms", "{:.3f}"), ("kib", "KiB written", "{:.1f}"),
           ("flushes", "flushes", "{:.3f}"), ("p50_ms", "p50 ms", "{:.2f}"), ("p99_ms", "p99 ms", "{:.2f}"),
           ("sessions", "sessions", "{:,.0f}"), ("kib_after_ehlo", "KiB each after EHLO", "{:.1f}"),
           ("kib_after_message", "KiB each after a message", "{:.1f}"),
           ("greeting_p50_ms", "greeting p50 ms", "{:.2f}"), ("greeting_p99_ms", "greeting p99 ms", "{:.2f}")]
CEILING = "ceiling"
MACHINE = "{when}: {cores} cores, Linux {kernel}, disk {disk}"


def gather(results):
    """(scenario, cell, peer) → {repetition: run}; a later file's repetitions are more of them."""
    found = {}
    for number, result in enumerate(results):
        for run in result["runs"]:
            found.setdefault((run["scenario"], run["cell"], run["peer"]), {})[number, run["rep"]] = run
    return found


def summary(results):
    """One object for each cell and server, with [minimum, median, maximum] of each figure."""
    rows = []
    for (scenario, cell, peer), runs in gather(results).items():
        spread = {key: [pick([run[key] for run in runs.values()]) for pick in (min, statistics.median, max)]
                  for key, _, _ in COLUMNS if all(key in run for run in runs.values())}
        rows.append({"scenario": scenario, "cell": cell, "peer": peer, "reps": len(runs), **spread})
    return rows


def tables(results):
    """Markdown: one table for each scenario."""
    groups, peers, rows = gather(results), {}, summary(results)
    for name, peer in (item for result in results for item in result["peers"].items()):
        references = dict.fromkeys([*peers.get(name, peer)["references"], *peer["references"]])
        peers[name] = {**peer, "references": list(references)}
    lines = []
    for machine in dict.fromkeys(MACHINE.format(**result["machine"]) for result in results):
        lines += [machine, ""]
    for scenario in dict.fromkeys(row["scenario"] for row in rows):
        chosen = [row for row in rows if row["scenario"] == scenario]
        cells, order = [row["cell"] for row in chosen], list(peers)
        chosen.sort(key=lambda row: (cells.index(row["cell"]), order.index(row["peer"])))
        columns = [column for column in COLUMNS if any(column[0] in row for row in chosen)]
        titles = [title for _, title, _ in columns]
        lines += [f"**{scenario}**", "", table_line(["", "server", *titles, "against"]),
                  "|---|---|" + "--:|" * len(columns) + "---|"]
        for row in chosen:
            figures = [form.format(row[key][1]) if key in row else "-" for key, _, form in columns]
            lines.append(table_line([row["cell"], peers[row["peer"]]["about"], *figures, against(groups, peers, row)]))
        lines.append("")
    return "\n".join(lines)


def table_line(words):
    return "| " + " | ".join(words) + " |"


def against(groups, peers, row):
    """The ratios to the servers that this one is compared with."""
    scenario, cell, peer = (row[key] for key in ("scenario", "cell", "peer"))
    said = []
    for other in peers[peer]["references"]:
        if rate := ratio(groups, (scenario, cell, peer), (scenario, cell, other), "rate"):
            cpu = ratio(groups, (scenario, cell, peer), (scenario, cell, other), "cpu_ms")
            said.append(f"{other}: rate × {rate:.2f}" + (f", CPU × {cpu:.3f}" if cpu else ""))
    if peer != CEILING and (share := ratio(groups, (scenario, cell, peer), (scenario, cell, CEILING), "rate")):
        said.append(f"{share:.0%} of the ceiling")
    return "; ".join(said)


def ratio(groups, one, other, key):
    """The median of one server's figure over another's, repetition by repetition; None where either is missing."""
    ours, theirs = groups.get(one, {}), groups.get(other, {})
    pairs = [(ours[rep].get(key), theirs[rep].get(key)) for rep in ours if rep in theirs]
    ratios = [mine / its for mine, its in pairs if mine and its]
    return statistics.median(ratios) if ratios else None
