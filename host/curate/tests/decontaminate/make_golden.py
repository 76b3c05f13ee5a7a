"""Makes datatrove.json: what datatrove 0.10.1 decides of the texts below, which are our own.

    python3 -m venv venv && venv/bin/pip install datatrove==0.10.1 "xxhash<4" spacy
    venv/bin/python host/curate/tests/decontaminate/make_golden.py
"""

import json
import pathlib

from datatrove.data import Document
from datatrove.pipeline.decont.n_grams import NGramsDecontConfig, NGramsDecontFilter, NGramsDecontIndexer

ROWS = [
    {
        "query": "A baker fills 36 trays with 14 rolls each and sells all but 57 of them. How many rolls does she sell?",
        "label": "She bakes 36 * 14 = <<36*14=504>>504 rolls, and 504 - 57 = 447 of them are sold.\n#### 447",
    },
    {
        "query": "Let $f(x)=\\frac{3x+1}{x-2}$. Find the value of $f(5)$ and say where the function isn't defined.",
        "label": "We have $f(5)=\\frac{16}{3}$; it isn't defined at $x=2$, since the denominator vanishes there.",
    },
    {"query": "Wie viele Äpfel trägt Jürgen über die Brücke, wenn er dreimal geht und je 5,5 kg trägt?", "label": "16,5 kg"},
    {"query": "What's the temperature when 25°C rises by 1.5°? You don't need a table and shouldn't use one here.", "label": "It's 26.5°C, and that's what the thermometer shows to whoever reads it at noon in £5 cafés."},
    {"query": "Short?", "label": "No."},
    {"query": "... !!! ...", "label": "--- *** ---"},
    {"query": "一个农夫有三十只羊和五头牛。", "label": "一共 三 十 五 头 牲 畜 在 他 的 农 场 里 吃 草 。"},
    {"query": "", "label": "©2021 The authors® of this text™ keep 3 km², 7m and 9kg of it at £5 each, ½ of the price."},
]

FILLER = "The river rises in the hills, turns to the west below the old bridge and reaches the sea after 80 miles. "


def planted(text):
    return FILLER + text + "\n\n" + FILLER


DOCUMENTS = [
    FILLER,
    planted(ROWS[0]["label"]),
    planted(ROWS[0]["query"]),
    planted(ROWS[0]["query"] + " " + ROWS[0]["label"]),
    planted(ROWS[0]["label"].replace("36", "99").replace("14", "7")),
    planted(ROWS[0]["label"].upper().replace(" ", "   \t ")),
    planted(ROWS[0]["label"].replace("rolls", "buns")),
    planted(ROWS[1]["label"]),
    planted(ROWS[1]["label"].replace("$", "").replace("isn't", "isn’t")),
    planted(ROWS[1]["label"].replace("isn't", "isnt")),
    planted(ROWS[1]["query"]),
    planted(ROWS[2]["query"] + " " + ROWS[2]["label"]),
    planted(ROWS[2]["query"].replace("Ä", "A").replace("ü", "u") + " 4 kg"),
    planted(ROWS[2]["query"]),
    planted(ROWS[3]["query"]),
    planted(ROWS[3]["label"]),
    planted(ROWS[3]["label"].replace("£5", "£ 5")),
    planted(ROWS[3]["label"].replace("26.5°C", "26.5 ° C")),
    planted("Short? No."),
    "... !!! ... --- *** ---",
    "",
    planted(ROWS[6]["label"]),
    planted(ROWS[6]["query"] + ROWS[6]["label"]),
    planted(ROWS[7]["label"]),
    planted(ROWS[7]["label"].replace("7m", "7 m").replace("9kg", "9 KG")),
    planted("you dont need what theyre saying, it couldve been gonna wouldntve cannot yall"),
    " ".join("0" for _ in range(30)),
]


def bare(kind, config):
    """A step of datatrove without its constructor, which asks for lighteval."""
    step = object.__new__(kind)
    filter_of = NGramsDecontFilter(index_folder="/tmp", config=config)
    step.config, step.tokenizer, step.hash_func = config, filter_of.tokenizer, filter_of.hash_func
    return step


def decide(query_grams):
    config = NGramsDecontConfig(find_query_ngrams=query_grams)
    indexer = bare(NGramsDecontIndexer, config)
    filtering = NGramsDecontFilter(index_folder="/tmp", config=config)
    hashes = [indexer.compute_hashes(row["label"], row["query"]) for row in ROWS]
    filtering._index_hashes = {one: str(number) for number, row in enumerate(hashes) for one in row}
    found = []
    for number, text in enumerate(DOCUMENTS):
        document = Document(text=text, id=str(number))
        kept = filtering.filter(document)
        found.append(None if kept is True else document.metadata["contaminated_ngram"])
    return {"query_grams": query_grams, "grams": [sorted(set(map(int, row))) for row in hashes], "found": found}


golden = {"rows": ROWS, "documents": DOCUMENTS, "decided": [decide(False), decide(True)]}
path = pathlib.Path(__file__).with_name("datatrove.json")
path.write_text(json.dumps(golden, ensure_ascii=False, indent=1) + "\n")
print([sum(one is not None for one in decided["found"]) for decided in golden["decided"]], "of", len(DOCUMENTS))
