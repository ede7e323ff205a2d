//! `initcap`: the first letter of each word large, the others small, as Java writes titles.

/// The words of a text, parted by blanks alone, as titles.
pub fn initcap(text: &str) -> String {
    let words = text.split(' ').map(|word| {
        let Some(first) = word.chars().next() else { return String::new() };
        // What is small depends on the word: a sigma at its end has a form of its own.
        let small = word.to_lowercase();
        let rest = small.get(first.to_lowercase().map(char::len_utf8).sum::<usize>()..).unwrap_or_default();
        format!("{}{rest}", title(first))
    });
    words.collect::<Vec<_>>().join(" ")
}

/// A letter as the first of a title: of `ß` it is `Ss`, of `ǆ` the form between small and large.
fn title(letter: char) -> String {
    let digraph = match letter {
        '\u{1c4}'..='\u{1c6}' => Some('\u{1c5}'),
        '\u{1c7}'..='\u{1c9}' => Some('\u{1c8}'),
        '\u{1ca}'..='\u{1cc}' => Some('\u{1cb}'),
        '\u{1f1}'..='\u{1f3}' => Some('\u{1f2}'),
        _ => None,
    };
    if let Some(digraph) = digraph {
        return digraph.to_string();
    }
    let mut large = letter.to_uppercase();
    match large.next() {
        Some(first) if first.is_uppercase() => {
            std::iter::once(first).chain(large.flat_map(char::to_lowercase)).collect()
        }
        _ => letter.to_uppercase().collect(),
    }
}

#[cfg(test)]
mod tests;
