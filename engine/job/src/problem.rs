//! What is wrong with a job file: each problem with its place, and what to write instead.

use std::fmt;
use std::ops::Range;

use annotate_snippets::{AnnotationKind, Level, Renderer, Snippet};

use crate::source_map::{ShownText, SourceMap};

mod secret;

pub use secret::is_secret;

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The offending text: bytes of the [`SourceMap`]'s text.
    pub span: Range<usize>,
    /// What is wrong, in one line.
    pub title: String,
    /// What stands under the offending text.
    pub label: String,
    /// What to write instead.
    pub help: String,
    /// Spark's name of this error, where it has one.
    pub code: Option<&'static str>,
}

impl Problem {
    /// A problem at a place.
    pub fn new(span: Range<usize>, title: impl Into<String>) -> Self {
        Self { span, title: title.into(), label: String::new(), help: String::new(), code: None }
    }

    /// Says what stands under the offending text.
    #[must_use]
    pub fn label(mut self, label: impl Into<String>) -> Self {
        self.label = label.into();
        self
    }

    /// Says what to write instead.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = help.into();
        self
    }

    /// Gives Spark's name of the error.
    #[must_use]
    pub fn code(mut self, code: &'static str) -> Self {
        self.code = Some(code);
        self
    }
}

/// All problems of one job file. `job::parse` fills it; later stages add what they find in the SQL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problems {
    source: SourceMap,
    list: Vec<Problem>,
    /// True if columns or queries could not be read: what SQL says about them would be guesses.
    blurred: bool,
}

impl Problems {
    /// No problems yet with this file.
    pub fn new(file_name: &str, text: &str) -> Self {
        Self::of(SourceMap::new(file_name, text))
    }

    /// No problems yet with this file and these overrides: the ones that `job::parse` was called with.
    pub fn with_overrides(file_name: &str, text: &str, overrides: &[(String, String)]) -> Self {
        Self::of(SourceMap::with_overrides(file_name, text, overrides))
    }

    pub(crate) fn of(source: SourceMap) -> Self {
        Self { source, list: Vec::new(), blurred: false }
    }

    /// The texts that the problems point into; finds places inside a table's SQL.
    pub fn source(&self) -> &SourceMap {
        &self.source
    }

    /// Adds a problem. The same problem is kept once.
    pub fn push(&mut self, problem: Problem) {
        if !self.list.contains(&problem) {
            self.list.push(problem);
        }
    }

    /// True if nothing is wrong.
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// How many problems there are.
    pub fn len(&self) -> usize {
        self.list.len()
    }

    /// The problems, in the order in which they were found or last sorted.
    pub fn iter(&self) -> impl Iterator<Item = &Problem> {
        self.list.iter()
    }

    /// Brings the problems into the order of their places.
    pub fn sort(&mut self) {
        self.list.sort_by_key(|problem| (problem.span.start, problem.span.end));
    }

    /// Notes that columns or queries are not what the file means.
    pub(crate) fn blur(&mut self) {
        self.blurred = true;
    }

    /// True if [`blur`](Self::blur) was called.
    pub(crate) fn is_blurred(&self) -> bool {
        self.blurred
    }

    /// Leaves out the problems that do not pass.
    pub(crate) fn retain(&mut self, keep: impl FnMut(&Problem) -> bool) {
        self.list.retain(keep);
    }

    /// All problems in the order of their places, each with line, column and the offending text underlined, and how
    /// many there are. Passwords written into the text are shown as stars.
    pub fn render(&self, color: bool) -> String {
        let renderer = if color { Renderer::styled() } else { Renderer::plain() };
        let mut sorted: Vec<&Problem> = self.list.iter().collect();
        sorted.sort_by_key(|problem| (problem.span.start, problem.span.end));
        let mut out = String::new();
        for problem in &sorted {
            out.push_str(&self.render_one(problem, &renderer));
            out.push_str("\n\n");
        }
        match sorted.len() {
            0 => {}
            1 => out.push_str("1 problem\n"),
            count => out.push_str(&format!("{count} problems\n")),
        }
        out
    }

    fn render_one(&self, problem: &Problem, renderer: &Renderer) -> String {
        let ShownText { name, text, start } = self.source.shown_text(problem.span.start);
        let shown = secret::starred(text);
        let span = within(&shown, problem.span.start.saturating_sub(start), problem.span.end.saturating_sub(start));
        // The renderer itself cleans titles and source text only.
        let clean = annotate_snippets::normalize_untrusted_str;
        let annotation = AnnotationKind::Primary.span(span);
        let annotation = if problem.label.is_empty() { annotation } else { annotation.label(clean(&problem.label)) };
        let mut title = Level::ERROR.primary_title(&problem.title);
        if let Some(code) = problem.code {
            title = title.id(code);
        }
        let mut group = title.element(Snippet::source(&shown).path(clean(name)).annotation(annotation));
        if !problem.help.is_empty() {
            group = group.element(Level::HELP.message(clean(&problem.help)));
        }
        renderer.render(&[group])
    }
}

/// A range that lies within the text and on its characters' borders.
fn within(text: &str, start: usize, end: usize) -> Range<usize> {
    let start = text.floor_char_boundary(start);
    let end = text.ceil_char_boundary(end).max(start);
    start..end
}

impl fmt::Display for Problems {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.render(false))
    }
}

impl std::error::Error for Problems {}

#[cfg(test)]
mod tests;
