#!/usr/bin/env python3
"""filter_heuristics' presets in the sandbox beside datatrove 0.10.1's filters, on the same documents, each on one core, in
one run: whether they decide alike, and how many documents a second they decide on.

    make plugins
    python tests/bench/filters.py --python PATH/TO/venv/bin/python [--documents FILE.jsonl ...]

The venv needs `datatrove[processing]==0.10.1 spacy "xxhash<4"` from PyPI. Documents are JSON Lines with `text`; by default
those of the pages of data/web in the folder that OCTO_SHARED names (default ../shared), extracted by octo-curate.
datatrove is timed on its filters alone. Octo is timed as a whole command, which reads the documents and writes the
decisions too; what a command with few documents takes is subtracted, for its start. With --show, documents that are not
decided alike are named.
"""
import argparse
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
SHARED = pathlib.Path(os.environ.get("OCTO_SHARED", ROOT / ".." / "shared"))
TARGET = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))

PEER = r"""
import json, sys, time
from datatrove.data import Document
from datatrove.pipeline.filters import C4QualityFilter, FineWebQualityFilter, GopherQualityFilter, GopherRepetitionFilter
preset, documents, out = sys.argv[1:]
filters = {"gopher": [GopherRepetitionFilter, GopherQualityFilter], "c4": [C4QualityFilter], "fineweb": [FineWebQualityFilter]}
filters = [kind() for kind in filters[preset]]
texts = [json.loads(line)["text"] for line in open(documents)]
for one in filters:
    one.filter(Document(text="What is loaded at the first call, is loaded here. " * 9, id=""))
busy = 0.0
with open(out, "w") as lines:
    for text in texts:
        document = Document(text=text, id="")
        decided = {"kept": True}
        start = time.perf_counter()
        for one in filters:
            kept = one.filter(document)
            if kept is not True:
                decided = {"kept": False, "reason": kept[1] if isinstance(kept, tuple) else None}
                break
        busy += time.perf_counter() - start
        if decided["kept"] and document.text != text:
            decided["text"] = document.text
        lines.write(json.dumps(decided) + "\n")
print(busy)
"""


def octo(host, plugin, preset, documents, out):
    """Seconds that the whole command takes on one thread."""
    command = [str(host), "--plugin", str(plugin), "--config", json.dumps({"preset": preset}), "--threads", "1", "-q", str(documents)]
    start = time.perf_counter()
    with open(out, "w") as lines:
        subprocess.run(command, stdout=lines, check=True)
    return time.perf_counter() - start


def decisions(path):
    """Octo's decisions in the form of the peer's."""
    for line in open(path):
        said = json.loads(line)
        decided = {"kept": said["decision"] != "drop"}
        if not decided["kept"]:
            decided["reason"] = said["reason"]
        if said["decision"] == "rewrite":
            decided["text"] = said["text"]
        yield decided


def main():
    usage = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    usage.add_argument("--python", default=sys.executable, help="the interpreter that has datatrove")
    usage.add_argument("--host", default=ROOT / "target/release/octo-host", help="octo-host")
    usage.add_argument("--plugin", default=TARGET / "plugins/filter_heuristics.wasm", help="the plugin, built")
    usage.add_argument("--documents", nargs="*", help="JSON Lines with text")
    usage.add_argument("--presets", nargs="*", default=["gopher", "c4", "fineweb"])
    usage.add_argument("--rounds", type=int, default=3, help="how often each side runs, in turn; the fastest counts")
    usage.add_argument("--copies", type=int, default=20, help="how often Octo, which is fast, decides on all documents")
    usage.add_argument("--show", type=int, default=0, help="name so many documents that are not decided alike")
    args = usage.parse_args()
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})  # one core for all that is started here
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        texts = []
        for path in args.documents or []:
            texts += [json.loads(line)["text"] for line in open(path)]
        if not args.documents:
            pages = sorted(str(path) for path in (SHARED / "data/web").glob("pages-*"))
            if not pages:
                print(f"skipped: there are no pages in {SHARED / 'data/web'}")
                return 0
            extract = ROOT / "target/release/examples/extract_pages"
            if not extract.exists():
                subprocess.run(["cargo", "build", "--release", "-q", "-p", "octo-curate", "--example", "extract_pages"], cwd=ROOT, check=True)
            said = subprocess.run([extract, *pages], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True, text=True).stdout
            texts = [json.loads(line)["text"] for line in said.splitlines()]
        once, many, mine, theirs = (folder / name for name in ("once.jsonl", "many.jsonl", "octo.jsonl", "datatrove.jsonl"))
        lines = "".join(json.dumps({"text": text}) + "\n" for text in texts)
        once.write_text(lines)
        many.write_text(lines * (1 + args.copies))
        print(f"{len(texts)} documents, {sum(map(len, texts)) / max(1, len(texts)):.0f} characters in the mean")
        print(f"{'preset':10}{'alike %':>9}{'reason too %':>14}{'kept':>7}{'octo docs/s':>13}{'datatrove':>11}{'octo is':>9}")
        for preset in args.presets:
            fast, slow = [], []
            for _ in range(args.rounds):
                start = octo(args.host, args.plugin, preset, once, mine)
                fast.append((octo(args.host, args.plugin, preset, many, folder / "out") - start) / args.copies)
                ran = subprocess.run([args.python, "-c", PEER, preset, str(once), str(theirs)], capture_output=True, text=True)
                if ran.returncode != 0:
                    print(f"datatrove failed: {ran.stderr.strip().splitlines()[-1:]}")
                    return 1
                slow.append(float(ran.stdout.split()[-1]))
            pairs = list(zip(decisions(mine), map(json.loads, open(theirs))))
            alike = sum(a["kept"] == b["kept"] and a.get("text") == b.get("text") for a, b in pairs)
            same = sum(a == b for a, b in pairs)
            kept = sum(a["kept"] for a, _ in pairs)
            count = len(pairs)
            rates = count / min(fast), count / min(slow)
            print(f"{preset:10}{100 * alike / count:9.2f}{100 * same / count:14.2f}{kept:7}{rates[0]:13.0f}{rates[1]:11.1f}{rates[0] / rates[1]:8.0f}x")
            for index in [index for index, (a, b) in enumerate(pairs) if a != b][: args.show]:
                print(f"  document {index}: octo {pairs[index][0]}, datatrove {pairs[index][1]}"[:300])
    return 0


if __name__ == "__main__":
    sys.exit(main())
