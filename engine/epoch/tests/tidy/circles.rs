//! Which file of a crate names which, and the circles of files that this makes.

use std::fs;
use std::path::{Path, PathBuf};

use crate::rust_text::{code_only, is_word};
use crate::walk::{collect, is_test, root};

/// Which file of a crate names which, tests left out.
pub fn arrows_of_files(source: &Path) -> Vec<(PathBuf, PathBuf)> {
    let mut files = Vec::new();
    if source.is_dir() {
        collect(source, &mut files, &|path| path.extension().is_some_and(|end| end == "rs"));
    }
    let mut arrows = Vec::new();
    for file in files.iter().filter(|file| !is_test(file.strip_prefix(root()).unwrap_or(file))) {
        let text = fs::read_to_string(file).expect("a source file is readable text");
        // A file that only gathers its folder (`mod` and `pub use`) is no station of its own.
        for path in paths_in_crate(&text) {
            let target = file_of_path(source, file, &path, &files);
            arrows.extend(target.filter(|target| target != file).map(|target| (file.clone(), target)));
        }
    }
    arrows.sort();
    arrows.dedup();
    arrows
}

/// The paths into its own crate that a file names in code: `crate::a` of `crate::a::B`, each once a mention. The first module only.
pub fn paths_in_crate(text: &str) -> Vec<String> {
    let code = code_only(text);
    let mut found = Vec::new();
    for start in ["crate::", "super::"] {
        for (at, _) in code.match_indices(start).filter(|(at, _)| !code[..*at].ends_with(|c| is_word(c) || c == ':')) {
            let rest = &code[at + start.len()..];
            if let Some(list) = rest.strip_prefix('{') {
                let mut depth = 0_usize;
                let list: String = list
                    .chars()
                    .take_while(|c| {
                        depth = match c {
                            '{' => depth + 1,
                            '}' if depth > 0 => depth - 1,
                            '}' => return false,
                            _ => depth,
                        };
                        true
                    })
                    .collect();
                let mut depth = 0_usize;
                let items = list.split(|c| {
                    match c {
                        '{' => depth += 1,
                        '}' => depth = depth.saturating_sub(1),
                        _ => {}
                    }
                    c == ',' && depth == 0
                });
                for item in items {
                    let name: String = item.trim_start().chars().take_while(|c| is_word(*c)).collect();
                    found.extend((!name.is_empty()).then(|| (at, format!("{start}{name}"))));
                }
            } else {
                let name: String = rest.chars().take_while(|c| is_word(*c)).collect();
                found.push((at, format!("{start}{name}")));
            }
        }
    }
    found.sort_by_key(|(at, _)| *at);
    found.into_iter().map(|(_, path)| path).collect()
}

/// The file of a module that a file names, if it is one: `crate::a` is `src/a.rs`, `super::b` of `src/a/c.rs` is `src/a/b.rs`.
fn file_of_path(source: &Path, file: &Path, path: &str, files: &[PathBuf]) -> Option<PathBuf> {
    let (start, name) = path.split_once("::")?;
    let folder = match start {
        "crate" => source.to_path_buf(),
        _ => file.parent()?.to_path_buf(),
    };
    [folder.join(format!("{name}.rs")), folder.join(name).join("mod.rs")].into_iter().find(|path| files.contains(path))
}

/// Files that reach each other, circle by circle.
pub fn circles(arrows: &[(PathBuf, PathBuf)]) -> Vec<Vec<PathBuf>> {
    let mut files: Vec<&PathBuf> = arrows.iter().flat_map(|(from, to)| [from, to]).collect();
    files.sort();
    files.dedup();
    let reached = |start: &PathBuf| {
        let (mut seen, mut next) = (Vec::new(), vec![start]);
        while let Some(file) = next.pop() {
            for (_, to) in arrows.iter().filter(|(from, _)| from == file) {
                if !seen.contains(&to) {
                    seen.push(to);
                    next.push(to);
                }
            }
        }
        seen
    };
    let reach: Vec<Vec<&PathBuf>> = files.iter().map(|file| reached(file)).collect();
    let mut circles: Vec<Vec<PathBuf>> = Vec::new();
    for (index, file) in files.iter().enumerate().filter(|(index, file)| reach[*index].contains(*file)) {
        let is_back = |other: &usize| reach[index].contains(&files[*other]) && reach[*other].contains(file);
        let circle: Vec<PathBuf> = (0..files.len()).filter(is_back).map(|other| files[other].clone()).collect();
        if circle.len() > 1 && !circles.contains(&circle) {
            circles.push(circle);
        }
    }
    circles
}
