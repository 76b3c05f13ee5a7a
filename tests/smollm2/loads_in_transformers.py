"""Loads a folder that Octo saved and compares its logits with recorded ones.

    python tests/smollm2/loads_in_transformers.py FOLDER EXPECTED_JSON

EXPECTED_JSON is the expected.json beside a tiny golden model: token ids, left padding, and the last logits of each
row. Prints the largest difference; fails if it is above 1e-4, or if transformers missed or ignored any weight.
"""

import json
import sys
from pathlib import Path

import torch
from transformers import AutoModelForCausalLM

TOLERANCE = 1e-4


def main() -> None:
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    torch.set_num_threads(1)
    expected = json.loads(Path(sys.argv[2]).read_text())
    model, report = AutoModelForCausalLM.from_pretrained(sys.argv[1], dtype=torch.float32, output_loading_info=True)
    for kind in ("missing_keys", "unexpected_keys", "mismatched_keys"):
        if report[kind]:
            sys.exit(f"{kind}: {sorted(report[kind])}")
    model.eval()
    largest = 0.0
    for row, padding, logits in zip(expected["tokens"], expected["padding"], expected["last_logits"]):
        wanted = torch.tensor(logits)
        with torch.no_grad():
            found = model(torch.tensor([row[padding:]])).logits[0, -wanted.shape[0]:]
        largest = max(largest, (found - wanted).abs().max().item())
    print(f"largest difference of logits: {largest:.2e}")
    if not largest <= TOLERANCE:
        sys.exit(f"above the tolerance of {TOLERANCE}")


if __name__ == "__main__":
    main()
