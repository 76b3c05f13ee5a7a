#!/usr/bin/env python3
"""False positives and false negatives of verifier_math and of the graders on PyPI, on the same labelled cases.

    python tests/bench/verifier_agreement.py --python PATH/TO/venv/bin/python

What the venv needs is said in verifier_graders.py, which it runs; what it lacks is left out. The cases are
verifier/cases.jsonl in the folder that OCTO_SHARED names (default ../shared). Rows whose label is a matter of rules or doubtful
(`note`) are counted in a column of their own. Every grader gets the pair and its own extraction: a bare answer in the
box or the dollars that it looks for, a response as it is.
"""
import argparse
import collections
import json
import os
import pathlib
import select
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
SHARED = pathlib.Path(os.environ.get("OCTO_SHARED", ROOT / ".." / "shared")) / "data"
# Seconds for all graders on one pair, each of which has a limit of five of its own.
HUNG = 90


def octo(host, plugin, cases, config):
    with tempfile.NamedTemporaryFile("w", suffix=".jsonl") as file:
        for case in cases:
            file.write(json.dumps({"reference": case["gold"], "response": case["pred"]}) + "\n")
        file.flush()
        done = subprocess.run(
            [host, "--plugin", plugin, "--config", json.dumps(config), file.name], capture_output=True, text=True
        )
    if done.returncode:
        sys.exit(f"octo-host failed:\n{done.stderr[-2000:]}")
    return [json.loads(line).get("outcome") == "correct" for line in done.stdout.splitlines()]


def graded(python, pairs):
    """The verdicts of every grader. One that hangs beyond its own time limit, which happens, is ended: no reward."""
    judged = collections.defaultdict(lambda: [False] * len(pairs))
    running = None
    for index, pair in enumerate(pairs):
        if running is None:
            running = subprocess.Popen(
                [python, str(ROOT / "tests/bench/verifier_graders.py")],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
        running.stdin.write(json.dumps(pair) + "\n")
        running.stdin.flush()
        if not select.select([running.stdout], [], [], HUNG)[0]:
            print(f"row {index} hung for {HUNG} s: no reward from any grader", file=sys.stderr)
            running.kill()
            running.wait()
            running = None
            continue
        line = running.stdout.readline()
        if not line:
            sys.exit("the graders failed; their messages are above")
        for name, right in json.loads(line).items():
            judged[name][index] = right
    if running is not None:
        running.stdin.close()
        running.wait()
    return judged


def main():
    parse = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parse.add_argument("--python", default=str(ROOT / ".octo/peers/bin/python"))
    parse.add_argument("--host", default=str(ROOT / "target/release/octo-host"))
    parse.add_argument("--plugin", default=str(ROOT / "target/plugins/verifier_math.wasm"))
    args = parse.parse_args()
    path = SHARED / "verifier/cases.jsonl"
    if not path.is_file():
        print(f"skipped: {path} is not here (OCTO_SHARED names the folder that holds data/)")
        return
    cases = [json.loads(line) for line in path.read_text().splitlines() if line.strip()]
    cases = [case for case in cases if isinstance(case["expected"], bool) and isinstance(case["gold"], str)]
    judged = {
        "octo": octo(args.host, args.plugin, cases, {}),
        "octo, preset rounded": octo(args.host, args.plugin, cases, {"preset": "rounded"}),
    }
    pairs = [[case["gold"], case["pred"], "bare" in str(case["config"].get("input"))] for case in cases]
    for name, verdicts in graded(args.python, pairs).items():
        judged[name] = verdicts
    groups = collections.defaultdict(list)
    for index, case in enumerate(cases):
        suite = case["id"].split("/")[0]
        noted = case.get("note") or case.get("disabled") is not None
        name = {"mv": "Math-Verify", "hardverify_math": "HardVerify"}.get(suite, "others")
        groups[name + (", noted" if noted else "")].append(index)
        if suite == "hardverify_math":
            groups["HardVerify, all"].append(index)
    order = sorted(groups)
    print("| grader |" + "".join(f" {name} ({len(groups[name])}) |" for name in order))
    print("|---|" + "---|" * len(order))
    for grader, verdicts in judged.items():
        cells = []
        for name in order:
            positive = sum(verdicts[i] and not cases[i]["expected"] for i in groups[name])
            negative = sum(not verdicts[i] and cases[i]["expected"] for i in groups[name])
            cells.append(f" {positive} / {negative} |")
        print(f"| {grader} |" + "".join(cells))
    print("\nEach cell: false positives / false negatives.")


if __name__ == "__main__":
    main()
