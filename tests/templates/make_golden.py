#!/usr/bin/env python3
"""Makes golden.json beside this file: small templates of our own, and what Python's Jinja makes of them.

    python tests/templates/make_golden.py          (with jinja2 3.1.6 installed: `make peers` brings it)

Every construct that a chat template was seen to use has a template here. A test in octo-data renders each.
"""
import json
import pathlib

import jinja_peer

GIVEN = {
    "name": "Ada",
    "text": "  Eins, zwei;\tdrei\n",
    "lines": "one\ntwo\r\nthree\n",
    "nothing": None,
    "yes": True,
    "number": 7,
    "large": 12345678901234567890,
    "negative": -3,
    "floats": [0.1, 1.0, 100.0, 1e16, 123456789012345680.0, 1e15, 1e-4, 1e-5, 1.5e-7, -0.0, 3.141592653589793, 1e100],
    "words": ["pear", "Apple", "fig", "apple"],
    "empty": {"list": [], "map": {}, "text": ""},
    "map": {"zulu": 1, "alpha": [1, "two", None, True, 2.5], "Mike": {"x": "y'z", "items": 3}},
    "people": [{"name": "Bo", "age": 30}, {"name": "Al", "age": 25, "tags": ["a"]}, {"name": "Cy", "age": 30}],
    "unicode": "Zürich 東京 😀 \u2028 \x7f \x01 \"q\" 'a' <b> & \\ é",
    "tools": [{"type": "function", "function": {"name": "f", "parameters": {"type": "object", "properties": {
        "p": {"type": "string", "enum": ["a", "b"], "default": 1e-07}}, "required": ["p"]}}}],
    "messages": [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "1 + 1"},
        {"role": "assistant", "content": None, "tool_calls": [{"name": "f", "arguments": {"b": 1, "a": [1.0, "ü"]}}]},
        {"role": "assistant", "content": "<think>so</think>\n2"},
    ],
}

TEMPLATES = r"""
{{ name }} {{ nothing }} {{ yes }} {{ number }} {{ large }} {{ absent }}|
{{ floats }}
{% for f in floats %}{{ f }} {{ f ~ '' }} {{ f | string }} {{ f | tojson }};{% endfor %}
{{ map }} {{ [nothing, yes, not yes, 'it''s', "it's", 'a"b', "a'b\"c", '\n\t\\'] }}
{{ unicode }} {{ [unicode] }}
{{ (1, 2) }} {{ (1,) }} {{ () }} {{ [] }} {{ {} }} {{ {'a': (1, [2])} }} {{ 1, 2 }}
{{ unicode | tojson }} {{ unicode | tojson(ensure_ascii=true) }}
{{ map | tojson }} {{ map | tojson(indent=2) }} {{ map | tojson(indent=0) }} {{ empty | tojson(indent=4) }}
{{ map | tojson(sort_keys=true) }} {{ map | tojson(separators=(',', ':')) }} {{ map | tojson(indent='--') }}
{{ tools | tojson(false, 4) }} {{ {1: 2, none: 3, true: 4, 1.5: 5} | tojson }} {{ range(3) | list | tojson }}
{{ (1, 'x') | tojson }} {{ 'a' | tojson }} {{ none | tojson }} {{ 1e20 | tojson }} {{ map.alpha[::-1] | tojson }}
{% generation %}{{ name }}{% endgeneration %} {%- generation -%}  x  {%- endgeneration -%}  .
{% set x = 1 %}{% generation %}{% set x = 2 %}{{ x }}{% endgeneration %}{{ x }}
{# {% generation %} #}{{ '{% generation %}' }}{% raw %}{% generation %}{{ x }}{% endraw %}
{% for m in messages %}{% generation %}{{ loop.index }}{{ m.role }}{% endgeneration %}{% endfor %}
{{ none is iterable }} {{ none is string }} {{ none is mapping }} {{ none is none }} {{ none is defined }}
{% for v in [none, 1, 1.5, true, 'a', [1], (1,), {'a': 1}, range(2), absent] %}{{ v is iterable }} {{ v is sequence }} {{ v is mapping }} {{ v is string }} {{ v is number }} {{ v is integer }} {{ v is float }} {{ v is boolean }} {{ v is callable }} {{ v is defined }};{% endfor %}
{{ 'A' is upper }} {{ 'a' is lower }} {{ '1' is lower }} {{ 3 is odd }} {{ 4 is even }} {{ 9 is divisibleby 3 }} {{ 2 is in [1, 2] }} {{ 1 is eq 1.0 }} {{ true is true }} {{ 1 is true }} {{ false is false }} {{ name is sameas name }} {{ 'upper' is filter }} {{ 'odd' is test }} {{ 3 is not odd }} {{ 3 is gt 2 }} {{ 3 is lessthan 2 }}
{{ '%s is %d, %5.2f%% %r %x %05d %-5s| %+d %e %g %c' % (name, 3.7, 12.345, 'q', 255, 42, 'ab', 5, 12345.678, 0.00001, 'z') }}
{{ '%s' % name }} {{ '%s' % [1, none] }} {{ '%(a)s-%(b)03d' % {'a': 1, 'b': 2} }} {{ '%s' % 1e-7 }} {{ '%5s|%-5s|%.2s' % ('a', 'b', 'cde') }} {{ '100%%' % () }} {{ '%i %o %X %#x' % (5, 8, 255, 255) }}
{{ '%s and %s' | format('a', 2) }} {{ '%(x)s' | format(x=3) }} {{ 7 % 3 }} {{ -7 % 3 }} {{ 7.5 % 2 }}
{{ '{} {}'.format('a', 2.0) }} {{ '{1} {0} {x}'.format('a', 'b', x=3) }} {{ '{:>5}|{:<5}|{:^5}|{:05d}|{:.2f}|{:,}|{:x}|{:e}|{:%}'.format('a', 'b', 'c', 42, 3.14159, 1234567, 255, 1234.5, 0.25) }} {{ '{{}}{!r}'.format('q') }} {{ '{0.name} {1[0]} {2[k]}'.format(map, [9], {'k': 8}) }}
{{ map.items() }} {{ map.keys() }} {{ map.values() | list }} {% for k, v in map.items() %}{{ k }}={{ v }};{% endfor %} {{ map | items | list }}
{{ map | dictsort }} {{ map | dictsort(true) }} {{ {'b': 2, 'a': 3} | dictsort(by='value') }} {{ {'b': 2, 'a': 3} | dictsort(reverse=true) }}
{{ map.Mike.items is defined }} {{ map.Mike['items'] }} {{ map['zulu'] }} {{ map.get('zulu') }} {{ map.get('no') }} {{ map.get('no', 5) }} {{ map['get']('Mike') }}
{{ 7 // 2 }} {{ -7 // 2 }} {{ 7 / 2 }} {{ 6 / 3 }} {{ 2 ** 10 }} {{ 2 ** -1 }} {{ 2 ** 3 ** 2 }} {{ -2 ** 2 }} {{ 7.0 // 2 }} {{ 1 + 2.5 }} {{ true + 1 }} {{ 10 - 3 - 2 }} {{ +5 }} {{ -number }} {{ large * 10 }} {{ 0.1 + 0.2 }} {{ 1e308 * 10 }} {{ 3 * 'ab' }} {{ [1] * 2 + [3] }} {{ (1,) + (2,) }}
{{ 'a' 'b' ~ 1 ~ none ~ true ~ 1.0 ~ [1.5, 'x'] ~ absent }} {{ 'a' + 'b' }} {{ 1 ~ 2 ~ '3' + '4' }}
{{ 1 < 2 < 3 }} {{ 1 < 3 < 2 }} {{ 1 == 1.0 }} {{ 1 == true }} {{ 'a' < 'b' }} {{ [1, 2] < [1, 3] }} {{ 'a' in 'abc' }} {{ 'x' not in 'abc' }} {{ 'zulu' in map }} {{ 2 in (1, 2) }} {{ none == absent }} {{ absent == other }} {{ [1] == [1.0] }} {{ {'a': 1} == {'a': 1} }} {{ 'a' in absent }}
{{ not 1 == 2 }} {{ not yes and yes }} {{ nothing or 'd' }} {{ 0 or none }} {{ 1 and 'x' }} {{ '' or [] or {} }} {{ yes if number > 5 else nothing }} {{ 'x' if false }}| {{ 1 if 0 else 2 if 0 else 3 }}
{{ name[0] }} {{ name[-1] }} {{ name[1:] }} {{ name[::-1] }} {{ name[9] }}| {{ name[:-1] }} {{ words[::2] }} {{ words[-2:] }} {{ words[:0:-1] }} {{ words[5:] }} {{ words[-99:2] }} {{ unicode[7:9] }} {{ messages[1:][0].role }} {{ words[::-2] }} {{ 'abcdef'[4:1:-1] }} {{ range(9)[2:6:2] }} {{ range(5)[-1] }}
{{ text.strip() }}|{{ text.lstrip() }}|{{ text.rstrip() }}|{{ text | trim }}|{{ 'xxaxx'.strip('x') }}|{{ 'abcba'.lstrip('ab') }}|{{ 'xyaxy' | trim('xy') }}
{{ text.split() }} {{ 'a,b,,c'.split(',') }} {{ 'a,b,c'.split(',', 1) }} {{ 'a b  c '.split(none, 1) }} {{ 'a,b,c'.rsplit(',', 1) }} {{ ' a b c '.rsplit(none, 1) }} {{ ''.split() }} {{ ''.split(',') }} {{ lines.splitlines() }} {{ lines.splitlines(true) }} {{ messages[3].content.split('</think>')[-1].lstrip('\n') }} {{ 'a<b>c'.split('<b>', maxsplit=1) }}
{{ name.upper() }} {{ name.lower() }} {{ 'ab cd'.title() }} {{ "it's ok"|title }} {{ 'aBC'.capitalize() }} {{ 'aBc'.swapcase() }} {{ 'ß'.upper() }} {{ name.startswith('A') }} {{ name.endswith(('x', 'a')) }} {{ name.startswith('d', 1) }} {{ name.replace('d', 'dd') }} {{ 'aaa'.replace('a', 'b', 2) }} {{ 'ab'.replace('', '-') }} {{ name | replace('a', '') }}
{{ 'banana'.count('an') }} {{ 'banana'.find('an') }} {{ 'banana'.rfind('an') }} {{ 'banana'.find('x') }} {{ 'banana'.index('n', 3) }} {{ ','.join(words) }} {{ 'a-b'.partition('-') }} {{ 'a-b-c'.rpartition('-') }} {{ 'ab'.partition('x') }} {{ 'prefix_x'.removeprefix('prefix_') }} {{ 'x.jinja'.removesuffix('.jinja') }}
{{ 'ab'.ljust(4, '.') }} {{ 'ab'.rjust(4) }} {{ 'ab'.center(5, '*') }} {{ 'abc'.center(6, '*') }} {{ '42'.zfill(5) }} {{ '-42'.zfill(5) }} {{ 'a\tb'.expandtabs(4) }} {{ '12'.isdigit() }} {{ 'a1'.isalnum() }} {{ 'ab'.isalpha() }} {{ ' '.isspace() }} {{ ''.isspace() }} {{ 'AB'.isupper() }} {{ 'Ab'.istitle() }} {{ 'é'.isascii() }} {{ '½'.isnumeric() }}
{% set ns = namespace(count=0, text='') %}{% for w in words %}{% set ns.count = ns.count + 1 %}{% set ns.text = ns.text ~ w[0] %}{% endfor %}{{ ns.count }} {{ ns.text }} {{ ns.absent }}| {{ ns.absent is defined }} {{ namespace(a=1) }} {{ namespace({'a': 1}).a }}
{% set x = 0 %}{% for w in words %}{% set x = x + 1 %}{{ x }}{% endfor %}{{ x }}{% if true %}{% set x = 9 %}{% endif %}{{ x }}
{% for w in words %}{{ loop.index }}/{{ loop.index0 }}/{{ loop.revindex }}/{{ loop.revindex0 }}/{{ loop.first }}/{{ loop.last }}/{{ loop.length }}/{{ loop.previtem }}/{{ loop.nextitem }}/{{ loop.cycle('a', 'b') }}/{{ loop.changed(w[0]) }}/{{ loop.depth }} {% endfor %}
{% for p in people if p.age > 26 %}{{ loop.index }}{{ p.name }}{% else %}none{% endfor %} {% for x in [] %}x{% else %}empty{% endfor %} {% for a, b in [(1, 2), [3, 4]] %}{{ a }}{{ b }}{% endfor %} {% for (a, (b, c)) in [(1, (2, 3))] %}{{ a }}{{ b }}{{ c }}{% endfor %} {% for c in 'abc' %}{{ c }}.{% endfor %}
{% for w in words %}{% if loop.index == 2 %}{% continue %}{% endif %}{% if w == 'apple' %}{% break %}{% endif %}{{ w }}{% endfor %}
{% for x in [1, [2, [3]]] recursive %}{% if x is iterable %}({{ loop(x) }}){% else %}{{ x }}@{{ loop.depth }}{% endif %}{% endfor %}
{% macro m(a, b='d', c=none) %}{{ a }}{{ b }}{{ c }}{{ varargs }}{{ kwargs }}{% endmacro %}{{ m(1) }} {{ m(1, 2, 3, 4, x=5) }} {{ m(b=1, a=2) }} {{ m() }}
{% macro tag(x) %}<{{ x }}>{{ caller('in') }}</{{ x }}>{% endmacro %}{% call(y) tag('t') %}body {{ y }} {{ name }}{% endcall %}
{% macro outer() %}{{ inner(3) }}{% endmacro %}{% macro inner(n) %}{% if n > 0 %}{{ n }}{{ inner(n - 1) }}{% endif %}{% endmacro %}{{ outer() }}
{% macro late() %}{{ later }}{% endmacro %}{{ late() }}{% set later = 1 %}{{ late() }}{% for later in [5] %}{{ late() }}{% endfor %}
{% macro day() %}{{ strftime_now('%d %b %Y') }}{% endmacro %}{{ day() }} {{ strftime_now('%Y-%m-%d %A %a %B %j %y') }} {{ strftime_now is defined }}
{% set block %}  in {{ name }}  {% endset %}[{{ block }}] {% set up | upper | trim %} ab {% endset %}[{{ up }}] {% filter upper %}x {{ name }}{% endfilter %} {% with a=1, b=name %}{{ a }}{{ b }}{% endwith %}{{ a }}
{% set a, b = 1, [2] %}{{ a }}{{ b }} {% set c = 1, 2 %}{{ c }} {% set (d, e) = 'xy' %}{{ d }}{{ e }}
{{ words | join(', ') }} {{ [1, none, 2.0] | join }} {{ people | join(', ', attribute='name') }} {{ words | first }} {{ words | last }} {{ 'abc' | first }} {{ [] | first }}| {{ words | length }} {{ words | count }} {{ map | length }} {{ 'é😀' | length }}
{{ words | map('upper') | list }} {{ people | map(attribute='name') | join(' ') }} {{ people | map(attribute='tags', default='-') | list }} {{ people | map(attribute='name.0') | list }} {{ words | map('replace', 'a', 'A') | list }} {{ words | select('in', ['fig']) | list }} {{ [0, 1, '', 'a'] | select | list }} {{ words | reject('eq', 'fig') | list }} {{ people | selectattr('age', 'equalto', 30) | map(attribute='name') | list }} {{ people | rejectattr('tags') | list | length }} {{ people | selectattr('tags', 'defined') | list }}
{{ words | sort }} {{ words | sort(reverse=true) }} {{ words | sort(case_sensitive=true) }} {{ people | sort(attribute='age,name') | map(attribute='name') | list }} {{ words | unique | list }} {{ [3, 1, 2] | min }} {{ words | max }} {{ [1, 2.5] | sum }} {{ people | sum(attribute='age') }} {{ [[1], [2]] | sum(start=[]) }} {{ words | reverse | list }} {{ 'abc' | reverse }} {{ [1, 2, 3, 4, 5] | batch(2, 0) | list }} {{ [1, 2, 3, 4, 5] | slice(2) | list }} {% for age, them in people | groupby('age') %}{{ age }}:{{ them | map(attribute='name') | list }};{% endfor %}
{{ '7' | int }} {{ '7.9' | int }} {{ 'x' | int }} {{ 'x' | int(3) }} {{ 'ff' | int(0, 16) }} {{ 3.99 | int }} {{ '1.5' | float }} {{ 'x' | float }} {{ 2.5 | round }} {{ 2.675 | round(2) }} {{ 42 | round }} {{ 2.1 | round(0, 'ceil') }} {{ -3 | abs }} {{ 1234.5 | round(-2) }} {{ none | default('d') }} {{ absent | default('d') }} {{ '' | default('d', true) }} {{ none | d('e', boolean=true) }} {{ absent | default }}|
{{ 'a\nb\n\nc' | indent }}| {{ 'a\nb' | indent(2, true) }}| {{ 'a\n\nb' | indent(2, blank=true) }}| {{ 'a\nb\n' | indent('> ', first=true) }}| {{ 'ab' | center(6) }}| {{ 'one two three four' | truncate(9) }} {{ 'one two three four' | truncate(9, true, '…', 0) }} {{ 'a b-c' | wordcount }} {{ '<a & "b">' | e }} {{ 'x' | safe }} {{ 5 | string + '!' }} {{ [1] | string | length }} {{ ['a'] | list }} {{ 'ab' | list }} {{ {'a': 1} | list }} {{ map | attr('zulu') }}|
{{ cycler('a', 'b').next() }} {% set c = cycler('a', 'b') %}{{ c.next() }}{{ c.next() }}{{ c.next() }}{{ c.current }} {% set j = joiner('; ') %}{{ j() }}a{{ j() }}b {{ dict(a=1, b=2) }} {{ dict({'x': 1}, y=2) }} {{ dict([('k', 'v')]) }} {{ range(3) }} {{ range(1, 10, 3) | list }} {{ range(5, 0, -2) | list }} {{ range(0) | list }}
{% set g = words | map('upper') %}{{ g | list }}{{ g | list }}{{ g is iterable }}{% if g %}true{% endif %}
{{ 0x1f }} {{ 0b101 }} {{ 0o17 }} {{ 1_000 }} {{ 1e3 }} {{ 1.5e-3 }} {{ 1E2 }} {{ '\u00e9\x41\101' }} {{ "\q" }} {{ 'a\
b' }}
{{ people[0].name }} {{ people.0.name }} {{ people[0]['age'] }} {{ (people | first).name }} {{ {'a': {'b': 1}}.a.b }} {{ [1, 2][0] }} {{ 'abc'.upper()[0] }} {{ words[number - 6] }} {{ (absent.x is defined) if absent is defined else 'no' }} {{ map.absent is defined }} {{ map.absent }}|
{{- '  a' -}}   b   {{- 'c' }}  
  {% if true %}
    d
  {%- endif %}
  {%+ if true %}e{% endif +%}
f
  {# comment #}
g {# c #}
h {#- x -#}   i
{% raw %}
 {{ raw }}
 {% endraw %}
 j
{%- raw -%}  k  {%- endraw -%}  l
{%- for x in [1, 2] -%}
   {{ x }}
{%- endfor -%}

m
{{ messages[2].tool_calls[0].arguments | tojson }}{{ messages[2].content is none }}{{ messages[2].content }}{% for k, v in messages[2].tool_calls[0].arguments | items %}{{ k }}={{ v | tojson if v is not string else v }}{% endfor %}
{{ nothing.x }}|{{ number.x }}|{{ number['x'] }}|{{ nothing[0] }}|{{ none | length if false else 'n' }}|{{ 'ab'.x is undefined }}|{{ [1][7] is defined }}|{{ [1]['x'] is defined }}|{{ map[0] is defined }}
{{ 'x' is string and 'y' is not mapping or false }} {{ (1 if true else 2) + 1 }} {{ not absent }} {{ absent | length }} {% for x in absent %}x{% endfor %}{% if absent %}a{% else %}b{% endif %} {{ absent is iterable }} {{ absent ~ 'x' }} {{ [absent] }} {{ absent | upper }}| {{ absent | list }}
{% if 'a' == 'b' %}1{% elif 'a' == 'a' %}2{% elif true %}3{% else %}4{% endif %} {% if not (true and false) %}5{% endif %}
{% set out = [] %}{% for m in messages %}{% set out = out + [m.role] %}{% endfor %}{{ out }} {{ messages | map(attribute='role') | list | last }} {{ messages | selectattr('role', 'equalto', 'assistant') | list | length }} {{ (messages | last).content }}
{{ {'a': 1, 'b': 2, 'a': 3} }} {{ {1: 'x', true: 'y'} }} {{ {'x': 1}.x }} {{ 'k' }}
{{ "%s" % "a" ~ "b" }} {{ 1 ~ 3 * 4 }} {{ 'a' ~ 'b' | upper }} {{ -1 | abs }} {{ 2 * 3 ** 2 }} {{ (2 * 3) ** 2 }} {{ 1 - -1 }} {{ [1, 2, 3,] }} {{ (1, 2,) }} {{ {'a': 1,} }} {{ range(1, 4,) | list }}
{{ [3, 'a'] | tojson | length }} {{ {'k': [1, {'z': [], 'y': {}}]} | tojson(indent=1, separators=(' ,', ' : ')) }}
{{ 9007199254740993 }} {{ 9007199254740993.0 }} {{ 1e22 }} {{ 1e21 + 1 }} {{ 5e-324 }} {{ 1.7976931348623157e308 }} {{ 0.1 + 0.7 }} {{ 100 * 1.1 }} {{ 1 / 3 }} {{ 2 / 3 }} {{ 1e23 }} {{ -1.0 }} {{ 123456.789e3 }}
"""

# What has to be refused, by Jinja and by Octo.
REFUSED = r"""
{{ absent.x }}
{{ absent['x'] }}
{{ absent() }}
{{ absent + 1 }}
{{ 'a' + 1 }}
{{ 'a' + absent }}
{{ 1 + 'a' }}
{{ none + 1 }}
{{ -'a' }}
{{ 1 < 'a' }}
{{ none < 1 }}
{{ 1 / 0 }}
{{ 1 % 0 }}
{{ 1 in 'a' }}
{{ 1 in 2 }}
{{ [1] in {} }}
{{ {[1]: 2} }}
{% for x in none %}{% endfor %}
{% for x in 5 %}{% endfor %}
{% for a, b in [1] %}{% endfor %}
{% for a, b in [(1, 2, 3)] %}{% endfor %}
{{ none | length }}
{{ none() }}
{{ 'a'() }}
{{ name.append(1) }}
{{ words.append(1) }}
{{ map.update({}) }}
{{ map.pop('zulu') }}
{{ name.__class__.__mro__ }}
{{ ''.join([1]) }}
{{ words | nosuchfilter }}
{{ 1 is nosuchtest }}
{{ raise_exception('no') }}
{{ absent | tojson }}
{{ {(1, 2): 3} | tojson }}
{{ namespace(a=1) | tojson }}
{% set x.y = 1 %}
{% set map.y = 1 %}
{% set ns = namespace() %}{% set ns._x = 1 %}
{{ namespace(_x=1) }}
{% macro m(a) %}{% endmacro %}{{ m(1, 2) }}
{% macro m(a) %}{% endmacro %}{{ m(b=1) }}
{{ '%d' % 'a' }}
{{ '%s %s' % 'a' }}
{{ '%s' % (1, 2) }}
{{ '{} {}'.format(1) }}
{{ range(1000000) }}
{{ 'a'.split('') }}
{{ words[absent:] }}
{{ words[1.5:] }}
{{ nothing[1:] }}
{{ map[1:] }}
{{ absent[1:] }}
{{ 'a'.index('b') }}
{% break %}
{% do 1 %}
{% if %}{% endif %}
{% if true %}
{{ 1 +
{{ (1 }}
{{ 'a }}
{% generation %}
{% endgeneration %}
{% for x in [1] %}{% generation %}{% break %}{% endgeneration %}{% endfor %}
{# open
{% raw %}x
{{ 1 2 }}
{{ a b }}
{% for loop in [1] %}{% endfor %}
{{ a..b }}
{{ [1, 2 }}
{% nosuchtag %}
"""


def main():
    # One template a line; a line that begins with blanks or a newline's tag belongs to the one before, where it is long.
    whole = TEMPLATES.strip("\n")
    begin, end = whole.index("{{- '  a' -}}"), whole.index("{{ messages[2].tool_calls[0]")
    long = whole[begin:end]
    split = whole.index("{{ 0x1f }}")
    after = whole.index("\n{{ people[0].name }}")
    templates = whole[:split].splitlines() + [whole[split:after]] + whole[after + 1 : begin].splitlines()
    templates += [long] + whole[end:].splitlines()
    cases, bad = [], []
    for template in filter(None, templates):
        made = jinja_peer.rendered(template, GIVEN)
        if "text" not in made:
            bad.append(f"{template}\n  {made}")
        cases.append({"template": template, **made})
    for template in REFUSED.strip("\n").splitlines():
        made = jinja_peer.rendered(template, GIVEN)
        if "error" not in made:
            bad.append(f"{template}\n  {made}")
        cases.append({"template": template, "error": True})
    if bad:
        raise SystemExit("\n".join(bad))
    path = pathlib.Path(__file__).resolve().with_name("golden.json")
    path.write_text(json.dumps({"today": jinja_peer.TODAY, "given": GIVEN, "cases": cases}, indent=1) + "\n")
    print(f"{len(cases)} templates, in {path}")


if __name__ == "__main__":
    main()
