"""Writes the golden files that octo-model's families are compared with, using transformers.

    python host/model/tests/families/golden.py

One folder per kind of model, each a random model of some ten thousand weights, saved in bf16 to be small:
config.json, model.safetensors and expected.json, which has

tokens, padding    rows of token ids, and how many at the left of each are only filling
places, logits     logits in fp32 of each row alone, without its padding, at some places counted from its end
half_logits        the same with weights and arithmetic in bf16
greedy             what `generate` gives greedily, in fp32, for each row without its padding
"""

import json
import shutil
from pathlib import Path

import torch
from transformers import (
    LlamaConfig, LlamaForCausalLM, Qwen2Config, Qwen2ForCausalLM, Qwen3Config, Qwen3ForCausalLM,
)

HERE = Path(__file__).parent
PLACES = [1, 2, 40]
GREEDY_TOKENS = 24
SMALL = dict(
    vocab_size=96, hidden_size=32, intermediate_size=48, num_hidden_layers=2, num_attention_heads=4,
    max_position_embeddings=256, bos_token_id=None, eos_token_id=0, pad_token_id=None,
)
PLAIN = {"rope_type": "default", "rope_theta": 10000.0}
# The rows have up to 96 tokens: three times the context before stretching.
STRETCHED = {
    "rope_type": "llama3", "rope_theta": 500000.0, "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
    "original_max_position_embeddings": 32,
}

MODELS = {
    "llama2": (LlamaForCausalLM, LlamaConfig(
        **SMALL, num_key_value_heads=4, tie_word_embeddings=False, rms_norm_eps=1e-5, rope_parameters=PLAIN,
    )),
    "llama3.2": (LlamaForCausalLM, LlamaConfig(
        **SMALL, num_key_value_heads=2, tie_word_embeddings=True, rms_norm_eps=1e-5, rope_parameters=STRETCHED,
    )),
    "llama-biases": (LlamaForCausalLM, LlamaConfig(
        **SMALL, num_key_value_heads=1, head_dim=12, tie_word_embeddings=False, attention_bias=True, mlp_bias=True,
        rope_parameters=PLAIN,
    )),
    "qwen2.5": (Qwen2ForCausalLM, Qwen2Config(
        **SMALL, num_key_value_heads=2, tie_word_embeddings=True, rope_parameters={**PLAIN, "rope_theta": 1000000.0},
    )),
    "qwen3": (Qwen3ForCausalLM, Qwen3Config(
        **SMALL, num_key_value_heads=2, head_dim=16, tie_word_embeddings=False,
        rope_parameters={**PLAIN, "rope_theta": 1000000.0},
    )),
    "qwen3-tied-biases": (Qwen3ForCausalLM, Qwen3Config(
        **SMALL, num_key_value_heads=1, head_dim=8, tie_word_embeddings=True, attention_bias=True,
        rope_parameters=PLAIN,
    )),
}
# Spellings of transformers 4, which most folders out there have.
OLDER = {
    "llama2": {"rope_theta": 10000.0, "rope_scaling": None, "torch_dtype": "bfloat16"},
    "llama3.2": {
        "rope_theta": 500000.0, "torch_dtype": "bfloat16",
        "rope_scaling": {key if key != "rope_type" else "type": value for key, value in STRETCHED.items()
                         if key != "rope_theta"},
    },
}


def rounded(values: torch.Tensor, digits: int) -> list:
    return [[round(value, digits) for value in row] for row in values.double().tolist()]


def write(name: str, kind: type, config: object) -> None:
    torch.manual_seed(23)
    model = kind(config).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            # Wider than the usual start, so that logits spread and a mistake shows; on the grid of bf16.
            if parameter.dim() == 2:
                parameter.normal_(0, 0.2)
            else:
                parameter.uniform_(0.5, 1.5)
            parameter.copy_(parameter.bfloat16())
        for key, parameter in model.named_parameters():
            if key.endswith("bias"):
                parameter.copy_(parameter.sub(1).bfloat16())
    half = kind(config).eval().to(torch.bfloat16)
    half.load_state_dict(model.state_dict())

    folder = HERE / name
    shutil.rmtree(folder, ignore_errors=True)
    half.save_pretrained(folder)
    if name in OLDER:
        path = folder / "config.json"
        value = json.loads(path.read_text())
        value.pop("rope_parameters", None)
        value.pop("dtype", None)
        path.write_text(json.dumps(value | OLDER[name], indent=2) + "\n")

    length, padding = 96, [0, 7, 50]
    tokens = torch.randint(1, config.vocab_size, (len(padding), length))
    expected = {"tokens": tokens.tolist(), "padding": padding, "places": PLACES, "logits": [], "half_logits": [],
                "greedy": []}
    for row, missing in zip(tokens, padding):
        row = row[None, missing:]
        with torch.no_grad():
            expected["logits"].append(rounded(model(row).logits[0, [-place for place in PLACES]], 6))
            expected["half_logits"].append(rounded(half(row).logits[0, [-place for place in PLACES]], 4))
            greedy = model.generate(
                row, attention_mask=torch.ones_like(row), do_sample=False, max_new_tokens=GREEDY_TOKENS
            )
        expected["greedy"].append(greedy[0, row.shape[1]:].tolist())
    (folder / "expected.json").write_text(json.dumps(expected) + "\n")


def main() -> None:
    torch.set_num_threads(1)
    for name, (kind, config) in MODELS.items():
        write(name, kind, config)
        print(name)


if __name__ == "__main__":
    main()
