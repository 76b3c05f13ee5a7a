#!/usr/bin/env python3
"""A whole mid-training step of Octo against PyTorch eager (transformers and torch.optim.AdamW), in one run.

    python tests/bench/midtrain_step.py --model .octo/smollm2 --python .octo/peers/bin/python

Both train the same weights in fp32 on the same documents: the same number of windows of the same length, clipped to a
norm of 1, AdamW with decay 0.1, on the same number of threads, one after the other, `--rounds` times in turn. A step
is everything between two updates: gradients cleared, forward, backward, norm, clip, update, and the loss read. Figures
are the median step (the first of each process is left out) and the process's peak resident memory. `--forward` limits
the sequences of one forward pass, of both sides alike (0: the whole batch at once).

Losses of the first step are printed too: they are on other windows, so they are near each other, not equal.
"""
import argparse
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]


def documents():
    """Text that every clone has: its own sources."""
    files = sorted(path for ending in ("rs", "md", "toml") for path in (ROOT / "host").rglob(f"*.{ending}"))
    return [path.read_text(encoding="utf-8") for path in files]


def peer(options):
    import resource

    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    torch.set_num_threads(options.threads)
    tokenizer = AutoTokenizer.from_pretrained(options.model)
    model = AutoModelForCausalLM.from_pretrained(options.model, dtype=torch.float32, attn_implementation="sdpa")
    model.train()
    matrices = [parameter for parameter in model.parameters() if parameter.dim() >= 2]
    others = [parameter for parameter in model.parameters() if parameter.dim() < 2]
    optimizer = torch.optim.AdamW(
        [{"params": matrices, "weight_decay": 0.1}, {"params": others, "weight_decay": 0.0}],
        lr=options.rate, betas=(0.9, 0.95), eps=1e-8,
    )
    ids = [token for text in documents() for token in tokenizer(text).input_ids + [tokenizer.eos_token_id]]
    width = options.context
    at_once = options.forward or options.batch
    seconds, losses = [], []
    for step in range(options.steps):
        began = time.perf_counter()
        start = step * options.batch * width
        rows = [ids[start + row * width : start + (row + 1) * width + 1] for row in range(options.batch)]
        rows = torch.tensor(rows)
        optimizer.zero_grad(set_to_none=True)
        total = 0.0
        for piece in rows.split(at_once):
            logits = model(input_ids=piece[:, :-1], use_cache=False).logits
            loss = torch.nn.functional.cross_entropy(logits.flatten(0, 1).float(), piece[:, 1:].flatten(), reduction="sum")
            loss = loss / (options.batch * width)
            loss.backward()
            total += loss.item()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        seconds.append(time.perf_counter() - began)
        losses.append(total)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    print(json.dumps({"seconds": seconds, "loss": losses, "peak": peak}))


def octo(options, folder):
    docs = folder / "documents.jsonl"
    docs.write_text("".join(json.dumps({"text": text}) + "\n" for text in documents()))
    tokens = options.steps * options.batch * options.context
    (folder / "bench.toml").write_text(f'''
name = "bench"
[plugins]
mix = {{ plugin = "mixture_static", config = {{ weights = {{ text = 1.0 }} }} }}
[stages.train]
kind = "midtrain"
initial = "{options.model.resolve()}"
sources = {{ text = ["{docs}"] }}
mixture = "mix"
tokens = {tokens}
context = {options.context}
sequences_per_step = {options.batch}
sequences_per_forward = {options.forward}
learning_rate = {options.rate}
checkpoint_every = 0
threads = {options.threads}
''')
    command = [options.octo, "run", str(folder / "bench.toml"), "--runs", str(folder / "runs")]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    lines = (folder / "runs/bench/stages/train/metrics.jsonl").read_text().splitlines()
    lines = [json.loads(line) for line in lines]
    seconds = [options.batch * options.context / line["tokens_per_second"] for line in lines]
    # The last step's figure: what is written after it is not a step's.
    return {"seconds": seconds, "loss": [line["loss"] for line in lines], "peak": lines[-1]["peak_memory_bytes"]}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=pathlib.Path, default=ROOT / ".octo/smollm2")
    parser.add_argument("--python", default=str(ROOT / ".octo/peers/bin/python"), help="with torch and transformers")
    parser.add_argument("--octo", default=str(ROOT / "target/release/octo-host"))
    parser.add_argument("--context", type=int, default=512)
    parser.add_argument("--batch", type=int, default=4)
    parser.add_argument("--forward", type=int, default=0)
    parser.add_argument("--steps", type=int, default=5)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--rate", type=float, default=1e-5)
    parser.add_argument("--peer", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.peer:
        return peer(options)
    if not (options.model / "model.safetensors").is_file():
        sys.exit(f"{options.model} holds no model.safetensors; `make smollm2` fetches one")
    sides = {"octo": [], "torch": []}
    for _ in range(options.rounds):
        with tempfile.TemporaryDirectory() as folder:
            sides["octo"].append(octo(options, pathlib.Path(folder)))
        command = [options.python, __file__, *sys.argv[1:], "--peer"]
        said = subprocess.run(command, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        sides["torch"].append(json.loads(said.stdout.splitlines()[-1]))
    figures = {}
    for name, runs in sides.items():
        steps = [second for run in runs for second in run["seconds"][1:]]
        speed = options.batch * options.context / statistics.median(steps)
        peak = max(run["peak"] for run in runs)
        figures[name] = (speed, peak)
        print(f"{name:6} {speed:8.1f} tokens/s  step {statistics.median(steps):6.2f} s "
              f"({min(steps):.2f} to {max(steps):.2f})  peak {peak / 2**30:5.2f} GiB  first loss {runs[0]['loss'][0]:.4f}")
    (ours, our_peak), (theirs, their_peak) = figures["octo"], figures["torch"]
    print(f"octo / torch: speed {ours / theirs:.2f}, peak memory {our_peak / their_peak:.2f}")


if __name__ == "__main__":
    main()
