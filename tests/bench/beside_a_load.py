#!/usr/bin/env python3
"""Each loop alone and beside a load: how much a step slows where the machine is shared, of Octo and of its peers.

    make demo                                   # leaves the model and the problems that are used here
    python tests/bench/beside_a_load.py         # needs `make peers` for the peers, and skips those that are not there

The load is `--busy` endless loops, one per processor by default, which this script starts and ends. Three loops of the
demo's model, on `--threads` threads:

  midtrain    a mid-training step of 8 sequences, against PyTorch and `torch.optim.AdamW` (midtrain_step.py)
  rl          a GRPO step of 16 x 8 rollouts and two updates, against TRL's `GRPOTrainer` (grpo_step.py)
  generation  128 responses of at most 96 tokens, against `transformers.generate` (generation.py)

Each side is measured `--rounds` times alone and as often beside the load, in turns; figures are medians of all steps but
the first of each process. The ratio is that of the two medians: 2 is what two equal shares of a processor come to. Most of
the time is TRL's: `--loops` takes fewer loops, and `--no-peers` leaves the peers out. With `--spinning` Octo is measured
once more with OMP_WAIT_POLICY=ACTIVE, as it was before it set the variable itself.
"""
import argparse
import json
import os
import pathlib
import signal
import statistics
import subprocess
import sys
import tempfile

import generation
import grpo_step
import midtrain_step

ROOT = pathlib.Path(__file__).resolve().parents[2]
STAGES = ROOT / "runs/demo/stages"
BENCHES = pathlib.Path(__file__).resolve().parent


# Endless but for the end of whoever started it, which even a kill of that brings about.
BUSY = "import os\nparent = os.getppid()\nwhile os.getppid() == parent: sum(range(100_000))"


class Load:
    """Endless loops beside what is measured; they end with the block, whatever happens in it."""

    def __init__(self, processes):
        self.count, self.processes = processes, []

    def __enter__(self):
        for _ in range(self.count):
            self.processes.append(subprocess.Popen([sys.executable, "-c", BUSY]))

    def __exit__(self, *_):
        for process in self.processes:
            process.kill()
            process.wait()


def peer_is_there(python, modules):
    """Whether a Python has modules; else what it says."""
    if not pathlib.Path(python).exists():
        return f"{python} is not there; `make peers` installs it"
    said = subprocess.run([python, "-c", f"import {modules}"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    return None if said.returncode == 0 else f"{python}: {said.stderr.strip().splitlines()[-1]}"


def midtrain(options):
    arguments = ["--model", str(options.model), "--python", options.python, "--octo", options.octo, "--context", "256",
                 "--batch", "8", "--steps", str(options.steps + 1), "--threads", str(options.threads)]
    own = midtrain_step.parser().parse_args(arguments)

    def octo():
        with tempfile.TemporaryDirectory() as folder:
            return midtrain_step.octo(own, pathlib.Path(folder))["seconds"][1:]

    def peer():
        command = [options.python, str(BENCHES / "midtrain_step.py"), *arguments, "--peer", "eager"]
        return run(command)["seconds"][1:]

    return octo, peer, "torch, transformers"


def rl(options):
    arguments = ["--model", str(options.model), "--problems", str(options.problems), "--python", options.python, "--octo",
                 options.octo, "--steps", str(options.steps + 1), "--threads", str(options.threads)]
    own = argparse.Namespace(model=options.model, problems=options.problems, octo=options.octo, prompts=16, group=8,
                             tokens=96, steps=options.steps + 1, threads=options.threads)

    def octo():
        with tempfile.TemporaryDirectory() as folder:
            return grpo_step.octo(own, pathlib.Path(folder))["seconds"][1:]

    def peer():
        rows = subprocess.run(["zstd", "-dc", str(options.problems)], check=True, stdout=subprocess.PIPE, text=True).stdout
        rows = json.dumps([json.loads(line) for line in rows.splitlines()])
        return run([options.python, str(BENCHES / "grpo_step.py"), *arguments, "--peer"], rows)["seconds"][1:]

    return octo, peer, "torch, transformers, datasets, trl"


def generate(options):
    config = json.loads((options.model / "config.json").read_text())
    ends = config["eos_token_id"]
    ends = ends if isinstance(ends, list) else [ends]
    prompts = [[1 + (index // 8 * 37 + at * 11) % (config["vocab_size"] - 1) for at in range(24)] for index in range(128)]
    job = {"model": str(options.model), "slots": 128, "threads": options.threads, "precision": "float32", "device": None,
           "cache_bytes": 2 << 30, "prompts": prompts, "max_tokens": 96, "temperature": 1.0, "end_tokens": ends,
           "rounds": options.steps + 1}
    own = argparse.Namespace(engine=options.engine, python=options.python, precision="float32")
    return (lambda: generation.side(own, job, True)["seconds"][1:], lambda: generation.side(own, job, False)["seconds"][1:],
            "torch, transformers")


def run(command, text=None):
    said = subprocess.run(command, input=text, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    if said.returncode != 0:
        sys.exit(f"{' '.join(command[:2])} failed:\n{said.stderr[-4000:]}")
    return json.loads(said.stdout.splitlines()[-1])


LOOPS = {"midtrain": midtrain, "rl": rl, "generation": generate}


def spinning(call):
    """The same with threads that spin while they wait."""
    def with_variable():
        before = os.environ.get("OMP_WAIT_POLICY")
        os.environ["OMP_WAIT_POLICY"] = "ACTIVE"
        try:
            return call()
        finally:
            del os.environ["OMP_WAIT_POLICY"]
            if before is not None:
                os.environ["OMP_WAIT_POLICY"] = before
    return with_variable


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--loops", nargs="+", choices=LOOPS, default=list(LOOPS))
    parser.add_argument("--model", type=pathlib.Path, default=STAGES / "short/model")
    parser.add_argument("--problems", type=pathlib.Path, default=STAGES / "corpus/problems-train.jsonl.zst")
    parser.add_argument("--python", default=str(ROOT / ".octo/peers/bin/python"), help="with torch, transformers and trl")
    parser.add_argument("--octo", default=str(ROOT / "target/release/octo-host"))
    parser.add_argument("--engine", default=str(ROOT / "target/release/examples/generate_tokens"),
                        help="cargo build --release -p octo-model --example generate_tokens")
    parser.add_argument("--busy", type=int, default=os.cpu_count(), help="endless loops of the load")
    parser.add_argument("--steps", type=int, default=5, help="steps that count, of each process")
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--spinning", action="store_true")
    parser.add_argument("--no-peers", action="store_true")
    options = parser.parse_args()
    if not (options.model / "model.safetensors").is_file():
        sys.exit(f"{options.model} holds no model.safetensors; `make demo` leaves one")
    # So that the load ends with this script.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    # What Octo sets itself is what is measured.
    os.environ.pop("OMP_WAIT_POLICY", None)
    beside = f"{options.busy} endless loop{'' if options.busy == 1 else 's'}"
    print(f"{os.cpu_count()} processors, load average {os.getloadavg()[0]:.1f} at the start, {options.threads} threads, "
          f"beside {beside}", flush=True)
    for name in options.loops:
        octo, peer, modules = LOOPS[name](options)
        sides = {"octo": octo}
        if options.spinning:
            sides["octo, spinning"] = spinning(octo)
        missing = "--no-peers" if options.no_peers else peer_is_there(options.python, modules)
        if missing is None:
            sides["peer"] = peer
        else:
            print(f"{name:10} SKIPPED the peer: {missing}", flush=True)
        seconds = {side: ([], []) for side in sides}
        for _ in range(options.rounds):
            for side, call in sides.items():
                alone, loaded = seconds[side]
                alone += call()
                with Load(options.busy):
                    loaded += call()
        for side, (alone, loaded) in seconds.items():
            one, other = statistics.median(alone), statistics.median(loaded)
            print(f"{name:10} {side:14} alone {one:7.3f} s ({min(alone):.3f} to {max(alone):.3f})  beside the load "
                  f"{other:7.3f} s ({min(loaded):.3f} to {max(loaded):.3f})  ratio {other / one:.2f}", flush=True)


if __name__ == "__main__":
    main()
