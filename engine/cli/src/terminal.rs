//! The terminal: lines that are redrawn in place, and other lines that do not run into them.

use std::fmt::Write as _;
use std::io::{self, IsTerminal, Write};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// How many lines stand below the cursor's home and are redrawn.
static DRAWN: Mutex<usize> = Mutex::new(0);

/// Width if the terminal does not report its own.
const WIDTH: usize = 100;

/// True if stderr is a terminal in which lines can be redrawn.
pub fn is_live() -> bool {
    io::stderr().is_terminal() && std::env::var_os("TERM").is_some_and(|term| term != "dumb")
}

/// True if text on stderr may have colors.
pub fn has_color() -> bool {
    io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none()
}

/// Puts these lines in the place of those drawn before. Lines that are too wide are cut.
pub fn draw(lines: &[String]) {
    let mut drawn = lock();
    let mut text = erase(*drawn);
    let width = terminal_size::terminal_size_of(io::stderr()).map_or(WIDTH, |(width, _)| usize::from(width.0));
    for line in lines {
        let cut: String = line.chars().take(width.saturating_sub(1)).collect();
        let _ = writeln!(text, "{cut}");
    }
    *drawn = lines.len();
    put(&text);
}

/// Writes a line that stays, above those that are redrawn.
pub fn line(text: &str) {
    let _ = LogWriter.write(format!("{text}\n").as_bytes());
}

/// Removes the redrawn lines.
pub fn clear() {
    draw(&[]);
}

/// Leaves the redrawn lines where they are and goes on below them.
pub fn keep() {
    *lock() = 0;
}

/// Writes to stderr; what is redrawn makes room and comes back with its next change.
pub struct LogWriter;

impl Write for LogWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut drawn = lock();
        let mut stderr = io::stderr().lock();
        if *drawn > 0 {
            stderr.write_all(erase(*drawn).as_bytes())?;
            *drawn = 0;
        }
        stderr.write_all(bytes)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stderr().flush()
    }
}

/// What moves the cursor up over so many lines and removes them.
fn erase(lines: usize) -> String {
    if lines == 0 { String::new() } else { format!("\r\x1b[{lines}A\x1b[J") }
}

fn put(text: &str) {
    // If nobody sees the progress, the work goes on.
    let _ = io::stderr().lock().write_all(text.as_bytes());
}

fn lock() -> MutexGuard<'static, usize> {
    DRAWN.lock().unwrap_or_else(PoisonError::into_inner)
}
