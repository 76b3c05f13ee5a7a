"""Writes learning_rate.json beside this script: rates by step as PyTorch's schedulers give them.

Run with a Python that has torch 2.11:  python make_learning_rate.py
"""

import json
import pathlib

import torch
from torch.optim import lr_scheduler as schedulers

PEAK, LAST, STEPS, WARMUP = 2e-5, 2e-6, 40, 10


def rates(make, count):
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=PEAK)
    scheduler = make(optimizer)
    found = []
    for _ in range(count):
        found.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    return found


decays = {
    "cosine": lambda o: schedulers.CosineAnnealingLR(o, T_max=STEPS, eta_min=LAST),
    "linear": lambda o: schedulers.LinearLR(o, start_factor=1.0, end_factor=LAST / PEAK, total_iters=STEPS),
    "exponential": lambda o: schedulers.ExponentialLR(o, gamma=(LAST / PEAK) ** (1 / STEPS)),
    # PyTorch has none; the formula is nanotron's and Hägele et al.'s (2024).
    "1-sqrt": lambda o: schedulers.LambdaLR(
        o, lambda step: LAST / PEAK + (1 - LAST / PEAK) * (1 - min(step / STEPS, 1) ** 0.5)
    ),
}
warmups = {
    # A linear warmup's first step has the start rate plus one part of the way, so that no step has a rate of 0.
    "linear": lambda o: schedulers.LinearLR(
        o, start_factor=1 / WARMUP, end_factor=1.0, total_iters=WARMUP - 1
    ),
    "constant": lambda o: schedulers.ConstantLR(o, factor=0.25, total_iters=WARMUP),
    "cosine": lambda o: schedulers.LambdaLR(
        o, lambda step: 0.5 * (1 - torch.cos(torch.tensor(torch.pi * min(step + 1, WARMUP) / WARMUP, dtype=torch.float64)).item())
    ),
}
golden = {
    "torch": torch.__version__.split("+")[0],
    "peak": PEAK,
    "last": LAST,
    "steps": STEPS,
    "warmup": WARMUP,
    "decays": {name: rates(make, STEPS + 1) for name, make in decays.items()},
    "warmups": {name: rates(make, WARMUP + 3) for name, make in warmups.items()},
}
path = pathlib.Path(__file__).with_name("learning_rate.json")
path.write_text(json.dumps(golden, indent=1) + "\n")
