"""Python's Jinja as `transformers` sets it up for chat templates: what Octo's is compared with.

Sandboxed and immutable, blocks trimmed, `break` and `continue`, `{% generation %}`, `tojson` by `json.dumps` without
escapes for HTML, `raise_exception`, `strftime_now` (on a fixed day) and a namespace without names that begin with `_`.
"""
import datetime
import functools
import json

import jinja2
import jinja2.ext
from jinja2.sandbox import ImmutableSandboxedEnvironment

TODAY = "2025-01-31"


class Generation(jinja2.ext.Extension):
    tags = {"generation"}

    def parse(self, parser):
        line = next(parser.stream).lineno
        body = parser.parse_statements(["name:endgeneration"], drop_needle=True)
        return jinja2.nodes.CallBlock(self.call_method("_body"), [], [], body).set_lineno(line)

    def _body(self, caller):
        return caller()


class Namespace(jinja2.utils.Namespace):
    def __init__(*args, **kwargs):
        self, args = args[0], args[1:]
        attributes = dict(*args, **kwargs)
        for name in attributes:
            Namespace.check(name)
        jinja2.utils.Namespace.__init__(self, attributes)

    def __setitem__(self, name, value):
        Namespace.check(name)
        jinja2.utils.Namespace.__setitem__(self, name, value)

    @staticmethod
    def check(name):
        if isinstance(name, str) and name.startswith("_"):
            raise jinja2.exceptions.SecurityError(name)


def raise_exception(message):
    raise jinja2.exceptions.TemplateError(message)


def tojson(value, ensure_ascii=False, indent=None, separators=None, sort_keys=False):
    return json.dumps(value, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys)


def environment():
    made = ImmutableSandboxedEnvironment(
        trim_blocks=True, lstrip_blocks=True, extensions=[Generation, jinja2.ext.loopcontrols]
    )
    made.filters["tojson"] = tojson
    made.globals["raise_exception"] = raise_exception
    made.globals["strftime_now"] = lambda form: datetime.datetime.fromisoformat(TODAY).strftime(form)
    made.globals["namespace"] = Namespace
    return made


@functools.lru_cache
def compiled(template):
    return environment().from_string(template)


def rendered(template, given):
    """`{"text": …}` or `{"error": …}`."""
    try:
        return {"text": compiled(template).render(**given)}
    except Exception as error:  # whatever a template runs into
        return {"error": f"{type(error).__name__}: {error}"}
