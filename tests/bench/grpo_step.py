#!/usr/bin/env python3
"""A GRPO step of Octo against TRL's `GRPOTrainer`: the same model, problems, sampling, reward, updates and threads.

    make demo                                   # leaves the model and the problems that are used here
    python tests/bench/grpo_step.py             # needs `make peers` and `pip install trl` in them

A step samples `--group` rollouts of each of `--prompts` prompts at temperature 1, judges them (the boxed number is the
reference) and makes two updates of half of them each: GRPO, fp32, no reference model. Octo runs its `rl` stage with the
sandboxed `verifier_math` and `reward_outcome`; TRL runs `steps_per_generation = 2` with a Python function. The learning
rate is too small to change the lengths of responses. Sides take turns, `--rounds` times; figures are medians of all steps
but the first of each process.
"""
import argparse
import json
import os
import pathlib
import re
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
STAGES = ROOT / "runs/demo/stages"
PROMPT = "User: {problem} Put the answer in \\boxed{}.\nAssistant:"


def trl(options):
    import torch
    from datasets import Dataset
    from transformers import AutoModelForCausalLM, AutoTokenizer, TrainerCallback
    from trl import GRPOConfig, GRPOTrainer

    torch.set_num_threads(options.threads)
    rows = [{"prompt": PROMPT.replace("{problem}", row["problem"]), "answer": row["references"][0]}
            for row in json.loads(sys.stdin.read())]
    lengths, correct = [], []

    def reward(completions, completion_ids, answer, **_):
        lengths.extend(len(ids) for ids in completion_ids)
        found = [re.findall(r"\\boxed\{([^{}]*)\}", completion) for completion in completions]
        scores = [1.0 if boxes and boxes[-1].strip() == right else -1.0 for boxes, right in zip(found, answer)]
        correct.extend(score > 0 for score in scores)
        return scores

    seconds = []

    class Watch(TrainerCallback):
        def on_step_begin(self, *_, **__):
            self.began = time.perf_counter()

        def on_step_end(self, *_, **__):
            seconds.append(time.perf_counter() - self.began)

    tokenizer = AutoTokenizer.from_pretrained(options.model, padding_side="left")
    model = AutoModelForCausalLM.from_pretrained(options.model, dtype=torch.float32)
    with tempfile.TemporaryDirectory() as folder:
        settings = GRPOConfig(
            output_dir=folder, per_device_train_batch_size=options.prompts * options.group // 2, steps_per_generation=2,
            num_generations=options.group, max_completion_length=options.tokens, temperature=1.0, top_p=1.0, top_k=0,
            beta=0.0, loss_type="dapo", learning_rate=1e-8, max_steps=2 * options.steps, use_cpu=True, bf16=False,
            gradient_checkpointing=False, report_to=[], save_strategy="no", logging_strategy="no", seed=7,
            dataloader_num_workers=0, disable_tqdm=True,
        )
        trainer = GRPOTrainer(model=model, reward_funcs=[reward], args=settings, train_dataset=Dataset.from_list(rows),
                              processing_class=tokenizer, callbacks=[Watch()])
        trainer.train()
    steps = [sum(seconds[at:at + 2]) for at in range(0, len(seconds), 2)]
    print(json.dumps({"seconds": steps, "length": statistics.mean(lengths), "correct": statistics.mean(correct)}))


def octo(options, folder):
    (folder / "bench.toml").write_text(f'''
name = "bench"
seed = 7
[plugins]
verifier = {{ plugin = "verifier_math", config = {{ extraction = ["boxed"] }} }}
reward = {{ plugin = "reward_outcome" }}
schedule = {{ plugin = "schedule_staircase", config = {{ stairs = [{{ step = 0, tokens = {options.tokens} }}] }} }}
[stages.rl]
kind = "rl"
model = "{options.model.resolve()}"
problems = {{ path = "{options.problems.resolve()}" }}
verifier = "verifier"
reward = "reward"
schedule = "schedule"
prompt = {json.dumps(PROMPT)}
steps = {options.steps}
prompts_per_step = {options.prompts}
rollouts_per_prompt = {options.group}
updates_per_step = 2
learning_rate = 1e-8
max_response_tokens = {options.tokens}
evaluate_every = 0
checkpoint_every = 0
threads = {options.threads}
''')
    command = [options.octo, "run", str(folder / "bench.toml"), "--runs", str(folder / "runs")]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    lines = (folder / "runs/bench/stages/rl/metrics.jsonl").read_text().splitlines()
    steps = [line for line in map(json.loads, lines) if "seconds" in line]
    mean = lambda key: statistics.mean(line[key] for line in steps)
    return {"seconds": [line["seconds"] for line in steps], "length": mean("response_length"),
            "correct": mean("accuracy"), "generation": statistics.median(line["generation_seconds"] for line in steps)}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=pathlib.Path, default=STAGES / "short/model")
    parser.add_argument("--problems", type=pathlib.Path, default=STAGES / "corpus/problems-train.jsonl.zst")
    parser.add_argument("--python", default=str(ROOT / ".octo/peers/bin/python"), help="with torch, transformers and trl")
    parser.add_argument("--octo", default=str(ROOT / "target/release/octo-host"))
    parser.add_argument("--prompts", type=int, default=16)
    parser.add_argument("--group", type=int, default=8)
    parser.add_argument("--tokens", type=int, default=96)
    parser.add_argument("--steps", type=int, default=6)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--peer", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.peer:
        return trl(options)
    if not (options.model / "model.safetensors").is_file():
        sys.exit(f"{options.model} holds no model.safetensors; `make demo` leaves one")
    rows = subprocess.run(["zstd", "-dc", str(options.problems)], check=True, stdout=subprocess.PIPE, text=True).stdout
    sides = {"octo": [], "trl": []}
    for _ in range(options.rounds):
        with tempfile.TemporaryDirectory() as folder:
            sides["octo"].append(octo(options, pathlib.Path(folder)))
        rows_json = json.dumps([json.loads(line) for line in rows.splitlines()])
        command = [options.python, __file__, *sys.argv[1:], "--peer"]
        said = subprocess.run(command, check=True, input=rows_json, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                              text=True)
        sides["trl"].append(json.loads(said.stdout.splitlines()[-1]))
    medians = {}
    for name, runs in sides.items():
        steps = [second for run in runs for second in run["seconds"][1:]]
        medians[name] = statistics.median(steps)
        print(f"{name:5} step {medians[name]:7.3f} s ({min(steps):.3f} to {max(steps):.3f})  responses of "
              f"{statistics.mean(run['length'] for run in runs):5.1f} tokens, "
              f"{100 * statistics.mean(run['correct'] for run in runs):4.1f} % correct")
    print(f"of octo's step, generation {statistics.median(run['generation'] for run in sides['octo']):.3f} s")
    print(f"trl / octo: {medians['trl'] / medians['octo']:.2f}")


if __name__ == "__main__":
    main()
