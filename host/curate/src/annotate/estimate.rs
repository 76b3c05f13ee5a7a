//! What a stage will ask, before it asks anything.

use std::path::{Path, PathBuf};

use octo_data::DataError;
use octo_endpoint::Prices;
use octo_plugin::types::Document;

use super::{Annotates, Asking, first_documents};

/// Documents of a file that an estimate looks at.
const SAMPLE: usize = 200;

/// What a stage will ask: guesses, from the size of its files and their first documents. Tokens of prompts are a quarter of
/// their characters; answers are taken to be as long as they may be, so their tokens and the cost are at the top.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Estimate {
    /// Documents.
    pub documents: f64,
    /// Calls, without any that are tried again.
    pub calls: f64,
    /// Tokens of prompts.
    pub prompt_tokens: f64,
    /// Tokens of answers, at most.
    pub answer_tokens: f64,
}

impl Estimate {
    /// What the documents of `inputs` will ask: the annotator is asked about the first of each file.
    ///
    /// # Errors
    /// A file that cannot be read.
    pub fn of_files(inputs: &[PathBuf], annotator: &dyn Annotates, asking: &Asking) -> Result<Estimate, DataError> {
        let mut total = Estimate::default();
        for path in inputs {
            total = total.plus(Estimate::of_file(path, annotator, asking)?);
        }
        Ok(total)
    }

    fn of_file(path: &Path, annotator: &dyn Annotates, asking: &Asking) -> Result<Estimate, DataError> {
        let documents = first_documents(path, SAMPLE)?;
        if documents.is_empty() {
            return Ok(Estimate::default());
        }
        let sample = Estimate::of_documents(&documents, annotator, asking);
        Ok(sample.times(documents_in(path, documents.len())? / documents.len() as f64))
    }

    /// What one document of so many characters will ask, in words of six: for plans while no document is there yet.
    pub fn of_expected(characters: usize, annotator: &dyn Annotates, asking: &Asking) -> Estimate {
        let text: String = "words ".chars().cycle().take(characters).collect();
        let document = octo_data::record::Document { id: "expected".to_owned(), text, ..Default::default() };
        Estimate::of_documents(&[crate::filter::to_plugin(document)], annotator, asking)
    }

    fn of_documents(documents: &[Document], annotator: &dyn Annotates, asking: &Asking) -> Estimate {
        let mut sample = Estimate { documents: documents.len() as f64, ..Estimate::default() };
        for request in annotator.ask(documents).into_iter().flatten().flatten() {
            let request = asking.apply(request, 0);
            sample.calls += 1.0;
            sample.prompt_tokens += request.guessed_prompt_tokens() as f64;
            sample.answer_tokens += f64::from(request.sampling.max_tokens);
        }
        sample
    }

    /// For so many documents instead.
    pub fn for_documents(self, documents: f64) -> Estimate {
        if self.documents > 0.0 { self.times(documents / self.documents) } else { self }
    }

    /// Money at these prices.
    pub fn money(&self, prices: Prices) -> f64 {
        (self.prompt_tokens * prices.input + self.answer_tokens * prices.output) / 1e6
    }

    fn times(self, factor: f64) -> Estimate {
        let Estimate { documents, calls, prompt_tokens, answer_tokens } = self;
        let [documents, calls, prompt_tokens, answer_tokens] =
            [documents, calls, prompt_tokens, answer_tokens].map(|count| count * factor);
        Estimate { documents, calls, prompt_tokens, answer_tokens }
    }

    /// Both together.
    pub fn plus(self, other: Estimate) -> Estimate {
        Estimate {
            documents: self.documents + other.documents,
            calls: self.calls + other.calls,
            prompt_tokens: self.prompt_tokens + other.prompt_tokens,
            answer_tokens: self.answer_tokens + other.answer_tokens,
        }
    }
}

/// Documents of the file: all of them counted where the sample has them all, else guessed by the bytes that the sample took.
fn documents_in(path: &Path, sample: usize) -> Result<f64, DataError> {
    if sample < SAMPLE {
        return Ok(sample as f64);
    }
    let size = std::fs::metadata(path).map_err(|error| DataError::file("look at", path, error))?.len();
    let mut documents = octo_data::jsonl::read_documents(path)?;
    // Readers are ahead of what they gave out, so more documents than the sample are read for the ratio.
    let mut read = 0;
    while read < 50 * SAMPLE && documents.next().is_some() {
        read += 1;
    }
    if documents.next().is_none() {
        return Ok(read as f64);
    }
    Ok((read as f64 * size as f64 / documents.bytes_read().max(1) as f64).max(read as f64))
}
