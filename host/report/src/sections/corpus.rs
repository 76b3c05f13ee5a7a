//! The corpus: how many documents and how much text each stage left, why the others went, what scores they had, and
//! documents to read.

mod classifier;
mod contamination;
mod duplicates;
mod examples;
mod funnel;
mod scores;

use std::collections::BTreeMap;

use octo_record::{
    ClassifierReport, Contamination, DuplicateClusters, ExtractionStatistics, Statistics, TokenCounts, layout,
};

use super::readable;
use crate::ReportError;
use crate::run_folder::{Run, Stage};
use crate::summary::Summary;

/// The section.
pub(crate) fn html(run: &Run, summary: &mut Summary) -> Result<String, ReportError> {
    let mut rows = Vec::new();
    let mut html = String::new();
    for stage in &run.stages {
        let name = stage.name.as_str();
        html +=
            &match stage.lock.kind.as_str() {
                ClassifierReport::KIND => readable(stage.record(layout::CLASSIFIER), stage, summary)?
                    .map(|found| classifier::html(name, &found)),
                DuplicateClusters::KIND => readable(stage.record(layout::CLUSTERS), stage, summary)?
                    .map(|found| duplicates::html(name, &found)),
                Contamination::KIND => readable(stage.record(layout::CONTAMINATION), stage, summary)?
                    .map(|found| contamination::html(name, &found)),
                _ => None,
            }
            .unwrap_or_default();
        let Some(row) = read(stage, summary)? else { continue };
        if let Flow::Filtered(statistics) = &row.flow {
            let scores = scores::html(&stage.name, statistics);
            let read = examples::html(stage, summary)?;
            html += &[funnel::filters(&stage.name, statistics), scores, read].concat();
        }
        rows.push(row);
    }
    if rows.is_empty() {
        return Ok(html);
    }
    Ok([funnel::html(&rows), funnel::by_year(&rows), html].concat())
}

/// A stage of the funnel.
struct Row<'a> {
    stage: &'a Stage,
    flow: Flow,
}

/// What went through a stage.
enum Flow {
    /// Pages became documents.
    Extracted(ExtractionStatistics),
    /// Documents went through filters.
    Filtered(Box<Statistics>),
    /// Documents became tokens.
    Tokenised(TokenCounts),
}

fn read<'a>(stage: &'a Stage, summary: &mut Summary) -> Result<Option<Row<'a>>, ReportError> {
    let flow = match stage.lock.kind.as_str() {
        ExtractionStatistics::KIND => readable(stage.record(layout::STATISTICS), stage, summary)?.map(Flow::Extracted),
        kind if Statistics::KINDS.contains(&kind) => {
            readable(stage.record(layout::STATISTICS), stage, summary)?.map(|found| Flow::Filtered(Box::new(found)))
        }
        TokenCounts::KIND => readable(stage.record(TokenCounts::FILE), stage, summary)?.map(Flow::Tokenised),
        _ => None,
    };
    Ok(flow.map(|flow| Row { stage, flow }))
}

/// Documents that a stage read and kept, with the bytes of their text, as far as it counts them.
struct Passed {
    read: u64,
    kept: u64,
    failed: u64,
    bytes_kept: Option<u64>,
    tokens: Option<u64>,
}

impl Flow {
    fn passed(&self) -> Passed {
        match self {
            Flow::Extracted(pages) => Passed {
                read: pages.records,
                kept: pages.documents,
                failed: 0,
                bytes_kept: Some(pages.text_bytes),
                tokens: None,
            },
            Flow::Filtered(statistics) => Passed {
                read: statistics.total.read,
                kept: statistics.total.kept,
                failed: statistics.total.failed,
                bytes_kept: Some(statistics.total.text_bytes_kept),
                tokens: None,
            },
            Flow::Tokenised(counts) => Passed {
                read: counts.total.documents + counts.total.empty + counts.total.skipped,
                kept: counts.total.documents,
                failed: 0,
                bytes_kept: None,
                tokens: Some(counts.total.tokens),
            },
        }
    }

    /// Documents kept by year; those without one are under `(none)`.
    fn years(&self) -> BTreeMap<String, u64> {
        let named = |year: u16| if year == 0 { "(none)".to_owned() } else { year.to_string() };
        match self {
            Flow::Extracted(pages) => pages.years.iter().map(|(year, count)| (named(*year), *count)).collect(),
            Flow::Filtered(found) => found.years.iter().map(|(year, counts)| (year.clone(), counts.kept)).collect(),
            Flow::Tokenised(counts) => {
                let mut years = BTreeMap::new();
                for origin in &counts.sources {
                    *years.entry(named(origin.year.unwrap_or(0))).or_default() += origin.documents;
                }
                years
            }
        }
    }

    /// Why documents went, with how many did.
    fn reasons(&self) -> Vec<(String, u64)> {
        let mut reasons: BTreeMap<String, u64> = BTreeMap::new();
        match self {
            Flow::Extracted(pages) => {
                for (reason, count) in &pages.no_document {
                    let word = serde_json::to_value(reason).ok();
                    reasons.insert(word.as_ref().and_then(|word| word.as_str()).unwrap_or_default().to_owned(), *count);
                }
            }
            Flow::Filtered(statistics) => {
                for (reason, count) in statistics.filters.iter().flat_map(|filter| &filter.dropped) {
                    *reasons.entry(reason.clone()).or_default() += count;
                }
                for (failure, count) in statistics.filters.iter().flat_map(|filter| &filter.failed) {
                    *reasons.entry(format!("failed: {failure}")).or_default() += count;
                }
            }
            Flow::Tokenised(counts) => {
                reasons.insert("empty".to_owned(), counts.total.empty);
                reasons.insert("skipped".to_owned(), counts.total.skipped);
            }
        }
        let mut reasons: Vec<_> = reasons.into_iter().filter(|(_, count)| *count > 0).collect();
        // The commonest first, and of equals the first by name, in which order they are already.
        reasons.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
        reasons
    }
}
