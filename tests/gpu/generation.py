#!/usr/bin/env python3
"""Generation on a GPU: Octo's engine against `transformers.generate`, bf16, batches of 64 to 512.

    python tests/gpu/generation.py --python .octo/peers/bin/python

SmolLM2-135M's and Llama-3.2-1B's shapes with random weights; what is measured is what tests/bench/generation.py says.
Random weights seldom end a response, so the `fixed` row counts here. Octo has no CUDA graphs in generation yet.

`--device cpu --tiny` runs the whole script on a toy shape, to see that it works; its figures mean nothing.
"""
import argparse
import importlib.util
import json
import pathlib
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
SPEC = importlib.util.spec_from_file_location("midtrain_throughput", ROOT / "tests/gpu/midtrain_throughput.py")
TRAINING = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(TRAINING)

SHAPES = {
    # Of its public config.json.
    "SmolLM2-135M": dict(
        model_type="llama", hidden_size=576, intermediate_size=1536, num_hidden_layers=30, num_attention_heads=9,
        num_key_value_heads=3, head_dim=64, vocab_size=49152, max_position_embeddings=8192, rms_norm_eps=1e-5,
        rope_theta=100000.0, tie_word_embeddings=True,
    ),
    "Llama-3.2-1B": TRAINING.SHAPES["Llama-3.2-1B"],
}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", default="cuda", help="cuda, or cpu with --tiny")
    parser.add_argument("--tiny", action="store_true", help="a toy shape and batch")
    parser.add_argument("--python", default=str(ROOT / ".octo/peers/bin/python"), help="with torch and transformers")
    parser.add_argument("--models", nargs="+", default=list(SHAPES), choices=list(SHAPES))
    parser.add_argument("--batches", nargs="+", type=int, default=[64, 128, 256, 512])
    parser.add_argument("--tokens", type=int, default=512)
    parser.add_argument("--cache-gib", type=float, default=40.0)
    options = parser.parse_args()
    if options.device == "cpu" and not options.tiny:
        sys.exit("--device cpu is for --tiny")
    subprocess.run(["cargo", "build", "--release", "-p", "octo-model", "--example", "generate_tokens"], check=True)
    batches, tokens = ([8], 8) if options.tiny else (options.batches, options.tokens)
    for name in options.models:
        shape = {**SHAPES[name], **(TRAINING.TINY if options.tiny else {})}
        with tempfile.TemporaryDirectory() as folder:
            script = str(ROOT / "tests/gpu/midtrain_throughput.py")
            subprocess.run([options.python, script, "--write-model", folder, json.dumps(shape)], check=True)
            for batch in batches:
                print(f"{name}, batch {batch}", flush=True)
                command = [sys.executable, str(ROOT / "tests/bench/generation.py"), "--model", folder, "--python",
                           options.python, "--batch", str(batch), "--prompts", str(2 * batch), "--tokens", str(tokens),
                           "--rounds", "2", "--cache-gib", str(options.cache_gib)]
                if options.device == "cuda":
                    command += ["--device", "0", "--precision", "bfloat16"]
                subprocess.run(command, check=True)


if __name__ == "__main__":
    main()
