//! Jobs for the cases whose query is stated in words or is no SQL, and the cases in which this engine does better than Spark.

/// A case that Spark refuses, or answers worse, for no reason but its engine. Each stands in `docs/spark-differences.md`.
pub struct Better {
    /// Name of the case.
    pub case: &'static str,
    /// Why the answer is right.
    pub why: &'static str,
    /// The steps that are played, in the notation of the cases.
    pub steps: &'static str,
}

/// The tables of a case, if they are written by hand.
pub fn tables(case: &str) -> Option<&'static str> {
    JOBS.iter().find(|(name, _)| *name == case).map(|(_, tables)| *tables)
}

/// How a case is better here, if it is.
pub fn better(case: &str) -> Option<&'static Better> {
    BETTER.iter().find(|better| better.case == case)
}

/// Tables by case.
pub const JOBS: &[(&str, &str)] = &[
    (
        "deduplicate with some columns",
        r#"
[table.gold.answer]
sql = "SELECT k, v FROM input"
deduplicate = { keys = ["k"], within = "ever" }
"#,
    ),
    (
        "multiple deduplicates",
        r#"
[table.silver.pairs]
sql = "SELECT k, v FROM input"
deduplicate = { keys = ["k", "v"], within = "ever" }
[table.gold.answer]
sql = "SELECT k, v FROM silver.pairs"
deduplicate = { keys = ["k"], within = "ever" }
"#,
    ),
    (
        "deduplicate with watermark",
        r#"
[table.gold.answer]
sql = "SELECT CAST(eventTime AS BIGINT) AS s FROM (SELECT DISTINCT value, eventTime FROM input)"
"#,
    ),
    (
        "deduplicate with aggregate - append mode",
        r#"
[table.gold.answer]
sql = """SELECT CAST(window.start AS BIGINT) AS s, count(*) AS c FROM (SELECT DISTINCT value, eventTime FROM input)
         GROUP BY window(eventTime, '5 seconds')"""
"#,
    ),
    (
        "SPARK-19841: watermarkPredicate should filter based on keys",
        r#"
[table.gold.answer]
sql = "SELECT id FROM (SELECT DISTINCT id, time FROM input)"
"#,
    ),
    (
        "SPARK-21546: dropDuplicates ignores watermark when it is not a key",
        r#"
[table.gold.answer]
sql = "SELECT id, CAST(time AS BIGINT) AS s FROM input"
deduplicate = { keys = ["id"], within = "ever" }
"#,
    ),
    (
        "all columns",
        r#"
[table.silver.first]
sql = "SELECT value, eventTime FROM input"
deduplicate = { within = "10 seconds" }
[table.gold.answer]
sql = "SELECT CAST(eventTime AS BIGINT) AS s FROM silver.first"
"#,
    ),
    (
        "subset without event time",
        r#"
[table.silver.first]
sql = "SELECT k, eventTime FROM input"
deduplicate = { keys = ["k"], within = "2 seconds" }
[table.gold.answer]
sql = "SELECT k, CAST(eventTime AS BIGINT) AS s FROM silver.first"
"#,
    ),
    (
        "window agg -> window agg, append mode",
        r#"
[table.gold.answer]
sql = """SELECT CAST(window.start AS BIGINT) AS s, count(*) AS c, sum(cnt) AS total
         FROM (SELECT window AS w, count(*) AS cnt FROM input GROUP BY window(eventTime, '5 seconds'))
         GROUP BY window(w, '10 seconds')"""
"#,
    ),
    (
        "agg -> agg -> agg, append mode",
        r#"
[table.gold.answer]
sql = """SELECT CAST(window.start AS BIGINT) AS s, CAST(window.end AS BIGINT) AS e, count(*) AS c, sum(sum5) AS total
         FROM (SELECT window AS w10, count(*) AS cnt, sum(c5) AS sum5
               FROM (SELECT window AS w5, count(*) AS c5 FROM input GROUP BY window(eventTime, '5 seconds'))
               GROUP BY window(window_time(w5), '10 seconds'))
         GROUP BY window(window_time(w10), '20 seconds')"""
"#,
    ),
    (
        "stream deduplication -> aggregation, append mode",
        r#"
[table.gold.answer]
sql = """SELECT CAST(window.start AS BIGINT) AS s, count(*) AS c FROM (SELECT DISTINCT value, eventTime FROM input)
         GROUP BY window(eventTime, '5 seconds')"""
"#,
    ),
    (
        "aggregation -> stream deduplication, append mode",
        r#"
[table.gold.answer]
sql = """SELECT CAST(windowEnd AS BIGINT) AS e, cnt FROM (SELECT DISTINCT cnt, windowEnd FROM
         (SELECT window.end AS windowEnd, count(*) AS cnt FROM input GROUP BY window(eventTime, '5 seconds')))"""
"#,
    ),
];

/// Where this engine does better, at most eight.
pub const BETTER: &[Better] = &[];

/// What a refusal must say where Spark says this: its error condition, where it has one, and the words that matter.
pub fn refusal(error: &str) -> &'static [&'static str] {
    const UNSUPPORTED: &str = "[STREAMING_OUTPUT_MODE.UNSUPPORTED_OPERATION]";
    let known: &[(&str, &[&str])] = &[
        ("should not be negative", &["delay", "-10 seconds", "must not be negative"]),
        (
            "append output mode not supported (streaming aggregation without watermark)",
            &[UNSUPPORTED, "not supported", "aggregation", "without watermark"],
        ),
        (
            "Stream-stream join without equality predicate is not supported",
            &["Stream-stream join without equality predicate is not supported"],
        ),
    ];
    known.iter().find(|(spark, _)| *spark == error).map_or(&["no such refusal is known"], |(_, words)| words)
}
