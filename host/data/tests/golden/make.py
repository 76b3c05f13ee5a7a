"""Makes ids.json: what `transformers` makes of the tokenizer folder beside this file.

The folder comes from the test that reads ids.json; to make both anew:
    OCTO_WRITE_GOLDEN=1 cargo test --release -p octo-data transformers_saw
    python host/data/tests/golden/make.py            (with transformers installed)
"""

import json
from pathlib import Path

from transformers import AutoTokenizer, PreTrainedTokenizerFast

here = Path(__file__).parent
tokenizer = AutoTokenizer.from_pretrained(here / "tokenizer")
fast = PreTrainedTokenizerFast.from_pretrained(here / "tokenizer")
assert tokenizer.eos_token == "<|end_of_text|>" and tokenizer.eos_token_id == 0, tokenizer.eos_token
assert tokenizer.pad_token_id == 0

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
]
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
(here / "ids.json").write_text(json.dumps(cases, indent=1, ensure_ascii=True) + "\n")
print(len(cases), "cases")
