//! `engine sql`: questions to the warehouse, with all tables as of one epoch.

use std::io::{self, IsTerminal, Read};
use std::path::{Path, PathBuf};

use clap::Args;

use crate::connectors;
use crate::ending::{Failure, Outcome};
use crate::job_file::JobFile;
use crate::warehouse;

mod answer;
mod columns;
mod output;
mod prompt;
mod state;

use output::Format;
use query::{QueryError, Session};

/// Asks the warehouse in SQL: one query, a file of them, or a prompt
#[derive(Debug, Args)]
#[command(after_help = "\
All tables of a job are read as of its last published epoch, so that they fit together while the job goes on. With --job, state('gold.table') is what that table's operators keep, as of the last committed epoch. Only reading is possible. Without QUERY and -f there is a prompt: statements end with `;`, \\d lists the tables, \\d TABLE their columns, \\? the rest. Times are UTC.

Examples:
  engine sql --job jobs/ecommerce.toml
  engine sql --job jobs/ecommerce.toml \"SELECT event_type, sum(event_count) FROM gold.event_counts GROUP BY event_type\"
  engine sql --job jobs/ecommerce.toml \"SELECT * FROM state('gold.session_metrics') LIMIT 5\"
  engine sql --warehouse s3://lake/shop --format csv \"SELECT * FROM gold.purchase_metrics\" > purchases.csv
  engine sql -f questions.sql --format json")]
pub struct Arguments {
    /// The query, or several with `;` between them
    #[arg(value_name = "QUERY", conflicts_with = "file")]
    query: Option<String>,

    /// File with the queries; - is stdin
    #[arg(short, long, value_name = "FILE")]
    file: Option<PathBuf>,

    /// Job file that says where the warehouse and the checkpoint are
    #[arg(long, value_name = "JOB", conflicts_with = "warehouse")]
    job: Option<PathBuf>,

    /// Folder or s3://bucket/prefix of the warehouse [default: $WAREHOUSE, or the folder `warehouse`]
    #[arg(long, value_name = "URL")]
    warehouse: Option<String>,

    /// How rows are written
    #[arg(long, value_enum, default_value_t = Format::Table)]
    format: Format,
}

/// Runs the command.
pub fn run(arguments: &Arguments) -> Outcome {
    let text = arguments.text()?;
    let location = arguments.location()?;
    let runtime = tokio::runtime::Runtime::new().map_err(|error| {
        Failure::Failed(format!("no threads can be started: {error}; is the system out of memory?"))
    })?;
    runtime.block_on(async {
        let warehouse = connectors::registry().warehouse(&location).await.map_err(QueryError::from)?;
        let mut session =
            Session::open(warehouse, arguments.job.clone().map(state::reader), query::TypeRules::default()).await?;
        if let Some(path) = &arguments.job {
            define_functions(&session, path)?;
        }
        match text {
            Some(text) => answer::write(&session, &text, arguments.format, &mut io::stdout().lock()).await.map(|_| ()),
            None => prompt::run(&mut session, arguments.format, io::stdin().is_terminal()).await,
        }
    })
}

/// Makes the functions of a job known to the session.
fn define_functions(session: &Session, path: &Path) -> Result<(), Failure> {
    let job = JobFile { path: path.to_path_buf(), overrides: Vec::new() }.read()?;
    let defined = session.define(|context| plan::register_functions(context, &job, query::TypeRules::default()));
    match defined.problems.first() {
        None => Ok(()),
        Some((name, problem)) => {
            let text = format!("function {name} of {}: {}\n  {}", path.display(), problem.message, problem.help);
            Err(Failure::WrongInput(text))
        }
    }
}

impl Arguments {
    /// The queries, if they are not asked for one by one.
    fn text(&self) -> Result<Option<String>, Failure> {
        let Some(file) = &self.file else { return Ok(self.query.clone()) };
        let read = if file == Path::new("-") {
            let mut text = String::new();
            io::stdin().read_to_string(&mut text).map(|_| text)
        } else {
            std::fs::read_to_string(file)
        };
        let text = read.map_err(|error| {
            Failure::WrongInput(format!("{} cannot be read: {error}\n  give a file with SQL in it", file.display()))
        })?;
        Ok(Some(text))
    }

    /// Where the warehouse is.
    fn location(&self) -> Result<String, Failure> {
        let (location, remedy) = match (&self.job, &self.warehouse) {
            (Some(path), _) => {
                let job = JobFile { path: path.clone(), overrides: Vec::new() }.read()?;
                (job.warehouse, format!("run the job first: engine submit {}", path.display()))
            }
            (None, Some(location)) => {
                (location.clone(), "give the folder that stands as `warehouse` in the job file".to_owned())
            }
            (None, None) => {
                let location = std::env::var("WAREHOUSE").ok().filter(|location| !location.is_empty());
                let remedy = "say which one: --job JOB, --warehouse URL, or the variable WAREHOUSE".to_owned();
                (location.unwrap_or_else(|| "warehouse".to_owned()), remedy)
            }
        };
        warehouse::check_is_there(&location, &remedy)?;
        Ok(location)
    }
}
