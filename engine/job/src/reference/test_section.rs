//! The keys of tests.

use super::key::Key;
use super::key::Part::{Test, TestState, TestStep};
use super::key::Without::{Default, Means, Required};

/// All of them.
pub(super) const KEYS: &[Key] = &[
    Key::new(
        Test,
        "name",
        "string",
        Required,
        "What the test is about. No other test has the same.",
        "name = \"late rows are left out\"",
    ),
    Key::new(
        Test,
        "step",
        "list of sections",
        Means("`expect_error` must be there"),
        "The steps, in order.",
        "[[test.step]]\ninput.events = [{ user_id = \"ann\" }]",
    ),
    Key::new(
        Test,
        "expect_error",
        "string",
        Means("the job must be accepted"),
        "The job must be refused before its first epoch, by a message that holds this text.",
        "expect_error = \"no watermark\"",
    ),
    Key::new(
        TestStep,
        "restart",
        "true or false",
        Default("false"),
        "`true`: the engine is stopped and started again from its checkpoint before anything else of the step.",
        "restart = true",
    ),
    Key::new(
        TestStep,
        "time",
        "time",
        Means("as in the step before; at first 2026-01-01T00:00:00Z"),
        "`current_timestamp` of the epochs from here on.",
        "time = \"2026-01-01T00:00:00Z\"",
    ),
    Key::new(
        TestStep,
        "static",
        "section of lists",
        Means("as in the step before; at first without rows"),
        "Static tables hold these rows from here on, whatever lies at their `path`. A row is its columns, by their names in \
         the file (the `field` of a column); without a schema their types are what they look like.",
        "static.products = [{ product_id = \"p1\", name = \"lamp\" }]",
    ),
    Key::new(
        TestStep,
        "input",
        "section of lists",
        Means("nothing arrives"),
        "The records that arrive, by source. A record is its fields, by their names in the record (the `field` of a \
         column), or text in quotes: the value as it lies in the topic, valid or not. `{}` stands for null. Records go to \
         partition 0 and are dated by the step's `time`, unless they say otherwise: `_partition = 1`, `_key = \"…\"`, \
         `_timestamp = \"…\"` beside the fields; `_value = \"…\"` is text in place of them.",
        "input.events = [{ user_id = \"ann\" }, { user_id = \"bob\", _partition = 1 }, 'no { JSON']",
    ),
    Key::new(
        TestStep,
        "empty_epoch",
        "true or false",
        Default("false"),
        "`true`: an epoch runs even if nothing arrives and no watermark moved.",
        "empty_epoch = true",
    ),
    Key::new(
        TestStep,
        "kill",
        "\"before STEP\" or \"after STEP\"",
        Means("nothing is killed"),
        "The first epoch of the step is killed there, and the engine started again, which finishes it. STEP is one of \
         plan, read, decode, compute, stage, commit, publish and retire. What is expected must be so all the same.",
        "kill = \"before commit\"",
    ),
    Key::new(
        TestStep,
        "expect",
        "section of lists",
        Means("not looked at"),
        "All rows of these tables after the step, in any order. A row names columns (`{ user_id = \"ann\", n = 2 }`; columns \
         that no row of the list names are not looked at, one that only some rows name must be NULL in the others), or \
         lists the values of all columns in order (`[\"ann\", 2]`). `{}` stands for NULL. Times are written as \
         `\"2026-01-01T00:00:00Z\"`, decimals as `\"1.50\"`. Tables of late rows (`gold.x__late`) and rejected records \
         (`rejected.events`) can be looked at too.",
        "expect.\"gold.event_counts\" = [{ event_type = \"click\", event_count = 2 }]",
    ),
    Key::new(
        TestStep,
        "expect_new",
        "section of lists",
        Means("not looked at"),
        "The rows that this step wrote: in append mode those added, in update mode those added or changed, in complete mode \
         the whole last result.",
        "expect_new.\"gold.event_counts\" = []",
    ),
    Key::new(
        TestStep,
        "ordered",
        "true or false",
        Default("false"),
        "`true`: the rows of `expect` and `expect_new` must come in the order given.",
        "ordered = true",
    ),
    Key::new(
        TestStep,
        "expect_late",
        "section of whole numbers",
        Means("not looked at"),
        "How many rows of these tables the step left out because they came too late.",
        "expect_late.\"gold.event_counts\" = 1",
    ),
    Key::new(
        TestStep,
        "expect_watermark",
        "section of times",
        Means("not looked at"),
        "The watermarks after the step, of sources or of tables (the one that a table works with). `none`: there is none \
         yet.",
        "expect_watermark.events = \"2026-01-01T00:05:00Z\"",
    ),
    Key::new(
        TestStep,
        "expect_state",
        "section of sections",
        Means("not looked at"),
        "The state of these tables after the step, of all their operators together.",
        "expect_state.\"gold.event_counts\" = { rows = 2, updated = 1, late = 0 }",
    ),
    Key::new(
        TestStep,
        "expect_error",
        "string",
        Means("the step must succeed"),
        "The job must stop in this step, with a message that holds this text. The next step starts it again.",
        "expect_error = \"DIVIDE_BY_ZERO\"",
    ),
    Key::new(TestState, "rows", "whole number, 0 or more", Means("not looked at"), "Rows that are kept.", "rows = 2"),
    Key::new(
        TestState,
        "updated",
        "whole number, 0 or more",
        Means("not looked at"),
        "Rows that the step added or changed.",
        "updated = 1",
    ),
    Key::new(
        TestState,
        "late",
        "whole number, 0 or more",
        Means("not looked at"),
        "Rows that the step left out because they came too late.",
        "late = 0",
    ),
];
