//! Which file of a crate names which, and the circles of files that this makes.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use crate::paths::{Names, names_of};
use crate::walk::{collect, is_test, root};

/// Names lead to names; what leads further than this leads in a circle.
const STEPS_MAX: usize = 16;

/// One file names something in another.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Arrow {
    pub from: PathBuf,
    pub to: PathBuf,
}

/// A file as a module of its crate.
struct Module {
    file: PathBuf,
    names: Names,
}

/// The modules of a crate by their paths; that of the crate itself is empty.
struct Modules(BTreeMap<Vec<String>, Module>);

/// Which file below a folder of sources names which, tests left out.
pub fn arrows_of_files(source: &Path) -> Vec<Arrow> {
    let mut files = Vec::new();
    if source.is_dir() {
        collect(source, &mut files, &|path| path.extension().is_some_and(|end| end == "rs"));
    }
    let is_ours = |file: &&PathBuf| !is_test(file.strip_prefix(root()).unwrap_or(file));
    let texts = files.iter().filter(is_ours).map(|file| {
        let text = fs::read_to_string(file).expect("a source file is readable text");
        (file.strip_prefix(source).expect("the walk began there").to_path_buf(), text)
    });
    arrows_of_texts(texts)
}

/// Which of these files names which. Their paths are those below `src`.
pub fn arrows_of_texts(files: impl IntoIterator<Item = (PathBuf, String)>) -> Vec<Arrow> {
    let modules = files.into_iter().map(|(file, text)| (module_path(&file), Module { file, names: names_of(&text) }));
    let modules = Modules(modules.collect());
    let mut arrows: Vec<Arrow> = Vec::new();
    // A file that only lists its folder is no station of its own: names lead through it.
    for (at, module) in modules.0.iter().filter(|(_, module)| !module.names.is_list) {
        let used = module.names.uses.iter().map(|used| &used.path);
        for path in used.chain(&module.names.paths) {
            if let Some(to) = modules.file_of(at, path, 0).filter(|to| **to != module.file) {
                arrows.push(Arrow { from: module.file.clone(), to: to.clone() });
            }
        }
    }
    arrows.sort();
    arrows.dedup();
    arrows
}

/// `a::b` for `a/b.rs` and `a/b/mod.rs`.
fn module_path(file: &Path) -> Vec<String> {
    let mut path: Vec<String> =
        file.with_extension("").iter().map(|part| part.to_string_lossy().into_owned()).collect();
    let is_folder = |name: &String| matches!(name.as_str(), "lib" | "main") && file.components().count() == 1;
    if path.last().is_some_and(|name| name == "mod" || is_folder(name)) {
        path.pop();
    }
    path
}

impl Modules {
    /// The file that holds what a path names in a module; `None` if it lies in another crate, or nowhere but in lists.
    fn file_of(&self, from: &[String], path: &[String], steps: usize) -> Option<&PathBuf> {
        let (first, rest) = path.split_first().filter(|_| steps < STEPS_MAX)?;
        match first.as_str() {
            "crate" => self.item(&[], rest, steps),
            "self" => self.item(from, rest, steps),
            "super" => {
                let (_, parent) = from.split_last()?;
                match rest.first() {
                    Some(next) if next == "super" => self.file_of(parent, rest, steps),
                    _ => self.item(parent, rest, steps),
                }
            }
            _ if self.child(from, first).is_some() => self.item(from, path, steps),
            _ => self.used(from, path, steps),
        }
    }

    fn child(&self, at: &[String], name: &str) -> Option<Vec<String>> {
        let path: Vec<String> = at.iter().cloned().chain([name.to_string()]).collect();
        self.0.contains_key(&path).then_some(path)
    }

    /// The file of an item: first down through modules, then through what the last of them brings in from elsewhere.
    fn item(&self, at: &[String], path: &[String], steps: usize) -> Option<&PathBuf> {
        if let Some(child) = path.first().and_then(|name| self.child(at, name)) {
            return self.item(&child, &path[1..], steps);
        }
        let module = self.0.get(at)?;
        let own = || Some(&module.file).filter(|_| !module.names.is_list);
        match path.first() {
            None => own(),
            Some(name) if module.names.items.contains(name) => own(),
            Some(name) if module.names.uses.iter().any(|used| used.name == *name) => self.used(at, path, steps),
            Some(_) => self.spread(at, path, steps).or_else(own),
        }
    }

    /// What a name stands for that a module has from a `use`.
    fn used(&self, at: &[String], path: &[String], steps: usize) -> Option<&PathBuf> {
        let names = &self.0.get(at)?.names;
        let used = names.uses.iter().find(|used| used.name == path[0])?;
        // `use a;` beside `mod a;` or of a crate: the name leads nowhere else.
        if used.path[0] == path[0] && used.path.len() == 1 {
            return None;
        }
        let longer: Vec<String> = used.path.iter().chain(&path[1..]).cloned().collect();
        self.file_of(at, &longer, steps + 1)
    }

    /// The file of a name that a module has from a `use x::*`.
    fn spread(&self, at: &[String], path: &[String], steps: usize) -> Option<&PathBuf> {
        let names = &self.0.get(at)?.names;
        names.uses.iter().filter(|used| used.name == "*").find_map(|used| {
            let longer: Vec<String> = used.path.iter().chain(path).cloned().collect();
            let file = self.file_of(at, &longer, steps + 1)?;
            let holds = |module: &&Module| module.file == *file && module.names.items.contains(&path[0]);
            self.0.values().find(holds).map(|module| &module.file)
        })
    }
}

/// Files that reach each other, circle by circle.
pub fn circles(arrows: &[Arrow]) -> Vec<Vec<PathBuf>> {
    let mut files: Vec<&PathBuf> = arrows.iter().flat_map(|arrow| [&arrow.from, &arrow.to]).collect();
    files.sort();
    files.dedup();
    let reached = |start: &PathBuf| {
        let (mut seen, mut next) = (Vec::new(), vec![start]);
        while let Some(file) = next.pop() {
            for arrow in arrows.iter().filter(|arrow| arrow.from == *file) {
                if !seen.contains(&&arrow.to) {
                    seen.push(&arrow.to);
                    next.push(&arrow.to);
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
