#!/usr/bin/env python3
"""Golden decisions and words of datatrove 0.10.1 with spaCy 3.8, on texts of our own; and the same comparison on any texts.

    python make.py                          writes golden.json beside this script
    python make.py --compare FILE.jsonl     compares the words of the texts in FILE with Octo's splitter

It needs `datatrove[processing]==0.10.1 spacy==3.8.* "xxhash<4"`; the second needs cargo, too, and exits with 1 where a text
is split differently.
"""
import json
import pathlib
import random
import subprocess
import sys

from datatrove.data import Document
from datatrove.pipeline.filters import C4QualityFilter, FineWebQualityFilter, GopherQualityFilter, GopherRepetitionFilter
from datatrove.utils.text import split_into_words

HERE = pathlib.Path(__file__).resolve().parent

PROSE = """A lake freezes from its surface downwards, because water is densest at four degrees above freezing.
As autumn cools the top layer, that layer sinks and warmer water takes its place.
Once the whole lake has reached four degrees, further cooling makes the surface lighter, so it stays on top.
There it turns to ice, which shields the depths from the wind and from the cold of the night.
Fish spend the winter near the bottom, where the temperature hardly changes between December and March.
People who have walked on such ice know the deep sounds that run through it when the weather turns.
"""
STORY = """The old mill stood at the bend of the river for two hundred years before anybody thought to draw it.
Its wheel had not turned since the flood, and swallows went in and out of the window beneath the roof.
One spring a teacher came with seven pupils, paper, and a basket with bread and cheese to have with their tea.
They sat on the wall and drew until the light was gone, and none of the seven pictures looked like another.
"""
WORDS = """can't dont I'm I'ma we'll they'd've Mr. Dr. e.g. i.e. U.S.A. a.m. 10a.m. 9am 13pm 10km 5% 3.5 1,000 $5 US$7 5US$ £3 7€ C++
x^2 a/b km/h 9km/h well-known e-mail mother-in-law :) :-( ;-) xD 8) foo@bar.org http://lake.example/ice?x=1 www.mill.org/a.b
lake.example/a,b 10.0.0.1/a 8.8.8.8/a 172.16.3.4:80/x 2-3 2*3 2--3 a--b a---b a=b f(x)=y, (see) "quoted" 'tis it's o'clock
rock'n'roll end... wait… ……  «oui» 5°C. 20°F. °C. no.1 A.B. Ph.D. etc. co. what's whats gonna cannot youd. lovin' y'all
let's c'mon and/or w/o don’t it’s l’été d'été ’s 's (Mr.Smith) x.)Y end.Begin a,b 1,b ab,cd a:b a<b>c 3+4 3^x 3-x #tag @name
[1] [edit] {x} <tag> * - • – — “so” ‘so’ naïve Straße ΑΒΓ αβγ. Привет. мир,мир 日本語です。 漢字(かんじ) 한국어 ½ ² 10m² 5µg Ⅳ № ™ 🙂 ok🙂ok
a.b A.b a.B "a".b ab.CD AB. Ab. 1. a1. %. +5 +a a+ 5+ ... .. .a a.. ''' \\n <space> (8) _x_ __init__ x_1 snake_case C# F-16 3D""".split()


def texts():
    draw = random.Random(11)
    yield from [PROSE, STORY, PROSE + "\n" + STORY, PROSE * 3, PROSE.replace("\n", "\r\n"), PROSE.replace("\n", " "), PROSE.replace(".", "")]
    yield from ["", " ", "\n", "\n\n\n", "a", "...", "…" * 40, "\t\t", "the of", PROSE[:90], PROSE.upper(), PROSE.replace(" ", "\u00a0")]
    yield PROSE + "\n\n" + STORY + "\n\n" + PROSE
    yield STORY + "\n\n" + STORY + "\n\nAnd that was all of it."
    yield PROSE.replace(" t", " ##t")
    yield PROSE.replace(".\n", "...\n") + STORY
    yield "\n".join(f"- the thing that one would like to have along with the others, item {index}." for index in range(20))
    yield "\n".join(f"• the point of it all, and to be brief, number {index}" for index in range(20))
    yield " ".join(str(number) for number in range(1000, 1200)) + " the of and"
    yield "internationalisation counterrevolutionaries the of " * 3 + "misunderstandings characteristically " * 20
    yield "a b c d e f g h i j k the of " * 5
    yield "\n".join(line + " [3]" for line in PROSE.splitlines()) + "\n" + STORY
    yield PROSE.replace("water is", "water[2] is") + "The lake was drawn.[edit]\nIt was cold [citation needed] there.\n" + STORY
    yield PROSE + "This site uses cookies to know you.\nRead our Privacy Policy now.\nEnable JavaScript to see ice.\n"
    yield PROSE + "Lorem ipsum dolor sit amet.\n"
    yield PROSE + "It is {curly} here.\n" + STORY
    yield "Menu\nHome\nAbout\nContact us\nNews\n" * 3 + STORY
    yield "\n".join(f"Short line {index}" for index in range(60))
    yield "\n\n\n".join(PROSE.splitlines())
    yield "湖は水面から凍ります。水は四度で最も重いからです。\n" * 12
    yield "湖は水面から凍ります。秋になると上の水が冷えて沈み、下の暖かい水が上がってきます。それが四度になるまで続きます。"
    yield "One. Two! Three? \"Four.\" (Five.) Six... seven\u2028Eight is a word.\x1cNine is, too.\x85Ten of them. " * 4
    yield "x" * 1200 + " is a long word.\nIt is not kept here.\n" + PROSE
    yield "so said the " * 40
    yield "ice ice ice ice the of " * 15
    for size in [3, 12, 60, 61, 62, 63, 64, 120]:
        for _ in range(8):
            yield " ".join(draw.choice(WORDS) + draw.choice(["", "", "", ".", ",", ")", "?", "...", "\n", "\n\n", "\t"]) for _ in range(size))
    prose = (PROSE + STORY).split()
    for size in [40, 80, 160]:
        for _ in range(8):
            yield " ".join(draw.choice(prose) if draw.random() < 0.8 else draw.choice(WORDS) for _ in range(size))
    signs = list("aAbBzZ019.,:;!?'\"()[]{}<>-–—_*&#$%^+=/\\|~`@… \n\té°²µÄЖя字。、’“”«»€£¥🙂•\u00a0\u3000kmsdtTG ")
    for _ in range(60):
        yield "".join(draw.choice(signs) for _ in range(draw.randint(5, 160)))


def decided(filters, text):
    document = Document(text=text, id="")
    for one in filters:
        kept = one.filter(document)
        if kept is not True:
            return {"reason": kept[1]}
    return {"text": document.text} if document.text != text else {}


def main():
    if sys.argv[1:2] == ["--compare"]:
        said = subprocess.run(
            ["cargo", "run", "-q", "--release", "-p", "filter_heuristics", "--example", "split_words"],
            stdin=open(sys.argv[2]), capture_output=True, check=True, text=True, cwd=HERE,
        ).stdout
        different = total = 0
        for line, words in zip(open(sys.argv[2]), said.splitlines()):
            total += 1
            theirs, ours = split_into_words(json.loads(line)["text"]), json.loads(words)
            if theirs != ours:
                different += 1
                at = next((at for at, pair in enumerate(zip(theirs, ours)) if pair[0] != pair[1]), min(len(theirs), len(ours)))
                print(f"text {total}: spaCy {theirs[max(0, at - 1):at + 4]}, Octo {ours[max(0, at - 1):at + 4]}")
        print(f"{different} of {total} texts are split differently")
        sys.exit(different > 0)
    filters = {
        "gopher": [GopherRepetitionFilter(), GopherQualityFilter()],
        "c4": [C4QualityFilter()],
        "fineweb": [FineWebQualityFilter()],
    }
    golden = [
        {"text": text, "words": split_into_words(text), **{name: decided(which, text) for name, which in filters.items()}}
        for text in texts()
    ]
    lines = ",\n".join(json.dumps(one, ensure_ascii=False) for one in golden)
    (HERE / "golden.json").write_text(f"[\n{lines}\n]\n")
    for name in filters:
        print(name, sorted({one[name].get("reason", "kept") for one in golden}))


if __name__ == "__main__":
    main()
