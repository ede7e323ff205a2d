//! Walking the tree: our crates, their files, which of them are tests.

use std::fs;
use std::path::{Path, PathBuf};

use crate::rust_text::code_only;

/// Folders of our crates: those below `engine`, and those of the connectors one deeper.
pub fn crates() -> Vec<PathBuf> {
    let engine = root().join("engine");
    let folders = entries(&engine).into_iter().chain(entries(&engine.join("connectors")));
    folders.filter(|folder| folder.join("Cargo.toml").is_file()).collect()
}

pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).expect("engine/epoch lies two folders deep").to_path_buf()
}

pub fn shown(path: &Path) -> String {
    path.strip_prefix(root()).unwrap_or(path).display().to_string()
}

/// Files that only tests are made of: by their place, or because they are declared `#[cfg(test)] mod name;`.
pub fn is_test(path: &Path) -> bool {
    let by_place = |part: &str| matches!(part, "tests" | "tests.rs" | "benches" | "examples");
    path.iter().filter_map(|part| part.to_str()).any(by_place) || is_declared_for_tests(path)
}

fn is_declared_for_tests(path: &Path) -> bool {
    let (Some(folder), Some(name)) = (path.parent(), path.file_stem().and_then(|stem| stem.to_str())) else {
        return false;
    };
    let parents = [folder.join("lib.rs"), folder.join("main.rs"), folder.join("mod.rs"), folder.with_extension("rs")];
    let texts = parents.iter().filter_map(|parent| fs::read_to_string(root().join(parent)).ok());
    texts.map(|text| code_only(&text)).any(|code| declares_for_tests(&code, name))
}

pub fn declares_for_tests(code: &str, name: &str) -> bool {
    code.match_indices("#[cfg(test)]").any(|(at, attribute)| {
        let rest = &code[at + attribute.len()..];
        rest.find(';')
            .is_some_and(|end| rest[..end].trim_end().ends_with(&format!("mod {name}")) && !rest[..end].contains('{'))
    })
}

pub fn each_rust_file(check: impl Fn(&Path, &str) -> Vec<String>) -> Vec<String> {
    let mut files = Vec::new();
    collect(&root().join("engine"), &mut files, &|path| path.extension().is_some_and(|end| end == "rs"));
    assert!(files.len() > 20, "the walk found {} files only", files.len());
    let mut problems = Vec::new();
    for file in files {
        let text = fs::read_to_string(&file).expect("a source file is readable text");
        let inside = file.strip_prefix(root()).unwrap_or(&file);
        problems.extend(check(inside, &text).into_iter().map(|problem| format!("{}:{problem}", inside.display())));
    }
    problems
}

/// Files of the tree that are ours: neither built nor data. In a worktree of git `.git` is a file, which names a path.
pub fn collect(folder: &Path, files: &mut Vec<PathBuf>, wanted: &dyn Fn(&Path) -> bool) {
    for path in entries(folder) {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if path.is_dir() {
            let ours = matches!(name.as_str(), ".ci" | ".cargo" | ".config") || !name.starts_with('.');
            if ours && !matches!(name.as_str(), "target" | "warehouse" | "checkpoints") {
                collect(&path, files, wanted);
            }
        } else if name != ".git" && wanted(&path) {
            files.push(path);
        }
    }
}

pub fn entries(folder: &Path) -> Vec<PathBuf> {
    let mut paths: Vec<PathBuf> = fs::read_dir(folder)
        .expect("a folder of the tree is readable")
        .map(|entry| entry.expect("an entry").path())
        .collect();
    paths.sort();
    paths
}
