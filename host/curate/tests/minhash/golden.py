#!/usr/bin/env python3
"""Golden files of deduplication, made with datatrove 0.10.1 from texts of our own.

    python -m venv VENV && VENV/bin/pip install 'datatrove[processing]==0.10.1' 'xxhash<4' 'spacy>=3.8,<3.9'
    VENV/bin/python host/curate/tests/minhash/golden.py
    VENV/bin/python host/curate/tests/minhash/golden.py --words OCTO_WORDS.jsonl DOCUMENTS.jsonl

Writes beside itself `documents-N.jsonl` (a rank each), `words.jsonl` (the normal form and the words of every text) and
`golden.json`: for each setting the SHA-256 of every file that datatrove's stages 1 to 3 write. datatrove fails with
xxhash 4, which no longer takes text. With `--words` it compares what `examples/deduplicate.rs words` printed of a file of
documents with datatrove's normal form and spaCy's words, and says how many differ.
"""
import hashlib
import json
import logging
import pathlib
import random
import sys
import tempfile

from datatrove.data import Document
from datatrove.pipeline.dedup.minhash import MinhashConfig, MinhashDedupBuckets, MinhashDedupCluster, MinhashDedupSignature
from datatrove.utils.hashing import HashConfig
from datatrove.utils.text import simplify_text
from datatrove.utils.word_tokenizers import load_word_tokenizer
from loguru import logger

HERE = pathlib.Path(__file__).resolve().parent
logger.remove()

# Every text is written for this file.
TEXTS = [
    "A triangle with sides of 3, 4 and 5 has a right angle, because 9 + 16 = 25; every multiple of it has one too.",
    "Let $f(x)=x^2-1$ be given. Then $f(x)≠0$ unless x=±1, and a≠b with c≯d or e≮f changes nothing: x≠y, 2≠z, β≠γ.",
    "He can't say that they don't know; I'm sure she'd've gone, we're late, who's there? It's what we'll see: y'all gonna stay.",
    "cant dont wont im ive youre theyre cannot gonna gotta its hes shes whats theres mightntve shouldntve wholl thosed id ill well",
    "The road is 12km long, 3.5 m² wide, and 7,5kg of sand cost £20, 30€ or $45; at 9am we drove 60mph for 1.000.000mm.",
    "٣٫١٤ is nearly π, १२३ are three digits, １２ are wide ones; 3⎖5 and 1,2,3.4.5 have separators, 2️⃣ has a mark.",
    "naïve café façade Ångström İstanbul ΟΔΥΣΣΕΥΣ ΣΑΣ σς STRASSE straße ﬁ Ǆ — with marks: a\u0301 \u0308 e\u0302\u0323 1\u03082.",
    "三角形の内角の和は百八十度である。円周率は約三であり、 無理数だ。 数学 は 楽しい 学問 で ある と 思う",
    "我们 证明 这个 数列 收敛 于 一 并且 它 的 极限 是 唯一 的 〔注〕 『题』 ≪甲≫",
    "한국어 문장은 여러 단어로 이루어져 있고 자모로 분해된다 그래서 조심해야 한다",
    "→ first • second ° 25°C © 2020 ® ™ ✓ done ☺ a→b x⇒y ½ ⅓ n° 5 №7 ♥ music♪note ─── ¶ § 12 ¿qué? ¡hola! a·b ·c d·",
    "‘s and it‘s ‘quoted‘ text, ‚low‘ marks, ⟦x⟧ brackets; ‘im ‘dont‘ £im 0km· 5kg‘ ॥ देवनागरी लिपि । اردو، کیا؟",
    "four words are few", "", "   \t\n  ", "one two three four five", "…!?", "\u00ad\u200b zero\u200bwidth \ufeff marks stay in words here",
    "line one\r\nline two\u2028line three\u0085line four\u00a0line\u3000five\x0bsix\x1cseven\x00eight",
    "\\frac{a}{b} + \\sqrt{2} \\le \\sum_{i=1}^{n} x_i^2 \\quad\\text{for all } n \\in \\mathbb{N}_0 \\setminus \\{0\\}",
]
SENTENCES = [
    "the sum of the first n odd numbers is the square of n", "a prime has exactly two divisors", "we prove it by induction on n",
    "suppose that the claim holds for some k", "multiply both sides by the common denominator", "hence the series converges",
    "the slope of the line is 3/4 and it meets the axis at −2", "no even number above 2 is prime", "draw the height from the corner",
    "its area is half of the base times the height", "cos²x + sin²x = 1 holds for every x", "there are 52 cards, of which 4 are aces",
    "the remainder is smaller than the divisor", "a continuous function takes every value between", "that's what we wanted to show",
]


STEMS = ("ai are ca can could dare did do does gon got had has have he how i is it let may might must need not ought sha she should "
         "that there these they this those was we were what when where who why wo would y you").split()
ENDINGS = "nt ntve ve d dve ll llve re s m ma all not na ta".split()
# What is a contraction and what only looks like one.
TEXTS.append(" ".join(stem + ending for stem in STEMS for ending in ENDINGS))


def documents():
    """Three ranks: the texts above, and essays of sentences with copies that differ a little."""
    draw = random.Random(13)
    ranks = [list(TEXTS), [], []]
    for number in range(10):
        essay = [draw.choice(SENTENCES).capitalize() + "." for _ in range(draw.randint(8, 30))]
        for copy in range(draw.randint(1, 5)):
            changed = list(essay)
            for _ in range(copy // 2):
                changed[draw.randrange(len(changed))] = draw.choice(SENTENCES).upper() + "!"
            if copy == 4:
                changed.append(f"Copied for the {number}th time.")
            ranks[draw.randrange(3)].append(" ".join(changed))
    return ranks


def main():
    ranks = documents()
    for rank, texts in enumerate(ranks):
        with open(HERE / f"documents-{rank}.jsonl", "w") as out:
            for index, text in enumerate(texts):
                out.write(json.dumps({"id": f"{rank}/{index}", "text": text}, ensure_ascii=True) + "\n")
    words = load_word_tokenizer("en")
    with open(HERE / "words.jsonl", "w") as out:
        for texts in ranks:
            for text in texts:
                out.write(json.dumps([simplify_text(text), words.word_tokenize(simplify_text(text))]) + "\n")
    golden = {}
    for name, buckets, hashes, precision in [("default", 14, 8, 64), ("paper", 11, 10, 64), ("default-32", 14, 8, 32)]:
        config = MinhashConfig(num_buckets=buckets, hashes_per_bucket=hashes, hash_config=HashConfig(precision=precision))
        with tempfile.TemporaryDirectory() as folder:
            folder = pathlib.Path(folder)
            for rank, texts in enumerate(ranks):
                step = MinhashDedupSignature(str(folder / "signatures"), config=config, language="en")
                step.run([Document(text=text, id=str(index)) for index, text in enumerate(texts)], rank, len(ranks))
            for bucket in range(buckets):
                step = MinhashDedupBuckets(str(folder / "signatures"), str(folder / "pairs"), config=config)
                step.run(None, bucket, buckets)
            step = MinhashDedupCluster(str(folder / "pairs"), str(folder / "clusters"), config=config,
                                       save_cluster_id=True, save_cluster_size=True)
            step.run(None, 0, 1)
            files = sorted(path for path in folder.rglob("*") if path.is_file())
            golden[name] = {
                str(path.relative_to(folder)): [path.stat().st_size, hashlib.sha256(path.read_bytes()).hexdigest()]
                for path in files
            }
    (HERE / "golden.json").write_text(json.dumps(golden, indent=1, sort_keys=True) + "\n")


def compare(printed, documents):
    """Counts texts whose normal form or words differ."""
    tokenizer = load_word_tokenizer("en")
    texts = words = forms = split = 0
    with open(printed) as ours, open(documents) as theirs:
        for own, document in zip(ours, theirs, strict=True):
            normal, own = json.loads(own)
            expected = simplify_text(json.loads(document)["text"])
            peers = tokenizer.word_tokenize(expected)
            texts, words = texts + 1, words + len(peers)
            forms += normal != expected
            split += normal == expected and own != peers
    print(f"{texts} texts, {words} words; {forms} other normal forms, {split} texts split otherwise")


if __name__ == "__main__":
    logging.disable()
    if len(sys.argv) == 4 and sys.argv[1] == "--words":
        compare(*sys.argv[2:])
    else:
        main()
