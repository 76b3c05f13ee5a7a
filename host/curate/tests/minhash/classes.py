#!/usr/bin/env python3
"""Prints the tables of `host/curate/src/deduplicate/words/classes.rs`, from spaCy 3.8 and datatrove 0.10.1.

    VENV/bin/python host/curate/tests/minhash/classes.py

The venv is that of `golden.py`. Only characters that the normal form leaves count, so a range may run over others. Asserts
what `words.rs` relies on: that signs and symbols are single characters, that no rule of spaCy's for a word begins or ends
with one but that for an apostrophe and s, and that no rule has a blank.
"""
import re

import spacy
import spacy.lang.char_classes as classes
from datatrove.utils.text import simplify_text

left = set()
for point in range(0x110000):
    if not 0xD800 <= point < 0xE000:
        left.update(simplify_text(f"a{chr(point)}a"))
left.discard(" ")


def ranges(pattern):
    """First and last of each stretch of characters that match, over the characters that are left."""
    matches = re.compile(pattern).fullmatch
    found, first, last = [], None, None
    for character in sorted(left):
        if matches(character):
            first, last = (ord(character) if first is None else first), ord(character)
        elif first is not None:
            found.append((first, last))
            first = None
    return found + ([(first, last)] if first is not None else [])


def table(name, doc, pattern):
    found = ranges(pattern)
    listed = ", ".join(f"({first:#x}, {last:#x})" for first, last in found)
    print(f"/// {doc}\npub(super) const {name}: [(u32, u32); {len(found)}] = [{listed}];\n")


tokenizer = spacy.blank("en").tokenizer
symbol = re.compile(classes.LIST_ICONS[0])
signs = [character for character in sorted(left) if not symbol.fullmatch(character)]
before = "".join(sign for sign in signs if tokenizer.find_prefix(f"{sign}zz"))
after = "".join(sign for sign in signs if tokenizer.find_suffix(f"zz{sign}"))
assert all(tokenizer.find_prefix(f"{sign}zz") == 1 for sign in before)
assert all(tokenizer.find_suffix(f"zz{sign}") == 1 for sign in after)
units = [unit for unit in classes.UNITS.split("|") if all(character in left for character in unit)]
currencies = [sign for sign in signs if sign not in after and sign not in units and tokenizer.find_suffix(f"0{sign}")]
rules = [rule for rule in tokenizer.rules if rule == simplify_text(rule) and rule.strip()]
assert {rule for rule in rules if rule[0] in before or rule[-1] in after} == {"‘s"}
assert not any(" " in rule for rule in rules)

print(f"// BEFORE: {before}\n// AFTER: {after}")
print(f"// AFTER_DIGIT: {[unit for unit in units if unit == simplify_text(unit)] + currencies}\n")
table("LETTERS", "Letters, as spaCy's `ALPHA` counts them.", f"[{classes.ALPHA}]")
table("SYMBOLS", "Symbols that stand alone wherever they are in a word: spaCy's `LIST_ICONS`.", classes.LIST_ICONS[0])
