//! Reading an XPath.

/// An expression.
#[derive(Debug, Clone, PartialEq)]
pub enum Expression {
    /// A number.
    Number(f64),
    /// A text.
    Text(String),
    /// A function and its arguments.
    Call(String, Vec<Expression>),
    /// An operator between two.
    Binary(&'static str, Box<Expression>, Box<Expression>),
    /// `-x`
    Negative(Box<Expression>),
    /// Steps from a start.
    Path(Start, Vec<Step>),
}

/// Where a path starts.
#[derive(Debug, Clone, PartialEq)]
pub enum Start {
    /// At the document.
    Root,
    /// At the node that is looked at.
    Here,
    /// At what an expression finds, of which these predicates hold.
    At(Box<Expression>, Vec<Expression>),
}

/// One step.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    /// Which nodes it goes to.
    pub axis: Axis,
    /// Which of them it takes.
    pub test: Test,
    /// What must hold for them.
    pub predicates: Vec<Expression>,
}

/// Which nodes a step goes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Axis {
    /// Children.
    Child,
    /// Attributes.
    Attribute,
    /// The node and all below it.
    DescendantOrSelf,
    /// All below it.
    Descendant,
    /// The node.
    Itself,
    /// What it stands in.
    Parent,
    /// All that it stands in.
    Ancestor,
    /// Those with the same parent behind it.
    FollowingSibling,
    /// Those with the same parent before it.
    PrecedingSibling,
}

/// Which nodes a step takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Test {
    /// Those of a name.
    Name(String),
    /// All with a name.
    AnyName,
    /// All.
    Any,
    /// Texts.
    Text,
}

/// Reads a path.
///
/// # Errors
/// What is wrong with it.
pub fn parse(text: &str) -> Result<Expression, String> {
    let mut reader = Reader { tokens: tokens(text)?, at: 0, depth: 0 };
    let expression = reader.level(0)?;
    match reader.tokens.get(reader.at) {
        None => Ok(expression),
        Some(token) => Err(format!("`{token}` does not belong there")),
    }
}

fn tokens(text: &str) -> Result<Vec<String>, String> {
    let letters: Vec<char> = text.chars().collect();
    let is_name = |letter: char| letter.is_alphanumeric() || matches!(letter, '_' | '-' | '.' | ':');
    let mut tokens = Vec::new();
    let mut at = 0;
    while let Some(letter) = letters.get(at).copied() {
        let start = at;
        at += 1;
        match letter {
            letter if letter.is_whitespace() => continue,
            '"' | '\'' => {
                let length = letters[at..].iter().position(|other| *other == letter).ok_or("a text is not closed")?;
                at += length + 1;
            }
            letter
                if letter.is_ascii_digit() || (letter == '.' && letters.get(at).is_some_and(char::is_ascii_digit)) =>
            {
                while letters.get(at).is_some_and(|letter| letter.is_ascii_digit() || *letter == '.') {
                    at += 1;
                }
            }
            letter if letter.is_alphabetic() || letter == '_' => {
                while letters.get(at).is_some_and(|letter| is_name(*letter)) {
                    // `::` ends the name of an axis.
                    if letters[at] == ':' && letters.get(at + 1) == Some(&':') {
                        break;
                    }
                    at += 1;
                }
            }
            _ => {
                let two: String = letters[start..].iter().take(2).collect();
                at += usize::from(["//", "::", "..", "!=", "<=", ">="].contains(&two.as_str()));
            }
        }
        tokens.push(letters[start..at].iter().collect());
    }
    Ok(tokens)
}

/// Operators, those that bind weakest first.
const LEVELS: [&[&str]; 7] =
    [&["or"], &["and"], &["=", "!="], &["<", "<=", ">", ">="], &["+", "-"], &["*", "div", "mod"], &["|"]];

/// Deepest nesting.
const DEPTH_MAX: usize = 64;

struct Reader {
    tokens: Vec<String>,
    at: usize,
    depth: usize,
}

impl Reader {
    fn peek(&self) -> &str {
        self.tokens.get(self.at).map_or("", String::as_str)
    }

    fn take(&mut self, wanted: &str) -> bool {
        let is_there = self.peek() == wanted;
        self.at += usize::from(is_there);
        is_there
    }

    fn need(&mut self, wanted: &str) -> Result<(), String> {
        if self.take(wanted) { Ok(()) } else { Err(format!("`{wanted}` is missing at `{}`", self.peek())) }
    }

    fn level(&mut self, level: usize) -> Result<Expression, String> {
        let Some(operators) = LEVELS.get(level) else { return self.unary() };
        self.depth += 1;
        if self.depth > DEPTH_MAX * LEVELS.len() {
            return Err("it is nested too deeply".to_string());
        }
        let mut left = self.level(level + 1)?;
        while let Some(operator) = operators.iter().find(|operator| self.peek() == **operator) {
            self.at += 1;
            let right = self.level(level + 1)?;
            left = Expression::Binary(operator, Box::new(left), Box::new(right));
        }
        self.depth -= 1;
        Ok(left)
    }

    fn unary(&mut self) -> Result<Expression, String> {
        if self.take("-") {
            return Ok(Expression::Negative(Box::new(self.unary()?)));
        }
        self.path()
    }

    fn path(&mut self) -> Result<Expression, String> {
        let token = self.peek().to_string();
        let first = token.chars().next().ok_or("it ends too early")?;
        let is_call = self.tokens.get(self.at + 1).is_some_and(|next| next == "(")
            && first.is_alphabetic()
            && !["text", "node", "comment"].contains(&token.as_str());
        let primary = match first {
            '"' | '\'' => {
                self.at += 1;
                Some(Expression::Text(token[1..token.len() - 1].to_string()))
            }
            first if first.is_ascii_digit() || (first == '.' && token.len() > 1 && token != "..") => {
                self.at += 1;
                Some(Expression::Number(token.parse().map_err(|_| format!("`{token}` is no number"))?))
            }
            '(' => {
                self.at += 1;
                let inner = self.level(0)?;
                self.need(")")?;
                Some(inner)
            }
            _ if is_call => Some(self.call(token)?),
            _ => None,
        };
        let mut steps = Vec::new();
        let start = match primary {
            Some(primary) => {
                let predicates = self.predicates()?;
                if predicates.is_empty() && !["/", "//"].contains(&self.peek()) {
                    return Ok(primary);
                }
                Start::At(Box::new(primary), predicates)
            }
            None if self.take("/") => {
                if self.is_at_step() {
                    steps.push(self.step()?);
                }
                Start::Root
            }
            None if self.take("//") => {
                steps.push(all_below());
                steps.push(self.step()?);
                Start::Root
            }
            None => {
                steps.push(self.step()?);
                Start::Here
            }
        };
        loop {
            if self.take("//") {
                steps.push(all_below());
            } else if !self.take("/") {
                return Ok(Expression::Path(start, steps));
            }
            steps.push(self.step()?);
        }
    }

    fn is_at_step(&self) -> bool {
        let token = self.peek();
        ["*", "@", ".", ".."].contains(&token) || token.starts_with(|first: char| first.is_alphabetic() || first == '_')
    }

    fn call(&mut self, name: String) -> Result<Expression, String> {
        self.at += 2;
        let mut arguments = Vec::new();
        if !self.take(")") {
            loop {
                arguments.push(self.level(0)?);
                if self.take(",") {
                    continue;
                }
                self.need(")")?;
                break;
            }
        }
        Ok(Expression::Call(name, arguments))
    }

    fn predicates(&mut self) -> Result<Vec<Expression>, String> {
        let mut predicates = Vec::new();
        while self.take("[") {
            predicates.push(self.level(0)?);
            self.need("]")?;
        }
        Ok(predicates)
    }

    fn step(&mut self) -> Result<Step, String> {
        for (word, axis) in [(".", Axis::Itself), ("..", Axis::Parent)] {
            if self.take(word) {
                return Ok(Step { axis, test: Test::Any, predicates: self.predicates()? });
            }
        }
        let mut axis = if self.take("@") { Axis::Attribute } else { Axis::Child };
        if self.tokens.get(self.at + 1).is_some_and(|next| next == "::") {
            axis = axis_of(self.peek())?;
            self.at += 2;
        }
        let token = self.peek().to_string();
        if !self.is_at_step() {
            return Err(format!("a name is missing at `{token}`"));
        }
        self.at += 1;
        let test = match token.as_str() {
            "*" => Test::AnyName,
            "text" | "node" if self.take("(") => {
                self.need(")")?;
                if token == "text" { Test::Text } else { Test::Any }
            }
            _ => Test::Name(token),
        };
        Ok(Step { axis, test, predicates: self.predicates()? })
    }
}

fn all_below() -> Step {
    Step { axis: Axis::DescendantOrSelf, test: Test::Any, predicates: Vec::new() }
}

fn axis_of(name: &str) -> Result<Axis, String> {
    Ok(match name {
        "child" => Axis::Child,
        "attribute" => Axis::Attribute,
        "descendant" => Axis::Descendant,
        "descendant-or-self" => Axis::DescendantOrSelf,
        "self" => Axis::Itself,
        "parent" => Axis::Parent,
        "ancestor" => Axis::Ancestor,
        "following-sibling" => Axis::FollowingSibling,
        "preceding-sibling" => Axis::PrecedingSibling,
        other => return Err(format!("there is no axis `{other}` here")),
    })
}
