"""Writes algorithms.json beside this script: advantages, losses and gradients of the policy-gradient algorithms.

Run with a Python that has torch 2.11:  python make_algorithms.py

The formulas are the papers' own: GRPO (arXiv 2402.03300), Dr. GRPO (2503.20783), DAPO (2503.14476), GSPO (2507.18071),
RLOO (2402.14740), REINFORCE++ (2501.03262), CISPO (2506.13585). They are written rollout by rollout, with no weights,
no flat tensors and no shared code path, so that they can disagree with the trainer. Everything is fp64.
"""

import json
import pathlib

import torch

torch.manual_seed(7)
torch.set_default_dtype(torch.float64)

GROUP = 4
LIMIT = 9  # the longest response allowed: the fixed length of Dr. GRPO
LENGTHS = [3, 7, 1, 5, 4, 4, 2, 6, 9, 1, 3, 8, 2, 5, 7, 1]
# Group 0 is ordinary, group 1 has a masked rollout, group 2 has equal rewards, group 3 one success.
REWARDS = [1.0, -1.0, -1.0, 0.5, 1.0, None, -1.0, -1.0, -1.0, -1.0, -1.0, -1.0, 1.0, -1.0, -1.0, -1.0]
# Two groups an update.
BATCHES = [range(0, 8), range(8, 16)]

old = [-0.2 - 2 * torch.rand(length) for length in LENGTHS]
sampled = [row + 0.1 * torch.randn_like(row) for row in old]
reference = [row + 0.3 * torch.randn_like(row) for row in old]
# The first update sees the policy that sampled, the second one that has moved, here and there past any clip.
now = [row.clone() if index < 8 else row + 0.25 * torch.randn_like(row) for index, row in enumerate(old)]
now[8] = old[8] + 0.4
now[13] = old[13] - 0.5
now[12] = old[12] + torch.tensor([2.1, -0.9])
# Ratios that GSPO's narrow clip lets through, beside those that it does not.
now[14] = old[14] + 0.0002 * torch.randn_like(old[14])


def estimate(kind, log_p, log_q):
    """Divergence of p from q, from samples of p (Schulman, "Approximating KL divergence")."""
    distance = log_p - log_q
    if kind == "k1":
        return distance
    if kind == "k2":
        return distance**2 / 2
    return torch.exp(-distance) - 1 + distance


def group_advantages(rewards, divide):
    """(r - mean), divided by the unbiased deviation or not, among the rollouts that have a reward."""
    found = []
    for start in range(0, len(rewards), GROUP):
        group = rewards[start : start + GROUP]
        present = torch.tensor([reward for reward in group if reward is not None])
        flat = len(present) < 2 or bool((present == present[0]).all())
        for reward in group:
            if reward is None or flat:
                found.append(0.0)
            else:
                centred = reward - present.mean()
                found.append(float(centred / (present.std(unbiased=True) + 1e-6) if divide else centred))
    return found


def leave_one_out(rewards):
    """Each reward less the mean of the others of its group."""
    found = []
    for start in range(0, len(rewards), GROUP):
        group = rewards[start : start + GROUP]
        for index, reward in enumerate(group):
            others = [other for place, other in enumerate(group) if place != index and other is not None]
            found.append(0.0 if reward is None or not others else reward - sum(others) / len(others))
    return found


def token_advantages(case):
    """One list of advantages per rollout."""
    penalties = [torch.zeros(length) for length in LENGTHS]
    if case.get("kl_place") == "reward":
        kind = case["kl_estimator"]
        penalties = [case["kl_coefficient"] * estimate(kind, p, q) for p, q in zip(old, reference)]
    algorithm = case["algorithm"]
    if algorithm == "reinforce-plus-plus":
        # The return of a token: the outcome at the last token, less the penalties from this token on. Normalised over
        # all tokens of the step.
        returns = []
        for reward, penalty in zip(REWARDS, penalties):
            rest = torch.flip(torch.cumsum(torch.flip(penalty, [0]), 0), [0])
            returns.append(None if reward is None else reward - rest)
        everything = torch.cat([row for row in returns if row is not None])
        mean, deviation = everything.mean(), everything.std(unbiased=True)
        return [
            torch.zeros(length) if row is None else (row - mean) / (deviation + 1e-8)
            for row, length in zip(returns, LENGTHS)
        ]
    outcomes = [None if r is None else r - float(p.sum()) for r, p in zip(REWARDS, penalties)]
    if algorithm == "rloo":
        found = leave_one_out(outcomes)
    else:
        divide = case.get("advantage", "mean-centred" if algorithm == "dr-grpo" else "grpo") == "grpo"
        found = group_advantages(outcomes, divide)
    return [torch.full((length,), value) for value, length in zip(found, LENGTHS)]


CLIPS = {"dapo": (0.2, 0.28), "gspo": (3e-4, 4e-4), "cispo": (1.0, 4.0)}


def batch_loss(case, batch, log_probabilities, advantages):
    """Mean loss of one mini-batch; masked rollouts are in no mean."""
    algorithm = case["algorithm"]
    low, high = case.get("clip", CLIPS.get(algorithm, (0.2, 0.2)))
    aggregation = case.get(
        "aggregation", {"dr-grpo": "fixed-length", "rloo": "fixed-length", "gspo": "sequence"}.get(algorithm, "token")
    )
    losses, cut_low, cut_high = [], [], []
    for index in batch:
        if REWARDS[index] is None:
            continue
        new, before, advantage = log_probabilities[index], old[index], advantages[index]
        if "importance_cap" in case:
            gap = before - sampled[index]
            gap = gap.mean().expand_as(gap) if algorithm == "gspo" else gap
            advantage = advantage * torch.clamp(torch.exp(gap), max=case["importance_cap"])
        if algorithm == "gspo":
            ratio = torch.exp((new - before).sum() / len(new)).expand(len(new))
        else:
            ratio = torch.exp(new - before)
        if algorithm == "cispo":
            held = torch.clamp(ratio.detach(), 1 - low, 1 + high)
            loss = -held * advantage * new
            # Where nothing pulls, nothing is cut.
            pulls = advantage != 0
            is_low, is_high = (ratio < 1 - low) & pulls, (ratio > 1 + high) & pulls
        else:
            gain = ratio * advantage
            loss = -torch.minimum(gain, torch.clamp(ratio, 1 - low, 1 + high) * advantage)
            is_low, is_high = (ratio < 1 - low) & (advantage < 0), (ratio > 1 + high) & (advantage > 0)
        if case.get("kl_place") == "loss":
            loss = loss + case["kl_coefficient"] * estimate(case["kl_estimator"], new, reference[index])
        losses.append(loss)
        cut_low.append(is_low.to(torch.float64))
        cut_high.append(is_high.to(torch.float64))

    def mean(rows):
        if aggregation == "token":
            return torch.cat(rows).mean()
        if aggregation == "sequence":
            return torch.stack([row.mean() for row in rows]).mean()
        return torch.stack([row.sum() / LIMIT for row in rows]).mean()

    def share(rows):
        # A share of what counts: weighted as the loss is, and 1 where everything is cut.
        return (mean(rows) / mean([torch.ones_like(row) for row in rows])).item()

    return mean(losses), share(cut_low), share(cut_high)


CASES = [
    {"algorithm": "grpo"},
    {"algorithm": "grpo", "advantage": "mean-centred"},
    {"algorithm": "grpo", "aggregation": "sequence"},
    {"algorithm": "dr-grpo"},
    {"algorithm": "dapo"},
    {"algorithm": "gspo"},
    {"algorithm": "gspo", "clip": (0.1, 0.1)},
    {"algorithm": "rloo"},
    {"algorithm": "reinforce-plus-plus"},
    {"algorithm": "cispo"},
    {"algorithm": "cispo", "clip": (0.3, 0.3), "aggregation": "sequence"},
    {"algorithm": "grpo", "kl_coefficient": 0.05, "kl_estimator": "k1", "kl_place": "loss"},
    {"algorithm": "grpo", "kl_coefficient": 0.05, "kl_estimator": "k2", "kl_place": "loss"},
    {"algorithm": "gspo", "kl_coefficient": 0.05, "kl_estimator": "k3", "kl_place": "loss"},
    {"algorithm": "grpo", "kl_coefficient": 0.1, "kl_estimator": "k1", "kl_place": "reward"},
    {"algorithm": "rloo", "kl_coefficient": 0.1, "kl_estimator": "k3", "kl_place": "reward"},
    {"algorithm": "reinforce-plus-plus", "kl_coefficient": 0.1, "kl_estimator": "k1", "kl_place": "reward"},
    {"algorithm": "dapo", "importance_cap": 1.05},
    {"algorithm": "gspo", "importance_cap": 1.02},
    {"algorithm": "cispo", "importance_cap": 2.0},
]

for case in CASES:
    advantages = token_advantages(case)
    case["advantages"] = [row.tolist() for row in advantages]
    case["batches"] = []
    for batch in BATCHES:
        leaves = [row.clone().requires_grad_(True) for row in now]
        loss, low, high = batch_loss(case, batch, leaves, advantages)
        loss.backward()
        gradient = [
            (leaves[index].grad if leaves[index].grad is not None else torch.zeros_like(leaves[index])).tolist()
            for index in batch
        ]
        case["batches"].append({"loss": loss.item(), "gradient": gradient, "clipped_low": low, "clipped_high": high})


def rounded(value):
    if isinstance(value, float):
        return float(f"{value:.9g}")
    if isinstance(value, dict):
        return {key: rounded(part) for key, part in value.items()}
    return [rounded(part) for part in value] if isinstance(value, (list, tuple)) else value


golden = {
    "torch": torch.__version__.split("+")[0],
    "group": GROUP,
    "limit": LIMIT,
    "rewards": REWARDS,
    "old": [row.tolist() for row in old],
    "sampled": [row.tolist() for row in sampled],
    "reference": [row.tolist() for row in reference],
    "now": [row.tolist() for row in now],
    "cases": CASES,
}
path = pathlib.Path(__file__).with_name("algorithms.json")
path.write_text(json.dumps(rounded(golden)).replace('"algorithm"', '\n"algorithm"') + "\n")
