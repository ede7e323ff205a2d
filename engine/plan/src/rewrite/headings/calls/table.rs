//! What Spark calls its functions, and what it fills in for arguments that are left out (recorded from Spark 4.3).

/// Functions whose names Spark writes in capitals.
const CAPITALS: [&str; 39] = [
    "rank",
    "dense_rank",
    "percent_rank",
    "acos",
    "acosh",
    "asin",
    "asinh",
    "atan",
    "atan2",
    "atanh",
    "cbrt",
    "cos",
    "cosh",
    "cot",
    "csc",
    "degrees",
    "e",
    "exp",
    "expm1",
    "hypot",
    "log",
    "log10",
    "log1p",
    "log2",
    "pi",
    "power",
    "radians",
    "regexp",
    "regexp_like",
    "rlike",
    "sec",
    "signum",
    "sin",
    "sinh",
    "sqrt",
    "tan",
    "tanh",
    "ceil",
    "floor",
];

/// The order in which `array_sort` sorts.
const SMALLER_FIRST: &str = "lambdafunction((IF(((namedlambdavariable() IS NULL) AND (namedlambdavariable() IS NULL)), 0, \
    (IF((namedlambdavariable() IS NULL), 1, (IF((namedlambdavariable() IS NULL), -1, \
    (IF((namedlambdavariable() < namedlambdavariable()), -1, (IF((namedlambdavariable() > namedlambdavariable()), 1, 0)))))))))), \
    namedlambdavariable(), namedlambdavariable())";

/// What is filled in behind the arguments, and how many there are then.
const DEFAULTS: [(&str, &[&str], usize); 50] = [
    ("array_sort", &[SMALLER_FIRST], 2),
    ("lag", &["1", "NULL"], 3),
    ("lead", &["1", "NULL"], 3),
    ("hll_sketch_agg", &["12"], 2),
    ("hll_union", &["false"], 3),
    ("hll_union_agg", &["false"], 2),
    ("theta_sketch_agg", &["12"], 2),
    ("theta_union", &["12"], 3),
    ("theta_union_agg", &["12"], 2),
    ("tuple_sketch_agg_integer", &["12", "sum"], 4),
    ("tuple_sketch_agg_double", &["12", "sum"], 4),
    ("approx_top_k_accumulate", &["10000"], 2),
    ("aes_encrypt", &["GCM", "DEFAULT", "", ""], 6),
    ("approx_percentile", &["10000"], 3),
    ("percentile_approx", &["10000"], 3),
    ("approx_top_k", &["5", "10000"], 3),
    ("bround", &["0"], 2),
    ("round", &["0"], 2),
    ("from_unixtime", &["yyyy-MM-dd HH:mm:ss"], 2),
    ("hmac", &["SHA-256"], 3),
    ("listagg", &["NULL"], 2),
    ("string_agg", &["NULL"], 2),
    ("locate", &["1"], 3),
    ("lpad", &[" "], 3),
    ("rpad", &[" "], 3),
    ("make_dt_interval", &["0", "0", "0", "0.000000"], 4),
    ("make_interval", &["0", "0", "0", "0", "0", "0", "0.000000"], 7),
    ("try_make_interval", &["0", "0", "0", "0", "0", "0", "0.000000"], 7),
    ("make_ym_interval", &["0", "0"], 2),
    ("mask", &["X", "x", "n", "NULL"], 5),
    ("months_between", &["true"], 3),
    ("overlay", &["-1"], 4),
    ("percentile", &["1"], 3),
    ("regexp_extract", &["1"], 3),
    ("regexp_extract_all", &["1"], 3),
    ("regexp_instr", &["0"], 3),
    ("regexp_replace", &["1"], 4),
    ("replace", &[""], 3),
    ("sentences", &["", ""], 3),
    ("sort_array", &["true"], 2),
    ("split", &["-1"], 3),
    ("str_to_map", &[",", ":"], 3),
    ("substring", &["2147483647"], 3),
    ("to_unix_timestamp", &["yyyy-MM-dd HH:mm:ss"], 2),
    ("variant_set", &["true"], 4),
    ("try_variant_set", &["true"], 4),
    ("variant_strip_nulls", &["true"], 2),
    ("vector_norm", &["2.0"], 2),
    ("vector_normalize", &["2.0"], 2),
    ("unix_timestamp", &["yyyy-MM-dd HH:mm:ss"], 2),
];

/// Functions of which only the first arguments are shown, and how many.
const SHOWN: [(&str, usize); 22] = [
    ("RANK", 0),
    ("DENSE_RANK", 0),
    ("PERCENT_RANK", 0),
    ("from_json", 1),
    ("from_csv", 1),
    ("from_xml", 1),
    ("to_json", 1),
    ("to_csv", 1),
    ("to_xml", 1),
    ("schema_of_json", 1),
    ("schema_of_csv", 1),
    ("schema_of_xml", 1),
    ("first", 1),
    ("last", 1),
    ("first_value", 1),
    ("last_value", 1),
    ("any_value", 1),
    ("approx_count_distinct", 1),
    ("variant_get", 2),
    ("try_variant_get", 2),
    ("make_timestamp_ntz", 6),
    ("try_make_timestamp_ntz", 6),
];

/// Words that are casts when they are called.
const CASTS: [&str; 12] = [
    "string",
    "tinyint",
    "smallint",
    "int",
    "bigint",
    "float",
    "double",
    "boolean",
    "decimal",
    "binary",
    "date",
    "timestamp",
];

/// The name under which Spark shows a function that is called with so many arguments.
pub fn name(name: &str, count: usize) -> String {
    let own = match name {
        "array_agg" => "collect_list",
        "dateadd" => "date_add",
        "substr" => "substring",
        "position" => "locate",
        "to_varchar" => "to_char",
        "current_database" => "current_schema",
        "make_timestamp_ltz" | "try_make_timestamp_ltz" if count <= 3 => "make_timestamp",
        name => name,
    };
    let rounds_to = matches!(own, "ceil" | "ceiling" | "floor") && count > 1;
    if CAPITALS.contains(&own) && !rounds_to { own.to_uppercase() } else { own.to_string() }
}

/// Fills in what is left out, and hides what Spark hides.
pub fn complete(name: &str, arguments: &mut Vec<String>) {
    if let Some((_, shown)) = SHOWN.iter().find(|(known, _)| *known == name) {
        arguments.truncate(*shown);
    }
    let Some((_, defaults, whole)) = DEFAULTS.iter().find(|(known, ..)| *known == name) else { return };
    let missing = whole.saturating_sub(arguments.len()).min(defaults.len());
    arguments.extend(defaults[defaults.len() - missing..].iter().map(|default| default.to_string()));
}

/// Calls that are shown otherwise than as calls.
pub fn own_form(name: &str, arguments: &[String]) -> Option<String> {
    Some(match (name, arguments) {
        ("aggregate" | "reduce", [array, start, merge]) => {
            let finish = "lambdafunction(namedlambdavariable(), namedlambdavariable())";
            format!("{name}({array}, {start}, {merge}, {finish})")
        }
        ("datepart" | "date_part", [field, time]) => format!("{name}({field} FROM {time})"),
        ("div", [left, right]) => format!("({left} div {right})"),
        ("curdate", []) => "current_date()".to_string(),
        ("isnull", [value]) => format!("({value} IS NULL)"),
        ("isnotnull", [value]) => format!("({value} IS NOT NULL)"),
        ("if" | "iff", [condition, then, otherwise]) => format!("(IF({condition}, {then}, {otherwise}))"),
        ("like", [value, pattern]) => format!("{value} LIKE {pattern}"),
        ("like", [value, pattern, escape]) => format!("{value} LIKE {pattern} ESCAPE '{escape}'"),
        ("ilike", [value, pattern, ..]) => format!("ilike({value}, {pattern})"),
        ("positive", [value]) => format!("(+ {value})"),
        ("trim", [what, value]) => format!("TRIM(BOTH {what} FROM {value})"),
        ("ltrim", [what, value]) => format!("TRIM(LEADING {what} FROM {value})"),
        ("rtrim", [what, value]) => format!("TRIM(TRAILING {what} FROM {value})"),
        ("dateadd" | "date_add" | "timestampadd", [unit, count, time]) => {
            format!("timestampadd({}, {count}, {time})", unit.to_uppercase())
        }
        ("datediff" | "date_diff" | "timestampdiff", [unit, from, until]) => {
            format!("timestampdiff({}, {from}, {until})", unit.to_uppercase())
        }
        ("mode", [value, order]) if order == "true" => format!("mode() WITHIN GROUP (ORDER BY {value} DESC)"),
        ("mode", [value, _]) => format!("mode({value})"),
        (name, [value]) if CASTS.contains(&name) => value.clone(),
        _ => return None,
    })
}
