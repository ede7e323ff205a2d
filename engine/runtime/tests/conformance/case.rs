//! A case as `cases.json` has it.

use serde_json::Value;

/// One case of one of Spark's suites.
pub struct Case {
    pub suite: String,
    pub name: String,
    pub sources: Vec<Source>,
    pub sql: String,
    pub mode: String,
    pub conf: Value,
    pub error: Option<String>,
    pub steps: Vec<Value>,
}

/// One source of a case.
pub struct Source {
    pub name: String,
    /// Names and types.
    pub columns: Vec<(String, String)>,
    /// Column and delay.
    pub watermark: Option<(String, String)>,
}

/// All cases of Spark's suites, in the order of the file.
pub fn all() -> Vec<Case> {
    read(include_str!("cases.json"))
}

/// What Spark 4.3 answered when it was run.
pub fn golden() -> Vec<Case> {
    read(include_str!("golden.json"))
}

fn read(text: &str) -> Vec<Case> {
    let cases: Vec<Value> = serde_json::from_str(text).unwrap();
    cases.iter().map(Case::of).collect()
}

impl Case {
    fn of(case: &Value) -> Case {
        let sources = case["sources"].as_object().unwrap().iter().map(|(name, columns)| Source {
            name: name.clone(),
            columns: columns.as_array().unwrap().iter().map(pair).collect(),
            watermark: case["watermark"].get(name).map(pair),
        });
        Case {
            suite: text(&case["suite"]),
            name: text(&case["name"]),
            sources: sources.collect(),
            sql: text(&case["sql"]),
            mode: text(&case["mode"]),
            conf: case["conf"].clone(),
            error: case["error"].as_str().map(str::to_string),
            steps: case["steps"].as_array().cloned().unwrap_or_default(),
        }
    }

    /// A source by its name.
    pub fn source(&self, name: &str) -> Option<&Source> {
        self.sources.iter().find(|source| source.name == name)
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap().to_string()
}

fn pair(value: &Value) -> (String, String) {
    (text(&value[0]), text(&value[1]))
}
