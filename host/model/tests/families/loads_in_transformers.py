"""Loads folders that Octo saved and compares their logits and greedy text with recorded ones.

    python host/model/tests/families/loads_in_transformers.py FOLDER EXPECTED_JSON [FOLDER EXPECTED_JSON]...

EXPECTED_JSON is the expected.json beside a golden model. Fails if a logit is further away than 1e-4, if the greedy
text differs, or if transformers missed or ignored any weight.
"""

import json
import sys
from pathlib import Path

import torch
from transformers import AutoModelForCausalLM


TOLERANCE = 1e-4


def check(folder: str, expected: dict) -> None:
    model, report = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32, output_loading_info=True)
    for kind in ("missing_keys", "unexpected_keys", "mismatched_keys"):
        if report[kind]:
            sys.exit(f"{folder}: {kind}: {sorted(report[kind])}")
    model.eval()
    largest = 0.0
    rows = zip(expected["tokens"], expected["padding"], expected["logits"], expected["greedy"])
    for row, padding, logits, greedy in rows:
        row = torch.tensor([row[padding:]])
        with torch.no_grad():
            found = model(row).logits[0, [-place for place in expected["places"]]]
            text = model.generate(row, attention_mask=torch.ones_like(row), do_sample=False, max_new_tokens=len(greedy))
        largest = max(largest, (found - torch.tensor(logits)).abs().max().item())
        if text[0, row.shape[1]:].tolist() != greedy:
            sys.exit(f"{folder}: the greedy text differs: {text[0, row.shape[1]:].tolist()} and {greedy}")
    print(f"{folder}: largest difference of logits: {largest:.2e}")
    if not largest <= TOLERANCE:
        sys.exit(f"above the tolerance of {TOLERANCE}")


def main() -> None:
    if len(sys.argv) < 3 or len(sys.argv) % 2 == 0:
        sys.exit(__doc__)
    torch.set_num_threads(1)
    for folder, expected in zip(sys.argv[1::2], sys.argv[2::2]):
        check(folder, json.loads(Path(expected).read_text()))


if __name__ == "__main__":
    main()
