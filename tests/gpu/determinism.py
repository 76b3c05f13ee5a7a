#!/usr/bin/env python3
"""How far two runs of one recipe on one device are apart, with `deterministic` and without it.

    python3 tests/gpu/determinism.py

With it they must be the same to the bit, or the script fails; without it the difference is measured and printed. The
runs have documents packed apart, bf16 passes, recomputed blocks and clipping. `--device cpu --tiny` runs it without a
GPU, where both are the same.
"""
import argparse
import pathlib
import sys
import tempfile

import training_run


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--octo", default=str(training_run.ROOT / "target/release/octo-host"))
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--tiny", action="store_true")
    options = parser.parse_args()
    failed = False
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        for deterministic in (True, False):
            for compute in ("bfloat16", "float32"):
                settings = {"device": options.device, "deterministic": deterministic, "compute": compute}
                name = f"{'deterministic' if deterministic else 'free'}-{compute}"
                runs = [training_run.run(options.octo, folder / f"{name}-{n}", options.tiny, settings) for n in (1, 2)]
                largest, unequal, count = training_run.differences(*runs)
                what = ", ".join(f"{key} {value:.3g}" for key, value in largest.items())
                print(f"{name:24} on {runs[0][3]}: largest differences: {what}; {unequal} of {count} weights differ",
                      flush=True)
                failed |= deterministic and unequal > 0
    if failed:
        sys.exit("two deterministic runs were not the same")


if __name__ == "__main__":
    main()
