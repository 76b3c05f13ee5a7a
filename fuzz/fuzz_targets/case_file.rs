//! A case is read or refused, whatever its bytes, and what is read is written and read back the same.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let case = match octo_plugin::fuzzing::case(bytes) {
        Ok(case) => case,
        Err(problem) => {
            assert!(!problem.contains(char::is_control), "{problem:?}");
            return;
        }
    };
    let json = case.to_json().expect("what was read can be written");
    let again = octo_plugin::fuzzing::case(&json).expect("what was written can be read");
    // By its bytes: a NaN is no other NaN's equal.
    assert_eq!(again.to_json().expect("JSON"), json);
});
