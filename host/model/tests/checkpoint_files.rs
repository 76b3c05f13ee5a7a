//! Checkpoints come back as they were, and damaged, wrong or hostile ones are refused in words.

use std::fs;
use std::path::Path;

use octo_model::checkpoint::{read_tensors, write_tensors};
use octo_model::{Model, ModelConfig, Precision, SaveOptions};
use tch::{Device, Kind, Tensor};

fn config() -> ModelConfig {
    serde_json::from_str(
        r#"{"vocab_size": 40, "hidden_size": 16, "intermediate_size": 24, "num_hidden_layers": 2,
            "num_attention_heads": 4, "num_key_value_heads": 2, "rms_norm_eps": 1e-5, "bos_token_id": 1,
            "eos_token_id": [2, 3], "max_position_embeddings": 64}"#,
    )
    .unwrap()
}

fn saved() -> (tempfile::TempDir, Model) {
    let folder = tempfile::tempdir().unwrap();
    let model = Model::random(&config(), 7, Device::Cpu).unwrap();
    model.save(folder.path()).unwrap();
    (folder, model)
}

/// The message of loading a folder that must not load.
fn refusal(folder: &Path) -> String {
    Model::load(folder, Device::Cpu).unwrap_err().to_string()
}

/// Rewrites the weights after a change to the list of tensors.
fn change(folder: &Path, edit: impl FnOnce(&mut Vec<(String, Tensor)>)) {
    let path = folder.join("model.safetensors");
    let mut tensors = read_tensors(&path).unwrap();
    edit(&mut tensors);
    write_tensors(&path, &tensors).unwrap();
}

fn put_header(folder: &Path, header: &str, data: &[u8]) {
    let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
    bytes.extend(header.as_bytes());
    bytes.extend(data);
    fs::write(folder.join("model.safetensors"), bytes).unwrap();
}

#[test]
fn a_saved_model_comes_back_bit_for_bit_with_its_configuration() {
    let (folder, model) = saved();
    let back = Model::load(folder.path(), Device::Cpu).unwrap();
    assert_eq!(back.config(), model.config());
    for ((name, one), (other_name, other)) in model.parameters().iter().zip(back.parameters()) {
        assert_eq!(name, other_name);
        assert_eq!(one, other, "{name}");
        assert!(other.requires_grad() && other.is_leaf(), "{name}");
    }
    let count: usize = model.parameters().iter().map(|(_, tensor)| tensor.numel()).sum();
    assert_eq!(config().parameter_count(), count as u64);
}

#[test]
fn the_same_model_is_the_same_bytes_and_no_litter_stays() {
    let (first, model) = saved();
    let second = tempfile::tempdir().unwrap();
    model.save(second.path()).unwrap();
    model.save(second.path()).unwrap();
    let mut names: Vec<_> = fs::read_dir(second.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    names.sort();
    assert_eq!(names, ["config.json", "generation_config.json", "model.safetensors"]);
    for name in names {
        assert_eq!(fs::read(first.path().join(&name)).unwrap(), fs::read(second.path().join(&name)).unwrap());
    }
}

#[test]
fn what_octo_does_not_follow_of_a_folder_is_still_in_the_folder_it_writes() {
    let (folder, _) = saved();
    let edit = |folder: &Path, name: &str, extra: serde_json::Value| {
        let path = folder.join(name);
        let mut value: serde_json::Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
        value.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
        fs::write(&path, value.to_string()).unwrap();
    };
    let extras = serde_json::json!({
        "torch_dtype": "float32", "pad_token_id": 0, "use_cache": true, "transformers_version": "4.43.0",
        "attention_dropout": 0.1, "pretraining_tp": 1, "head_dim": 4, "id2label": { "0": "yes" },
        "sliding_window": 4096, "layer_types": ["full_attention", "full_attention"]
    });
    edit(folder.path(), "config.json", extras.clone());
    let generation = serde_json::json!({ "temperature": 0.6, "do_sample": true, "bos_token_id": 7 });
    edit(folder.path(), "generation_config.json", generation.clone());

    let model = Model::load(folder.path(), Device::Cpu).unwrap();
    let (again, narrow) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    model.save(again.path()).unwrap();
    let options = SaveOptions { precision: Some(Precision::BFloat16), ..SaveOptions::default() };
    Model::load(again.path(), Device::Cpu).unwrap().save_as(narrow.path(), &options).unwrap();
    for (written, dtype) in [(&again, "float32"), (&narrow, "bfloat16")] {
        let read = |folder: &Path, name: &str| -> serde_json::Map<String, serde_json::Value> {
            serde_json::from_slice(&fs::read(folder.join(name)).unwrap()).unwrap()
        };
        let mut expected = read(folder.path(), "config.json");
        expected.insert("dtype".to_owned(), dtype.into());
        expected.insert("torch_dtype".to_owned(), dtype.into());
        assert_eq!(read(written.path(), "config.json"), expected);
        assert_eq!(read(written.path(), "generation_config.json"), read(folder.path(), "generation_config.json"));
        assert_eq!(Model::load(written.path(), Device::Cpu).unwrap().config(), model.config());
    }
}

#[test]
fn digests_made_while_weights_are_written_are_those_of_the_files() {
    let (_, model) = saved();
    let folder = tempfile::tempdir().unwrap();
    for digests in [
        model.save_with_digests(folder.path()).unwrap(),
        octo_model::Snapshot::of(&model).save_with_digests(folder.path()).unwrap(),
    ] {
        let name = "model.safetensors".to_owned();
        let found = octo_data::digest::of_file(&folder.path().join(&name)).unwrap();
        assert_eq!(digests, [(name, found)].into());
    }
}

#[test]
fn tensors_are_written_alike_wherever_and_however_they_lie() {
    let folder = tempfile::tempdir().unwrap();
    let numbers = Tensor::arange(3_000_000, (Kind::Float, Device::Cpu)).view([1500, 2000]);
    // Larger than one piece; with gaps; of another kind; of no number; of one.
    let tensors = vec![
        ("turned".to_owned(), numbers.tr()),
        ("whole".to_owned(), numbers.shallow_clone()),
        ("wide".to_owned(), numbers.to_kind(Kind::Double)),
        ("empty".to_owned(), numbers.narrow(0, 0, 0)),
        ("one".to_owned(), numbers.sum(Kind::Float).set_requires_grad(true)),
    ];
    let path = folder.path().join("a.safetensors");
    let writing = octo_model::Writing { kind: Some(Kind::Float), about: ("steps", "3"), digest: true };
    let digest = octo_model::write_tensors_as(&path, &tensors, &writing).unwrap();
    assert_eq!(digest, Some(octo_data::digest::of_file(&path).unwrap()));
    for (name, found) in read_tensors(&path).unwrap() {
        let (_, wanted) = tensors.iter().find(|(other, _)| *other == name).unwrap();
        assert_eq!((found.kind(), found.size()), (Kind::Float, wanted.size()), "{name}");
        assert!(found.equal(&wanted.to_kind(Kind::Float)), "{name}");
    }
}

#[test]
fn half_precision_weights_are_widened() {
    for kind in [Kind::BFloat16, Kind::Half] {
        let (folder, model) = saved();
        change(folder.path(), |tensors| tensors.iter_mut().for_each(|(_, tensor)| *tensor = tensor.to_kind(kind)));
        let back = Model::load(folder.path(), Device::Cpu).unwrap();
        for ((name, one), (_, other)) in model.parameters().iter().zip(back.parameters()) {
            assert_eq!(&one.to_kind(kind).to_kind(Kind::Float), other, "{name}");
        }
    }
}

#[test]
fn shards_are_gathered_by_their_index() {
    let (folder, model) = saved();
    let path = folder.path().join("model.safetensors");
    let mut tensors = read_tensors(&path).unwrap();
    let rest = tensors.split_off(7);
    let mut map = serde_json::Map::new();
    for (shard, tensors) in
        [("model-00001-of-00002.safetensors", &tensors), ("model-00002-of-00002.safetensors", &rest)]
    {
        write_tensors(&folder.path().join(shard), tensors).unwrap();
        map.extend(tensors.iter().map(|(name, _)| (name.clone(), shard.into())));
    }
    fs::remove_file(&path).unwrap();
    let index = folder.path().join("model.safetensors.index.json");
    fs::write(&index, serde_json::json!({"metadata": {}, "weight_map": map}).to_string()).unwrap();
    let back = Model::load(folder.path(), Device::Cpu).unwrap();
    assert_eq!(back.parameters(), model.parameters());

    // An index may not send the reader elsewhere, nor promise what a shard lacks.
    let mut outside = map.clone();
    outside.insert("model.norm.weight".to_owned(), "../model.safetensors".into());
    fs::write(&index, serde_json::json!({"weight_map": outside}).to_string()).unwrap();
    let message = refusal(folder.path());
    assert!(message.contains("index.json") && message.contains("not a plain file name"), "{message}");
    let mut wrong = map;
    wrong.insert("lm_head.weight".to_owned(), "model-00002-of-00002.safetensors".into());
    fs::write(&index, serde_json::json!({"weight_map": wrong}).to_string()).unwrap();
    let message = refusal(folder.path());
    assert!(message.contains("`lm_head.weight`") && message.contains("00002-of-00002"), "{message}");
}

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<_> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn shards_are_as_large_as_was_asked_and_the_index_counts_their_bytes() {
    let (_, model) = saved();
    let folder = tempfile::tempdir().unwrap();
    // The embedding alone is 2,560 bytes, and no other tensor is larger.
    let options = SaveOptions { precision: None, largest_shard: 3_000 };
    model.save_as(folder.path(), &options).unwrap();
    let index = fs::read(folder.path().join("model.safetensors.index.json")).unwrap();
    let index: serde_json::Value = serde_json::from_slice(&index).unwrap();
    assert_eq!(index["metadata"]["total_size"], config().parameter_count() * 4);
    let mut bytes = 0;
    let shards: Vec<String> = names(folder.path()).into_iter().filter(|name| name.ends_with(".safetensors")).collect();
    for shard in &shards {
        let tensors = read_tensors(&folder.path().join(shard)).unwrap();
        let size: usize = tensors.iter().map(|(_, tensor)| tensor.numel() * 4).sum();
        assert!(size <= 3_000, "{shard}: {size}");
        assert!(tensors.iter().all(|(name, _)| index["weight_map"][name] == shard.as_str()));
        bytes += size as u64;
    }
    assert_eq!(bytes, config().parameter_count() * 4);
    assert!(shards.contains(&format!("model-00001-of-{:05}.safetensors", shards.len())), "{shards:?}");
    assert_eq!(Model::load(folder.path(), Device::Cpu).unwrap().parameters(), model.parameters());
}

#[test]
fn a_folder_saved_anew_holds_nothing_of_the_save_before() {
    let (folder, model) = saved();
    let whole = names(folder.path());
    let other = Model::random(&config(), 8, Device::Cpu).unwrap();
    other.save_as(folder.path(), &SaveOptions { precision: None, largest_shard: 3_000 }).unwrap();
    assert_eq!(Model::load(folder.path(), Device::Cpu).unwrap().parameters(), other.parameters());
    assert!(!names(folder.path()).contains(&"model.safetensors".to_owned()));
    // Fewer shards, and then none: those of before go.
    model.save_as(folder.path(), &SaveOptions { precision: None, largest_shard: 9_000 }).unwrap();
    assert_eq!(Model::load(folder.path(), Device::Cpu).unwrap().parameters(), model.parameters());
    let index = fs::read_to_string(folder.path().join("model.safetensors.index.json")).unwrap();
    for name in names(folder.path()).iter().filter(|name| name.ends_with(".safetensors")) {
        assert!(index.contains(name.as_str()), "{name} is left over");
    }
    model.save(folder.path()).unwrap();
    assert_eq!(names(folder.path()), whole);
}

#[test]
fn a_tensor_larger_than_one_read_comes_back_whole_in_any_precision() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("large.safetensors");
    // Neither a multiple of what is read at once, nor of what is written at once.
    let tensor = Tensor::arange(700_001, (Kind::Float, Device::Cpu)) / 7.0;
    write_tensors(&path, &[("t".to_owned(), tensor.copy()), ("empty".to_owned(), tensor.narrow(0, 0, 0))]).unwrap();
    let back = read_tensors(&path).unwrap();
    assert_eq!(back[1].1, tensor);
    assert_eq!(back[0].1.size(), [0]);
    let large = ModelConfig { vocab_size: 40_001, ..config() };
    let model = Model::random(&large, 1, Device::Cpu).unwrap();
    model.save(folder.path()).unwrap();
    let half = Model::load_in(folder.path(), Device::Cpu, Precision::BFloat16).unwrap();
    for ((name, half), (_, whole)) in half.parameters().iter().zip(model.parameters()) {
        assert_eq!(half, &whole.to_kind(Kind::BFloat16), "{name}");
    }
}

#[test]
fn missing_extra_and_misshaped_tensors_are_named_with_both_shapes() {
    let (folder, _) = saved();
    change(folder.path(), |tensors| tensors.retain(|(name, _)| name != "model.layers.1.mlp.up_proj.weight"));
    let message = refusal(folder.path());
    for word in ["model.safetensors", "`model.layers.1.mlp.up_proj.weight`", "[24, 16]", "missing"] {
        assert!(message.contains(word), "{message}");
    }

    let (folder, _) = saved();
    change(folder.path(), |tensors| {
        tensors.push(("model.layers.2.bias".to_owned(), Tensor::zeros([3], (Kind::Float, Device::Cpu))))
    });
    let message = refusal(folder.path());
    assert!(message.contains("`model.layers.2.bias`") && message.contains("belongs to no parameter"), "{message}");

    let (folder, _) = saved();
    change(folder.path(), |tensors| {
        for (name, tensor) in tensors {
            if name == "model.layers.0.self_attn.k_proj.weight" {
                *tensor = tensor.narrow(0, 0, 4);
            }
        }
    });
    let message = refusal(folder.path());
    for word in ["model.safetensors", "`model.layers.0.self_attn.k_proj.weight`", "[4, 16]", "[8, 16]"] {
        assert!(message.contains(word), "{message}");
    }

    let (folder, _) = saved();
    change(folder.path(), |tensors| tensors.iter_mut().for_each(|(_, tensor)| *tensor = tensor.to_kind(Kind::Int)));
    assert!(refusal(folder.path()).contains("I32"));
}

#[test]
fn derived_tensors_that_some_exporters_add_are_let_pass() {
    let folder = tempfile::tempdir().unwrap();
    let tied = ModelConfig { tie_word_embeddings: true, ..config() };
    let model = Model::random(&tied, 7, Device::Cpu).unwrap();
    model.save(folder.path()).unwrap();
    change(folder.path(), |tensors| {
        let embedding = tensors.iter().find(|(name, _)| name.contains("embed")).unwrap().1.copy();
        tensors.push(("lm_head.weight".to_owned(), embedding));
        let frequencies = Tensor::ones([2], (Kind::Float, Device::Cpu));
        tensors.push(("model.layers.0.self_attn.rotary_emb.inv_freq".to_owned(), frequencies));
    });
    assert_eq!(Model::load(folder.path(), Device::Cpu).unwrap().parameters(), model.parameters());
}

/// As `transformers` 5 has it (`PreTrainedModel.tie_weights`): equal ones are tied, others are not, and either alone is
/// both.
#[test]
fn a_projection_of_its_own_is_kept_where_the_config_ties_it() {
    let folder = tempfile::tempdir().unwrap();
    let tied = ModelConfig { tie_word_embeddings: true, ..config() };
    let model = Model::random(&tied, 7, Device::Cpu).unwrap();
    model.save(folder.path()).unwrap();
    let own = Tensor::arange(640, (Kind::Float, Device::Cpu)).view([40, 16]);
    change(folder.path(), |tensors| tensors.push(("lm_head.weight".to_owned(), own.copy())));
    let untied = Model::load(folder.path(), Device::Cpu).unwrap();
    assert!(!untied.config().tie_word_embeddings);
    let (name, last) = untied.parameters().last().unwrap();
    assert_eq!((name.as_str(), last), ("lm_head.weight", &own));
    assert_eq!(untied.parameters()[..untied.parameters().len() - 1], *model.parameters());
    let tokens = Tensor::from_slice(&[3_i64, 5]).unsqueeze(0);
    assert_ne!(untied.forward(&tokens), model.forward(&tokens), "the projection is used");
    // Saved, it says what it is.
    let again = tempfile::tempdir().unwrap();
    untied.save(again.path()).unwrap();
    assert_eq!(Model::load(again.path(), Device::Cpu).unwrap().parameters(), untied.parameters());

    change(folder.path(), |tensors| tensors.retain(|(name, _)| name != "model.embed_tokens.weight"));
    let alone = Model::load(folder.path(), Device::Cpu).unwrap();
    assert!(alone.config().tie_word_embeddings);
    assert_eq!(alone.parameters()[0], ("model.embed_tokens.weight".to_owned(), own));

    change(folder.path(), |tensors| {
        tensors.retain(|(name, _)| name != "lm_head.weight");
        tensors.push(("lm_head.weight".to_owned(), Tensor::zeros([39, 16], (Kind::Float, Device::Cpu))));
    });
    let message = refusal(folder.path());
    assert!(
        message.ends_with("tensor `lm_head.weight` has shape [39, 16]; config.json asks for [40, 16]"),
        "{message}"
    );
}

#[test]
fn a_file_cut_at_any_place_is_refused() {
    let (folder, _) = saved();
    let path = folder.path().join("model.safetensors");
    let whole = fs::read(&path).unwrap();
    let header = 8 + u64::from_le_bytes(whole[..8].try_into().unwrap()) as usize;
    for length in [0, 5, 8, 9, header - 1, header, header + 1, whole.len() / 2, whole.len() - 1] {
        fs::write(&path, &whole[..length]).unwrap();
        let message = refusal(folder.path());
        assert!(message.contains("model.safetensors"), "{message}");
    }
}

#[test]
fn bytes_that_belong_to_no_tensor_are_refused() {
    let (folder, _) = saved();
    let path = folder.path().join("model.safetensors");
    let whole = fs::read(&path).unwrap();
    let expected = |count: usize| {
        format!(
            "{}: has {count} bytes after its last tensor: it is damaged, or was not written as a safetensors file",
            path.display()
        )
    };
    for count in [1, 8, 4096] {
        fs::write(&path, [&whole[..], &vec![0; count]].concat()).unwrap();
        assert_eq!(refusal(folder.path()), expected(count));
    }
    put_header(folder.path(), "{}", &[1; 3]);
    assert_eq!(refusal(folder.path()), expected(3));
    // A gap, and two tensors in one place.
    for (first, second) in [("[0, 8]", "[9, 17]"), ("[0, 8]", "[0, 8]"), ("[0, 8]", "[4, 12]")] {
        let tensor = |offsets| format!(r#"{{"dtype": "F32", "shape": [2], "data_offsets": {offsets}}}"#);
        put_header(folder.path(), &format!(r#"{{"a": {}, "b": {}}}"#, tensor(first), tensor(second)), &[0; 17]);
        let message = refusal(folder.path());
        assert!(message.contains("the header is damaged"), "{message}");
    }
}

#[test]
fn files_of_a_folder_that_never_end_are_not_read() {
    for name in ["config.json", "generation_config.json", "model.safetensors.index.json"] {
        let (folder, _) = saved();
        let _ = fs::remove_file(folder.path().join(name));
        if name.starts_with("model") {
            fs::remove_file(folder.path().join("model.safetensors")).unwrap();
        }
        std::os::unix::fs::symlink("/dev/zero", folder.path().join(name)).unwrap();
        let message = refusal(folder.path());
        match name.starts_with("model") {
            true => assert!(message.contains("neither model.safetensors nor"), "{message}"),
            false => assert!(message.contains(name) && message.contains("is not a regular file"), "{message}"),
        }
    }
    let (folder, _) = saved();
    fs::remove_file(folder.path().join("model.safetensors")).unwrap();
    std::os::unix::fs::symlink("/dev/zero", folder.path().join("a.safetensors")).unwrap();
    let index = r#"{"weight_map": {"model.norm.weight": "a.safetensors"}}"#;
    fs::write(folder.path().join("model.safetensors.index.json"), index).unwrap();
    assert!(refusal(folder.path()).contains("is not a regular file"));
}

#[test]
fn hostile_headers_are_refused_without_memory_or_panic() {
    let (folder, _) = saved();
    let path = folder.path().join("model.safetensors");

    let mut endless = u64::MAX.to_le_bytes().to_vec();
    endless.extend([b'{'; 64]);
    fs::write(&path, endless).unwrap();
    assert!(refusal(folder.path()).contains("claims a header"));

    // Offsets beyond the file, with a shape to match.
    let far = format!(r#"{{"a": {{"dtype": "U8", "shape": [{0}], "data_offsets": [0, {0}]}}}}"#, 1_u64 << 40);
    put_header(folder.path(), &far, &[0; 16]);
    assert!(refusal(folder.path()).contains("cut short"));

    // Lengths whose sum wraps around to the file's own.
    let piece = (1_u64 << 61) - 1;
    let mut entries = Vec::new();
    let mut start = 0_u64;
    for number in 0..8 {
        entries.push(format!(
            r#""t{number}": {{"dtype": "U8", "shape": [{piece}], "data_offsets": [{start}, {}]}}"#,
            start + piece
        ));
        start += piece;
    }
    put_header(folder.path(), &format!("{{{}}}", entries.join(",")), &[0; 16]);
    assert!(refusal(folder.path()).contains("cut short"));

    for header in [
        "",
        "[]",
        "{",
        r#"{"a": {"dtype": "F32", "shape": [18446744073709551615, 2], "data_offsets": [0, 8]}}"#,
        r#"{"a": {"dtype": "F32", "shape": [2], "data_offsets": [8, 0]}}"#,
        r#"{"a": {"dtype": "F32", "shape": [-2], "data_offsets": [0, 8]}}"#,
        r#"{"a": {"dtype": "F99", "shape": [2], "data_offsets": [0, 8]}}"#,
        r#"{"a": {"dtype": "F32", "shape": [4], "data_offsets": [0, 8]}}"#,
    ] {
        put_header(folder.path(), header, &[0; 8]);
        let message = refusal(folder.path());
        assert!(message.contains("the header is damaged"), "{header}: {message}");
    }
}

#[test]
fn a_configuration_that_lies_about_sizes_asks_for_no_memory() {
    let (folder, _) = saved();
    let path = folder.path().join("config.json");
    let honest = fs::read_to_string(&path).unwrap();
    for (from, to, word) in [
        (r#""vocab_size": 40"#, r#""vocab_size": 16000000"#, "[16000000, 16]"),
        (r#""vocab_size": 40"#, r#""vocab_size": 18446744073709551615"#, "vocab_size"),
        (r#""num_hidden_layers": 2"#, r#""num_hidden_layers": 3"#, "model.layers.2"),
        (r#""num_hidden_layers": 2"#, r#""num_hidden_layers": 1"#, "model.layers.1"),
        (r#""hidden_size": 16"#, r#""hidden_size": null"#, "config.json"),
        (r#""model_type": "llama""#, r#""model_type": "mamba""#, "mamba"),
    ] {
        let lying = honest.replace(from, to);
        assert_ne!(lying, honest, "{from}");
        fs::write(&path, lying).unwrap();
        let message = refusal(folder.path());
        assert!(message.contains(word), "{message}");
    }
}

#[test]
fn an_empty_folder_says_what_it_lacks() {
    let folder = tempfile::tempdir().unwrap();
    assert!(refusal(folder.path()).contains("config.json"));
    fs::write(folder.path().join("config.json"), serde_json::to_string(&config()).unwrap()).unwrap();
    assert!(refusal(folder.path()).contains("neither model.safetensors nor"));
}
