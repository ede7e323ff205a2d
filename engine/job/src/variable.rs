//! `${NAME}` and `${NAME:-default}` in a string of the job file.

use std::ops::Range;

/// A string with its variables put in.
pub(crate) struct Resolved {
    /// The string to use. May hold secrets: never to be shown.
    pub value: String,
    /// True if a variable was put in.
    pub used: bool,
    /// What could not be put in.
    pub faults: Vec<Fault>,
}

/// A variable that could not be put in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Fault {
    /// Bytes of the string as written.
    pub range: Range<usize>,
    /// Why not.
    pub kind: FaultKind,
}

/// Why a variable could not be put in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum FaultKind {
    /// Nobody set it and it has no default.
    Unset(String),
    /// `${` without `}`.
    Unclosed,
    /// What stands between the braces is no name.
    NotAName,
    /// A variable inside a default.
    Nested,
}

/// Puts the variables in. `$${` stands for a plain `${`. As in a shell, an empty variable takes its default.
pub(crate) fn resolve(written: &str, variable: &dyn Fn(&str) -> Option<String>) -> Resolved {
    let mut resolved = Resolved { value: String::with_capacity(written.len()), used: false, faults: Vec::new() };
    let mut rest = written;
    while let Some(at) = rest.find("${") {
        let start = written.len() - rest.len() + at;
        let (before, tail) = rest.split_at(at);
        if let Some(plain) = before.strip_suffix('$') {
            resolved.value.push_str(plain);
            resolved.value.push_str("${");
            rest = tail.get(2..).unwrap_or_default();
            continue;
        }
        resolved.value.push_str(before);
        let Some(close) = tail.find('}') else {
            resolved.faults.push(Fault { range: start..written.len(), kind: FaultKind::Unclosed });
            return resolved;
        };
        match put_in(tail.get(2..close).unwrap_or_default(), variable) {
            Ok(value) => resolved.value.push_str(&value),
            Err(kind) => resolved.faults.push(Fault { range: start..start + close + 1, kind }),
        }
        resolved.used = true;
        rest = tail.get(close + 1..).unwrap_or_default();
    }
    resolved.value.push_str(rest);
    resolved
}

fn put_in(inside: &str, variable: &dyn Fn(&str) -> Option<String>) -> Result<String, FaultKind> {
    let (name, default) = match inside.split_once(":-") {
        Some((name, default)) => (name, Some(default)),
        None => (inside, None),
    };
    let starts_well = name.starts_with(|sign: char| sign.is_ascii_alphabetic() || sign == '_');
    if !starts_well || !name.chars().all(|sign| sign.is_ascii_alphanumeric() || sign == '_') {
        return Err(FaultKind::NotAName);
    }
    match (variable(name), default) {
        (_, Some(default)) if default.contains("${") => Err(FaultKind::Nested),
        (Some(value), Some(_)) if !value.is_empty() => Ok(value),
        (_, Some(default)) => Ok(default.to_owned()),
        (Some(value), None) => Ok(value),
        (None, None) => Err(FaultKind::Unset(name.to_owned())),
    }
}

#[cfg(test)]
mod tests;
