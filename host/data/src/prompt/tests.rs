//! Prompts of every form, few-shot examples by epoch, and templates that mean no good.

use serde_json::json;

use super::*;

fn problem(text: &str) -> Problem {
    Problem { id: "p:1".into(), problem: text.into(), references: vec!["2".into()], ..Problem::default() }
}

fn nowhere() -> &'static Path {
    Path::new("no/such/model")
}

fn file(text: &str) -> TemplateSettings {
    TemplateSettings { name: "t.jinja".into(), text: Some(text.into()), ..TemplateSettings::default() }
}

fn rendered(settings: TemplateSettings, epoch: usize) -> Result<String, String> {
    let template = PromptTemplate::new(&PromptSettings::Template(settings), nowhere());
    template.and_then(|template| template.render(&problem("1 + 1"), epoch)).map_err(|error| error.to_string())
}

fn examples() -> Vec<Example> {
    let example = |problem: &str, solution: &str| Example {
        problem: problem.into(),
        answer: "4".into(),
        solution: solution.into(),
        fields: BTreeMap::new(),
    };
    vec![example("2 + 2", "It is \\boxed{4}."), example("1 + 1", "two"), example("3 + 1", "Four.")]
}

#[test]
fn an_inline_prompt_puts_the_problem_in_its_place() {
    let settings: PromptSettings = serde_json::from_str(r#""User: {problem} In \\boxed{}.""#).expect("a text");
    let template = PromptTemplate::new(&settings, nowhere()).expect("has a place");
    assert_eq!(template.render(&problem("{{ 1 }}"), 3).expect("renders"), "User: {{ 1 }} In \\boxed{}.");
    let error =
        PromptTemplate::new(&PromptSettings::Inline("Q: {question}".into()), nowhere()).err().expect("no place");
    assert!(error.to_string().contains("{problem}"), "{error}");
}

#[test]
fn a_template_file_shows_examples_by_epoch_and_never_the_problem_itself() {
    let text = "{% for example in examples %}\nQ: {{ example.problem }}\nA: {{ example.solution }}\n\n{% endfor %}\n\
                Q: {{ problem }}\nA:\n";
    let settings = || TemplateSettings { examples: examples(), by_epoch: vec![2, 1, 0], ..file(text) };
    let (first, second) = ("Q: 2 + 2\nA: It is \\boxed{4}.\n\n", "Q: 3 + 1\nA: Four.\n\n");
    assert_eq!(rendered(settings(), 0).expect("renders"), format!("{first}{second}Q: 1 + 1\nA:"));
    assert_eq!(rendered(settings(), 1).expect("renders"), format!("{first}Q: 1 + 1\nA:"));
    for epoch in [2, 3, 400] {
        assert_eq!(rendered(settings(), epoch).expect("renders"), "Q: 1 + 1\nA:");
    }
    let kept = serde_json::to_string(&settings()).expect("settings are JSON");
    assert_eq!(serde_json::from_str::<TemplateSettings>(&kept).expect("and back"), settings());
}

#[test]
fn what_is_not_given_is_an_error_with_file_and_line() {
    let error = rendered(file("Q:\n{{ problm }} {{ problem }}"), 0).expect_err("misspelt");
    assert!(error.contains("t.jinja, line 2, uses `problm`") && error.contains("problem, fields"), "{error}");
    let error = rendered(file("{{ problem }}\n\n{{ fields.level }}"), 0).expect_err("no such field");
    assert!(error.contains("t.jinja, line 3") && error.contains("no attribute 'level' (problem p:1)"), "{error}");
    let error = rendered(file("{{ problem }\n"), 0).expect_err("broken");
    assert!(error.contains("t.jinja, line 1"), "{error}");
    let error = rendered(file("Q: {{ fields }}"), 0).expect_err("asks nothing");
    assert!(error.contains("never uses `problem`"), "{error}");
    let mut given = file("{{ rule }} {{ problem }}{% for n in range(2) %}{{ loop.index }}{% endfor %}");
    given.variables.insert("rule".into(), Data::from("Box it."));
    assert_eq!(rendered(given, 0).expect("given by the recipe"), "Box it. 1 + 112");
}

#[test]
fn a_template_can_neither_run_on_nor_fill_the_memory_nor_read_a_file() {
    for (text, words) in [
        (
            "{% for a in range(100000) %}{% for b in range(100000) %}{{ b }}{% endfor %}{% endfor %}{{ problem }}",
            "fuel",
        ),
        ("{{ problem }}{{ 'a' * 99999999 }}", "larger than"),
        ("{% macro again(n) %}{{ again(n) }}{% endmacro %}{{ again(problem) }}", "levels deep"),
        (
            "{% set n = namespace(s='aaaaaaaa') %}{% for a in range(60) %}{% set n.s = n.s ~ n.s %}{% endfor %}{{ problem }}",
            "fuel",
        ),
        ("{{ problem }}{% include '/etc/passwd' %}", "include"),
        ("{{ problem }}{% include '../../secret.txt' %}", "include"),
        ("{% extends 'x' %}{{ problem }}", "extends"),
        ("{{ problem }}{{ problem.__class__.__mro__ }}", "unsafe"),
    ] {
        let error = rendered(file(text), 0).expect_err(text);
        assert!(error.contains("t.jinja") && error.contains(words), "{text}: {error}");
    }
    let error = rendered(file(&"a".repeat(LONGEST_TEMPLATE as usize + 1)), 0).expect_err("too long");
    assert!(error.contains("bytes"), "{error}");
}

/// A model's folder with this chat template in its own file, or in the config.
fn model(template: &str, own_file: bool) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    let mut config = json!({ "bos_token": { "content": "<s>" }, "eos_token": "</s>" });
    match own_file {
        true => std::fs::write(folder.path().join("chat_template.jinja"), template).expect("written"),
        false => {
            config["chat_template"] =
                json!([{ "name": "tool_use", "template": "" }, { "name": "default", "template": template }])
        }
    }
    std::fs::write(folder.path().join("tokenizer_config.json"), config.to_string()).expect("written");
    folder
}

fn chatted(folder: &Path, settings: TemplateSettings) -> Result<String, String> {
    let template = PromptTemplate::new(&PromptSettings::Template(settings), folder);
    template.and_then(|template| template.render(&problem("1 + 1"), 0)).map_err(|error| error.to_string())
}

fn chat() -> TemplateSettings {
    TemplateSettings { name: "chat".into(), ..TemplateSettings::default() }
}

/// With what Qwen's, Llama's and SmolLM's templates use: methods of Python's texts and dictionaries, slices, namespaces,
/// macros, loop controls, checks for what is not there.
const STYLES: &str = r#"{%- macro turn(role, content) -%}
    {{- '<|' + role + '|>' + content.strip() + '\n' -}}
{%- endmacro -%}
{{- bos_token }}
{%- if tools is not none %}{{ raise_exception('no tools here') }}{% endif %}
{%- set ns = namespace(last=-1) %}
{%- for message in messages[::-1] %}
    {%- set index = (messages|length - 1) - loop.index0 %}
    {%- if message.role == 'user' and message['content'].startswith('1') %}{% set ns.last = index %}{% break %}{% endif %}
{%- endfor %}
{%- if messages[0]['role'] == 'system' %}{{ turn('system', messages[0].content) }}{% set messages = messages[1:] %}{% endif %}
{%- for message in messages %}
    {%- if message.tool_calls %}{{ message.tool_calls | tojson }}{% endif %}
    {{- turn(message.get('role', 'none'), message.content.split('</think>')[-1]) }}
{%- endfor %}
{%- if enable_thinking is defined and enable_thinking is false %}{{ '<think></think>' }}{% endif %}
{%- if add_generation_prompt %}{{ '<|assistant|>' }}{% endif %}"#;

#[test]
fn a_chat_template_of_any_style_gets_system_examples_and_problem() {
    for own_file in [true, false] {
        let folder = model(STYLES, own_file);
        let mut settings = chat();
        assert_eq!(chatted(folder.path(), settings.clone()).expect("renders"), "<s><|user|>1 + 1\n<|assistant|>");
        settings.system = Some(" Be brief. ".into());
        settings.message = Some("{problem} Box it.".into());
        (settings.examples, settings.by_epoch) = (examples(), vec![1, 0]);
        settings.variables.insert("enable_thinking".into(), Data::Bool(false));
        assert_eq!(
            chatted(folder.path(), settings).expect("renders"),
            "<s><|system|>Be brief.\n<|user|>2 + 2 Box it.\n<|assistant|>It is \\boxed{4}.\n<|user|>1 + 1 Box it.\n\
             <think></think><|assistant|>"
        );
    }
}

#[test]
fn a_chat_templates_date_is_the_recipes_and_never_todays() {
    let dated = "{% if strftime_now is defined %}{% set day = strftime_now('%d %b %Y') %}{% else %}{% set day = '26 Jul 2024' \
                 %}{% endif %}{{ day }} {{ messages[0].content }}";
    let folder = model(dated, true);
    assert_eq!(chatted(folder.path(), chat()).expect("renders"), "26 Jul 2024 1 + 1");
    let mut settings = chat();
    settings.variables.insert("today".into(), Data::from("2025-03-01"));
    assert_eq!(chatted(folder.path(), settings.clone()).expect("renders"), "01 Mar 2025 1 + 1");
    settings.variables.insert("today".into(), Data::from("yesterday"));
    assert!(chatted(folder.path(), settings).expect_err("no date").contains("variables.today"));
    let error = chatted(model("{{ strftime_now('%Y') }}", true).path(), chat()).expect_err("asks for the date");
    assert!(error.contains("strftime_now") && error.contains("today = "), "{error}");
}

#[test]
fn variables_keep_the_order_of_their_keys() {
    let folder = model("{{ tools | tojson }} {{ tools[0].z.items() }}{{ messages[0] }}", true);
    let mut settings = chat();
    let tools = r#"[{"z": {"y": 1, "b": 1e-7, "a": [true, null]}, "name": "f"}]"#;
    settings.variables.insert("tools".into(), serde_json::from_str(tools).expect("JSON"));
    assert_eq!(
        chatted(folder.path(), settings.clone()).expect("renders"),
        "[{\"z\": {\"y\": 1, \"b\": 1e-07, \"a\": [true, null]}, \"name\": \"f\"}] dict_items([('y', 1), ('b', 1e-07), ('a', \
         [True, None])]){'role': 'user', 'content': '1 + 1'}"
    );
    let kept = serde_json::to_string(&settings).expect("settings are JSON");
    assert_eq!(serde_json::from_str::<TemplateSettings>(&kept).expect("and back"), settings);
}

#[test]
fn a_model_without_a_chat_template_and_a_template_that_refuses_say_so() {
    let folder = tempfile::tempdir().expect("a folder");
    let error = chatted(folder.path(), chat()).expect_err("none");
    assert!(error.contains("has no chat template") && error.contains("template file"), "{error}");
    let folder = model("\n{{ raise_exception('Roles must alternate') }}", true);
    let error = chatted(folder.path(), chat()).expect_err("refuses");
    assert!(error.contains("chat_template.jinja, line 2") && error.contains("Roles must alternate"), "{error}");
}

#[test]
fn what_the_tokenizer_puts_before_a_text_is_in_every_prompt_once() {
    let folder = tempfile::tempdir().expect("a folder");
    let trained = Tokenizer::train(["1 + 1"], 258, &["<s>"]).expect("trains");
    trained.save(folder.path()).expect("saves");
    let config = json!({ "eos_token": "<|end_of_text|>", "bos_token": "<s>", "add_bos_token": true });
    std::fs::write(folder.path().join("tokenizer_config.json"), config.to_string()).expect("written");
    let tokenizer = Tokenizer::load(folder.path()).expect("loads");
    let text = tokenizer.encode("1 + 1").expect("encodes");
    let begun = [&[1], &text[..]].concat();
    let prompt = |settings: PromptSettings| {
        let template = PromptTemplate::new(&settings, folder.path()).expect("a template");
        template.encode(&problem("1 + 1"), 0, &tokenizer).expect("encodes")
    };
    assert_eq!(prompt(PromptSettings::Inline("{problem}".into())), begun);
    assert_eq!(prompt(PromptSettings::Inline("<s>{problem}".into())), begun);
    assert_eq!(prompt(PromptSettings::Template(file("{{ problem }}"))), begun);
    // A chat template has the last word, as in `apply_chat_template`.
    for (chat_template, expected) in
        [("{{ bos_token }}{{ messages[0].content }}", &begun), ("{{ messages[0].content }}", &text)]
    {
        std::fs::write(folder.path().join("chat_template.jinja"), chat_template).expect("written");
        assert_eq!(&prompt(PromptSettings::Template(chat())), expected, "{chat_template}");
    }
}
