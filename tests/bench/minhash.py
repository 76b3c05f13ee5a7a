#!/usr/bin/env python3
"""MinHash signatures by octo-curate beside datatrove's MinhashDedupSignature: the same documents, each on one core, in one run.

    python tests/bench/minhash.py --python PATH/TO/venv/bin/python [--documents FILE.jsonl] [--rounds 3]

The venv needs `datatrove[processing]==0.10.1 'xxhash<4' 'spacy>=3.8,<3.9'` from PyPI. Documents are those that octo-curate
extracts of the pages of data/web in the folder that OCTO_SHARED names (default ../shared), or FILE.jsonl. Both are held
to one core by `taskset` and take turns, `--rounds` times; the medians are compared. Octo's time is that of its whole
phase: it hashes and reads the file, parses JSON, and writes signatures and digests; datatrove's begins with documents in
memory and its tokenizer loaded. That both write the same bytes is checked each time.
"""
import argparse
import filecmp
import json
import os
import pathlib
import shutil
import statistics
import subprocess
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
WEB = pathlib.Path(os.environ.get("OCTO_SHARED", ROOT / ".." / "shared")) / "data" / "web"

PEER = r"""
import json, sys, time
from loguru import logger
logger.remove()
from datatrove.data import Document
from datatrove.pipeline.dedup.minhash import MinhashConfig, MinhashDedupSignature
path, out, buckets, hashes = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
documents = [Document(text=json.loads(line)["text"], id=str(number)) for number, line in enumerate(open(path))]
step = MinhashDedupSignature(out, config=MinhashConfig(num_buckets=buckets, hashes_per_bucket=hashes), language="en")
step.get_signature(step.get_shingles("one two three four five six"))
start = time.perf_counter()
step.run(documents, 0, 1)
print(json.dumps({"seconds": time.perf_counter() - start, "documents": len(documents)}))
"""


def on_one_core(command, **more):
    return subprocess.run(["taskset", "-c", "0", *command], check=True, capture_output=True, text=True, **more)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--python", required=True, help="the interpreter of the venv with datatrove")
    parser.add_argument("--documents", help="JSON Lines with `text`; default: the pages of data/web")
    parser.add_argument("--rounds", type=int, default=3, help="how many times each side is measured")
    parser.add_argument("--examples", help="the folder of octo-curate's examples; default: they are built")
    arguments = parser.parse_args()
    if arguments.examples is None:
        build = ["cargo", "build", "--release", "-p", "octo-curate", "--example", "deduplicate", "--example", "extract_pages"]
        subprocess.run(build, check=True, cwd=ROOT)
    target = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
    examples = pathlib.Path(arguments.examples or target / "release" / "examples")
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        documents = folder / "documents.jsonl"
        if arguments.documents:
            shutil.copy(arguments.documents, documents)
        else:
            archives = sorted(str(path) for path in WEB.glob("pages-*"))
            with open(documents, "w") as out:
                subprocess.run([examples / "extract_pages", *archives], check=True, stdout=out, stderr=subprocess.DEVNULL)
        texts = [json.loads(line)["text"] for line in open(documents)]
        print(f"{len(texts)} documents, {sum(len(text.encode()) for text in texts) / 1e6:.1f} MB of text")
        for preset, buckets, hashes in [("default", 14, 8), ("paper", 11, 10)]:
            times = {"octo": [], "datatrove": []}
            for _ in range(arguments.rounds):
                octo, peer = folder / "octo", folder / "datatrove"
                for out in (octo, peer):
                    shutil.rmtree(out, ignore_errors=True)
                command = [examples / "deduplicate", "signatures", octo, "--preset", preset, documents]
                said = on_one_core(command, env={**os.environ, "RAYON_NUM_THREADS": "1"})
                times["octo"].append(json.loads(said.stderr)["seconds"])
                said = on_one_core([arguments.python, "-c", PEER, documents, peer, str(buckets), str(hashes)])
                times["datatrove"].append(json.loads(said.stdout)["seconds"])
                for bucket in range(buckets):
                    name = f"bucket_{bucket:03d}/00000.minhash.sig"
                    if not filecmp.cmp(octo / "work" / "signatures" / name, peer / name, shallow=False):
                        raise SystemExit(f"{preset}: {name} differs")
            octo, peer = (statistics.median(times[name]) for name in ("octo", "datatrove"))
            rate = len(texts)
            print(f"{preset} ({buckets} x {hashes}): octo {octo:.3f} s, {rate / octo:.0f} documents/s; "
                  f"datatrove {peer:.3f} s, {rate / peer:.1f} documents/s; ratio {peer / octo:.1f}; same bytes")


if __name__ == "__main__":
    main()
