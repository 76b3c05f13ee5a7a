#!/usr/bin/env python3
"""Octo's generation engine against `transformers.generate`: the same weights, prompts, sampling, batch and threads.

    python tests/bench/generation.py --model .octo/smollm2
    python tests/bench/generation.py --model runs/demo/stages/short/model --prompts 128 --tokens 96

Prompts are made of the model's own text (greedy continuations of single tokens), each asked `--group` times, as in RL.
Both sides sample at temperature 1 from the whole distribution, and take turns, `--rounds` times. Three workloads:

  greedy   64 tokens of each distinct prompt, to compare the texts and nothing else
  fixed    every response has `--tokens` tokens: the speed of a full batch
  natural  a response ends with the end token or at `--tokens`: what slots that are filled again are worth. Both sides
           may hold `--batch` responses at a time; `transformers` takes the next batch when the last of one has ended.

Tokens per second are of response tokens alone. On a GPU: `--device 0 --precision bfloat16`.
"""
import argparse
import json
import os
import pathlib
import random
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]


def peer(job):
    import torch
    from transformers import AutoModelForCausalLM

    torch.set_num_threads(job["threads"])
    torch.manual_seed(0)
    device = "cpu" if job.get("device") is None else f"cuda:{job['device']}"
    model = AutoModelForCausalLM.from_pretrained(job["model"], dtype=getattr(torch, job["precision"])).to(device).eval()
    ends = job["end_tokens"] or None
    pad = (job["end_tokens"] or [0])[0]
    settings = {"do_sample": False} if job["temperature"] == 0 else {"do_sample": True, "temperature": 1.0, "top_k": 0,
                                                                    "top_p": 1.0}
    seconds, found = [], []
    order = sorted(range(len(job["prompts"])), key=lambda index: len(job["prompts"][index]))
    for _ in range(job["rounds"]):
        found = [None] * len(order)
        if device != "cpu":
            torch.cuda.synchronize()
        began = time.perf_counter()
        for start in range(0, len(order), job["slots"]):
            batch = order[start:start + job["slots"]]
            width = max(len(job["prompts"][index]) for index in batch)
            rows = [[pad] * (width - len(job["prompts"][index])) + job["prompts"][index] for index in batch]
            mask = [[0] * (width - len(job["prompts"][index])) + [1] * len(job["prompts"][index]) for index in batch]
            out = model.generate(
                input_ids=torch.tensor(rows, device=device), attention_mask=torch.tensor(mask, device=device),
                max_new_tokens=job["max_tokens"], eos_token_id=ends, pad_token_id=pad, **settings,
            )
            for index, row in zip(batch, out[:, width:].tolist()):
                cut = next((at + 1 for at, token in enumerate(row) if token in job["end_tokens"]), len(row))
                found[index] = row[:cut]
        if device != "cpu":
            torch.cuda.synchronize()
        seconds.append(time.perf_counter() - began)
    print(json.dumps({"seconds": seconds, "tokens": found}))


def side(options, job, own):
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        if own:
            json.dump(job, file)
        else:
            json.dump({**job, "precision": options.precision}, file)
        file.flush()
        command = [options.engine, file.name] if own else [options.python, __file__, "--peer", file.name]
        # As `octo-host` has it; the engine's example is not started by that.
        variables = {"OMP_WAIT_POLICY": "PASSIVE", **os.environ} if own else None
        said = subprocess.run(command, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
                              env=variables)
    return json.loads(said.stdout.splitlines()[-1])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=pathlib.Path, default=ROOT / ".octo/smollm2")
    parser.add_argument("--python", default=str(ROOT / ".octo/peers/bin/python"), help="with torch and transformers")
    parser.add_argument("--engine", default=str(ROOT / "target/release/examples/generate_tokens"),
                        help="cargo build --release -p octo-model --example generate_tokens")
    parser.add_argument("--prompts", type=int, default=64, help="rollouts in all")
    parser.add_argument("--group", type=int, default=8, help="rollouts of one prompt")
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--tokens", type=int, default=64)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--device", type=int, help="number of a CUDA device; without it the CPU")
    parser.add_argument("--precision", default="float32", choices=["float32", "bfloat16"])
    parser.add_argument("--cache-gib", type=float, default=2.0, help="Octo's budget for keys and values")
    parser.add_argument("--peer", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.peer:
        return peer(json.loads(pathlib.Path(options.peer).read_text()))
    for need in (options.engine, options.python, options.model / "config.json"):
        if not pathlib.Path(need).exists():
            sys.exit(f"{need} is not there; --help says what it is")
    config = json.loads((options.model / "config.json").read_text())
    ends = config["eos_token_id"]
    ends = ends if isinstance(ends, list) else [ends]
    common = {
        "model": str(options.model), "slots": options.batch, "threads": options.threads, "precision": options.precision,
        "device": options.device, "cache_bytes": int(options.cache_gib * 2**30),
    }
    # Distinct prompts of 24 to 64 tokens.
    chosen = random.Random(7)
    count = max(1, options.prompts // options.group)
    starts = [[chosen.randrange(1, config["vocab_size"])] for _ in range(count)]
    made = side(options, {**common, "prompts": starts, "max_tokens": 63, "temperature": 1.0, "end_tokens": [],
                          "rounds": 1}, own=True)["tokens"]
    distinct = [start + made[: 23 + index * 40 // count] for index, (start, made) in enumerate(zip(starts, made))]
    prompts = [prompt for prompt in distinct for _ in range(options.group)]

    greedy = {**common, "prompts": distinct, "max_tokens": 64, "temperature": 0.0, "end_tokens": ends, "rounds": 1}
    ours, theirs = (side(options, greedy, own)["tokens"] for own in (True, False))
    same = sum(one == other for one, other in zip(ours, theirs))
    print(f"greedy   {same} of {len(distinct)} texts are the same")
    for name, end_tokens in [("fixed", []), ("natural", ends)]:
        job = {**common, "prompts": prompts, "max_tokens": options.tokens, "temperature": 1.0, "end_tokens": end_tokens,
               "rounds": 2}
        best = {}
        for _ in range(options.rounds):
            for own in (True, False):
                said = side(options, job, own)
                tokens = sum(len(row) for row in said["tokens"])
                # The last of the two rounds is the one whose tokens are known, and the warm one.
                best[own] = max(best.get(own, (0.0, 0.0)), (tokens / said["seconds"][-1], tokens / len(prompts)))
        (ours, our_mean), (theirs, their_mean) = best[True], best[False]
        print(f"{name:8} octo {ours:9.1f} tokens/s ({our_mean:.1f} a response), transformers {theirs:9.1f} "
              f"({their_mean:.1f}), octo / transformers {ours / theirs:.2f}")


if __name__ == "__main__":
    main()
