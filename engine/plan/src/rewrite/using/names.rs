//! Names of columns where USING gives them a meaning, and putting that meaning in their place.

use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{Expr, Ident, ObjectName, Query, VisitorMut};

use super::super::calls::{field_of, relation_name};

/// A column by its name, and the expression that gives it.
pub type Named = (String, Expr);

/// An input of FROM: what stands before its columns, and the columns, those of USING first; hidden ones are not among those of `*`.
#[derive(Debug)]
pub struct Input {
    pub qualifier: Vec<Ident>,
    pub columns: Vec<String>,
    pub hidden: Vec<String>,
}

/// True if both are one name: case does not count.
pub fn is_name(name: &str, key: &str) -> bool {
    name.to_lowercase() == key.to_lowercase()
}

/// The columns with this name.
pub fn find<'a>(side: &'a [Named], key: &str) -> Vec<&'a Named> {
    side.iter().filter(|(name, _)| is_name(name, key)).collect()
}

impl Input {
    /// True if a name means it: its own, or the last part of it.
    pub fn is_called(&self, name: &ObjectName) -> bool {
        let own: Vec<String> = self.qualifier.iter().map(|part| part.value.to_lowercase()).collect();
        let name = relation_name(name);
        name == own.join(".") || own.last() == Some(&name)
    }

    /// A column of it by its full name.
    pub fn column(&self, name: &str) -> Named {
        let names = self.qualifier.iter().cloned().chain([Ident::with_quote('`', name)]);
        (name.to_string(), Expr::CompoundIdentifier(names.collect()))
    }
}

/// Puts what the names mean in their place. A subquery has names of its own.
#[derive(Debug, Clone)]
pub struct Replacer<'a> {
    pub merged: &'a [Named],
    pub given: &'a [String],
    pub inputs: &'a [Input],
    pub lambdas: Vec<String>,
    pub depth: usize,
}

impl Replacer<'_> {
    fn meant(&self, name: &Ident) -> Option<&Expr> {
        let is_other = self.lambdas.contains(&name.value) || self.given.contains(&name.value.to_lowercase());
        if is_other || self.depth > 0 {
            return None;
        }
        self.merged.iter().find(|(merged, _)| is_name(merged, &name.value)).map(|(_, expr)| expr)
    }
}

impl VisitorMut for Replacer<'_> {
    type Break = ();

    fn pre_visit_query(&mut self, _: &mut Query) -> ControlFlow<()> {
        self.depth += 1;
        ControlFlow::Continue(())
    }

    fn post_visit_query(&mut self, _: &mut Query) -> ControlFlow<()> {
        self.depth -= 1;
        ControlFlow::Continue(())
    }

    fn pre_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
        if let Expr::Lambda(lambda) = expr {
            self.lambdas.extend(lambda.params.iter().map(|parameter| parameter.name.value.clone()));
        }
        ControlFlow::Continue(())
    }

    fn post_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
        let meant = match expr {
            Expr::Lambda(lambda) => {
                self.lambdas.truncate(self.lambdas.len().saturating_sub(lambda.params.len()));
                None
            }
            Expr::Identifier(name) => self.meant(name).cloned(),
            Expr::CompoundIdentifier(names) => match names.split_first() {
                Some((first, fields)) if !self.inputs.iter().any(|input| input.begins_with(first)) => {
                    self.meant(first).map(|expr| with_fields(expr, fields))
                }
                _ => None,
            },
            _ => None,
        };
        if let Some(meant) = meant {
            *expr = meant;
        }
        ControlFlow::Continue(())
    }
}

impl Input {
    fn begins_with(&self, name: &Ident) -> bool {
        let mut ends = self.qualifier.first().into_iter().chain(self.qualifier.last());
        ends.any(|part| is_name(&part.value, &name.value))
    }
}

/// Fields of a struct that is a column of USING.
fn with_fields(expr: &Expr, fields: &[Ident]) -> Expr {
    match expr {
        Expr::CompoundIdentifier(names) => Expr::CompoundIdentifier(names.iter().chain(fields).cloned().collect()),
        other => fields.iter().fold(other.clone(), |inner, field| field_of(inner, &field.value)),
    }
}
