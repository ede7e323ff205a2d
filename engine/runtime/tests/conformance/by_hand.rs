//! Jobs for the cases whose query is stated in words or is no SQL, and the cases in which this engine does better than Spark.

/// A case that Spark refuses, or answers worse, for no reason but its engine.
pub struct Better {
    /// Name of the case.
    pub case: &'static str,
    /// What `docs/spark-differences.md` says of it.
    pub documented: &'static str,
    /// What is played.
    pub steps: Steps,
}

/// The steps of a case that is better here, in the notation of the cases.
pub enum Steps {
    /// These, since the case has none.
    Own(&'static str),
    /// Those of the case, with another one in the place of this one, counted from 1.
    Changed(usize, &'static str),
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
    (
        "V4 dedup within watermark",
        r#"
[table.silver.first]
sql = "SELECT k, t FROM input"
deduplicate = { keys = ["k"], within = "10 minutes" }
[table.gold.answer]
sql = "SELECT k FROM silver.first"
"#,
    ),
];

/// Where this engine does better, at most eight.
pub const BETTER: &[Better] = &[
    // Spark logs a batch's offsets and time before it reads; an epoch here has happened, with its time, or it never did.
    Better {
        case: "prune results by current_time, complete mode (batch timestamp is logged, replay uses logged time)",
        documented: "An epoch that did not commit is planned afresh",
        steps: Steps::Changed(15, r#"{"check_last": [[85, 1]]}"#),
    },
    // Spark forgets at a restart how far each source was, so its watermark waits until all of them deliver again.
    Better {
        case: "watermark with 2 streams (global watermark = min, survives restart)",
        documented: "A restart changes no watermark: how far each source was is stored",
        steps: Steps::Changed(34, r#"{"watermark": 190}"#),
    },
    Better {
        case: "update mode - session window -> rejected by Spark",
        documented: "Session windows in update mode",
        steps: Steps::Own(
            r#"[
            {"add": {"input": [["hello backends spark streaming", 40], ["backends hello structured streaming", 41]]}},
            {"check_new": [["hello", 40, 51, 11, 2], ["backends", 40, 51, 11, 2], ["streaming", 40, 51, 11, 2],
                           ["spark", 40, 50, 10, 1], ["structured", 41, 51, 10, 1]]},
            {"add": {"input": [["spark streaming", 25]]}},
            {"check_new": [["spark", 25, 35, 10, 1], ["streaming", 25, 35, 10, 1]]},
            {"state_rows": {"total": [7, 7], "updated": [7, 7], "dropped_by_watermark": [0, 0]}},
            {"add": {"input": [["spark streaming", 0]]}},
            {"check_new": []},
            {"state_rows": {"total": [7, 7], "updated": [0, 0], "dropped_by_watermark": [0, 2]}},
            {"add": {"input": [["spark streaming", 30]]}},
            {"check_new": [["spark", 25, 50, 25, 3], ["streaming", 25, 51, 26, 4]]},
            {"check_all": [["spark", 25, 50, 25, 3], ["streaming", 25, 51, 26, 4], ["hello", 40, 51, 11, 2],
                           ["backends", 40, 51, 11, 2], ["structured", 41, 51, 10, 1]]},
            {"state_rows": {"total": [5, 5]}},
            {"restart": true},
            {"add": {"input": [["hello apache spark", 60]]}},
            {"check_new": [["hello", 60, 70, 10, 1], ["apache", 60, 70, 10, 1], ["spark", 60, 70, 10, 1]]},
            {"add": {"input": [["structured streaming", 90]]}},
            {"check_new": [["structured", 90, 100, 10, 1], ["streaming", 90, 100, 10, 1]]},
            {"check_all": [["spark", 25, 50, 25, 3], ["streaming", 25, 51, 26, 4], ["hello", 40, 51, 11, 2],
                           ["backends", 40, 51, 11, 2], ["structured", 41, 51, 10, 1], ["hello", 60, 70, 10, 1],
                           ["apache", 60, 70, 10, 1], ["spark", 60, 70, 10, 1], ["structured", 90, 100, 10, 1],
                           ["streaming", 90, 100, 10, 1]]},
            {"state_rows": {"total": [10, 5]}},
            {"add": {"input": [["hello", 1300]]}},
            {"check_new": [["hello", 1300, 1310, 10, 1]]},
            {"state_rows": {"total": [1, 1]}},
            {"restart": true},
            {"add": {"input": [["hello hello", 1310], ["spark", 70]]}},
            {"check_new": [["hello", 1300, 1320, 20, 3]]},
            {"state_rows": {"total": [1, 1], "dropped_by_watermark": [0, 1]}}
            ]"#,
        ),
    },
    Better {
        case: "global session window (no key) -> rejected by Spark",
        documented: "Session windows without a key",
        steps: Steps::Own(
            r#"[
            {"add": {"input": [[1], [3], [20]]}},
            {"check_new": [[2]]},
            {"state_rows": {"total": 1}},
            {"add": {"input": [[1], [22], [36]]}},
            {"check_new": []},
            {"state_rows": {"total": 2, "dropped_by_watermark": 1}},
            {"restart": true},
            {"add": {"input": [[45]]}},
            {"check_new": [[2]]},
            {"check_all": [[2], [2]]}
            ]"#,
        ),
    },
];

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
