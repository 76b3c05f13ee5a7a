#!/usr/bin/env python3
"""Golden models and predictions of C++ fastText 0.9.2, from texts of our own.

    python3 -m venv venv && venv/bin/pip install "numpy<2" fasttext-wheel==0.9.2
    venv/bin/python make.py

Writes `*.bin`, `*.ftz` and `predictions.json` beside itself: by model, by text, the eight most probable labels with
their probabilities. Training on one thread gives the same models each time on one machine.
"""
import itertools
import json
import os
import pathlib
import random
import tempfile

import fasttext

HERE = pathlib.Path(__file__).resolve().parent
WORDS = {
    "algebra": "group ring field ideal kernel module basis matrix vector proof",
    "kitchen": "butter flour oven salt onion simmer garlic pepper bread sauce",
    "travel": "train ticket hotel beach border luggage museum harbour station map",
    "музыка": "скрипка оркестр ноты концерт дирижёр голос хор рояль такт мелодия",
    "garden": "soil seed spade rose hedge compost pruning lawn greenhouse tulip",
}
FILLER = "the a of and to in is for with on it as".split()

TEXTS = [
    "the kernel of a ring is an ideal",
    "simmer the onion with butter and salt",
    "a ticket for the train to the harbour",
    "скрипка и оркестр играют концерт",
    "prune the rose and the hedge",
    "kernel",
    "zzzz qqqq",
    "",
    "   \t  ",
    "the the the the the the the the",
    "butter\x00flour\x0boven\rsalt\x0cpepper",
    "matrix </s> butter butter butter butter",
    "__label__kitchen vector field __label__unknown",
    "Übergröße naïve 数学 ключ 🎻 оркестры kernels",
    "proof " * 300,
    "a " + "x" * 2000,
]


def lines(seed, labels, count):
    draw = random.Random(seed)
    for index in range(count):
        label = labels[index % len(labels)]
        words = WORDS[label].split()
        text = [draw.choice(words if draw.random() < 0.6 else FILLER) for _ in range(draw.randint(4, 12))]
        yield f"__label__{label} {' '.join(text)}"


def many(seed, labels, count):
    """A line for each of many labels, whose counts differ so that their tree is deep."""
    draw = random.Random(seed)
    for index in range(labels):
        for _ in range(max(1, count // (index + 1))):
            yield f"__label__n{index} w{index % 17} v{index // 17} {draw.choice(FILLER)} w{draw.randrange(17)}"


def main():
    predictions = {}
    names = list(WORDS)
    with tempfile.TemporaryDirectory() as folder:
        file = os.path.join(folder, "train.txt")

        def train(rows, **settings):
            pathlib.Path(file).write_text("\n".join(rows) + "\n", encoding="utf-8")
            given = dict(dim=4, epoch=8, lr=0.5, thread=1, verbose=0, minCount=1) | settings
            return fasttext.train_supervised(input=file, **given)

        def keep(model, name):
            model.save_model(str(HERE / name))
            model = fasttext.load_model(str(HERE / name))
            predictions[name] = [
                [[label.removeprefix("__label__"), round(float(probability), 8)] for label, probability in zip(*model.predict(text, k=8))]
                for text in TEXTS
            ]

        five = list(lines(1, names, 300))
        keep(train(five, loss="softmax", wordNgrams=3, bucket=80), "softmax_words.bin")
        keep(train(five, loss="softmax", minn=2, maxn=4, wordNgrams=2, bucket=120), "softmax_both.bin")
        keep(train(five, loss="hs", minn=2, maxn=3, bucket=90), "hierarchical.bin")
        keep(train(five, loss="ns", wordNgrams=2, bucket=50), "negative.bin")
        keep(train(five, loss="ova", minn=1, maxn=2, bucket=50), "one_versus_all.bin")
        keep(train(five, loss="softmax"), "no_ngrams.bin")
        keep(train(many(2, 40, 60), loss="hs", wordNgrams=2, bucket=60), "deep_tree.bin")

        def quantised(name, rows, quantise, **settings):
            model = train(rows, **settings)
            model.quantize(input=file, thread=1, verbose=0, **quantise)
            keep(model, name)

        quantised("softmax.ftz", five, dict(qnorm=True), loss="softmax", wordNgrams=3, bucket=300)
        quantised("softmax_pruned.ftz", five, dict(qnorm=True, cutoff=280), loss="softmax", minn=2, maxn=4, bucket=400)
        quantised("hierarchical.ftz", five, dict(dsub=3), loss="hs", minn=2, maxn=4, bucket=300)
        quantised("hierarchical_pruned.ftz", list(many(2, 40, 60)), dict(qnorm=True, cutoff=260, retrain=True), loss="hs", minn=2, maxn=4, wordNgrams=2, bucket=500)
        quantised("negative.ftz", five, dict(), loss="ns", wordNgrams=2, bucket=300)
        quantised("one_versus_all.ftz", five, dict(), loss="ova", wordNgrams=2, bucket=300)
        quantised("output.ftz", list(many(3, 270, 8)), dict(qout=True, qnorm=True), loss="softmax", wordNgrams=2, bucket=300)
    golden = {"texts": TEXTS, "models": predictions}
    (HERE / "predictions.json").write_text(json.dumps(golden, ensure_ascii=False, separators=(",", ":")).replace('"models"', '\n"models"') + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
