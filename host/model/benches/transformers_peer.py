"""The side of `transformers` in against_transformers.rs; prints one JSON object.

    python transformers_peer.py load|train FOLDER ROWS CONTEXT THREADS
"""

import json
import sys
import time
from pathlib import Path

import torch
from transformers import AutoModelForCausalLM


def peak_mib() -> float:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 1024
    raise RuntimeError("no VmHWM in /proc/self/status")


def main() -> None:
    if len(sys.argv) != 6:
        sys.exit(__doc__)
    what, folder = sys.argv[1:3]
    rows, context, threads = map(int, sys.argv[3:])
    torch.set_num_threads(threads)
    start = time.perf_counter()
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
    seconds = time.perf_counter() - start
    if what == "load":
        with torch.no_grad():
            total = sum(parameter.sum().item() for parameter in model.parameters())
        print(json.dumps({"seconds": seconds, "seconds_read": time.perf_counter() - start, "sum": total}))
        return
    place = torch.arange(rows * (context + 1))
    tokens = ((place * place * 7 + place * 131) % 40_000).view(rows, context + 1)
    inputs, targets = tokens[:, :-1], tokens[:, 1:]
    model.train()
    best = float("inf")
    for _ in range(3):
        start = time.perf_counter()
        logits = model(inputs, use_cache=False).logits
        loss = torch.nn.functional.cross_entropy(logits.flatten(0, 1).float(), targets.flatten())
        loss.backward()
        best = min(best, time.perf_counter() - start)
        model.zero_grad(set_to_none=False)
        value = loss.item()
        del logits, loss
    print(json.dumps({"seconds": best, "peak_mib": peak_mib(), "loss": value}))


if __name__ == "__main__":
    main()
