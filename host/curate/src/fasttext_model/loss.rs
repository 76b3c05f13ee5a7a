//! Probabilities of labels from the mean of a text's rows, as each loss of fastText makes them.

use super::file::Wrong;
use super::matrix::Matrix;

/// Counts of labels add up to less than this: what C++ fastText takes for a count without end.
const ENDLESS: i64 = 1_000_000_000_000_000;

/// How the model was trained.
#[derive(Clone, Copy)]
pub(super) enum Loss {
    HierarchicalSoftmax,
    NegativeSampling,
    Softmax,
    OneVersusAll,
}

impl Loss {
    pub(super) fn of_number(number: i32) -> Result<Loss, Wrong> {
        match number {
            1 => Ok(Loss::HierarchicalSoftmax),
            2 => Ok(Loss::NegativeSampling),
            3 => Ok(Loss::Softmax),
            4 => Ok(Loss::OneVersusAll),
            other => Err(format!("is damaged: {other} is not the number of a loss").into()),
        }
    }
}

pub(super) struct Output {
    matrix: Matrix,
    way: Way,
}

enum Way {
    Softmax,
    /// C++ fastText's table of the logistic function.
    Sigmoid(Vec<f32>),
    /// The children of the inner nodes, which come after the labels; the last one is the root.
    Tree(Vec<(usize, usize)>),
}

impl Output {
    pub(super) fn new(matrix: Matrix, loss: Loss, counts: &[i64]) -> Result<Output, Wrong> {
        let way = match loss {
            Loss::Softmax => Way::Softmax,
            Loss::NegativeSampling | Loss::OneVersusAll => Way::Sigmoid(sigmoid_table()),
            Loss::HierarchicalSoftmax => Way::Tree(huffman(counts)?),
        };
        Ok(Output { matrix, way })
    }

    /// The `top` most probable labels, the most probable first; of equals the first label.
    pub(super) fn best(&self, hidden: &[f32], top: usize, scores: &mut Vec<f32>) -> Vec<(usize, f32)> {
        let mut found = match &self.way {
            Way::Tree(tree) => self.search(tree, hidden, top),
            Way::Softmax => {
                self.products(hidden, scores);
                softmax(scores);
                scores.iter().map(|score| log(*score)).enumerate().collect()
            }
            Way::Sigmoid(table) => {
                self.products(hidden, scores);
                scores.iter().map(|score| log(sigmoid(table, *score))).enumerate().collect()
            }
        };
        let order = |one: &(usize, f32), other: &(usize, f32)| other.1.total_cmp(&one.1).then(one.0.cmp(&other.0));
        if found.len() > top {
            found.select_nth_unstable_by(top - 1, order);
            found.truncate(top);
        }
        found.sort_unstable_by(order);
        let probability = |score| match exp(score) {
            more if more > 1.0 => 1.0,
            other => other,
        };
        found.into_iter().map(|(label, score)| (label, probability(score))).collect()
    }

    fn products(&self, hidden: &[f32], scores: &mut Vec<f32>) {
        scores.clear();
        scores.extend((0..self.matrix.rows()).map(|row| self.matrix.dot(row, hidden)));
    }

    /// `HierarchicalSoftmaxLoss::dfs`, without recursion: a model's tree may be as deep as it has labels.
    fn search(&self, tree: &[(usize, usize)], hidden: &[f32], top: usize) -> Vec<(usize, f32)> {
        let labels = self.matrix.rows();
        let mut found: Vec<(usize, f32)> = Vec::new();
        // The worst of the best `top`, once there are so many.
        let mut least = f32::NEG_INFINITY;
        let mut open = vec![(labels + tree.len() - 1, 0.0)];
        while let Some((node, score)) = open.pop() {
            if score < log(0.0) || score < least {
                continue;
            }
            if node < labels {
                found.push((node, score));
                if found.len() >= top.saturating_mul(2).max(16) {
                    found.select_nth_unstable_by(top - 1, |one, other| other.1.total_cmp(&one.1));
                    found.truncate(top);
                    least = found[top - 1].1;
                }
                continue;
            }
            let (left, right) = tree[node - labels];
            let product = self.matrix.dot(node - labels, hidden);
            let share = (1.0 / f64::from(1.0 + exp(-product))) as f32;
            open.push((right, score + log(share)));
            open.push((left, score + log((1.0 - f64::from(share)) as f32)));
        }
        found
    }
}

/// C++ fastText's `std_log`. In double precision, which every processor rounds alike to single.
fn log(number: f32) -> f32 {
    (f64::from(number) + 1e-5).ln() as f32
}

fn exp(number: f32) -> f32 {
    f64::from(number).exp() as f32
}

fn softmax(scores: &mut [f32]) {
    let most = scores.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let mut sum = 0.0;
    for score in scores.iter_mut() {
        *score = exp(*score - most);
        sum += *score;
    }
    scores.iter_mut().for_each(|score| *score /= sum);
}

fn sigmoid_table() -> Vec<f32> {
    (0..=512).map(|step| (1.0 / (1.0 + (-f64::from(step as f32 * 16.0 / 512.0 - 8.0)).exp())) as f32).collect()
}

fn sigmoid(table: &[f32], number: f32) -> f32 {
    if number < -8.0 {
        0.0
    } else if number > 8.0 {
        1.0
    } else if number.is_nan() {
        number
    } else {
        table[((number + 8.0) * 512.0 / 8.0 / 2.0) as usize]
    }
}

/// The tree that C++ fastText's `HierarchicalSoftmaxLoss::buildTree` makes of the counts of labels.
fn huffman(counts: &[i64]) -> Result<Vec<(usize, usize)>, Wrong> {
    let total = counts
        .iter()
        .try_fold(0i64, |total, count| total.checked_add(*count).filter(|total| *count >= 0 && *total < ENDLESS));
    if total.is_none() {
        return Err("is damaged: the counts of its labels cannot be".into());
    }
    let labels = counts.len();
    let mut tree: Vec<(usize, usize)> = Vec::with_capacity(labels.saturating_sub(1));
    let mut sums = counts.to_vec();
    sums.resize(labels + labels.saturating_sub(1), ENDLESS);
    let (mut leaves, mut node) = (labels, labels);
    for at in labels..sums.len() {
        let mut least = || {
            if leaves > 0 && sums[leaves - 1] < sums[node] {
                leaves -= 1;
                leaves
            } else {
                node += 1;
                node - 1
            }
        };
        let (left, right) = (least(), least());
        sums[at] = sums[left] + sums[right];
        tree.push((left, right));
    }
    Ok(tree)
}
