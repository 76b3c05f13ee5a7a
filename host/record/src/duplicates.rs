//! What a `deduplicate` stage found: `clusters.json`.

use serde::{Deserialize, Serialize};

/// `clusters.json`: groups of documents of which one stays.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DuplicateClusters {
    /// Documents read.
    pub documents: u64,
    /// Groups of two documents or more that are duplicates of one another, by way of others too.
    pub clusters: u64,
    /// Documents in them.
    pub clustered: u64,
    /// Documents removed whose text is that of the one that stays.
    pub exact_duplicates: u64,
    /// Other documents removed.
    pub near_duplicates: u64,
    /// How many clusters there are by size, from small to large.
    pub sizes: Vec<ClusterSizes>,
    /// The largest clusters, from large to small, at most 50.
    pub largest: Vec<ClusterExample>,
}

impl DuplicateClusters {
    /// The kind of stage that writes it, as recipes and the lock name it.
    pub const KIND: &str = "deduplicate";
}

/// Clusters of some sizes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClusterSizes {
    /// The least size.
    pub from: u64,
    /// The greatest size.
    pub to: u64,
    /// How many clusters are of these sizes.
    pub clusters: u64,
    /// Documents in them.
    pub documents: u64,
}

/// One cluster to look at.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClusterExample {
    /// Its number, which the field `cluster` of dropped documents has too.
    pub cluster: u64,
    /// Documents in it.
    pub size: u64,
    /// The document that stays, then the first others, at most ten in all.
    pub documents: Vec<ClusterDocument>,
}

/// A document of a cluster.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClusterDocument {
    /// Its id, at most 200 characters of it.
    pub id: String,
    /// Its URL, likewise; absent where it has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// Bytes of its text.
    pub text_bytes: u64,
    /// The first 200 characters of its text.
    pub beginning: String,
}
