//! An epoch that is run again gives the same data files and the same state, byte by byte: jobs that are killed and begun again
//! beside the same jobs that are not.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};

use epoch::Step;
use testkit::MemoryRun;

use crate::case::{Act, Case, Refresh, Row};
use crate::dice::Dice;
use crate::generate::case_of;
use crate::place::{self, Refusal, arrive};

/// Steps before the commit: whoever is killed there runs the epoch again.
const BEFORE_COMMIT: [(Step, bool); 6] = [
    (Step::Plan, true),
    (Step::Read, true),
    (Step::Compute, true),
    (Step::Stage, true),
    (Step::Commit, false),
    (Step::Stage, false),
];

/// The case as it is replayed: over several lanes, with doubles whose sums depend on their order.
pub fn replayed(mut case: Case) -> Case {
    case.lanes = case.lanes.max(2);
    // A job that has just begun looks at its static tables at once, whenever it looked before.
    if let Some(fixed) = case.fixed.as_mut().filter(|fixed| matches!(fixed.refresh, Refresh::After(_))) {
        fixed.refresh = Refresh::OnChange;
    }
    for act in &mut case.acts {
        (act.kills, act.restarts, act.demands) = (Vec::new(), false, false);
        act.rows.iter_mut().for_each(|(_, _, row)| row.x = row.x.map(|x| x / 3.0 + 0.1));
        if case.seed.is_multiple_of(4) {
            act.rows = act.rows.iter().flat_map(|row| (0..20).map(|copy| varied(row, copy))).collect();
        }
    }
    case
}

/// A row much like this one, with another key.
fn varied((source, partition, row): &(usize, u16, Row), copy: i64) -> (usize, u16, Row) {
    let mut row = row.clone();
    row.id += copy * 1_000_000;
    row.us = row.us.map(|us| us - copy * 137_000);
    row.k = row.k.map(|k| format!("{k}{}", copy % 47));
    row.x = row.x.map(|x| x + copy as f64 / 7.0);
    (*source, *partition, row)
}

/// What has been compared, so that a test of nothing is seen.
#[derive(Debug, Default)]
pub struct Seen {
    pub kills: AtomicU64,
    pub files: AtomicU64,
    pub blocks: AtomicU64,
}

/// A line for each seed with a hash of all that a run of its case wrote: the same in every process, whatever seeds its hash maps.
pub fn digest(seed: u64) -> String {
    let case = replayed(case_of(seed));
    let mut run = open(&case);
    let mut version = 0;
    for act in &case.acts {
        arrive(&mut run, &case, act, &mut version).unwrap();
        run.run_all().unwrap();
    }
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    let mut add =
        |bytes: &[u8]| bytes.iter().for_each(|byte| hash = (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3));
    let (files, blocks) = (run.data_files().unwrap(), run.blocks().unwrap());
    files.iter().for_each(|(path, bytes)| [path.as_bytes(), bytes].into_iter().for_each(&mut add));
    blocks.iter().for_each(|(key, bytes)| [format!("{key:?}").as_bytes(), bytes].into_iter().for_each(&mut add));
    format!("digest {seed} {hash:016x} of {} files, {} blocks", files.len(), blocks.len())
}

/// Runs a case three times: undisturbed, ended and begun again before epochs, and killed in epochs. What is not the same in all?
///
/// The second also says which epochs without records a job runs that has just begun: it does not know yet what is due. Without
/// such epochs the undisturbed run must be the same, too.
pub fn differs(case: &Case, seen: &Seen) -> Option<String> {
    let mut dice = Dice::of(case.seed ^ 0x7ab1e);
    let mut killed = open(case);
    let mut other = open(case);
    let mut version = 0;
    for (at, act) in case.acts.iter().enumerate() {
        let before = version;
        arrive(&mut killed, case, act, &mut version).unwrap();
        arrive(&mut other, case, act, &mut before.clone()).unwrap();
        let begins_again = dice.percent(50);
        if begins_again {
            killed.restart().unwrap();
            if case.no_data_epochs {
                other.restart().unwrap();
            }
        }
        let is_killed = begins_again || !case.no_data_epochs;
        for _ in 0..if is_killed { dice.between(1, 2) } else { 0 } {
            let (step, after) = *dice.pick(&BEFORE_COMMIT);
            if killed.crash(step, Act::side(after)).unwrap() {
                seen.kills.fetch_add(1, Ordering::Relaxed);
            }
        }
        killed.run_all().unwrap();
        other.run_all().unwrap();
        let epochs = [&killed, &other].map(|run| run.epochs_committed());
        if epochs[0] != epochs[1] {
            return Some(format!("step {at}: {} epochs when killed, {} when not", epochs[0], epochs[1]));
        }
        let (files, blocks) = (killed.data_files().unwrap(), killed.blocks().unwrap());
        let difference = first_difference("data file", &other.data_files().unwrap(), &files)
            .or_else(|| first_difference("block", &other.blocks().unwrap(), &blocks));
        seen.files.fetch_add(files.len() as u64, Ordering::Relaxed);
        seen.blocks.fetch_add(blocks.len() as u64, Ordering::Relaxed);
        if let Some(difference) = difference {
            return Some(format!("step {at}: {difference}"));
        }
    }
    None
}

fn open(case: &Case) -> MemoryRun {
    place::open(case).unwrap_or_else(|refusal| match refusal {
        Refusal::Job(text) => panic!("{text}"),
        Refusal::Engine(error) => panic!("{error}"),
    })
}

fn first_difference<K: Ord + std::fmt::Debug>(
    what: &str,
    wanted: &BTreeMap<K, Vec<u8>>,
    got: &BTreeMap<K, Vec<u8>>,
) -> Option<String> {
    let keys = wanted.keys().chain(got.keys());
    let key = keys.into_iter().find(|key| wanted.get(*key) != got.get(*key))?;
    let size =
        |of: &BTreeMap<K, Vec<u8>>| of.get(key).map_or("missing".to_string(), |bytes| format!("{} bytes", bytes.len()));
    let text = |of: &BTreeMap<K, Vec<u8>>| {
        of.get(key)
            .map(|bytes| String::from_utf8_lossy(&bytes[..bytes.len().min(400)]).into_owned())
            .unwrap_or_default()
    };
    Some(format!(
        "{what} {key:?} is {} after a kill, {} without\n{:?}\n{:?}",
        size(got),
        size(wanted),
        text(got),
        text(wanted)
    ))
}
