#!/usr/bin/env python3
"""octo-curate's extraction beside Trafilatura, Resiliparse, OpenWebMath's method and lynx, on the same real pages, each on one thread, in one run.

    python tests/bench/extraction.py --python PATH/TO/venv/bin/python

The venv needs `warcio trafilatura lxml_html_clean resiliparse zstandard` from PyPI; lynx is Debian's package and is left
out where it is missing. Pages and their truth come from data/web in the folder that OCTO_SHARED names (default ../shared).
Each extractor is timed on extraction alone: archives are read before, and no process start is counted but lynx's, which
is a process a page.
"""
import argparse
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
WEB = pathlib.Path(os.environ.get("OCTO_SHARED", ROOT / ".." / "shared")) / "data" / "web"

PEER = r"""
import io, json, subprocess, sys, time
import zstandard
from warcio.archiveiterator import ArchiveIterator
name, out, paths = sys.argv[1], sys.argv[2], sys.argv[3:]
pages = []
for path in paths:
    stream = open(path, "rb")
    if path.endswith(".zst"):
        stream = io.BytesIO(zstandard.ZstdDecompressor().stream_reader(stream, read_across_frames=True).read())
    for record in ArchiveIterator(stream):
        headers = record.http_headers
        if record.rec_type != "response" or headers.get_statuscode() != "200" or "html" not in (headers.get_header("Content-Type") or ""):
            continue
        try:
            body = record.content_stream().read()
        except Exception:
            continue
        if body.strip():
            pages.append((record.rec_headers.get_header("WARC-Target-URI"), record.rec_headers.get_header("WARC-Date"), body))
if name == "trafilatura":
    import trafilatura
    extract = lambda body: trafilatura.extract(body, include_formatting=False, include_tables=True) or ""
elif name == "openwebmath":
    # The method of OpenWebMath (arXiv 2310.06786), from its description: formulas are replaced by their TeX form by form,
    # then Resiliparse takes the main content. Its style sheet for MathML without TeX has no wheel; such MathML gives its text.
    import re, urllib.parse
    from resiliparse.extract.html2text import extract_plain_text
    from resiliparse.parse.encoding import detect_encoding, bytes_to_str
    from resiliparse.parse.html import HTMLTree
    TEX_CLASSES = {"latex", "tex", "latexcenter", "latexdisplay", "latexblock", "x-ck12"}
    TEX_SOURCES = ("latex.php", "/images/math/", "codecogs", "mimetex.cgi", "mathtex.cgi")

    def put(tree, node, tex, display=False):
        mark = "$$" if display else "$"
        text = tree.create_text_node(f" {mark}{tex.strip()}{mark} ")
        if node.parent is not None and tex.strip():
            node.parent.replace_child(text, node)

    def all_of(tree, selector):
        return list(tree.document.query_selector_all(selector))

    def extract(body):
        tree = HTMLTree.parse(bytes_to_str(body, detect_encoding(body)))
        for image in all_of(tree, "img"):
            source, alt = image.getattr("src", ""), image.getattr("alt", "")
            if TEX_CLASSES & set(image.class_list) or any(part in source for part in TEX_SOURCES):
                query = urllib.parse.unquote(source.split("?", 1)[1]) if "?" in source and "latex.php" not in source else ""
                put(tree, image, alt or query)
        for box in all_of(tree, ".wp-katex-eq"):
            put(tree, box, box.text, box.getattr("data-display", "false") == "true")
        for script in all_of(tree, "script[type^='math/']"):
            put(tree, script, script.text, "mode=display" in script.getattr("type", ""))
        for element in all_of(tree, ".tex[data-expr]"):
            put(tree, element, element.getattr("data-expr"))
        for preview in all_of(tree, ".MathJax_Preview, .MathJax, span.katex-html"):
            if preview.parent is not None:
                preview.decompose()
        for mathematics in all_of(tree, "math"):
            annotation = mathematics.query_selector("annotation[encoding='application/x-tex']")
            tex = annotation.text if annotation else mathematics.getattr("alttext", "") or mathematics.text
            put(tree, mathematics, tex, mathematics.getattr("display", "") == "block")
        text = extract_plain_text(tree, main_content=True, alt_texts=False)
        text = re.sub(r"\\\[(.+?)\\\]", r"$$\1$$", text, flags=re.S)
        return re.sub(r"\\\((.+?)\\\)", r"$\1$", text, flags=re.S)
elif name == "resiliparse":
    from resiliparse.extract.html2text import extract_plain_text
    from resiliparse.parse.encoding import detect_encoding, bytes_to_str
    extract = lambda body: extract_plain_text(bytes_to_str(body, detect_encoding(body)), main_content=True, alt_texts=True)
else:
    command = ["lynx", "-dump", "-stdin", "-nolist", "-width=10000", "-force_html"]
    extract = lambda body: subprocess.run(command, input=body, capture_output=True, timeout=20).stdout.decode("utf-8", "replace")
busy = 0.0
with open(out, "w") as lines:
    for url, date, body in pages:
        start = time.perf_counter()
        try:
            text = extract(body)
        except Exception:
            text = ""
        busy += time.perf_counter() - start
        lines.write(json.dumps({"url": url, "date": date, "text": text}) + "\n")
print(json.dumps({"pages": len(pages), "seconds": busy, "pages_per_second": len(pages) / busy}))
"""


def grade(path):
    """Shares of formulas kept, main text kept and chrome leaked, by the grader beside the pages."""
    said = subprocess.run([sys.executable, str(WEB / "grade.py"), str(path)], capture_output=True, text=True).stdout
    share = lambda pattern: float(re.search(pattern, said).group(1)) * 100
    return share(r"formula recall: all ([\d.]+)"), share(r"must_contain recall: all ([\d.]+)"), share(r"must_not_contain leak: all ([\d.]+)")


def main():
    usage = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    usage.add_argument("--python", default=sys.executable, help="the interpreter that has the peers")
    usage.add_argument("--rounds", type=int, default=3, help="how often each extractor runs, in turn; the fastest counts")
    args = usage.parse_args()
    files = sorted(str(path) for path in WEB.glob("pages-*"))
    if not files:
        print(f"skipped: there are no pages in {WEB}")
        return 0
    subprocess.run(["cargo", "build", "--release", "-q", "-p", "octo-curate", "--example", "extract_pages"], cwd=ROOT, check=True)
    names = ["octo", "resiliparse", "trafilatura", "openwebmath"] + (["lynx"] if shutil.which("lynx") else [])
    best = {}
    with tempfile.TemporaryDirectory() as folder:
        for _ in range(args.rounds):
            for name in names:
                out = pathlib.Path(folder) / f"{name}.jsonl"
                if name == "octo":
                    with open(out, "w") as lines:
                        ran = subprocess.run([str(ROOT / "target/release/examples/extract_pages"), *files], stdout=lines, stderr=subprocess.PIPE, text=True, check=True)
                    figures = json.loads(ran.stderr.splitlines()[-1])
                else:
                    ran = subprocess.run([args.python, "-c", PEER, name, str(out), *files], capture_output=True, text=True)
                    if ran.returncode != 0:
                        print(f"{name} was left out: {ran.stderr.strip().splitlines()[-1] if ran.stderr.strip() else 'it failed'}")
                        names.remove(name)
                        continue
                    figures = json.loads(ran.stdout.splitlines()[-1])
                if name not in best or figures["pages_per_second"] > best[name][0]:
                    best[name] = (figures["pages_per_second"], *grade(out))
    print(f"{'extractor':14}{'formulas %':>11}{'main text %':>13}{'leaked %':>10}{'pages/s':>9}{'octo is':>9}")
    for name, (rate, formulas, text, leaked) in best.items():
        print(f"{name:14}{formulas:11.1f}{text:13.1f}{leaked:10.1f}{rate:9.0f}{best['octo'][0] / rate:8.2f}x")
    return 0


if __name__ == "__main__":
    sys.exit(main())
