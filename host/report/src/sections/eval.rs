//! Evaluations: what `eval` stages found.

use octo_record::{EvalResults, layout};

use super::readable;
use crate::ReportError;
use crate::run_folder::{Run, Stage};
use crate::summary::Summary;

/// Every `eval` stage that is done, with its results.
pub(crate) fn read_all<'a>(run: &'a Run, summary: &mut Summary) -> Result<Vec<(&'a Stage, EvalResults)>, ReportError> {
    let mut found = Vec::new();
    for stage in run.of_kind(EvalResults::KIND) {
        let results = readable(stage.record(layout::RESULTS), stage, summary)?;
        found.extend(results.map(|results| (stage, results)));
    }
    Ok(found)
}
