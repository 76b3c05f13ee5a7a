"""A verifier that says what it can see of the machine it runs on, for host/plugin/tests/wasi_python.rs.

The response orders: `look` for all of it, `crash`, `exit`, `print`, `spin` or `hoard`; anything else is compared.
"""

# No files means no module that is not imported while the plugin is built, and encodings are modules.
import encodings.idna  # noqa: F401
import json
import os
import random
import socket
import sys
import time
import uuid

from componentize_py_types import Err, Ok
from wit_world import exports
from wit_world.exports.plugin import Description
from wit_world.imports.types import Attempt, ErrorKind, Outcome, PluginError, Verdict


def tried(action):
    """What came of it, or the kind of error: the words of errors differ between releases of Python."""
    try:
        return repr(action())
    except BaseException as error:  # noqa: BLE001 - whatever it is, it is the answer
        return f"!{type(error).__name__}"


def connected():
    with socket.create_connection(("127.0.0.1", 80), timeout=1):
        return "connected"


def written():
    with open("/tmp/octo-was-here", "w", encoding="utf-8") as file:
        return file.write("here")


def slept():
    before = time.time()
    time.sleep(3600)
    return time.time() - before


def seen():
    return {
        "wall": [time.time(), time.time()],
        "monotonic": [time.monotonic(), time.perf_counter()],
        "slept": tried(slept),
        "random": [os.urandom(16).hex(), uuid.uuid4().hex, random.SystemRandom().random(), random.random()],
        "environment": dict(os.environ),
        "arguments": sys.argv[1:],
        "input": tried(sys.stdin.read),
        "folder": tried(lambda: sorted(os.listdir("/"))),
        "here": tried(lambda: sorted(os.listdir("."))),
        "file": tried(lambda: open("/etc/passwd", encoding="utf-8").read()),
        "written": tried(written),
        "process": tried(lambda: os.system("true")),
    }


class Plugin(exports.Plugin):
    def describe(self) -> Description:
        schema = {"type": "object", "properties": {"strict": {"type": "boolean"}}, "additionalProperties": False}
        return Description("curious", "0.1.0", "Says what a plugin in Python can see.", json.dumps(schema))

    def configure(self, config: str) -> None:
        if json.loads(config).get("strict"):
            raise Err(PluginError(ErrorKind.INVALID_CONFIG, "strict is not for this one"))


class Verifier(exports.Verifier):
    def verify(self, attempts: list[Attempt]):
        return [judge(attempt) for attempt in attempts]


def judge(attempt: Attempt):
    match attempt.response:
        case "look":
            return Ok(Verdict(Outcome.CORRECT, json.dumps(seen(), sort_keys=True), "looked"))
        case "connect":
            return Ok(Verdict(Outcome.CORRECT, tried(connected), "connected"))
        case "crash":
            raise ValueError("asked to crash")
        case "exit":
            sys.exit(3)
        case "print":
            print("printed by Python")
        case "spin":
            while True:
                pass
        case "hoard":
            hoard = []
            while True:
                hoard.append(bytearray(1 << 20))
        case "refuse":
            return Err(PluginError(ErrorKind.UNSUPPORTED, "asked to refuse"))
    same = attempt.response in attempt.references
    return Ok(Verdict(Outcome.CORRECT if same else Outcome.INCORRECT, attempt.response, "compared as text"))
