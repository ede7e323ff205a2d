//! House rules that the compiler does not know: file and function length, opening lines, forbidden calls, names and words, the
//! direction of crates, circles of files.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

mod circles;
mod paths;
mod rust_text;
mod walk;

use std::fs;
use std::path::{Path, PathBuf};

use crate::circles::{Arrow, arrows_of_files, arrows_of_texts, circles};
use crate::paths::names_of;
use crate::rust_text::{code_only, function_lengths, is_word, line_of};
use crate::walk::{collect, crates, declares_for_tests, each_rust_file, is_test, root, shown};

const FILE_LINES_MAX: usize = 600;
const FUNCTION_LINES_MAX: usize = 70;

/// Which of our crates a crate may use. What is not listed is an arrow back: it does not compile away, it is refused here.
const ARROWS: &[(&str, &[&str])] = &[
    ("epoch", &[]),
    ("batch", &[]),
    ("job", &["epoch"]),
    ("formats", &["job"]),
    ("connector", &["epoch", "job"]),
    ("storage", &["connector"]),
    ("kafka", &["epoch", "job", "connector"]),
    ("delta", &["epoch", "job", "connector", "storage", "formats"]),
    ("files", &["job", "connector", "storage", "formats"]),
    ("memory", &["epoch", "job", "connector"]),
    ("state", &["epoch"]),
    ("expr", &[]),
    ("operators", &["epoch", "expr", "state"]),
    ("plan", &["batch", "connector", "expr", "formats", "job", "operators"]),
    ("runtime", &["epoch", "job", "connector", "expr", "formats", "state", "operators", "plan"]),
    (
        "testkit",
        &["epoch", "job", "connector", "formats", "memory", "delta", "files", "state", "plan", "query", "runtime"],
    ),
    ("query", &["connector", "expr", "plan"]),
    ("drill", &["connector", "epoch", "job", "plan", "query", "runtime", "state"]),
    (
        "cli",
        &[
            "epoch",
            "job",
            "connector",
            "kafka",
            "delta",
            "files",
            "state",
            "plan",
            "query",
            "runtime",
            "testkit",
            "drill",
        ],
    ),
];

/// Calls that end the process or hide an error. Clippy denies most of them; this also sees code that is configured away.
const FORBIDDEN_CALLS: &[&str] =
    &[".unwrap()", ".expect(\"", ".unwrap_err()", ".expect_err(\"", "panic!", "todo!", "unimplemented!", "dbg!"];

const FORBIDDEN_NAMES: &[&str] = &["utils", "util", "common", "helpers", "misc"];

// ---------------------------------------------------------------- the rules, over the whole tree

#[test]
fn every_rust_file_opens_with_a_line_that_says_what_it_is() {
    refuse(each_rust_file(|_, text| opening_problems(text)));
}

#[test]
fn production_files_and_functions_are_short() {
    refuse(each_rust_file(|path, text| if is_test(path) { Vec::new() } else { length_problems(text) }));
}

#[test]
fn production_code_neither_panics_nor_holds_tests() {
    refuse(each_rust_file(|path, text| if is_test(path) { Vec::new() } else { call_problems(text) }));
}

#[test]
fn file_names_say_what_is_inside() {
    refuse(each_rust_file(|path, _| name_problems(path)));
}

#[test]
fn crates_point_one_way() {
    let mut problems = Vec::new();
    for folder in crates() {
        let manifest = folder.join("Cargo.toml");
        if let Ok(text) = fs::read_to_string(&manifest) {
            let name = folder.file_name().unwrap().to_string_lossy().into_owned();
            problems.extend(
                arrow_problems(&name, &text).into_iter().map(|problem| format!("{}: {problem}", shown(&manifest))),
            );
        }
    }
    refuse(problems);
}

#[test]
fn no_circle_of_files_is_longer_than_two() {
    let mut problems = Vec::new();
    for folder in crates() {
        let source = folder.join("src");
        let arrows = arrows_of_files(&source);
        for circle in circles(&arrows).into_iter().filter(|circle| circle.len() > 2) {
            problems.push(format!("a circle of {} files in {}:", circle.len(), shown(&source)));
            let is_in = |arrow: &&Arrow| circle.contains(&arrow.from) && circle.contains(&arrow.to);
            let arrows = arrows.iter().filter(is_in);
            problems.extend(arrows.map(|arrow| format!("    {} -> {}", arrow.from.display(), arrow.to.display())));
        }
    }
    refuse(problems);
}

#[test]
fn words_that_meant_several_things_stay_away() {
    refuse(each_rust_file(|_, text| word_problems(text)));
}

/// Positions belong to connectors: whoever looks into one binds itself to a kind of source.
#[test]
fn only_connectors_look_into_positions() {
    let blind = ["engine/runtime/src", "engine/plan/src", "engine/operators/src", "engine/state/src"];
    refuse(each_rust_file(|path, text| {
        let is_blind = blind.iter().any(|folder| path.starts_with(folder)) && !is_test(path);
        let code = if is_blind { code_only(text) } else { String::new() };
        let looks = |line: &&str| line.contains("epoch::offsets") || line.contains("offsets::");
        code.lines().filter(looks).map(|line| format!("1: looks into a position: {}", line.trim())).collect()
    }));
}

#[test]
fn no_file_holds_a_path_of_one_machine() {
    let mut files = Vec::new();
    collect(&root(), &mut files, &|_| true);
    assert!(files.len() > 20, "the walk found {} files only", files.len());
    let mut problems = Vec::new();
    for file in files {
        if let Ok(text) = fs::read_to_string(&file) {
            problems
                .extend(machine_path_problems(&text).into_iter().map(|problem| format!("{}:{problem}", shown(&file))));
        }
    }
    refuse(problems);
}

// ---------------------------------------------------------------- the rules see what they are for

#[test]
fn a_missing_opening_line_is_seen() {
    assert!(opening_problems("//! Says it.\nfn a() {}\n").is_empty());
    assert_eq!(opening_problems("fn a() {}\n").len(), 1);
    assert_eq!(opening_problems("").len(), 1);
    assert_eq!(opening_problems("//!\n").len(), 1);
}

#[test]
fn long_functions_and_files_are_seen() {
    let body = |lines: usize| format!("fn long() {{\n{}}}\n", "    step();\n".repeat(lines - 2));
    assert!(length_problems(&body(FUNCTION_LINES_MAX)).is_empty());
    assert_eq!(length_problems(&body(FUNCTION_LINES_MAX + 1)), ["1: function `long` has 71 lines, at most 70"]);
    assert!(length_problems(&"// x\n".repeat(FILE_LINES_MAX)).is_empty());
    assert_eq!(length_problems(&"// x\n".repeat(FILE_LINES_MAX + 1)).len(), 1);
    // Braces in text, comments and characters do not count; declarations and function types have no body.
    assert!(function_lengths("fn a() { \"{\"; '{'; /* { /* { */ */ }\n// }\nfn b();\ntype C = fn(u8) -> u8;\nfn d<'a>(x: &'a str) { r#\"}\"\"#; }").iter().all(|found| found.2 == 1));
    assert_eq!(function_lengths("fn a() {\n fn b() {\n }\n}\n"), [("a".to_owned(), 1, 4), ("b".to_owned(), 2, 2)]);
}

#[test]
fn forbidden_calls_are_seen_in_code_only() {
    assert_eq!(call_problems("fn a() {\n    b().unwrap();\n}\n"), ["2: `.unwrap()` outside tests"]);
    assert_eq!(call_problems("x.expect(\"y\"); panic!(); todo!()").len(), 3);
    assert!(call_problems("// .unwrap()\nlet s = \"panic!\"; x.unwrap_or(1); let c = '\"'; /* todo! */").is_empty());
    assert_eq!(call_problems("#[cfg(test)]\nmod tests {\n}\n").len(), 1);
    assert!(call_problems("#[cfg(test)]\nmod tests;\n").is_empty());
    assert!(call_problems("self.expect('<')?; self.expect(Token::Open)?;").is_empty(), "a parser's own `expect`");
    assert!(declares_for_tests("#[cfg(test)]\npub(crate) mod fixture;\nmod other;", "fixture"));
    assert!(!declares_for_tests("#[cfg(test)]\nmod fixture;\nmod other;", "other"));
}

#[test]
fn arrows_back_are_seen() {
    assert!(
        arrow_problems(
            "job",
            "[package]\nname = \"job\"\n[dependencies]\nserde.workspace = true\nepoch.workspace = true\n"
        )
        .is_empty()
    );
    assert_eq!(
        arrow_problems("epoch", "[dependencies]\nruntime = { path = \"../runtime\" }\n"),
        ["crate `epoch` must not use `runtime`"]
    );
    assert_eq!(
        arrow_problems("kafka", "[dependencies.delta]\nworkspace = true\n"),
        ["crate `kafka` must not use `delta`"]
    );
    assert!(arrow_problems("epoch", "[dev-dependencies]\nruntime.workspace = true\n").is_empty());
    assert_eq!(arrow_problems("extra", "[dependencies]\n").len(), 1);
}

#[test]
fn circles_are_seen() {
    let file = |name: &str| PathBuf::from(name);
    let arrows = |pairs: &[(&str, &str)]| {
        pairs.iter().map(|(from, to)| Arrow { from: file(from), to: file(to) }).collect::<Vec<_>>()
    };
    assert!(circles(&arrows(&[("a", "b"), ("b", "c"), ("a", "c")])).is_empty());
    assert_eq!(circles(&arrows(&[("a", "b"), ("b", "a"), ("b", "c")])), [[file("a"), file("b")]]);
    let three = circles(&arrows(&[("a", "b"), ("b", "c"), ("c", "a"), ("c", "d")]));
    assert_eq!(three, [[file("a"), file("b"), file("c")]]);
}

#[test]
fn names_in_a_file_are_seen() {
    let names = names_of(
        "use crate::{a::B, c::{self, D as E}, f::*};\nfn x() { crate::g::h(); i::J::k::<u8>(l.m) }\n// use crate::n;\n\
         pub(in crate::o) struct P; fn q() -> impl R + use<'_> {}",
    );
    let uses: Vec<String> = names.uses.iter().map(|used| format!("{} = {}", used.name, used.path.join("::"))).collect();
    assert_eq!(uses, ["B = crate::a::B", "c = crate::c", "E = crate::c::D", "* = crate::f"]);
    assert_eq!(names.paths, [vec!["crate", "g", "h"], vec!["i", "J", "k"]]);
    assert_eq!(names.items, ["x", "P", "q"]);
    let is_list = |text: &str| names_of(text).is_list;
    assert!(is_list("//! Lists.\n#[cfg(test)]\nmod tests;\npub(crate) mod a;\npub use a::{B, c::D};\nuse e as f;\n"));
    assert!(!is_list("mod a;\nconst B: u8 = 1;\n") && !is_list("mod a { }\n") && !is_list("mod a;\nb!();\n"));
}

#[test]
fn arrows_between_files_are_seen() {
    let arrows = |files: &[(&str, &str)]| -> Vec<String> {
        let files = files.iter().map(|(file, text)| (PathBuf::from(file), (*text).to_string()));
        let arrows = arrows_of_texts(files);
        arrows.iter().map(|arrow| format!("{} -> {}", arrow.from.display(), arrow.to.display())).collect()
    };
    let child = "use super::Type;\nfn c() {}\n";
    // A parent's item is the parent's; a declared module is reached by its bare name; declaring alone is no arrow.
    assert_eq!(arrows(&[("a.rs", "mod b;\nstruct Type;"), ("a/b.rs", child)]), ["a/b.rs -> a.rs"]);
    let both = arrows(&[("a.rs", "mod b;\nstruct Type;\nfn d() { b::c() }"), ("a/b.rs", child)]);
    assert_eq!(both, ["a/b.rs -> a.rs", "a.rs -> a/b.rs"]);
    let by_use = arrows(&[("a/mod.rs", "mod b;\nuse b::c;\nstruct Type;"), ("a/b.rs", child)]);
    assert_eq!(by_use, ["a/b.rs -> a/mod.rs", "a/mod.rs -> a/b.rs"]);
    // Names lead through lists, one by one or all of them, and through what others import.
    let list = ("lib.rs", "mod a;\nmod b;\npub use a::A;\npub use b::*;\nuse std::sync::Arc;");
    let more = [("a.rs", "use crate::{A, Arc, B, Missing};\nstruct A;"), ("b.rs", "pub enum B {}\nuse super::A as C;")];
    assert_eq!(arrows(&[list, more[0], more[1]]), ["a.rs -> b.rs", "b.rs -> a.rs"]);
    let through = [
        ("a.rs", "struct A;"),
        ("b.rs", "use crate::a;\nmod c;\nfn x(_: a::A) {}"),
        ("b/c.rs", "use super::a::A;\nfn y() {}"),
    ];
    assert_eq!(arrows(&through), ["b/c.rs -> a.rs", "b.rs -> a.rs"]);
    let two_up = [("a.rs", "struct A;"), ("a/b.rs", ""), ("a/b/c.rs", "type D = super::super::A;")];
    assert_eq!(arrows(&two_up), ["a/b/c.rs -> a.rs"]);
    // Names that lead to each other, and names of other crates, lead nowhere.
    assert!(
        arrows(&[("lib.rs", "use a::X;"), ("a.rs", "use crate::X;\nuse b;\nfn f() { b::g(); std::mem::drop(1) }")])
            .is_empty()
    );
}

#[test]
fn words_of_several_meanings_are_seen() {
    assert_eq!(word_problems("pub struct Moment;\n"), ["1: `Moment` has meant several things: say which"]);
    assert!(word_problems("// A Moment of text; Momentum\nlet moments = 1;\n").is_empty());
}

#[test]
fn names_and_paths_are_seen() {
    assert_eq!(name_problems(Path::new("engine/plan/src/utils.rs")).len(), 1);
    assert_eq!(name_problems(Path::new("engine/plan/src/common/mod.rs")).len(), 1);
    assert!(name_problems(Path::new("engine/plan/src/window.rs")).is_empty());
    let machine = concat!("/wo", "rk/main");
    assert_eq!(machine_path_problems(&format!("a\ncd {machine}\n")).len(), 1);
    assert_eq!(machine_path_problems(concat!("x = \"/ro", "ot\"")).len(), 1);
    assert!(machine_path_problems(concat!("see docs/wo", "rk/x, ../ro", "ot/y and /wo", "rkspace")).is_empty());
}

// ---------------------------------------------------------------- each rule

fn opening_problems(text: &str) -> Vec<String> {
    let first = text.lines().next().unwrap_or_default();
    let says_something = first.strip_prefix("//! ").is_some_and(|rest| !rest.trim().is_empty());
    if says_something { Vec::new() } else { vec!["1: the first line must be `//! What this file is.`".to_owned()] }
}

fn length_problems(text: &str) -> Vec<String> {
    let mut problems = Vec::new();
    let lines = text.lines().count();
    if lines > FILE_LINES_MAX {
        problems.push(format!("1: {lines} lines, at most {FILE_LINES_MAX}"));
    }
    for (name, line, length) in function_lengths(text) {
        if length > FUNCTION_LINES_MAX {
            problems.push(format!("{line}: function `{name}` has {length} lines, at most {FUNCTION_LINES_MAX}"));
        }
    }
    problems
}

fn call_problems(text: &str) -> Vec<String> {
    let code = code_only(text);
    let mut problems = Vec::new();
    for (index, line) in code.lines().enumerate() {
        for call in FORBIDDEN_CALLS.iter().filter(|call| holds_call(line, call)) {
            problems.push(format!("{}: `{call}` outside tests", index + 1));
        }
    }
    for (at, _) in code.match_indices("#[cfg(test)]") {
        let rest = &code[at..];
        let item = &rest[..rest.find([';', '{']).map_or(rest.len(), |end| end + 1)];
        if item.contains("mod ") && item.ends_with('{') {
            problems.push(format!(
                "{}: tests stand in a file of their own (`mod tests;` and `x/tests.rs`)",
                line_of(&code, at)
            ));
        }
    }
    problems
}

/// A macro's name must not be the end of a longer word: `my_panic!` is another macro.
fn holds_call(line: &str, call: &str) -> bool {
    line.match_indices(call).any(|(at, _)| call.starts_with('.') || !line[..at].ends_with(is_word))
}

fn name_problems(path: &Path) -> Vec<String> {
    let words = path.components().filter_map(|part| part.as_os_str().to_str());
    let stems = words.map(|word| word.strip_suffix(".rs").unwrap_or(word));
    stems
        .filter(|stem| FORBIDDEN_NAMES.contains(stem))
        .map(|stem| format!("1: `{stem}` says nothing about what is inside"))
        .collect()
}

fn arrow_problems(name: &str, manifest: &str) -> Vec<String> {
    let Some((_, allowed)) = ARROWS.iter().find(|(known, _)| *known == name) else {
        return vec![format!(
            "crate `{name}` is not in the table ARROWS of engine/epoch/tests/tidy/main.rs: say there what it may use"
        )];
    };
    let mut in_dependencies = false;
    let mut problems = Vec::new();
    for line in manifest.lines().map(str::trim) {
        let mut used = None;
        if let Some(section) = line.strip_prefix('[') {
            let section = section.trim_end_matches(']');
            in_dependencies = section == "dependencies";
            used = section.strip_prefix("dependencies.");
        } else if in_dependencies {
            used = line.split(['.', '=', ' ']).next();
        }
        if let Some(used) = used.filter(|used| ARROWS.iter().any(|(known, _)| known == used) && !allowed.contains(used))
        {
            problems.push(format!("crate `{name}` must not use `{used}`"));
        }
    }
    problems
}

/// Types and functions that once had these names had several meanings each.
const WORDS: &[&str] = &[
    "Moment", "Told", "World", "Pen", "Heard", "Held", "Done", "Found", "Known", "Given", "settle", "settled", "seal",
    "sealed", "owes", "pieces", "figures",
];

fn word_problems(text: &str) -> Vec<String> {
    let code = code_only(text);
    let mut problems = Vec::new();
    for (index, line) in code.lines().enumerate() {
        for word in line.split(|c| !is_word(c)).filter(|word| WORDS.contains(word)) {
            problems.push(format!("{}: `{word}` has meant several things: say which", index + 1));
        }
    }
    problems
}

/// Paths that exist on the machine of whoever wrote them only.
fn machine_path_problems(text: &str) -> Vec<String> {
    let mut problems = Vec::new();
    for (index, line) in text.lines().enumerate() {
        for folder in [concat!("/wo", "rk"), concat!("/ro", "ot")] {
            let absolute = |at: usize| {
                let before = line[..at].chars().next_back();
                let after = line[at + folder.len()..].chars().next();
                !before.is_some_and(|c| is_word(c) || matches!(c, '.' | '/' | '}' | '-'))
                    && !after.is_some_and(|c| is_word(c) || c == '-')
            };
            if line.match_indices(folder).any(|(at, _)| absolute(at)) {
                problems.push(format!("{}: a path of one machine: {}", index + 1, line.trim()));
            }
        }
    }
    problems
}

fn refuse(problems: Vec<String>) {
    assert!(problems.is_empty(), "{} problems:\n{}", problems.len(), problems.join("\n"));
}
