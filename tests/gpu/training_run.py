"""A small mid-training run from nothing but Octo: what the other scripts of this folder compare."""
import array
import json
import os
import pathlib
import socket
import struct
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]

RECIPE = '''
name = "run"
seed = 3
[plugins]
mix = {{ plugin = "mixture_static", config = {{ weights = {{ prose = 1.0 }} }} }}
[stages.corpus]
kind = "generate"
[stages.tokenizer]
kind = "tokenizer"
documents = ["@corpus/prose.jsonl.zst"]
vocabulary = 512
[stages.train]
kind = "midtrain"
tokenizer = "@tokenizer"
architecture = {{ hidden_size = {hidden}, intermediate_size = {inner}, num_hidden_layers = {layers}, num_attention_heads = {heads}, num_key_value_heads = {keys} }}
sources = {{ prose = ["@corpus/prose.jsonl.zst"] }}
mixture = "mix"
tokens = {tokens}
context = {context}
sequences_per_step = 8
sequences_per_forward = 4
learning_rate = 1e-3
checkpoint_every = 0
separate_documents = true
recompute = true
threads = 1
'''
TINY = dict(hidden=32, inner=64, layers=2, heads=4, keys=2, context=64, tokens=8 * 64 * 6)
SMALL = dict(hidden=512, inner=1536, layers=8, heads=8, keys=4, context=1024, tokens=8 * 1024 * 30)


def run(octo, folder, tiny, settings, ranks=1):
    """Runs the recipe in `folder` and gives its lines of metrics, the path of its weights, and what was said.

    With several ranks each is a process with a GPU of its own, as torchrun would start them.
    """
    folder.mkdir(parents=True)
    lines = [f"{key} = {json.dumps(value)}" for key, value in settings.items()]
    (folder / "recipe.toml").write_text(RECIPE.format(**(TINY if tiny else SMALL)) + "\n".join(lines) + "\n")
    command = [octo, "run", str(folder / "recipe.toml"), "--runs", str(folder / "runs")]
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    processes = []
    for rank in range(ranks):
        environment = {**os.environ, "OCTO_LOG": "warn,octo_train=info"}
        if ranks > 1:
            environment.update(RANK=str(rank), LOCAL_RANK=str(rank), WORLD_SIZE=str(ranks), MASTER_ADDR="127.0.0.1",
                               MASTER_PORT=str(port))
        processes.append(subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                                          text=True, cwd=ROOT))
    said = "".join(process.communicate()[1] for process in processes)
    if any(process.returncode != 0 for process in processes):
        sys.exit(f"the run failed:\n{said[-4000:]}")
    stage = folder / "runs/run/stages/train"
    lines = [json.loads(line) for line in (stage / "metrics.jsonl").read_text().splitlines()]
    lock = json.loads((folder / "runs/run/run.lock.json").read_text())
    return lines, stage / "model/model.safetensors", said, lock["stages"]["train"]["device"]


def weights(path):
    """All numbers of an fp32 file, in the order of its names."""
    data = path.read_bytes()
    (length,) = struct.unpack("<Q", data[:8])
    header = json.loads(data[8 : 8 + length])
    header.pop("__metadata__", None)
    numbers = array.array("f")
    for name in sorted(header):
        if header[name]["dtype"] != "F32":
            sys.exit(f"{path}: {name} is {header[name]['dtype']}, and fp32 was expected")
        start, end = header[name]["data_offsets"]
        numbers.frombytes(data[8 + length + start : 8 + length + end])
    return numbers


def differences(left, right):
    """The largest difference of losses, gradient norms and weights of two runs, and how many weights differ."""
    (left_lines, left_file, *_), (right_lines, right_file, *_) = left, right
    if len(left_lines) != len(right_lines):
        sys.exit(f"{len(left_lines)} and {len(right_lines)} steps")
    largest = {
        key: max(abs(one[key] - other[key]) for one, other in zip(left_lines, right_lines) if key in one)
        for key in ("loss", "gradient_norm")
    }
    pairs = list(zip(weights(left_file), weights(right_file), strict=True))
    largest["weights"] = max(abs(one - other) for one, other in pairs)
    return largest, sum(one != other for one, other in pairs), len(pairs)
