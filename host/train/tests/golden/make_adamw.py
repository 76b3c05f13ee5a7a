"""Writes adamw.json beside this script: a hundred AdamW updates as torch.optim.AdamW makes them.

Run with a Python that has torch 2.11:  python make_adamw.py
"""

import json
import pathlib

import torch

LEARNING_RATE, WEIGHT_DECAY, BETA1, BETA2, EPSILON, STEPS = 0.01, 0.1, 0.9, 0.95, 1e-8, 100

torch.manual_seed(7)
parameters = {
    "matrix": torch.nn.Parameter(torch.randn(3, 4)),
    "norm": torch.nn.Parameter(1 + 0.1 * torch.randn(5)),
    "model.embed_tokens.weight": torch.nn.Parameter(torch.randn(4, 2)),
}
# The usual groups: matrices decay, norms do not, and embeddings here do not either.
optimizer = torch.optim.AdamW(
    [
        {"params": [parameters["matrix"]], "weight_decay": WEIGHT_DECAY},
        {"params": [parameters["norm"], parameters["model.embed_tokens.weight"]], "weight_decay": 0.0},
    ],
    lr=LEARNING_RATE,
    betas=(BETA1, BETA2),
    eps=EPSILON,
    foreach=False,
    fused=False,
)


def plain(tensor):
    return {"shape": list(tensor.shape), "data": tensor.detach().flatten().tolist()}


initial = {name: plain(parameter) for name, parameter in parameters.items()}
steps = []
for index in range(STEPS):
    # Scales from 1e-4 to 1e3, so that epsilon and the bias corrections all show.
    for parameter in parameters.values():
        parameter.grad = torch.randn_like(parameter) * 10.0 ** (index % 8 - 4)
    step = {"gradients": {name: plain(parameter.grad) for name, parameter in parameters.items()}}
    optimizer.step()
    if index < 8 or index % 10 == 9:
        step["after"] = {name: plain(parameter) for name, parameter in parameters.items()}
    steps.append(step)

golden = {
    "torch": torch.__version__.split("+")[0],
    "learning_rate": LEARNING_RATE,
    "weight_decay": WEIGHT_DECAY,
    "beta1": BETA1,
    "beta2": BETA2,
    "epsilon": EPSILON,
    "initial": initial,
    "steps": steps,
}
path = pathlib.Path(__file__).with_name("adamw.json")
path.write_text(json.dumps(golden).replace('{"gradients"', '\n{"gradients"') + "\n")
