//! `/metrics`: what there is to measure, for an operator's tools.

use axum::http::{Method, StatusCode};
use stepwell::measure::METRICS;

use crate::definitions::{PASS, WAIT};
use crate::protocol::Face;

/// The value of a sample; the recorder is the whole process's, so other tests are counted too.
fn value(metrics: &str, sample: &str) -> Option<f64> {
    let lines = metrics.lines().filter_map(|line| line.rsplit_once(' '));
    let mut values = lines.filter(|(name, _)| *name == sample);
    values.next().map(|(_, value)| value.parse().unwrap())
}

#[tokio::test]
async fn the_metrics_tell_what_has_happened() {
    let face = Face::new().await;
    for (name, definition) in [("passing", PASS), ("waiting", WAIT)] {
        let path = format!("/v1/state-machines/{name}");
        face.rest(Method::PUT, &path, definition).await;
        let started = face
            .rest(Method::POST, &format!("{path}/executions"), "{}")
            .await;
        assert_eq!(started.status, StatusCode::CREATED);
    }
    face.call("DescribeExecution", "{}").await;
    face.call("GetActivityTask", "{}").await;
    face.call("MadeUp", "{}").await;

    let answer = face.get("/metrics").await;
    assert_eq!(answer.status, StatusCode::OK);
    let content_type = answer.headers["content-type"].to_str().unwrap();
    assert!(content_type.starts_with("text/plain; version=0.0.4"));
    let at_least = |sample: &str, least: f64| {
        let found = value(&answer.body, sample);
        assert!(found >= Some(least), "{sample}: {found:?}\n{}", answer.body);
    };
    at_least("stepwell_executions_started_total", 2.0);
    at_least(
        r#"stepwell_executions_closed_total{status="SUCCEEDED"}"#,
        1.0,
    );
    at_least("stepwell_executions_open", 0.0);
    at_least(
        r#"stepwell_requests_total{operation="StartExecution",code="OK"}"#,
        2.0,
    );
    at_least(
        r#"stepwell_requests_total{operation="DescribeExecution",code="ValidationException"}"#,
        1.0,
    );
    at_least(
        r#"stepwell_request_seconds_count{operation="StartExecution"}"#,
        2.0,
    );
    // What waits for work is no measure of the server.
    at_least("stepwell_poll_seconds_count", 1.0);
    let polls = r#"stepwell_request_seconds_count{operation="GetActivityTask"}"#;
    assert_eq!(value(&answer.body, polls), None);
    assert!(!answer.body.contains("MadeUp"), "anybody could add to it");
    assert!(
        answer
            .body
            .contains("# HELP stepwell_executions_open Executions that have not ended")
    );
}

#[test]
fn metrics_have_the_names_that_prometheus_asks_for() {
    use stepwell::measure::Kind;
    for metric in METRICS {
        let ending = match metric.kind {
            Kind::Counter => "_total",
            Kind::Seconds => "_seconds",
            Kind::Gauge | Kind::Number => "",
        };
        let name = metric.name;
        assert!(
            name.starts_with("stepwell_") && name.ends_with(ending),
            "{name}"
        );
        assert!(metric.help.ends_with('.'), "{name}");
    }
}
