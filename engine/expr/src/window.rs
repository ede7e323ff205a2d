//! Tumbling and sliding windows as panes: each row belongs to one pane, a window is a run of panes.

/// A window of `size_us` that starts at every multiple of `slide_us` after `offset_us` since 1970 UTC (Spark's `window`).
///
/// Rows are kept by pane, of width gcd(size, slide), so that a row is stored once however many windows it belongs to. What is asked
/// for each row is inlined: the operators that ask stand in another crate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct WindowSpec {
    /// Length of a window, microseconds.
    pub size_us: i64,
    /// Distance between the starts of two windows, microseconds; at most the size.
    pub slide_us: i64,
    /// Where the windows are aligned to, microseconds since 1970 UTC.
    pub offset_us: i64,
}

impl WindowSpec {
    /// Width of a pane, microseconds.
    #[inline]
    pub fn pane_us(&self) -> i64 {
        let (mut a, mut b) = (self.size_us, self.slide_us);
        while b != 0 {
            (a, b) = (b, a % b);
        }
        a
    }

    /// Start of the pane that holds this time.
    #[inline]
    pub fn pane_of(&self, time_us: i64) -> i64 {
        let pane_us = self.pane_us();
        floor(time_us, self.offset_us, pane_us)
    }

    /// Start of the last window that holds this time (or pane).
    #[inline]
    pub fn last_window_of(&self, time_us: i64) -> i64 {
        floor(time_us, self.offset_us, self.slide_us)
    }

    /// End of the last window that holds this time: once the watermark has reached it, the row is late.
    #[inline]
    pub fn last_end_of(&self, time_us: i64) -> i64 {
        self.last_window_of(time_us).saturating_add(self.size_us)
    }

    /// Starts of all windows that hold this pane, oldest first.
    #[inline]
    pub fn windows_of(&self, pane_us: i64) -> impl Iterator<Item = i64> + use<> {
        let last = self.last_window_of(pane_us);
        let (size_us, slide_us) = (self.size_us, self.slide_us);
        let count = (pane_us.saturating_sub(last)..size_us).step_by(slide_us as usize).count() as i64;
        (0..count).rev().map(move |back| last.saturating_sub(back * slide_us))
    }

    /// Starts of the panes of one window.
    #[inline]
    pub fn panes_of(&self, window_us: i64) -> std::ops::Range<i64> {
        window_us..window_us.saturating_add(self.size_us)
    }

    /// What it is, in words, for `engine explain`.
    pub fn describe(&self) -> String {
        match self.size_us == self.slide_us {
            true => format!("tumbling window of {}", duration(self.size_us)),
            false => format!(
                "sliding window of {} every {} (kept as panes of {})",
                duration(self.size_us),
                duration(self.slide_us),
                duration(self.pane_us())
            ),
        }
    }

    /// True if the window that starts here is complete: its end is at or before the watermark (Spark: `<=`).
    #[inline]
    pub fn is_complete(&self, window_us: i64, watermark_us: Option<i64>) -> bool {
        watermark_us.is_some_and(|watermark_us| window_us.saturating_add(self.size_us) <= watermark_us)
    }
}

/// The last multiple of `width_us` after `offset_us` that is not after `time_us`, or the first one that the type can hold.
fn floor(time_us: i64, offset_us: i64, width_us: i64) -> i64 {
    match time_us.checked_sub(offset_us) {
        Some(distance_us) => time_us.saturating_sub(distance_us.rem_euclid(width_us)),
        // At the far end of time the offset is taken modulo the width, which gives the same multiples.
        None => {
            time_us.saturating_sub((time_us.rem_euclid(width_us) - offset_us.rem_euclid(width_us)).rem_euclid(width_us))
        }
    }
}

/// A length of time in words.
pub fn duration(us: i64) -> String {
    let units = [
        (86_400_000_000, "day"),
        (3_600_000_000, "hour"),
        (60_000_000, "minute"),
        (1_000_000, "second"),
        (1_000, "millisecond"),
    ];
    let counted = |count: i64, unit: &str| format!("{count} {unit}{}", if count.abs() == 1 { "" } else { "s" });
    let whole = units.into_iter().find(|(unit_us, _)| us != 0 && us % unit_us == 0);
    if let Some((unit_us, unit)) = whole.filter(|(unit_us, _)| (us / unit_us).abs() < 1000) {
        return counted(us / unit_us, unit);
    }
    let mut rest_us = us;
    let mut parts = Vec::new();
    for (unit_us, unit) in units.into_iter().chain([(1, "microsecond")]) {
        if rest_us / unit_us != 0 {
            parts.push(counted(rest_us / unit_us, unit));
            rest_us %= unit_us;
        }
    }
    if parts.is_empty() { counted(0, "second") } else { parts.join(" ") }
}

#[cfg(test)]
mod tests;
