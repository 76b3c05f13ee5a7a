#!/usr/bin/env python3
"""A mid-training step on a GPU: Octo, PyTorch eager and torch.compile, on the same card in the same run.

    python tests/gpu/midtrain_throughput.py --python .octo/peers/bin/python

Llama-3.2-1B's and Qwen3-0.6B's shapes with random weights, contexts of 4,096 and 8,192, fp32 weights and moments with
passes in bf16, blocks recomputed: everything that tests/bench/midtrain_step.py says holds here too. Two utilisations
are printed: of what a causal mask leaves to compute, as Octo's progress line counts, and with attention to the whole
window, as PaLM and torchtitan count. Recomputed blocks count once in both.

`--device cpu --tiny` runs the whole script on toy shapes, to see that it works; its figures mean nothing.
"""
import argparse
import contextlib
import importlib.util
import json
import os
import pathlib
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
SPEC = importlib.util.spec_from_file_location("midtrain_step", ROOT / "tests/bench/midtrain_step.py")
BENCH = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(BENCH)

# Of the models' public config.json.
SHAPES = {
    "Llama-3.2-1B": dict(
        model_type="llama", hidden_size=2048, intermediate_size=8192, num_hidden_layers=16, num_attention_heads=32,
        num_key_value_heads=8, head_dim=64, vocab_size=128256, max_position_embeddings=131072, rms_norm_eps=1e-5,
        rope_theta=500000.0, tie_word_embeddings=True,
        rope_scaling=dict(rope_type="llama3", factor=32.0, low_freq_factor=1.0, high_freq_factor=4.0,
                          original_max_position_embeddings=8192),
    ),
    "Qwen3-0.6B": dict(
        model_type="qwen3", hidden_size=1024, intermediate_size=3072, num_hidden_layers=28, num_attention_heads=16,
        num_key_value_heads=8, head_dim=128, vocab_size=151936, max_position_embeddings=40960, rms_norm_eps=1e-6,
        rope_theta=1000000.0, tie_word_embeddings=True,
    ),
}
TINY = dict(hidden_size=64, intermediate_size=128, num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=2,
            head_dim=16, vocab_size=1024)
# Dense bf16 peaks in TFLOP/s, as host/train/src/hardware.rs has them; the first name that is in the device's counts.
PEAKS = [("GB200", 2500), ("B200", 2250), ("B100", 1750), ("GH200", 989), ("H200", 989), ("H100 PCIe", 756),
         ("H100 NVL", 835), ("H100", 989), ("H800", 989), ("A100", 312), ("A800", 312), ("L40S", 362), ("RTX 4090", 165)]


def write_model(folder, shape, vocabulary):
    """Run by `--python`: random weights and a tokenizer of this repository's own text, as a Hugging Face folder."""
    import torch
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import AutoConfig, AutoModelForCausalLM, PreTrainedTokenizerFast

    torch.manual_seed(1)
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(vocab_size=vocabulary, special_tokens=["<|end_of_text|>"], show_progress=False,
                                  initial_alphabet=pre_tokenizers.ByteLevel.alphabet())
    tokenizer.train_from_iterator(BENCH.documents(), trainer)
    fast = PreTrainedTokenizerFast(tokenizer_object=tokenizer, eos_token="<|end_of_text|>")
    shape = dict(shape)
    config = AutoConfig.for_model(shape.pop("model_type"), **shape, eos_token_id=0, bos_token_id=0)
    model = AutoModelForCausalLM.from_config(config).to(torch.bfloat16)
    model.save_pretrained(folder, max_shard_size="100GB")
    fast.save_pretrained(folder)


def operations(shape, context):
    """Of training on one token: with a causal mask, and with attention to the whole window."""
    query = shape["num_attention_heads"] * shape["head_dim"]
    key = shape["num_key_value_heads"] * shape["head_dim"]
    hidden, layers = shape["hidden_size"], shape["num_hidden_layers"]
    products = layers * hidden * (2 * query + 2 * key + 3 * shape["intermediate_size"]) + shape["vocab_size"] * hidden
    return [6 * (products + layers * 2 * query * seen) for seen in ((context + 1) / 2, context)]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--python", default=str(ROOT / ".octo/peers/bin/python"), help="with torch and transformers")
    parser.add_argument("--octo", default=str(ROOT / "target/release/octo-host"))
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--tiny", action="store_true", help="toy shapes and contexts")
    parser.add_argument("--models", nargs="+", default=list(SHAPES), choices=list(SHAPES))
    parser.add_argument("--contexts", nargs="+", type=int, default=[4096, 8192])
    parser.add_argument("--sides", nargs="+", default=["octo", "eager", "compile"], choices=["octo", "eager", "compile"])
    parser.add_argument("--tokens-per-step", type=int, default=65536)
    parser.add_argument("--tokens-per-forward", type=int, default=16384)
    parser.add_argument("--steps", type=int, default=12)
    parser.add_argument("--skip", type=int, default=4)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--peak", type=float, help="the card's dense bf16 peak in TFLOP/s, where it is not known here")
    parser.add_argument("--keep-activations", action="store_true", help="do not recompute blocks")
    parser.add_argument("--out", type=pathlib.Path, help="also writes the table as JSON")
    parser.add_argument("--write-model", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.write_model:
        folder, shape = options.write_model
        return write_model(folder, json.loads(shape), 512 if options.tiny else 8192)
    if options.tiny:
        options.contexts, options.tokens_per_step, options.tokens_per_forward = [32, 64], 256, 128
        options.steps, options.skip, options.rounds = 3, 1, 1
    table, device = [], options.device
    for name in options.models:
        shape = {**SHAPES[name], **(TINY if options.tiny else {})}
        with contextlib.ExitStack() as stack:
            folder = stack.enter_context(tempfile.TemporaryDirectory())
            command = [options.python, __file__, "--write-model", folder, json.dumps(shape)]
            made = subprocess.run(command + ["--tiny"] * options.tiny, stderr=subprocess.PIPE, text=True)
            if made.returncode != 0:
                sys.exit(f"no model could be made:\n{made.stderr[-4000:]}")
            for context in options.contexts:
                print(f"{name}, context {context}", flush=True)
                arguments = ["--model", folder, "--python", options.python, "--octo", options.octo,
                             "--device", options.device, "--compute", "bfloat16", "--context", str(context),
                             "--batch", str(options.tokens_per_step // context),
                             "--forward", str(max(1, options.tokens_per_forward // context)),
                             "--steps", str(options.steps), "--skip", str(options.skip),
                             "--rounds", str(options.rounds), "--threads", str(min(8, os.cpu_count() or 1))]
                if not options.keep_activations:
                    arguments.append("--recompute")
                figures = BENCH.measure(BENCH.parser().parse_args(arguments), arguments, options.sides)
                device = next((f["device"] for f in figures.values() if f["device"]), device)
                causal, whole = operations(shape, context)
                for side, figure in figures.items():
                    table.append({"model": name, "context": context, "side": side, "tokens_per_second": figure["speed"],
                                  "peak_bytes": figure["peak"], "operations": [causal, whole]})
    peak = options.peak or next((peak for known, peak in PEAKS if all(w in device for w in known.split())), None)
    blocks = "kept" if options.keep_activations else "recomputed"
    print(f"\ndevice: {device}; peak {f'{peak} TFLOP/s' if peak else 'unknown (--peak)'}; bf16 passes, activations {blocks}")
    print(f"{'model':14} {'context':>7} {'side':8} {'tokens/s':>10} {'MFU':>7} {'MFU, whole window':>18} {'memory':>10}")
    for row in table:
        shares = [100 * row["tokens_per_second"] * count / (peak * 1e12) if peak else None for count in row["operations"]]
        causal, whole = (f"{share:.1f}%" if share is not None else "-" for share in shares)
        row.update(device=device, mfu=shares)
        print(f"{row['model']:14} {row['context']:7} {row['side']:8} {row['tokens_per_second']:10.0f} {causal:>7} {whole:>18} "
              f"{row['peak_bytes'] / 2**30:6.1f} GiB")
    if options.out:
        options.out.write_text(json.dumps(table, indent=1) + "\n")


if __name__ == "__main__":
    main()
