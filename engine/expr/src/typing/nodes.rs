//! Puts Spark's types into the nodes of a plan: the cells of VALUES, the columns that UNION and INTERSECT put together.

use std::sync::Arc;

use datafusion::arrow::datatypes::{DataType, Schema};
use datafusion::common::{DFSchema, NullEquality, plan_datafusion_err};
use datafusion::error::Result;
use datafusion::logical_expr::expr_rewriter::coerce_plan_expr_for_schema;
use datafusion::logical_expr::{
    Expr, ExprSchemable, Filter, Join, JoinType, LogicalPlan, LogicalPlanBuilder, Union, Values,
};

use super::casting::cast_to;
use super::guards;
use super::meeting::{common_type_of, is_number, is_text};
use crate::display::type_name;
use crate::interval::fields::{INTERVAL_FIELDS, IntervalType};
use crate::refusal::{INCOMPATIBLE_COLUMN_TYPE, refused};
use crate::scalar::cells;

/// A plan whose inputs and expressions have Spark's types, with the columns that follow from them.
///
/// # Errors
/// If columns that are put together have no common type.
pub fn node(plan: LogicalPlan, ansi: bool) -> Result<LogicalPlan> {
    match plan {
        LogicalPlan::Values(values) => self::values(values),
        LogicalPlan::Union(union) if ansi => self::union(with_read_texts(union)?),
        LogicalPlan::Union(union) => self::union(union),
        LogicalPlan::Join(join) => set_operation(join),
        LogicalPlan::Filter(Filter { predicate, input, .. }) => {
            let predicate = guards::guarded(predicate, input.schema())?;
            Ok(LogicalPlan::Filter(Filter::try_new(predicate, input)?))
        }
        other => other.recompute_schema(),
    }
}

/// VALUES with the cells as they were written, before anything is done to them.
pub fn with_written_cells(plan: LogicalPlan) -> LogicalPlan {
    match plan {
        LogicalPlan::Values(Values { schema, values }) => {
            let written = |row: Vec<Expr>| row.into_iter().map(cells::written).collect();
            LogicalPlan::Values(Values { schema, values: values.into_iter().map(written).collect() })
        }
        other => other,
    }
}

/// VALUES whose cells have the type in which those of their column meet.
fn values(Values { schema, values }: Values) -> Result<LogicalPlan> {
    let empty = DFSchema::empty();
    let mut columns: Vec<std::vec::IntoIter<Expr>> = Vec::with_capacity(schema.fields().len());
    let mut fields = Vec::with_capacity(schema.fields().len());
    for (at, (qualifier, field)) in schema.iter().enumerate() {
        let column: Vec<Expr> = values.iter().filter_map(|row| row.get(at).cloned()).collect();
        let kinds = column.iter().map(|cell| cell.get_type(&empty)).collect::<Result<Vec<_>>>()?;
        let kind = common_type_of(&kinds).unwrap_or_else(|| field.data_type().clone());
        let mut is_nullable = false;
        let mut met = Vec::with_capacity(column.len());
        let interval = interval_of(&column, &empty)?;
        for cell in column {
            let cell = cast_to(cell, &kind, &empty)?;
            is_nullable |= cell.nullable(&empty)?;
            met.push(cell);
        }
        columns.push(met.into_iter());
        let mut field = field.as_ref().clone().with_data_type(kind).with_nullable(is_nullable);
        if let Some(narrow) = interval.filter(|kind| *kind != kind.widest()) {
            field.metadata_mut().insert(INTERVAL_FIELDS.to_string(), narrow.words());
        }
        fields.push((qualifier.cloned(), Arc::new(field)));
    }
    let rows = values.iter().map(|_| columns.iter_mut().filter_map(Iterator::next).collect()).collect();
    let schema = Arc::new(DFSchema::new_with_metadata(fields, schema.metadata().clone())?);
    Ok(LogicalPlan::Values(Values { schema, values: rows }))
}

/// The fields that the intervals of a column have; none if it holds other values.
fn interval_of(column: &[Expr], schema: &DFSchema) -> Result<Option<IntervalType>> {
    let mut all: Option<IntervalType> = None;
    for cell in column {
        if let Some(own) = IntervalType::of_field(&cell.to_field(schema)?.1) {
            all = Some(all.map_or(own, |all| all.with(own)));
        }
    }
    Ok(all)
}

/// The inputs of a UNION with the texts that meet something else read as that.
///
/// # Errors
/// `INCOMPATIBLE_COLUMN_TYPE` for columns that have nothing in common: a number, a boolean, a time.
fn with_read_texts(mut union: Union) -> Result<Union> {
    let Some(first) = union.inputs.first() else { return Ok(union) };
    let width = first.schema().fields().len();
    let mut wanted: Vec<Option<DataType>> = Vec::with_capacity(width);
    for at in 0..width {
        let fields = union.inputs.iter().filter_map(|input| input.schema().fields().get(at));
        let kinds: Vec<&DataType> = fields.map(|field| field.data_type()).filter(|kind| !kind.is_null()).collect();
        let mut groups: Vec<u8> = kinds.iter().filter_map(|kind| group(kind)).collect();
        groups.sort_unstable();
        groups.dedup();
        if groups.len() > 1 {
            let names: Vec<String> = kinds.iter().map(|kind| type_name(kind)).collect();
            let error = plan_datafusion_err!("column {} of a UNION is {}", at + 1, names.join(", then "));
            return Err(refused(error, INCOMPATIBLE_COLUMN_TYPE, "cast the columns to one type"));
        }
        let has_text = kinds.iter().any(|kind| is_text(kind));
        wanted.push(common_type_of(kinds).filter(|common| has_text && !is_text(common)));
    }
    if wanted.iter().all(Option::is_none) {
        return Ok(union);
    }
    for input in &mut union.inputs {
        let columns = input.schema().columns();
        let plan = with_casts(input, |column| {
            let at = columns.iter().position(|own| matches!(column, Expr::Column(column) if column == own))?;
            wanted[at].as_ref()
        })?;
        *input = Arc::new(plan);
    }
    Ok(union)
}

/// Which types may meet in a column; none for one that meets others by rules of its own.
fn group(kind: &DataType) -> Option<u8> {
    match kind {
        kind if is_number(kind) => Some(0),
        DataType::Boolean => Some(1),
        DataType::Date32 | DataType::Timestamp(..) => Some(2),
        _ => None,
    }
}

fn union(union: Union) -> Result<LogicalPlan> {
    let Some(first) = union.inputs.first() else { return Ok(LogicalPlan::Union(union)) };
    let mut fields = Vec::new();
    for (at, field) in first.schema().fields().iter().enumerate() {
        let kinds: Vec<&DataType> = union
            .inputs
            .iter()
            .filter_map(|input| input.schema().fields().get(at))
            .map(|field| field.data_type())
            .collect();
        let is_ours = kinds.iter().all(|kind| is_number(kind) || **kind == DataType::Null);
        let common = if is_ours { common_type_of(kinds) } else { None };
        fields.push(match common {
            Some(kind) => field.as_ref().clone().with_data_type(kind).with_nullable(true),
            None => field.as_ref().clone(),
        });
    }
    let is_ours = |input: &LogicalPlan| {
        input
            .schema()
            .fields()
            .iter()
            .zip(&fields)
            .any(|(has, wanted)| has.data_type() != wanted.data_type() && is_number(wanted.data_type()))
    };
    let mut inputs = Vec::with_capacity(union.inputs.len());
    for input in &union.inputs {
        if !is_ours(input) || input.schema().fields().len() != fields.len() {
            inputs.push(Arc::clone(input));
            continue;
        }
        let own =
            input.schema().fields().iter().zip(&fields).map(|(has, wanted)| match is_number(wanted.data_type()) {
                true => has.as_ref().clone().with_data_type(wanted.data_type().clone()),
                false => has.as_ref().clone(),
            });
        let schema = Schema::new(own.collect::<Vec<_>>());
        let schema = DFSchema::try_from(schema)?;
        inputs.push(Arc::new(coerce_plan_expr_for_schema(input.as_ref().clone(), &schema)?));
    }
    let schema = Arc::new(union_schema(&union.schema, &inputs)?);
    Ok(LogicalPlan::Union(Union { inputs, schema }))
}

/// The columns of a UNION whose inputs may have other types now. DataFusion keeps those that it knew.
fn union_schema(before: &DFSchema, inputs: &[Arc<LogicalPlan>]) -> Result<DFSchema> {
    let fields = before.iter().enumerate().map(|(at, (qualifier, field))| {
        let own: Vec<_> = inputs.iter().filter_map(|input| input.schema().fields().get(at)).collect();
        let kind = own.first().filter(|first| own.iter().all(|other| other.data_type() == first.data_type()));
        let is_nullable = own.iter().any(|field| field.is_nullable());
        let field = match kind {
            Some(first) => field.as_ref().clone().with_data_type(first.data_type().clone()).with_nullable(is_nullable),
            None => field.as_ref().clone(),
        };
        (qualifier.cloned(), Arc::new(field))
    });
    DFSchema::new_with_metadata(fields.collect(), before.metadata().clone())
}

/// The sides of an INTERSECT or EXCEPT with their columns in the types in which they meet.
fn set_operation(join: Join) -> Result<LogicalPlan> {
    let is_set = matches!(join.join_type, JoinType::LeftSemi | JoinType::LeftAnti)
        && join.null_equality == NullEquality::NullEqualsNull
        && join.filter.is_none();
    let mut casts: Vec<(Expr, Expr, DataType)> = Vec::new();
    for (left, right) in join.on.iter().filter(|_| is_set) {
        let kinds = [left.get_type(join.left.schema())?, right.get_type(join.right.schema())?];
        if let Some(common) = common_type_of(&kinds).filter(|common| kinds.iter().any(|kind| kind != common)) {
            casts.push((left.clone(), right.clone(), common));
        }
    }
    if casts.is_empty() {
        return LogicalPlan::Join(join).recompute_schema();
    }
    let left = with_casts(&join.left, |column| casts.iter().find(|(left, ..)| left == column).map(|(.., kind)| kind))?;
    let right =
        with_casts(&join.right, |column| casts.iter().find(|(_, right, _)| right == column).map(|(.., kind)| kind))?;
    LogicalPlan::Join(Join { left: Arc::new(left), right: Arc::new(right), ..join }).recompute_schema()
}

/// An input with some of its columns cast.
///
/// # Errors
/// If a column is not known.
pub fn with_casts<'a>(input: &LogicalPlan, wanted: impl Fn(&Expr) -> Option<&'a DataType>) -> Result<LogicalPlan> {
    let mut columns = Vec::with_capacity(input.schema().fields().len());
    for column in input.schema().columns() {
        let (relation, name) = (column.relation.clone(), column.name.clone());
        let column = Expr::Column(column);
        columns.push(match wanted(&column) {
            Some(kind) => cast_to(column, kind, input.schema())?.alias_qualified(relation, name),
            None => column,
        });
    }
    LogicalPlanBuilder::from(input.clone()).project(columns)?.build()
}
