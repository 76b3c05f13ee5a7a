#!/usr/bin/env python3
"""Golden cases of the preprocessing of mathematical pages, by an equivalent script on texts of our own: `cases.jsonl`.

    python3 make.py

Follows the steps of MegaMath's `web_pipeline/utils/math_fasttext.py` in their order, written anew. Python 3.11
(Unicode 14); NLTK's wordpunct tokenizer is its pattern.
"""
import json
import pathlib
import random
import re
import unicodedata

HERE = pathlib.Path(__file__).resolve().parent


def prepare(text):
    text = unicodedata.normalize("NFKC", text)
    text = re.sub(r"\s", " ", text)
    text = text.replace("\n", " <EOS> ")
    text = re.sub(r" +", " ", text)
    tokens = []
    for token in re.findall(r"\w+|[^\w\s]+", text):
        token = token.lower()
        if token.isdigit():
            token = "<NUM>"
        if len(token) > 100:
            continue
        tokens.append(token)
    text = " ".join(tokens)
    text = re.sub(r"[\n\r]+", " ", text)
    text = re.sub(r"[-_]+", " ", text)
    text = re.sub(r"[^a-zA-Z0-9\s<NUM>]", "", text)
    text = re.sub(r"\s+", " ", text).strip()
    chunks = []
    for sentence in text.split("<EOS>"):
        words = sentence.split()
        chunks += [" ".join(words[at : at + 1024]) for at in range(0, len(words), 1024)]
    return " <EOS> ".join(chunks)


FIXED = [
    "",
    " \n\t ",
    "Let x_1 = 3.14; then x2^2 >= 10 and <b>bold</b>.",
    "snake_case-and-kebab--case __init__ _ - -- 1-2 1_2 -3",
    "<EOS> <NUM> <eos> NUM N U M",
    "The price is $5, or 5€ or £5.00 for 1,000,000 units (±3%).",
    "İstanbul ΣΑΣ ΟΔΟΣ straße ǅ ŉ ﬁne ½ ¾ x² H₂O ① ❶ Ⓐ 🄰 🅐 Ⅳ ⅷ 〇 三",
    "٣٤ १२३ ๔๕ 𝟙𝟚 𝒳 ፩፪ ᧚ 1٣a",
    "a\x1cb\x1dc\x1ed\x1fe\x85f\xa0g\u2028h\u3000i\u200bj\u00adk\ufeffl\x00m",
    "e\u0301 é n\u0303 \u0301 क्षि กำ \u20dd",
    "w" * 100 + " " + "v" * 101 + " " + "1" * 300 + " " + "é" * 100 + "é",
    "=" * 101 + " " + "-" * 100 + " " + "-" * 101 + " a",
    "word " * 1023,
    "word " * 1024,
    "word " * 1025 + "1",
    "a-b " * 1500,
    "\\begin{align} \\sum_{i=1}^{n} i &= \\frac{n(n+1)}{2} \\\\ \\end{align}",
]
PIECES = (
    list("abzAZ019_-<>.,;:=+*/\\^(){}[]$%&#@!?'\"|~` \t\n\r")
    + ["\x0b", "\x1c", "\x85", "\xa0", "\u2003", "é", "É", "ß", "İ", "ﬀ", "½", "²", "①", "❶", "Ⓑ", "🅑", "Ⅻ", "٣", "๔", "三", "ω", "Σ", "Ж", "数"]
    + ["\u0301", "\u093e", "\u200d", "€", "±", "×", "≤", "−", "–", "“", "🎻", "𝔸", "𝟘", "K", "Å", "ªº", "<NUM>", "<EOS>", "100", "x_1"]
)


def main():
    draw = random.Random(176)
    cases = list(FIXED)
    for _ in range(400):
        cases.append("".join(draw.choice(PIECES) for _ in range(draw.randint(1, 60))))
    with open(HERE / "cases.jsonl", "w", encoding="utf-8") as file:
        for text in cases:
            file.write(json.dumps([text, prepare(text)]) + "\n")


if __name__ == "__main__":
    main()
