//! The steps: their order and their names, which stand in logs, fail points and progress records.
#![allow(clippy::unwrap_used, reason = "tests")]

use super::*;

#[test]
fn steps_are_eight_in_order_and_have_names_of_their_own() {
    let names = Step::ALL.map(Step::name);
    assert_eq!(names, ["plan", "read", "decode", "compute", "stage", "commit", "publish", "retire"]);
    for step in Step::ALL {
        assert_eq!(Step::from_name(step.name()), Some(step));
        assert_eq!(serde_json::to_string(&step).unwrap(), format!("\"{}\"", step.name()));
    }
    assert!(Step::ALL.is_sorted());
    assert_eq!(Step::from_name("Plan"), None);
}
