//! Defaults of settings that several kinds of stage have.

pub(crate) fn beta1() -> f64 {
    0.9
}
pub(crate) fn epsilon() -> f64 {
    1e-8
}
pub(crate) fn gradient_clip() -> f64 {
    1.0
}
pub(crate) fn skipped_steps_limit() -> u64 {
    5
}
pub(crate) fn threads() -> usize {
    1
}
pub(crate) fn cpu() -> String {
    "cpu".to_owned()
}
