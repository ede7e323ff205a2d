//! What a drill found.

use std::fmt::Write;

use query::text_table::{Side, text_table};

/// One disturbance, or one row of kills, and what came of it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Row {
    /// Where the job was killed, or which place was away.
    pub point: String,
    /// True if it was: a fail point that was not reached proves nothing.
    pub killed: bool,
    /// Kills.
    pub kills: u32,
    /// Tries that a place which was away did not answer.
    pub unanswered: u32,
    /// Milliseconds from the restart to its first finished epoch, or to its end; the longest, if there were several. Without a restart
    /// the longest time between two epochs.
    pub recovered_ms: u64,
    /// True if every table is equal to that of the undisturbed run.
    pub tables_equal: bool,
    /// Rows compared.
    pub rows_compared: u64,
    /// What is not as it must be.
    pub difference: Option<String>,
}

/// The columns of the table. The blanks make them as wide as most values, so that the reports of two drills line up.
const COLUMNS: [(&str, Side); 5] = [
    ("where      ", Side::Left),
    ("killed", Side::Right),
    ("  recovered", Side::Right),
    ("rows compared", Side::Right),
    ("result", Side::Left),
];

impl Row {
    /// True if the job was disturbed here and lost nothing by it.
    pub fn passed(&self) -> bool {
        (self.killed || self.unanswered > 0) && self.tables_equal && self.difference.is_none()
    }

    fn cells(&self) -> Vec<String> {
        vec![
            self.point.clone(),
            match (self.killed, self.unanswered) {
                (true, _) => self.kills.to_string(),
                (false, 0) => "no".to_owned(),
                (false, _) => "away".to_owned(),
            },
            format!("{} ms", self.recovered_ms),
            self.rows_compared.to_string(),
            if self.passed() { "equal" } else { "DIFFERENT" }.to_owned(),
        ]
    }
}

/// What a drill found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    /// The disturbances, in the order in which they were done.
    pub rows: Vec<Row>,
    /// What the reader should know: what was compared, what was not, and why.
    pub notes: Vec<String>,
}

impl Report {
    /// True if every disturbance was survived without a difference.
    pub fn passed(&self) -> bool {
        !self.rows.is_empty() && self.rows.iter().all(Row::passed)
    }

    /// Kills, over all rows.
    pub fn kills(&self) -> u32 {
        self.rows.iter().map(|row| row.kills).sum()
    }

    /// A table of step × result, the differences below it, the verdict last.
    pub fn to_table(&self) -> String {
        let rows: Vec<Vec<String>> = self.rows.iter().map(Row::cells).collect();
        let mut text = text_table(&COLUMNS, &rows).join("\n") + "\n";
        for row in &self.rows {
            if let Some(difference) = &row.difference {
                let _ = write!(text, "\n{}:\n  {}\n", row.point, difference.replace('\n', "\n  "));
            }
        }
        text.push('\n');
        self.notes.iter().for_each(|note| {
            let _ = writeln!(text, "{note}");
        });
        let failed = self.rows.iter().filter(|row| !row.passed()).count();
        let away = match self.rows.iter().filter(|row| row.unanswered > 0).count() {
            0 => String::new(),
            1 => ", 1 place away for a while".to_owned(),
            places => format!(", {places} places away for a while"),
        };
        let _ = match failed {
            0 => writeln!(text, "{} kills{away}: every table is equal to that of an undisturbed run", self.kills()),
            _ => writeln!(text, "{failed} of {} drills ended with a difference", self.rows.len()),
        };
        text
    }
}
