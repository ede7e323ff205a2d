//! What an XPath finds in a document.

use super::super::document::{Document, Kind, Place};
use super::syntax::{Axis, Expression, Start, Step, Test};

/// A value.
#[derive(Debug, Clone, PartialEq)]
pub enum XPathValue {
    /// Nodes, in the order of the document.
    Nodes(Vec<Place>),
    /// A number.
    Number(f64),
    /// A text.
    Text(String),
    /// A boolean.
    Flag(bool),
}

/// What an expression finds, from the document down.
///
/// # Errors
/// If it calls a function that there is not, or takes a number for nodes.
pub fn evaluate(expression: &Expression, document: &Document) -> Result<XPathValue, String> {
    Look { document, place: 0, position: 1, last: 1 }.at(expression)
}

/// Where one looks from: a node, and its position among those that were found with it.
#[derive(Clone, Copy)]
struct Look<'a> {
    document: &'a Document,
    place: Place,
    position: usize,
    last: usize,
}

impl XPathValue {
    /// As a text: of nodes that of the first.
    pub fn text(&self, document: &Document) -> String {
        match self {
            XPathValue::Nodes(nodes) => nodes.first().map_or_else(String::new, |node| document.text_of(*node)),
            XPathValue::Text(text) => text.clone(),
            XPathValue::Flag(flag) => flag.to_string(),
            XPathValue::Number(number) if number.is_infinite() => {
                if *number > 0.0 { "Infinity" } else { "-Infinity" }.to_string()
            }
            XPathValue::Number(number) => number.to_string(),
        }
    }

    /// As a number; NaN if it is none.
    pub fn number(&self, document: &Document) -> f64 {
        match self {
            XPathValue::Number(number) => *number,
            XPathValue::Flag(flag) => f64::from(u8::from(*flag)),
            other => other.text(document).trim().parse().unwrap_or(f64::NAN),
        }
    }

    /// As a boolean: nodes that there are, a text that is not empty, a number that is not 0.
    pub fn flag(&self) -> bool {
        match self {
            XPathValue::Nodes(nodes) => !nodes.is_empty(),
            XPathValue::Number(number) => *number != 0.0 && !number.is_nan(),
            XPathValue::Text(text) => !text.is_empty(),
            XPathValue::Flag(flag) => *flag,
        }
    }
}

impl Look<'_> {
    fn at(self, expression: &Expression) -> Result<XPathValue, String> {
        Ok(match expression {
            Expression::Number(number) => XPathValue::Number(*number),
            Expression::Text(text) => XPathValue::Text(text.clone()),
            Expression::Negative(inner) => XPathValue::Number(-self.at(inner)?.number(self.document)),
            Expression::Binary(operator, left, right) => self.binary(operator, left, right)?,
            Expression::Call(name, arguments) => self.call(name, arguments)?,
            Expression::Path(start, steps) => {
                let mut nodes = match start {
                    Start::Root => vec![0],
                    Start::Here => vec![self.place],
                    Start::At(expression, predicates) => {
                        let nodes = self.nodes(expression)?;
                        predicates.iter().try_fold(nodes, |nodes, predicate| self.filtered(nodes, predicate))?
                    }
                };
                for step in steps {
                    nodes = self.step(&nodes, step)?;
                }
                XPathValue::Nodes(nodes)
            }
        })
    }

    fn nodes(self, expression: &Expression) -> Result<Vec<Place>, String> {
        match self.at(expression)? {
            XPathValue::Nodes(nodes) => Ok(nodes),
            _ => Err("nodes are needed, not a number or a text".to_string()),
        }
    }

    fn filtered(self, nodes: Vec<Place>, predicate: &Expression) -> Result<Vec<Place>, String> {
        let last = nodes.len();
        let mut kept = Vec::new();
        for (at, place) in nodes.into_iter().enumerate() {
            let look = Look { place, position: at + 1, last, ..self };
            let holds = match look.at(predicate)? {
                XPathValue::Number(number) => number == (at + 1) as f64,
                other => other.flag(),
            };
            if holds {
                kept.push(place);
            }
        }
        Ok(kept)
    }

    fn step(self, nodes: &[Place], step: &Step) -> Result<Vec<Place>, String> {
        let mut all = Vec::new();
        for node in nodes {
            let mut found = self.along(*node, step.axis);
            found.retain(|place| self.passes(*place, &step.test));
            for predicate in &step.predicates {
                found = self.filtered(found, predicate)?;
            }
            all.extend(found);
        }
        all.sort_unstable();
        all.dedup();
        Ok(all)
    }

    /// The nodes of an axis, those nearest first.
    fn along(self, place: Place, axis: Axis) -> Vec<Place> {
        let document = self.document;
        let parent = document.node(place).parent;
        let siblings = || if place == 0 { Vec::new() } else { document.children(parent) };
        match axis {
            Axis::Child => document.children(place),
            Axis::Attribute => document.attributes(place).to_vec(),
            Axis::Itself => vec![place],
            Axis::Parent => {
                if place == 0 {
                    Vec::new()
                } else {
                    vec![parent]
                }
            }
            Axis::Descendant => self.below(place),
            Axis::DescendantOrSelf => std::iter::once(place).chain(self.below(place)).collect(),
            Axis::Ancestor => {
                let above = |place: &Place| Some(document.node(*place).parent).filter(|_| *place != 0);
                std::iter::successors(above(&place), above).collect()
            }
            Axis::FollowingSibling => siblings().into_iter().filter(|other| *other > place).collect(),
            Axis::PrecedingSibling => siblings().into_iter().rev().filter(|other| *other < place).collect(),
        }
    }

    fn below(self, place: Place) -> Vec<Place> {
        let mut all = Vec::new();
        for child in self.document.children(place) {
            all.push(child);
            all.extend(self.below(child));
        }
        all
    }

    fn passes(self, place: Place, test: &Test) -> bool {
        match test {
            Test::Any => true,
            Test::Text => matches!(self.document.node(place).kind, Kind::Text(_)),
            Test::AnyName => self.document.name(place).is_some(),
            Test::Name(name) => self.document.name(place) == Some(name),
        }
    }

    fn binary(self, operator: &str, left: &Expression, right: &Expression) -> Result<XPathValue, String> {
        if operator == "|" {
            let mut nodes = self.nodes(left)?;
            nodes.extend(self.nodes(right)?);
            nodes.sort_unstable();
            nodes.dedup();
            return Ok(XPathValue::Nodes(nodes));
        }
        let left = self.at(left)?;
        match (operator, left.flag()) {
            ("or", true) => return Ok(XPathValue::Flag(true)),
            ("and", false) => return Ok(XPathValue::Flag(false)),
            _ => {}
        }
        let right = self.at(right)?;
        if ["or", "and"].contains(&operator) {
            return Ok(XPathValue::Flag(right.flag()));
        }
        if ["=", "!=", "<", "<=", ">", ">="].contains(&operator) {
            return Ok(XPathValue::Flag(self.compared(operator, &left, &right)));
        }
        let (left, right) = (left.number(self.document), right.number(self.document));
        Ok(XPathValue::Number(match operator {
            "+" => left + right,
            "-" => left - right,
            "*" => left * right,
            "div" => left / right,
            _ => left % right,
        }))
    }

    /// Nodes are compared one by one: it holds if it holds for any of them.
    fn compared(self, operator: &str, left: &XPathValue, right: &XPathValue) -> bool {
        let texts = |nodes: &[Place]| nodes.iter().map(|node| XPathValue::Text(self.document.text_of(*node))).collect();
        let each = |found: &XPathValue| -> Vec<XPathValue> {
            match found {
                XPathValue::Nodes(nodes) => texts(nodes),
                other => vec![other.clone()],
            }
        };
        if let (XPathValue::Flag(flag), other) | (other, XPathValue::Flag(flag)) = (left, right) {
            return (*flag == other.flag()) == (operator == "=");
        }
        let is_number = matches!(left, XPathValue::Number(_)) || matches!(right, XPathValue::Number(_));
        let right = each(right);
        each(left).iter().any(|left| {
            right.iter().any(|right| match operator {
                "=" if !is_number => left == right,
                "!=" if !is_number => left != right,
                _ => {
                    let (left, right) = (left.number(self.document), right.number(self.document));
                    match operator {
                        "=" => left == right,
                        "!=" => left != right,
                        "<" => left < right,
                        "<=" => left <= right,
                        ">" => left > right,
                        _ => left >= right,
                    }
                }
            })
        })
    }

    fn call(self, name: &str, arguments: &[Expression]) -> Result<XPathValue, String> {
        let given = |at: usize| match arguments.get(at) {
            Some(argument) => self.at(argument),
            None => Ok(XPathValue::Nodes(vec![self.place])),
        };
        let text = |at: usize| given(at).map(|found| found.text(self.document));
        let number = |at: usize| given(at).map(|found| found.number(self.document));
        let nodes = |at: usize| match given(at)? {
            XPathValue::Nodes(nodes) => Ok(nodes),
            _ => Err(format!("{name} takes nodes")),
        };
        Ok(match name {
            "position" => XPathValue::Number(self.position as f64),
            "last" => XPathValue::Number(self.last as f64),
            "count" => XPathValue::Number(nodes(0)?.len() as f64),
            "sum" => XPathValue::Number(
                nodes(0)?.iter().map(|node| XPathValue::Nodes(vec![*node]).number(self.document)).sum(),
            ),
            "number" => XPathValue::Number(number(0)?),
            "floor" => XPathValue::Number(number(0)?.floor()),
            "ceiling" => XPathValue::Number(number(0)?.ceil()),
            "round" => XPathValue::Number((number(0)? + 0.5).floor()),
            "string" => XPathValue::Text(text(0)?),
            "string-length" => XPathValue::Number(text(0)?.chars().count() as f64),
            "normalize-space" => XPathValue::Text(text(0)?.split_whitespace().collect::<Vec<_>>().join(" ")),
            "concat" => XPathValue::Text((0..arguments.len()).map(text).collect::<Result<String, _>>()?),
            "contains" => XPathValue::Flag(text(0)?.contains(&text(1)?)),
            "starts-with" => XPathValue::Flag(text(0)?.starts_with(&text(1)?)),
            "substring-before" => {
                XPathValue::Text(text(0)?.split_once(&text(1)?).map_or("", |(part, _)| part).to_string())
            }
            "substring-after" => {
                XPathValue::Text(text(0)?.split_once(&text(1)?).map_or("", |(_, part)| part).to_string())
            }
            "substring" => {
                let (from, length) =
                    (number(1)?.round(), if arguments.len() > 2 { number(2)?.round() } else { f64::INFINITY });
                let is_inside = |at: usize| (at + 1) as f64 >= from && ((at + 1) as f64) < from + length;
                XPathValue::Text(
                    text(0)?.chars().enumerate().filter(|(at, _)| is_inside(*at)).map(|(_, one)| one).collect(),
                )
            }
            "boolean" => XPathValue::Flag(given(0)?.flag()),
            "not" => XPathValue::Flag(!given(0)?.flag()),
            "true" => XPathValue::Flag(true),
            "false" => XPathValue::Flag(false),
            "name" | "local-name" => {
                let full = nodes(0)?.first().and_then(|node| self.document.name(*node)).unwrap_or_default();
                let local = full.rsplit(':').next().unwrap_or_default();
                XPathValue::Text(if name == "name" { full } else { local }.to_string())
            }
            other => return Err(format!("there is no function `{other}` in XPath 1.0")),
        })
    }
}
