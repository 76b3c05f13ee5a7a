//! Union-find over the documents of a corpus, in eight bytes a document.
//!
//! The tree is datatrove's: the root of the greater set stays root, and of two equal ones that of the first document of
//! the pair. Which document is a cluster's root depends on the order of pairs; which documents are together does not.

/// Marks a root; the other bits of it are the size of its set, and of any other document its parent.
const ROOT: u64 = 1 << 63;

/// Sets of documents, by their numbers.
pub(super) struct Sets {
    nodes: Vec<u64>,
}

impl Sets {
    /// Every document by itself.
    pub(super) fn new(documents: u64) -> Sets {
        Sets { nodes: vec![ROOT | 1; documents as usize] }
    }

    /// The root of the set of `node`. Halves the way to it.
    pub(super) fn root(&mut self, mut node: u64) -> u64 {
        loop {
            let parent = self.nodes[node as usize];
            if parent & ROOT != 0 {
                return node;
            }
            let above = self.nodes[parent as usize];
            if above & ROOT != 0 {
                return parent;
            }
            self.nodes[node as usize] = above;
            node = above;
        }
    }

    /// How many documents are in the set whose root `root` is.
    pub(super) fn size(&self, root: u64) -> u64 {
        self.nodes[root as usize] & !ROOT
    }

    /// Puts the sets of `first` and `second` together.
    pub(super) fn join(&mut self, first: u64, second: u64) {
        let (first, second) = (self.root(first), self.root(second));
        if first != second {
            let (one, other) = (self.size(first), self.size(second));
            let (root, child) = if one < other { (second, first) } else { (first, second) };
            self.nodes[root as usize] = ROOT | (one + other);
            self.nodes[child as usize] = root;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_root_is_that_of_the_greater_set_or_else_of_the_first() {
        let mut sets = Sets::new(6);
        sets.join(4, 1);
        assert_eq!((sets.root(1), sets.size(4)), (4, 2));
        sets.join(0, 1);
        assert_eq!((sets.root(0), sets.size(4)), (4, 3));
        sets.join(2, 3);
        sets.join(5, 5);
        sets.join(3, 0);
        assert_eq!((0..6).map(|node| sets.root(node)).collect::<Vec<_>>(), [4, 4, 4, 4, 4, 5]);
        assert_eq!((sets.size(4), sets.size(5)), (5, 1));
    }
}
