//! The words of the grammar, and what LaTeX commands and plain names mean.

use crate::expression::{Constant, Function, Rational, Relation};

/// One token.
#[derive(Debug, Clone, PartialEq)]
pub struct Token {
    /// What it is.
    pub kind: Kind,
    /// Whether white space (or a LaTeX space) came before it.
    pub spaced: bool,
}

/// What a token is.
#[derive(Debug, Clone, PartialEq)]
pub enum Kind {
    /// A literal number: its value, the digits after its point, and its digits where it is a plain integer.
    Number(Rational, Option<u32>, Option<String>),
    /// A variable.
    Symbol(String),
    /// Words.
    Text(String),
    /// A known function.
    Function(Function),
    /// `\log`, whose base may follow as a subscript.
    Logarithm,
    /// `\lg`, the logarithm to base ten.
    CommonLogarithm,
    /// A named number.
    Constant(Constant),
    /// `+`
    Plus,
    /// `-`
    Minus,
    /// `±`, or `∓` where set.
    PlusMinus(bool),
    /// `·`, `×`, `*`
    Times,
    /// `/`, `÷`
    Divide,
    /// `\over`
    Over,
    /// `\choose`
    Choose,
    /// `^`
    Caret,
    /// `_`
    Underscore,
    /// `!`
    Bang,
    /// `,`
    Comma,
    /// `;`
    Semicolon,
    /// `:`
    Colon,
    /// "and"
    And,
    /// "or"
    Or,
    /// `|`, either side.
    Bar,
    /// An opening bracket.
    Open(Delimiter),
    /// A closing bracket.
    Close(Delimiter),
    /// A relation.
    Relation(Relation),
    /// `∪`
    Union,
    /// `∩`
    Intersection,
    /// `∖`
    SetMinus,
    /// `∅`
    EmptySet,
    /// The binary operation "mod".
    Mod,
    /// `\pmod`, an annotation.
    ModAnnotation,
    /// `\frac`
    Fraction,
    /// `\sqrt`
    Root,
    /// `\binom`
    Binomial,
    /// `%`
    Percent,
    /// `°`
    Degree,
    /// A prime mark.
    Prime,
    /// An ellipsis.
    Dots,
    /// A line above: repeating digits, or part of a name.
    Overline,
    /// `\begin{...}`
    Begin(String),
    /// `\end{...}`
    End(String),
    /// `\\`
    RowBreak,
    /// `&`
    Ampersand,
    /// `cis`, the cosine and the sine times the imaginary unit.
    Cis,
    /// A sum, product, integral or limit sign.
    Big(&'static str),
}

/// A kind of bracket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Delimiter {
    /// `( )`
    Round,
    /// `[ ]`
    Square,
    /// `\{ \}`
    Brace,
    /// LaTeX grouping.
    Group,
    /// `⌊ ⌋`
    Floor,
    /// `⌈ ⌉`
    Ceiling,
    /// `⟨ ⟩`
    Angle,
    /// `\lvert \rvert`
    Bars,
}

/// A function by its name, with or without a backslash in front.
pub fn function(name: &str) -> Option<Kind> {
    use Function::*;
    Some(Kind::Function(match name {
        "sin" => Sine,
        "cos" => Cosine,
        "tan" | "tg" => Tangent,
        "cot" | "ctg" | "cotan" => Cotangent,
        "sec" => Secant,
        "csc" | "cosec" => Cosecant,
        "arcsin" | "asin" => ArcSine,
        "arccos" | "acos" => ArcCosine,
        "arctan" | "atan" | "arctg" => ArcTangent,
        "sinh" => HyperbolicSine,
        "cosh" => HyperbolicCosine,
        "tanh" => HyperbolicTangent,
        "arcsinh" | "arsinh" | "asinh" => ArcHyperbolicSine,
        "arccosh" | "arcosh" | "acosh" => ArcHyperbolicCosine,
        "arctanh" | "artanh" | "atanh" => ArcHyperbolicTangent,
        "exp" => Exponential,
        "floor" => Floor,
        "ceil" => Ceiling,
        "gcd" => GreatestCommonDivisor,
        "lcm" => LeastCommonMultiple,
        "max" => Maximum,
        "min" => Minimum,
        "abs" => Absolute,
        "ln" | "log" => return Some(Kind::Logarithm),
        "lg" => return Some(Kind::CommonLogarithm),
        "sqrt" => return Some(Kind::Root),
        "cbrt" => return None,
        "mod" => return Some(Kind::Mod),
        "cis" => return Some(Kind::Cis),
        _ => return None,
    }))
}

/// A LaTeX command that stands for itself, such as `\alpha` or `\cdot`.
pub fn command(name: &str) -> Option<Kind> {
    if let Some(kind) = function(name) {
        return Some(kind);
    }
    Some(match name {
        "frac" | "dfrac" | "tfrac" | "cfrac" | "nicefrac" | "sfrac" | "xfrac" | "flatfrac" => Kind::Fraction,
        "binom" | "dbinom" | "tbinom" => Kind::Binomial,
        "choose" => Kind::Choose,
        "over" => Kind::Over,
        "cdot" | "times" | "ast" | "cdotp" => Kind::Times,
        "div" | "slash" => Kind::Divide,
        "pm" => Kind::PlusMinus(false),
        "mp" => Kind::PlusMinus(true),
        "imath" => Kind::Constant(Constant::I),
        "jmath" => Kind::Symbol("j".into()),
        "pi" => Kind::Constant(Constant::Pi),
        "infty" => Kind::Constant(Constant::Infinity),
        "exponentialE" | "eu" => Kind::Constant(Constant::E),
        "imaginaryI" | "imaginaryJ" => Kind::Constant(Constant::I),
        "lt" => Kind::Relation(Relation::Less),
        "gt" => Kind::Relation(Relation::Greater),
        "le" | "leq" | "leqslant" | "leqq" => Kind::Relation(Relation::LessOrEqual),
        "ge" | "geq" | "geqslant" | "geqq" => Kind::Relation(Relation::GreaterOrEqual),
        "ne" | "neq" => Kind::Relation(Relation::NotEqual),
        "approx" | "simeq" | "approxeq" | "thickapprox" | "sim" | "doteq" => Kind::Relation(Relation::Approximately),
        "equiv" | "cong" => Kind::Relation(Relation::Congruent),
        "in" => Kind::Relation(Relation::In),
        "to" | "rightarrow" | "Rightarrow" | "longrightarrow" | "implies" | "mapsto" | "Longrightarrow" => {
            Kind::Relation(Relation::Arrow)
        }
        "cup" | "bigcup" | "cupdot" | "sqcup" => Kind::Union,
        "cap" | "bigcap" => Kind::Intersection,
        "setminus" | "backslash" | "smallsetminus" => Kind::SetMinus,
        "emptyset" | "varnothing" => Kind::EmptySet,
        "bmod" => Kind::Mod,
        "pmod" | "pod" => Kind::ModAnnotation,
        "mid" | "vert" | "Vert" => Kind::Bar,
        "lvert" => Kind::Open(Delimiter::Bars),
        "rvert" => Kind::Close(Delimiter::Bars),
        "lfloor" | "llcorner" => Kind::Open(Delimiter::Floor),
        "rfloor" | "lrcorner" => Kind::Close(Delimiter::Floor),
        "lceil" | "ulcorner" => Kind::Open(Delimiter::Ceiling),
        "rceil" | "urcorner" => Kind::Close(Delimiter::Ceiling),
        "langle" => Kind::Open(Delimiter::Angle),
        "rangle" => Kind::Close(Delimiter::Angle),
        "lbrace" => Kind::Open(Delimiter::Brace),
        "rbrace" => Kind::Close(Delimiter::Brace),
        "lbrack" => Kind::Open(Delimiter::Square),
        "rbrack" => Kind::Close(Delimiter::Square),
        "lgroup" | "lparen" => Kind::Open(Delimiter::Round),
        "rgroup" | "rparen" => Kind::Close(Delimiter::Round),
        "circ" | "degree" | "degrees" => Kind::Degree,
        "prime" => Kind::Prime,
        "dots" | "ldots" | "cdots" | "dotsc" | "dotsb" | "vdots" | "ddots" => Kind::Dots,
        "overline" | "bar" => Kind::Overline,
        "land" | "wedge" => Kind::And,
        "lor" | "vee" => Kind::Or,
        "sum" => Kind::Big("sum"),
        "prod" => Kind::Big("prod"),
        "int" | "iint" | "oint" => Kind::Big("int"),
        "lim" => Kind::Big("lim"),
        "colon" => Kind::Colon,
        "alpha" | "beta" | "gamma" | "delta" | "epsilon" | "varepsilon" | "zeta" | "eta" | "theta" | "vartheta"
        | "iota" | "kappa" | "lambda" | "mu" | "nu" | "xi" | "rho" | "varrho" | "sigma" | "tau" | "upsilon" | "phi"
        | "varphi" | "chi" | "psi" | "omega" | "Gamma" | "Delta" | "Theta" | "Lambda" | "Xi" | "Pi" | "Sigma"
        | "Upsilon" | "Phi" | "Psi" | "Omega" | "ell" | "hbar" | "partial" | "nabla" | "mho" | "aleph" | "triangle"
        | "angle" | "square" | "star" | "bigcirc" | "diamond" | "top" | "intercal" => Kind::Symbol(name.to_string()),
        _ => return None,
    })
}

/// A LaTeX command that changes nothing but the look.
pub fn is_decoration(name: &str) -> bool {
    matches!(
        name,
        "mleft"
            | "mright"
            | "middle"
            | "big"
            | "Big"
            | "bigg"
            | "Bigg"
            | "bigl"
            | "bigr"
            | "Bigl"
            | "Bigr"
            | "biggl"
            | "biggr"
            | "Biggl"
            | "Biggr"
            | "tiny"
            | "scriptsize"
            | "footnotesize"
            | "small"
            | "normalsize"
            | "large"
            | "Large"
            | "LARGE"
            | "huge"
            | "Huge"
            | "therefore"
            | "because"
            | "blacksquare"
            | "qed"
            | "qedsymbol"
            | "Box"
            | "checkmark"
            | "displaystyle"
            | "textstyle"
            | "scriptstyle"
            | "limits"
            | "nolimits"
            | "boxed"
            | "fbox"
            | "rm"
            | "it"
            | "bf"
            | "sf"
            | "hline"
            | "vec"
            | "hat"
            | "widehat"
            | "tilde"
            | "overrightarrow"
            | "underbrace"
            | "mathstrut"
            | "strut"
            | "nonumber"
            | "notag"
            | "pounds"
            | "euro"
            | "yen"
            | "mathopen"
            | "mathclose"
            | "mathord"
            | "variable"
            | "label"
            | "ensuremath"
            | "phantom"
            | "left"
            | "right"
    )
}

/// A LaTeX command that is white space.
pub fn is_space(name: &str) -> bool {
    matches!(name, "quad" | "qquad" | "enspace" | "thinspace" | "medspace" | "thickspace" | "space" | "hfill")
}

/// A LaTeX command whose argument is set in another face: words, or a name.
pub fn is_face(name: &str) -> bool {
    matches!(
        name,
        "text"
            | "mbox"
            | "hbox"
            | "textbf"
            | "textit"
            | "textrm"
            | "textnormal"
            | "texttt"
            | "textsc"
            | "textup"
            | "textsf"
            | "emph"
            | "underline"
            | "mathrm"
            | "mathbf"
            | "mathit"
            | "mathsf"
            | "mathcal"
            | "mathbb"
            | "mathfrak"
            | "mathscr"
            | "operatorname"
            | "bold"
            | "boldsymbol"
            | "bm"
            | "tag"
    )
}

/// A character outside ASCII, or `None` where it means nothing here.
pub fn unicode(character: char) -> Option<Kind> {
    Some(match character {
        'π' | '𝜋' | 'П' => Kind::Constant(Constant::Pi),
        '∞' => Kind::Constant(Constant::Infinity),
        '×' | '·' | '⋅' | '∗' | '✕' => Kind::Times,
        '÷' | '∕' | '⁄' => Kind::Divide,
        '−' | '–' | '—' | '﹣' | '－' => Kind::Minus,
        '＋' => Kind::Plus,
        '±' => Kind::PlusMinus(false),
        '∓' => Kind::PlusMinus(true),
        '≤' | '⩽' | '≦' => Kind::Relation(Relation::LessOrEqual),
        '≥' | '⩾' | '≧' => Kind::Relation(Relation::GreaterOrEqual),
        '≠' => Kind::Relation(Relation::NotEqual),
        '≈' | '≃' => Kind::Relation(Relation::Approximately),
        '≡' => Kind::Relation(Relation::Congruent),
        '＝' => Kind::Relation(Relation::Equal),
        '＜' => Kind::Relation(Relation::Less),
        '＞' => Kind::Relation(Relation::Greater),
        '∈' => Kind::Relation(Relation::In),
        '→' | '⇒' | '⟹' => Kind::Relation(Relation::Arrow),
        '∪' => Kind::Union,
        '∩' => Kind::Intersection,
        '∖' => Kind::SetMinus,
        '∅' => Kind::EmptySet,
        '°' | '˚' | '∘' => Kind::Degree,
        '′' | '’' => Kind::Prime,
        '…' | '⋯' => Kind::Dots,
        '√' => Kind::Root,
        '①'..='⑳' => Kind::Number(Rational::integer(character as i64 - '①' as i64 + 1), None, None),
        '（' => Kind::Open(Delimiter::Round),
        '）' => Kind::Close(Delimiter::Round),
        '【' => Kind::Open(Delimiter::Square),
        '】' => Kind::Close(Delimiter::Square),
        '⟨' | '〈' => Kind::Open(Delimiter::Angle),
        '⟩' | '〉' => Kind::Close(Delimiter::Angle),
        '⌊' => Kind::Open(Delimiter::Floor),
        '⌋' => Kind::Close(Delimiter::Floor),
        '⌈' => Kind::Open(Delimiter::Ceiling),
        '⌉' => Kind::Close(Delimiter::Ceiling),
        '，' | '、' => Kind::Comma,
        '；' => Kind::Semicolon,
        '：' | '∶' => Kind::Colon,
        '％' => Kind::Percent,
        '∧' => Kind::And,
        '∨' => Kind::Or,
        '∑' => Kind::Big("sum"),
        '∏' => Kind::Big("prod"),
        '∫' => Kind::Big("int"),
        '⋃' => Kind::Union,
        '⋂' => Kind::Intersection,
        '¢' => Kind::Text("cents".into()),
        'ℝ' | 'ℕ' | 'ℤ' | 'ℚ' | 'ℂ' => Kind::Symbol(character.to_string()),
        'α' => Kind::Symbol("alpha".into()),
        'β' => Kind::Symbol("beta".into()),
        'γ' => Kind::Symbol("gamma".into()),
        'δ' => Kind::Symbol("delta".into()),
        'ε' => Kind::Symbol("epsilon".into()),
        'θ' => Kind::Symbol("theta".into()),
        'λ' => Kind::Symbol("lambda".into()),
        'μ' => Kind::Symbol("mu".into()),
        'ρ' => Kind::Symbol("rho".into()),
        'σ' => Kind::Symbol("sigma".into()),
        'τ' => Kind::Symbol("tau".into()),
        'φ' => Kind::Symbol("phi".into()),
        'η' => Kind::Symbol("eta".into()),
        'ξ' => Kind::Symbol("xi".into()),
        'χ' => Kind::Symbol("chi".into()),
        'ψ' => Kind::Symbol("psi".into()),
        'κ' => Kind::Symbol("kappa".into()),
        'ν' => Kind::Symbol("nu".into()),
        'ζ' => Kind::Symbol("zeta".into()),
        'Φ' => Kind::Symbol("Phi".into()),
        'ϕ' => Kind::Symbol("phi".into()),
        'Γ' => Kind::Symbol("Gamma".into()),
        'Θ' => Kind::Symbol("Theta".into()),
        'Λ' => Kind::Symbol("Lambda".into()),
        'ω' => Kind::Symbol("omega".into()),
        'Δ' => Kind::Symbol("Delta".into()),
        'Ω' => Kind::Symbol("Omega".into()),
        _ => return None,
    })
}
