//! The paths that a file names, and what its `use` lines bring into it.

use crate::rust_text::{code_only, is_word};

/// What a file says about names.
#[derive(Debug, Default, PartialEq)]
pub struct Names {
    /// Every leaf of every `use`.
    pub uses: Vec<Use>,
    /// Paths of more than one word that stand elsewhere in code.
    pub paths: Vec<Vec<String>>,
    /// Items that the file defines itself.
    pub items: Vec<String>,
    /// True if the file only declares modules and passes on what is in them.
    pub is_list: bool,
}

/// One leaf of a `use`.
#[derive(Debug, Clone, PartialEq)]
pub struct Use {
    /// The name in this file; `*` for all of them.
    pub name: String,
    pub path: Vec<String>,
}

/// Words that name an item by the word behind them.
const ITEMS: &[&str] = &["fn", "struct", "enum", "union", "trait", "type", "const", "static"];

/// Reads the names in a file.
pub fn names_of(text: &str) -> Names {
    let code = code_only(text);
    let tokens = tokens(&code);
    let mut names = Names { is_list: is_list(&tokens), ..Names::default() };
    let mut at = 0;
    while at < tokens.len() {
        let before = at.checked_sub(1).map(|before| tokens[before]);
        if tokens[at] == "use" && !matches!(before, Some("+" | "::")) {
            at = leaves(&tokens, at + 1, &[], &mut names.uses);
            continue;
        }
        if ITEMS.contains(&tokens[at]) {
            names.items.extend(tokens.get(at + 1).map(|name| (*name).to_string()));
        }
        let end = path_end(&tokens, at);
        // `pub(in crate::a)` says who may name the item; the file itself names nothing by it.
        let is_visibility = before == Some("in") && at >= 2 && tokens[at - 2] == "(";
        if end > at + 1 && !matches!(before, Some("::" | ".")) && !is_visibility {
            names.paths.push(tokens[at..end].iter().step_by(2).map(|word| (*word).to_string()).collect());
        }
        at = end.max(at + 1);
    }
    names
}

/// Words, `::`, and every other sign by itself.
fn tokens(code: &str) -> Vec<&str> {
    let mut tokens = Vec::new();
    let mut rest = code.trim_start();
    while let Some(first) = rest.chars().next() {
        let length = match first {
            _ if is_word(first) => rest.find(|c| !is_word(c)).unwrap_or(rest.len()),
            ':' if rest.starts_with("::") => 2,
            _ => first.len_utf8(),
        };
        tokens.push(&rest[..length]);
        rest = rest[length..].trim_start();
    }
    tokens
}

/// Behind the last word of the path that begins at `at`; `at` itself if none does.
fn path_end(tokens: &[&str], at: usize) -> usize {
    let is_name = |at: usize| tokens.get(at).is_some_and(|token| token.starts_with(is_word));
    if !is_name(at) {
        return at;
    }
    let mut end = at + 1;
    while tokens.get(end) == Some(&"::") && is_name(end + 1) {
        end += 2;
    }
    end
}

/// Adds the leaves of a tree of names that begins at `at`; returns where it ends.
fn leaves(tokens: &[&str], at: usize, above: &[String], uses: &mut Vec<Use>) -> usize {
    let end = path_end(tokens, at);
    let mut path = above.to_vec();
    path.extend(tokens[at..end].iter().step_by(2).map(|word| (*word).to_string()));
    let next = if tokens.get(end) == Some(&"::") { end + 1 } else { end };
    match tokens.get(next) {
        Some(&"{") => {
            let mut at = next + 1;
            while tokens.get(at).is_some_and(|token| *token != "}") {
                at = leaves(tokens, at, &path, uses);
                at += usize::from(tokens.get(at) == Some(&","));
            }
            at + 1
        }
        Some(&"*") => {
            uses.push(Use { name: "*".to_string(), path });
            next + 1
        }
        _ => {
            // `a::{self}` is `a`.
            if path.len() > 1 && path.last().is_some_and(|last| last == "self") {
                path.pop();
            }
            let renamed = tokens.get(end) == Some(&"as");
            let name = if renamed { tokens[end + 1].to_string() } else { path.last().cloned().unwrap_or_default() };
            uses.push(Use { name, path });
            // At least one further, also where the text is no Rust.
            (if renamed { end + 2 } else { end }).max(at + 1)
        }
    }
}

/// True if there is nothing but `mod x;`, `use x;` and attributes, of any visibility.
fn is_list(tokens: &[&str]) -> bool {
    let mut at = 0;
    while at < tokens.len() {
        let closed = |from: usize, open: &str, close: &str| {
            let mut depth = 0_usize;
            let end = tokens[from..].iter().position(|token| {
                depth += usize::from(*token == open);
                depth -= usize::from(*token == close);
                depth == 0
            });
            end.map_or(tokens.len(), |end| from + end + 1)
        };
        at = match tokens[at] {
            "#" => closed(at + 1 + usize::from(tokens.get(at + 1) == Some(&"!")), "[", "]"),
            "pub" if tokens.get(at + 1) == Some(&"(") => closed(at + 1, "(", ")"),
            "pub" => at + 1,
            "use" => tokens[at..].iter().position(|token| *token == ";").map_or(tokens.len(), |end| at + end + 1),
            "mod" if tokens.get(at + 2) == Some(&";") => at + 3,
            _ => return false,
        };
    }
    true
}
