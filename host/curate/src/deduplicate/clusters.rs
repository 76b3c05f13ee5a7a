//! The third phase: clusters of documents that pairs connect, and what becomes of each document of one. One unit.
//!
//! Per input of which documents are removed: `RRRRRR.remove`, `.clusters` and `.sizes` as datatrove writes them (indices;
//! indices with the number of the cluster; indices with its size), and `RRRRRR.removed.jsonl`, a [`Removed`] per line.

use std::collections::{BTreeMap, HashMap};
use std::io::Write;
use std::path::{Path, PathBuf};

use octo_data::atomic::AtomicFile;
use octo_data::jsonl::JsonlWriter;
use octo_data::{DataError, digest};
use octo_record::ClusterSizes;
use serde::{Deserialize, Serialize};

use super::marker::Unit;
use super::pairs::{each_pair, found};
use super::signatures::{About, AboutReader, Counts, about, counted};
use super::union::Sets;
use super::{DeduplicateError, Exact, Keep, Meter, Run, unwritable};

/// The phase, as a word.
pub(super) const PHASE: &str = "clusters";
/// Clusters of which documents are shown, and documents of each.
const SHOWN: usize = 50;
const SHOWN_DOCUMENTS: usize = 10;
/// Documents between two looks at the stop flag.
const BETWEEN: u64 = 1 << 16;

/// A document that is removed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Removed {
    /// Its index in its file.
    pub(super) document: u32,
    /// The number of its cluster.
    pub(super) cluster: u32,
    /// Documents of the cluster.
    pub(super) size: u64,
    /// The id of the document that stays.
    pub(super) kept: String,
    /// Whether its text is the same as that of the document that stays.
    pub(super) exact: bool,
}

/// What became of all documents.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Found {
    pub(super) documents: u64,
    pub(super) clusters: u64,
    pub(super) clustered: u64,
    pub(super) sizes: Vec<ClusterSizes>,
    pub(super) largest: Vec<Shown>,
}

/// A cluster of which documents are shown, by file and index; the one that stays is first.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Shown {
    pub(super) cluster: u32,
    pub(super) size: u64,
    pub(super) documents: Vec<(u32, u32)>,
}

/// The file of an input in the folder of this phase.
pub(super) fn file(run: &Run<'_>, rank: usize, ending: &str) -> PathBuf {
    run.work(PHASE).join(format!("{rank:06}.{ending}"))
}

/// Finds the clusters and decides which document of each stays.
///
/// # Errors
/// [`DeduplicateError`].
pub fn clusters(run: &Run<'_>) -> Result<(), DeduplicateError> {
    let counts = counted(run)?;
    let (pairs, input) = found(run, &counts)?;
    let settings = run.all_settings();
    let unit = Unit { name: PHASE.to_owned(), input, settings: &settings };
    let marker = run.work(PHASE).join("done.json");
    if unit.done::<Found>(&marker)?.is_some() {
        return Ok(());
    }
    let folder = run.work(PHASE);
    if folder.exists() {
        std::fs::remove_dir_all(&folder).map_err(|error| DataError::file("remove", &folder, error))?;
    }
    let found = Clustering::of(run, &counts, &pairs)?.write()?;
    Ok(unit.mark(&marker, &found)?)
}

/// What the phase found, where it is done, and the digest that the phase after it is made from.
pub(super) fn done(run: &Run<'_>, counts: &[Counts]) -> Result<(Found, String), DeduplicateError> {
    let (_, input) = found(run, counts)?;
    let settings = run.all_settings();
    let marker = run.work(PHASE).join("done.json");
    let unit = Unit { name: PHASE.to_owned(), input: input.clone(), settings: &settings };
    let found = unit.done::<Found>(&marker)?.ok_or_else(|| DeduplicateError::Unfinished {
        phase: PHASE,
        missing: 1,
        units: 1,
        first: marker.display().to_string(),
    })?;
    Ok((found, digest::of_bytes(format!("{input} {settings}").as_bytes())))
}

/// A cluster of several documents.
struct Cluster {
    number: u32,
    size: u64,
    kept: u64,
    /// Length and digest of the document that stays so far.
    best: (u64, [[u8; 8]; 2]),
    /// What is known of the document that stays, once it was asked for.
    known: Option<(About, String)>,
}

struct Clustering<'a> {
    run: &'a Run<'a>,
    /// The number of each file's first document; after the last, that of all documents.
    first: Vec<u64>,
    sets: Sets,
    /// By root.
    clusters: HashMap<u64, Cluster>,
}

impl<'a> Clustering<'a> {
    fn of(run: &'a Run<'a>, counts: &[Counts], pairs: &[PathBuf]) -> Result<Clustering<'a>, DeduplicateError> {
        let mut first = vec![0];
        let mut total = 0;
        for one in counts {
            total += one.documents;
            first.push(total);
        }
        let mut clustering = Clustering { run, first, sets: Sets::new(total), clusters: HashMap::new() };
        let meter = Meter::new(run, PHASE, pairs.len() as u64 + 2);
        for path in pairs {
            run.may_go_on()?;
            clustering.join(path)?;
            meter.add(0, 1);
        }
        clustering.choose()?;
        meter.add(total, 1);
        Ok(clustering)
    }

    fn join(&mut self, path: &Path) -> Result<(), DeduplicateError> {
        let mut strange = None;
        let (first, sets) = (&self.first, &mut self.sets);
        let node = |file: u32, document: u32| {
            let (begin, end) = (*first.get(file as usize)?, *first.get(file as usize + 1)?);
            Some(begin + u64::from(document)).filter(|node| *node < end)
        };
        each_pair(path, &mut |pair| match (node(pair[0], pair[1]), node(pair[2], pair[3])) {
            (Some(one), Some(other)) => sets.join(one, other),
            _ => strange = Some(pair),
        })?;
        match strange {
            None => Ok(()),
            Some([file, document, other, index]) => {
                let message = format!(
                    "has a pair of documents that are not there ({file}:{document}, {other}:{index}); remove the file and run again"
                );
                Err(DataError::Format { path: path.to_path_buf(), message }.into())
            }
        }
    }

    /// Goes through all documents, in order, of clusters alone where `each` is called.
    fn each(
        run: &Run<'_>,
        first: &[u64],
        sets: &mut Sets,
        each: &mut dyn FnMut(usize, u64, u64, About) -> Result<(), DeduplicateError>,
    ) -> Result<(), DeduplicateError> {
        for (rank, bounds) in first.windows(2).enumerate() {
            let mut about = AboutReader::open(run, rank)?;
            for node in bounds[0]..bounds[1] {
                if node % BETWEEN == 0 {
                    run.may_go_on()?;
                }
                let known = about.next()?;
                let root = sets.root(node);
                if sets.size(root) > 1 {
                    each(rank, node, root, known)?;
                }
            }
        }
        Ok(())
    }

    /// Numbers the clusters by their first documents, and chooses the document of each that stays.
    fn choose(&mut self) -> Result<(), DeduplicateError> {
        let keep = self.run.settings.keep;
        let clusters = &mut self.clusters;
        let mut next: u32 = 0;
        Clustering::each(self.run, &self.first, &mut self.sets, &mut |_, node, root, about| {
            let best = (about.bytes, about.rest);
            let cluster = clusters.entry(root).or_insert_with(|| {
                next = next.saturating_add(1);
                let kept = if keep == Keep::Datatrove { root } else { node };
                Cluster { number: next - 1, size: 0, kept, best, known: None }
            });
            cluster.size += 1;
            let better = best.0 > cluster.best.0 || (best.0 == cluster.best.0 && best.1 < cluster.best.1);
            if keep == Keep::Longest && better {
                (cluster.kept, cluster.best) = (node, best);
            }
            Ok(())
        })?;
        if next == u32::MAX {
            let message = format!("the corpus has more than {} clusters; split it", u32::MAX - 1);
            return Err(DataError::Invalid(message).into());
        }
        Ok(())
    }

    fn write(mut self) -> Result<Found, DeduplicateError> {
        let (run, first) = (self.run, &self.first);
        let mut largest: Vec<(u64, u32)> =
            self.clusters.values().map(|cluster| (cluster.size, cluster.number)).collect();
        largest.sort_unstable_by_key(|(size, number)| (std::cmp::Reverse(*size), *number));
        let sizes = sizes(&largest);
        let clusters = largest.len() as u64;
        largest.truncate(SHOWN);
        let mut shown: BTreeMap<u32, Shown> = largest
            .iter()
            .map(|(size, number)| (*number, Shown { cluster: *number, size: *size, documents: Vec::new() }))
            .collect();
        let mut files: Option<(usize, Files)> = None;
        let place = |node: u64| {
            let rank = first.partition_point(|begin| *begin <= node) - 1;
            (rank, node - first[rank])
        };
        for cluster in self.clusters.values() {
            if let Some(shown) = shown.get_mut(&cluster.number) {
                let (rank, document) = place(cluster.kept);
                shown.documents.push((rank as u32, document as u32));
            }
        }
        let clustered = &mut self.clusters;
        Clustering::each(run, first, &mut self.sets, &mut |rank, node, root, known| {
            let document = (node - first[rank]) as u32;
            let Some(cluster) = clustered.get_mut(&root) else { return Ok(()) };
            if files.as_ref().is_none_or(|(open, _)| *open != rank) {
                files.take().map_or(Ok(()), |(_, files)| files.finish())?;
                files = Some((rank, Files::create(run, rank)?));
            }
            let Some((_, files)) = &mut files else { return Ok(()) };
            files.sizes(document, cluster)?;
            if node == cluster.kept {
                return Ok(());
            }
            if let Some(shown) = shown.get_mut(&cluster.number)
                && shown.documents.len() < SHOWN_DOCUMENTS
            {
                shown.documents.push((rank as u32, document));
            }
            let (kept, id) = match &mut cluster.known {
                Some(known) => known,
                none => {
                    let (rank, document) = place(cluster.kept);
                    none.insert(about(run, rank, document)?)
                }
            };
            let exact = run.settings.exact != Exact::Off && kept.text == known.text;
            let (number, size, kept) = (cluster.number, cluster.size, id.clone());
            Ok(files.removed(&Removed { document, cluster: number, size, kept, exact })?)
        })?;
        files.take().map_or(Ok(()), |(_, files)| files.finish())?;
        let largest = largest.iter().filter_map(|(_, number)| shown.remove(number)).collect();
        let clustered = sizes.iter().map(|sizes| sizes.documents).sum();
        let documents = first.last().copied().unwrap_or(0);
        Ok(Found { documents, clusters, clustered, sizes, largest })
    }
}

/// How many clusters there are by size: of each size up to 8, then of doubling ranges.
fn sizes(clusters: &[(u64, u32)]) -> Vec<ClusterSizes> {
    let mut sizes: BTreeMap<(u64, u64), ClusterSizes> = BTreeMap::new();
    for (size, _) in clusters {
        let (from, to) = match *size {
            0..=8 => (*size, *size),
            _ => (((size - 1) / 2 + 1).next_power_of_two() + 1, size.next_power_of_two()),
        };
        let entry = sizes.entry((from, to)).or_insert(ClusterSizes { from, to, clusters: 0, documents: 0 });
        entry.clusters += 1;
        entry.documents += size;
    }
    sizes.into_values().collect()
}

/// The files of one input.
struct Files {
    remove: AtomicFile,
    clusters: AtomicFile,
    sizes: AtomicFile,
    removed: JsonlWriter,
    any: bool,
}

impl Files {
    fn create(run: &Run<'_>, rank: usize) -> Result<Files, DataError> {
        let create = |ending| AtomicFile::create(&file(run, rank, ending));
        Ok(Files {
            remove: create("remove")?,
            clusters: create("clusters")?,
            sizes: create("sizes")?,
            removed: JsonlWriter::create(&file(run, rank, "removed.jsonl"))?,
            any: false,
        })
    }

    fn sizes(&mut self, document: u32, cluster: &Cluster) -> Result<(), DataError> {
        let size = u32::try_from(cluster.size).unwrap_or(u32::MAX);
        for (file, number) in [(&mut self.clusters, cluster.number), (&mut self.sizes, size)] {
            let pair = [document.to_le_bytes(), number.to_le_bytes()].concat();
            file.write_all(&pair).map_err(|error| unwritable(file.path())(error))?;
        }
        Ok(())
    }

    fn removed(&mut self, removed: &Removed) -> Result<(), DataError> {
        self.any = true;
        let written = self.remove.write_all(&removed.document.to_le_bytes());
        written.map_err(|error| unwritable(self.remove.path())(error))?;
        self.removed.write(removed)
    }

    /// Gives the files their names; datatrove has no `.remove` of a file of which all documents stay.
    fn finish(self) -> Result<(), DataError> {
        if self.any {
            self.remove.commit()?;
        }
        self.clusters.commit()?;
        self.sizes.commit()?;
        self.removed.finish()
    }
}
