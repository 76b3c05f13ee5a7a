#!/usr/bin/env python3
"""Two processes on two GPUs over NCCL train what one process trains.

    python3 tests/gpu/two_ranks.py

Fails if gradients did not go over NCCL, or if losses are further apart than rounding explains: batches are the same, and
the sum over two ranks is in another order. `--device cpu --tiny` runs it without GPUs, over TCP.
"""
import argparse
import pathlib
import sys
import tempfile

import training_run


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--octo", default=str(training_run.ROOT / "target/release/octo-host"))
    parser.add_argument("--device", default="cuda", choices=["cuda", "cpu"])
    parser.add_argument("--tiny", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        settings = {"device": options.device, "compute": "float32"}
        alone = training_run.run(options.octo, folder / "alone", options.tiny, settings)
        both = training_run.run(options.octo, folder / "both", options.tiny, settings, ranks=2)
    # The files are gone; losses and norms are what is compared.
    for key, within in (("loss", 2e-3), ("gradient_norm", 2e-2)):
        apart = [abs(one[key] - other[key]) for one, other in zip(alone[0], both[0], strict=True)]
        print(f"{key}: at most {max(apart):.3g} apart over {len(apart)} steps; first step {apart[0]:.3g}", flush=True)
        if not max(apart) <= within:
            sys.exit(f"one process and two are further apart in {key} than {within}")
    speed = [sorted(line["tokens_per_second"] for line in run[0])[len(run[0]) // 2] for run in (alone, both)]
    print(f"median tokens/s: alone {speed[0]:.0f}, both {speed[1]:.0f} on {both[3]}")
    if options.device == "cuda" and "gradients go over NCCL" not in both[2]:
        sys.exit(f"gradients did not go over NCCL:\n{both[2][-2000:]}")


if __name__ == "__main__":
    main()
