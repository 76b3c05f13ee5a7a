"""Makes ids.json: what `transformers` makes of the tokenizer folder beside this file, and smollm2_ids.json: what it
makes of SmolLM2's, where that is set up.

The folder comes from the test that reads ids.json; to make both anew:
    OCTO_WRITE_GOLDEN=1 cargo test --release -p octo-data transformers_saw
    python host/data/tests/golden/make.py            (with transformers installed)
"""

import json
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


write_ids(here / "tokenizer", "ids.json")
if (smollm2 / "tokenizer.json").exists():
    write_ids(smollm2, "smollm2_ids.json")
