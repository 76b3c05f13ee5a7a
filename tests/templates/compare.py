#!/usr/bin/env python3
"""Octo's chat templates against Python's Jinja, byte by byte, with other people's templates.

    cargo build --release -p octo-data --example render_chat
    .octo/peers/bin/python tests/templates/compare.py                       # all that TRL brings (`make peers`)
    .octo/peers/bin/python tests/templates/compare.py --templates FOLDER    # every *.jinja and chat_template below it
    .octo/peers/bin/python tests/templates/compare.py --time 200            # microseconds per rendering of either

Each template is given every conversation below, with and without tools, a generation prompt and thinking. Where
Python's Jinja raises, Octo has to refuse as well. None of the templates is part of this repository.
"""
import argparse
import importlib.util
import itertools
import json
import pathlib
import subprocess
import sys
import time

import jinja_peer

ROOT = pathlib.Path(__file__).resolve().parents[2]

TOOLS = [
    {
        "type": "function",
        "function": {
            "name": "weather",
            "description": "Says what the weather is like.\nIn one <place> & \"unit\".",
            "parameters": {
                "type": "object",
                "properties": {
                    "place": {"type": "string", "description": "Where, e.g. Zürich or 東京"},
                    "unit": {"type": "string", "enum": ["celsius", "fahrenheit"], "default": "celsius"},
                    "days": {"type": ["integer", "null"], "minimum": 1, "maximum": 14, "default": None},
                    "limits": {"type": "array", "items": {"type": "number"}, "default": [1e-07, 2.0, 1e22]},
                    "where": {
                        "type": "object",
                        "description": "A point.",
                        "properties": {
                            "latitude": {"type": "number", "description": "North is positive."},
                            "longitude": {"anyOf": [{"type": "number"}, {"type": "string"}]},
                        },
                        "required": ["latitude"],
                        "additionalProperties": False,
                    },
                },
                "required": ["place", "unit"],
            },
            "return": {"type": "string", "description": "A sentence."},
        },
    },
    {"type": "function", "function": {"name": "now", "description": "The time.", "parameters": {"type": "object", "properties": {}}}},
]
ARGUMENTS = {
    "place": "Zürich\t\"<center>\" & \\ 😀\u2028",
    "unit": "celsius",
    "days": 3,
    "limits": [0.1, 1e-07, 1.0, 1e22, -0.0, 123456789.125],
    "where": {"latitude": 47.37, "longitude": None, "exact": True, "deep": [[], {}, [{"a": []}]]},
}


def call(arguments, name="weather", identity="call_1"):
    return {"id": identity, "type": "function", "function": {"name": name, "arguments": arguments}}


def user(content):
    return {"role": "user", "content": content}


def assistant(content, **more):
    return {"role": "assistant", "content": content, **more}


CONVERSATIONS = {
    "one question": [user("What is 7 × 8?")],
    "blanks": [user("  \n What is it?\t \n\n")],
    "system": [{"role": "system", "content": " You add.\n"}, user("1 + 1"), assistant("2"), user("2 + 2")],
    "developer": [{"role": "developer", "content": "Be brief."}, user("1 + 1")],
    "many turns": [message for turn in range(6) for message in (user(f"{turn} + 1?"), assistant(f" It is {turn + 1}. "))],
    "ends with the model": [user("1 + 1"), assistant("2")],
    "thoughts in the text": [user("1 + 1"), assistant("<think>\nOne and one.\n</think>\n\n2"), user("2 + 2")],
    "thoughts apart": [user("1 + 1"), assistant("2", reasoning_content="One and one."), user("2 + 2")],
    "thoughts, last": [user("1 + 1"), assistant("2", reasoning_content="\nOne and one.\n")],
    "thinking": [user("1 + 1"), assistant("2", thinking="One and one."), user("2 + 2")],
    "a call": [
        {"role": "system", "content": "You help."},
        user("How is the weather?"),
        assistant("", tool_calls=[call(ARGUMENTS)]),
        {"role": "tool", "name": "weather", "tool_call_id": "call_1", "content": "{\"sky\": \"clear\", \"°C\": 21.5}"},
        assistant("It is clear."),
        user("Thanks."),
    ],
    "calls without text": [
        user("How is the weather?"),
        assistant(None, tool_calls=[call(ARGUMENTS), call({}, "now", "call_2")]),
        {"role": "tool", "name": "weather", "tool_call_id": "call_1", "content": "clear"},
        {"role": "tool", "name": "now", "tool_call_id": "call_2", "content": "12:00"},
    ],
    "a call with thoughts": [
        user("How is the weather?"),
        assistant("I look.", reasoning_content="I need a tool.", tool_calls=[call(ARGUMENTS)]),
        {"role": "tool", "name": "weather", "tool_call_id": "call_1", "content": "clear"},
        assistant("Clear.", reasoning_content="It said so."),
    ],
    "arguments as text": [
        user("How is the weather?"),
        assistant("", tool_calls=[call(json.dumps(ARGUMENTS))]),
        {"role": "tool", "name": "weather", "tool_call_id": "call_1", "content": "clear"},
    ],
    "a call without its wrapper": [
        user("How is the weather?"),
        assistant("", tool_calls=[{"name": "weather", "arguments": ARGUMENTS}]),
        {"role": "tool", "name": "weather", "content": {"sky": "clear", "wind": None, "gusts": [1.5, 2]}},
    ],
    "parts": [
        {"role": "system", "content": [{"type": "text", "text": "You see."}]},
        user([{"type": "text", "text": "What "}, {"type": "image"}, {"type": "text", "text": " is it?"}]),
        assistant([{"type": "text", "text": "A cat."}]),
        user([{"type": "image", "image": "cat.png"}, {"type": "video"}, {"type": "audio"}, {"type": "text", "text": "?"}]),
    ],
    "no content": [user("1 + 1"), assistant(None), user("Well?")],
    "empty": [],
    "roles that do not take turns": [user("1"), user("2"), {"role": "nobody", "content": "3"}],
}
OPTIONS = [
    {},
    {"enable_thinking": True},
    {"enable_thinking": False, "preserve_thinking": True},
    {"thinking": True, "reasoning_effort": "high", "keep_past_thinking": True, "custom_tools": TOOLS},
    {"truncate_history_thinking": False, "low_effort": True, "clear_thinking": False, "date_string": "26 Jul 2024"},
]


def jobs(names):
    for (path, template), (title, messages) in itertools.product(names, CONVERSATIONS.items()):
        for tools, prompt, options in itertools.product((None, TOOLS), (False, True), OPTIONS):
            given = {
                "messages": messages, "tools": tools, "documents": None, "add_generation_prompt": prompt,
                "bos_token": "<s>", "eos_token": "</s>", "pad_token": "<pad>", "unk_token": "<unk>", **options,
            }
            yield {"name": path, "template": template, "given": given, "today": jinja_peer.TODAY, "title": title}


def found(folder):
    for path in sorted(folder.rglob("*")):
        if path.suffix == ".jinja":
            yield path.name, path.read_text()
        elif path.name == "tokenizer_config.json":
            template = json.loads(path.read_text()).get("chat_template")
            for entry in template if isinstance(template, list) else [{"name": "default", "template": template}]:
                if entry["template"]:
                    yield f"{path.parent.name}/{entry['name']}", entry["template"]


def octo(program, work, *arguments):
    lines = "".join(json.dumps(job) + "\n" for job in work)
    run = subprocess.run([program, *arguments], input=lines, capture_output=True, text=True, check=True)
    return [json.loads(line) for line in run.stdout.split("\n") if line]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--templates", type=pathlib.Path, action="append", help="a folder; else TRL's")
    parser.add_argument("--program", default=str(ROOT / "target/release/examples/render_chat"))
    parser.add_argument("--time", type=int, help="renderings per job")
    parser.add_argument("--show", type=int, default=10, help="differences to show")
    arguments = parser.parse_args()
    folders = arguments.templates
    if not folders:
        package = importlib.util.find_spec("trl")
        if package is None:
            sys.exit("trl is not installed here: run `make peers`, or name a folder with --templates")
        folders = [pathlib.Path(package.origin).parent / "chat_templates"]
    names = [entry for folder in folders for entry in found(folder)]
    if not names:
        sys.exit(f"no template below {', '.join(map(str, folders))}")

    if arguments.time:
        work = [job for job in jobs(names) if job["title"] == "a call with thoughts" and job["given"]["tools"]]
        work = [job for job in work if len(job["given"]) == 8]
        mine = [answer.get("microseconds") for answer in octo(arguments.program, work, "--time", str(arguments.time))]
        theirs = []
        for job in work:
            template = jinja_peer.environment().from_string(job["template"])
            began = time.perf_counter()
            for _ in range(arguments.time):
                try:
                    template.render(**job["given"])
                except Exception:  # a template that refuses the conversation has its time as well
                    pass
            theirs.append((time.perf_counter() - began) * 1e6 / arguments.time)
        for name, times in (("octo", sorted(filter(None, mine))), ("jinja2", sorted(theirs))):
            print(f"{name}: median {times[len(times) // 2]:.0f} µs, longest {times[-1]:.0f} µs, {len(times)} jobs")
        return

    # By the same way through JSON, so that both have the same numbers and keys.
    work = [json.loads(json.dumps(job)) for job in jobs(names)]
    answers = octo(arguments.program, work)
    same = refused = 0
    wrong = {}
    for job, mine in zip(work, answers, strict=True):
        theirs = jinja_peer.rendered(job["template"], job["given"])
        if "text" in theirs and theirs == mine:
            same += 1
        elif "error" in theirs and "error" in mine:
            refused += 1
        else:
            wrong.setdefault(job["name"], []).append((job, theirs, mine))
    for name, cases in list(wrong.items())[: arguments.show]:
        job, theirs, mine = cases[0]
        print(f"{name}: {len(cases)} differ; first: {job['title']}, {sorted(job['given'])}")
        print(f"  jinja2: {str(theirs)[:2000]}\n  octo:   {str(mine)[:2000]}")
    templates = len({name for name, _ in names})
    print(f"{templates} templates, {len(work)} renderings: {same} the same, {refused} refused by both, "
          f"{sum(map(len, wrong.values()))} differ in {len(wrong)} templates")
    sys.exit(bool(wrong))


if __name__ == "__main__":
    main()
