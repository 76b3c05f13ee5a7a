//! Words as datatrove 0.10.1 has them, by which duplicates and rows of benchmarks are found: the normal form of a text, and
//! the words of a normal form as spaCy 3.8's English tokenizer splits it.

mod normal_form;
mod words;

pub use normal_form::normal_form;
pub use words::Words;
