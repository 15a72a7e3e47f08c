//! What there is to measure, in the format of Prometheus.

use std::sync::LazyLock;
use std::thread;
use std::time::Duration;

use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use stepwell::measure::{Kind, METRICS};
use stepwell::{Engine, OperationError};

use crate::api::ApiError;

/// Counter of requests, by operation and by the code of their error.
const REQUESTS: &str = "stepwell_requests_total";

/// Seconds that requests took, by operation.
const REQUEST_SECONDS: &str = "stepwell_request_seconds";

/// Seconds that polls for a task took, with the wait for one.
const POLL_SECONDS: &str = "stepwell_poll_seconds";

/// The operation that waits for something to come: that is no measure of the server.
const LONG_POLL: &str = "GetActivityTask";

const FORMAT: &str = "text/plain; version=0.0.4; charset=utf-8";

/// How often what was recorded is summed up.
const UPKEEP: Duration = Duration::from_secs(5);

/// Seconds that a distribution tells apart.
const SECONDS: [f64; 12] = [
    0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0, 60.0,
];

/// Numbers that a distribution tells apart.
const NUMBERS: [f64; 8] = [1.0, 2.0, 5.0, 10.0, 30.0, 100.0, 300.0, 1000.0];

/// The recorder of this process. There can be one only: if the program that embeds the server has
/// installed another, that one gets everything, and this one shows nothing.
static RECORDER: LazyLock<PrometheusHandle> = LazyLock::new(|| {
    let recorder = builder().build_recorder();
    let handle = recorder.handle();
    if metrics::set_global_recorder(recorder).is_err() {
        tracing::warn!("/metrics shows nothing: another recorder was installed before");
    }
    describe();
    keep_up(handle.clone());
    handle
});

/// Sums up what was recorded, for as long as the process lives: without that, what nobody asks for
/// would pile up in memory.
fn keep_up(handle: PrometheusHandle) {
    let keeping = thread::Builder::new()
        .name("stepwell-metrics".to_owned())
        .spawn(move || {
            loop {
                thread::sleep(UPKEEP);
                handle.run_upkeep();
            }
        });
    if let Err(error) = keeping {
        tracing::error!(%error, "what is measured piles up in memory");
    }
}

fn builder() -> PrometheusBuilder {
    let builder = METRICS
        .iter()
        .fold(PrometheusBuilder::new(), |builder, metric| {
            match metric.kind {
                Kind::Number => builder
                    .set_buckets_for_metric(Matcher::Full(metric.name.to_owned()), &NUMBERS)
                    .expect("there are buckets"),
                Kind::Counter | Kind::Gauge | Kind::Seconds => builder,
            }
        });
    builder.set_buckets(&SECONDS).expect("there are buckets")
}

fn describe() {
    for metric in METRICS {
        match metric.kind {
            Kind::Counter => metrics::describe_counter!(metric.name, metric.help),
            Kind::Gauge => metrics::describe_gauge!(metric.name, metric.help),
            Kind::Seconds | Kind::Number => {
                metrics::describe_histogram!(metric.name, metric.help);
            }
        }
    }
    metrics::describe_counter!(
        REQUESTS,
        "Requests, by operation and by the code of their error."
    );
    metrics::describe_histogram!(
        REQUEST_SECONDS,
        "How long requests took, by operation; those that wait for a task are in stepwell_poll_seconds."
    );
    metrics::describe_histogram!(
        POLL_SECONDS,
        "How long requests for a task of an activity took, with the wait for one."
    );
}

/// Begins to measure, if nobody has yet.
pub(crate) fn begin() {
    LazyLock::force(&RECORDER);
}

/// A request was answered. Only known operations have a name here, so that nobody can make up
/// any number of them.
pub(crate) fn request(operation: &'static str, error: Option<&'static str>, took: Duration) {
    let code = error.unwrap_or("OK");
    metrics::counter!(REQUESTS, "operation" => operation, "code" => code).increment(1);
    if operation == LONG_POLL {
        metrics::histogram!(POLL_SECONDS).record(took);
    } else {
        metrics::histogram!(REQUEST_SECONDS, "operation" => operation).record(took);
    }
}

/// `GET /metrics`.
pub(crate) async fn show(State(engine): State<Engine>) -> Response {
    if let Err(error) = engine.measure().await {
        return ApiError::from(OperationError::from(error)).into_response();
    }
    RECORDER.run_upkeep();
    ([(header::CONTENT_TYPE, FORMAT)], RECORDER.render()).into_response()
}
