//! The books: every row has one fate.
#![allow(clippy::unwrap_used, reason = "tests")]

use super::*;

const BALANCED: RowCounts = RowCounts { read: 10, emitted: 4, rejected: 3, late: 2, filtered: 1, written: 99 };

#[test]
fn balanced_books_pass_whatever_was_written() {
    assert_eq!(RowCounts::default().balance("t"), Ok(()));
    assert_eq!(BALANCED.balance("t"), Ok(()));
}

#[test]
fn a_row_too_many_or_too_few_of_any_fate_is_a_breach() {
    let changes: [fn(&mut RowCounts); 10] = [
        |c| c.read += 1,
        |c| c.read -= 1,
        |c| c.emitted += 1,
        |c| c.emitted -= 1,
        |c| c.rejected += 1,
        |c| c.rejected -= 1,
        |c| c.late += 1,
        |c| c.late -= 1,
        |c| c.filtered += 1,
        |c| c.filtered -= 1,
    ];
    for change in changes {
        let mut counts = BALANCED;
        change(&mut counts);
        assert_eq!(counts.balance("gold.t"), Err(Breach { table: "gold.t".to_string(), counts }));
    }
}

#[test]
fn a_breach_says_all_its_numbers() {
    let breach = RowCounts { read: 11, ..BALANCED }.balance("gold.t").unwrap_err();
    let text = "the books of gold.t do not balance: read 11 is not emitted 4 + rejected 3 + late 2 + filtered 1";
    assert_eq!(breach.to_string(), text);
}

#[test]
fn shares_add_up_field_by_field() {
    let mut sum = RowCounts { read: 1, emitted: 2, rejected: 3, late: 4, filtered: 5, written: 6 };
    sum.add(&RowCounts { read: 10, emitted: 20, rejected: 30, late: 40, filtered: 50, written: 60 });
    assert_eq!(sum, RowCounts { read: 11, emitted: 22, rejected: 33, late: 44, filtered: 55, written: 66 });
}

#[test]
fn rows_of_a_sink_are_counted_from_what_it_was_found_with() {
    let new = CountedRows::taken(0, EpochId(3));
    assert_eq!(new, CountedRows { rows: 0, since: None }, "nothing was there, so all of it is counted");
    assert_eq!(new.moved(5), Some(CountedRows { rows: 5, since: None }));
    let taken = CountedRows::taken(10, EpochId(3));
    assert_eq!(taken.moved(-4), Some(CountedRows { rows: 6, since: Some(EpochId(3)) }));
    assert_eq!(taken.moved(-11), None, "fewer than none cannot be");
}
