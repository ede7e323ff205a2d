//! The prompt: lines to statements and commands, one after the other.

use std::io::{self, Write};
use std::path::PathBuf;
use std::time::Instant;

use datafusion::sql::sqlparser::dialect::SparkSqlDialect;
use datafusion::sql::sqlparser::tokenizer::{Token, Tokenizer};
use query::Session;
use rustyline::DefaultEditor;
use rustyline::config::Config;
use rustyline::error::ReadlineError;
use tokio::sync::Notify;

use super::answer;
use super::columns::{list_columns, list_tables};
use super::output::Format;
use crate::ending::{Failure, Outcome};
use crate::show::counted;
use crate::{signals, terminal};

const HELP: &str = "\
  SELECT …;    a query; it may take several lines, and ends with `;`
  \\d           the tables, with rows, version and epoch
  \\d TABLE     the columns of a table
  \\q           ends (as Ctrl-D does)
  Ctrl-C       gives up what is typed, or the query that runs";

/// What a line makes of what was typed so far.
#[derive(Debug, PartialEq, Eq)]
enum Entry {
    /// An empty line.
    Nothing,
    /// The statement goes on.
    More,
    /// Statements to run.
    Statements(String),
    /// `\d`
    Tables,
    /// `\d TABLE`
    Columns(String),
    /// `\?`
    Help,
    /// `\q`
    Quit,
    /// A backslash and something else.
    Unknown(String),
}

/// Collects lines until they make a statement.
#[derive(Debug, Default)]
struct Typed {
    text: String,
}

impl Typed {
    fn add(&mut self, line: &str) -> Entry {
        if self.text.is_empty()
            && let Some(entry) = command(line.trim())
        {
            return entry;
        }
        self.text.push_str(line);
        self.text.push('\n');
        if is_complete(&self.text) { Entry::Statements(std::mem::take(&mut self.text)) } else { Entry::More }
    }

    /// What is there without its `;`, when nothing more comes.
    fn rest(&mut self) -> Option<String> {
        let rest = std::mem::take(&mut self.text);
        (!rest.trim().is_empty()).then_some(rest)
    }
}

/// The command that a first line is; `None`: SQL begins.
fn command(line: &str) -> Option<Entry> {
    let words: Vec<&str> = line.trim_end_matches(';').split_whitespace().collect();
    match words.as_slice() {
        [] => Some(Entry::Nothing),
        ["\\q" | "quit" | "exit"] => Some(Entry::Quit),
        ["\\?" | "\\h" | "help"] => Some(Entry::Help),
        ["\\d" | "\\dt"] => Some(Entry::Tables),
        ["\\d", table] => Some(Entry::Columns((*table).to_owned())),
        [word, ..] if word.starts_with('\\') => Some(Entry::Unknown((*word).to_owned())),
        _ => None,
    }
}

/// True if the text ends with a `;` that ends a statement. A text that is broken otherwise is complete, too: running it says why.
fn is_complete(text: &str) -> bool {
    match Tokenizer::new(&SparkSqlDialect {}, text).tokenize() {
        Ok(tokens) => tokens
            .iter()
            .rev()
            .find(|token| !matches!(token, Token::Whitespace(_)))
            .is_some_and(|token| *token == Token::SemiColon),
        Err(error) => {
            let open = error.message.contains("Unterminated") || error.message.contains("EOF");
            !open && text.trim_end().ends_with(';')
        }
    }
}

/// Reads and answers until the end. With `in_terminal`, errors are shown and the prompt goes on; without, the first ends it.
///
/// # Errors
/// The terminal fails; without `in_terminal`, whatever goes wrong.
pub async fn run(session: &mut Session, format: Format, in_terminal: bool) -> Outcome {
    let broken = |error: ReadlineError| Failure::Failed(format!("the terminal cannot be read: {error}"));
    let config = Config::builder().auto_add_history(false).max_history_size(10_000).map_err(broken)?.build();
    let mut editor = DefaultEditor::with_config(config).map_err(broken)?;
    let history = history_file().filter(|_| in_terminal);
    if let Some(path) = &history {
        // The first time there is none.
        let _ = editor.load_history(path);
        writeln!(
            io::stdout(),
            "{} in {}; \\? for help, \\q to end",
            counted(session.tables().len() as u64, "table"),
            session.location()
        )?;
    }
    // Without a terminal Ctrl-C ends the whole command.
    let interrupted = if in_terminal { Some(signals::interrupts()?) } else { None };
    let mut typed = Typed::default();
    loop {
        let prompt = if typed.text.is_empty() { "engine> " } else { "      > " };
        let entry = match editor.readline(prompt) {
            Ok(line) => typed.add(&line),
            Err(ReadlineError::Interrupted) => {
                typed = Typed::default();
                continue;
            }
            Err(ReadlineError::Eof) if !in_terminal => match typed.rest() {
                Some(rest) => Entry::Statements(rest),
                None => Entry::Quit,
            },
            Err(ReadlineError::Eof) => Entry::Quit,
            Err(error) => return Err(broken(error)),
        };
        if entry == Entry::Quit {
            break;
        }
        if let Entry::Statements(text) = &entry {
            let _ = editor.add_history_entry(text.trim());
        }
        match act(session, entry, format, interrupted.as_deref()).await {
            Err(Failure::Failed(text) | Failure::WrongInput(text)) if in_terminal => {
                terminal::line(&format!("error: {text}"))
            }
            outcome => outcome?,
        }
    }
    if let Some(path) = &history {
        keep_history(&mut editor, path);
    }
    Ok(())
}

async fn act(session: &mut Session, entry: Entry, format: Format, interrupted: Option<&Notify>) -> Outcome {
    let mut out = io::stdout();
    match entry {
        Entry::Nothing | Entry::More | Entry::Quit => {}
        Entry::Help => writeln!(out, "{HELP}")?,
        Entry::Unknown(word) => {
            return Err(Failure::WrongInput(format!("there is no command {word}\n  \\? lists those that are")));
        }
        Entry::Tables => {
            session.refresh().await?;
            writeln!(out, "{}", list_tables(session.tables()).join("\n"))?;
        }
        Entry::Columns(table) => {
            session.refresh().await?;
            writeln!(out, "{}", list_columns(&*session.columns(&table).await?).join("\n"))?;
        }
        Entry::Statements(text) => {
            session.refresh().await?;
            let begun = Instant::now();
            let Some(interrupted) = interrupted else {
                return answer::write(session, &text, format, &mut out).await.map(|_| ());
            };
            tokio::select! {
                rows = answer::write(session, &text, format, &mut out) => {
                    writeln!(out, "{} in {:.3} s", counted(rows?, "row"), begun.elapsed().as_secs_f64())?;
                }
                () = interrupted.notified() => {
                    terminal::clear();
                    writeln!(out, "given up after {:.3} s", begun.elapsed().as_secs_f64())?;
                }
            }
        }
    }
    Ok(())
}

/// Where what was typed is kept: `$XDG_STATE_HOME/engine/sql_history`, or below `~/.local/state`.
fn history_file() -> Option<PathBuf> {
    let set = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let folder = set("XDG_STATE_HOME").or_else(|| Some(set("HOME")?.join(".local/state")))?;
    Some(folder.join("engine/sql_history"))
}

fn keep_history(editor: &mut DefaultEditor, path: &PathBuf) {
    let made = path.parent().map_or(Ok(()), std::fs::create_dir_all);
    let kept = made.map_err(ReadlineError::from).and_then(|()| editor.save_history(path));
    if let Err(error) = kept {
        tracing::warn!(%error, path = %path.display(), "what was typed is not kept for the next time");
    }
}

#[cfg(test)]
mod tests;
