//! Walks over a syntax tree by visitors that are known when the program runs, not when it is compiled.
//!
//! The parser's `visit` is generic, and each kind of visitor makes two and a half thousand functions of it: thirteen of them were five
//! sixths of all that this crate compiled.

use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{
    Expr, ObjectName, Query, Select, Statement, TableFactor, ValueWithSpan, Visit, VisitMut, Visitor, VisitorMut,
};

/// Shows the tree to a visitor.
pub fn walk<V: Visitor>(tree: &impl Visit, visitor: &mut V) -> ControlFlow<V::Break> {
    let mut visitor_with_break = VisitorWithBreak { visitor, broken: None };
    let _: ControlFlow<()> = tree.visit(&mut Walk(&mut visitor_with_break));
    visitor_with_break.broken.map_or(ControlFlow::Continue(()), ControlFlow::Break)
}

/// Shows the tree to a visitor that changes it.
pub fn walk_mut<V: VisitorMut>(tree: &mut impl VisitMut, visitor: &mut V) -> ControlFlow<V::Break> {
    let mut visitor_with_break = VisitorWithBreak { visitor, broken: None };
    let _: ControlFlow<()> = tree.visit(&mut WalkMut(&mut visitor_with_break));
    visitor_with_break.broken.map_or(ControlFlow::Continue(()), ControlFlow::Break)
}

/// What all visitors are to the tree.
struct Walk<'a>(&'a mut dyn Visitor<Break = ()>);

/// What all visitors that change the tree are to it.
struct WalkMut<'a>(&'a mut dyn VisitorMut<Break = ()>);

/// A visitor, and why it wanted to see no more.
struct VisitorWithBreak<'a, V, B> {
    visitor: &'a mut V,
    broken: Option<B>,
}

impl<V, B> VisitorWithBreak<'_, V, B> {
    fn keep(&mut self, flow: ControlFlow<B>) -> ControlFlow<()> {
        flow.map_break(|broken| self.broken = Some(broken))
    }
}

macro_rules! passed_on {
    ($($hook:ident($node:ty);)*) => {
        $(fn $hook(&mut self, node: $node) -> ControlFlow<()> {
            self.0.$hook(node)
        })*
    };
}

macro_rules! with_break {
    ($($hook:ident($node:ty);)*) => {
        $(fn $hook(&mut self, node: $node) -> ControlFlow<()> {
            let flow = self.visitor.$hook(node);
            self.keep(flow)
        })*
    };
}

/// Every hook of a visitor is that of the visitor within.
macro_rules! hooks {
    ($way:ident) => {
        $way! {
            pre_visit_query(&Query);
            post_visit_query(&Query);
            pre_visit_select(&Select);
            post_visit_select(&Select);
            pre_visit_relation(&ObjectName);
            post_visit_relation(&ObjectName);
            pre_visit_table_factor(&TableFactor);
            post_visit_table_factor(&TableFactor);
            pre_visit_expr(&Expr);
            post_visit_expr(&Expr);
            pre_visit_statement(&Statement);
            post_visit_statement(&Statement);
            pre_visit_value(&ValueWithSpan);
            post_visit_value(&ValueWithSpan);
        }
    };
    ($way:ident mut) => {
        $way! {
            pre_visit_query(&mut Query);
            post_visit_query(&mut Query);
            pre_visit_select(&mut Select);
            post_visit_select(&mut Select);
            pre_visit_relation(&mut ObjectName);
            post_visit_relation(&mut ObjectName);
            pre_visit_table_factor(&mut TableFactor);
            post_visit_table_factor(&mut TableFactor);
            pre_visit_expr(&mut Expr);
            post_visit_expr(&mut Expr);
            pre_visit_statement(&mut Statement);
            post_visit_statement(&mut Statement);
            pre_visit_value(&mut ValueWithSpan);
            post_visit_value(&mut ValueWithSpan);
        }
    };
}

impl Visitor for Walk<'_> {
    type Break = ();
    hooks!(passed_on);
}

impl VisitorMut for WalkMut<'_> {
    type Break = ();
    hooks!(passed_on mut);
}

impl<V: Visitor> Visitor for VisitorWithBreak<'_, V, V::Break> {
    type Break = ();
    hooks!(with_break);
}

impl<V: VisitorMut> VisitorMut for VisitorWithBreak<'_, V, V::Break> {
    type Break = ();
    hooks!(with_break mut);
}
