"""A verifier: correct where the response contains a reference."""

import json

from componentize_py_types import Err, Ok
from wit_world import exports
from wit_world.exports.plugin import Description
from wit_world.imports.types import Attempt, ErrorKind, Outcome, PluginError, Verdict

SCHEMA = {
    "type": "object",
    "properties": {"ignore_case": {"type": "boolean", "default": False}},
    "additionalProperties": False,
}
config = {}


class Plugin(exports.Plugin):
    def describe(self) -> Description:
        return Description("contains", "0.1.0", "Correct where the response contains a reference.", json.dumps(SCHEMA))

    def configure(self, text: str) -> None:
        config.update(json.loads(text))


class Verifier(exports.Verifier):
    def verify(self, attempts: list[Attempt]):
        return [judge(attempt) for attempt in attempts]


def judge(attempt: Attempt):
    if not attempt.response:
        return Err(PluginError(ErrorKind.INVALID_INPUT, "an empty response"))
    fold = str.casefold if config.get("ignore_case") else str
    for reference in attempt.references:
        if fold(reference) in fold(attempt.response):
            return Ok(Verdict(Outcome.CORRECT, reference, "the response contains the reference"))
    return Ok(Verdict(Outcome.INCORRECT, None, "the response contains no reference"))
