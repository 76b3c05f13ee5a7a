"""Makes ids.json: what `transformers` makes of the tokenizer folder beside this file; beginnings.json: what it makes of
that folder with other post-processors (transformers 5.23.0, tokenizers 0.23.3); and smollm2_ids.json: what it makes of
SmolLM2's, where that is set up.

The folder comes from the test that reads ids.json; to make both anew:
    OCTO_WRITE_GOLDEN=1 cargo test --release -p octo-data transformers_saw
    python host/data/tests/golden/make.py            (with transformers installed)
"""

import json
import shutil
import tempfile
from pathlib import Path

from transformers import AutoTokenizer, PreTrainedTokenizerFast

here = Path(__file__).parent
smollm2 = here.parents[3] / ".octo" / "smollm2"

texts = [
    "",
    " ",
    "The cat sat on the other mat.",
    "They're 12345 cats, aren't they? 3.14",
    "x = \\frac{1}{2}\n\n\n    y\t\tz  ",
    "naïve café 東京 привет 😀 🏳️‍🌈",
    "a\u00a0b\u2003c\u200bd\r\ne",
    "½ ² ٣ Ⅻ ①",
    "<|user|>hello<|end_of_text|>",
    " <|user|> spaces <|end_of_text|> ",
    "-----------=========hahahaha",
    "e\u0301 versus \u00e9, ﬁ versus fi",
    "\x00\x01\x7f control",
    "<|im_start|>user\nHi<|im_end|>\n",
]


def write_ids(folder, name):
    tokenizer = AutoTokenizer.from_pretrained(folder)
    fast = PreTrainedTokenizerFast.from_pretrained(folder)
    cases = []
    for text in texts:
        ids = tokenizer(text, add_special_tokens=True)["input_ids"]
        assert ids == fast.encode(text), text
        cases.append(
            {
                "text": text,
                "ids": ids,
                "decoded": tokenizer.decode(ids),
                "decoded_without_special": tokenizer.decode(ids, skip_special_tokens=True),
            }
        )
    (here / name).write_text(json.dumps(cases, indent=1) + "\n")
    print(name, len(cases), "cases; ends with", tokenizer.eos_token, tokenizer.eos_token_id)


def template(single):
    """A post-processor that puts special tokens around a text, "A"."""
    names = {"<|user|>": 1, "<|end_of_text|>": 0}
    piece = lambda name: {"Sequence": {"id": "A", "type_id": 0}} if name == "A" else {"SpecialToken": {"id": name, "type_id": 0}}
    return {
        "type": "TemplateProcessing",
        "single": [piece(name) for name in single],
        "pair": [{"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 1}}],
        "special_tokens": {name: {"id": name, "ids": [names[name]], "tokens": [name]} for name in single if name != "A"},
    }


byte_level = {"type": "ByteLevel", "add_prefix_space": True, "trim_offsets": False, "use_regex": True}
post_processors = {
    "none": None,
    "byte level": byte_level,
    "begin": template(["<|user|>", "A"]),
    "begin twice": template(["<|user|>", "<|user|>", "A"]),
    "begin and end": template(["<|user|>", "A", "<|end_of_text|>"]),
    "end": template(["A", "<|end_of_text|>"]),
    "as Llama 3": {"type": "Sequence", "processors": [byte_level, template(["<|user|>", "A"])]},
    "as RoBERTa": {
        "type": "RobertaProcessing",
        "sep": ["<|end_of_text|>", 0],
        "cls": ["<|user|>", 1],
        "trim_offsets": True,
        "add_prefix_space": False,
    },
}


def write_beginnings():
    tokenizer_json = json.loads((here / "tokenizer" / "tokenizer.json").read_text())
    cases = []
    for name, post_processor in post_processors.items():
        with tempfile.TemporaryDirectory() as folder:
            shutil.copytree(here / "tokenizer", folder, dirs_exist_ok=True)
            changed = {**tokenizer_json, "post_processor": post_processor}
            (Path(folder) / "tokenizer.json").write_text(json.dumps(changed))
            tokenizer = AutoTokenizer.from_pretrained(folder)
            ids = [tokenizer(text)["input_ids"] for text in ["The cat", ""]]
        cases.append({"name": name, "post_processor": post_processor, "ids": ids[0], "ids_of_nothing": ids[1]})
    (here / "beginnings.json").write_text(json.dumps(cases, indent=1) + "\n")
    print("beginnings.json", len(cases), "cases")


write_beginnings()
write_ids(here / "tokenizer", "ids.json")
if (smollm2 / "tokenizer.json").exists():
    write_ids(smollm2, "smollm2_ids.json")
