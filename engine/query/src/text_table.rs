//! Texts in columns under their headings: how lists and reports are aligned everywhere.

/// Which side of its column a text stands on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// Names.
    Left,
    /// Numbers.
    Right,
}

/// The headings, then the rows, line by line, in columns two spaces apart.
pub fn text_table(columns: &[(&str, Side)], rows: &[Vec<String>]) -> Vec<String> {
    debug_assert!(rows.iter().all(|row| row.len() == columns.len()), "a cell for each heading");
    let length = |text: &str| text.chars().count();
    let widths: Vec<usize> = columns
        .iter()
        .enumerate()
        .map(|(at, (heading, _))| {
            let cells = rows.iter().filter_map(|row| row.get(at)).map(|cell| length(cell));
            cells.max().unwrap_or(0).max(length(heading))
        })
        .collect();
    let line = |cells: &mut dyn Iterator<Item = &str>| {
        let mut text = String::new();
        for (at, ((cell, width), (_, side))) in cells.zip(&widths).zip(columns).enumerate() {
            let gap = " ".repeat(width.saturating_sub(length(cell)));
            let (before, after) = if *side == Side::Right { (gap.as_str(), "") } else { ("", gap.as_str()) };
            let between = if at == 0 { "" } else { "  " };
            text.push_str(&format!("{between}{before}{cell}{after}"));
        }
        text.trim_end().to_owned()
    };
    let mut lines = vec![line(&mut columns.iter().map(|(heading, _)| *heading))];
    lines.extend(rows.iter().map(|row| line(&mut row.iter().map(String::as_str))));
    lines
}

#[cfg(test)]
mod tests;
