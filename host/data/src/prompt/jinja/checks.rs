//! What Python's Jinja makes of templates that use every construct, and templates that mean no good.

use serde::Deserialize;

use super::*;

#[derive(Deserialize)]
struct Golden {
    today: String,
    given: Data,
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    template: String,
    /// What Jinja gives; none where it refuses.
    text: Option<String>,
}

fn golden() -> (Golden, Vec<(String, Data)>) {
    let text = include_str!("../../../../../tests/templates/golden.json");
    let mut golden: Golden = serde_json::from_str(text).expect("made by tests/templates/make_golden.py");
    match std::mem::replace(&mut golden.given, Data::None) {
        Data::Map(given) => (golden, given),
        other => panic!("expected an object, found {other:?}"),
    }
}

fn rendered(template: &str, given: &[(String, Data)], today: Option<&str>) -> Result<String, String> {
    let render = || {
        let mut template = Template::lenient("t.jinja", template)?;
        if let Some(today) = today {
            template.set_today(today)?;
        }
        template.render(given)
    };
    render().map_err(|error| error.to_string())
}

#[test]
fn every_construct_gives_the_bytes_that_python_gives() {
    let (golden, given) = golden();
    assert!(golden.cases.len() > 130, "{} cases", golden.cases.len());
    let mut wrong = Vec::new();
    for case in &golden.cases {
        let mine = rendered(&case.template, &given, Some(&golden.today));
        if mine.as_ref().ok() != case.text.as_ref() {
            wrong.push(format!("{}\n  python: {:?}\n  octo:   {mine:?}", case.template, case.text));
        }
    }
    assert!(wrong.is_empty(), "{} of {} differ:\n{}", wrong.len(), golden.cases.len(), wrong.join("\n"));
}

fn error_of(template: &str) -> String {
    match rendered(template, &[("problem".to_owned(), Data::from("1 + 1"))], None) {
        Ok(text) => panic!("{} bytes of {}…", text.len(), template.chars().take(80).collect::<String>()),
        Err(error) => error,
    }
}

/// `begin` many times, `middle`, `end` as many times.
fn nested(begin: &str, middle: &str, end: &str, times: usize) -> String {
    format!("{}{middle}{}", begin.repeat(times), end.repeat(times))
}

#[test]
fn a_template_that_is_nested_too_deeply_is_refused_and_never_ends_the_process() {
    let blocks = "template t.jinja, line 2: the template is nested more than 200 levels deep";
    let trees = "template t.jinja, line 2: an expression is nested more than 400 levels deep";
    for times in [1_000, 25_000] {
        for (template, expected) in [
            (nested("not ", "1", "", times), blocks),
            (nested("-", "1", "", times), blocks),
            (nested("- ", "problem", "", times), blocks),
            (nested("(", "1", ")", times), blocks),
            (nested("[", "1", "]", times), blocks),
            (nested("{1:", "1", "}", times), blocks),
            (nested("f(", "1", ")", times), blocks),
            (nested("a[", "1", "]", times), blocks),
            (nested("1 if 1 else ", "1", "", times), blocks),
            (nested("1|default(", "1", ")", times), blocks),
            (nested("x is in(", "1", ")", times), blocks),
            (nested("", "a", ".b", times), trees),
            (nested("", "a", "[0]", times), trees),
            (nested("", "a", "()", times), trees),
            (nested("", "a", "|string", times), trees),
            (nested("", "1", " if 1", times), trees),
            (nested("", "1", " + 1", times), trees),
            (nested("", "1", " ** 1", times), trees),
        ] {
            assert_eq!(error_of(&format!("{{{{ problem }}}}\n{{{{ {template} }}}}")), expected, "{times}");
        }
        for (template, expected) in [
            (nested("{% if 1 %}", "", "{% endif %}", times), blocks),
            (nested("{% for a in b %}", "", "{% endfor %}", times), blocks),
            (nested("{% with %}", "", "{% endwith %}", times), blocks),
            (nested("{% generation %}", "", "{% endgeneration %}", times), blocks),
            (nested("{% set x %}", "", "{% endset %}", times), blocks),
            (nested("{% macro a() %}", "", "{% endmacro %}", times), blocks),
            (nested("{% call a() %}", "", "{% endcall %}", times), blocks),
            (nested("{% filter upper %}", "", "{% endfilter %}", times), blocks),
            (format!("{{% set {} = 1 %}}", nested("(", "a,", ")", times)), blocks),
            (format!("{{% filter {} %}}{{% endfilter %}}", ["upper"].repeat(times).join("|")), trees),
        ] {
            assert_eq!(error_of(&format!("{{{{ problem }}}}\n{template}")), expected, "{times}");
        }
    }
    // Chains that are lists and not trees may be long.
    let given = [("problem".to_owned(), Data::from("p"))];
    let long = |part: &str| format!("{{{{ {} }}}}", [part].repeat(20_000).join(""));
    assert_eq!(rendered(&(long("0 or ").replace(" }}", "7 }}")), &given, None).as_deref(), Ok("7"));
    assert_eq!(
        rendered(&(long("problem ~ ").replace(" }}", "'' }}")), &given, None).map(|text| text.len()),
        Ok(20_000)
    );
    let branches = format!("{{% if 0 %}}{}{{% else %}}9{{% endif %}}", "{% elif 0 %}".repeat(20_000));
    assert_eq!(rendered(&branches, &given, None).as_deref(), Ok("9"));
}

#[test]
fn values_that_nest_or_double_themselves_are_refused() {
    let deep = "a value is nested more than 200 levels deep";
    let large = "a value, printed, would be larger than 67108864 bytes";
    let fuel = "ran out of fuel";
    let long = "would be larger than 67108864 bytes";
    let looped = |set: &str, after: &str| {
        format!("{{% set ns = namespace(x=[], y=[]) %}}{{% for i in range(100000) %}}{set}{{% endfor %}}{after}")
    };
    let doubled = |start: &str, set: &str| {
        format!(
            "{{% set ns = namespace(x={start}, y={start}) %}}{{% for i in range(60) %}}{set}{{% endfor %}}{{{{ ns.x == ns.y }}}}"
        )
    };
    for (template, words) in [
        (looped("{% set ns.x = [ns.x] %}", "{{ ns.x }}"), deep),
        (looped("{% set ns.x = (ns.x,) %}", "{{ ns.x == ns.y }}"), deep),
        (looped("{% set ns.x = {'a': ns.x} %}", "{{ ns.x | tojson }}"), deep),
        (looped("{% set ns.x = [ns.x] | map('list') | list %}", ""), deep),
        (looped("{% set ns.x = [[ns.x].count] %}", ""), deep),
        (looped("{% set ns.x = ns.x | batch(1) | list or [1] %}", ""), deep),
        (looped("{% set ns.x = dict(a=ns.x).items() %}", ""), deep),
        (looped("{% set ns.x = [cycler(ns.x)] %}", ""), deep),
        (format!("{}{{{{ x }}}}", "{% set x = [x] %}".repeat(5_000)), deep),
        ("{% macro m(x, n) %}{{ m([x], n + 1) if n < 300 else x }}{% endmacro %}{{ m(1, 0) }}".to_owned(), deep),
        (doubled("[1]", "{% set ns.x = [ns.x, ns.x] %}{% set ns.y = [ns.y, ns.y] %}"), large),
        (doubled("[1]", "{% set ns.x = ns.x + ns.x %}"), fuel),
        (doubled("{'k': 1}", "{% set ns.x = {'a': ns.x, 'b': ns.x} %}"), large),
        (doubled("'aaaa'", "{% set ns.x = ns.x ~ ns.x %}"), long),
        (doubled("'aaaa'", "{% set ns.x = ns.x + ns.x %}"), long),
        (doubled("'aaaa'", "{% set ns.x = [ns.x, ns.x] | join %}"), long),
        (doubled("'aaaa'", "{% set ns.x = '%s%s' % (ns.x, ns.x) %}"), long),
        (doubled("'aaaa'", "{% set ns.x = '{0}{0}'.format(ns.x) %}"), long),
        (doubled("'aaaa'", "{% set ns.x = ns.x.replace('a', 'aa') %}"), long),
        (doubled("'aaaa'", "{% set ns.x %}{{ ns.x }}{{ ns.x }}{% endset %}"), long),
        ("{{ 'a' * 9999999999 }}".to_owned(), long),
        ("{{ [1] * 9999999999 }}".to_owned(), fuel),
        ("{{ ('a' * 60000).replace('', 'b' * 60000) }}".to_owned(), long),
        ("{{ ('a' * 60000) | list | join('b' * 60000) }}".to_owned(), long),
        ("{{ ('a\n' * 60000) | indent(60000) }}".to_owned(), long),
        ("{{ [1] | tojson(indent=999999999) }}".to_owned(), long),
        ("{{ 'a'.center(9999999999) }}".to_owned(), long),
        ("{{ [1] | batch(99999999999, 1) | list }}".to_owned(), fuel),
        ("{{ [1] | slice(99999999999, 1) | list }}".to_owned(), fuel),
        ("{{ 'a\tb'.expandtabs(99999999999) }}".to_owned(), long),
        ("{{ '%99999999999d' % 1 }}".to_owned(), "above 10000"),
        ("{{ '{:99999999999}'.format(1) }}".to_owned(), "above 10000"),
        ("{{ '%.*f' % (99999999999, 1.0) }}".to_owned(), "above 10000"),
        ("{{ 9 ** 9 ** 9 }}".to_owned(), "38 digits"),
        ("{{ 2 ** 99999999999999 }}".to_owned(), "38 digits"),
        ("{{ range(10 ** 12) }}".to_owned(), "Range too big"),
        (looped("{% for j in range(100000) %}{% endfor %}", ""), fuel),
        (looped("{% set ns.x = ns.x + [i] %}", ""), fuel),
        (looped("{% set ns.x = [i, ns.x == ns.y, range(100000) | sort | unique | list] %}", ""), fuel),
        ("{{ range(100000) | unique | list }}".to_owned(), fuel),
        ("{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}".to_owned(), "levels deep"),
        ("{% for x in [1] recursive %}{{ loop([1]) }}{% endfor %}".to_owned(), "levels deep"),
        (
            "{% macro m() %}{% call m() %}{% endcall %}{{ caller() }}{% endmacro %}{% call m() %}{% endcall %}"
                .to_owned(),
            "levels deep",
        ),
        ("{% set ns = namespace() %}{% set ns.a = ns %}{{ ns }}".to_owned(), "holds itself"),
        ("{% set ns = namespace() %}{% set ns.a = {'k': [ns, ns]} %}{{ ns ~ 'x' }}".to_owned(), "holds itself"),
        ("{% set ns = namespace() %}{% set ns.a = [ns] %}{{ ns.a | tojson }}".to_owned(), "not JSON serializable"),
        (looped("{% set ns.f = m() %}", ""), "'m' is undefined"),
    ] {
        let error = error_of(&template);
        let shown: String = template.chars().take(120).collect();
        // What doubles may run out of fuel before it is too long.
        let refused = error.contains(words) || words == long && error.contains(fuel);
        assert!(error.starts_with("template t.jinja, line ") && refused, "{shown}: {error}");
    }
}

#[test]
fn what_holds_itself_or_is_chained_is_taken_apart_without_end() {
    for (template, text) in [
        ("{% set ns = namespace() %}{% set ns.a = ns %}{{ ns.a.a.a == ns }}", "True"),
        (
            "{% set ns = namespace() %}{% set ns.a = [ns] %}{{ ns.a == [ns] }}{{ ns.a[0].a[0] is sameas ns }}",
            "TrueTrue",
        ),
        // A chain of namespaces as long as the fuel allows.
        (
            "{% set ns = namespace(a=none) %}{% for i in range(100000) %}{% set ns.a = namespace(b=ns.a) %}{% endfor %}\
             {{ ns.a.b.b.b is defined }}",
            "True",
        ),
        // Macros that hold the scope in which they are.
        (
            "{% set ns = namespace() %}{% macro f() %}{{ ns.f is defined }}{% endmacro %}{% set ns.f = f %}{{ ns.f() }}",
            "True",
        ),
    ] {
        assert_eq!(rendered(template, &[], None).as_deref(), Ok(text), "{template}");
    }
}

#[test]
fn deep_data_are_refused_and_deep_but_legal_templates_get_a_larger_stack() {
    let mut data = Data::Whole(1);
    for _ in 0..100_000 {
        data = Data::List(vec![data]);
    }
    let given = [("x".to_owned(), data)];
    let error = rendered("{{ x }}", &given, None).expect_err("deep");
    assert_eq!(error, "template t.jinja: a value is nested more than 200 levels deep");
    // A caller that does not ask for it is not refused.
    assert_eq!(rendered("{{ y }}", &given, None).as_deref(), Ok(""));
    let [(_, mut data)] = given;
    while let Data::List(mut items) = data {
        data = items.pop().unwrap_or(Data::None);
    }

    let template =
        "{% macro m(n) %}{% if n %}{% for i in [1] %}{{ m(n - 1) }}.{% endfor %}{% endif %}{% endmacro %}{{ m(200) }}";
    assert_eq!(rendered(template, &[], None), Ok(".".repeat(200)));
    // On a thread with a quarter of the stack that threads commonly get, and a tree as high as one may be.
    let high = format!(
        "{}{{{{ problem{} ~ {}1{} }}}}{}{template}",
        "{% if problem %}".repeat(190),
        "|string".repeat(390),
        "[".repeat(4),
        "]".repeat(4),
        "{% endif %}".repeat(190),
    );
    let work = move || {
        let template = Template::strict("t.jinja", &high)?;
        template.check_variables(&["problem"], "problem")?;
        template.render(&[("problem".to_owned(), Data::from("p"))])
    };
    let small = std::thread::Builder::new().stack_size(512 << 10);
    let text = small.spawn(work).expect("starts").join().expect("no overflow").expect("renders");
    assert_eq!(text, format!("p[[[[1]]]]{}", ".".repeat(200)));
}

#[test]
fn the_deepest_evaluation_that_is_allowed_fits_its_stack() {
    // Each level of the macro opens as many levels of every kind of evaluation as a template can.
    let inside = nested("[", "m(n - 1)", "]", 60);
    for body in [
        inside.clone(),
        nested("(1 if not n else ", "m(n - 1)", ")", 60),
        nested("'a' ~ (", "m(n - 1)", ")", 60),
        nested("dict(a=", "m(n - 1)", ")", 60),
        nested("1 + (", "m(n - 1) | length", ")", 60),
        format!("m(n - 1){}", " | default('d')".repeat(150)),
        format!("m(n - 1){}", ".x".repeat(0)),
    ] {
        let template =
            format!("{{% macro m(n) %}}{{% if n %}}{{{{ {body} }}}}{{% endif %}}{{% endmacro %}}{{{{ m(100000) }}}}");
        let error = error_of(&template);
        assert!(error.contains("the evaluation is nested more than 2000 levels deep"), "{body}: {error}");
    }
}

#[test]
fn an_error_names_its_line_and_carries_nothing_that_a_terminal_obeys() {
    let error = error_of("{{ problem }}\n\n{{ raise_exception('\\x1b[2Jred\\x07 \\u202e \\x9b31m' ~ problem) }}");
    assert_eq!(error, "template t.jinja, line 3: \\u{1b}[2Jred\\u{7} \\u{202e} \\u{9b}31m1 + 1");
    let error = error_of("{% macro m(x) %}\n{{ x.y.z }}\n{% endmacro %}\n\n{{ m({}) }}");
    assert_eq!(error, "template t.jinja, line 2: 'dict object' has no attribute 'y'");
    let error = error_of("{{ {}['\\x1b[31m'].x }}");
    assert_eq!(error, "template t.jinja, line 1: 'dict object' has no attribute '\\x1b[31m'");
    let error = error_of("{{ raise_exception('a' * 5000) }}");
    assert_eq!(error, format!("template t.jinja, line 1: {}…", "a".repeat(LONGEST_MESSAGE)));
    let error = error_of("{% set x = '\u{1b}[31m\n' %}\n{{ x \u{1b} }}");
    assert_eq!(error, "template t.jinja, line 3: unexpected character '\\u{1b}'");
    let error = error_of("{% include '/etc/passwd' %}");
    assert_eq!(
        error,
        "template t.jinja, line 1: {% include %} is not for prompts: a template can't be made of several files"
    );
}

#[test]
fn what_is_undefined_is_an_error_in_a_template_of_ours() {
    for (template, expected) in [
        ("{{ a }}", Some("'a' is undefined")),
        ("{% if a %}{% endif %}", Some("'a' is undefined")),
        ("{% for x in a %}{% endfor %}", Some("'a' is undefined")),
        ("{{ a == 1 }}", Some("'a' is undefined")),
        ("{{ a | length }}", Some("'a' is undefined")),
        ("{{ {}.b ~ 'c' }}", Some("'dict object' has no attribute 'b'")),
        ("{{ a is defined }}{{ a | default('d') }}", None),
    ] {
        let made = Template::strict("t.jinja", template).and_then(|template| template.render(&[]));
        match (made, expected) {
            (Ok(text), None) => assert_eq!(text, "Falsed"),
            (Err(error), Some(expected)) => {
                assert_eq!(error.to_string(), format!("template t.jinja, line 1: {expected}"))
            }
            (made, _) => panic!("{template}: {made:?}"),
        }
    }
}

#[test]
fn a_conversation_of_a_megabyte_has_fuel_to_spare() {
    let message = |turn: usize| {
        let role = if turn.is_multiple_of(2) { "user" } else { "assistant" };
        Data::Map(vec![("role".into(), Data::from(role)), ("content".into(), Data::Text("word ".repeat(800)))])
    };
    let given = [("messages".to_owned(), Data::List((0..256).map(message).collect()))];
    // Templates that gather the text as they go copy it once a turn.
    let template = "{% set ns = namespace(text='') %}{% for m in messages %}{% set content = m.content | trim %}\
                    {% set ns.text = ns.text ~ m.role ~ ': ' ~ content ~ '\\n' %}{% endfor %}{{ ns.text }}";
    let text = rendered(template, &given, None).expect("renders");
    assert_eq!(text.len(), 128 * ("user: ".len() + "assistant: ".len() + 2 * 4_000));
}
