//! DataFusion's errors as problems of the SQL text: Spark's name, the place, the nearest name.

use std::sync::OnceLock;

use datafusion::common::SchemaError;
use datafusion::error::DataFusionError;
use expr::display::plain_text;

use crate::problem::SqlProblem;
use crate::session::{BatchClock, planning_session};

/// Turns an error of planning into a problem of the text.
pub fn to_problem(error: &DataFusionError, sql: &str) -> SqlProblem {
    let mut problem = match error.find_root() {
        DataFusionError::SchemaError(schema, _) => of_schema(schema, sql),
        root => of_text(&root.strip_backtrace(), sql),
    };
    if let Some(span) = error.diagnostic().and_then(|diagnostic| diagnostic.span) {
        problem = problem.at_line(sql, span.start.line, span.start.column);
    }
    problem
}

fn of_schema(error: &SchemaError, sql: &str) -> SqlProblem {
    match error {
        SchemaError::FieldNotFound { field, valid_fields } => {
            let qualifier = field.relation.as_ref().map(|relation| relation.table().to_string());
            let is_table = |name: &String| {
                let mut tables = valid_fields.iter().filter_map(|field| field.relation.as_ref());
                tables.any(|table| table.table().eq_ignore_ascii_case(name))
            };
            if let Some(table) = qualifier.filter(|name| !is_table(name)) {
                let help = "name a table of FROM, by its alias if it has one";
                return SqlProblem::new(format!("there is no table `{table}` in FROM"), help)
                    .code("UNRESOLVED_COLUMN.WITH_SUGGESTION")
                    .at_text(sql, &format!("{table}."));
            }
            let known: Vec<&str> = valid_fields.iter().map(|field| field.name.as_str()).collect();
            let help = match nearest(&field.name, &known) {
                Some(name) => format!("did you mean `{name}`? The columns are: {}", shorten(&known)),
                None => format!("the columns are: {}", shorten(&known)),
            };
            SqlProblem::new(format!("there is no column `{}`", field.name), help)
                .code("UNRESOLVED_COLUMN.WITH_SUGGESTION")
                .at_text(sql, &field.name)
        }
        SchemaError::AmbiguousReference { field } => SqlProblem::new(
            format!("`{}` could be a column of more than one input", field.name),
            "put the table's name in front of it",
        )
        .code("AMBIGUOUS_REFERENCE")
        .at_text(sql, &field.name),
        SchemaError::DuplicateUnqualifiedField { name } | SchemaError::DuplicateQualifiedField { name, .. } => {
            SqlProblem::new(format!("two columns are named `{name}`"), "give one of them another name with AS")
                .code("COLUMN_ALREADY_EXISTS")
                .at_text(sql, name)
        }
    }
}

/// DataFusion's words that a user cannot act on: the part that gives them away, Spark's name, our words (empty: theirs
/// stay), the remedy.
const REPHRASED: &[(&str, &str, &str, &str)] = &[
    (
        "Placeholder '",
        "UNBOUND_SQL_PARAMETER",
        "the query has a parameter, and nothing gives it a value",
        "write the value itself; ${NAME} in a job file is an environment variable",
    ),
    (
        "logical expression AggregateFunction",
        "GROUP_BY_AGGREGATE",
        "an aggregate stands where a value of each row is needed, such as in GROUP BY",
        "compute it in a table of its own and read that",
    ),
    (
        "Aggregate functions are not allowed in the WHERE",
        "INVALID_WHERE_CONDITION",
        "an aggregate in WHERE: rows are left out before they are aggregated",
        "put the condition into HAVING",
    ),
    (
        "require unique expression names",
        "COLUMN_ALREADY_EXISTS",
        "two columns of the result have the same name",
        "give one of them another name with AS",
    ),
    (
        "non-boolean predicate",
        "DATATYPE_MISMATCH.FILTER_NOT_BOOLEAN",
        "",
        "compare it with something, such as amount > 0",
    ),
    ("Cannot infer common argument type", "DATATYPE_MISMATCH", "", "CAST one of the two to the type of the other"),
    ("Cannot access field", "INVALID_EXTRACT_BASE_FIELD_TYPE", "", "only structs have fields, and arrays of structs"),
    ("not found in struct", "FIELD_NOT_FOUND", "", "write a field that the struct has, with its capital letters"),
    ("Cast error:", "DATATYPE_MISMATCH", "", "CAST the argument to the type that the function takes"),
    ("does not support zero arguments", "WRONG_NUM_ARGS.WITHOUT_SUGGESTION", "", "give the function its arguments"),
    ("uplicate map key", "DUPLICATED_MAP_KEY", "a key stands twice in a map", "write each key of a map once"),
    ("map key must be unique", "DUPLICATED_MAP_KEY", "a key stands twice in a map", "write each key of a map once"),
    ("WITHIN GROUP is only supported", "", "", "it belongs to percentile_cont, percentile_disc, mode and listagg"),
    ("Only a single ordering expression", "", "", "order by one expression"),
    ("lambda defined ", "INVALID_LAMBDA_FUNCTION_CALL.NUM_ARGS_MISMATCH", "", "give the lambda fewer arguments"),
    ("the lambda of ", "DATATYPE_MISMATCH.UNEXPECTED_INPUT_TYPE", "", "change what the lambda gives"),
    ("expects ", "WRONG_NUM_ARGS.WITHOUT_SUGGESTION", "", "see docs/sql.md for the functions there are"),
    ("different number of columns", "NUM_COLUMNS_MISMATCH", "", "select as many columns in each part"),
    ("Unsupported SQL type", "UNSUPPORTED_DATATYPE", "", "use a type such as int, bigint, double, string or timestamp"),
];

fn of_text(text: &str, sql: &str) -> SqlProblem {
    let message = PREFIXES.iter().fold(text, |text, prefix| text.trim_start_matches(prefix));
    if let Some(name) = between(message, "Invalid function '", "'") {
        return no_function(name, sql);
    }
    if message.contains("must be in the GROUP BY clause") || message.contains("must appear in the GROUP BY") {
        return missing_aggregation(message, sql);
    }
    if message.contains("calls cannot be nested") {
        return SqlProblem::new(plain_text(&first_line(message)), "make the inner aggregate a table of its own")
            .code("NESTED_AGGREGATE_FUNCTION")
            .at_text(sql, between(message, "is nested inside '", "(").unwrap_or("("));
    }
    if let Some(name) = between(message, "Function '", "' failed to match any signature") {
        let given = between(message, "(DataType: ", ")").map_or("this type".to_string(), plain_text);
        let help = "CAST the argument to a type that the function takes";
        return SqlProblem::new(format!("`{name}` does not take {given}"), help)
            .code("DATATYPE_MISMATCH.UNEXPECTED_INPUT_TYPE")
            .at_text(sql, &format!("{name}("));
    }
    if message.contains("Lambda(LambdaFunction") {
        let help = "a lambda is an argument: transform(items, x -> x + 1)";
        return SqlProblem::new("a lambda stands where a value is needed", help)
            .code("INVALID_LAMBDA_FUNCTION_CALL.NON_HIGHER_ORDER_FUNCTION")
            .at_text(sql, "->");
    }
    if let Some(node) = between(message, "Unsupported ast node ", " {") {
        let help = "write it with joins, aggregates and subqueries";
        return SqlProblem::new(format!("{} is not supported", node.to_uppercase()), help).at_text(sql, node);
    }
    let said = plain_text(&first_line(message.split(" No function matches").next().unwrap_or(message)));
    match REPHRASED.iter().find(|(part, ..)| message.contains(part)) {
        Some((_, "", "", help)) => SqlProblem::new(said, *help),
        Some((_, code, "", help)) => SqlProblem::new(said, *help).code(code),
        Some((_, code, words, help)) => SqlProblem::new(*words, *help).code(code),
        None => SqlProblem::new(said, "change the query so that it can be planned"),
    }
}

/// What DataFusion puts before its messages.
const PREFIXES: &[&str] = &[
    "Error during planning: ",
    "Internal error: ",
    "Execution error: ",
    "Arrow error: ",
    "Cast error: ",
    "This feature is not implemented: ",
];

/// Functions of Spark that are not built, and what to write instead.
const NOT_BUILT: &[(&[&str], &str)] = &[
    (
        &["hll_sketch_agg", "hll_union_agg", "hll_sketch_estimate", "hll_union"],
        "use approx_count_distinct(x), whose state is a sketch of its own, or count(DISTINCT x)",
    ),
    (&["count_min_sketch", "approx_top_k", "histogram_numeric"], "count by value: GROUP BY x, and join that table"),
    (&["schema_of_json", "schema_of_csv"], "write the schema down: from_json(text, 'a INT, b STRING')"),
    (
        &["parse_json", "variant_get", "try_variant_get", "try_parse_json"],
        "use get_json_object(text, '$.a') or from_json",
    ),
    (&["from_xml", "xpath", "schema_of_xml"], "send JSON, or take the parts with regexp_extract"),
    (&["from_avro", "from_protobuf", "to_avro", "to_protobuf"], "set `format` of the source in the job file"),
    (&["stack"], "write explode(array(struct(…), struct(…)))"),
    (
        &["monotonically_increasing_id", "spark_partition_id", "input_file_name"],
        "use the record's place: _topic, _partition, _offset",
    ),
];

/// DataFusion's own suggestion is any of several that are as near: another one in every process.
fn no_function(name: &str, sql: &str) -> SqlProblem {
    let known: Vec<&str> = functions().iter().map(String::as_str).collect();
    let lower = name.to_lowercase();
    if let Some((_, help)) = NOT_BUILT.iter().find(|(names, _)| names.contains(&lower.as_str())) {
        let message = format!("`{lower}` of Spark is not built");
        return SqlProblem::new(message, *help).code("UNRESOLVED_ROUTINE").at_text(sql, name);
    }
    let help = match nearest(&lower, &known) {
        Some(other) => format!("did you mean `{other}`?"),
        None => "see docs/sql.md for the functions there are".to_string(),
    };
    SqlProblem::new(format!("there is no function `{name}`"), help).code("UNRESOLVED_ROUTINE").at_text(sql, name)
}

/// The names of all functions that a query may call, sorted.
fn functions() -> &'static [String] {
    static NAMES: OnceLock<Vec<String>> = OnceLock::new();
    NAMES.get_or_init(|| {
        let Ok(context) = planning_session(&BatchClock::default()) else { return Vec::new() };
        let state = context.state();
        let scalar = state.scalar_functions().keys();
        let of_rows = state.aggregate_functions().keys().chain(state.window_functions().keys());
        let all = scalar.chain(of_rows).chain(state.higher_order_functions().keys());
        let mut names: Vec<String> = all.filter(|name| !name.starts_with("__")).cloned().collect();
        names.sort();
        names.dedup();
        names
    })
}

fn missing_aggregation(message: &str, sql: &str) -> SqlProblem {
    let column = between(message, "column \"", "\"").map(|name| name.rsplit('.').next().unwrap_or(name));
    let what = match column {
        Some(column) => format!("`{column}` is neither in GROUP BY nor in an aggregate"),
        None => plain_text(&first_line(message)),
    };
    SqlProblem::new(what, "add the column to GROUP BY, or put it into an aggregate such as max(…)")
        .code("MISSING_AGGREGATION")
        .at_text(sql, column.unwrap_or("GROUP BY"))
}

/// A problem of a text that is not SQL.
pub fn of_parser(text: &str, sql: &str) -> SqlProblem {
    let message = text.trim_start_matches("sql parser error: ");
    let (what, place) = match message.rsplit_once(" at Line: ") {
        Some((what, place)) => (what, place.split_once(", Column: ")),
        None => (message, None),
    };
    let problem = SqlProblem::new(
        what.to_string(),
        "check the SQL around here; strings take single quotes, names with special characters backticks",
    )
    .code("PARSE_SYNTAX_ERROR");
    match place.and_then(|(line, column)| Some((line.trim().parse().ok()?, column.trim().parse().ok()?))) {
        Some((line, column)) => problem.at_line(sql, line, column),
        None => problem,
    }
}

/// The known name nearest to `name`, if one is near enough to be meant.
pub fn nearest<'a>(name: &str, known: &[&'a str]) -> Option<&'a str> {
    let scored =
        known.iter().map(|other| (datafusion::common::utils::datafusion_strsim::levenshtein(name, other), *other));
    scored
        .min_by_key(|(distance, _)| *distance)
        .filter(|(distance, other)| *distance <= 1 + other.len().min(name.len()) / 3)
        .map(|(_, other)| other)
}

/// At most a dozen names, so that a message stays readable.
pub fn shorten(names: &[&str]) -> String {
    match names.len() {
        0..=12 => names.join(", "),
        count => format!("{}, … ({count} in all)", names[..12].join(", ")),
    }
}

fn first_line(text: &str) -> String {
    text.lines().next().unwrap_or(text).to_string()
}

fn between<'a>(text: &'a str, before: &str, after: &str) -> Option<&'a str> {
    let start = text.find(before)? + before.len();
    let length = text[start..].find(after)?;
    Some(&text[start..start + length])
}
