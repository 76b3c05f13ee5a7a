#!/usr/bin/env python3
"""A whole mid-training step of Octo against PyTorch (transformers and torch.optim.AdamW), in one run.

    python tests/bench/midtrain_step.py --model .octo/smollm2 --python .octo/peers/bin/python

Both train the same weights in fp32 on the same documents: the same number of windows of the same length, clipped to a
norm of 1, AdamW with decay 0.1, on the same number of threads, one after the other, `--rounds` times in turn. A step
is everything between two updates: gradients cleared, forward, backward, norm, clip, update, and the loss read. Figures
are the median step (the first `--skip` of each process are left out) and the process's peak resident memory, on a GPU
what its allocator has taken. `--forward` limits the sequences of one forward pass, of both sides alike (0: the whole
batch at once).

`--compute bfloat16` is mixed precision on both sides: fp32 weights, gradients and moments, passes in bf16 (autocast).
`--recompute` keeps the input of each block only, on both sides. On a GPU the peer's AdamW is the fused one.
tests/gpu/midtrain_throughput.py adds torch.compile, large shapes and utilisation.

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
    gpu = options.device.startswith("cuda")
    tokenizer = AutoTokenizer.from_pretrained(options.model)
    model = AutoModelForCausalLM.from_pretrained(options.model, dtype=torch.float32, attn_implementation="sdpa")
    model.to(options.device).train()
    if options.recompute:
        model.gradient_checkpointing_enable(gradient_checkpointing_kwargs={"use_reentrant": False})
    matrices = [parameter for parameter in model.parameters() if parameter.dim() >= 2]
    others = [parameter for parameter in model.parameters() if parameter.dim() < 2]
    optimizer = torch.optim.AdamW(
        [{"params": matrices, "weight_decay": 0.1}, {"params": others, "weight_decay": 0.0}],
        lr=options.rate, betas=(0.9, 0.95), eps=1e-8, fused=gpu,
    )
    run = torch.compile(model) if options.peer == "compile" else model
    autocast = torch.autocast("cuda" if gpu else "cpu", torch.bfloat16, enabled=options.compute == "bfloat16")
    ids = [token for text in documents() for token in tokenizer(text).input_ids + [tokenizer.eos_token_id]]
    width = options.context
    # As often as it takes, like Octo's epochs.
    ids = ids * -(-(options.steps * options.batch * width + 1) // len(ids))
    at_once = options.forward or options.batch
    seconds, losses = [], []
    for step in range(options.steps):
        began = time.perf_counter()
        start = step * options.batch * width
        rows = [ids[start + row * width : start + (row + 1) * width + 1] for row in range(options.batch)]
        rows = torch.tensor(rows).to(options.device)
        optimizer.zero_grad(set_to_none=True)
        total = 0.0
        for piece in rows.split(at_once):
            with autocast:
                logits = run(input_ids=piece[:, :-1], use_cache=False).logits
                loss = torch.nn.functional.cross_entropy(
                    logits.flatten(0, 1).float(), piece[:, 1:].flatten(), reduction="sum"
                )
            loss = loss / (options.batch * width)
            loss.backward()
            total += loss.detach()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        # The one read of a step, after all that was queued.
        losses.append(total.item())
        if gpu:
            torch.cuda.synchronize()
        seconds.append(time.perf_counter() - began)
    peak = torch.cuda.max_memory_reserved() if gpu else resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    name = torch.cuda.get_device_name() if gpu else "cpu"
    print(json.dumps({"seconds": seconds, "loss": losses, "peak": peak, "device": name}))


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
device = "{options.device}"
compute = "{options.compute}"
recompute = {str(options.recompute).lower()}
''')
    command = [options.octo, "run", str(folder / "bench.toml"), "--runs", str(folder / "runs")]
    ran = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    if ran.returncode != 0:
        sys.exit(f"octo-host failed:\n{ran.stderr[-4000:]}")
    lines = (folder / "runs/bench/stages/train/metrics.jsonl").read_text().splitlines()
    lines = [json.loads(line) for line in lines]
    seconds = [options.batch * options.context / line["tokens_per_second"] for line in lines]
    # The last step's figure: what is written after it is not a step's.
    return {"seconds": seconds, "loss": [line["loss"] for line in lines], "peak": lines[-1]["peak_memory_bytes"]}


def torch_side(options, arguments, way):
    command = [options.python, __file__, *arguments, "--peer", way]
    said = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    if said.returncode != 0:
        sys.exit(f"PyTorch ({way}) failed:\n{said.stderr[-4000:]}")
    return json.loads(said.stdout.splitlines()[-1])


def measure(options, arguments, sides):
    """Runs the sides in turn; gives each one's tokens a second, peak memory in bytes, and the device's name."""
    runs = {side: [] for side in sides}
    for _ in range(options.rounds):
        for side in sides:
            if side == "octo":
                with tempfile.TemporaryDirectory() as folder:
                    runs[side].append(octo(options, pathlib.Path(folder)))
            else:
                runs[side].append(torch_side(options, arguments, side))
    figures = {}
    for side, found in runs.items():
        steps = [second for run in found for second in run["seconds"][options.skip :]]
        speed = options.batch * options.context / statistics.median(steps)
        peak = max(run["peak"] for run in found)
        figures[side] = {"speed": speed, "peak": peak, "device": found[0].get("device")}
        print(f"{side:8} {speed:8.1f} tokens/s  step {statistics.median(steps):6.2f} s "
              f"({min(steps):.2f} to {max(steps):.2f})  peak {peak / 2**30:5.2f} GiB  first loss {found[0]['loss'][0]:.4f}",
              flush=True)
    return figures


def parser():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=pathlib.Path, default=ROOT / ".octo/smollm2")
    parser.add_argument("--python", default=str(ROOT / ".octo/peers/bin/python"), help="with torch and transformers")
    parser.add_argument("--octo", default=str(ROOT / "target/release/octo-host"))
    parser.add_argument("--context", type=int, default=512)
    parser.add_argument("--batch", type=int, default=4)
    parser.add_argument("--forward", type=int, default=0)
    parser.add_argument("--steps", type=int, default=5)
    parser.add_argument("--skip", type=int, default=1, help="steps at the start of each process that are not counted")
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--rate", type=float, default=1e-5)
    parser.add_argument("--device", default="cpu", help="cpu, cuda or cuda:N")
    parser.add_argument("--compute", default="float32", choices=["float32", "bfloat16"])
    parser.add_argument("--recompute", action="store_true")
    parser.add_argument("--peer", choices=["eager", "compile"], help=argparse.SUPPRESS)
    return parser


def main():
    options = parser().parse_args()
    if options.peer:
        return peer(options)
    if not (options.model / "model.safetensors").is_file():
        sys.exit(f"{options.model} holds no model.safetensors; `make smollm2` fetches one")
    figures = measure(options, sys.argv[1:], ["octo", "eager"])
    ours, theirs = figures["octo"], figures["eager"]
    print(f"octo / torch: speed {ours['speed'] / theirs['speed']:.2f}, peak memory {ours['peak'] / theirs['peak']:.2f}")


if __name__ == "__main__":
    main()
