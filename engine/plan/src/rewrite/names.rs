//! Names have no case: every name of a column, table or alias is spelled as the one it means.

use std::collections::{HashMap, HashSet};
use std::ops::ControlFlow;

use arrow::datatypes::{DataType, Field, Fields};
use datafusion::sql::sqlparser::ast::{
    Expr, Ident, ObjectName, ObjectNamePart, Query, Select, SelectItem, SelectItemQualifiedWildcardKind, Statement,
    TableAlias, TableFactor, Value, Visitor, VisitorMut,
};

use super::calls::{arguments, name_of, relation_name};
use crate::relation::Relation;
use crate::walk::{walk, walk_mut};

/// Spells every name of a statement as its column, table or alias is spelled.
pub fn spell(statement: &mut Statement, relations: &HashMap<String, Relation>) {
    let mut names = Names { relations, spellings: HashMap::new(), lambdas: HashSet::new() };
    let _: ControlFlow<()> = walk(statement, &mut names);
    let Names { spellings, lambdas, .. } = names;
    let _: ControlFlow<()> = walk_mut(statement, &mut Speller { relations, spellings, lambdas });
}

/// The names that a statement can mean, by their small letters, columns of relations first.
struct Names<'a> {
    relations: &'a HashMap<String, Relation>,
    spellings: HashMap<String, Vec<String>>,
    lambdas: HashSet<String>,
}

impl Names<'_> {
    fn add(&mut self, name: &str) {
        let spellings = self.spellings.entry(name.to_lowercase()).or_default();
        if !spellings.iter().any(|other| other == name) {
            spellings.push(name.to_string());
        }
    }

    fn add_fields(&mut self, fields: &Fields) {
        for field in fields {
            self.add(field.name());
            match field.data_type() {
                DataType::Struct(inner) => self.add_fields(inner),
                DataType::List(element) => {
                    self.add_fields(&Fields::from(vec![element.as_ref().clone().with_name("element")]))
                }
                _ => {}
            }
        }
    }

    fn add_alias(&mut self, alias: &TableAlias) {
        self.add(&alias.name.value);
        alias.columns.iter().for_each(|column| self.add(&column.name.value));
    }
}

impl Visitor for Names<'_> {
    type Break = ();

    fn pre_visit_query(&mut self, query: &Query) -> ControlFlow<()> {
        let ctes = query.with.iter().flat_map(|with| &with.cte_tables);
        ctes.for_each(|cte| self.add_alias(&cte.alias));
        ControlFlow::Continue(())
    }

    fn pre_visit_relation(&mut self, name: &ObjectName) -> ControlFlow<()> {
        if let Some(relation) = self.relations.get(&relation_name(name)) {
            self.add_fields(relation.schema.fields());
            let last = relation.name.rsplit('.').next().unwrap_or(&relation.name).to_string();
            self.add(&last);
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_table_factor(&mut self, factor: &TableFactor) -> ControlFlow<()> {
        if let TableFactor::Table { alias: Some(alias), .. } | TableFactor::Derived { alias: Some(alias), .. } = factor
        {
            self.add_alias(alias);
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_select(&mut self, select: &Select) -> ControlFlow<()> {
        for item in &select.projection {
            match item {
                SelectItem::ExprWithAlias { alias, .. } => self.add(&alias.value),
                SelectItem::ExprWithAliases { aliases, .. } => aliases.iter().for_each(|alias| self.add(&alias.value)),
                _ => {}
            }
        }
        for view in &select.lateral_views {
            view.lateral_col_alias.iter().for_each(|alias| self.add(&alias.value));
            self.add(&relation_name(&view.lateral_view_name));
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<()> {
        if let Expr::Lambda(lambda) = expr {
            self.lambdas.extend(lambda.params.iter().map(|parameter| parameter.name.value.clone()));
        }
        if let Expr::Function(function) = expr
            && ["from_json", "from_csv"].contains(&name_of(function).as_str())
            && let Some([_, Expr::Value(schema)]) = arguments(function).as_deref()
            && let Value::SingleQuotedString(schema) | Value::DoubleQuotedString(schema) = &schema.value
            && let Ok(kind) = expr::scalar::parse_schema(schema)
        {
            self.add_fields(&Fields::from(vec![Field::new("element", kind, true)]));
        }
        ControlFlow::Continue(())
    }
}

struct Speller<'a> {
    relations: &'a HashMap<String, Relation>,
    spellings: HashMap<String, Vec<String>>,
    lambdas: HashSet<String>,
}

impl Speller<'_> {
    fn spell(&self, name: &mut Ident) {
        if self.lambdas.contains(&name.value) {
            return;
        }
        let Some(spellings) = self.spellings.get(&name.value.to_lowercase()) else { return };
        if let Some(first) = spellings.first()
            && !spellings.contains(&name.value)
        {
            name.value.clone_from(first);
        }
    }
}

impl VisitorMut for Speller<'_> {
    type Break = ();

    fn pre_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
        match expr {
            Expr::Identifier(name) => self.spell(name),
            Expr::CompoundIdentifier(names) => names.iter_mut().for_each(|name| self.spell(name)),
            _ => {}
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_select(&mut self, select: &mut Select) -> ControlFlow<()> {
        for item in &mut select.projection {
            if let SelectItem::QualifiedWildcard(SelectItemQualifiedWildcardKind::ObjectName(name), _) = item {
                let parts = name.0.iter_mut();
                parts.for_each(|part| {
                    if let ObjectNamePart::Identifier(name) = part {
                        self.spell(name)
                    }
                });
            }
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_relation(&mut self, name: &mut ObjectName) -> ControlFlow<()> {
        if let [ObjectNamePart::Identifier(name)] = name.0.as_mut_slice() {
            self.spell(name);
        } else if let Some(relation) = self.relations.get(&relation_name(name)) {
            let parts = relation.name.split('.').map(|part| ObjectNamePart::Identifier(Ident::new(part)));
            name.0 = parts.collect();
        }
        ControlFlow::Continue(())
    }
}
