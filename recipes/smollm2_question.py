#!/usr/bin/env python3
"""Makes the corpus of smollm2-question.toml from GSM8K's training solutions, runs the recipe and prints its answer.

    python recipes/smollm2_question.py          # OCTO_SHARED: the folder that holds data/problems

Arguments go to `octo-host run`.
"""
import json
import os
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[1]
RUN = ROOT / "runs/smollm2-question"


def corpus():
    problems = pathlib.Path(os.environ.get("OCTO_SHARED", ROOT / "../shared")) / "data/problems/gsm8k_train.jsonl"
    rows = [json.loads(line) for line in problems.read_text(encoding="utf-8").splitlines() if line.strip()]
    RUN.mkdir(parents=True, exist_ok=True)
    with open(RUN / "gsm8k.jsonl", "w", encoding="utf-8") as file:
        for row in rows:
            # The data set's notes for a calculator are no text that a model should learn to write.
            answer = re.sub(r"<<[^<>]*>>", "", row["answer"])
            file.write(json.dumps({"text": f"Question: {row['question']}\nAnswer: {answer}"}) + "\n")


def main():
    corpus()
    octo = ROOT / "target/release/octo-host"
    subprocess.run([octo, "run", ROOT / "recipes/smollm2-question.toml", "--runs", ROOT / "runs", *sys.argv[1:]], check=True)
    for stage in ("rl-raw", "rl-read"):
        lines = (RUN / "stages" / stage / "metrics.jsonl").read_text().splitlines()
        lines = [json.loads(line) for line in lines]
        curve = [(line["step"], 100 * line["held_out"]["accuracy"]) for line in lines if "held_out" in line]
        sampled = [line["accuracy"] for line in lines if "seconds" in line]
        half = len(sampled) // 2
        print(f"{stage}: held out " + ", ".join(f"{share:.1f} % at step {step}" for step, share in curve)
              + f"; sampled {100 * sum(sampled[:half]) / half:.1f} % in the first half of the steps, "
              + f"{100 * sum(sampled[half:]) / (len(sampled) - half):.1f} % in the second")


if __name__ == "__main__":
    main()
