#!/usr/bin/env python3
"""verifier_math in the sandbox against math-verify from PyPI, on the same distinct pairs, on one core, in one run.

    python tests/bench/verifier_speed.py --python PATH/TO/venv/bin/python

The venv needs `math-verify==0.9.0` (`make peers`, or pip install it anywhere). Pairs come from the folder that
OCTO_SHARED names (default ../shared): GSM8K and MATH answers in a box, half of them another problem's, and the
HardVerify rows of verifier/cases.jsonl. Both sides read reference and response and compare them; neither is warmed on
the pairs it is timed with. Latency is that of one verdict: every pair is run alone, repeated, in the sandbox.
"""
import argparse
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
SHARED = pathlib.Path(os.environ.get("OCTO_SHARED", ROOT / ".." / "shared")) / "data"
REPEATS = 400


def rows(path):
    return [json.loads(line) for line in (SHARED / path).read_text().splitlines() if line.strip()]


def pairs():
    """Distinct (reference, response) pairs by set."""
    gsm8k = [row["answer"].rsplit("####", 1)[1].strip() for row in rows("problems/gsm8k_test.jsonl")]
    math = [row["answer"] for row in rows("problems/math500.jsonl")]
    sets = {"gsm8k": [], "math": [], "hardverify": []}
    for name, golds, said in (("gsm8k", gsm8k, "The answer is \\boxed{%s}."), ("math", math, "So it is $\\boxed{%s}$.")):
        for index, gold in enumerate(golds):
            other = golds[(index * 7 + 13) % len(golds)]
            wrapped = gold if name == "gsm8k" else f"${gold}$"
            sets[name] += [(wrapped, said % gold), (wrapped, said % other)]
    for row in rows("verifier/cases.jsonl"):
        if row["id"].startswith("hardverify"):
            gold = row["gold"] if "$" in row["gold"] else f"${row['gold']}$"
            sets["hardverify"].append((gold, f"$\\boxed{{{row['pred']}}}$"))
    found = {name: list(dict.fromkeys(rows))[:500] for name, rows in sets.items()}
    return {"gsm8k+math": found["gsm8k"] + found["math"]} | found


PEER = r"""
import json, sys, time, logging
logging.disable(logging.CRITICAL)
from math_verify import parse, verify
verify(parse("$1$"), parse("$2$"))
for line in sys.stdin:
    gold, response = json.loads(line)
    start = time.perf_counter()
    try:
        right = bool(verify(parse(gold), parse(response)))
    except Exception:
        right = None
    print(json.dumps([time.perf_counter() - start, right]), flush=True)
"""


def peer(python, found):
    lines = "".join(json.dumps(pair) + "\n" for pair in found)
    done = subprocess.run([python, "-c", PEER], input=lines, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"math-verify failed:\n{done.stderr[-2000:]}")
    return [json.loads(line) for line in done.stdout.splitlines()]


def octo(host, plugin, found, repeats):
    """Verdicts and seconds per verdict, as octo-host reports them for one thread."""
    with tempfile.NamedTemporaryFile("w", suffix=".jsonl") as file:
        for _ in range(repeats):
            for gold, response in found:
                file.write(json.dumps({"reference": gold, "response": response}) + "\n")
        file.flush()
        done = subprocess.run([host, "--plugin", plugin, "--threads", "1", file.name], capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"octo-host failed:\n{done.stderr[-2000:]}")
    rate = re.search(r"\(([\d,]+)/s\)", done.stderr)
    return [json.loads(line) for line in done.stdout.splitlines()[: len(found)]], 1 / int(rate[1].replace(",", ""))


def quantile(values, share):
    return sorted(values)[min(len(values) - 1, int(share * len(values)))]


def main():
    parse = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parse.add_argument("--python", default=str(ROOT / ".octo/peers/bin/python"), help="Python with math-verify")
    parse.add_argument("--host", default=str(ROOT / "target/release/octo-host"))
    parse.add_argument("--plugin", default=str(ROOT / "target/plugins/verifier_math.wasm"))
    parse.add_argument("--latency", type=int, default=150, help="pairs of each set that are timed alone (0: none)")
    args = parse.parse_args()
    if not SHARED.is_dir():
        print(f"skipped: {SHARED} is not here (OCTO_SHARED names the folder that holds data/)")
        return
    print(f"{'set':<13}{'pairs':>6}{'math-verify':>14}{'octo':>12}{'ratio':>8}{'octo p50':>11}{'p99':>9}{'max':>9}")
    for name, found in pairs().items():
        theirs = [seconds for seconds, _ in peer(args.python, found)]
        # The distinct pairs once over are a few milliseconds: they are repeated until the clock can measure them.
        _, ours = octo(args.host, args.plugin, found, max(1, 20_000 // len(found)))
        mean = sum(theirs) / len(theirs)
        step = max(1, len(found) // args.latency) if args.latency else len(found) + 1
        alone = [octo(args.host, args.plugin, [pair], REPEATS)[1] for pair in found[::step]] if args.latency else [0.0]
        print(
            f"{name:<13}{len(found):>6}{mean * 1e3:>11.3f} ms{ours * 1e6:>9.1f} us{mean / ours:>7.0f}x"
            f"{quantile(alone, 0.5) * 1e6:>8.1f} us{quantile(alone, 0.99) * 1e6:>6.0f} us{max(alone) * 1e6:>6.0f} us"
        )


if __name__ == "__main__":
    started = time.perf_counter()
    main()
    print(f"({time.perf_counter() - started:.0f} s)")
