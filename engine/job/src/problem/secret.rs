//! Hides what looks like a password in a text that is about to be shown.

/// A key with one of these in its name holds a secret.
const WORDS: &[&str] = &["password", "secret", "credential", "token", "ssl.key.pem", "private_key", "sasl.jaas.config"];

/// True if a setting of this name holds a secret.
pub fn is_secret(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    WORDS.iter().any(|word| name.contains(word))
}

/// The text with every value behind a key that names a secret replaced by stars. Its length in bytes and its lines
/// stay the same, so places found in the text hold in the result. A plain `${NAME}` is no secret and stays.
pub(super) fn starred(text: &str) -> String {
    text.split_inclusive('\n').map(starred_line).collect()
}

fn starred_line(line: &str) -> String {
    let lower = line.to_ascii_lowercase();
    let named = WORDS.iter().filter_map(|word| lower.find(word)).min();
    let equals = named.and_then(|at| line.get(at..)?.find('=').map(|found| at + found + 1));
    let Some((key, value)) = equals.and_then(|at| line.split_at_checked(at)) else { return line.to_owned() };
    if is_variable(value) {
        return line.to_owned();
    }
    let stars = value.chars().flat_map(|sign| {
        let kept = sign.is_whitespace() || sign == '"' || sign == '\'';
        std::iter::repeat_n(if kept { sign } else { '*' }, if kept { 1 } else { sign.len_utf8() })
    });
    key.chars().chain(stars).collect()
}

fn is_variable(value: &str) -> bool {
    let inner = value.trim().trim_matches(['"', '\'']);
    let name = inner.strip_prefix("${").and_then(|rest| rest.strip_suffix('}'));
    name.is_some_and(|name| name.chars().all(|sign| sign.is_ascii_alphanumeric() || sign == '_'))
}
