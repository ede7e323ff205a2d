//! Makes a failing case smaller for as long as it still fails the same way: epochs, restarts, rows, tables, parts of queries.

use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::case::{Case, Refresh};
use crate::query::Query;
use crate::run::{Failure, Oracles, check};

/// Runs that shrinking may take.
const RUNS_MAX: usize = 1_500;

struct Shrinker<'a, F> {
    fails: &'a mut dyn FnMut(&Case) -> Option<F>,
    runs: usize,
    best: Case,
    failure: F,
}

/// The smallest case found that fails like this one, and how it fails.
pub fn shrink(case: Case, failure: Failure, oracles: &mut Oracles) -> (Case, Failure) {
    let kind = failure.kind;
    shrink_by(case, failure, &mut |case| check(case, oracles).err().filter(|failure| failure.kind == kind))
}

/// What `run` reports; a panic reports its text.
pub fn guarded(run: impl FnOnce() -> Option<String>) -> Option<String> {
    catch_unwind(AssertUnwindSafe(run)).unwrap_or_else(|fault| {
        let text = fault.downcast_ref::<String>().cloned();
        text.or_else(|| fault.downcast_ref::<&str>().map(|text| text.to_string())).or(Some("panic".to_string()))
    })
}

/// The smallest case found for which `fails` reports something, and what it reports.
pub fn shrink_by<F>(case: Case, failure: F, fails: &mut dyn FnMut(&Case) -> Option<F>) -> (Case, F) {
    let mut shrinker = Shrinker { fails, runs: 0, best: case, failure };
    loop {
        let runs = shrinker.runs;
        let gained = [
            Shrinker::drop_tables,
            Shrinker::drop_acts,
            Shrinker::drop_fates,
            Shrinker::drop_rows,
            Shrinker::simplify_settings,
            Shrinker::simplify_queries,
            Shrinker::simplify_rows,
        ]
        .iter()
        .fold(false, |gained, pass| pass(&mut shrinker) | gained);
        if !gained || shrinker.runs >= RUNS_MAX || shrinker.runs == runs {
            return (shrinker.best, shrinker.failure);
        }
    }
}

impl<F> Shrinker<'_, F> {
    /// Takes a smaller case if it fails too.
    fn tries(&mut self, case: Case) -> bool {
        if self.runs >= RUNS_MAX || case == self.best {
            return false;
        }
        self.runs += 1;
        match (self.fails)(&case) {
            Some(failure) => {
                (self.best, self.failure) = (case, failure);
                true
            }
            None => false,
        }
    }

    fn change(&mut self, change: impl FnOnce(&mut Case)) -> bool {
        let mut case = self.best.clone();
        change(&mut case);
        self.tries(case)
    }

    fn drop_tables(&mut self) -> bool {
        let mut gained = false;
        for at in (0..self.best.tables.len()).rev() {
            let is_read = self.best.tables.iter().any(|table| table.query.reads(at));
            // Tables behind it would have another number.
            if !is_read && at + 1 == self.best.tables.len() && at > 0 {
                gained |= self.change(|case| drop(case.tables.remove(at)));
            } else if !is_read
                && self.best.tables.iter().all(|table| (0..9).all(|other| !table.query.reads(other)))
                && self.best.tables.len() > 1
            {
                gained |= self.change(|case| drop(case.tables.remove(at)));
            }
        }
        gained
    }

    fn drop_acts(&mut self) -> bool {
        let mut gained = false;
        for at in (0..self.best.acts.len()).rev() {
            gained |= self.change(|case| drop(case.acts.remove(at)));
        }
        for at in (1..self.best.acts.len()).rev() {
            gained |= self.change(|case| {
                let act = case.acts.remove(at);
                let before = &mut case.acts[at - 1];
                before.rows.extend(act.rows);
                before.passes_us += act.passes_us;
                before.kills.extend(act.kills);
                before.refreshes |= act.refreshes;
            });
        }
        gained
    }

    fn drop_fates(&mut self) -> bool {
        let mut gained = false;
        for at in 0..self.best.acts.len() {
            gained |= self.change(|case| case.acts[at].restarts = false);
            gained |= self.change(|case| case.acts[at].demands = false);
            gained |= self.change(|case| case.acts[at].refreshes = false);
            gained |= self.change(|case| case.acts[at].passes_us = 0);
            for kill in (0..self.best.acts[at].kills.len()).rev() {
                gained |= self.change(|case| {
                    case.acts[at].kills.remove(kill);
                });
            }
        }
        gained
    }

    /// Halves first, then single rows.
    fn drop_rows(&mut self) -> bool {
        let mut gained = false;
        for at in 0..self.best.acts.len() {
            let mut size = self.best.acts[at].rows.len();
            while size > 0 {
                let mut from = 0;
                while from < self.best.acts[at].rows.len() {
                    let until = (from + size).min(self.best.acts[at].rows.len());
                    match self.change(|case| drop(case.acts[at].rows.drain(from..until))) {
                        true => gained = true,
                        false => from = until,
                    }
                }
                size /= 2;
            }
        }
        gained
    }

    fn simplify_settings(&mut self) -> bool {
        let mut gained = self.change(|case| case.lanes = 1);
        gained |= self.change(|case| case.is_policy_max = false);
        gained |= self.change(|case| case.no_data_epochs = true);
        gained |= self.change(|case| case.tables.iter_mut().for_each(|table| table.keeps_late = false));
        gained |= self.simplify_static();
        for at in 0..self.best.sources.len() {
            gained |= self.change(|case| case.sources[at].records_max = None);
            gained |= self.change(|case| case.sources[at].idle_us = None);
            gained |= self.change(|case| case.sources[at].future_limit_us = None);
            gained |= self.change(|case| case.sources[at].is_scope_source = true);
            gained |= self.change(|case| case.sources[at].delay_us = 0);
        }
        gained |= self.change(|case| {
            case.acts.iter_mut().flat_map(|act| &mut act.rows).for_each(|(_, partition, _)| *partition = 0);
        });
        gained
    }

    fn simplify_static(&mut self) -> bool {
        let rows =
            |case: &Case| case.fixed.iter().flat_map(|fixed| fixed.versions.iter().map(Vec::len)).collect::<Vec<_>>();
        let mut gained = self.change(|case| {
            if let Some(fixed) = case.fixed.as_mut().filter(|fixed| matches!(fixed.refresh, Refresh::After(_))) {
                fixed.refresh = Refresh::OnChange;
            }
        });
        for (version, count) in rows(&self.best).into_iter().enumerate() {
            for row in (0..count).rev() {
                gained |= self.change(|case| {
                    case.fixed.iter_mut().for_each(|fixed| drop(fixed.versions[version].remove(row)));
                });
            }
        }
        gained
    }

    fn simplify_queries(&mut self) -> bool {
        let mut gained = false;
        for table in 0..self.best.tables.len() {
            let mut number = 0;
            // The number of a node may change with every change: counted anew each time.
            while number < nodes_of(&mut self.best.tables[table].query) {
                let mut part = 0;
                loop {
                    let mut case = self.best.clone();
                    let node = node_at(&mut case.tables[table].query, number);
                    if !node.is_some_and(|node| node.simplify(part)) {
                        break;
                    }
                    match self.tries(case) {
                        true => gained = true,
                        false => part += 1,
                    }
                }
                number += 1;
            }
        }
        gained
    }

    fn simplify_rows(&mut self) -> bool {
        let mut gained = false;
        for at in 0..self.best.acts.len() {
            for row in 0..self.best.acts[at].rows.len() {
                gained |= self.change(|case| case.acts[at].rows[row].2.x = None);
                gained |= self.change(|case| case.acts[at].rows[row].2.v = None);
                gained |= self.change(|case| case.acts[at].rows[row].2.g = None);
                gained |= self.change(|case| case.acts[at].rows[row].2.k = None);
            }
        }
        gained
    }
}

fn nodes_of(query: &mut Query) -> usize {
    1 + query.inputs_mut().into_iter().map(nodes_of).sum::<usize>()
}

fn node_at(query: &mut Query, number: usize) -> Option<&mut Query> {
    if number == 0 {
        return Some(query);
    }
    let mut left = number - 1;
    for input in query.inputs_mut() {
        let size = nodes_of(input);
        if left < size {
            return node_at(input, left);
        }
        left -= size;
    }
    None
}
