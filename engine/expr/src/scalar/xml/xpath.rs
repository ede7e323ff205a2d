//! XPath 1.0: the part of it that finds and counts: paths with `/`, `//`, `@`, `.`, `..`, `*`, predicates, operators and functions.

mod evaluate;
mod syntax;

pub use evaluate::{XPathValue, evaluate};
pub use syntax::{Expression, parse};
