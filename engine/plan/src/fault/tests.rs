//! Problems and errors keep what they are on their way through each other.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

use super::*;

#[test]
fn a_problem_comes_out_of_datafusions_walks_as_it_went_in() {
    let problem = SqlProblem::new("no window here", "write one").code(UNSUPPORTED);
    let through: Fault = DataFusionError::from(Fault::from(problem.clone())).into();
    assert!(matches!(&through, Fault::Problem(same) if *same == problem), "{through:?}");
    assert_eq!(through.into_problem("SELECT 1"), problem);
}

#[test]
fn errors_of_others_stay_errors() {
    let plain: Fault = DataFusionError::Plan("no".to_string()).into();
    assert!(matches!(plain, Fault::Plan(DataFusionError::Plan(_))), "{plain:?}");
    let external: Fault = DataFusionError::External("theirs".into()).into();
    assert!(matches!(external, Fault::Plan(DataFusionError::External(_))), "{external:?}");
}
