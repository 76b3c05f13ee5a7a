//! Signs of mathematics and their LaTeX commands.

/// The command of a sign; `None` where the sign is written as itself.
pub fn latex(sign: char) -> Option<&'static str> {
    SIGNS.binary_search_by_key(&sign, |(held, _)| *held).ok().map(|place| SIGNS[place].1)
}

/// Whether a word is a function that LaTeX has a command for.
pub fn is_function(word: &str) -> bool {
    FUNCTIONS.contains(&word)
}

const FUNCTIONS: [&str; 37] = [
    "arccos", "arcsin", "arctan", "arg", "cos", "cosh", "cot", "coth", "csc", "deg", "det", "dim", "exp", "gcd", "hom",
    "inf", "ker", "lg", "lim", "liminf", "limsup", "ln", "log", "max", "min", "mod", "Pr", "sec", "sin", "sinh", "sup",
    "tan", "tanh", "sgn", "lcm", "argmax", "argmin",
];

/// A letter of the alphabets that Unicode keeps for mathematics, as its face and the plain letter; an italic one has none.
pub fn plain_letter(sign: char) -> Option<(&'static str, char)> {
    let code = sign as u32;
    if !(0x1d400..=0x1d7ff).contains(&code) {
        return None;
    }
    let latin = code - 0x1d400;
    if latin < 13 * 52 {
        let faces = [
            "mathbf", "", "mathbf", "mathcal", "mathcal", "mathfrak", "mathbb", "mathfrak", "mathsf", "mathsf",
            "mathsf", "mathsf", "mathtt",
        ];
        let place = latin % 52;
        let letter = if place < 26 { b'A' + place as u8 } else { b'a' + (place - 26) as u8 };
        return Some((faces[(latin / 52) as usize], char::from(letter)));
    }
    if code >= 0x1d7ce {
        let digit = (code - 0x1d7ce) % 10;
        return Some(("mathbf", char::from_digit(digit, 10)?));
    }
    None
}

/// A text of signs as LaTeX, for formulas of which only the picture is left.
pub fn spelled(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for sign in text.split_whitespace().collect::<Vec<_>>().join(" ").chars() {
        match (latex(sign), plain_letter(sign)) {
            (Some(command), _) => out.push_str(command),
            (None, Some((_, letter))) => out.push(letter),
            (None, None) => out.push(sign),
        }
    }
    out.trim().to_owned()
}

/// Sorted by sign.
const SIGNS: &[(char, &str)] = &[
    ('\u{a0}', "\\ "),
    ('¬', "\\neg "),
    ('°', "^{\\circ}"),
    ('±', "\\pm "),
    ('·', "\\cdot "),
    ('×', "\\times "),
    ('÷', "\\div "),
    ('ı', "\\imath "),
    ('ȷ', "\\jmath "),
    ('Γ', "\\Gamma "),
    ('Δ', "\\Delta "),
    ('Θ', "\\Theta "),
    ('Λ', "\\Lambda "),
    ('Ξ', "\\Xi "),
    ('Π', "\\Pi "),
    ('Σ', "\\Sigma "),
    ('Υ', "\\Upsilon "),
    ('Φ', "\\Phi "),
    ('Ψ', "\\Psi "),
    ('Ω', "\\Omega "),
    ('α', "\\alpha "),
    ('β', "\\beta "),
    ('γ', "\\gamma "),
    ('δ', "\\delta "),
    ('ε', "\\varepsilon "),
    ('ζ', "\\zeta "),
    ('η', "\\eta "),
    ('θ', "\\theta "),
    ('ι', "\\iota "),
    ('κ', "\\kappa "),
    ('λ', "\\lambda "),
    ('μ', "\\mu "),
    ('ν', "\\nu "),
    ('ξ', "\\xi "),
    ('π', "\\pi "),
    ('ρ', "\\rho "),
    ('ς', "\\varsigma "),
    ('σ', "\\sigma "),
    ('τ', "\\tau "),
    ('υ', "\\upsilon "),
    ('φ', "\\varphi "),
    ('χ', "\\chi "),
    ('ψ', "\\psi "),
    ('ω', "\\omega "),
    ('ϑ', "\\vartheta "),
    ('ϕ', "\\phi "),
    ('ϖ', "\\varpi "),
    ('ϱ', "\\varrho "),
    ('ϵ', "\\epsilon "),
    ('\u{2009}', "\\,"),
    ('‖', "\\|"),
    ('†', "\\dagger "),
    ('‡', "\\ddagger "),
    ('•', "\\bullet "),
    ('…', "\\ldots "),
    ('′', "'"),
    ('″', "''"),
    ('ℂ', "\\mathbb{C}"),
    ('ℋ', "\\mathcal{H}"),
    ('ℏ', "\\hbar "),
    ('ℑ', "\\Im "),
    ('ℒ', "\\mathcal{L}"),
    ('ℓ', "\\ell "),
    ('ℕ', "\\mathbb{N}"),
    ('℘', "\\wp "),
    ('ℙ', "\\mathbb{P}"),
    ('ℚ', "\\mathbb{Q}"),
    ('ℜ', "\\Re "),
    ('ℝ', "\\mathbb{R}"),
    ('ℤ', "\\mathbb{Z}"),
    ('ℱ', "\\mathcal{F}"),
    ('ℵ', "\\aleph "),
    ('←', "\\leftarrow "),
    ('↑', "\\uparrow "),
    ('→', "\\to "),
    ('↓', "\\downarrow "),
    ('↔', "\\leftrightarrow "),
    ('↦', "\\mapsto "),
    ('↪', "\\hookrightarrow "),
    ('⇌', "\\rightleftharpoons "),
    ('⇐', "\\Leftarrow "),
    ('⇒', "\\Rightarrow "),
    ('⇔', "\\Leftrightarrow "),
    ('∀', "\\forall "),
    ('∂', "\\partial "),
    ('∃', "\\exists "),
    ('∄', "\\nexists "),
    ('∅', "\\emptyset "),
    ('∆', "\\Delta "),
    ('∇', "\\nabla "),
    ('∈', "\\in "),
    ('∉', "\\notin "),
    ('∋', "\\ni "),
    ('∏', "\\prod "),
    ('∐', "\\coprod "),
    ('∑', "\\sum "),
    ('−', "-"),
    ('∓', "\\mp "),
    ('∖', "\\setminus "),
    ('∗', "*"),
    ('∘', "\\circ "),
    ('√', "\\sqrt "),
    ('∝', "\\propto "),
    ('∞', "\\infty "),
    ('∠', "\\angle "),
    ('∣', "\\mid "),
    ('∥', "\\parallel "),
    ('∧', "\\wedge "),
    ('∨', "\\vee "),
    ('∩', "\\cap "),
    ('∪', "\\cup "),
    ('∫', "\\int "),
    ('∬', "\\iint "),
    ('∭', "\\iiint "),
    ('∮', "\\oint "),
    ('∴', "\\therefore "),
    ('∵', "\\because "),
    ('∼', "\\sim "),
    ('≃', "\\simeq "),
    ('≅', "\\cong "),
    ('≈', "\\approx "),
    ('≔', ":="),
    ('≠', "\\neq "),
    ('≡', "\\equiv "),
    ('≤', "\\leq "),
    ('≥', "\\geq "),
    ('≪', "\\ll "),
    ('≫', "\\gg "),
    ('≺', "\\prec "),
    ('≻', "\\succ "),
    ('⊂', "\\subset "),
    ('⊃', "\\supset "),
    ('⊄', "\\not\\subset "),
    ('⊆', "\\subseteq "),
    ('⊇', "\\supseteq "),
    ('⊕', "\\oplus "),
    ('⊗', "\\otimes "),
    ('⊢', "\\vdash "),
    ('⊤', "\\top "),
    ('⊥', "\\bot "),
    ('⊨', "\\models "),
    ('⋀', "\\bigwedge "),
    ('⋁', "\\bigvee "),
    ('⋂', "\\bigcap "),
    ('⋃', "\\bigcup "),
    ('⋅', "\\cdot "),
    ('⋆', "\\star "),
    ('⋮', "\\vdots "),
    ('⋯', "\\cdots "),
    ('⋱', "\\ddots "),
    ('⌈', "\\lceil "),
    ('⌉', "\\rceil "),
    ('⌊', "\\lfloor "),
    ('⌋', "\\rfloor "),
    ('⟨', "\\langle "),
    ('⟩', "\\rangle "),
    ('⟶', "\\longrightarrow "),
    ('⟹', "\\Longrightarrow "),
    ('⟺', "\\iff "),
    ('⨁', "\\bigoplus "),
    ('⨂', "\\bigotimes "),
    ('⩽', "\\leqslant "),
    ('⩾', "\\geqslant "),
];

#[cfg(test)]
mod tests {
    #[test]
    fn signs_are_sorted() {
        assert!(super::SIGNS.windows(2).all(|pair| pair[0].0 < pair[1].0));
    }
}
