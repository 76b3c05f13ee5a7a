//! The page: figures first, then tables, samples and the lock.

use std::fmt::Write;

use crate::ReportError;
use crate::chart::escape;
use crate::run_folder::Run;
use crate::sections;
use crate::summary::Summary;

const STYLE: &str = "
:root{color-scheme:light dark;--ink:#1c1e21;--paper:#fff;--faint:#d9dce1;--soft:#f5f6f8;--grey:#666}
@media(prefers-color-scheme:dark){:root{--ink:#e6e6e6;--paper:#16181b;--faint:#3a3e44;--soft:#212429;--grey:#a0a0a0}}
body{font:16px/1.5 system-ui,sans-serif;color:var(--ink);background:var(--paper);max-width:820px;margin:2rem auto;padding:0 1rem}
h1{font-size:1.7rem;margin-bottom:0}h2{font-size:1.2rem;margin-top:2.5rem}
svg{width:100%;height:auto;margin:.5rem 0}.title{font-weight:600;font-size:14px;fill:var(--ink)}.tick{font-size:11px;fill:var(--grey)}
.name{font-size:12px;font-weight:600}.grid{stroke:var(--faint)}
table{border-collapse:collapse;width:100%;margin:1rem 0;font-size:14px;display:block;overflow-x:auto}
th,td{text-align:left;padding:.3rem .6rem;border-bottom:1px solid var(--faint)}.n{text-align:right;font-variant-numeric:tabular-nums}
.good{color:#00855e;font-weight:600}.bad{color:#c04a00}code{font-size:12px}
pre{background:var(--soft);padding:.7rem;overflow:auto;white-space:pre-wrap;overflow-wrap:anywhere;font-size:13px;max-height:26rem}
mark{background:#0072b222;color:inherit}summary{cursor:pointer;font-weight:600;margin:.4rem 0}
.sample{border-left:3px solid var(--faint);padding-left:.8rem;margin:1rem 0}.note{color:var(--grey);font-size:14px}
.bar{height:4px;background:#0072b2;margin-left:auto}.sides{display:grid;grid-template-columns:1fr 1fr;gap:1rem}.sides>div{min-width:0}
@media(max-width:640px){.sides{grid-template-columns:1fr}}h3{font-size:1rem;margin:.8rem 0 0}
";

/// The whole report, and what a terminal shows of it.
pub(crate) fn html(run: &Run) -> Result<(String, Summary), ReportError> {
    let (mut page, mut summary) = (String::new(), Summary::default());
    let name = escape(&run.lock.name);
    let _ = write!(
        page,
        "<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport content=\"width=device-width\"><title>{name}</title><style>{STYLE}</style><h1>{name}</h1><p class=note>Octo {}, {}, libtorch {}, on {}; seed {}</p>",
        escape(&run.lock.octo),
        escape(&run.lock.engine),
        escape(run.lock.libtorch.as_deref().unwrap_or("unknown")),
        escape(&run.lock.device),
        run.lock.seed
    );
    for section in &sections::ALL {
        let html = (section.html)(run, &mut summary)?;
        if !html.is_empty() {
            let _ = write!(page, "<h2>{}</h2>{html}", section.title);
        }
    }
    page.push_str("</html>\n");
    Ok((page, summary))
}
