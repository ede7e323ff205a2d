//! Records that a source finds to be lost: the job stops, and a start tells it again until somebody goes on without them.

use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex};

use connector::{
    DataLoss, PlanRequest, ReaderOptions, Source, SourceConnector, SourceError, SourcePlanner, SourceReader,
};
use epoch::{DataGap, Positions, SourcePlan};
use job::Job;

use super::{TABLES, feed, open};

/// What the source does when it is asked, and what it was told.
#[derive(Default)]
struct Script {
    loses: bool,
    goes_on: bool,
    told: Vec<Vec<DataGap>>,
}

/// Topics in memory, that lose records by script.
#[derive(Clone)]
struct Lossy {
    topics: ::memory::MemoryConnector,
    script: Arc<Mutex<Script>>,
}

struct LossySource(Arc<dyn Source>, Arc<Mutex<Script>>);

struct LossyPlanner(Box<dyn SourcePlanner>, Arc<Mutex<Script>>);

fn gap() -> DataGap {
    DataGap { stream: "clicks".into(), partition: 1, from: 9.into(), until: 4.into(), reason: "it was cut back".into() }
}

impl SourceConnector for Lossy {
    fn reads(&self, connector: &str) -> bool {
        self.topics.reads(connector)
    }

    fn open(&self, source: &job::Source, job: &Job) -> Result<Arc<dyn Source>, SourceError> {
        Ok(Arc::new(LossySource(self.topics.open(source, job)?, Arc::clone(&self.script))))
    }
}

impl Source for LossySource {
    fn planner(&self, stop: &Arc<AtomicBool>) -> Result<Box<dyn SourcePlanner>, SourceError> {
        Ok(Box::new(LossyPlanner(self.0.planner(stop)?, Arc::clone(&self.1))))
    }

    fn reader(&self, options: &ReaderOptions) -> Result<Box<dyn SourceReader>, SourceError> {
        self.0.reader(options)
    }
}

impl SourcePlanner for LossyPlanner {
    fn title(&self) -> &'static str {
        self.0.title()
    }

    fn plan(&mut self, request: &PlanRequest<'_>) -> Result<SourcePlan, SourceError> {
        let mut script = self.1.lock().unwrap();
        script.told.push(request.reported.to_vec());
        let found = if script.loses { vec![gap()] } else { request.reported.to_vec() };
        match DataLoss::of("clicks", &found).filter(|_| !script.goes_on) {
            Some(loss) => Err(SourceError::DataLoss(Box::new(loss))),
            None => Ok(SourcePlan { gaps: found, ..self.0.plan(request)? }),
        }
    }

    fn span(&self, plan: &SourcePlan) -> u64 {
        self.0.span(plan)
    }

    fn lag(&self, plan: &SourcePlan) -> u64 {
        self.0.lag(plan)
    }

    fn acknowledge(&self, end: &Positions) {
        self.0.acknowledge(end);
    }
}

#[test]
fn fault_6_what_a_job_stopped_for_is_told_to_the_source_again_until_an_epoch_goes_on_without_it() {
    let mut run = open(TABLES);
    let script = Arc::new(Mutex::new(Script::default()));
    let source = Lossy { topics: run.place.topics.clone(), script: Arc::clone(&script) };
    run.backends.registry =
        connector::Registry::new(Arc::new(::memory::MemorySink::default())).with_source(Arc::new(source));
    run.restart().unwrap();
    feed(&run, 0);
    run.step().unwrap();
    let committed = run.epochs_committed();

    feed(&run, 1);
    script.lock().unwrap().loses = true;
    let stopped = run.step().unwrap_err().to_string();
    assert!(stopped.contains("clicks [1]: from offset 9 to 4: it was cut back"), "{stopped}");
    // The log has grown since: nothing of it shows, but each start is told.
    script.lock().unwrap().loses = false;
    for _ in 0..2 {
        run.restart().unwrap();
        assert_eq!(run.step().unwrap_err().to_string(), stopped);
        assert_eq!(script.lock().unwrap().told.last(), Some(&vec![gap()]));
    }
    assert_eq!(run.checkpoint().unwrap().losses().unwrap().get("clicks"), Some(&vec![gap()]));
    assert_eq!(run.epochs_committed(), committed);

    script.lock().unwrap().goes_on = true;
    run.step().unwrap();
    let commits = run.commits_since(committed).unwrap();
    assert_eq!(commits[0].plan.sources["clicks"].gaps, [gap()]);
    assert!(run.checkpoint().unwrap().losses().unwrap().is_empty());
    feed(&run, 2);
    run.step().unwrap();
    run.restart().unwrap();
    feed(&run, 4);
    run.step().unwrap();
    assert_eq!(script.lock().unwrap().told.last(), Some(&Vec::new()), "it is told no more");
    let gaps =
        run.commits_since(0).unwrap().iter().map(|commit| commit.plan.sources["clicks"].gaps.len()).sum::<usize>();
    assert_eq!(gaps, 1);
}
