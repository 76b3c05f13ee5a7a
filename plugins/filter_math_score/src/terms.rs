//! Words of mathematics and of reasoning, in the languages of many pages. Words with another everyday meaning ("set",
//! "group", "function") are left out, since they say nothing alone.

/// What a word tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A term of mathematics.
    Term,
    /// A term that schools teach.
    School,
    /// A term of research, beyond the first years of a university.
    Research,
    /// It poses a problem or reasons.
    Reasoning,
    /// It leads from one step to the next, and so reasons too.
    Leading,
}

/// Words by kind, parted by blanks; each is followed in the numbering by those of the next list.
const WORDS: [(Kind, &str); 5] = [
    (
        Kind::Term,
        "theorem lemma corollary proof axiom conjecture polynomial matrix matrices determinant eigenvalue eigenvector \
         derivative differentiable integral integrate integration differential calculus convergence converges logarithm \
         exponential trigonometric sine cosine tangent vector scalar variance covariance probability probabilities binomial \
         gaussian permutation combinatorics factorial modulo congruence bijection injective surjective cardinality \
         asymptotic recurrence recursion inequality inequalities convex monotonic continuity hyperbola ellipse tensor \
         orthogonal theta sigma epsilon lambda infinity infinitesimal mathematics mathematical mathematician algorithm \
         mathematik satz beweis ableitung integralrechnung wahrscheinlichkeit vektor théorème démonstration dérivée \
         intégrale probabilité matrice vecteur teorema demostración derivada probabilidad matriz теорема доказательство \
         производная интеграл матрица вектор вероятность",
    ),
    (
        Kind::School,
        "equation equations algebra algebraic geometry arithmetic fraction fractions numerator denominator quadratic \
         coefficient triangle triangles rectangle circle radius diameter circumference perimeter hypotenuse angle angles \
         slope intercept percent percentage ratio average median multiply multiplied divide divided multiplication \
         division subtract addition sum digit digits decimal integer integers prime primes divisor multiple exponent \
         square root cube math maths homework gleichung bruch dreieck winkel équation ecuación triángulo \
         уравнение треугольник угол",
    ),
    (
        Kind::Research,
        "cohomology homology functor sheaf sheaves manifold manifolds riemannian topos hilbert banach sobolev \
         diffeomorphism homeomorphism homotopy lagrangian hamiltonian ergodic martingale semigroup automorphism \
         noetherian étale adjoint spectrum lebesgue measurable symplectic arxiv",
    ),
    (
        Kind::Reasoning,
        "solve solving solved solution solutions find prove show calculate compute determine evaluate suppose assume let \
         given answer exercise exercises problem problems question example examples simplify verify many much why löse \
         lösung berechne beispiel aufgabe résoudre exemple exercice calculer resolver ejemplo ejercicio найти решение \
         пример задача",
    ),
    (
        Kind::Leading,
        "therefore hence thus so then because since implies follows substituting substitute simplifying gives yields get \
         obtain obtain we step first next finally consequently daher folglich donc alors puis luego entonces \
         следовательно тогда",
    ),
];

/// Terms of Chinese and Japanese, which stand within longer pieces.
const WITHIN: [(Kind, &str); 5] = [
    (Kind::Term, "定理 证明 矩阵 积分 微分 导数 概率 多项式 向量 引理 同余 数学 复杂度 定義 証明 行列 確率 関数"),
    (Kind::School, "方程 三角 分数 整数 质数 素数 平方 几何 代数 面积 因数 倍数 方程式"),
    (Kind::Research, "同调 流形 函子"),
    (Kind::Reasoning, "求 设 假设 例题 习题 问题 解法 答案 考虑 例 問題"),
    (Kind::Leading, "所以 因此 于是 故 则 可得 即 由于 因为 从而 よって したがって"),
];

/// How many words there are, with repeats.
pub const COUNT: usize = count(&WORDS) + count(&WITHIN);

const fn count(lists: &[(Kind, &str); 5]) -> usize {
    let mut all = 0;
    let mut list = 0;
    while list < lists.len() {
        let bytes = lists[list].1.as_bytes();
        let mut at = 0;
        while at < bytes.len() {
            all += (bytes[at] != b' ' && (at == 0 || bytes[at - 1] == b' ')) as usize;
            at += 1;
        }
        list += 1;
    }
    all
}

fn numbered(lists: &'static [(Kind, &'static str); 5]) -> impl Iterator<Item = (Kind, &'static str)> {
    lists.iter().flat_map(|(kind, words)| words.split(' ').filter(|word| !word.is_empty()).map(|word| (*kind, word)))
}

/// Words by text, for `find`.
fn table() -> &'static std::collections::HashMap<&'static str, usize> {
    static TABLE: std::sync::OnceLock<std::collections::HashMap<&'static str, usize>> = std::sync::OnceLock::new();
    // Of a word that stands in two lists, the first counts.
    TABLE.get_or_init(|| {
        let mut table = std::collections::HashMap::new();
        for (number, (_, word)) in numbered(&WORDS).enumerate() {
            table.entry(word).or_insert(number);
        }
        table
    })
}

/// The number of a word in small letters, or of its singular.
pub fn find(word: &str) -> Option<usize> {
    let table = table();
    table.get(word).or_else(|| word.strip_suffix('s').and_then(|singular| table.get(singular))).copied()
}

/// The numbers of the words that occur in a piece of Chinese or Japanese, each once.
pub fn within(piece: &str) -> Vec<usize> {
    let start = count(&WORDS);
    let has = |(_, (_, word)): &(usize, (Kind, &str))| piece.contains(word);
    numbered(&WITHIN).enumerate().filter(has).map(|(number, _)| start + number).collect()
}

/// What the word of a number tells.
pub fn kind(number: usize) -> Kind {
    static KINDS: std::sync::OnceLock<Vec<Kind>> = std::sync::OnceLock::new();
    let kinds = KINDS.get_or_init(|| numbered(&WORDS).chain(numbered(&WITHIN)).map(|(kind, _)| kind).collect());
    kinds.get(number).copied().unwrap_or(Kind::Reasoning)
}

/// The kinds of the words that were seen.
pub fn kinds_of(seen: &[bool]) -> impl Iterator<Item = Kind> {
    seen.iter().enumerate().filter(|(_, seen)| **seen).map(|(number, _)| kind(number))
}
