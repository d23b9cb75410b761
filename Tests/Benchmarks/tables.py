"""The results as text, Markdown and JSON, and as the table of the README."""

import datetime
import os
import platform
import re
import subprocess
import textwrap

import programs

SCHEMA = "tcptool-benchmarks/1"
MARKERS = ("<!-- performance: written by 'make bench-readme' -->", "<!-- end of performance -->")
# How each peer tells its version.
VERSIONS = {
    "ss": ["ss", "-V"], "netstat": ["netstat", "--version"], "cat": ["cat", "--version"], "cp": ["cp", "--version"],
    "nc": ["nc", "-h"], "ncat": ["ncat", "--version"], "socat": ["socat", "-V"],
    "iperf3": ["iperf3", "--version"], "nginx": ["nginx", "-v"], "cc": ["cc", "--version"],
}


def machine():
    """Where and when it was measured."""
    model = re.search(r"^model name\s*:\s*(.*)$", open("/proc/cpuinfo").read(), re.M)
    memory = int(re.search(r"MemTotal:\s*(\d+)", open("/proc/meminfo").read()).group(1))
    return {
        # Without what its builder adds.
        "kernel": os.uname().release.partition("-")[0], "architecture": os.uname().machine,
        "processor": model.group(1) if model else platform.processor(),
        "processors": os.cpu_count(), "memory_bytes": memory * 1024,
        "date": datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d"),
        "load": os.getloadavg()[0],
    }


def versions():
    """The versions of the peers that are here."""
    result = {"python3": platform.python_version()}
    for name, command in VERSIONS.items():
        if programs.found(name):
            told = subprocess.run(command, capture_output=True, text=True, check=False)
            number = re.search(r"\d+(\.\d+)+", told.stdout + told.stderr)
            result[name] = number.group(0) if number else "unknown"
    return result


def figure(value):
    """Three significant digits."""
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def value(spread, unit):
    return f"{figure(spread['median'])} {unit}" if spread else ""


def ratio(spread, has_quartiles):
    if not spread:
        return ""
    told = f"{spread['median']:.2f}"
    return told + f" ({spread['q1']:.2f}–{spread['q3']:.2f})" if has_quartiles else told


def bar(judged, unit):
    name = {"ratio": "", "cpu_ratio": "CPU ", "value": ""}[judged["of"]]
    suffix = f" {unit}" if judged["of"] == "value" else ""
    return f"{name}{judged['relation']} {judged['limit']:g}{suffix} {'met' if judged['met'] else '**not met**'}"


def name(row):
    return f"*{row['peer']}*" if row["floor"] else row["peer"] or ""


def bars(row):
    return ", ".join(bar(judged, row["unit"]) for judged in row["bars"])


def table(lines, is_aligned=True):
    """A Markdown table; one whose columns are aligned also reads well as it is."""
    widths = [max(len(line[place]) for line in lines) if is_aligned else 1
              for place in range(len(lines[0]))]
    told = ["| " + " | ".join(cell.ljust(width) for cell, width in zip(line, widths)) + " |"
            for line in lines]
    told.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
    return "\n".join(told)


def together(rows, key):
    """The rows that have the same key, in their order."""
    groups = {}
    for row in rows:
        groups.setdefault(row[key], []).append(row)
    return groups.items()


def whole(rows):
    """A row for each peer."""
    lines = [["what", "tcptool", "peer", "its figure", "ratio (quartiles)", "CPU", "bar"]]
    for what, same in together(rows, "what"):
        for number, row in enumerate(same):
            lines.append([
                "" if number else what, "" if number else value(row["tcptool"], row["unit"]), name(row),
                value(row.get("peer_value"), row["unit"]),
                ratio(row.get("ratio"), has_quartiles=row["rounds"] > 1),
                ratio(row.get("cpu_ratio"), has_quartiles=False), bars(row)])
    return table(lines)


def short(rows):
    """A row for each comparison."""
    lines = [["what", "tcptool", "beside it: figure, ratio", "bar"]]
    for what, same in together(rows, "what"):
        beside = (f"{name(row)} {value(row['peer_value'], row['unit'])}, "
                  f"{ratio(row['ratio'], has_quartiles=False)}" for row in same if row["peer"])
        met = (f"{name(row)} {bars(row)}".strip() for row in same if row["bars"])
        lines.append([what, value(same[0]["tcptool"], same[0]["unit"]), "; ".join(beside), "; ".join(met)])
    return table(lines, is_aligned=False)


def stage(title, rows, form=whole):
    """The table of one stage under its title."""
    return f"**{title}**\n\n" + form(rows)


def stages(results, form=whole):
    return "\n\n".join(stage(title, rows, form) for title, rows in together(results["rows"], "title"))


def heading(results):
    """What the figures are, and where they were measured."""
    where = results["machine"]
    told = ", ".join(f"{program} {number}" for program, number in results["versions"].items())
    # The size of a file is looked at once.
    rounds = [row["rounds"] for row in results["rows"] if row["rounds"] > 1] or [1]
    return (
        f"Measured on {where['date']} with tcptool {results['tcptool']['version']} on Linux {where['kernel']}, "
        f"{where['architecture']}, {where['processors']} × {where['processor']}, "
        f"{where['memory_bytes'] / 2**30:.0f} GiB, beside {told}.\n\n"
        f"Medians of {min(rounds)} to {max(rounds)} rounds in which every program has its turn. A ratio is tcptool's "
        "figure by the peer's, round by round; CPU is the same of user and system time. What is in *italics* is a "
        "floor: bare C that makes the same system calls and does nothing else, or a part of the work alone. A bar is "
        "the ratio (or the figure) that was asked for.")


def left_out(results):
    """A sentence for each reason for which something is not in the tables."""
    return [f"Left out, {reason}: " + "; ".join(f"{entry['what']}, {entry['who']}" for entry in entries) + "."
            for reason, entries in together(results["left_out"] + results["failures"], "reason")]


def markdown(results):
    parts = [heading(results), stages(results)]
    return "\n\n".join(parts + left_out(results)) + "\n"


def write_readme(path, results):
    """Writes the short tables between the markers of the README."""
    with open(path) as file:
        text = file.read()
    begin, end = map(text.index, MARKERS)
    told = heading(results) + " Spread and processor time are in `Tests/Benchmarks/results.md`."
    prose = [textwrap.fill(part, 120, break_on_hyphens=False) for part in told.split("\n\n")]
    parts = [MARKERS[0], *prose, stages(results, short), text[end:]]
    with open(path, "w") as file:
        file.write(text[:begin] + "\n\n".join(parts))
