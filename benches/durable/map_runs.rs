//! Map Runs with many children: how fast these come and go, and what they take in memory.

use std::path::Path;
use std::time::Instant;

use serde_json::{Value, json};
use stepwell::{Engine, TaskError};
use stepwell_benches::FUNCTION;
use tokio::runtime::Runtime;

use crate::parked::resident;
use crate::row;

/// Children of both kinds that end at once, and such that run a task.
pub(crate) fn children(folder: &Path, count: usize) {
    let pass = json!({"Type": "Pass", "End": true});
    let task = json!({"Type": "Task", "Resource": FUNCTION, "End": true});
    for (kind, type_name) in [("STANDARD", "Standard"), ("EXPRESS", "Express")] {
        for (inner, what) in [(&pass, "a Pass state"), (&task, "a task, a closure")] {
            let file = folder.join(format!("children-{kind}-{}.db", inner["Type"]));
            let (rate, mebibytes) = run(&file, kind, inner, count);
            row(
                &format!("a Map Run of {count} {type_name} children with {what}"),
                format!("{rate:.0} children/s, {mebibytes} MiB more than before at the end"),
                "",
            );
        }
    }
}

/// Children per second, and by how much the memory of the process grew.
fn run(file: &Path, kind: &str, inner: &Value, count: usize) -> (f64, u64) {
    let runtime = Runtime::new().expect("there are threads");
    let definition = json!({"StartAt": "Each", "States": {"Each": {
        "Type": "Map",
        "ItemProcessor": {
            "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": kind},
            "StartAt": "Inner",
            "States": {"Inner": inner},
        },
        "End": true,
    }}})
    .to_string();
    runtime.block_on(async {
        let answer = |input: Value| async move { Ok::<_, TaskError>(input) };
        let builder = Engine::builder().database(file).task(FUNCTION, answer);
        let engine = builder.build().await.expect("the engine starts");
        let created = engine.create_state_machine("each", &definition).await;
        let machine = created.expect("the definition is valid");
        let before = resident();
        let begun = Instant::now();
        let execution = engine.start(&machine, json!(vec![0; count])).await;
        let outcome = execution.expect("it starts").outcome().await;
        let rate = count as f64 / begun.elapsed().as_secs_f64();
        let output = outcome.expect("it ends").output.expect("it succeeds");
        assert_eq!(output.as_array().map(Vec::len), Some(count));
        (rate, resident().saturating_sub(before) >> 20)
    })
}
