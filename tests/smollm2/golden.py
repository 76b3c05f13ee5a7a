"""Writes the golden files that octo-model's tests compare with, using transformers.

    python tests/smollm2/golden.py SMOLLM2_FOLDER      (made by setup/smollm2.sh)

golden/tiny-*/          random Llama models of a few thousand weights (always tested): config.json,
                        model.safetensors, and expected.json with token ids, padding and all logits
golden/smollm2.json     SmolLM2-135M-Instruct on ten prompts: token ids, the logits after the last one (the largest,
                        and a strided sample of the rest), and 64 tokens of greedy continuation with their text
"""

import json
import shutil
import sys
from pathlib import Path

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer, LlamaConfig, LlamaForCausalLM

GOLDEN = Path(__file__).parent / "golden"
GREEDY_TOKENS = 64
LARGEST = 16
STRIDE = 997

PROMPTS = [
    "The harbour was quiet that morning, and the first thing the keeper saw was",
    "To bake a loaf of rye bread, begin by",
    "Question: A crate holds 12 jars and 7 crates are full. How many jars are there?\nAnswer:",
    "def largest_of(numbers):\n    \"\"\"Return the largest of a list of numbers.\"\"\"\n",
    "Water boils at a lower temperature on a mountain because",
    "Dear Ms. Okafor,\n\nThank you for your letter about the library's opening hours.",
    "Three facts about the planet Saturn:\n1.",
    "If x + 5 = 12, then x =",
    "<|im_start|>user\nName a musical instrument with strings.<|im_end|>\n<|im_start|>assistant\n",
    "La bibliothèque est fermée le lundi, mais",
]

TINY = {
    "tiny-grouped-tied": dict(
        vocab_size=160, hidden_size=32, intermediate_size=72, num_hidden_layers=2,
        num_attention_heads=4, num_key_value_heads=2, tie_word_embeddings=True,
        rope_parameters={"rope_type": "default", "rope_theta": 10000.0},
    ),
    "tiny-llama3-rotary": dict(
        vocab_size=96, hidden_size=32, intermediate_size=48, num_hidden_layers=2,
        num_attention_heads=2, num_key_value_heads=1, head_dim=24, tie_word_embeddings=False,
        rope_parameters={
            "rope_type": "llama3", "rope_theta": 10000.0, "factor": 8.0, "low_freq_factor": 1.0,
            "high_freq_factor": 4.0, "original_max_position_embeddings": 64,
        },
    ),
}


def rounded(values: torch.Tensor) -> list[float]:
    return [round(value, 6) for value in values.double().tolist()]


def write(path: Path, value: object) -> None:
    path.write_text(json.dumps(value, ensure_ascii=False, indent=1) + "\n")


def tiny(name: str, settings: dict) -> None:
    torch.manual_seed(11)
    config = LlamaConfig(
        **settings, rms_norm_eps=1e-5, max_position_embeddings=256, bos_token_id=None, eos_token_id=0, pad_token_id=None
    )
    model = LlamaForCausalLM(config).eval()
    with torch.no_grad():
        for key, parameter in model.named_parameters():
            # Wider than the usual start, so that logits spread and a mistake shows.
            if parameter.dim() == 2:
                parameter.normal_(0, 0.25)
            else:
                parameter.uniform_(0.5, 1.5)
    folder = GOLDEN / name
    shutil.rmtree(folder, ignore_errors=True)
    model.save_pretrained(folder)
    length, padding = 24, [0, 5, 11]
    tokens = torch.randint(0, config.vocab_size, (len(padding), length))
    expected = []
    for row, missing in zip(tokens, padding):
        with torch.no_grad():
            expected.append([rounded(logits) for logits in model(row[None, missing:]).logits[0, -6:]])
    # `expected` is for each row without its padding, computed alone: the last six positions' logits.
    value = {"tokens": tokens.tolist(), "padding": padding, "last_logits": expected}
    (folder / "expected.json").write_text(json.dumps(value) + "\n")


def smollm2(folder: Path) -> None:
    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
    cases = []
    for prompt in PROMPTS:
        ids = tokenizer(prompt, return_tensors="pt").input_ids
        with torch.no_grad():
            logits = model(ids).logits[0, -1]
            greedy = model.generate(
                ids, attention_mask=torch.ones_like(ids), do_sample=False, max_new_tokens=GREEDY_TOKENS
            )[0, ids.shape[1]:]
        top = logits.topk(LARGEST)
        sample = torch.arange(0, logits.numel(), STRIDE)
        cases.append({
            "prompt": prompt,
            "tokens": ids[0].tolist(),
            "largest": {"tokens": top.indices.tolist(), "logits": rounded(top.values)},
            "sample": {"stride": STRIDE, "logits": rounded(logits[sample])},
            "greedy": {"tokens": greedy.tolist(), "text": tokenizer.decode(greedy, skip_special_tokens=True)},
        })
        print(repr(cases[-1]["greedy"]["text"][:70]))
    write(GOLDEN / "smollm2.json", cases)


def main() -> None:
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    torch.set_num_threads(1)
    GOLDEN.mkdir(exist_ok=True)
    for name, settings in TINY.items():
        tiny(name, settings)
    smollm2(Path(sys.argv[1]))


if __name__ == "__main__":
    main()
