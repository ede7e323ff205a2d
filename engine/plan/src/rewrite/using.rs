//! `JOIN … USING (k)` and `NATURAL JOIN` as joins with ON, in which `k` is what Spark says: of a FULL join `coalesce(l.k, r.k)`, of a RIGHT
//! join `r.k`, of the others `l.k`. DataFusion takes the left one always, so that a row of the right side alone would have NULL.

mod names;

use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{
    BinaryOperator, Expr, FunctionArg, FunctionArgExpr, FunctionArguments, Ident, Join, JoinConstraint, JoinOperator,
    OrderBy, OrderByKind, Query, Select, SelectItem, SelectItemQualifiedWildcardKind, TableAlias, TableFactor,
    TableWithJoins, WildcardAdditionalOptions,
};

use self::names::{Input, Named, Replacer, find, is_name};
use super::calls::{call, excluded, relation_name};
use super::counts;
use crate::error::shorten;
use crate::problem::SqlProblem;
use crate::walk::walk_mut;

/// The columns that an input of FROM has, each with whether `*` shows it; or why they cannot be known.
pub type ColumnsOf<'a> = &'a dyn Fn(&TableFactor) -> Result<Vec<(String, bool)>, SqlProblem>;

/// What the names of USING mean where nothing stands before them.
#[derive(Debug, Default)]
pub struct Merged {
    columns: Vec<Named>,
    /// Names, in lower case, that SELECT itself gives: they come first in ORDER BY.
    given: Vec<String>,
    /// All columns of FROM.
    all: Vec<Expr>,
}

/// True if a join of FROM has USING or NATURAL, or all columns are asked for in `count(DISTINCT *)`.
pub fn is_needed(select: &Select) -> bool {
    select.from.iter().any(has_using) || counts::has_all_columns(select)
}

/// Rewrites the joins of a SELECT that have USING or NATURAL, and the names of their columns.
///
/// # Errors
/// If a name of USING is no column of both sides, or the columns of an input are not known.
pub fn lower(select: &mut Select, columns: ColumnsOf<'_>, sql: &str) -> Result<Merged, SqlProblem> {
    let mut lowering = Lowering { columns, sql, merged: Vec::new(), inputs: Vec::new() };
    let mut shown = Vec::new();
    for from in &mut select.from {
        shown.extend(lowering.chain(from)?);
    }
    let Lowering { merged: columns, inputs, .. } = lowering;
    let given = select.projection.iter().filter_map(alias_of).collect();
    let all: Vec<Expr> = shown.iter().map(|(_, expr)| expr.clone()).collect();
    counts::name_columns(&mut select.projection, &all);
    counts::name_columns(&mut select.having, &all);
    let mut merged = Merged { columns, given, all };
    let items = std::mem::take(&mut select.projection).into_iter();
    select.projection = items.flat_map(|item| expanded(item, &shown, &inputs)).collect();
    let all = merged.replacer(&inputs, false);
    for item in &mut select.projection {
        name_plain(item, &merged.columns);
        let _: ControlFlow<()> = walk_mut(item, &mut all.clone());
    }
    let _: ControlFlow<()> = walk_mut(&mut select.distinct, &mut all.clone());
    let _: ControlFlow<()> = walk_mut(&mut select.selection, &mut all.clone());
    let _: ControlFlow<()> = walk_mut(&mut select.group_by, &mut all.clone());
    let _: ControlFlow<()> = walk_mut(&mut select.named_window, &mut all.clone());
    let not_given = merged.replacer(&inputs, true);
    let _: ControlFlow<()> = walk_mut(&mut select.having, &mut not_given.clone());
    let _: ControlFlow<()> = walk_mut(&mut select.qualify, &mut not_given.clone());
    merged.given = select.projection.iter().filter_map(name_of_item).collect();
    Ok(merged)
}

impl Merged {
    /// Rewrites the names in the ORDER BY of a query whose SELECT this is of.
    pub fn order(&self, query: &mut Query) {
        if let Some(OrderBy { kind: OrderByKind::Expressions(terms), .. }) = &mut query.order_by {
            counts::name_columns(terms, &self.all);
            let _: ControlFlow<()> = walk_mut(terms, &mut self.replacer(&[], true));
        }
    }

    fn replacer<'a>(&'a self, inputs: &'a [Input], leaves_given: bool) -> Replacer<'a> {
        let given: &[String] = if leaves_given { &self.given } else { &[] };
        Replacer { merged: &self.columns, given, inputs, lambdas: Vec::new(), depth: 0 }
    }
}

fn has_using(from: &TableWithJoins) -> bool {
    let of_factor = |factor: &TableFactor| match factor {
        TableFactor::NestedJoin { table_with_joins, .. } => has_using(table_with_joins),
        _ => false,
    };
    let of_join = |join: &Join| {
        let constraint = constraint(&join.join_operator);
        matches!(constraint, Some(JoinConstraint::Using(_) | JoinConstraint::Natural)) || of_factor(&join.relation)
    };
    of_factor(&from.relation) || from.joins.iter().any(of_join)
}

/// The operators that have a condition.
macro_rules! with_constraint {
    ($operator:expr) => {
        match $operator {
            JoinOperator::Join(constraint)
            | JoinOperator::Inner(constraint)
            | JoinOperator::Left(constraint)
            | JoinOperator::LeftOuter(constraint)
            | JoinOperator::Right(constraint)
            | JoinOperator::RightOuter(constraint)
            | JoinOperator::FullOuter(constraint)
            | JoinOperator::Semi(constraint)
            | JoinOperator::LeftSemi(constraint)
            | JoinOperator::RightSemi(constraint)
            | JoinOperator::Anti(constraint)
            | JoinOperator::LeftAnti(constraint)
            | JoinOperator::RightAnti(constraint) => Some(constraint),
            _ => None,
        }
    };
}

fn constraint(operator: &JoinOperator) -> Option<&JoinConstraint> {
    with_constraint!(operator)
}

fn constraint_mut(operator: &mut JoinOperator) -> Option<&mut JoinConstraint> {
    with_constraint!(operator)
}

/// Which sides a join shows, and whose key it shows under the name of USING.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shows {
    /// Both sides, the left key.
    Left,
    /// Both sides, the right key.
    Right,
    /// Both sides, the key that there is.
    Either,
    OnlyLeft,
    OnlyRight,
}

fn shows(operator: &JoinOperator) -> Shows {
    match operator {
        JoinOperator::Right(_) | JoinOperator::RightOuter(_) => Shows::Right,
        JoinOperator::FullOuter(_) => Shows::Either,
        JoinOperator::Semi(_) | JoinOperator::LeftSemi(_) | JoinOperator::Anti(_) | JoinOperator::LeftAnti(_) => {
            Shows::OnlyLeft
        }
        JoinOperator::RightSemi(_) | JoinOperator::RightAnti(_) => Shows::OnlyRight,
        _ => Shows::Left,
    }
}

struct Lowering<'a> {
    columns: ColumnsOf<'a>,
    sql: &'a str,
    merged: Vec<Named>,
    inputs: Vec<Input>,
}

impl Lowering<'_> {
    /// The columns that a chain of joins shows, in Spark's order.
    fn chain(&mut self, from: &mut TableWithJoins) -> Result<Vec<Named>, SqlProblem> {
        let first = self.inputs.len();
        let mut shown = self.factor(&mut from.relation)?;
        for join in &mut from.joins {
            let of_left = first..self.inputs.len();
            let right = self.factor(&mut join.relation)?;
            let left = Side { which: "left", shown, hidden: self.hidden(of_left.clone()) };
            let right = Side { which: "right", shown: right, hidden: self.hidden(of_left.end..self.inputs.len()) };
            shown = self.joined(join, left, right)?;
        }
        Ok(shown)
    }

    /// The hidden columns of some inputs.
    fn hidden(&self, inputs: std::ops::Range<usize>) -> Vec<Named> {
        let inputs = self.inputs[inputs].iter();
        inputs.flat_map(|input| input.hidden.iter().map(|name| input.column(name))).collect()
    }

    fn factor(&mut self, factor: &mut TableFactor) -> Result<Vec<Named>, SqlProblem> {
        if let TableFactor::NestedJoin { table_with_joins, alias: None } = factor {
            return self.chain(table_with_joins);
        }
        let qualifier = self.qualifier(factor)?;
        let (shown, hidden): (Vec<_>, Vec<_>) =
            (self.columns)(factor)?.into_iter().partition(|(_, is_shown)| *is_shown);
        let names = |columns: Vec<(String, bool)>| columns.into_iter().map(|(name, _)| name).collect();
        let input = Input { qualifier, columns: names(shown), hidden: names(hidden) };
        let shown = input.columns.iter().map(|name| input.column(name)).collect();
        self.inputs.push(input);
        Ok(shown)
    }

    /// What stands before the columns of an input. A subquery without a name gets one.
    fn qualifier(&self, factor: &mut TableFactor) -> Result<Vec<Ident>, SqlProblem> {
        let number = self.inputs.len();
        match factor {
            TableFactor::Table { alias: Some(alias), .. }
            | TableFactor::Derived { alias: Some(alias), .. }
            | TableFactor::UNNEST { alias: Some(alias), .. } => Ok(vec![alias.name.clone()]),
            TableFactor::Table { name, args: None, .. } => {
                Ok(name.0.iter().filter_map(|part| part.as_ident().cloned()).collect())
            }
            TableFactor::Derived { alias: alias @ None, .. } | TableFactor::Table { alias: alias @ None, .. } => {
                let name = Ident::new(format!("__input{number}"));
                *alias = Some(TableAlias { explicit: true, name: name.clone(), columns: vec![], at: None });
                Ok(vec![name])
            }
            other => {
                let message = format!("USING, NATURAL or count(DISTINCT *) beside `{other}` is not supported");
                let help = "name the columns and write the join with ON, or make this input a subquery with a name: (SELECT * FROM …) AS t";
                Err(SqlProblem::new(message, help).at_text(self.sql, "JOIN"))
            }
        }
    }

    /// What a join shows, with its USING written as ON.
    fn joined(&mut self, join: &mut Join, left: Side, right: Side) -> Result<Vec<Named>, SqlProblem> {
        let shows = shows(&join.join_operator);
        let mut keys: Vec<String> = Vec::new();
        if let Some(constraint) = constraint_mut(&mut join.join_operator) {
            match constraint {
                JoinConstraint::Using(names) => keys = names.iter().map(relation_name).collect(),
                JoinConstraint::Natural => keys = common(&left.shown, &right.shown),
                JoinConstraint::On(condition) => self.replace_in_condition(condition, &right.shown),
                JoinConstraint::None => {}
            }
        }
        let merged = self.merge(&keys, join, &left, &right)?;
        let is_key = |name: &str| keys.iter().any(|key| is_name(name, key));
        for input in &mut self.inputs {
            input.columns.sort_by_key(|name| keys.iter().position(|key| is_name(name, key)).unwrap_or(keys.len()));
        }
        self.merged.retain(|(name, _)| !is_key(name));
        self.merged.extend(merged.iter().cloned());
        let sides = match shows {
            Shows::OnlyLeft => vec![left.shown],
            Shows::OnlyRight => vec![right.shown],
            _ => vec![left.shown, right.shown],
        };
        Ok(merged.into_iter().chain(sides.into_iter().flatten().filter(|(name, _)| !is_key(name))).collect())
    }

    /// The keys of a join, each as one column; its condition is that both sides have it equal.
    fn merge(&self, keys: &[String], join: &mut Join, left: &Side, right: &Side) -> Result<Vec<Named>, SqlProblem> {
        let shows = shows(&join.join_operator);
        let binary = |left, op, right| Expr::BinaryOp { left: Box::new(left), op, right: Box::new(right) };
        let (mut merged, mut equal) = (Vec::new(), Vec::new());
        for key in keys {
            let (name, own) = self.only(left, key)?;
            let (_, other) = self.only(right, key)?;
            equal.push(binary(own.clone(), BinaryOperator::Eq, other.clone()));
            let shown = match shows {
                Shows::Left | Shows::OnlyLeft => own,
                Shows::Right | Shows::OnlyRight => other,
                Shows::Either => either(own, other),
            };
            merged.push((name, shown));
        }
        if let Some(constraint @ (JoinConstraint::Using(_) | JoinConstraint::Natural)) =
            constraint_mut(&mut join.join_operator)
        {
            // Without a common column NATURAL is a join without a condition.
            let condition = equal.into_iter().reduce(|left, right| binary(left, BinaryOperator::And, right));
            *constraint = condition.map_or(JoinConstraint::None, JoinConstraint::On);
        }
        Ok(merged)
    }

    /// Names of joins before, in the ON of this one. What the right side has too is ambiguous, and stays for the planner to say so.
    fn replace_in_condition(&self, condition: &mut Expr, right: &[Named]) {
        let own = |(name, _): &&Named| find(right, name).is_empty();
        let merged: Vec<Named> = self.merged.iter().filter(own).cloned().collect();
        let mut replacer =
            Replacer { merged: &merged, given: &[], inputs: &self.inputs, lambdas: Vec::new(), depth: 0 };
        let _: ControlFlow<()> = walk_mut(condition, &mut replacer);
    }

    /// The one column of a side with this name.
    fn only(&self, side: &Side, key: &str) -> Result<Named, SqlProblem> {
        let which = side.which;
        let (message, help) = match (find(&side.shown, key).as_slice(), find(&side.hidden, key).as_slice()) {
            ([one], _) | ([], [one]) => return Ok((*one).clone()),
            ([], []) => {
                let names: Vec<&str> = side.shown.iter().map(|(name, _)| name.as_str()).collect();
                let message = format!("`{key}` of USING is no column of the {which} side of the join");
                (message, format!("its columns are: {}", shorten(&names)))
            }
            _ => {
                let message =
                    format!("`{key}` of USING is the name of several columns of the {which} side of the join");
                (message, "write the join with ON, and the table's name before the column".to_string())
            }
        };
        Err(SqlProblem::new(message, help).code("UNRESOLVED_USING_COLUMN_FOR_JOIN").at_text(self.sql, key))
    }
}

/// The key of the left side, that of the right where it is NULL. A chain of joins, which may be hundreds, makes one call of it.
fn either(mut left: Expr, right: Expr) -> Expr {
    if let Expr::Function(coalesce) = &mut left
        && let FunctionArguments::List(keys) = &mut coalesce.args
    {
        keys.args.push(FunctionArg::Unnamed(FunctionArgExpr::Expr(right)));
        return left;
    }
    call("coalesce", vec![left, right])
}

/// The columns of one side of a join.
struct Side {
    which: &'static str,
    shown: Vec<Named>,
    hidden: Vec<Named>,
}

/// The names that both sides have, in the order of the left.
fn common(left: &[Named], right: &[Named]) -> Vec<String> {
    left.iter().map(|(name, _)| name.to_lowercase()).filter(|name| !find(right, name).is_empty()).collect()
}

/// Puts columns in the place of `*` and `l.*`: those of USING first, and once.
fn expanded(item: SelectItem, shown: &[Named], inputs: &[Input]) -> Vec<SelectItem> {
    let all = match &item {
        SelectItem::Wildcard(options) if is_plain(options) => shown.to_vec(),
        SelectItem::QualifiedWildcard(SelectItemQualifiedWildcardKind::ObjectName(name), options)
            if is_plain(options) =>
        {
            match inputs.iter().find(|input| input.is_called(name)) {
                Some(input) => input.columns.iter().map(|column| input.column(column)).collect(),
                None => return vec![item],
            }
        }
        _ => return vec![item],
    };
    let (SelectItem::Wildcard(options) | SelectItem::QualifiedWildcard(_, options)) = &item else { return vec![item] };
    let excluded = excluded(options);
    let replaced = |name: &str| {
        let mut elements = options.opt_replace.iter().flat_map(|replace| &replace.items);
        elements.find(|element| is_name(&element.column_name.value, name)).map(|element| element.expr.clone())
    };
    let kept = all.into_iter().filter(|(name, _)| !excluded.contains(&name.to_lowercase()));
    kept.map(|(name, expr)| named_item(name.clone(), replaced(&name).unwrap_or(expr))).collect()
}

/// Whether a star says nothing that is not known here.
fn is_plain(options: &WildcardAdditionalOptions) -> bool {
    options.opt_rename.is_none() && options.opt_ilike.is_none() && options.opt_alias.is_none()
}

fn named_item(name: String, expr: Expr) -> SelectItem {
    match &expr {
        Expr::CompoundIdentifier(names) if names.last().is_some_and(|last| last.value == name) => {
            SelectItem::UnnamedExpr(expr)
        }
        _ => SelectItem::ExprWithAlias { expr, alias: Ident::with_quote('`', name) },
    }
}

/// A column of USING that stands alone in SELECT keeps its name.
fn name_plain(item: &mut SelectItem, merged: &[Named]) {
    if let SelectItem::UnnamedExpr(Expr::Identifier(name)) = item
        && let [(name, expr)] = find(merged, &name.value).as_slice()
    {
        *item = named_item(name.clone(), expr.clone());
    }
}

fn alias_of(item: &SelectItem) -> Option<String> {
    match item {
        SelectItem::ExprWithAlias { alias, .. } => Some(alias.value.to_lowercase()),
        _ => None,
    }
}

fn name_of_item(item: &SelectItem) -> Option<String> {
    match item {
        SelectItem::UnnamedExpr(Expr::Identifier(name)) => Some(name.value.to_lowercase()),
        SelectItem::UnnamedExpr(Expr::CompoundIdentifier(names)) => names.last().map(|name| name.value.to_lowercase()),
        other => alias_of(other),
    }
}
