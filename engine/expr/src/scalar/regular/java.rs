//! Java's regular expressions in Rust's syntax. `\w`, `\d` and `\s` are of ASCII in Java, and `\Q…\E`, `\h`, `\R` are not known to Rust.

/// A pattern of Java's as Rust's crates read it. What needs no change stays, and what is no pattern is found out there.
pub fn in_rust(pattern: &str) -> String {
    let mut out = String::with_capacity(pattern.len());
    let mut letters = pattern.chars().peekable();
    let mut class_depth = 0_usize;
    let dot_is_all = pattern.contains("(?s") || pattern.contains("(?is") || pattern.contains("(?ms");
    while let Some(letter) = letters.next() {
        match letter {
            '\\' => match letters.next() {
                Some('Q') => {
                    let rest: String = letters.clone().collect();
                    let quoted = rest.split_once("\\E").map_or(rest.as_str(), |(quoted, _)| quoted);
                    let ended = rest.len() > quoted.len();
                    letters.by_ref().take(quoted.chars().count() + if ended { 2 } else { 0 }).for_each(drop);
                    out.push_str(&regex::escape(quoted));
                }
                Some(escaped) => escape(escaped, &mut letters, class_depth > 0, &mut out),
                None => out.push('\\'),
            },
            '[' => {
                class_depth += 1;
                out.push('[');
                // A bracket that closes is a letter where it stands first.
                if letters.peek() == Some(&'^') {
                    out.extend(letters.next());
                }
                if letters.peek() == Some(&']') {
                    letters.next();
                    out.push_str("\\]");
                }
            }
            ']' if class_depth > 0 => {
                class_depth -= 1;
                out.push(']');
            }
            '.' if class_depth == 0 && !dot_is_all => out.push_str("[^\\n\\r\\x{85}\\x{2028}\\x{2029}]"),
            other => out.push(other),
        }
    }
    out
}

type Letters<'a> = std::iter::Peekable<std::str::Chars<'a>>;

fn escape(escaped: char, letters: &mut Letters<'_>, in_class: bool, out: &mut String) {
    const HORIZONTAL: &str = " \\t\\x{A0}\\x{1680}\\x{180E}\\x{2000}-\\x{200A}\\x{202F}\\x{205F}\\x{3000}";
    let class = |members: &str, is_negative: bool| match (is_negative, in_class) {
        (true, _) => format!("[^{members}]"),
        (false, true) => members.to_string(),
        (false, false) => format!("[{members}]"),
    };
    match escaped {
        'w' | 'W' => out.push_str(&class("0-9A-Za-z_", escaped == 'W')),
        'd' | 'D' => out.push_str(&class("0-9", escaped == 'D')),
        's' | 'S' => out.push_str(&class(" \\t\\n\\x0B\\f\\r", escaped == 'S')),
        'h' | 'H' => out.push_str(&class(HORIZONTAL, escaped == 'H')),
        'v' | 'V' => out.push_str(&class("\\n\\x0B\\f\\r\\x{85}\\x{2028}\\x{2029}", escaped == 'V')),
        'R' if !in_class => out.push_str("(?:\\r\\n|[\\n\\x0B\\f\\r\\x{85}\\x{2028}\\x{2029}])"),
        'e' => out.push_str("\\x1B"),
        'u' => {
            let digits: String = letters.by_ref().take(4).collect();
            out.push_str(&format!("\\x{{{digits}}}"));
        }
        '0' => {
            let mut code = 0;
            let mut count = 0;
            while let Some(digit) = letters.peek().and_then(|letter| letter.to_digit(8)).filter(|_| count < 3) {
                (code, count) = (code * 8 + digit, count + 1);
                letters.next();
            }
            out.push_str(&format!("\\x{{{code:X}}}"));
        }
        'p' | 'P' if letters.peek() == Some(&'{') => {
            letters.next();
            let name: String = letters.by_ref().take_while(|letter| *letter != '}').collect();
            property(&name, escaped == 'P', in_class, out);
        }
        other => out.extend(['\\', other]),
    }
}

/// `\p{Lower}` and its kin are of ASCII; `\p{IsAlphabetic}` is Rust's `\p{Alphabetic}`.
fn property(name: &str, is_negative: bool, in_class: bool, out: &mut String) {
    let members = match name {
        "Lower" => "a-z",
        "Upper" => "A-Z",
        "Alpha" => "a-zA-Z",
        "Digit" => "0-9",
        "Alnum" => "0-9a-zA-Z",
        "XDigit" => "0-9a-fA-F",
        "Space" => " \\t\\n\\x0B\\f\\r",
        "Blank" => " \\t",
        "Punct" => "!-/:-@\\[-`{-~",
        "Graph" => "!-~",
        "Print" => " -~",
        "Cntrl" => "\\x00-\\x1F\\x7F",
        "ASCII" => "\\x00-\\x7F",
        other => {
            let name = other.strip_prefix("Is").filter(|rest| !rest.is_empty()).unwrap_or(other);
            out.push_str(&format!("\\{}{{{name}}}", if is_negative { 'P' } else { 'p' }));
            return;
        }
    };
    match (is_negative, in_class) {
        (true, _) => out.push_str(&format!("[^{members}]")),
        (false, true) => out.push_str(members),
        (false, false) => out.push_str(&format!("[{members}]")),
    }
}

#[cfg(test)]
mod tests;
